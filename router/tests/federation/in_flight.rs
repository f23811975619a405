//! Reads that are the same and under way at the same time share one answer, where that is asked for.

use async_graphql::{Context, EmptySubscription, Error, ErrorExtensions, Object, Schema};
use http::{HeaderValue, header};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst},
};
use studio_router::{
    Caller, GraphqlRequest, GraphqlResponse, RequestId, Router, ShareInFlight, SubgraphSdl,
    compose,
    standalone::ForwardAuthorization,
    transport::{
        Encoding, SubgraphRequest, SubgraphResponse, SubgraphStream, SubgraphTransport,
        SubgraphVariables, TransportError,
    },
};
use tokio::{sync::Semaphore, task::JoinHandle};

/// How often was written.
type Written = Arc<AtomicI32>;

struct Query;

#[Object]
impl Query {
    async fn written(&self, context: &Context<'_>, times: Option<i32>) -> i32 {
        context.data_unchecked::<Written>().load(SeqCst) * times.unwrap_or(1)
    }

    async fn refused(&self) -> Result<Option<i32>, Error> {
        Err(failure("FORBIDDEN"))
    }

    async fn broken(&self) -> Result<Option<i32>, Error> {
        Err(failure("INTERNAL"))
    }
}

fn failure(code: &str) -> Error {
    let code = code.to_owned();
    Error::new("no").extend_with(|_, extensions| extensions.set("code", code))
}

struct Mutation;

#[Object]
impl Mutation {
    async fn write(&self, context: &Context<'_>) -> i32 {
        context.data_unchecked::<Written>().fetch_add(1, SeqCst) + 1
    }
}

/// A subgraph that reads when it is asked, says so, and answers reads only when it may.
struct Paused {
    schema: Schema<Query, Mutation, EmptySubscription>,
    asked: AtomicUsize,
    may_answer: Semaphore,
}

#[async_trait::async_trait]
impl SubgraphTransport for Paused {
    fn encoding(&self) -> Encoding {
        Encoding::Json
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        let SubgraphVariables::Json(variables) = &request.variables else { unreachable!() };
        let variables: Value = serde_json::from_slice(variables).unwrap();
        let asked = async_graphql::Request::new(&request.operation.text)
            .variables(async_graphql::Variables::from_json(variables));
        let answer = self.schema.execute(asked).await;
        self.asked.fetch_add(1, SeqCst);
        if !request.operation.text.starts_with("mutation") {
            self.may_answer.acquire().await.unwrap().forget();
        }
        Ok(SubgraphResponse::Json(serde_json::to_vec(&answer).unwrap().into()))
    }

    async fn subscribe(&self, _: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        unreachable!()
    }
}

struct World {
    router: Arc<Router>,
    subgraph: Arc<Paused>,
}

const QUERIES: ShareInFlight = ShareInFlight { subgraph_requests: false, queries: true };
const REQUESTS: ShareInFlight = ShareInFlight { subgraph_requests: true, queries: false };
const NOTHING: ShareInFlight = ShareInFlight { subgraph_requests: false, queries: false };
const READ: &str = "query Read($times: Int) { written(times: $times) }";

impl World {
    fn new(share: ShareInFlight) -> World {
        let schema = Schema::build(Query, Mutation, EmptySubscription)
            .enable_federation()
            .data(Written::default())
            .finish();
        let sdl = schema.sdl_with_options(async_graphql::SDLExportOptions::new().federation());
        let supergraph =
            compose(vec![SubgraphSdl { name: "only".to_owned(), url: None, sdl }]).unwrap().sdl;
        let subgraph =
            Arc::new(Paused { schema, asked: AtomicUsize::new(0), may_answer: Semaphore::new(0) });
        let router = Router::builder()
            .supergraph(supergraph)
            .subgraph("only", subgraph.clone())
            .authenticate(Arc::new(ForwardAuthorization))
            .share_in_flight(share)
            .build()
            .unwrap();
        World { router, subgraph }
    }

    fn ask(&self, query: &str, variables: Value, token: &str) -> JoinHandle<GraphqlResponse> {
        self.ask_as(query, variables, token, "an id")
    }

    fn ask_as(
        &self,
        query: &str,
        variables: Value,
        token: &str,
        id: &str,
    ) -> JoinHandle<GraphqlResponse> {
        let mut caller = Caller::default();
        caller.forward.insert(header::AUTHORIZATION, HeaderValue::from_str(token).unwrap());
        caller.extensions.insert(RequestId(id.into()));
        let request = GraphqlRequest::new(query).variables(variables);
        let router = self.router.clone();
        tokio::spawn(async move { router.execute(request, caller).await })
    }

    /// Waits until so many requests have reached the subgraph, and all others stand still.
    async fn asked(&self, times: usize) {
        while self.subgraph.asked.load(SeqCst) < times {
            tokio::task::yield_now().await;
        }
        // One thread runs all tasks: those that can go on do so now.
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(self.subgraph.asked.load(SeqCst), times);
    }

    /// Prepares documents, which happens on other threads, and forgets that it asked.
    async fn prepare(&self, queries: &[&str]) {
        for query in queries {
            self.subgraph.may_answer.add_permits(1);
            self.ask(query, Value::Null, "nobody").await.unwrap();
        }
        self.subgraph.asked.store(0, SeqCst);
        assert_eq!(self.subgraph.may_answer.available_permits(), 0);
    }
}

async fn answers(tasks: Vec<JoinHandle<GraphqlResponse>>) -> Vec<Value> {
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap().json());
    }
    answers
}

#[tokio::test]
async fn only_what_is_asked_for_is_shared() {
    let other = READ.replace("Read", "Other");
    for (share, same, alike) in [(NOTHING, 3, 3), (QUERIES, 1, 2), (REQUESTS, 1, 1)] {
        let world = World::new(share);
        world.prepare(&[READ, &other]).await;
        let tasks = (0..3).map(|_| world.ask(READ, Value::Null, "a")).collect();
        world.asked(same).await;
        world.subgraph.may_answer.add_permits(same);
        for answer in answers(tasks).await {
            assert_eq!(answer, json!({ "data": { "written": 0 } }), "{share:?}");
        }

        // Another document, of which the subgraph sees the same.
        world.subgraph.asked.store(0, SeqCst);
        let mut tasks =
            vec![world.ask(READ, Value::Null, "a"), world.ask(&other, Value::Null, "a")];
        tasks.push(world.ask(READ, Value::Null, "a"));
        world.asked(alike).await;
        world.subgraph.may_answer.add_permits(alike);
        assert_eq!(answers(tasks).await.len(), 3);
    }
}

#[tokio::test]
async fn who_asks_for_something_else_or_is_somebody_else_shares_nothing() {
    for share in [QUERIES, REQUESTS] {
        let world = World::new(share);
        world.prepare(&[READ]).await;
        world.ask("mutation { write }", Value::Null, "a").await.unwrap();
        world.subgraph.asked.store(0, SeqCst);
        let tasks = [(1, "a"), (2, "a"), (1, "b"), (1, "a"), (2, "b")]
            .map(|(times, token)| world.ask(READ, json!({ "times": times }), token));
        world.asked(4).await;
        world.subgraph.may_answer.add_permits(4);
        let written: Vec<Value> = answers(tasks.into())
            .await
            .iter()
            .map(|answer| answer["data"]["written"].clone())
            .collect();
        assert_eq!(written, [1, 2, 1, 1, 2], "{share:?}");
    }
}

#[tokio::test]
async fn mutations_are_each_executed() {
    let world = World::new(ShareInFlight { subgraph_requests: true, queries: true });
    let tasks = (0..3).map(|_| world.ask("mutation { write }", Value::Null, "a")).collect();
    let mut written: Vec<i64> =
        answers(tasks).await.iter().filter_map(|answer| answer["data"]["write"].as_i64()).collect();
    written.sort_unstable();
    assert_eq!(written, [1, 2, 3]);
}

#[tokio::test]
async fn a_read_from_before_a_write_was_told_is_not_joined_after_it() {
    for share in [QUERIES, REQUESTS] {
        let world = World::new(share);
        world.prepare(&[READ]).await;
        let before = world.ask(READ, Value::Null, "a");
        world.asked(1).await;
        let wrote = world.ask("mutation { write }", Value::Null, "b").await.unwrap();
        assert_eq!(wrote.json()["data"]["write"], 1);
        let after = vec![world.ask(READ, Value::Null, "a"), world.ask(READ, Value::Null, "a")];
        world.asked(3).await;
        world.subgraph.may_answer.add_permits(2);
        assert_eq!(before.await.unwrap().json()["data"]["written"], 0);
        for answer in answers(after).await {
            assert_eq!(answer["data"]["written"], 1, "{share:?}");
        }
    }
}

#[tokio::test]
async fn it_does_not_depend_on_the_client_who_came_first() {
    for share in [QUERIES, REQUESTS] {
        let world = World::new(share);
        world.prepare(&[READ]).await;
        let first = world.ask(READ, Value::Null, "a");
        world.asked(1).await;
        let second = world.ask(READ, Value::Null, "a");
        world.asked(1).await;
        first.abort();
        assert!(first.await.unwrap_err().is_cancelled());
        world.subgraph.may_answer.add_permits(1);
        let answer = second.await.unwrap().json();
        assert_eq!(answer, json!({ "data": { "written": 0 } }), "{share:?}");

        // What nobody waits for any more is given up: the next one asks anew.
        let alone = world.ask(READ, Value::Null, "a");
        world.asked(2).await;
        alone.abort();
        assert!(alone.await.unwrap_err().is_cancelled());
        let next = world.ask(READ, Value::Null, "a");
        world.asked(3).await;
        world.subgraph.may_answer.add_permits(1);
        assert!(!next.await.unwrap().has_errors);
    }
}

#[tokio::test]
async fn an_error_is_shared() {
    let query = "{ refused }";
    for share in [QUERIES, REQUESTS] {
        let world = World::new(share);
        world.prepare(&[query]).await;
        let tasks = (0..3).map(|_| world.ask(query, Value::Null, "a")).collect();
        world.asked(1).await;
        world.subgraph.may_answer.add_permits(1);
        for answer in answers(tasks).await {
            assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{share:?}");
            assert_eq!(answer["data"], json!({ "refused": null }));
        }
    }
}

#[tokio::test]
async fn an_error_that_names_its_request_is_told_to_that_one_alone() {
    let query = "{ broken }";
    // Queries that wait for an answer which they may not have are each executed.
    for (share, asked) in [(QUERIES, 3), (REQUESTS, 1)] {
        let world = World::new(share);
        world.prepare(&[query]).await;
        let ids = ["one", "two", "three"];
        let tasks = ids.map(|id| world.ask_as(query, Value::Null, "a", id));
        world.asked(1).await;
        world.subgraph.may_answer.add_permits(1);
        world.asked(asked).await;
        world.subgraph.may_answer.add_permits(asked - 1);
        for (answer, id) in answers(tasks.into()).await.iter().zip(ids) {
            let told = &answer["errors"][0]["extensions"];
            assert_eq!(told, &json!({ "code": "INTERNAL", "requestId": id }), "{share:?}");
        }
    }
}
