//! The router: one supergraph, its subgraphs, and the caches of what was asked before.

mod builder;
mod stop;

pub use builder::{BuildError, RouterBuilder};
pub(crate) use stop::Stop;

use crate::{
    authenticate::Authenticate,
    error::{GraphqlError, code},
    execute::{Execution, Shared},
    limits::Limits,
    plan::{
        OperationKind,
        cache::Cache,
        document::{Document, Validator},
        make::make,
        operation::Variables,
        types::{FieldKind, Plan, Selection, Steps},
    },
    planner::{PlanError, Supergraph},
    request::{Caller, GraphqlRequest, GraphqlResponse, RequestId},
    serve::{Origin, RequestIds},
    transport::TransportError,
};
use bytes::Bytes;
use futures::{StreamExt, stream::BoxStream};
use std::{
    fmt,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
};

type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// A running router.
pub struct Router {
    core: Arc<Core>,
    pub(crate) authenticate: Arc<dyn Authenticate>,
    pub(crate) request_ids: RequestIds,
    readiness: Readiness,
    pub(crate) console: Option<Bytes>,
    /// Other sites whose pages may open a WebSocket.
    pub(crate) allowed_origins: Vec<Origin>,
    pub(crate) stop: Stop,
    api_sdl: Bytes,
}

impl fmt::Debug for Router {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Router")
            .field("subgraphs", &self.core.shared.subgraphs)
            .finish_non_exhaustive()
    }
}

struct Core {
    supergraph: Supergraph,
    validator: Validator,
    shared: Shared,
    limits: Limits,
    documents: Cache<Arc<str>, Document>,
}

/// A request that is ready to be executed.
pub(crate) struct Prepared {
    plan: Arc<Plan>,
    variables: Variables,
    pub(crate) caller: Arc<Caller>,
}

impl Prepared {
    pub(crate) fn kind(&self) -> OperationKind {
        self.plan.kind
    }
}

impl Router {
    /// Begins a router.
    pub fn builder() -> RouterBuilder {
        RouterBuilder::new()
    }

    /// The public schema as text.
    pub fn schema_sdl(&self) -> Bytes {
        self.api_sdl.clone()
    }

    /// The limits in force.
    pub fn limits(&self) -> &Limits {
        &self.core.limits
    }

    pub(crate) fn ready(&self) -> Result<(), String> {
        (self.readiness)()
    }

    /// Ends when every WebSocket is closed, which they are soon after the router was asked to end
    /// ([`RouterBuilder::shutdown`]).
    pub async fn drained(&self) {
        self.stop.closed().await;
    }

    pub(crate) fn new_request_id(&self) -> RequestId {
        RequestId((self.request_ids)().into())
    }

    /// Answers a query or mutation.
    pub async fn execute(&self, request: GraphqlRequest, caller: Caller) -> GraphqlResponse {
        match self.prepare(request, caller).await {
            Ok(prepared) if prepared.kind() == OperationKind::Subscription => {
                GraphqlResponse::request_errors(&[GraphqlError::new(
                    code::BAD_USER_INPUT,
                    "a subscription needs a stream: ask with Accept: text/event-stream, or over a WebSocket",
                )])
            }
            Ok(prepared) => self.run(prepared).await,
            Err(errors) => GraphqlResponse::request_errors(&errors),
        }
    }

    /// Starts a subscription; each item is one answer as JSON. A query or mutation is a stream of one.
    /// Dropping the stream ends the subscription upstream. A subscription ends when the router is
    /// asked to ([`RouterBuilder::shutdown`]).
    pub async fn subscribe(
        self: &Arc<Self>,
        request: GraphqlRequest,
        caller: Caller,
    ) -> Result<BoxStream<'static, Bytes>, GraphqlResponse> {
        let prepared = self
            .prepare(request, caller)
            .await
            .map_err(|errors| GraphqlResponse::request_errors(&errors))?;
        self.clone().stream(prepared).await
    }

    /// Parses, validates, coerces and plans.
    pub(crate) async fn prepare(
        &self,
        request: GraphqlRequest,
        mut caller: Caller,
    ) -> Result<Prepared, Vec<GraphqlError>> {
        if caller.request_id().is_none() {
            caller.extensions.insert(self.new_request_id());
        }
        let caller = Arc::new(caller);
        let core = &self.core;
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
        let variables = operation
            .coerce(request.variables, &core.shared.schema, core.limits.variable_depth)
            .map_err(|error| vec![error])?;
        let key = (number, operation.plan_bits(&variables));
        let plan = match document.plans.get(&key) {
            Some(plan) => plan,
            None => document
                .plans
                .get_or_make(&key, || {
                    Core::plan(
                        core.clone(),
                        document.clone(),
                        number,
                        variables.clone(),
                        request.query,
                    )
                })
                .await
                .map_err(|errors| self.masked(errors, &caller))?,
        };
        if !caller.may_introspect && introspects(&plan.projection) {
            return Err(vec![GraphqlError::new(
                code::FORBIDDEN,
                "the schema is shown to signed-in users only; sign in and ask again",
            )]);
        }
        Ok(Prepared { plan, variables, caller })
    }

    /// Internal errors get the request's id, which making them does not know.
    fn masked(&self, mut errors: Vec<GraphqlError>, caller: &Caller) -> Vec<GraphqlError> {
        for error in &mut errors {
            if error.code() == Some(code::INTERNAL) {
                let id = caller.request_id().map_or("", |id| &id.0);
                tracing::error!(request_id = %id, "the request could not be planned");
                error.extensions.insert("requestId".to_owned(), id.into());
            }
        }
        errors
    }

    /// Executes a query or mutation.
    pub(crate) async fn run(&self, prepared: Prepared) -> GraphqlResponse {
        let execution = Execution::new(
            &self.core.shared,
            &prepared.plan,
            &prepared.variables,
            prepared.caller.clone(),
        );
        let limit = self.core.limits.execution;
        if tokio::time::timeout(limit, execution.run()).await.is_err() {
            return timed_out(limit);
        }
        let (body, has_errors, code) = execution.answer();
        GraphqlResponse { body, has_errors, request_error: false, code }
    }

    /// Runs an operation as a stream of answers.
    pub(crate) async fn stream(
        self: Arc<Self>,
        prepared: Prepared,
    ) -> Result<BoxStream<'static, Bytes>, GraphqlResponse> {
        let upstream = match &prepared.plan.steps {
            Steps::Subscription(fetch, _) => {
                let execution = Execution::new(
                    &self.core.shared,
                    &prepared.plan,
                    &prepared.variables,
                    prepared.caller.clone(),
                );
                let request = execution.request(&fetch.operation, &fetch.variables, Vec::new());
                let transport = &self.core.shared.subgraphs[fetch.operation.subgraph].transport;
                let begun = tokio::select! {
                    begun = transport.subscribe(request) => begun,
                    () = self.stop.asked() => return Ok(futures::stream::empty().boxed()),
                };
                match begun {
                    Ok(events) => events,
                    Err(error) => {
                        let error = execution.unavailable(&fetch.operation, &error);
                        let mut told = GraphqlError::new(code::SUBGRAPH_UNAVAILABLE, error.message);
                        told.extensions = Box::new(error.extensions);
                        return Err(GraphqlResponse::request_errors(&[told]));
                    }
                }
            }
            _ => {
                let body = self.run(prepared).await.body;
                return Ok(futures::stream::once(async move { body }).boxed());
            }
        };
        let stop = self.stop.clone();
        let state = Some((self, prepared, upstream));
        let answers = futures::stream::unfold(state, |state| async move {
            let (router, prepared, mut upstream) = state?;
            let event = upstream.next().await?;
            if !router.authenticate.still_valid(&prepared.caller).await {
                let error = GraphqlError::new(
                    code::UNAUTHENTICATED,
                    "the session ended; sign in and subscribe again",
                );
                return Some((GraphqlResponse::request_errors(&[error]).body, None));
            }
            let (body, last) = router.event(&prepared, event).await;
            let next = if last { None } else { Some((router, prepared, upstream)) };
            Some((body, next))
        });
        Ok(stop.cut(answers).boxed())
    }

    /// The answer to one event, and whether the subscription ends with it.
    async fn event(
        &self,
        prepared: &Prepared,
        event: Result<crate::transport::SubgraphResponse, TransportError>,
    ) -> (Bytes, bool) {
        let Steps::Subscription(fetch, rest) = &prepared.plan.steps else {
            return (Bytes::new(), true);
        };
        let execution = Execution::new(
            &self.core.shared,
            &prepared.plan,
            &prepared.variables,
            prepared.caller.clone(),
        );
        match event {
            Ok(event) => {
                let limit = self.core.limits.execution;
                let run = execution.run_event(fetch, event, rest.as_ref());
                if tokio::time::timeout(limit, run).await.is_err() {
                    return (timed_out(limit).body, false);
                }
                (execution.answer().0, false)
            }
            Err(error) => {
                let error = execution.unavailable(&fetch.operation, &error);
                let mut told = GraphqlError::new(code::SUBGRAPH_UNAVAILABLE, error.message);
                told.extensions = Box::new(error.extensions);
                (GraphqlResponse::request_errors(&[told]).body, true)
            }
        }
    }
}

impl Core {
    /// Documents are prepared off the async workers: a large one takes milliseconds.
    async fn document(core: Arc<Core>, text: Arc<str>) -> Result<Document, Vec<GraphqlError>> {
        let prepared = tokio::task::spawn_blocking(move || {
            Document::prepare(&text, &core.shared.schema, &core.validator, &core.limits)
        });
        prepared.await.unwrap_or_else(|error| {
            Err(internal("a document could not be prepared", &error.to_string(), ""))
        })
    }

    async fn plan(
        core: Arc<Core>,
        document: Arc<Document>,
        number: usize,
        variables: Variables,
        query: String,
    ) -> Result<Plan, Vec<GraphqlError>> {
        let planned = tokio::task::spawn_blocking(move || {
            let limit = core.limits.planning;
            make(&document, number, &variables, &core.shared.schema, &core.supergraph, limit)
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
    vec![GraphqlError::new(
        code::INTERNAL,
        "an internal error happened; quote the request's id when you report it",
    )]
}

fn timed_out(limit: std::time::Duration) -> GraphqlResponse {
    GraphqlResponse::request_errors(&[GraphqlError::new(
        code::TIMEOUT,
        format!("the operation took longer than {limit:?}; ask for less or split it"),
    )])
}

fn introspects(selection: &Selection) -> bool {
    selection.fields.iter().any(|field| matches!(field.kind, FieldKind::Introspection(..)))
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
