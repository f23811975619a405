//! `studio router`: how it reaches the subgraphs of a supergraph, and what it lets clients share, as a
//! file says.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicI32, Ordering::SeqCst},
    },
    time::Duration,
};

use async_graphql::{
    Context, EmptyMutation, EmptySubscription, Object, Schema, SimpleObject, Subscription,
};
use async_graphql_axum::{GraphQL, GraphQLSubscription};
use futures::{Stream, StreamExt};
use serde_json::{Value, json};
use studio_router::SubgraphSdl;
use tempfile::TempDir;
use tokio::sync::watch;

use crate::{router_role::Router, support::until};

/// What the first subgraph counts, and what it waits for.
struct State {
    reads: AtomicI32,
    streams: AtomicI32,
    /// The last attempt that is answered.
    answered: watch::Sender<i32>,
}

struct First;

#[Object(name = "Query")]
impl First {
    async fn side(&self) -> &str {
        "first"
    }

    /// Which read this is, once the attempt is to be answered.
    async fn read(&self, context: &Context<'_>, attempt: i32) -> i32 {
        let state = context.data_unchecked::<Arc<State>>();
        let number = state.reads.fetch_add(1, SeqCst) + 1;
        let mut answered = state.answered.subscribe();
        answered.wait_for(|answered| *answered >= attempt).await.unwrap();
        number
    }
}

#[derive(SimpleObject)]
struct Tick {
    stream: i32,
    number: i32,
}

struct Ticks;

#[Subscription(name = "Subscription")]
impl Ticks {
    /// Goes on for ever, and says which stream it is.
    async fn ticks(&self, context: &Context<'_>) -> impl Stream<Item = Tick> {
        let stream = context.data_unchecked::<Arc<State>>().streams.fetch_add(1, SeqCst) + 1;
        futures::stream::unfold(0, move |number| async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Some((Tick { stream, number }, number + 1))
        })
    }
}

struct Second;

#[Object(name = "Query")]
impl Second {
    async fn side(&self) -> &str {
        "second"
    }
}

const FIRST: &str = "
    type Query { side: String! read(attempt: Int!): Int! }
    type Subscription { ticks: Tick! }
    type Tick { stream: Int! number: Int! }";
const SECOND: &str = "
    extend schema @link(url: \"https://specs.apollo.dev/federation/v2.7\", import: [\"@override\"])
    type Query { side: String! @override(from: \"First\", label: \"moved\") }";

/// Two subgraphs that run, and a folder for files about them.
struct World {
    folder: TempDir,
    state: Arc<State>,
    /// The first, which answers subscriptions over a WebSocket at /events alone, and the second.
    urls: [String; 2],
}

impl World {
    async fn new() -> World {
        let state = State {
            reads: AtomicI32::new(0),
            streams: AtomicI32::new(0),
            answered: watch::Sender::new(0),
        };
        let state = Arc::new(state);
        let first = Schema::build(First, EmptyMutation, Ticks).data(state.clone()).finish();
        let second = Schema::new(Second, EmptyMutation, EmptySubscription);
        let first = axum::Router::new()
            .route_service("/graphql", GraphQL::new(first.clone()))
            .route_service("/events", GraphQLSubscription::new(first));
        let second = axum::Router::new().route_service("/graphql", GraphQL::new(second));
        let urls = [serve(first).await, serve(second).await];
        World { folder: tempfile::tempdir().unwrap(), state, urls }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The file with the supergraph, whose names are not those that a graph composed here may have.
    fn supergraph(&self) -> PathBuf {
        let part = |(name, url, sdl): (&str, &String, &str)| SubgraphSdl {
            name: name.to_owned(),
            url: Some(format!("{url}/graphql")),
            sdl: sdl.to_owned(),
        };
        let [first, second] = &self.urls;
        let parts = [("First", first, FIRST), ("Second", second, SECOND)];
        let supergraph = studio_router::compose(parts.map(part).to_vec()).unwrap();
        self.write("supergraph.graphql", &supergraph.sdl)
    }

    /// A router for the supergraph that is told this beside it.
    async fn router(&self, text: &str) -> Router {
        let file = self.write("graph.toml", text);
        let beside = ["--watch", "0", "--subgraphs", file.to_str().unwrap(), "--supergraph"];
        Router::start(self.folder.path(), &beside, &self.supergraph()).await
    }

    /// The file with both subgraphs and their schemas, and with these settings before them.
    fn to_compose(&self, settings: &str) -> PathBuf {
        let [first, second] = &self.urls;
        let mut text = settings.to_owned();
        for (name, url, sdl) in [("first", first, FIRST), ("second", second, SECOND)] {
            let schema = self.write(name, &sdl.replace("\"First\"", "\"first\""));
            text += &format!(
                "[[subgraphs]]\nname = \"{name}\"\nurl = \"{url}/graphql\"\nschema = {schema:?}\n"
            );
        }
        self.write("composed.toml", &text)
    }

    /// How the first subgraph's subscriptions are reached.
    fn events(&self) -> String {
        let address = self.urls[0].replace("http", "ws");
        format!(
            "[[subgraphs]]\nname = \"First\"\nsubscriptions = \"websocket\"\n\
             websocket_url = \"{address}/events\"\n"
        )
    }

    /// Two clients read the same, the second while the first waits: the numbers of their reads.
    async fn both_read(&self, router: &Router, attempt: i32) -> [Value; 2] {
        let before = self.state.reads.load(SeqCst);
        let query = format!("{{ read(attempt: {attempt}) }}");
        let second = async {
            until("the first read to be asked for", || async {
                (self.state.reads.load(SeqCst) > before).then_some(())
            })
            .await;
            let answered = async {
                // By then the second is likely to wait with the first.
                router.answers("{ side }").await;
                self.state.answered.send_replace(attempt);
            };
            tokio::join!(router.ask(&query), answered).0
        };
        let (first, second) = tokio::join!(router.ask(&query), second);
        [first["data"]["read"].clone(), second["data"]["read"].clone()]
    }
}

async fn serve(app: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// A client's stream of ticks, as text that comes in pieces.
async fn ticks(router: &Router) -> impl Stream<Item = String> + Unpin + use<> {
    let request = reqwest::Client::new()
        .post(format!("{}/graphql", router.url))
        .header("accept", "text/event-stream")
        .json(&json!({ "query": "subscription { ticks { stream number } }" }));
    let pieces = request.send().await.unwrap().bytes_stream();
    pieces.map(|piece| String::from_utf8(piece.unwrap().to_vec()).unwrap()).boxed()
}

/// The first piece with an event or an error.
async fn first_event(pieces: &mut (impl Stream<Item = String> + Unpin)) -> String {
    while let Some(piece) = pieces.next().await {
        if piece.contains("ticks") || piece.contains("errors") {
            return piece;
        }
    }
    panic!("the stream ended before its first event")
}

#[tokio::test]
async fn subscriptions_of_a_supergraph_are_reached_as_a_file_says_and_shared() {
    let world = World::new().await;
    let sharing = "[share_subscriptions]\nticks = \"any_time\"\n";
    let router = world.router(sharing).await;
    // Where nothing is said of it, the subgraph is asked for server-sent events, which it has not.
    let refused = first_event(&mut ticks(&router).await).await;
    assert!(refused.contains("errors"), "{refused}");

    world.write("graph.toml", &format!("{sharing}{}", world.events()));
    router.hang_up();
    router.logs("the supergraph was reloaded").await;
    let mut first = ticks(&router).await;
    let event = first_event(&mut first).await;
    assert!(event.contains(r#""stream":1,"#), "{event}");
    // It comes after the first event, and joins all the same.
    let event = first_event(&mut ticks(&router).await).await;
    assert!(event.contains(r#""stream":1,"#), "{event}");
    assert_eq!(world.state.streams.load(SeqCst), 1);
}

#[tokio::test]
async fn without_a_word_subscriptions_are_shared_from_the_beginning() {
    let world = World::new().await;
    let router = world.router(&world.events()).await;
    let mut first = ticks(&router).await;
    first_event(&mut first).await;
    let event = first_event(&mut ticks(&router).await).await;
    assert!(event.contains(r#""stream":2,"#), "{event}");
}

#[tokio::test]
async fn reads_under_way_share_an_answer_where_that_is_asked_for() {
    for what in ["subgraph_requests", "queries"] {
        let world = World::new().await;
        let router = world.router(&format!("[share_in_flight]\n{what} = true\n")).await;
        let attempts = AtomicI32::new(0);
        until("two reads that share an answer", || async {
            let attempt = attempts.fetch_add(1, SeqCst) + 1;
            let [first, second] = world.both_read(&router, attempt).await;
            (first.is_i64() && first == second).then_some(())
        })
        .await;
    }
    let world = World::new().await;
    let router = world.router("").await;
    let [first, second] = world.both_read(&router, 1).await;
    assert!(first.is_i64() && second.is_i64() && first != second, "{first} {second}");
}

#[tokio::test]
async fn labels_of_overrides_are_on_where_they_are_named() {
    let world = World::new().await;
    let router = world.router("").await;
    assert_eq!(router.answers("{ side }").await["side"], "first");
    // How the router answers holds from its start.
    world.write("graph.toml", "override_labels = [\"moved\"]\n");
    router.hang_up();
    router.logs("start the router anew").await;
    assert_eq!(router.answers("{ side }").await["side"], "first");
    let router = world.router("override_labels = [\"moved\"]\n").await;
    assert_eq!(router.answers("{ side }").await["side"], "second");

    // The same of subgraphs that are composed.
    let file = world.to_compose("override_labels = [\"moved\"]\n");
    let router = Router::start(world.folder.path(), &["--subgraphs"], &file).await;
    assert_eq!(router.answers("{ side }").await["side"], "second");
}

#[tokio::test]
async fn limits_are_as_the_file_says() {
    let world = World::new().await;
    let two = "{ side other: side }";
    let router = world.router("[limits]\nexecution_seconds = 5\n").await;
    assert_eq!(router.answers(two).await["other"], "first");
    for (limit, query, told) in [
        ("aliases = 1", "{ side a: side b: side }", "aliases"),
        ("fields = 1", two, "fields"),
        ("tokens = 4", two, "tokens"),
        ("body_bytes = 16", two, "16"),
    ] {
        let router = world.router(&format!("[limits]\n{limit}\n")).await;
        let answer = router.ask(query).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(answer["data"].is_null() && message.contains(told), "{limit}: {answer}");
    }
}

#[tokio::test]
async fn a_supergraph_is_written_for_a_router() {
    let world = World::new().await;
    let composed = |file: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_studio"));
        command.args(["schema", "compose", "--subgraphs"]).arg(file).output().unwrap()
    };
    let output = composed(&world.to_compose("[share_in_flight]\nqueries = true\n"));
    assert!(output.status.success(), "{output:?}");
    let supergraph = world.write("written.graphql", &String::from_utf8(output.stdout).unwrap());
    let router = Router::start(world.folder.path(), &["--supergraph"], &supergraph).await;
    assert_eq!(router.answers("{ side }").await["side"], "first");

    world.write("second", "type Query { side: Int }");
    let output = composed(&world.folder.path().join("composed.toml"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
    assert!(said.contains("Query.side"), "{said}");
}

#[tokio::test]
async fn what_the_graph_does_not_have_is_named_at_the_start() {
    let world = World::new().await;
    let supergraph = world.supergraph();
    for (text, named) in [
        ("override_labels = [\"move\"]", "no progressive override with the label \"move\""),
        ("[share_subscriptions]\nticks_ = \"any_time\"", "Subscription.ticks_"),
        ("[share_subscriptions]\nticks = { at_event = \"Tick.cursor\" }", "Tick.cursor"),
        ("[share_subscriptions]\nticks = \"sometimes\"", "share_subscriptions.ticks"),
        ("[share_in_flight]\nmutations = true", "share_in_flight.mutations"),
        ("[[subgraphs]]\nname = \"first\"", "no subgraph \"first\"; it has First, Second"),
        ("shared = true", "shared"),
        ("[limits]\ndepth = 201", "limits.depth: at most 200 levels"),
        ("[limits]\ntokens = 0", "limits.tokens"),
        ("[limits]\nsize = 1", "limits.size"),
    ] {
        let file = world.write("graph.toml", text);
        let output = Command::new(env!("CARGO_BIN_EXE_studio"))
            .args(["router", "--listen", "127.0.0.1:0", "--supergraph"])
            .arg(&supergraph)
            .arg("--subgraphs")
            .arg(&file)
            .output()
            .unwrap();
        assert!(!output.status.success(), "{text}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(named), "{text}: {said}");
    }
}
