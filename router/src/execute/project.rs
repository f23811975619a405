//! Writes the answer once: the client's fields under the client's keys, with nulls propagated as
//! "Handling Execution Errors" of the specification says.

use super::{errors::InternalError, run::Shared};
use crate::{
    data::{Arena, NodeId},
    error::{GraphqlError, PathSegment, code, write_errors},
    introspect,
    plan::{
        operation::Variables,
        types::{FieldKind, OutputType, Plan, ProjectedField, Selection},
    },
};
use bytes::Bytes;

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
    arena: &Arena,
    errors: Vec<InternalError>,
) -> (Bytes, bool, Option<String>) {
    let total = errors.len();
    let mut told: Vec<GraphqlError> = Vec::new();
    for error in errors.iter().take(shared.max_errors) {
        for error in error.for_client(&shared.schema, arena, &plan.projection) {
            // Several objects of a subgraph's answer may be one object of the client's.
            if !told.contains(&error) {
                told.push(error);
            }
        }
    }
    told.truncate(shared.max_errors);
    let mut writer = Writer {
        shared,
        arena,
        variables,
        // About what a value takes with its key, so that the answer seldom moves.
        out: Vec::with_capacity(256 + 16 * arena.len()),
        path: Vec::new(),
        told,
        dropped: total.saturating_sub(shared.max_errors),
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
                    self.value(field, &field.ty, value)
                }
            };
            self.path.pop();
            written?;
        }
        self.out.push(b'}');
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
            NoValue::Wrong(message) => self.tell(message),
            NoValue::Null if ty.non_null => {
                self.tell(format!("null for {}, which is never null", field.coordinate));
            }
            NoValue::Null => {}
        }
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

    /// Tells an error here, unless the reason is told already: at this place, above it or inside it.
    fn tell(&mut self, message: String) {
        let path: Vec<PathSegment> = self
            .path
            .iter()
            .map(|place| match place {
                Place::Field(field) => PathSegment::Key(field.response_key.clone()),
                Place::Index(index) => PathSegment::Index(*index),
            })
            .collect();
        let known = self.told.iter().any(|error| {
            !error.path.is_empty()
                && (path.starts_with(&error.path) || error.path.starts_with(&path))
        });
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
