//! Writes the answer once: the client's fields under the client's keys, with nulls propagated as
//! "Handling Execution Errors" of the specification says.

use super::{
    errors::Told,
    run::{Shared, State},
};
use crate::{
    data::{Arena, Key, NodeId},
    error::{GraphqlError, PathSegment, code, write_errors},
    introspect,
    plan::{
        operation::Variables,
        types::{FieldKind, OutputType, Plan, ProjectedField, Selection},
    },
};
use bytes::Bytes;
use std::collections::HashSet;

/// Fields of objects.
pub(super) type Lost = HashSet<(NodeId, Key)>;

/// Why there is no value.
enum NoValue {
    /// There is none, and nobody said why.
    Null,
    /// Something inside could not be null; its error is already told.
    Inside,
    /// The value is not what the schema says.
    Wrong(String),
}

/// Writes `{"data":…,"errors":…}`; tells whether there are errors and the code of the first.
pub(super) fn write(
    shared: &Shared,
    plan: &Plan,
    variables: &Variables,
    state: &State,
) -> (Bytes, bool, Option<String>) {
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
        out: Vec::with_capacity(256 + 16 * arena.len()),
        above: &[],
        path: Vec::new(),
        told,
        dropped,
        witness: (),
    };
    writer.out.extend_from_slice(b"{\"data\":");
    let start = writer.out.len();
    if writer.object(&plan.projection, Arena::ROOT).is_err() {
        writer.out.truncate(start);
        writer.out.extend_from_slice(b"null");
    }
    let Writer { mut out, mut told, dropped, .. } = writer;
    tell_dropped(dropped, &mut told);
    if !told.is_empty() {
        out.push(b',');
        write_errors(&told, &mut out);
    }
    out.push(b'}');
    let first = told.first().and_then(GraphqlError::code).map(str::to_owned);
    (out.into(), !told.is_empty(), first)
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
/// are those that are given and those that writing adds.
pub(super) fn write_piece<'a, W: Witness>(
    shared: &'a Shared,
    variables: &'a Variables,
    arena: &'a Arena,
    piece: &Piece<'a>,
    (errors, witness): (Vec<GraphqlError>, W),
) -> (Option<Vec<u8>>, Vec<GraphqlError>, W) {
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
        witness,
    };
    let written = writer.object(piece.selection, piece.node);
    if written.is_err() {
        writer.witness.forget(0);
    }
    let Writer { out, mut told, dropped, witness, .. } = writer;
    tell_dropped(dropped, &mut told);
    (written.is_ok().then_some(out), told, witness)
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

struct Writer<'a, W> {
    shared: &'a Shared,
    arena: &'a Arena,
    /// Fields that are missing because the error of another made null of a subgraph's answer.
    lost: &'a Lost,
    variables: &'a Variables,
    out: Vec<u8>,
    /// The way to what is written.
    above: &'a [PathSegment],
    path: Vec<Place<'a>>,
    told: Vec<GraphqlError>,
    dropped: usize,
    witness: W,
}

impl<'a, W: Witness> Writer<'a, W> {
    fn object(&mut self, selection: &'a Selection, node: NodeId) -> Result<(), NoValue> {
        let number = match &selection.concrete {
            Some(_) => None,
            None => {
                let name = self.arena.typename(node).ok_or(NoValue::Null)?;
                let number = self
                    .shared
                    .schema
                    .object_number(&name)
                    .filter(|number| selection.possible.contains(*number));
                // A type that is not public is as good as nothing; its name must not get out.
                Some(number.ok_or(NoValue::Null)?)
            }
        };
        let path = Path { above: self.above, places: &self.path };
        self.witness.object(selection, number, node, path);
        self.out.push(b'{');
        let mut first = true;
        let mut lost = Vec::new();
        for field in &selection.fields {
            if let (Some(only), Some(number)) = (&field.only, number)
                && !only.contains(number)
            {
                continue;
            }
            if !std::mem::take(&mut first) {
                self.out.push(b',');
            }
            self.out.push(b'"');
            self.out.extend_from_slice(field.response_key.as_bytes());
            self.out.extend_from_slice(b"\":");
            self.path.push(Place::Field(field));
            let written = match &field.kind {
                FieldKind::Typename => {
                    self.typename(selection, number);
                    Ok(())
                }
                FieldKind::Introspection(name, arguments, inner) => {
                    introspect::write(
                        &self.shared.schema,
                        name,
                        arguments,
                        self.variables,
                        inner,
                        &mut self.out,
                    );
                    Ok(())
                }
                _ => {
                    let value = self.arena.get(node, field.internal);
                    if value.is_none() && self.lost.contains(&(node, field.internal)) {
                        lost.push((self.here(), &field.coordinate));
                        self.null(&field.ty)
                    } else {
                        self.value(field, &field.ty, value)
                    }
                }
            };
            self.path.pop();
            written?;
        }
        self.out.push(b'}');
        // The object stands, so that no error told so far is why these are null.
        for (path, coordinate) in lost {
            let message = format!(
                "no value for {coordinate}: the error of another field made null of the subgraph's answer"
            );
            self.tell(path, message);
        }
        Ok(())
    }

    fn typename(&mut self, selection: &Selection, number: Option<usize>) {
        let name = match (number, &selection.concrete) {
            (Some(number), _) => self.shared.schema.objects.get(number),
            (None, name) => name.as_ref(),
        };
        self.out.push(b'"');
        self.out.extend_from_slice(name.map_or(&b""[..], |name| name.as_bytes()));
        self.out.push(b'"');
    }

    fn value(
        &mut self,
        field: &'a ProjectedField,
        ty: &'a OutputType,
        node: Option<NodeId>,
    ) -> Result<(), NoValue> {
        let (start, seen) = (self.out.len(), self.witness.seen());
        let Err(reason) = self.non_null(field, ty, node) else {
            return Ok(());
        };
        self.out.truncate(start);
        self.witness.forget(seen);
        match reason {
            NoValue::Inside => {}
            NoValue::Wrong(message) => self.tell(self.here(), message),
            NoValue::Null if ty.non_null => {
                let message = format!("null for {}, which is never null", field.coordinate);
                self.tell(self.here(), message);
            }
            NoValue::Null => {}
        }
        self.null(ty)
    }

    /// Writes null, or lets it spread.
    fn null(&mut self, ty: &OutputType) -> Result<(), NoValue> {
        if ty.non_null {
            return Err(NoValue::Inside);
        }
        self.out.extend_from_slice(b"null");
        Ok(())
    }

    fn non_null(
        &mut self,
        field: &'a ProjectedField,
        ty: &'a OutputType,
        node: Option<NodeId>,
    ) -> Result<(), NoValue> {
        let node = node.filter(|node| !self.arena.is_null(*node)).ok_or(NoValue::Null)?;
        if let Some(item) = &ty.item {
            let Some(items) = self.arena.list(node) else {
                return Err(NoValue::Wrong(format!("no list for {}", field.coordinate)));
            };
            self.out.push(b'[');
            for (index, value) in items.iter().enumerate() {
                if index > 0 {
                    self.out.push(b',');
                }
                self.path.push(Place::Index(index as u32));
                let written = self.value(field, item, Some(*value));
                self.path.pop();
                written?;
            }
            self.out.push(b']');
            return Ok(());
        }
        match &field.kind {
            FieldKind::Object(selection) => match self.arena.node(node) {
                crate::data::Node::Object(_) => self.object(selection, node),
                _ => Err(NoValue::Wrong(format!("no object for {}", field.coordinate))),
            },
            FieldKind::Enum(values) => match self.arena.text(node) {
                Some(text) if values.iter().any(|value| **value == *text) => {
                    self.out.push(b'"');
                    self.out.extend_from_slice(text.as_bytes());
                    self.out.push(b'"');
                    Ok(())
                }
                _ => Err(NoValue::Wrong(format!(
                    "a value for {} that the schema does not know",
                    field.coordinate
                ))),
            },
            FieldKind::Leaf | FieldKind::Typename | FieldKind::Introspection(..) => {
                self.arena.write(node, &mut self.out);
                Ok(())
            }
        }
    }

    /// The place that is being written.
    fn here(&self) -> Vec<PathSegment> {
        Path { above: self.above, places: &self.path }.segments()
    }

    /// Tells an error, unless the reason is told already: at this place or inside it.
    fn tell(&mut self, path: Vec<PathSegment>, message: String) {
        let known =
            self.told.iter().any(|error| !error.path.is_empty() && error.path.starts_with(&path));
        if known {
            return;
        }
        if self.told.len() >= self.shared.max_errors {
            self.dropped += 1;
            return;
        }
        self.told.push(GraphqlError::new(code::INVALID_RESPONSE, message).at(path));
    }
}
