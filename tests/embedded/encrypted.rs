//! `studio router` in front of a subgraph that speaks TLS with a certificate of its operator's own
//! authority.

use std::path::{Path, PathBuf};

use async_graphql::{EmptyMutation, Object, Schema, Subscription};
use async_graphql_axum::{GraphQL, GraphQLSubscription};
use futures::Stream;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    router_role::Router,
    support::{PATIENCE, until},
    tls_server::Authority,
};

struct Query;

#[Object]
impl Query {
    async fn greeting(&self) -> &str {
        "hello"
    }
}

struct Greetings;

#[Subscription(name = "Subscription")]
impl Greetings {
    async fn greetings(&self) -> impl Stream<Item = &'static str> {
        futures::stream::iter(["hello", "good day"])
    }
}

/// The subgraph that runs, and a folder for files about it.
struct World {
    folder: TempDir,
    ours: Authority,
    /// HOST:PORT.
    subgraph: String,
}

impl World {
    async fn new() -> World {
        let ours = Authority::new("ours");
        let schema = Schema::new(Query, EmptyMutation, Greetings);
        let routes = axum::Router::new()
            .route_service("/graphql", GraphQL::new(schema.clone()))
            .route_service("/events", GraphQLSubscription::new(schema));
        let subgraph = ours.serve("127.0.0.1", routes).await.to_string();
        World { folder: tempfile::tempdir().unwrap(), ours, subgraph }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// The file that names the subgraph.
    fn graph(&self, more: &str) -> PathBuf {
        let schema = "type Query { greeting: String! } type Subscription { greetings: String! }";
        let schema = self.write("schema.graphql", schema);
        let subgraph = &self.subgraph;
        let text = format!(
            "[[subgraphs]]\nname = \"greetings\"\nurl = \"https://{subgraph}/graphql\"\n\
             schema = {schema:?}\nsubscriptions = \"websocket\"\n\
             websocket_url = \"wss://{subgraph}/events\"\n{more}\n"
        );
        self.write("graph.toml", &text)
    }

    async fn router(&self, more: &str, environment: &[(&str, &str)]) -> Router {
        let file = self.graph(more);
        let arguments = ["--watch", "0.05", "--subgraphs"];
        Router::start_in(environment, self.folder.path(), &arguments, &file).await
    }

    /// What a router says that does not start.
    async fn refused_start(&self, more: &str, environment: &[(&str, &Path)]) -> String {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_studio"));
        command.args(["router", "--listen", "127.0.0.1:0", "--subgraphs"]).arg(self.graph(more));
        let ended = command.envs(environment.iter().copied()).kill_on_drop(true).output();
        let output = tokio::time::timeout(PATIENCE, ended).await.expect("it started").unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    }
}

/// What comes of following the greetings.
async fn followed(router: &Router) -> String {
    let request = reqwest::Client::new()
        .post(format!("{}/graphql", router.url))
        .header("accept", "text/event-stream")
        .json(&json!({ "query": "subscription { greetings }" }));
    request.send().await.unwrap().text().await.unwrap()
}

async fn works(router: &Router) {
    assert_eq!(router.ask("{ greeting }").await, json!({ "data": { "greeting": "hello" } }));
    let events = followed(router).await;
    assert!(events.contains("\"good day\"") && events.contains("event: complete"), "{events}");
}

/// Whether the subgraph is refused for its certificate; the client learns no more than that it is not
/// there.
async fn is_refused(router: &Router) -> bool {
    let answer = router.ask("{ greeting }").await;
    let code = &answer["errors"][0]["extensions"]["code"];
    assert!(answer["errors"].is_null() || *code == "SUBGRAPH_UNAVAILABLE", "{answer}");
    assert!(!answer.to_string().contains("certificate"), "{answer}");
    !answer["errors"].is_null()
}

#[tokio::test]
async fn the_authority_of_a_subgraph_is_read_from_a_file_that_may_change() {
    let world = World::new().await;
    let (ours, strangers) = (world.ours.pem(), Authority::new("strangers").pem());
    let file = world.write("ca.pem", &ours);
    let router = world.router(&format!("ca = {file:?}"), &[]).await;
    works(&router).await;

    // A file that names no authority changes nothing.
    world.write("ca.pem", "ours\n");
    router.logs("the old one goes on").await;
    router.logs("ca.pem is of no use: there is no certificate in it").await;
    works(&router).await;
    world.write("ca.pem", &strangers);
    until("the subgraph to be refused", || async { is_refused(&router).await.then_some(()) }).await;
    assert!(followed(&router).await.contains("SUBGRAPH_UNAVAILABLE"));
    router.logs("invalid peer certificate: UnknownIssuer; if the authority is your own").await;
    world.write("ca.pem", &format!("{strangers}{ours}"));
    router.answers("{ greeting }").await;
    works(&router).await;
}

#[tokio::test]
async fn without_one_the_authorities_of_the_system_are_trusted() {
    let world = World::new().await;
    let folder = world.folder.path().to_str().unwrap();
    for (trusted, refused) in [(world.ours.pem(), false), (Authority::new("other").pem(), true)] {
        let system = world.write("system.pem", &trusted);
        // No file in the folder has a name by which authorities are found there.
        let system = [("SSL_CERT_FILE", system.to_str().unwrap()), ("SSL_CERT_DIR", folder)];
        let router = world.router("", &system).await;
        assert_eq!(is_refused(&router).await, refused);
        if refused {
            assert!(followed(&router).await.contains("SUBGRAPH_UNAVAILABLE"));
            router.logs("name its certificate by `ca`").await;
        } else {
            works(&router).await;
        }
    }
}

#[tokio::test]
async fn a_system_without_authorities_is_told_so() {
    let world = World::new().await;
    let file = world.write("system.pem", "");
    let said = world
        .refused_start("", &[("SSL_CERT_FILE", &*file), ("SSL_CERT_DIR", world.folder.path())])
        .await;
    assert!(said.contains("the subgraph \"greetings\""), "{said}");
    assert!(said.contains("name one by `ca`"), "{said}");
}

#[tokio::test]
async fn a_file_without_an_authority_ends_the_start_with_its_name() {
    let world = World::new().await;
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    let key = world.write("key.pem", key);
    let large = world.write("large.pem", &"\n".repeat((1 << 20) + 1));
    let missing = world.folder.path().join("missing.pem");
    for (file, reason) in [
        (missing, "cannot be read"),
        (key, "there is no certificate in it: it must be PEM"),
        (large, "name a file with the certificate of the authority alone"),
    ] {
        let said = world.refused_start(&format!("ca = {file:?}"), &[]).await;
        let named = ["the subgraph \"greetings\"", file.to_str().unwrap(), reason];
        assert!(named.iter().all(|part| said.contains(part)), "{said}");
    }
}
