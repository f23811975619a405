//! What makes two operations of clients the same.

use crate::{
    authenticate::Scope,
    plan::{operation::Variables, types::Plan},
};
use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

/// Clients with the same key are given the same answers.
#[derive(Clone)]
pub(crate) struct AnswerKey {
    /// Its address stands for the document, the operation and the graph: the cache gives equal documents one
    /// plan. It is held, so that no other takes that address.
    plan: Arc<Plan>,
    variables: Arc<Variables>,
    scope: Scope,
}

impl AnswerKey {
    pub(crate) fn new(plan: &Arc<Plan>, variables: &Variables, scope: Scope) -> AnswerKey {
        AnswerKey { plan: plan.clone(), variables: Arc::new(variables.clone()), scope }
    }
}

impl PartialEq for AnswerKey {
    fn eq(&self, other: &AnswerKey) -> bool {
        Arc::ptr_eq(&self.plan, &other.plan)
            && self.scope == other.scope
            && self.variables == other.variables
    }
}

// Variables are read from JSON and from literals, of which none is a number that differs from itself.
impl Eq for AnswerKey {}

impl Hash for AnswerKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.plan).hash(state);
        self.scope.hash(state);
        let mut variables: Vec<_> = self.variables.iter().collect();
        variables.sort_unstable_by_key(|(name, _)| *name);
        for (name, value) in variables {
            name.hash(state);
            value.to_string().hash(state);
        }
    }
}
