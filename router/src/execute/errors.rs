//! Errors on their way from a subgraph's place to the client's path.

use super::unfilled::Unfilled;
use crate::{
    data::{Arena, Key, NodeId},
    error::{GraphqlError, PathSegment},
    plan::types::{FieldKind, Plan, Selection},
    schema::Schema,
};
use serde_json::{Map, Value};

/// A step from the root of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Key(Key),
    Index(u32),
}

/// An error of a subgraph, at all places that it is about.
#[derive(Debug)]
pub(super) struct InternalError {
    pub(super) message: String,
    pub(super) places: Vec<Place>,
    pub(super) extensions: Map<String, Value>,
}

/// Where an error is told.
#[derive(Debug)]
pub(super) enum Place {
    /// At one path.
    At(Vec<Segment>),
    /// At each field that a fetch left out of one object.
    Unfilled(Unfilled),
}

impl InternalError {
    /// The error at each of the client's paths that show one of its places. Places that the client did
    /// not ask for (a key, a required field) are told at the objects that hold them, and only where
    /// the client sees none.
    pub(super) fn for_client(&self, schema: &Schema, arena: &Arena, plan: &Plan) -> Told {
        let mut walk = Walk { schema, arena, plan, paths: Vec::new(), holders: Vec::new() };
        let mut show = |path: &[Segment]| {
            walk.object(&plan.projection, Some(Arena::ROOT), path, &mut Vec::new());
        };
        for place in &self.places {
            match place {
                Place::At(path) => show(path),
                Place::Unfilled(unfilled) => {
                    unfilled.paths(schema, arena).iter().for_each(|path| show(path));
                }
            }
        }
        let at = |path| GraphqlError {
            message: self.message.clone(),
            locations: Vec::new(),
            path,
            extensions: Box::new(self.extensions.clone()),
        };
        match walk.paths.is_empty() {
            true => Told::AtHolders(walk.holders.into_iter().map(at).collect()),
            false => Told::Shown(walk.paths.into_iter().map(at).collect()),
        }
    }
}

/// An error as the client gets it.
pub(super) enum Told {
    /// At what the client asked for.
    Shown(Vec<GraphqlError>),
    /// At the objects that hold what only the router asked for.
    AtHolders(Vec<GraphqlError>),
}

struct Walk<'a> {
    schema: &'a Schema,
    arena: &'a Arena,
    plan: &'a Plan,
    /// Paths that show the error's place.
    paths: Vec<Vec<PathSegment>>,
    /// Paths of objects that hold the place and do not show it.
    holders: Vec<Vec<PathSegment>>,
}

impl Walk<'_> {
    fn emit(&mut self, so_far: &[PathSegment]) {
        if !self.paths.iter().any(|path| path == so_far) {
            self.paths.push(so_far.to_vec());
        }
    }

    fn object(
        &mut self,
        selection: &Selection,
        node: Option<NodeId>,
        rest: &[Segment],
        so_far: &mut Vec<PathSegment>,
    ) {
        let (key, rest) = match rest {
            [] => return self.emit(so_far),
            [Segment::Index(index), rest @ ..] => {
                so_far.push(PathSegment::Index(*index));
                let item = node
                    .and_then(|node| self.arena.list(node))
                    .and_then(|items| items.get(*index as usize).copied());
                self.object(selection, item, rest, so_far);
                so_far.pop();
                return;
            }
            [Segment::Key(key), rest @ ..] => (*key, rest),
        };
        let number = match &selection.concrete {
            Some(_) => None,
            None => node
                .and_then(|node| self.arena.typename(node))
                .and_then(|name| self.schema.object_number(&name)),
        };
        let (mut shown, mut of_others) = (false, false);
        for field in &selection.fields {
            let applies = match (&field.only, number) {
                (Some(only), Some(number)) => only.contains(number),
                _ => true,
            };
            if field.internal != key || matches!(field.kind, FieldKind::Introspection(..)) {
                continue;
            }
            if !applies {
                of_others = true;
                continue;
            }
            shown = true;
            so_far.push(PathSegment::Key(field.response_key.clone()));
            let child = node.and_then(|node| self.arena.get(node, key));
            match &field.kind {
                FieldKind::Object(inner) => self.object(inner, child, rest, so_far),
                _ => self.leaf(rest, so_far),
            }
            so_far.pop();
        }
        // What only objects of other types were asked for may come with them; it is nobody's here.
        let is_nobodys = of_others && !self.plan.steps.requires(key);
        if !shown && !is_nobodys && !self.holders.iter().any(|path| path == so_far) {
            self.holders.push(so_far.clone());
        }
    }

    fn leaf(&mut self, rest: &[Segment], so_far: &mut Vec<PathSegment>) {
        let depth = so_far.len();
        for segment in rest {
            match segment {
                Segment::Index(index) => so_far.push(PathSegment::Index(*index)),
                Segment::Key(_) => break,
            }
        }
        self.emit(so_far);
        so_far.truncate(depth);
    }
}
