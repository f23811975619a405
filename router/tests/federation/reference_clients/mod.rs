//! The clients that define graphql-transport-ws and graphql-sse (npm's `graphql-ws` and
//! `graphql-sse`), and two that are much used (Apollo Client and urql), against a router over real
//! sockets. What they expect stands in the scripts beside this file, which Node.js runs.

use crate::{
    subgraphs::{Log, products, reviews, users},
    support::{serve, supergraph},
};
use serde_json::Value;
use std::{
    path::Path,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};
use studio_router::{AuthError, Authenticate, Caller, Router, transport::InProcess};

/// Takes one token, from the headers or from the first message of a WebSocket, and another one that
/// is good for one event.
struct Token;

/// How many events the token is still good for.
struct Brief(AtomicUsize);

#[async_trait::async_trait]
impl Authenticate for Token {
    async fn authenticate(
        &self,
        headers: &http::HeaderMap,
        connection_params: Option<&Value>,
    ) -> Result<Caller, AuthError> {
        let header = headers.get("authorization").map(|value| value.to_str().unwrap());
        let first_message = connection_params.and_then(|params| params["Authorization"].as_str());
        match header.or(first_message) {
            Some("Bearer good") => Ok(Caller::default()),
            Some("Bearer brief") => {
                let mut caller = Caller::default();
                caller.extensions.insert(Arc::new(Brief(AtomicUsize::new(1))));
                Ok(caller)
            }
            _ => Err(AuthError::Token("sign in".to_owned())),
        }
    }

    async fn still_valid(&self, caller: &Caller) -> bool {
        let brief = caller.extensions.get::<Arc<Brief>>();
        brief.is_none_or(|brief| brief.0.fetch_sub(1, Relaxed) > 0)
    }
}

/// Serves a router, and runs a script with its address. Gives what the subgraphs have done; `None` where
/// there are no clients to be run.
pub async fn play(script: &'static str) -> Option<Log> {
    let Ok(modules) = std::env::var("STUDIO_TEST_GRAPHQL_CLIENTS") else {
        println!(
            "skipped: STUDIO_TEST_GRAPHQL_CLIENTS is not set: run it by tests/services with \
             graphql_clients"
        );
        return None;
    };
    let log = Log::default();
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", Arc::new(InProcess::new(users::schema(log.clone()))))
        .subgraph("products", Arc::new(InProcess::new(products::schema(log.clone()))))
        .subgraph("reviews", Arc::new(InProcess::new(reviews::schema(log.clone()))))
        .authenticate(Arc::new(Token))
        .build()
        .unwrap();
    let address = serve(studio_router::serve::routes(router)).await;
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/federation/reference_clients")
        .join(script);
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter=tap"]).arg(path);
    node.env("STUDIO_TEST_GRAPHQL_CLIENTS", modules).env("ROUTER", address.to_string());
    let output = tokio::task::spawn_blocking(move || node.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let passed = ["\n# fail 0\n", "\n# skipped 0\n", "\n# cancelled 0\n"];
    assert!(
        output.status.success() && passed.iter().all(|line| said.contains(line)),
        "{said}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(!said.contains("\n# pass 0\n"), "{said}");
    Some(log)
}

async fn run(script: &'static str) {
    let Some(log) = play(script).await else { return };
    // Whoever goes ends what it followed, upstream too.
    let ended = async {
        while !log.0.lock().unwrap().contains(&"ended".to_owned()) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap();
}

#[tokio::test]
async fn graphql_ws_is_served() {
    run("graphql_ws.mjs").await;
}

#[tokio::test]
async fn graphql_sse_is_served() {
    run("graphql_sse.mjs").await;
}

#[tokio::test]
async fn apollo_client_is_served() {
    run("apollo.mjs").await;
}

#[tokio::test]
async fn urql_is_served() {
    run("urql.mjs").await;
}
