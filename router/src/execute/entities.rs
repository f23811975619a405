//! Entity fetches: finds the places, builds one representation per distinct entity, and knows where
//! each answer belongs.

use super::{errors::Segment, run::is_of};
use crate::{
    data::{Arena, Key, NodeId, write_string},
    plan::types::{EntityFetch, EntityGroup, PathStep, Require},
    transport::Encoding,
};
use async_graphql::{Name, Value};
use std::{
    collections::{HashMap, HashSet},
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
    representations: Representations,
    /// For each representation the objects that it stands for.
    places: Vec<Vec<NodeId>>,
}

impl Prepared {
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn split(self) -> (Representations, Vec<Vec<NodeId>>) {
        (self.representations, self.places)
    }
}

pub(super) fn prepare(arena: &Arena, fetch: &EntityFetch, encoding: Encoding) -> Vec<Prepared> {
    fetch.groups.iter().map(|group| prepare_group(arena, group, encoding)).collect()
}

fn prepare_group(arena: &Arena, group: &EntityGroup, encoding: Encoding) -> Prepared {
    let mut targets = Targets::default();
    for path in &group.paths {
        targets.find(arena, Arena::ROOT, path);
    }
    let mut known: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut places: Vec<Vec<NodeId>> = Vec::new();
    let mut json = vec![b'['];
    let mut values = Vec::new();
    let mut one = Vec::new();
    // One answer may stand in several places, so that several paths lead to one object.
    let mut seen = HashSet::new();
    for node in targets.nodes {
        if !seen.insert(node) {
            continue;
        }
        one.clear();
        let Some(typename) = typename(arena, group, node) else {
            continue;
        };
        if !write_representation(arena, group, node, &typename, &mut one) {
            continue;
        }
        if let Some(index) = known.get(&one) {
            places[*index].push(node);
            continue;
        }
        match encoding {
            Encoding::Json => {
                if json.len() > 1 {
                    json.push(b',');
                }
                json.extend_from_slice(&one);
            }
            Encoding::Values => values.push(value_representation(arena, group, node, &typename)),
        }
        known.insert(std::mem::take(&mut one), places.len());
        places.push(vec![node]);
    }
    json.push(b']');
    let representations = match encoding {
        Encoding::Json => Representations::Json(json),
        Encoding::Values => Representations::Values(values),
    };
    Prepared { representations, places }
}

/// The entity's type as the subgraph has to see it, and as the data has it.
struct Typename {
    own: Arc<str>,
    sent: Arc<str>,
}

fn typename(arena: &Arena, group: &EntityGroup, node: NodeId) -> Option<Typename> {
    let own: Arc<str> = match arena.typename(node) {
        Some(name) => name.as_ref().into(),
        // Where only one type is possible, the planner may not have asked for it.
        None => match &group.requires[..] {
            [Require::On(types, _)] if types.len() == 1 => types[0].clone(),
            _ => return None,
        },
    };
    let sent = group
        .retype
        .iter()
        .find(|(types, _)| types.contains(&own))
        .map_or_else(|| own.clone(), |(_, to)| to.clone());
    Some(Typename { own, sent })
}

/// The fields of a representation's top level, fragments resolved.
fn fields<'a>(
    requires: &'a [Require],
    typename: &str,
    found: &mut Vec<(Key, &'a Arc<str>, &'a [Require])>,
) {
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

/// Writes a representation; `false` when no key by which the subgraph resolves the type is complete.
fn write_representation(
    arena: &Arena,
    group: &EntityGroup,
    node: NodeId,
    typename: &Typename,
    out: &mut Vec<u8>,
) -> bool {
    let mut selected = Vec::new();
    fields(&group.requires, &typename.own, &mut selected);
    out.extend_from_slice(b"{\"__typename\":");
    write_string(&typename.sent, out);
    let mut missing: Vec<&str> = Vec::new();
    let mut present: Vec<&str> = Vec::new();
    for (read, write, nested) in selected {
        if read == Key::TYPENAME {
            continue;
        }
        out.push(b',');
        write_string(write, out);
        out.push(b':');
        match arena.get(node, read).filter(|value| !arena.is_null(*value)) {
            Some(value) => {
                write_required(arena, value, nested, out);
                present.push(write);
            }
            None => {
                out.extend_from_slice(b"null");
                missing.push(write);
            }
        }
    }
    out.push(b'}');
    let mut keys = group
        .entity_keys
        .iter()
        .filter(|key| key.ty == typename.own || key.ty == typename.sent)
        .peekable();
    if keys.peek().is_none() {
        return missing.is_empty();
    }
    keys.any(|key| {
        let has = |name: &Arc<str>| present.contains(&&**name);
        let may_lack = |name: &Arc<str>, nullable: bool| nullable && missing.contains(&&**name);
        key.fields.iter().all(|(name, nullable)| has(name) || may_lack(name, *nullable))
            && key.fields.iter().any(|(name, _)| has(name) || &**name == "__typename")
    })
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
    let typename = arena.typename(node).unwrap_or_default();
    let mut selected = Vec::new();
    fields(nested, &typename, &mut selected);
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

fn value_representation(
    arena: &Arena,
    group: &EntityGroup,
    node: NodeId,
    typename: &Typename,
) -> Value {
    let mut selected = Vec::new();
    fields(&group.requires, &typename.own, &mut selected);
    let own = std::iter::once((Name::new("__typename"), Value::from(&*typename.sent)));
    let rest = selected
        .into_iter()
        .filter(|(read, ..)| *read != Key::TYPENAME)
        .map(|(read, write, nested)| (Name::new(write), required_field(arena, node, read, nested)));
    Value::Object(own.chain(rest).collect())
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
    let typename = arena.typename(node).unwrap_or_default();
    let mut selected = Vec::new();
    fields(nested, &typename, &mut selected);
    Value::Object(
        selected
            .into_iter()
            .map(|(read, write, nested)| {
                (Name::new(write), required_field(arena, node, read, nested))
            })
            .collect(),
    )
}

/// The objects at the end of a path.
#[derive(Default)]
pub(super) struct Targets {
    pub(super) nodes: Vec<NodeId>,
}

impl Targets {
    pub(super) fn find(&mut self, arena: &Arena, node: NodeId, path: &[PathStep]) {
        visit(arena, node, path, &mut |node| self.nodes.push(node));
    }

    /// The ways to the objects that [`Targets::find`] finds, in the same order.
    pub(super) fn locations(&self, arena: &Arena, path: &[PathStep]) -> Vec<Vec<Segment>> {
        let mut all = Vec::with_capacity(self.nodes.len());
        locate(arena, Arena::ROOT, path, &mut Vec::new(), &mut all);
        all
    }
}

fn visit(arena: &Arena, node: NodeId, path: &[PathStep], found: &mut impl FnMut(NodeId)) {
    if let Some(items) = arena.list(node) {
        let rest = match path {
            [PathStep::List, rest @ ..] => rest,
            path => path,
        };
        for item in items {
            visit(arena, *item, rest, found);
        }
        return;
    }
    if arena.is_null(node) {
        return;
    }
    match path {
        [] => found(node),
        [PathStep::Field(key), rest @ ..] => {
            if let Some(child) = arena.get(node, *key) {
                visit(arena, child, rest, found);
            }
        }
        [PathStep::List, rest @ ..] => visit(arena, node, rest, found),
        [step @ PathStep::Types(_), rest @ ..] => {
            if is_of(arena, node, step) {
                visit(arena, node, rest, found);
            }
        }
    }
}

fn locate(
    arena: &Arena,
    node: NodeId,
    path: &[PathStep],
    so_far: &mut Vec<Segment>,
    all: &mut Vec<Vec<Segment>>,
) {
    if let Some(items) = arena.list(node) {
        let rest = match path {
            [PathStep::List, rest @ ..] => rest,
            path => path,
        };
        for (index, item) in items.iter().enumerate() {
            so_far.push(Segment::Index(index as u32));
            locate(arena, *item, rest, so_far, all);
            so_far.pop();
        }
        return;
    }
    if arena.is_null(node) {
        return;
    }
    match path {
        [] => all.push(so_far.clone()),
        [PathStep::Field(key), rest @ ..] => {
            if let Some(child) = arena.get(node, *key) {
                so_far.push(Segment::Key(*key));
                locate(arena, child, rest, so_far, all);
                so_far.pop();
            }
        }
        [PathStep::List, rest @ ..] => locate(arena, node, rest, so_far, all),
        [step @ PathStep::Types(_), rest @ ..] => {
            if is_of(arena, node, step) {
                locate(arena, node, rest, so_far, all);
            }
        }
    }
}
