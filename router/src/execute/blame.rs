//! Tells in the log which subgraphs may have given a value that the schema does not allow.

use super::run::Execution;
use crate::{data::Key, plan::types::SubgraphOperation, schema::Schema};
use async_graphql::parser::types::{Selection, SelectionSet};
use std::{collections::BTreeSet, sync::Arc};

/// The first value of an answer that was not as the schema says.
pub(super) struct Fault {
    /// As in `User.name`.
    pub(super) coordinate: Arc<str>,
    /// The key under which the field was fetched.
    pub(super) internal: Key,
    /// What the client is told.
    pub(super) message: String,
}

impl Execution<'_> {
    /// Logs a fault with the subgraphs that were asked for its field. One for each answer is enough.
    pub(super) fn blame(&self, fault: &Fault) {
        let names = self.asked_for(fault).join(", ");
        let id = self.caller.told_request_id();
        tracing::warn!(
            subgraphs = %names,
            request_id = %id,
            field = %fault.coordinate,
            error = %fault.message,
            "a subgraph answered with what the schema does not allow"
        );
    }

    fn asked_for(&self, fault: &Fault) -> Vec<&str> {
        let Some((owner, name)) = fault.coordinate.split_once('.') else { return Vec::new() };
        let schema = &self.shared.schema;
        let key = match self.plan.keys.name(fault.internal) {
            Some(key) => key,
            None => name,
        };
        let search = Search { schema, owner, name, key };
        let asked = self.plan.operations().filter(|operation| search.is_in(operation));
        let numbers: BTreeSet<usize> = asked.map(|operation| operation.subgraph).collect();
        numbers.into_iter().map(|number| self.shared.subgraphs[number].name.as_str()).collect()
    }
}

/// A field of an object type under the response key that the router gave it.
struct Search<'a> {
    schema: &'a Schema,
    owner: &'a str,
    name: &'a str,
    key: &'a str,
}

impl Search<'_> {
    fn is_in(&self, operation: &SubgraphOperation) -> bool {
        let root = operation.kind.root(self.schema);
        let mut all =
            operation.document().into_iter().flat_map(|document| document.operations.iter());
        all.any(|(_, one)| self.is_among(&one.node.selection_set.node, root.map(|root| &**root)))
    }

    /// Whether selections on a type, as far as it is known, have the field.
    fn is_among(&self, set: &SelectionSet, parent: Option<&str>) -> bool {
        set.items.iter().any(|item| match &item.node {
            Selection::Field(field) => {
                let field = &field.node;
                let inner = parent
                    .and_then(|parent| self.schema.ty(parent)?.field(&field.name.node))
                    .map(|definition| &**definition.ty.name());
                (field.response_key().node == *self.key
                    && field.name.node == *self.name
                    && self.may_be(parent))
                    || self.is_among(&field.selection_set.node, inner)
            }
            Selection::InlineFragment(fragment) => {
                let fragment = &fragment.node;
                let condition = fragment.type_condition.as_ref();
                let on = condition.map(|condition| condition.node.on.node.as_str());
                self.is_among(&fragment.selection_set.node, on.or(parent))
            }
            Selection::FragmentSpread(_) => false,
        })
    }

    /// Whether an object of the field's type may be of a type. What is not public, nobody can tell.
    fn may_be(&self, ty: Option<&str>) -> bool {
        let Some(ty) = ty else { return true };
        let possible = self.schema.possible(ty);
        let number = self.schema.object_number(self.owner);
        possible.is_empty() || number.is_none_or(|number| possible.contains(number))
    }
}
