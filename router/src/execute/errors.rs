//! Errors on their way from a subgraph's place to the client's path.

use crate::{
    data::{Arena, Key, NodeId},
    error::{GraphqlError, PathSegment},
    plan::types::{FieldKind, Selection},
    schema::Schema,
};
use serde_json::{Map, Value};

/// A step from the root of the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Key(Key),
    Index(u32),
}

/// An error at an internal path.
#[derive(Debug)]
pub(super) struct InternalError {
    pub(super) message: String,
    pub(super) path: Vec<Segment>,
    pub(super) extensions: Map<String, Value>,
}

impl InternalError {
    /// The error at each of the client's paths that show its place. A place that the client did not
    /// ask for (a key, a required field) is told at the object that holds it.
    pub(super) fn for_client(
        &self,
        schema: &Schema,
        arena: &Arena,
        selection: &Selection,
    ) -> Vec<GraphqlError> {
        let mut walk = Walk { schema, arena, paths: Vec::new(), holders: Vec::new() };
        walk.object(selection, Some(Arena::ROOT), &self.path, &mut Vec::new());
        let paths = if walk.paths.is_empty() { walk.holders } else { walk.paths };
        paths
            .into_iter()
            .map(|path| GraphqlError {
                message: self.message.clone(),
                locations: Vec::new(),
                path,
                extensions: Box::new(self.extensions.clone()),
            })
            .collect()
    }
}

struct Walk<'a> {
    schema: &'a Schema,
    arena: &'a Arena,
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
        let mut shown = false;
        for field in &selection.fields {
            let applies = match (&field.only, number) {
                (Some(only), Some(number)) => only.contains(number),
                _ => true,
            };
            if field.internal != key
                || !applies
                || matches!(field.kind, FieldKind::Introspection(..))
            {
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
        if !shown && !self.holders.iter().any(|path| path == so_far) {
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
