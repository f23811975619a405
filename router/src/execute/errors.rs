//! Errors on their way from a subgraph's place to the client's path.

use super::unfilled::Unfilled;
use crate::{
    data::{Arena, Key, NodeId},
    error::{GraphqlError, PathSegment},
    plan::{
        defer::{Anchor, DeferUsages},
        types::{FieldKind, Plan, Selection},
    },
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
    /// The deferred fragments for which the request was made that failed.
    pub(super) wave: DeferUsages,
}

/// Where an error is told.
#[derive(Debug)]
pub(super) enum Place {
    /// At one path.
    At(Vec<Segment>),
    /// At each field that a fetch left out of one object.
    Unfilled(Unfilled),
}

/// The part of an answer that shows a place: what is sent first, or a group of deferred fields by its
/// anchor, its number there, and the path of its object.
pub(super) type Owner = Option<(usize, usize, Vec<PathSegment>)>;

/// A client's path, and who shows it.
pub(super) type Shown = (Owner, Vec<PathSegment>);

/// The client's paths of an error's places.
pub(super) struct Found {
    /// Paths that show the error's place.
    pub(super) paths: Vec<Shown>,
    /// Paths of objects that hold the place and do not show it.
    pub(super) holders: Vec<Shown>,
}

impl InternalError {
    /// The error at each of the client's paths that show one of its places. Places that the client did
    /// not ask for (a key, a required field) are told at the objects that hold them, and only where
    /// the client sees none.
    pub(super) fn for_client(&self, schema: &Schema, arena: &Arena, plan: &Plan) -> Told {
        let Found { paths, holders } = self.find(schema, arena, (plan, &[]));
        let at = |all: Vec<Shown>| all.into_iter().map(|(_, path)| self.at(path)).collect();
        match paths.is_empty() {
            true => Told::AtHolders(at(holders)),
            false => Told::Shown(at(paths)),
        }
    }

    /// The client's paths. `anchors` are those of the plan, for answers in parts.
    pub(super) fn find(
        &self,
        schema: &Schema,
        arena: &Arena,
        (plan, anchors): (&Plan, &[Anchor]),
    ) -> Found {
        let found = Found { paths: Vec::new(), holders: Vec::new() };
        let mut walk = Walk { schema, arena, plan, anchors, owner: None, found };
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
        walk.found
    }

    /// The error as the client gets it.
    pub(super) fn at(&self, path: Vec<PathSegment>) -> GraphqlError {
        GraphqlError {
            message: self.message.clone(),
            locations: Vec::new(),
            path,
            extensions: Box::new(self.extensions.clone()),
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
    anchors: &'a [Anchor],
    /// Whose selections are looked at.
    owner: Owner,
    found: Found,
}

impl Walk<'_> {
    fn emit(&mut self, so_far: &[PathSegment]) {
        if !self.found.paths.iter().any(|(_, path)| path == so_far) {
            self.found.paths.push((self.owner.clone(), so_far.to_vec()));
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
        let (mut shown, mut of_others) =
            self.fields(selection, (node, number), (key, rest), so_far);
        let anchors = self.anchors;
        let anchor = selection.anchor.and_then(|number| Some((number, anchors.get(number)?)));
        if let Some((anchor, groups)) = anchor.map(|(number, one)| (number, &one.groups)) {
            for (group_number, group) in groups.iter().enumerate() {
                // Of an object that is not there, nothing will be sent.
                let here = match node.is_some_and(|node| !self.arena.is_null(node)) {
                    true => Some((anchor, group_number, so_far.clone())),
                    false => self.owner.clone(),
                };
                let owner = std::mem::replace(&mut self.owner, here);
                let (too, other) =
                    self.fields(&group.selection, (node, number), (key, rest), so_far);
                (shown, of_others) = (shown | too, of_others | other);
                self.owner = owner;
            }
        }
        // What only objects of other types were asked for may come with them; it is nobody's here.
        let is_nobodys = of_others && !self.plan.requires(key);
        if !shown && !is_nobodys && !self.found.holders.iter().any(|(_, path)| path == so_far) {
            self.found.holders.push((self.owner.clone(), so_far.clone()));
        }
    }

    /// Goes into the fields of an object that show a key: whether there are any, and any that are for
    /// objects of other types.
    fn fields(
        &mut self,
        selection: &Selection,
        (node, number): (Option<NodeId>, Option<usize>),
        (key, rest): (Key, &[Segment]),
        so_far: &mut Vec<PathSegment>,
    ) -> (bool, bool) {
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
        (shown, of_others)
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
