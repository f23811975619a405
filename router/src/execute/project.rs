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
    let State { arena, errors, lost } = state;
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
        let is_same = |known: &GraphqlError| {
            known.message == error.message
                && known.extensions == error.extensions
                && known.path.starts_with(&error.path)
        };
        if !told.iter().any(is_same) {
            told.push(error);
        }
    }
    let more = errors.len().saturating_sub(shared.max_errors);
    let dropped = more + told.len().saturating_sub(shared.max_errors);
    told.truncate(shared.max_errors);
    let mut writer = Writer {
        shared,
        arena,
        lost: lost.iter().flat_map(|object| object.fields(&shared.schema, arena)).collect(),
        variables,
        // About what a value takes with its key, so that the answer seldom moves.
        out: Vec::with_capacity(256 + 16 * arena.len()),
        path: Vec::new(),
        told,
        dropped,
    };
    writer.out.extend_from_slice(b"{\"data\":");
    let start = writer.out.len();
    if writer.object(&plan.projection, Arena::ROOT).is_err() {
        writer.out.truncate(start);
        writer.out.extend_from_slice(b"null");
    }
    let Writer { mut out, mut told, dropped, .. } = writer;
    if dropped > 0 {
        let message = format!("{dropped} more errors are not listed");
        told.push(GraphqlError::new(code::INVALID_RESPONSE, message));
    }
    if !told.is_empty() {
        out.push(b',');
        write_errors(&told, &mut out);
    }
    out.push(b'}');
    let first = told.first().and_then(GraphqlError::code).map(str::to_owned);
    (out.into(), !told.is_empty(), first)
}

#[derive(Clone, Copy)]
enum Place<'a> {
    Field(&'a ProjectedField),
    Index(u32),
}

struct Writer<'a> {
    shared: &'a Shared,
    arena: &'a Arena,
    /// Fields that are missing because the error of another made null of a subgraph's answer.
    lost: HashSet<(NodeId, Key)>,
    variables: &'a Variables,
    out: Vec<u8>,
    path: Vec<Place<'a>>,
    told: Vec<GraphqlError>,
    dropped: usize,
}

impl<'a> Writer<'a> {
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
        let start = self.out.len();
        let Err(reason) = self.non_null(field, ty, node) else {
            return Ok(());
        };
        self.out.truncate(start);
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
        let steps = self.path.iter().map(|place| match place {
            Place::Field(field) => PathSegment::Key(field.response_key.clone()),
            Place::Index(index) => PathSegment::Index(*index),
        });
        steps.collect()
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
