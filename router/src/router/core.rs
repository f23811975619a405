//! What is made of one supergraph, and how a request is prepared with it: parsed, validated, coerced
//! and planned, each done once per document.

use super::{Router, upstream::Subscriptions};
use crate::{
    error::{GraphqlError, code},
    execute::{Execution, Shared},
    limits::Limits,
    plan::{
        OperationKind,
        cache::Cache,
        document::{Document, Validator},
        make::make,
        operation::Variables,
        types::Plan,
    },
    planner::{LabelId, PlanError, Supergraph},
    request::{Caller, GraphqlRequest},
    transport::HttpSubgraph,
};
use bytes::Bytes;
use std::{
    collections::{BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

pub(super) struct Core {
    pub(super) supergraph: Supergraph,
    pub(super) validator: Validator,
    pub(super) shared: Shared,
    pub(super) limits: Limits,
    pub(super) documents: Cache<Arc<str>, Document>,
    /// The public schema as text.
    pub(super) api_sdl: Bytes,
    /// The transports that the router made itself, by their addresses.
    pub(super) pools: HashMap<String, Arc<HttpSubgraph>>,
    pub(super) subscriptions: Subscriptions,
}

/// A request that is ready to be executed.
pub(crate) struct Prepared {
    /// The supergraph that it was planned with.
    pub(super) core: Arc<Core>,
    pub(super) plan: Arc<Plan>,
    pub(super) variables: Variables,
    pub(crate) caller: Arc<Caller>,
}

impl Prepared {
    pub(crate) fn kind(&self) -> OperationKind {
        self.plan.kind
    }

    /// An execution of it.
    pub(super) fn execution(&self) -> Execution<'_> {
        Execution::new(&self.core.shared, &self.plan, &self.variables, self.caller.clone())
    }

    /// Whether some of the answer is sent later.
    pub(crate) fn defers(&self) -> bool {
        self.plan.deferred.is_some()
    }
}

impl Router {
    /// Parses, validates, coerces and plans. `in_parts`, which is asked where it matters, says whether
    /// the client takes an answer in parts.
    pub(crate) async fn prepare(
        &self,
        request: GraphqlRequest,
        mut caller: Caller,
        in_parts: impl FnOnce() -> bool,
    ) -> Result<Prepared, Vec<GraphqlError>> {
        if caller.request_id().is_none() {
            caller.extensions.insert(self.new_request_id());
        }
        let caller = Arc::new(caller);
        let core = self.core();
        let document = match core.documents.get(request.query.as_str()) {
            Some(document) => document,
            None => {
                let text: Arc<str> = request.query.as_str().into();
                core.documents
                    .get_or_make(&text, || Core::document(core.clone(), text.clone()))
                    .await
                    .map_err(|errors| self.masked(errors, &caller))?
            }
        };
        let number =
            document.operation(request.operation_name.as_deref()).map_err(|error| vec![error])?;
        let operation = &document.operations[number];
        if !caller.may_introspect && operation.introspects {
            return Err(vec![GraphqlError::new(
                code::FORBIDDEN,
                "the schema is shown to signed-in users only; sign in and ask again",
            )]);
        }
        let variables = operation
            .coerce(request.variables, &core.shared.schema, core.limits.variable_depth)
            .map_err(|error| vec![error])?;
        let defers = operation.defers && in_parts();
        let moved = self.overrides.on(&core.supergraph.labels.all, &operation.labels, &caller);
        let mut bits = operation.plan_bits(&variables, defers);
        bits.extend(&moved);
        let key = (number, bits);
        let plan = match document.plans.get(&key) {
            Some(plan) => plan,
            None => document
                .plans
                .get_or_make(&key, || {
                    Core::plan(
                        core.clone(),
                        document.clone(),
                        number,
                        (variables.clone(), defers),
                        operation.labels_on(&moved),
                        request.query,
                    )
                })
                .await
                .map_err(|errors| self.masked(errors, &caller))?,
        };
        Ok(Prepared { core, plan, variables, caller })
    }

    /// Internal errors get the request's id, which making them does not know.
    fn masked(&self, errors: Vec<GraphqlError>, caller: &Caller) -> Vec<GraphqlError> {
        let masked = |error: GraphqlError| {
            if error.code() != Some(code::INTERNAL) {
                return error;
            }
            let id = caller.told_request_id();
            tracing::error!(request_id = %id, "the request could not be planned");
            error.of_request(id)
        };
        errors.into_iter().map(masked).collect()
    }
}

impl Core {
    /// Documents are prepared off the async workers: a large one takes milliseconds.
    async fn document(core: Arc<Core>, text: Arc<str>) -> Result<Document, Vec<GraphqlError>> {
        let prepared = tokio::task::spawn_blocking(move || {
            let mut document =
                Document::prepare(&text, &core.shared.schema, &core.validator, &core.limits)?;
            document.meet(&core.supergraph.labels);
            Ok(document)
        });
        prepared.await.unwrap_or_else(|error| {
            Err(internal("a document could not be prepared", &error.to_string(), ""))
        })
    }

    async fn plan(
        core: Arc<Core>,
        document: Arc<Document>,
        number: usize,
        (variables, defers): (Variables, bool),
        labels: BTreeSet<LabelId>,
        query: String,
    ) -> Result<Plan, Vec<GraphqlError>> {
        let planned = tokio::task::spawn_blocking(move || {
            let limit = core.limits.planning;
            let given = (&variables, defers);
            let moved = (!labels.is_empty()).then(|| core.supergraph.with(&labels));
            let supergraph = moved.as_ref().unwrap_or(&core.supergraph);
            make(&document, number, given, &core.shared.schema, supergraph, limit)
        });
        match planned.await {
            Ok(plan) => plan.map_err(|error| unplanned(&error, &query)),
            Err(error) => {
                Err(internal("an operation could not be planned", &error.to_string(), &query))
            }
        }
    }
}

/// What a client is told when there is no plan.
fn unplanned(error: &PlanError, query: &str) -> Vec<GraphqlError> {
    match error {
        PlanError::TooLong => vec![GraphqlError::new(
            code::QUERY_TOO_COSTLY,
            "planning the operation took too long; ask for less or split it",
        )],
        error => internal("an operation could not be planned", &error.to_string(), query),
    }
}

/// Logs with a hash of the query, which may hold personal data, and tells nothing.
fn internal(what: &str, error: &str, query: &str) -> Vec<GraphqlError> {
    let mut hasher = DefaultHasher::new();
    query.hash(&mut hasher);
    tracing::error!(query_hash = format!("{:016x}", hasher.finish()), error, "{what}");
    vec![GraphqlError::internal()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planner_that_fails_tells_nothing_of_itself() {
        for error in [
            PlanError::Unplannable("no path to secret_subgraph".to_owned()),
            PlanError::Operation("secret_subgraph".to_owned()),
        ] {
            let told = unplanned(&error, "{ a }");
            assert_eq!(told[0].code(), Some(code::INTERNAL));
            assert!(!told[0].message.contains("secret_subgraph"));
        }
        let told = unplanned(&PlanError::TooLong, "{ a }");
        assert_eq!(told[0].code(), Some(code::QUERY_TOO_COSTLY));
    }
}
