//! Entity fetches: finds the places, builds one representation per distinct entity, and knows where
//! each answer belongs.

use super::targets::Targets;
use crate::{
    data::{Arena, Key, NodeId, write_string},
    plan::types::{EntityFetch, EntityGroup, EntityKey, Require},
    schema::Schema,
    transport::Encoding,
};
use async_graphql::{Name, Value};
use std::{
    borrow::Cow,
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    ops::Range,
    sync::Arc,
};

/// Representations in the encoding of the transport.
#[derive(Debug)]
pub(crate) enum Representations {
    /// A JSON list.
    Json(Vec<u8>),
    Values(Vec<Value>),
}

/// One `_entities` field, ready to be sent.
pub(super) struct Prepared {
    pub(super) representations: Representations,
    /// The objects that the representations stand for, each with its representation's number.
    pub(super) places: Vec<(usize, NodeId)>,
}

pub(super) fn prepare(arena: &Arena, fetch: &EntityFetch, encoding: Encoding) -> Vec<Prepared> {
    fetch.groups.iter().map(|group| prepare_group(arena, group, encoding)).collect()
}

fn prepare_group(arena: &Arena, group: &EntityGroup, encoding: Encoding) -> Prepared {
    let mut targets = Targets::default();
    for path in &group.paths {
        targets.find(arena, Arena::ROOT, path);
    }
    let mut shapes: Vec<Shape<'_>> = Vec::new();
    let mut sent = Distinct::new();
    let mut values = Vec::new();
    let mut places = Vec::with_capacity(targets.nodes.len());
    // One answer may stand in several places, so that several paths lead to one object.
    let mut seen = vec![false; arena.len()];
    for node in targets.nodes {
        if std::mem::replace(&mut seen[node as usize], true) {
            continue;
        }
        let Some(own) = typename(arena, group, node) else {
            continue;
        };
        let shape = match shapes.iter().position(|shape| shape.own == own) {
            Some(known) => &shapes[known],
            None => {
                shapes.push(Shape::new(group, own));
                &shapes[shapes.len() - 1]
            }
        };
        sent.begin();
        if !shape.write(arena, node, &mut sent.json) {
            sent.discard();
            continue;
        }
        let (number, is_new) = sent.end();
        if is_new && encoding == Encoding::Values {
            values.push(shape.value(arena, node));
        }
        places.push((number, node));
    }
    let representations = match encoding {
        Encoding::Json => Representations::Json(sent.finish()),
        Encoding::Values => Representations::Values(values),
    };
    Prepared { representations, places }
}

/// Takes over the type of an entity where only its interface was known: a subgraph with
/// `@interfaceObject` answers with the interface's name.
pub(super) fn learn_type(arena: &mut Arena, schema: &Schema, target: NodeId, entity: NodeId) {
    let Some(told) = arena.get(entity, Key::TYPENAME) else {
        return;
    };
    let is_object = |name: Cow<'_, str>| schema.object_number(&name).is_some();
    if arena.typename(target).is_some_and(|own| !is_object(own))
        && arena.typename(entity).is_some_and(is_object)
    {
        arena.set(target, Key::TYPENAME, told);
    }
}

/// A JSON list of representations in which none stands twice.
struct Distinct {
    json: Vec<u8>,
    /// Where each representation stands in the list.
    spans: Vec<Range<usize>>,
    /// Numbers of representations by the hash of their text.
    numbers: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
    start: usize,
}

impl Distinct {
    fn new() -> Distinct {
        Distinct {
            json: vec![b'['],
            spans: Vec::new(),
            numbers: HashMap::new(),
            hasher: RandomState::new(),
            start: 1,
        }
    }

    /// Begins a representation, whose text is then written to the end of `json`.
    fn begin(&mut self) {
        if !self.spans.is_empty() {
            self.json.push(b',');
        }
        self.start = self.json.len();
    }

    /// Takes back what was written since [`Distinct::begin`].
    fn discard(&mut self) {
        self.json.truncate(self.start - usize::from(!self.spans.is_empty()));
    }

    /// The number of the representation that was written, and whether it is a new one.
    fn end(&mut self) -> (usize, bool) {
        let written = &self.json[self.start..];
        let hash = self.hasher.hash_one(written);
        let alike = self.numbers.entry(hash).or_default();
        let known = alike.iter().find(|number| self.json[self.spans[**number].clone()] == *written);
        if let Some(number) = known.copied() {
            self.discard();
            return (number, false);
        }
        let number = self.spans.len();
        alike.push(number);
        self.spans.push(self.start..self.json.len());
        (number, true)
    }

    fn finish(mut self) -> Vec<u8> {
        self.json.push(b']');
        self.json
    }
}

/// A field of a representation: where it is read, its name, what is needed of it.
type Required<'a> = (Key, &'a Name, &'a [Require]);

/// What the representations of one type hold.
struct Shape<'a> {
    /// The type as the data has it.
    own: Cow<'a, str>,
    /// The type as the subgraph has to see it.
    sent: Value,
    /// The text up to the first field.
    head: Vec<u8>,
    fields: Vec<Required<'a>>,
    keys: Vec<&'a EntityKey>,
    typename: Name,
}

/// The type of an entity as the data has it.
fn typename<'a>(arena: &'a Arena, group: &'a EntityGroup, node: NodeId) -> Option<Cow<'a, str>> {
    // Where only one type is possible, the planner may not have asked for it.
    arena.typename(node).or_else(|| match &group.requires[..] {
        [Require::On(types, _)] if types.len() == 1 => Some(Cow::Borrowed(&*types[0])),
        _ => None,
    })
}

impl<'a> Shape<'a> {
    fn new(group: &'a EntityGroup, own: Cow<'a, str>) -> Shape<'a> {
        let retyped = group.retype.iter().find(|(types, _)| types.iter().any(|ty| **ty == *own));
        let sent = retyped.map_or(&*own, |(_, to)| &**to).to_owned();
        let mut selected = Vec::new();
        fields(&group.requires, &own, &mut selected);
        selected.retain(|(read, ..)| *read != Key::TYPENAME);
        let mut head = b"{\"__typename\":".to_vec();
        write_string(&sent, &mut head);
        Shape {
            keys: group
                .entity_keys
                .iter()
                .filter(|key| *key.ty == *own || *key.ty == *sent)
                .collect(),
            fields: selected,
            head,
            sent: Value::String(sent),
            own,
            typename: Name::new("__typename"),
        }
    }

    /// Writes a representation; `false` when no key by which the subgraph resolves the type is
    /// complete.
    fn write(&self, arena: &Arena, node: NodeId, out: &mut Vec<u8>) -> bool {
        out.extend_from_slice(&self.head);
        for (read, write, nested) in &self.fields {
            out.push(b',');
            write_string(write, out);
            out.push(b':');
            match arena.get(node, *read) {
                Some(value) => write_required(arena, value, nested, out),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
        self.is_complete(arena, node)
    }

    fn is_complete(&self, arena: &Arena, node: NodeId) -> bool {
        let is_null = |read: Key| arena.get(node, read).is_none_or(|value| arena.is_null(value));
        if self.keys.is_empty() {
            // Of a type that the subgraph does not know, the plan says nothing that could be sent.
            return !self.fields.is_empty() && !self.fields.iter().any(|(read, ..)| is_null(*read));
        }
        let field = |name: &str| self.fields.iter().find(|(_, write, _)| write.as_str() == name);
        let has = |name: &str| field(name).is_some_and(|(read, ..)| !is_null(*read));
        self.keys.iter().any(|key| {
            let fit = |(name, nullable): &(Arc<str>, bool)| {
                field(name).is_some_and(|(read, ..)| *nullable || !is_null(*read))
            };
            key.fields.iter().all(fit)
                && key.fields.iter().any(|(name, _)| has(name) || &**name == "__typename")
        })
    }

    fn value(&self, arena: &Arena, node: NodeId) -> Value {
        let own = std::iter::once((self.typename.clone(), self.sent.clone()));
        let rest = self.fields.iter().map(|(read, write, nested)| {
            ((*write).clone(), required_field(arena, node, *read, nested))
        });
        Value::Object(own.chain(rest).collect())
    }
}

/// The fields of a representation's top level, fragments resolved.
fn fields<'a>(requires: &'a [Require], typename: &str, found: &mut Vec<Required<'a>>) {
    for item in requires {
        match item {
            Require::Field { read, write, nested } => {
                if !found.iter().any(|(_, known, _)| *known == write) {
                    found.push((*read, write, nested));
                }
            }
            Require::On(types, inner) => {
                if types.iter().any(|ty| **ty == *typename) {
                    fields(inner, typename, found);
                }
            }
        }
    }
}

/// The fields of an object inside a representation. Its type is among them where it was fetched.
fn nested_fields<'a>(arena: &Arena, node: NodeId, nested: &'a [Require]) -> Vec<Required<'a>> {
    let typename = arena.typename(node);
    let mut selected = Vec::new();
    fields(nested, typename.as_deref().unwrap_or_default(), &mut selected);
    selected.retain(|(read, ..)| *read != Key::TYPENAME || typename.is_some());
    selected
}

fn write_required(arena: &Arena, node: NodeId, nested: &[Require], out: &mut Vec<u8>) {
    if nested.is_empty() || arena.is_null(node) {
        return arena.write(node, out);
    }
    if let Some(items) = arena.list(node) {
        out.push(b'[');
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_required(arena, *item, nested, out);
        }
        out.push(b']');
        return;
    }
    let selected = nested_fields(arena, node, nested);
    out.push(b'{');
    for (index, (read, write, nested)) in selected.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_string(write, out);
        out.push(b':');
        match arena.get(node, read) {
            Some(value) => write_required(arena, value, nested, out),
            None => out.extend_from_slice(b"null"),
        }
    }
    out.push(b'}');
}

fn required_field(arena: &Arena, node: NodeId, read: Key, nested: &[Require]) -> Value {
    match arena.get(node, read) {
        Some(value) => required_value(arena, value, nested),
        None => Value::Null,
    }
}

fn required_value(arena: &Arena, node: NodeId, nested: &[Require]) -> Value {
    if nested.is_empty() || arena.is_null(node) {
        return arena.value(node);
    }
    if let Some(items) = arena.list(node) {
        return Value::List(
            items.iter().map(|item| required_value(arena, *item, nested)).collect(),
        );
    }
    let selected = nested_fields(arena, node, nested);
    Value::Object(
        selected
            .into_iter()
            .map(|(read, write, nested)| (write.clone(), required_field(arena, node, read, nested)))
            .collect(),
    )
}
