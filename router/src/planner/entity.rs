//! Asks other subgraphs for the rest of an object: by a key of its entity, or at the root again where
//! the object is the query itself.

use super::{
    fetches::Need,
    model::{Found, Graph},
    reach::Way,
    search::{NESTED_NEEDS, Pending, Result, Search, Site, Used},
    selection::{Sel, Wanted},
};
use crate::plan::types::OperationKind;
use std::collections::BTreeSet;

/// Rounds that a requirement counts for beyond those of its entity.
const REQUIREMENT: usize = 1;

impl Search<'_> {
    /// Asks for what is pending at a place; what is left has to be planned from above.
    pub(super) fn elsewhere(
        &mut self,
        site: &Site,
        mut pending: Vec<Pending>,
        used: &mut Used,
    ) -> Result<Vec<Sel>> {
        let mut left = Vec::new();
        while !pending.is_empty() {
            let mut options = Vec::new();
            let mut kept = Vec::new();
            for field in pending {
                let graphs = self.options(site, &field);
                if graphs.is_empty() {
                    self.give_up(&site.ty, &field.wanted.name, Some(site.graph));
                    left.push(Sel::Field(field.wanted));
                } else {
                    options.push(graphs);
                    kept.push(field);
                }
            }
            pending = kept;
            let Some(graph) = self.best(&site.ty, &pending, &options) else { break };
            if site.ty == self.model.query {
                self.at_root(site, graph, &mut pending, &options, used)?;
            } else {
                self.by_key(site, graph, &mut pending, &options, used)?;
            }
        }
        Ok(left)
    }

    /// The subgraphs that can be asked for a field, those in the fewest rounds.
    pub(super) fn options(&mut self, site: &Site, field: &Pending) -> Vec<Graph> {
        let name = &field.wanted.name;
        let untried = |graph: &Graph| !field.tried.contains(graph);
        if site.ty == self.model.query {
            let others =
                (0..self.subgraphs.len()).filter(|graph| *graph != site.graph || field.again);
            return others
                .filter(untried)
                .filter(|graph| self.model.resolves(&site.ty, name, *graph).is_some())
                .collect();
        }
        let reached = self.reach(site);
        if field.again && untried(&site.graph) && self.answered(site, &field.wanted).is_some() {
            // Another subgraph may not know the entity; and what this one provides, it gives here alone.
            let by_key = self.model.resolves(&site.ty, name, site.graph).is_some()
                && reached.contains_key(&site.graph);
            return by_key.then_some(site.graph).into_iter().collect();
        }
        let mut best: Vec<Graph> = Vec::new();
        let mut fewest = usize::MAX;
        for (graph, way) in reached.iter().filter(|(graph, _)| untried(graph)) {
            let Some(found) = self.model.find(&site.ty, name, *graph) else { continue };
            let in_key = self.model.in_key(&site.ty, name, *graph);
            if found.mark.is_elsewhere() && !in_key {
                continue;
            }
            let required = !found.mark.requires.is_empty();
            let is_here = *graph == site.graph && !field.again;
            if (is_here && !required) || (required && self.is_open(site, name, *graph)) {
                continue;
            }
            let rounds = way.rounds + usize::from(required) * REQUIREMENT;
            if rounds < fewest {
                best.clear();
                fewest = rounds;
            }
            if rounds == fewest {
                best.push(*graph);
            }
        }
        best
    }

    fn is_open(&self, site: &Site, field: &str, graph: Graph) -> bool {
        self.open.iter().any(|(ty, name, at, depth)| {
            *ty == site.ty && name == field && *at == graph && *depth == site.path.len()
        })
    }

    fn at_root(
        &mut self,
        site: &Site,
        graph: Graph,
        pending: &mut Vec<Pending>,
        options: &[Vec<Graph>],
        used: &mut Used,
    ) -> Result<()> {
        let after = BTreeSet::from([site.fetch]);
        let fetch = self.fetches.root(graph, OperationKind::Query, &site.path, after);
        let node = self.fetches.all[fetch].node;
        let there = Site { fetch, node, graph, provided: Default::default(), ..site.clone() };
        self.ask(&there, pending, options, used)
    }

    fn by_key(
        &mut self,
        site: &Site,
        graph: Graph,
        pending: &mut Vec<Pending>,
        options: &[Vec<Graph>],
        used: &mut Used,
    ) -> Result<()> {
        let Some(way) = self.reach(site).get(&graph).cloned() else {
            return Ok(());
        };
        let mut kept = Vec::new();
        let mut plain = Vec::new();
        for (mut field, graphs) in std::mem::take(pending).into_iter().zip(options) {
            if !graphs.contains(&graph) {
                kept.push(field);
                continue;
            }
            let found = self.model.find(&site.ty, &field.wanted.name, graph);
            let requires =
                found.map(|Found { mark, .. }| mark.requires.clone()).unwrap_or_default();
            if requires.is_empty() {
                plain.push(field);
                continue;
            }
            self.open.push((site.ty.clone(), field.wanted.name.clone(), graph, site.path.len()));
            let there = self.enter(site, graph, &way, &requires, used)?;
            self.open.pop();
            match there {
                Some(there) => {
                    let mut one = vec![field];
                    self.ask(&there, &mut one, &[vec![graph]], used)?;
                    kept.extend(one);
                }
                None => {
                    field.tried.insert(graph);
                    kept.push(field);
                }
            }
        }
        if !plain.is_empty() {
            match self.enter(site, graph, &way, &[], used)? {
                Some(there) => {
                    let all = vec![vec![graph]; plain.len()];
                    self.ask(&there, &mut plain, &all, used)?;
                }
                None => {
                    for field in &mut plain {
                        field.tried.insert(graph);
                    }
                }
            }
            kept.extend(plain);
        }
        *pending = kept;
        Ok(())
    }

    /// The same object in another subgraph, with what the subgraph requires sent along. `None` if that
    /// cannot be had.
    pub(super) fn enter(
        &mut self,
        site: &Site,
        graph: Graph,
        way: &Way,
        requires: &[Sel],
        used: &mut Used,
    ) -> Result<Option<Site>> {
        let Some(view) = self.model.view(&site.ty, graph) else {
            return Ok(None);
        };
        let sent = view.ty.to_owned();
        if self.needs >= NESTED_NEEDS {
            return Ok(None);
        }
        let mut parts = self.with_keys(&site.ty, &way.key, site.mixed);
        let required = self.with_keys(&site.ty, requires, site.mixed);
        super::selection::merge_all(&mut parts, &required);
        let mut after = Used::from([site.fetch]);
        self.needs += 1;
        let left = self.selection(site, &parts, &mut after);
        self.needs -= 1;
        if !left?.is_empty() {
            return Ok(None);
        }
        let stands_for_many = self.model.is_interface_object(&site.ty, site.graph);
        // Where all objects of a place are of one type, none has to say so.
        if site.mixed || stands_for_many || self.model.is_abstract(&site.ty) {
            self.fetches.leaf(site.node, &Wanted::plain("__typename"));
        }
        let own = match stands_for_many {
            true => self.model.names(&site.ty),
            false => vec![site.ty.clone()],
        };
        let need = Need { own, ty: site.ty.clone(), sent: sent.clone(), parts };
        let fetch = self.fetches.entities(graph, &site.path, after, need);
        used.insert(fetch);
        let root = self.fetches.all[fetch].node;
        Ok(Some(Site {
            fetch,
            node: self.fetches.fragment(root, &sent),
            graph,
            ty: sent,
            path: site.path.clone(),
            provided: Default::default(),
            mixed: site.mixed,
        }))
    }
}
