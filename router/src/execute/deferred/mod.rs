//! What of an answer has been sent, and what can be sent now (incremental delivery, section
//! "Incremental Delivery", "Yielding Incremental Results").
//!
//! A deferred fragment is one for each object at which it stands. Its fields are written in pieces: one
//! for the fields of an object that are in the same fragments, so that what several fragments have is
//! sent once. A fragment is announced when the one around it is complete, and complete when all of its
//! pieces are written; where a null would have to go beyond a piece, its fragments fail.

mod found;
mod untold;

use self::{
    found::{Found, Objects},
    untold::Untold,
};
use super::{
    project::{Lost, Piece, lost_fields, write_piece},
    run::Execution,
};
use crate::{
    data::{Arena, NodeId},
    error::{GraphqlError, PathSegment},
    incremental::{Fields, Fragment, Part},
    plan::{
        defer::{DeferUsages, Deferred},
        types::Selection,
    },
};
use std::sync::Arc;

/// The parts of one execution's answer.
pub(crate) struct Delivery<'a> {
    execution: &'a Execution<'a>,
    deferred: &'a Deferred,
    /// Of each wave of the plan, whether it is fetched.
    fetched: Vec<bool>,
    fragments: Vec<OfObject>,
    /// Fragments that are neither complete nor failed.
    open: Vec<usize>,
    pieces: Vec<Waiting<'a>>,
    scopes: Vec<Scope>,
    untold: Untold,
    /// So many objects lost what an answer had of them, and these fields are missing.
    lost_objects: usize,
    lost: Lost,
    announced: usize,
    /// Whether the log has what was not as the schema says.
    blamed: bool,
}

/// A deferred fragment at one object.
struct OfObject {
    usage: usize,
    path: Vec<PathSegment>,
    /// The fragment around it.
    parent: Option<usize>,
    state: State,
    pieces: Vec<usize>,
}

enum State {
    /// The fragment around is not complete.
    Waiting,
    Pending(Arc<Fragment>),
    Complete,
    Failed,
}

/// Fields of one object that are in the same fragments.
struct Waiting<'a> {
    /// Which fields: the number of the anchor, and of the group there.
    group: (usize, usize),
    usages: DeferUsages,
    selection: &'a Selection,
    node: NodeId,
    path: Vec<PathSegment>,
    fragments: Vec<usize>,
    scope: usize,
    written: Option<Result<Arc<Fields>, Vec<GraphqlError>>>,
    sent: bool,
}

/// The fragments that begin at one object, inside of those that begin above it.
struct Scope {
    outer: Option<usize>,
    begun: Vec<usize>,
}

impl<'a> Delivery<'a> {
    pub(crate) fn new(execution: &'a Execution<'a>, deferred: &'a Deferred) -> Delivery<'a> {
        Delivery {
            execution,
            deferred,
            fetched: vec![false; deferred.waves.len()],
            fragments: Vec::new(),
            open: Vec::new(),
            pieces: Vec::new(),
            scopes: Vec::new(),
            untold: Untold::default(),
            lost_objects: 0,
            lost: Lost::default(),
            announced: 0,
            blamed: false,
        }
    }

    /// Notes that a wave of the plan is fetched.
    pub(crate) fn fetched(&mut self, wave: usize) {
        if let Some(fetched) = self.fetched.get_mut(wave) {
            *fetched = true;
        }
    }

    /// The first part, once all that is not deferred is fetched.
    pub(crate) fn first(&mut self) -> Part {
        let root = (&self.execution.plan.projection, Arena::ROOT);
        let (data, errors, found) = self.write(root, &[], Untold::of_first);
        self.take(found, None);
        let data = data.unwrap_or_else(|| b"null".to_vec());
        let mut part = Part { first: Some((data, errors)), ..Part::default() };
        while self.announce(&mut part) {}
        part.has_next = self.has_next();
        part
    }

    /// What can be sent after it now; it may be nothing.
    pub(crate) fn next(&mut self) -> Part {
        let mut part = Part::default();
        while self.announce(&mut part) | self.complete(&mut part) {}
        let is_open = |state: &State| matches!(state, State::Waiting | State::Pending(_));
        self.open.retain(|number| is_open(&self.fragments[*number].state));
        part.has_next = self.has_next();
        part
    }

    /// Whether fragments that were announced are not complete.
    pub(crate) fn has_next(&self) -> bool {
        self.open.iter().any(|number| matches!(self.fragments[*number].state, State::Pending(_)))
    }

    /// Ends all that is announced, with the same error at each.
    pub(crate) fn end(&mut self, error: &GraphqlError) -> Part {
        let mut part = Part::default();
        for number in std::mem::take(&mut self.open) {
            let fragment = &mut self.fragments[number];
            if let State::Pending(announced) = std::mem::replace(&mut fragment.state, State::Failed)
            {
                let error = error.clone().at(fragment.path.clone());
                part.completed.push((announced, Err(vec![error])));
            }
        }
        part
    }

    /// Announces the fragments for which it is time. One without fields of its own is complete by itself.
    fn announce(&mut self, part: &mut Part) -> bool {
        let mut moved = false;
        for number in self.open.clone() {
            let fragment = &self.fragments[number];
            let is_time = fragment
                .parent
                .is_none_or(|parent| matches!(self.fragments[parent].state, State::Complete));
            if !is_time || !matches!(fragment.state, State::Waiting) {
                continue;
            }
            moved = true;
            if fragment.pieces.is_empty() {
                self.fragments[number].state = State::Complete;
                continue;
            }
            let label = self.deferred.labels.get(fragment.usage).cloned().flatten();
            let announced = Fragment { id: self.announced, path: fragment.path.clone(), label };
            let announced = Arc::new(announced);
            self.announced += 1;
            part.pending.push(announced.clone());
            self.fragments[number].state = State::Pending(announced);
        }
        moved
    }

    /// Writes the pieces of announced fragments that can be written, and ends the fragments that have
    /// them all.
    fn complete(&mut self, part: &mut Part) -> bool {
        let mut moved = false;
        for number in self.open.clone() {
            let State::Pending(announced) = &self.fragments[number].state else { continue };
            let announced = announced.clone();
            if !self.write_pieces(number) {
                continue;
            }
            moved = true;
            let pieces = self.fragments[number].pieces.clone();
            let mut fields = Vec::new();
            let mut errors = Vec::new();
            for piece in &pieces {
                match &self.pieces[*piece].written {
                    Some(Ok(written)) => fields.push((*piece, written.clone())),
                    Some(Err(told)) => errors.extend(told.iter().cloned()),
                    None => {}
                }
            }
            if !errors.is_empty() {
                part.completed.push((announced, Err(errors)));
                self.fragments[number].state = State::Failed;
                continue;
            }
            for (piece, written) in &fields {
                if !std::mem::replace(&mut self.pieces[*piece].sent, true) {
                    let nearest = self.nearest(*piece).unwrap_or_else(|| announced.clone());
                    part.incremental.push((nearest, written.clone()));
                }
            }
            let all = fields.into_iter().map(|(_, written)| written).collect();
            part.completed.push((announced, Ok(all)));
            self.fragments[number].state = State::Complete;
        }
        moved
    }

    /// Of the announced fragments that have a piece, the one that begins nearest to it.
    fn nearest(&self, piece: usize) -> Option<Arc<Fragment>> {
        let all = self.pieces[piece].fragments.iter().filter_map(|number| {
            match &self.fragments[*number].state {
                State::Pending(announced) => Some(announced),
                _ => None,
            }
        });
        // The first of those that are as near.
        all.rev().max_by_key(|announced| announced.path.len()).cloned()
    }

    /// Writes the pieces of a fragment; whether all of them are written.
    fn write_pieces(&mut self, number: usize) -> bool {
        let mut all = true;
        let mut index = 0;
        // A piece that is written may show others inside of it.
        while let Some(piece) = self.fragments[number].pieces.get(index).copied() {
            index += 1;
            let waiting = &self.pieces[piece];
            if waiting.written.is_some() {
                continue;
            }
            if !self.is_fetched(waiting.usages) {
                all = false;
                continue;
            }
            let (group, scope) = (waiting.group, waiting.scope);
            let around = waiting.usages.with_ancestors(&self.deferred.parents);
            let path = waiting.path.clone();
            let of = (waiting.selection, waiting.node);
            let told = |untold: &mut Untold| untold.of_piece(group, around, &path);
            let (data, errors, found) = self.write(of, &path, told);
            let written = match data {
                Some(data) => {
                    self.take(found, Some(scope));
                    Ok(Arc::new(Fields { path, data, errors }))
                }
                None => Err(errors),
            };
            self.pieces[piece].written = Some(written);
        }
        all
    }

    /// Whether all is there that fields in these fragments may need.
    fn is_fetched(&self, usages: DeferUsages) -> bool {
        let around = usages.with_ancestors(&self.deferred.parents);
        let mut waves = self.deferred.waves.iter().zip(&self.fetched);
        waves.all(|(wave, fetched)| *fetched || wave.usages.and(around).is_empty())
    }

    fn write(
        &mut self,
        (selection, node): (&Selection, NodeId),
        path: &[PathSegment],
        told: impl FnOnce(&mut Untold) -> Vec<GraphqlError>,
    ) -> (Option<Vec<u8>>, Vec<GraphqlError>, Vec<Found>) {
        let execution = self.execution;
        let mut state = execution.lock();
        let plan = execution.plan;
        let new = std::mem::take(&mut state.errors);
        self.untold.add(new, execution.shared, &state.arena, (plan, self.deferred));
        if state.lost.len() != self.lost_objects {
            self.lost_objects = state.lost.len();
            self.lost = lost_fields(execution.shared, &state);
        }
        let piece = Piece { selection, node, path, lost: &self.lost };
        let errors = told(&mut self.untold);
        let given = (errors, Objects::default());
        let (data, errors, objects, fault) =
            write_piece(execution.shared, execution.variables, &state.arena, &piece, given);
        if let Some(fault) = fault.filter(|_| !std::mem::replace(&mut self.blamed, true)) {
            execution.blame(&fault);
        }
        (data, errors, objects.found)
    }

    /// Takes in what a piece showed: where fragments begin, and further pieces.
    fn take(&mut self, found: Vec<Found>, scope: Option<usize>) {
        // Objects come from the outside inwards: those around the next one are on the stack.
        let mut around: Vec<(Vec<PathSegment>, usize)> = Vec::new();
        for Found { anchor: number, ty, node, path } in found {
            let deferred = self.deferred;
            let Some(anchor) = deferred.anchors.get(number) else { continue };
            while around.last().is_some_and(|(above, _)| !path.starts_with(above)) {
                around.pop();
            }
            let outer = around.last().map(|(_, scope)| *scope).or(scope);
            let own = self.scopes.len();
            self.scopes.push(Scope { outer, begun: Vec::new() });
            around.push((path.clone(), own));
            for (usage, only) in &anchor.begun {
                let applies = |ty| only.as_ref().is_none_or(|only| only.contains(ty));
                if ty.is_none_or(applies) {
                    let parent = deferred.parents.get(*usage).copied().flatten();
                    let parent = parent.and_then(|parent| self.begun(own, parent));
                    let (state, pieces) = (State::Waiting, Vec::new());
                    let path = path.clone();
                    self.fragments.push(OfObject { usage: *usage, path, parent, state, pieces });
                    self.scopes[own].begun.push(self.fragments.len() - 1);
                    self.open.push(self.fragments.len() - 1);
                }
            }
            for (group_number, group) in anchor.groups.iter().enumerate() {
                let mut fields = group.selection.fields.iter();
                let shows = fields.any(|field| match (&field.only, ty) {
                    (Some(only), Some(ty)) => only.contains(ty),
                    _ => true,
                });
                let fragments = group.usages.iter().filter_map(|usage| self.begun(own, usage));
                let fragments: Vec<usize> = fragments.collect();
                if !shows {
                    continue;
                }
                let piece = self.pieces.len();
                for fragment in &fragments {
                    self.fragments[*fragment].pieces.push(piece);
                }
                self.pieces.push(Waiting {
                    group: (number, group_number),
                    usages: group.usages,
                    selection: &group.selection,
                    node,
                    path: path.clone(),
                    fragments,
                    scope: own,
                    written: None,
                    sent: false,
                });
            }
        }
    }

    /// The fragment of that number that begins nearest, at an object or above it.
    fn begun(&self, scope: usize, usage: usize) -> Option<usize> {
        let scopes = std::iter::successors(Some(scope), |scope| self.scopes[*scope].outer);
        let mut fragments = scopes.flat_map(|scope| &self.scopes[scope].begun);
        fragments.find(|number| self.fragments[**number].usage == usage).copied()
    }
}
