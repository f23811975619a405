//! From the fetches to the router's own plan.

use super::{
    fetches::{Fetch, FetchId, Fetches, NodeId, Place},
    model::Model,
    selection::{Sel, Wanted},
    text::Writer,
};
use crate::{
    data::{Key, KeyTable},
    plan::{
        defer::{DeferUsages, Wave},
        types::{
            EntityFetch, EntityGroup, EntityKey, Fetch as PlannedFetch, OperationKind, PathStep,
            Require, Step, SubgraphOperation,
        },
    },
};
use async_graphql::Name;
use graphql_tools::parser::query as ast;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

pub(super) struct Emit<'a> {
    pub(super) model: &'a Model,
    pub(super) fetches: &'a Fetches,
    pub(super) variables: &'a [ast::VariableDefinition<'static, String>],
    pub(super) keys: &'a mut KeyTable,
}

/// A group of entities before it has its names in a document.
struct Group {
    paths: Vec<Vec<PathStep>>,
    entry: EntityGroup,
    node: NodeId,
    body: String,
}

impl Emit<'_> {
    /// The steps of a query or of one root field of a mutation; `None` where nothing is fetched before
    /// what is deferred.
    pub(super) fn steps(&mut self) -> Option<Step> {
        let first = self.of_wave(DeferUsages::NONE);
        self.step(&first, &BTreeSet::new())
    }

    /// The steps for deferred fragments.
    pub(super) fn waves(&mut self) -> Vec<Wave> {
        let mut all: BTreeSet<DeferUsages> =
            self.filled().into_iter().map(|fetch| self.fetches.all[fetch].wave).collect();
        all.remove(&DeferUsages::NONE);
        let mut waves = Vec::new();
        for usages in all {
            let own = self.of_wave(usages);
            let before = own.iter().flat_map(|fetch| &self.fetches.all[*fetch].after);
            let after: BTreeSet<DeferUsages> =
                before.map(|fetch| self.fetches.all[*fetch].wave).collect();
            let after = after.into_iter().filter(|before| *before != usages).collect();
            let step = self.step(&own, &BTreeSet::new());
            waves.extend(step.map(|step| Wave { usages, after, step }));
        }
        waves
    }

    fn of_wave(&self, wave: DeferUsages) -> BTreeSet<FetchId> {
        let filled = self.filled().into_iter();
        filled.filter(|fetch| self.fetches.all[*fetch].wave == wave).collect()
    }

    /// The upstream of a subscription and what follows each of its events.
    pub(super) fn subscription(&mut self) -> Option<(PlannedFetch, Option<Step>)> {
        let mut all = self.filled();
        let first = all
            .iter()
            .copied()
            .find(|fetch| self.fetches.all[*fetch].root == Some(OperationKind::Subscription))?;
        all.remove(&first);
        let upstream = self.root_fetch(first);
        let rest = self.step(&all, &BTreeSet::from([first]));
        Some((upstream, rest))
    }

    /// The fetches that ask for anything.
    fn filled(&self) -> BTreeSet<FetchId> {
        (0..self.fetches.all.len())
            .filter(|fetch| !self.fetches.is_empty(self.fetches.all[*fetch].node))
            .collect()
    }

    /// What waits for nothing runs first; of the rest, what has nothing to do with each other runs side
    /// by side.
    fn step(&mut self, all: &BTreeSet<FetchId>, done: &BTreeSet<FetchId>) -> Option<Step> {
        let mut parts: Vec<Step> = Vec::new();
        let components = self.components(all);
        // Of fetches that start together, those to one subgraph are one request.
        let (single, joined): (Vec<_>, Vec<_>) =
            components.into_iter().partition(|component| component.len() == 1);
        let ready: Vec<FetchId> = single.into_iter().flatten().collect();
        parts.extend(self.ready(&ready));
        for component in joined {
            let first: Vec<FetchId> = component
                .iter()
                .copied()
                .filter(|fetch| self.fetches.all[*fetch].after.is_disjoint(&component))
                .collect();
            let mut sequence = vec![parallel(self.ready(&first))];
            let mut done = done.clone();
            done.extend(&first);
            let rest: BTreeSet<FetchId> =
                component.into_iter().filter(|fetch| !first.contains(fetch)).collect();
            sequence.push(self.step(&rest, &done));
            parts.push(Step::Sequence(sequence.into_iter().flatten().collect()));
        }
        parallel(parts)
    }

    /// Sets of fetches that wait for each other in any way.
    fn components(&self, all: &BTreeSet<FetchId>) -> Vec<BTreeSet<FetchId>> {
        let mut components: Vec<BTreeSet<FetchId>> = Vec::new();
        for fetch in all {
            let mut joined = BTreeSet::from([*fetch]);
            let after = &self.fetches.all[*fetch].after;
            components.retain(|component| {
                let apart = component.is_disjoint(after);
                if !apart {
                    joined.extend(component);
                }
                apart
            });
            components.push(joined);
        }
        components.sort();
        components
    }

    /// The steps of fetches that start together.
    fn ready(&mut self, fetches: &[FetchId]) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut entities: BTreeMap<usize, Vec<FetchId>> = BTreeMap::new();
        for fetch in fetches {
            match self.fetches.all[*fetch].root {
                Some(_) => steps.push(Step::Fetch(Box::new(self.root_fetch(*fetch)))),
                None => {
                    entities.entry(self.fetches.all[*fetch].graph).or_default().push(*fetch);
                }
            }
        }
        for (graph, fetches) in entities {
            steps.push(Step::Entities(Box::new(self.entities(graph, &fetches))));
        }
        steps
    }

    fn root_fetch(&mut self, fetch: FetchId) -> PlannedFetch {
        let fetch: &Fetch = &self.fetches.all[fetch];
        let kind = fetch.root.unwrap_or(OperationKind::Query);
        let mut writer = Writer::new(self.fetches, self.variables, self.keys);
        writer.selection(fetch.node);
        let (text, variables) = writer.operation(kind, &[]);
        let path = self.path(&fetch.path);
        PlannedFetch {
            operation: Arc::new(
                SubgraphOperation::new(fetch.graph, kind, text).in_wave(fetch.wave),
            ),
            variables,
            path,
        }
    }

    fn entities(&mut self, graph: usize, fetches: &[FetchId]) -> EntityFetch {
        let mut groups: Vec<Group> = Vec::new();
        for fetch in fetches {
            let group = self.group(&self.fetches.all[*fetch]);
            // The same question at several places is asked once.
            let alike = groups.iter_mut().find(|known| {
                known.body == group.body
                    && known.entry.requires == group.entry.requires
                    && known.entry.retype == group.entry.retype
            });
            if let Some(known) = alike {
                known.paths.extend(group.paths);
                continue;
            }
            // So is one for several types of the same place.
            let beside = groups.iter_mut().find(|known| {
                known.body == group.body
                    && known.paths == group.paths
                    && are_apart(&known.entry.requires, &group.entry.requires)
            });
            match beside {
                Some(known) => {
                    known.entry.requires.extend(group.entry.requires);
                    known.entry.retype.extend(group.entry.retype);
                    known.entry.entity_keys.extend(group.entry.entity_keys);
                }
                None => groups.push(group),
            }
        }
        // Fetches of several waves are never steps of one.
        let wave = fetches.first().map_or(DeferUsages::NONE, |one| self.fetches.all[*one].wave);
        let alone = groups.len() == 1;
        let mut writer = Writer::new(self.fetches, self.variables, self.keys);
        let mut representations = Vec::new();
        let mut entries = Vec::new();
        writer.open();
        for (number, group) in groups.into_iter().enumerate() {
            let (key, variable) = match alone {
                true => ("_entities".to_owned(), "representations".to_owned()),
                false => (format!("_e{number}"), format!("representations_{number}")),
            };
            writer.entities(&key, &variable, group.node);
            let mut entry = group.entry;
            entry.response_key = writer.intern(&key);
            entry.variable.clone_from(&variable);
            entry.paths = group.paths;
            representations.push(variable);
            entries.push(entry);
        }
        writer.close();
        let (text, variables) = writer.operation(OperationKind::Query, &representations);
        EntityFetch {
            operation: Arc::new(
                SubgraphOperation::new(graph, OperationKind::Query, text).in_wave(wave),
            ),
            variables,
            groups: entries,
        }
    }

    fn group(&mut self, fetch: &Fetch) -> Group {
        let mut writer = Writer::new(self.fetches, self.variables, self.keys);
        writer.selection(fetch.node);
        let body = writer.body();
        let mut requires = Vec::new();
        let mut retype = Vec::new();
        let mut entity_keys: Vec<EntityKey> = Vec::new();
        for need in &fetch.needs {
            let own: Vec<Arc<str>> = need.own.iter().map(|name| name.as_str().into()).collect();
            requires.push(Require::On(own.clone(), self.requires(&need.parts)));
            let to_other = need.own.iter().any(|name| *name != need.sent);
            if to_other && self.model.is_interface_object(&need.sent, fetch.graph) {
                retype.push((own.clone(), need.sent.as_str().into()));
            }
            let Some(view) = self.model.view(&need.ty, fetch.graph) else { continue };
            let nullable = |name: &str| {
                let field = self.model.ty(view.ty).and_then(|ty| ty.fields.get(name));
                field.is_some_and(|field| field.nullable)
            };
            for key in view.keys.iter().filter(|key| key.resolvable) {
                for ty in &own {
                    let parts = self.model.key_of(ty, key).into_iter();
                    let fields: Vec<(Arc<str>, bool)> = parts
                        .map(|part| (part.name.as_str().into(), nullable(&part.name)))
                        .collect();
                    if !fields.is_empty() {
                        entity_keys.push(EntityKey { ty: ty.clone(), fields });
                    }
                }
            }
        }
        Group {
            paths: vec![self.path(&fetch.path)],
            node: fetch.node,
            body,
            entry: EntityGroup {
                response_key: Key::TYPENAME,
                variable: String::new(),
                paths: Vec::new(),
                requires,
                retype,
                entity_keys,
            },
        }
    }

    fn requires(&mut self, parts: &[Sel]) -> Vec<Require> {
        let mut all = Vec::new();
        for part in parts {
            all.push(match part {
                Sel::Field(Wanted { key, name, children, .. }) => Require::Field {
                    read: self.keys.intern(key),
                    write: Name::new(name),
                    nested: self.requires(children),
                },
                Sel::On(condition, inner) => {
                    let names = self.model.names(condition);
                    let names = names.iter().map(|name| name.as_str().into()).collect();
                    Require::On(names, self.requires(inner))
                }
            });
        }
        all
    }

    fn path(&mut self, path: &[Place]) -> Vec<PathStep> {
        path.iter()
            .map(|place| match place {
                Place::Field(key) => PathStep::Field(self.keys.intern(key)),
                Place::Types(types) => {
                    PathStep::Types(types.iter().map(|name| name.as_str().into()).collect())
                }
            })
            .collect()
    }
}

fn parallel(mut steps: Vec<Step>) -> Option<Step> {
    match steps.len() {
        0 => None,
        1 => steps.pop(),
        _ => Some(Step::Parallel(steps)),
    }
}

/// Whether no type has a representation by both.
fn are_apart(a: &[Require], b: &[Require]) -> bool {
    let types = |of: &Require| match of {
        Require::On(types, _) => types.clone(),
        Require::Field { .. } => Vec::new(),
    };
    let of_a: Vec<Arc<str>> = a.iter().flat_map(types).collect();
    !b.iter().flat_map(types).any(|ty| of_a.contains(&ty))
}
