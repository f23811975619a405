//! Errors that came, until the part is sent to which they belong: the one that shows their place.

use crate::{
    data::Arena,
    error::{GraphqlError, PathSegment},
    execute::{
        errors::{InternalError, Owner, Shown},
        run::Shared,
    },
    plan::{
        defer::{DeferUsages, Deferred},
        types::Plan,
    },
};

/// Errors by where they are told.
#[derive(Default)]
pub(super) struct Untold {
    /// With the part that shows the place.
    owned: Vec<(Owner, GraphqlError)>,
    /// Of places that came before, or are not shown: with the fragments for which the request was made
    /// that failed.
    of_fragments: Vec<(DeferUsages, GraphqlError)>,
}

impl Untold {
    pub(super) fn add(
        &mut self,
        errors: Vec<InternalError>,
        shared: &Shared,
        arena: &Arena,
        (plan, deferred): (&Plan, &Deferred),
    ) {
        let mut held = Vec::new();
        for error in errors {
            if self.owned.len() + self.of_fragments.len() >= shared.max_errors {
                // As of whole answers, no more are told.
                return;
            }
            let found = error.find(&shared.schema, arena, (plan, &deferred.anchors));
            match found.paths.is_empty() {
                true => held.push((error, found.holders)),
                false => self.place(&error, found.paths, deferred),
            }
        }
        for (error, mut holders) in held {
            // What was asked for the client and for the router fails twice.
            holders.retain(|(_, path)| !self.has(&error.at(path.clone())));
            self.place(&error, holders, deferred);
        }
    }

    /// Whether the same error is told at a place or inside it.
    fn has(&self, error: &GraphqlError) -> bool {
        let owned = self.owned.iter().map(|(_, known)| known);
        let mut all = owned.chain(self.of_fragments.iter().map(|(_, known)| known));
        all.any(|known| known.is_within(error))
    }

    fn place(&mut self, error: &InternalError, shown: Vec<Shown>, deferred: &Deferred) {
        if error.wave.is_empty() {
            shown.into_iter().for_each(|(owner, path)| self.own(owner, error.at(path)));
            return;
        }
        // What is not of these fragments may have been sent before.
        let (own, others): (Vec<_>, Vec<_>) = shown.into_iter().partition(|(owner, _)| {
            let usages = owner
                .as_ref()
                .map(|(anchor, group, _)| deferred.anchors[*anchor].groups[*group].usages);
            let around = usages.map(|usages| usages.with_ancestors(&deferred.parents));
            around.is_some_and(|around| !around.and(error.wave).is_empty())
        });
        if !own.is_empty() {
            own.into_iter().for_each(|(owner, path)| self.own(owner, error.at(path)));
            return;
        }
        for (_, path) in others {
            let told = (error.wave, error.at(path));
            if !self.of_fragments.contains(&told) {
                self.of_fragments.push(told);
            }
        }
    }

    fn own(&mut self, owner: Owner, error: GraphqlError) {
        let told = (owner, error);
        // Several objects of a subgraph's answer may be one object of the client's.
        if !self.owned.contains(&told) {
            self.owned.push(told);
        }
    }

    /// The errors of what is sent first.
    pub(super) fn of_first(&mut self) -> Vec<GraphqlError> {
        self.owned.extract_if(.., |(owner, _)| owner.is_none()).map(|(_, error)| error).collect()
    }

    /// The errors of the fields of a group (by its anchor and its number there) at an object. `around`
    /// are its fragments and those around them.
    pub(super) fn of_piece(
        &mut self,
        (anchor, group): (usize, usize),
        around: DeferUsages,
        path: &[PathSegment],
    ) -> Vec<GraphqlError> {
        let owned = self.owned.extract_if(.., |(owner, _)| {
            owner.as_ref().is_some_and(|(own_anchor, own_group, own_path)| {
                (*own_anchor, *own_group) == (anchor, group) && own_path == path
            })
        });
        let mut all: Vec<GraphqlError> = owned.map(|(_, error)| error).collect();
        let of_fragments = self.of_fragments.extract_if(.., |(wave, error)| {
            let is_on_the_way = error.path.starts_with(path) || path.starts_with(&error.path);
            !wave.and(around).is_empty() && is_on_the_way
        });
        all.extend(of_fragments.map(|(_, error)| error));
        all
    }
}
