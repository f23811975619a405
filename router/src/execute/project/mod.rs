//! Writes the answer once: the client's fields under the client's keys, with nulls propagated as
//! "Handling Execution Errors" of the specification says.

mod repeats;
mod writer;

use super::{
    blame::Fault,
    errors::Told,
    run::{Shared, State},
};
use crate::{
    data::{Arena, Key, NodeId},
    error::{GraphqlError, PathSegment, code, write_errors},
    plan::{
        operation::Variables,
        types::{Plan, ProjectedField, Selection},
    },
};
use bytes::Bytes;
use repeats::Repeats;
use std::collections::HashSet;
use writer::Writer;

/// Fields of objects.
pub(super) type Lost = HashSet<(NodeId, Key)>;

/// Writes `{"data":…,"errors":…}`; tells whether there are errors and the code of the first, and what
/// was not as the schema says.
pub(super) fn write(
    shared: &Shared,
    plan: &Plan,
    variables: &Variables,
    state: &State,
) -> ((Bytes, bool, Option<String>), Option<Fault>) {
    let State { arena, errors, .. } = state;
    let mut told: Vec<GraphqlError> = Vec::new();
    let mut held: Vec<GraphqlError> = Vec::new();
    for error in errors.iter().take(shared.max_errors) {
        match error.for_client(&shared.schema, arena, plan) {
            // Several objects of a subgraph's answer may be one object of the client's.
            Told::Shown(errors) => errors.into_iter().for_each(|error| {
                if !told.contains(&error) {
                    told.push(error);
                }
            }),
            Told::AtHolders(errors) => held.extend(errors),
        }
    }
    for error in held {
        // What was asked for the client and for the router fails twice.
        if !told.iter().any(|known| known.is_within(&error)) {
            told.push(error);
        }
    }
    let more = errors.len().saturating_sub(shared.max_errors);
    let dropped = more + told.len().saturating_sub(shared.max_errors);
    told.truncate(shared.max_errors);
    let lost = lost_fields(shared, state);
    let mut writer = Writer {
        shared,
        arena,
        lost: &lost,
        variables,
        // About what a value takes with its key, so that the answer seldom moves.
        out: Vec::with_capacity((256 + 16 * arena.len()).max(plan.answer_size.get())),
        above: &[],
        path: Vec::new(),
        told,
        dropped,
        troubles: 0,
        fault: None,
        repeats: Repeats::of(arena),
        witness: (),
    };
    writer.out.extend_from_slice(b"{\"data\":");
    let start = writer.out.len();
    if writer.object(&plan.projection, Arena::ROOT).is_err() {
        writer.out.truncate(start);
        writer.out.extend_from_slice(b"null");
    }
    let Writer { mut out, mut told, dropped, fault, .. } = writer;
    tell_dropped(dropped, &mut told);
    if !told.is_empty() {
        out.push(b',');
        write_errors(&told, &mut out);
    }
    out.push(b'}');
    plan.answer_size.set(out.len());
    let first = told.first().and_then(GraphqlError::code).map(str::to_owned);
    ((out.into(), !told.is_empty(), first), fault)
}

/// The fields that are missing because the error of another made null of a subgraph's answer.
pub(super) fn lost_fields(shared: &Shared, state: &State) -> Lost {
    let lost = state.lost.iter();
    lost.flat_map(|object| object.fields(&shared.schema, &state.arena)).collect()
}

/// Sees the objects that are written. For whole answers nobody looks.
pub(super) trait Witness {
    /// How much was seen so far.
    fn seen(&self) -> usize;
    /// Forgets what was seen since: it became null.
    fn forget(&mut self, seen: usize);
    /// An object, the number of its type where there are several, and the way to it.
    fn object(
        &mut self,
        selection: &Selection,
        number: Option<usize>,
        node: NodeId,
        path: Path<'_>,
    );
}

impl Witness for () {
    fn seen(&self) -> usize {
        0
    }

    fn forget(&mut self, _: usize) {}

    fn object(&mut self, _: &Selection, _: Option<usize>, _: NodeId, _: Path<'_>) {}
}

/// A part of an answer: an object, what is shown of it, and where it stands.
pub(super) struct Piece<'a> {
    pub(super) selection: &'a Selection,
    pub(super) node: NodeId,
    pub(super) path: &'a [PathSegment],
    pub(super) lost: &'a Lost,
}

/// Writes a part of an answer. Its text is `None` where a null inside makes null of it. The errors
/// are those that are given and those that writing adds; the last is what was not as the schema says.
pub(super) fn write_piece<'a, W: Witness>(
    shared: &'a Shared,
    variables: &'a Variables,
    arena: &'a Arena,
    piece: &Piece<'a>,
    (errors, witness): (Vec<GraphqlError>, W),
) -> (Option<Vec<u8>>, Vec<GraphqlError>, W, Option<Fault>) {
    let mut told = errors;
    let dropped = told.len().saturating_sub(shared.max_errors);
    told.truncate(shared.max_errors);
    let mut writer = Writer {
        shared,
        arena,
        variables,
        lost: piece.lost,
        out: Vec::new(),
        above: piece.path,
        path: Vec::new(),
        told,
        dropped,
        troubles: 0,
        fault: None,
        // A witness sees each object, the repeated ones too.
        repeats: Repeats::default(),
        witness,
    };
    let written = writer.object(piece.selection, piece.node);
    if written.is_err() {
        writer.witness.forget(0);
    }
    let Writer { out, mut told, dropped, witness, fault, .. } = writer;
    tell_dropped(dropped, &mut told);
    (written.is_ok().then_some(out), told, witness, fault)
}

fn tell_dropped(dropped: usize, told: &mut Vec<GraphqlError>) {
    if dropped > 0 {
        let message = format!("{dropped} more errors are not listed");
        told.push(GraphqlError::new(code::INVALID_RESPONSE, message));
    }
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Field(&'a ProjectedField),
    Index(u32),
}

/// The way to an object that is written.
#[derive(Clone, Copy)]
pub(super) struct Path<'a> {
    above: &'a [PathSegment],
    places: &'a [Place<'a>],
}

impl Path<'_> {
    /// The same way as errors tell it.
    pub(super) fn segments(self) -> Vec<PathSegment> {
        let places = self.places.iter().map(|place| match place {
            Place::Field(field) => PathSegment::Key(field.response_key.clone()),
            Place::Index(index) => PathSegment::Index(*index),
        });
        self.above.iter().cloned().chain(places).collect()
    }
}
