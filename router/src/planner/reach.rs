//! From which subgraph an entity can be asked of which other, in how many fetches, and by which key.

use super::{
    model::{Graph, Model},
    selection::{Sel, Wanted},
};
use std::collections::BTreeMap;

/// How an entity gets to a subgraph.
#[derive(Clone, Debug)]
pub(super) struct Way {
    /// Fetches after the one in which the entity is; at least one.
    pub(super) rounds: usize,
    /// The key that is sent.
    pub(super) key: Vec<Sel>,
}

/// Subgraphs that can be reached, with the way to each.
pub(super) type Reach = BTreeMap<Graph, Way>;

/// Levels of entities inside keys that are looked through for a field of a key.
const NESTED: usize = 3;

/// Where an entity of type `ty` can be asked for that subgraph `from` returns. `provided` is what `from`
/// gives beyond its own fields. The subgraph itself is among them if it can be asked by what it gives.
pub(super) fn reach(model: &Model, ty: &str, from: Graph, provided: &[Sel]) -> Reach {
    Search { model, provided, from }.reach(ty, from, NESTED)
}

/// Whether a subgraph gives a part of a key wherever it returns the type.
pub(super) fn gives(
    model: &Model,
    ty: &str,
    graph: Graph,
    provided: &[Sel],
    wanted: &Wanted,
) -> bool {
    if wanted.name == "__typename" {
        return !model.is_interface_object(ty, graph);
    }
    if model.is_abstract(ty) && !model.is_interface_object(ty, graph) {
        let objects = model.ty(ty).and_then(|ty| ty.objects.get(&graph));
        return objects.is_some_and(|objects| {
            objects.iter().all(|object| gives(model, object, graph, provided, wanted))
        });
    }
    let Some((returns, inner)) = local(model, ty, graph, provided, wanted) else {
        return false;
    };
    let mut children = wanted.children.iter();
    children.all(|child| match child {
        Sel::Field(child) => gives(model, &returns, graph, &inner, child),
        Sel::On(condition, items) => items.iter().all(|item| match item {
            Sel::Field(child) => gives(model, condition, graph, &inner, child),
            Sel::On(..) => false,
        }),
    })
}

/// The type that a field returns in the subgraph and what is provided inside, if the subgraph answers
/// it here.
pub(super) fn local(
    model: &Model,
    ty: &str,
    graph: Graph,
    provided: &[Sel],
    wanted: &Wanted,
) -> Option<(String, Vec<Sel>)> {
    let given = model.flatten(ty, provided).into_iter().find(|given| given.name == wanted.name);
    if let Some(found) = model.resolves(ty, &wanted.name, graph) {
        let mut inner = found.mark.provides.clone();
        if let Some(given) = given {
            super::selection::merge_all(&mut inner, &given.children);
        }
        return Some((found.returns().to_owned(), inner));
    }
    let given = given?;
    let found = model.find(ty, &wanted.name, graph);
    let returns = match found {
        Some(found) => found.returns(),
        None => &model.ty(ty)?.fields.get(&wanted.name)?.returns,
    };
    Some((returns.to_owned(), given.children))
}

struct Search<'a> {
    model: &'a Model,
    provided: &'a [Sel],
    from: Graph,
}

impl Search<'_> {
    fn reach(&self, ty: &str, from: Graph, nested: usize) -> Reach {
        let mut reached = Reach::new();
        let graphs: std::collections::BTreeSet<Graph> =
            self.model.types.values().flat_map(|ty| ty.joins.keys().copied()).collect();
        for round in 1.. {
            let mut known: Vec<Graph> = vec![from];
            known.extend(reached.keys().copied());
            let mut added = Vec::new();
            for graph in &graphs {
                if reached.contains_key(graph) {
                    continue;
                }
                let Some(view) = self.model.view(ty, *graph) else { continue };
                let keys = view.keys.iter().filter(|key| key.resolvable);
                let key = keys.map(|key| self.model.key_of(ty, key)).find(|key| {
                    !key.is_empty()
                        && key.iter().all(|part| {
                            known.iter().any(|known| self.has(ty, *known, part, from, nested))
                        })
                });
                if let Some(key) = key {
                    let key = key.into_iter().map(Sel::Field).collect();
                    added.push((*graph, Way { rounds: round, key }));
                }
            }
            if added.is_empty() {
                break;
            }
            reached.extend(added);
        }
        reached
    }

    /// Whether the subgraph gives a part of a key, if need be by way of entities inside it.
    fn has(&self, ty: &str, graph: Graph, part: &Wanted, from: Graph, nested: usize) -> bool {
        let at_start = graph == from && from == self.from;
        let provided = if at_start { self.provided } else { &[] };
        if gives(self.model, ty, graph, provided, part) {
            return true;
        }
        if nested == 0 || part.children.is_empty() {
            return false;
        }
        let Some((returns, _)) = local(self.model, ty, graph, provided, part) else {
            return false;
        };
        let inner = self.reach(&returns, graph, nested - 1);
        part.children.iter().all(|child| match child {
            Sel::Field(child) => {
                let mut all = inner.keys().copied().chain([graph]);
                all.any(|known| self.has(&returns, known, child, known, nested - 1))
            }
            Sel::On(..) => false,
        })
    }
}
