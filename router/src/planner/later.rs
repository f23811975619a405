//! What is planned after the rest: the fields of deferred fragments, by fetches of their own.
//!
//! The fields of one place that are in the same fragments are put off until all that is around them is
//! planned. Then they are asked for as any other subgraph is asked for the rest of an object; only that the
//! subgraph of the place itself is among those that can be asked. What no fetch of its own can get, for
//! its object is no entity, is put into the fetch that has the object. So is what belongs to a key of the
//! object: a reference has it where the entity itself cannot be had.

use super::{
    search::{Pending, Result, Search, Site, Used},
    selection::{Sel, Wanted},
};
use crate::plan::{
    defer::{DeferUsages, ancestors},
    types::OperationKind,
};

/// What a search knows of deferred fragments.
#[derive(Debug, Default)]
pub(super) struct Defers<'a> {
    /// The fragment in which each fragment stands.
    pub(super) parents: &'a [Option<usize>],
    /// Fragments whose fields are asked for with what is around them.
    pub(super) at_once: DeferUsages,
    /// Fragments of which something could not be planned by itself.
    pub(super) refused: DeferUsages,
    /// The fragments whose fields are planned now.
    wave: DeferUsages,
}

/// Fields of one place that are asked for together, later.
#[derive(Debug)]
pub(super) struct Later {
    wave: DeferUsages,
    /// `None` for the root of the operation.
    site: Option<Site>,
    items: Vec<Wanted>,
}

impl Defers<'_> {
    /// The fragments after which a field is asked for; none if it is asked for at once.
    fn wave(&self, usages: DeferUsages) -> DeferUsages {
        let mut all = DeferUsages::NONE;
        for usage in usages.iter() {
            let mut around = std::iter::once(usage).chain(ancestors(usage, self.parents));
            let Some(usage) = around.find(|one| !self.at_once.contains(*one)) else {
                return DeferUsages::NONE;
            };
            all = all.or(DeferUsages::one(usage));
        }
        all.outermost(self.parents)
    }
}

impl Search<'_> {
    /// The fragments for which a field is asked for later than what is planned now.
    pub(super) fn later(&self, wanted: &Wanted) -> Option<DeferUsages> {
        if wanted.usages.is_empty() {
            return None;
        }
        let wave = self.defers.wave(wanted.usages);
        (!wave.is_empty() && wave.and(self.defers.wave).is_empty()).then_some(wave)
    }

    /// Keeps a field of a place for later.
    pub(super) fn put_off(&mut self, site: Option<&Site>, wave: DeferUsages, wanted: Wanted) {
        let node = site.map(|site| (site.fetch, site.node));
        let same = self.waiting.iter_mut().find(|later| {
            later.wave == wave && later.site.as_ref().map(|site| (site.fetch, site.node)) == node
        });
        match same {
            Some(later) => later.items.push(wanted),
            None => {
                self.waiting.push_back(Later { wave, site: site.cloned(), items: vec![wanted] })
            }
        }
    }

    /// Plans what was kept. What it returns could not be planned.
    pub(super) fn rest(&mut self, kind: OperationKind, ty: &str) -> Result<Vec<Sel>> {
        while let Some(Later { wave, site, items }) = self.waiting.pop_front() {
            self.defers.wave = wave;
            self.fetches.wave = wave;
            let again = site.is_some();
            let pending = items.into_iter().map(|wanted| Pending { again, ..Pending::new(wanted) });
            let pending = pending.collect();
            let left = match &site {
                Some(site) => self.by_itself(site, pending)?,
                None => self.root_fields(kind, ty, pending)?,
            };
            if !left.is_empty() {
                self.defers.refused = wave;
                return Ok(left);
            }
        }
        Ok(Vec::new())
    }

    fn by_itself(&mut self, site: &Site, mut pending: Vec<Pending>) -> Result<Vec<Sel>> {
        let mut used = Used::new();
        if self.model.is_interface_object(&site.ty, site.graph) {
            // Only the subgraph that knows the object's type may have the rest of it.
            let items: Vec<Sel> = pending.into_iter().map(|one| Sel::Field(one.wanted)).collect();
            return self.interface_object(site, &items, &mut used);
        }
        let reason = self.reason.take();
        let mut rest = Vec::new();
        let keys = self.model.key_fields(&site.ty, site.graph);
        pending.retain(|one| !self.put_key(site, &one.wanted, &keys));
        for item in self.elsewhere(site, pending, &mut used)? {
            if let Sel::Field(wanted) = item {
                self.put_or_keep(site, wanted, &mut rest, &mut used)?;
            }
        }
        // Only why both ways fail is of interest.
        self.reason = reason;
        self.elsewhere(site, rest, &mut used)
    }

    /// Puts a field that belongs to the object's keys into the fetch that has the object, and puts off
    /// what else is wanted inside of it. Tells whether it is such a field. The subgraph knows the
    /// object's type.
    fn put_key(&mut self, site: &Site, wanted: &Wanted, keys: &[Wanted]) -> bool {
        if wanted.name == "__typename" {
            self.fetches.leaf(site.node, wanted);
            return true;
        }
        let Some(key) = keys.iter().find(|key| key.name == wanted.name) else { return false };
        let Some((returns, provided)) = self.answered(site, wanted) else { return false };
        if wanted.children.is_empty() {
            self.fetches.leaf(site.node, wanted);
            return true;
        }
        if self.model.is_abstract(&returns) {
            return false;
        }
        let inner = self.inside(site, wanted, returns, provided);
        let mut keys = self.model.key_fields(&inner.ty, inner.graph);
        keys.extend(self.model.flatten(&inner.ty, &key.children));
        let wave = self.defers.wave;
        for child in self.model.flatten(&inner.ty, &wanted.children) {
            if !self.put_key(&inner, &child, &keys) {
                self.put_off(Some(&inner), wave, child);
            }
        }
        true
    }
}
