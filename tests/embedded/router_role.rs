//! `studio router`: any federation 2 supergraph, from a file, to the addresses that it names.

use std::process::{Child, Command, Stdio};

use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema, SimpleObject};
use async_graphql_axum::GraphQL;
use reqwest::Method;
use serde_json::{Value, json};
use studio_router::SubgraphSdl;

use crate::support::until;

#[derive(SimpleObject)]
struct Product {
    id: async_graphql::ID,
    name: String,
}

struct Products;

#[Object(name = "Query")]
impl Products {
    async fn products(&self) -> Vec<Product> {
        vec![Product { id: "p1".into(), name: "Lamp".to_owned() }]
    }

    #[graphql(entity)]
    async fn find(&self, #[graphql(key)] id: async_graphql::ID) -> Option<Product> {
        Some(Product { id, name: "Lamp".to_owned() })
    }
}

struct Stock {
    id: async_graphql::ID,
}

#[Object(name = "Product")]
impl Stock {
    async fn id(&self) -> &async_graphql::ID {
        &self.id
    }

    async fn in_stock(&self) -> i32 {
        7
    }
}

struct Inventory;

#[Object(name = "Query")]
impl Inventory {
    async fn warehouses(&self) -> i32 {
        2
    }

    #[graphql(entity)]
    async fn find(&self, #[graphql(key)] id: async_graphql::ID) -> Option<Stock> {
        Some(Stock { id })
    }
}

/// Serves a subgraph on a port of its own and describes it.
async fn subgraph<Q: async_graphql::ObjectType + 'static>(name: &str, query: Q) -> SubgraphSdl {
    let schema =
        Schema::build(query, EmptyMutation, EmptySubscription).enable_federation().finish();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/graphql", listener.local_addr().unwrap());
    let sdl = schema.sdl_with_options(async_graphql::SDLExportOptions::new().federation());
    let app = axum::Router::new().route_service("/graphql", GraphQL::new(schema));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    SubgraphSdl { name: name.to_owned(), url: Some(url), sdl }
}

struct Router(Child);

impl Drop for Router {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[tokio::test]
async fn a_supergraph_file_is_enough_to_route() {
    let parts = vec![subgraph("products", Products).await, subgraph("inventory", Inventory).await];
    let supergraph = studio_router::compose(parts).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("supergraph.graphql");
    std::fs::write(&file, supergraph.sdl).unwrap();

    // A port that was free a moment ago; the router says at once if it is not any more.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let child = Command::new(env!("CARGO_BIN_EXE_studio"))
        .args(["router", "--listen", &format!("127.0.0.1:{port}"), "--supergraph"])
        .arg(&file)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _router = Router(child);
    let http = reqwest::Client::new();
    let url = format!("http://127.0.0.1:{port}");
    until("the router to be ready", || async {
        let ready = http.get(format!("{url}/health/ready")).send().await.ok()?;
        ready.status().is_success().then_some(())
    })
    .await;

    let answer: Value = http
        .post(format!("{url}/graphql"))
        .json(&json!({ "query": "{ warehouses products { name inStock } }" }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let expected =
        json!({ "data": { "warehouses": 2, "products": [{ "name": "Lamp", "inStock": 7 }] } });
    assert_eq!(answer, expected);

    // Whatever else is asked for has an id and says where to ask.
    for (method, path, status) in [
        (Method::GET, "/nothing", 404),
        (Method::PUT, "/graphql", 405),
        (Method::POST, "/health/live", 405),
    ] {
        let request = http.request(method, format!("{url}{path}")).header("x-request-id", "mine");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["x-request-id"], "mine", "{path}");
        assert_eq!(answer.headers().contains_key("allow"), status == 405, "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{body}");
    }
}

#[test]
fn a_file_that_is_no_supergraph_is_refused_with_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("broken.graphql");
    std::fs::write(&file, "type Query { a: Int").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_studio"))
        .args(["router", "--listen", "127.0.0.1:0", "--supergraph"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("supergraph"), "{said}");
}
