//! Leaves out fetches whose questions can as well be asked by a later one.

use super::fetches::{FetchId, Fetches, NodeId, clash_or_blur};
use std::collections::BTreeSet;

impl Fetches {
    /// Puts fetches of entities that nothing waits for into later ones that ask the same subgraph about
    /// the same objects. The answer is not there before the later ones are, so nobody waits longer.
    pub(super) fn fold(&mut self) {
        let awaited: BTreeSet<FetchId> =
            self.all.iter().flat_map(|fetch| fetch.after.iter().copied()).collect();
        for early in 0..self.all.len() {
            if awaited.contains(&early) || self.is_empty(self.all[early].node) {
                continue;
            }
            let Some(late) = (0..self.all.len()).find(|late| self.folds(early, *late)) else {
                continue;
            };
            let node = std::mem::replace(&mut self.all[early].node, self.nodes.len());
            self.nodes.push(Default::default());
            self.copy(node, self.all[late].node);
            for need in std::mem::take(&mut self.all[early].needs) {
                self.add_need(late, need);
            }
        }
    }

    fn folds(&self, early: FetchId, late: FetchId) -> bool {
        let (a, b) = (&self.all[early], &self.all[late]);
        let same = a.graph == b.graph && a.path == b.path && a.wave == b.wave;
        let entities = a.root.is_none() && b.root.is_none();
        same && entities
            && early != late
            && !self.is_empty(b.node)
            && a.after.is_subset(&self.ancestors(late))
            && !a.needs.iter().any(|a| b.needs.iter().any(|b| clash_or_blur(a, b)))
    }

    fn ancestors(&self, fetch: FetchId) -> BTreeSet<FetchId> {
        let mut all = BTreeSet::new();
        let mut open = vec![fetch];
        while let Some(fetch) = open.pop() {
            open.extend(self.all[fetch].after.iter().filter(|before| all.insert(**before)));
        }
        all
    }

    /// Adds what one selection set has to another.
    fn copy(&mut self, from: NodeId, to: NodeId) {
        let fields = self.nodes[from].fields.clone();
        for (wanted, child) in fields {
            match child {
                Some(child) => {
                    let inner = self.child(to, &wanted);
                    self.copy(child, inner);
                }
                None => self.leaf(to, &wanted),
            }
        }
        for (ty, inner) in self.nodes[from].fragments.clone() {
            let own = self.fragment(to, &ty);
            self.copy(inner, own);
        }
    }
}
