//! What a fetch was to give of an object and did not.
//!
//! A subgraph that does not answer, or that fails with an entity as a whole, names no fields. The error
//! is one of each field that would have come from there ("Errors" of the specification: a path leads to
//! the response field that failed).

use super::errors::Segment;
use crate::{
    data::{Arena, Key, NodeId},
    plan::types::SubgraphOperation,
    schema::Schema,
};
use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use std::sync::Arc;

/// An object that a fetch left without something.
#[derive(Debug)]
pub(super) struct Unfilled {
    pub(super) node: NodeId,
    /// Where the object stands.
    pub(super) path: Vec<Segment>,
    /// What was asked.
    pub(super) operation: Arc<SubgraphOperation>,
    /// The response key of the `_entities` field that asks for the object; `None` for root fields.
    pub(super) entities: Option<Key>,
}

impl Unfilled {
    /// The paths of the fields that are still without a value; the object's own path if there are none.
    pub(super) fn paths(&self, schema: &Schema, arena: &Arena) -> Vec<Vec<Segment>> {
        let found = self.find(schema, arena);
        match found.is_empty() {
            true => vec![self.path.clone()],
            false => found.into_iter().map(|field| field.path).collect(),
        }
    }

    /// The fields that are still without a value, with the objects that they are missing in.
    pub(super) fn fields(&self, schema: &Schema, arena: &Arena) -> Vec<(NodeId, Key)> {
        self.find(schema, arena).into_iter().map(|field| (field.node, field.key)).collect()
    }

    fn find(&self, schema: &Schema, arena: &Arena) -> Vec<Missing> {
        let mut search = Search { schema, arena, path: self.path.clone(), found: Vec::new() };
        if let Some(set) = self.operation.document().and_then(|asked| self.asked(arena, asked)) {
            search.object(self.node, set);
        }
        search.found
    }

    /// The selections of the object. A planned document holds one operation and no named fragments.
    fn asked<'d>(
        &self,
        arena: &Arena,
        document: &'d ExecutableDocument,
    ) -> Option<&'d SelectionSet> {
        let (_, operation) = document.operations.iter().next()?;
        let root = &operation.node.selection_set.node;
        let Some(key) = self.entities else {
            return Some(root);
        };
        root.items.iter().find_map(|item| match &item.node {
            Selection::Field(field) if arena.find_key(response_key(&field.node)) == Some(key) => {
                Some(&field.node.selection_set.node)
            }
            _ => None,
        })
    }
}

fn response_key(field: &Field) -> &str {
    field.response_key().node.as_str()
}

/// A field without a value.
struct Missing {
    node: NodeId,
    key: Key,
    path: Vec<Segment>,
}

struct Search<'a> {
    schema: &'a Schema,
    arena: &'a Arena,
    path: Vec<Segment>,
    found: Vec<Missing>,
}

impl Search<'_> {
    fn object(&mut self, node: NodeId, set: &SelectionSet) {
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let key = self.arena.find_key(response_key(&field.node));
                    let Some(key) = key.filter(|key| *key != Key::TYPENAME) else { continue };
                    self.path.push(Segment::Key(key));
                    match self.arena.get(node, key).filter(|value| !self.arena.is_null(*value)) {
                        Some(value) => self.value(value, &field.node.selection_set.node),
                        None => self.found.push(Missing { node, key, path: self.path.clone() }),
                    }
                    self.path.pop();
                }
                Selection::InlineFragment(fragment) => {
                    let fragment = &fragment.node;
                    let condition = fragment.type_condition.as_ref();
                    if condition.is_none_or(|condition| self.is(node, &condition.node.on.node)) {
                        self.object(node, &fragment.selection_set.node);
                    }
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// A value may have come of another subgraph, which knows some of the object's fields.
    fn value(&mut self, node: NodeId, set: &SelectionSet) {
        if set.items.is_empty() {
            return;
        }
        let Some(items) = self.arena.list(node) else {
            return self.object(node, set);
        };
        for (index, item) in items.iter().enumerate() {
            if !self.arena.is_null(*item) {
                self.path.push(Segment::Index(index as u32));
                self.value(*item, set);
                self.path.pop();
            }
        }
    }

    /// Whether a type condition is met. Where a type is not known, or not public, it may be.
    fn is(&self, node: NodeId, condition: &str) -> bool {
        let Some(name) = self.arena.typename(node) else {
            return true;
        };
        let possible = self.schema.possible(condition);
        *name == *condition
            || possible.is_empty()
            || self.schema.object_number(&name).is_none_or(|number| possible.contains(number))
    }
}
