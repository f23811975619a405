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
        schedule::{Request, Schedule},
        types::{
            EntityFetch, EntityGroup, EntityKey, Fetch as PlannedFetch, OperationKind, PathStep,
            Require, SubgraphOperation,
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
    /// The requests of a query or of one root field of a mutation: none where nothing is fetched before
    /// what is deferred.
    pub(super) fn schedule(&mut self) -> Schedule {
        let first = self.of_wave(DeferUsages::NONE);
        self.in_order(&first)
    }

    /// The requests for deferred fragments.
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
            waves.push(Wave { usages, after, schedule: self.in_order(&own) });
        }
        waves
    }

    fn of_wave(&self, wave: DeferUsages) -> BTreeSet<FetchId> {
        let filled = self.filled().into_iter();
        filled.filter(|fetch| self.fetches.all[*fetch].wave == wave).collect()
    }

    /// The upstream of a subscription and what follows each of its events.
    pub(super) fn subscription(&mut self) -> Option<(PlannedFetch, Schedule)> {
        let mut all = self.filled();
        let first = all
            .iter()
            .copied()
            .find(|fetch| self.fetches.all[*fetch].root == Some(OperationKind::Subscription))?;
        all.remove(&first);
        let upstream = self.root_fetch(first);
        Some((upstream, self.in_order(&all)))
    }

    /// The fetches that ask for anything.
    fn filled(&self) -> BTreeSet<FetchId> {
        (0..self.fetches.all.len())
            .filter(|fetch| !self.fetches.is_empty(self.fetches.all[*fetch].node))
            .collect()
    }

    /// The requests of some fetches. What was done before is not waited for.
    ///
    /// Fetches of entities that need as many requests before them are one request to each subgraph. It
    /// waits for all that any of them waits for; since a request costs a subgraph and the router more
    /// than what is asked in it, that is worth it. So is one that nothing waits for, with a later one
    /// about the same objects: the answer as a whole comes no earlier without.
    fn in_order(&mut self, all: &BTreeSet<FetchId>) -> Schedule {
        let order = Order::new(self.fetches, all);
        // Entities of one subgraph at one depth, and roots each by itself.
        let mut joined: BTreeMap<(usize, Option<FetchId>, usize), Vec<FetchId>> = BTreeMap::new();
        for fetch in all {
            let Fetch { graph, root, .. } = self.fetches.all[*fetch];
            let place = (order.place(*fetch), root.map(|_| *fetch), graph);
            joined.entry(place).or_default().push(*fetch);
        }
        let mut numbers: BTreeMap<FetchId, usize> = BTreeMap::new();
        let mut schedule = Schedule::default();
        for (number, ((_, root, graph), fetches)) in joined.into_iter().enumerate() {
            let before = fetches.iter().flat_map(|fetch| &order.before[fetch]);
            let after: BTreeSet<usize> =
                before.filter_map(|earlier| numbers.get(earlier).copied()).collect();
            let request = match root {
                Some(fetch) => Request::Root(self.root_fetch(fetch)),
                None => Request::Entities(self.entities(graph, &fetches)),
            };
            schedule.add(request, &after);
            numbers.extend(fetches.into_iter().map(|fetch| (fetch, number)));
        }
        schedule
    }

    fn root_fetch(&mut self, fetch: FetchId) -> PlannedFetch {
        let fetch: &Fetch = &self.fetches.all[fetch];
        let kind = fetch.root.unwrap_or(OperationKind::Query);
        let mut writer = Writer::new(self.fetches, self.variables, self.keys);
        writer.selection(fetch.node);
        let roots = writer.fields(fetch.node);
        let (text, variables) = writer.operation(kind, &[]);
        let path = self.path(&fetch.path);
        PlannedFetch {
            operation: Arc::new(
                SubgraphOperation::new(fetch.graph, kind, text).in_wave(fetch.wave),
            ),
            variables,
            path,
            roots,
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

/// How fetches follow each other.
struct Order<'a> {
    fetches: &'a Fetches,
    /// Those that each waits for, also through such as ask for nothing.
    before: BTreeMap<FetchId, BTreeSet<FetchId>>,
    /// How many have to run before each, one after the other.
    depths: BTreeMap<FetchId, usize>,
    /// Those that any waits for.
    awaited: BTreeSet<FetchId>,
}

impl<'a> Order<'a> {
    fn new(fetches: &'a Fetches, all: &BTreeSet<FetchId>) -> Order<'a> {
        let before: BTreeMap<_, _> =
            all.iter().map(|fetch| (*fetch, before(fetches, all, *fetch))).collect();
        let awaited = before.values().flatten().copied().collect();
        let mut order = Order { fetches, before, depths: BTreeMap::new(), awaited };
        for fetch in all {
            order.depth(*fetch);
        }
        order
    }

    /// At which depth it is asked: its own, or that of a later one to the same subgraph about the same
    /// objects where nothing waits for it.
    fn place(&self, fetch: FetchId) -> usize {
        let depth = self.depths[&fetch];
        let own = &self.fetches.all[fetch];
        if own.root.is_some() || self.awaited.contains(&fetch) {
            return depth;
        }
        let alike = self.depths.iter().filter(|(other, _)| {
            let other = &self.fetches.all[**other];
            other.root.is_none() && other.graph == own.graph && other.path == own.path
        });
        alike.map(|(_, depth)| *depth).max().unwrap_or(depth)
    }

    fn depth(&mut self, fetch: FetchId) -> usize {
        if let Some(depth) = self.depths.get(&fetch) {
            return *depth;
        }
        let before = self.before[&fetch].clone().into_iter();
        let depth = before.map(|earlier| self.depth(earlier) + 1).max().unwrap_or(0);
        self.depths.insert(fetch, depth);
        depth
    }
}

fn before(fetches: &Fetches, all: &BTreeSet<FetchId>, fetch: FetchId) -> BTreeSet<FetchId> {
    let mut found = BTreeSet::new();
    let mut open: Vec<FetchId> = fetches.all[fetch].after.iter().copied().collect();
    let mut seen: BTreeSet<FetchId> = open.iter().copied().collect();
    while let Some(earlier) = open.pop() {
        if all.contains(&earlier) {
            found.insert(earlier);
            continue;
        }
        open.extend(fetches.all[earlier].after.iter().filter(|next| seen.insert(**next)));
    }
    found
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
