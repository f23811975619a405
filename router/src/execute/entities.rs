//! Entity fetches: finds the places, builds one representation per distinct entity, and knows where
//! each answer belongs.

use super::{project::Lost, targets::Targets};
use crate::{
    data::{Arena, Key, NodeId, write_string},
    plan::types::{EntityFetch, EntityGroup, Require},
    schema::Schema,
    transport::Encoding,
};
use async_graphql::{Name, Value};
use hashbrown::{
    DefaultHashBuilder,
    hash_table::{Entry, HashTable},
};
use std::{borrow::Cow, hash::BuildHasher, ops::Range, sync::Arc};

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
    /// The objects of which nothing is asked, because something that is required was lost.
    pub(super) unasked: Vec<NodeId>,
}

pub(super) fn prepare(
    arena: &Arena,
    lost: &Lost,
    fetch: &EntityFetch,
    encoding: Encoding,
) -> Vec<Prepared> {
    fetch.groups.iter().map(|group| prepare_group(arena, lost, group, encoding)).collect()
}

fn prepare_group(arena: &Arena, lost: &Lost, group: &EntityGroup, encoding: Encoding) -> Prepared {
    let mut targets = Targets::default();
    for path in &group.paths {
        targets.find(arena, Arena::ROOT, path);
    }
    let mut shapes: Vec<Shape<'_>> = Vec::new();
    let mut sent = Distinct::default();
    let mut values = Vec::new();
    let mut places = Vec::with_capacity(targets.nodes.len());
    let mut unasked = Vec::new();
    // One answer may stand in several places, so that several paths lead to one object.
    let mut seen = vec![false; arena.objects()];
    for node in targets.nodes {
        let Some(object) = arena.object(node) else { continue };
        if std::mem::replace(&mut seen[object], true) {
            continue;
        }
        let Some(own) = typename(arena, group, node) else {
            continue;
        };
        let shape = match shapes.iter().position(|shape| shape.own == own) {
            Some(known) => &shapes[known],
            None => {
                let shape = Shape::new(group, own);
                let alike = shapes.iter().position(|known| known.writes_like(&shape));
                let form = alike.unwrap_or(shapes.len());
                shapes.push(Shape { form, ..shape });
                &shapes[shapes.len() - 1]
            }
        };
        // Null would be a wrong value: what it is, the subgraph did not say.
        if shape.fields.iter().any(|(read, ..)| lost.contains(&(node, *read))) {
            unasked.push(node);
            continue;
        }
        if !shape.is_complete(arena, node) {
            continue;
        }
        let (number, is_new) = sent.number(|identity| shape.identify(arena, node, identity));
        if is_new {
            match encoding {
                Encoding::Json => sent.write(|json| shape.write(arena, node, json)),
                Encoding::Values => values.push(shape.value(arena, node)),
            }
        }
        places.push((number, node));
    }
    let representations = match encoding {
        Encoding::Json => Representations::Json(sent.finish()),
        Encoding::Values => Representations::Values(values),
    };
    Prepared { representations, places, unasked }
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
#[derive(Default)]
struct Distinct {
    json: Vec<u8>,
    /// What tells each representation from others, one after the other.
    identities: Vec<u8>,
    /// Where each stands there, with its number. The hasher is seeded anew for each list.
    numbers: HashTable<(Range<usize>, usize)>,
    hasher: DefaultHashBuilder,
}

impl Distinct {
    /// The number of a representation, and whether it is a new one. `identify` writes what tells it from
    /// others.
    fn number(&mut self, identify: impl FnOnce(&mut Vec<u8>)) -> (usize, bool) {
        let start = self.identities.len();
        identify(&mut self.identities);
        let own = start..self.identities.len();
        let text = |place: &Range<usize>| &self.identities[place.clone()];
        let hash = |place: &Range<usize>| self.hasher.hash_one(text(place));
        let number = self.numbers.len();
        let is_own = |(known, _): &(Range<usize>, usize)| text(known) == text(&own);
        match self.numbers.entry(hash(&own), is_own, |(known, _)| hash(known)) {
            Entry::Occupied(known) => {
                let (_, number) = known.get();
                let number = *number;
                self.identities.truncate(start);
                (number, false)
            }
            Entry::Vacant(place) => {
                place.insert((own, number));
                (number, true)
            }
        }
    }

    /// Adds a representation to the list.
    fn write(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.json.push(if self.json.is_empty() { b'[' } else { b',' });
        write(&mut self.json);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.json.is_empty() {
            self.json.push(b'[');
        }
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
    /// The number of the first shape that writes the same, but for values.
    form: usize,
    /// The text up to the first field.
    head: Vec<u8>,
    fields: Vec<Required<'a>>,
    /// The keys by which the subgraph resolves the type, as far as all of their fields are there: where
    /// each field is read, and whether it may be null. `None` for a type that it does not know.
    keys: Option<Vec<Vec<(Key, bool)>>>,
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
            form: 0,
            keys: keys(group, [&own, &sent], &selected),
            fields: selected,
            head,
            sent: Value::String(sent),
            own,
            typename: Name::new("__typename"),
        }
    }

    fn writes_like(&self, other: &Shape<'_>) -> bool {
        let names = self.fields.iter().map(|(_, write, _)| write);
        self.head == other.head && names.eq(other.fields.iter().map(|(_, write, _)| write))
    }

    /// Writes what tells a representation from those of other objects of any type.
    fn identify(&self, arena: &Arena, node: NodeId, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.form.to_le_bytes());
        for (read, _, nested) in &self.fields {
            out.push(b',');
            write_field(arena, node, *read, nested, out);
        }
    }

    fn write(&self, arena: &Arena, node: NodeId, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        for (read, write, nested) in &self.fields {
            out.push(b',');
            write_string(write, out);
            out.push(b':');
            write_field(arena, node, *read, nested, out);
        }
        out.push(b'}');
    }

    /// Whether any key by which the subgraph resolves the type is complete.
    fn is_complete(&self, arena: &Arena, node: NodeId) -> bool {
        let is_null = |read: Key| arena.get(node, read).is_none_or(|value| arena.is_null(value));
        let Some(keys) = &self.keys else {
            // The plan says nothing that could be sent, but for what is required.
            return !self.fields.is_empty() && !self.fields.iter().any(|(read, ..)| is_null(*read));
        };
        keys.iter().any(|key| {
            key.iter().all(|(read, nullable)| *nullable || !is_null(*read))
                && key.iter().any(|(read, _)| !is_null(*read))
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

fn keys(
    group: &EntityGroup,
    types: [&str; 2],
    fields: &[Required<'_>],
) -> Option<Vec<Vec<(Key, bool)>>> {
    let mut own = group.entity_keys.iter().filter(|key| types.contains(&&*key.ty)).peekable();
    own.peek()?;
    let read = |(name, nullable): &(Arc<str>, bool)| {
        let field = fields.iter().find(|(_, write, _)| write.as_str() == &**name)?;
        Some((field.0, *nullable))
    };
    Some(own.filter_map(|key| key.fields.iter().map(read).collect()).collect())
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

fn write_field(arena: &Arena, node: NodeId, read: Key, nested: &[Require], out: &mut Vec<u8>) {
    match arena.get(node, read) {
        Some(value) => write_required(arena, value, nested, out),
        None => out.extend_from_slice(b"null"),
    }
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
        write_field(arena, node, read, nested, out);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::KeyTable, plan::types::PathStep};

    #[test]
    fn objects_with_one_value_under_two_names_are_two() {
        let mut table = KeyTable::new();
        let mut field = |name: &str| Require::Field {
            read: table.intern(name),
            write: Name::new(name),
            nested: Vec::new(),
        };
        let on = |ty: &str, field: Require| Require::On(vec![ty.into()], vec![field]);
        let requires = vec![on("Film", field("id")), on("Song", field("title"))];
        let key = |name: &str| crate::plan::types::EntityKey {
            ty: "Media".into(),
            fields: vec![(name.into(), false)],
        };
        let group = EntityGroup {
            response_key: table.intern("_entities"),
            variable: "representations".to_owned(),
            paths: vec![vec![PathStep::Field(table.intern("all"))]],
            requires,
            retype: vec![(vec!["Film".into(), "Song".into()], "Media".into())],
            entity_keys: vec![key("id"), key("title")],
        };
        let mut arena = Arena::new(Arc::new(table));
        let answer = r#"{"all":[{"__typename":"Film","id":"1"},{"__typename":"Song","title":"1"},
            {"__typename":"Film","id":"1"}]}"#;
        let answer = arena.read_json(bytes::Bytes::from_static(answer.as_bytes())).unwrap();
        arena.merge(Arena::ROOT, answer);
        let prepared = prepare_group(&arena, &Lost::default(), &group, Encoding::Json);
        let Representations::Json(sent) = prepared.representations else { panic!("values") };
        assert_eq!(
            String::from_utf8(sent).unwrap(),
            r#"[{"__typename":"Media","id":"1"},{"__typename":"Media","title":"1"}]"#
        );
        let numbers: Vec<usize> = prepared.places.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0, 1, 0]);
    }
}
