//! Finds the objects at the end of a plan's path, and the ways to them.

use super::errors::Segment;
use crate::{
    data::{Arena, NodeId},
    plan::types::PathStep,
};

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
        for item in items {
            visit(arena, *item, path, found);
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
        for (index, item) in items.iter().enumerate() {
            so_far.push(Segment::Index(index as u32));
            locate(arena, *item, path, so_far, all);
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
        [step @ PathStep::Types(_), rest @ ..] => {
            if is_of(arena, node, step) {
                locate(arena, node, rest, so_far, all);
            }
        }
    }
}

/// Whether a value's type is among those of a path.
fn is_of(arena: &Arena, node: NodeId, step: &PathStep) -> bool {
    match step {
        PathStep::Types(types) => {
            arena.typename(node).is_none_or(|name| types.iter().any(|ty| **ty == *name))
        }
        PathStep::Field(_) => true,
    }
}
