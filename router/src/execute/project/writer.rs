//! Writes objects, lists and leaves as the client's selection says.

use super::{Lost, Path, Place, Witness, repeats::Repeats};
use crate::{
    data::{Arena, Node, NodeId},
    error::{GraphqlError, PathSegment, code},
    execute::{blame::Fault, run::Shared},
    introspect,
    plan::{
        operation::Variables,
        types::{FieldKind, OutputType, ProjectedField, Selection},
    },
};

/// Why there is no value.
pub(super) enum NoValue {
    /// There is none, and nobody said why.
    Null,
    /// Something inside could not be null; its error is already told.
    Inside,
    /// The value is not what the schema says.
    Wrong(String),
    /// The object is of a type that the schema does not allow.
    WrongType,
}

pub(super) struct Writer<'a, W> {
    pub(super) shared: &'a Shared,
    pub(super) arena: &'a Arena,
    /// Fields that are missing because the error of another made null of a subgraph's answer.
    pub(super) lost: &'a Lost,
    pub(super) variables: &'a Variables,
    pub(super) out: Vec<u8>,
    /// The way to what is written.
    pub(super) above: &'a [PathSegment],
    pub(super) path: Vec<Place<'a>>,
    pub(super) told: Vec<GraphqlError>,
    pub(super) dropped: usize,
    /// How often a value was missing or wrong so far, told or not.
    pub(super) troubles: usize,
    /// The first of those that was told here.
    pub(super) fault: Option<Fault>,
    pub(super) repeats: Repeats<'a>,
    pub(super) witness: W,
}

impl<'a, W: Witness> Writer<'a, W> {
    pub(super) fn object(&mut self, selection: &'a Selection, node: NodeId) -> Result<(), NoValue> {
        let object = self.arena.object(node);
        if let Some(text) = object.and_then(|object| self.repeats.find(selection, object)) {
            self.out.extend_from_within(text);
            return Ok(());
        }
        let (start, troubles) = (self.out.len(), self.troubles);
        let number = match &selection.concrete {
            Some(_) => None,
            None => {
                let schema = &self.shared.schema;
                let name = self.arena.typename(node).ok_or(NoValue::WrongType)?;
                let number = schema
                    .object_number(&name)
                    .filter(|number| selection.possible.contains(*number));
                // A type that is not public is as good as nothing; its name must not get out.
                Some(number.ok_or_else(|| match schema.hides(&name) {
                    true => NoValue::Null,
                    false => NoValue::WrongType,
                })?)
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
            self.out.extend_from_slice(field.json_key.as_bytes());
            if self.plain_leaf(field, node) {
                continue;
            }
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
                    if value.is_none() && self.path.len() > 1 && self.is_stranger(node) {
                        Err(NoValue::WrongType)
                    } else if value.is_none() && self.lost.contains(&(node, field.internal)) {
                        self.troubles += 1;
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
        // Errors are told at each place, so that what has some is written anew there.
        if let Some(object) = object.filter(|_| self.troubles == troubles) {
            self.repeats.remember(selection, object, start..self.out.len());
        }
        Ok(())
    }

    /// Writes a leaf that is there, right and no list, as most fields are; whether it is.
    fn plain_leaf(&mut self, field: &ProjectedField, node: NodeId) -> bool {
        let FieldKind::Leaf(scalar) = field.kind else { return false };
        let value = match field.ty.item {
            Some(_) => None,
            None => self.arena.get(node, field.internal),
        };
        value.is_some_and(|value| self.arena.write_scalar(value, scalar, &mut self.out))
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
        if self.out.len() > start {
            self.out.truncate(start);
            self.repeats = Repeats::default();
        }
        self.witness.forget(seen);
        match reason {
            NoValue::Inside => {}
            NoValue::Wrong(message) => self.accuse(field, message),
            NoValue::WrongType => {
                let at = &field.coordinate;
                let message =
                    format!("an object for {at} of a type that the schema does not allow");
                self.accuse(field, message);
            }
            NoValue::Null if ty.non_null => {
                let message = format!("null for {}, which is never null", field.coordinate);
                self.accuse(field, message);
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
                Node::Object(_) => self.object(selection, node),
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
            FieldKind::Leaf(scalar) => {
                match self.arena.write_scalar(node, *scalar, &mut self.out) {
                    true => Ok(()),
                    false => Err(NoValue::Wrong(format!(
                        "no {} for {}",
                        scalar.name(),
                        field.coordinate
                    ))),
                }
            }
            FieldKind::Typename | FieldKind::Introspection(..) => {
                self.arena.write(node, &mut self.out);
                Ok(())
            }
        }
    }

    /// The place that is being written.
    fn here(&self) -> Vec<PathSegment> {
        Path { above: self.above, places: &self.path }.segments()
    }

    /// Whether an object says that it is of a type that the graph does not have.
    fn is_stranger(&self, node: NodeId) -> bool {
        let schema = &self.shared.schema;
        let is_known = |name: &str| schema.object_number(name).is_some() || schema.hides(name);
        self.arena.typename(node).is_some_and(|name| !is_known(&name))
    }

    /// Tells an error of the field that is being written, which is a subgraph's fault unless another
    /// error is the reason.
    fn accuse(&mut self, field: &ProjectedField, message: String) {
        let known = self.told.len();
        self.tell(self.here(), message.clone());
        if self.told.len() > known && self.fault.is_none() {
            let (coordinate, internal) = (field.coordinate.clone(), field.internal);
            self.fault = Some(Fault { coordinate, internal, message });
        }
    }

    /// Tells an error, unless the reason is told already: at this place or inside it.
    fn tell(&mut self, path: Vec<PathSegment>, message: String) {
        self.troubles += 1;
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
