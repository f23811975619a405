//! `studio router`: any federation 2 supergraph, from a file, to the addresses that it names, or of
//! subgraphs that it composes itself; and another one while it runs.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

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

/// A router that runs.
pub(crate) struct Router {
    child: Child,
    pub(crate) url: String,
    log: PathBuf,
}

impl Router {
    /// Starts one, and waits until it is ready.
    pub(crate) async fn start(folder: &Path, arguments: &[&str], file: &Path) -> Router {
        Self::start_in(&[], folder, arguments, file).await
    }

    /// The same with more in its environment.
    pub(crate) async fn start_in(
        environment: &[(&str, &str)],
        folder: &Path,
        arguments: &[&str],
        file: &Path,
    ) -> Router {
        // A port that was free a moment ago; the router says at once if it is not any more.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = folder.join("router.log");
        let child = Command::new(env!("CARGO_BIN_EXE_studio"))
            .args(["router", "--listen", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .arg(file)
            .envs(environment.iter().copied())
            .stdout(Stdio::null())
            .stderr(std::fs::File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let router = Router { child, url: format!("http://127.0.0.1:{port}"), log };
        until("the router to be ready", || async {
            let ready = reqwest::get(format!("{}/health/ready", router.url)).await.ok()?;
            ready.status().is_success().then_some(())
        })
        .await;
        router
    }

    pub(crate) async fn ask(&self, query: &str) -> Value {
        let request = reqwest::Client::new().post(format!("{}/graphql", self.url));
        let answer = request.json(&json!({ "query": query })).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// Waits for an answer without errors.
    pub(crate) async fn answers(&self, query: &str) -> Value {
        until(&format!("{query} to be answered"), || async {
            let answer = self.ask(query).await;
            answer["errors"].is_null().then_some(answer["data"].clone())
        })
        .await
    }

    pub(crate) async fn logs(&self, text: &str) {
        until(&format!("the log to say {text}"), || async {
            std::fs::read_to_string(&self.log).unwrap().contains(text).then_some(())
        })
        .await;
    }

    pub(crate) fn hang_up(&self) {
        let sent = Command::new("kill").args(["-HUP", &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn a_supergraph_file_is_enough_to_route() {
    let parts = vec![subgraph("products", Products).await, subgraph("inventory", Inventory).await];
    let supergraph = studio_router::compose(parts).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("supergraph.graphql");
    std::fs::write(&file, supergraph.sdl).unwrap();
    let router = Router::start(folder.path(), &["--supergraph"], &file).await;
    let (http, url) = (reqwest::Client::new(), router.url.clone());

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

#[tokio::test]
async fn a_supergraph_file_that_changes_is_taken_in() {
    let (products, inventory) =
        (subgraph("products", Products).await, subgraph("inventory", Inventory).await);
    let supergraph = |parts: &[&SubgraphSdl]| {
        studio_router::compose(parts.iter().map(|part| (*part).clone()).collect()).unwrap().sdl
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("supergraph.graphql");
    let (one, both) = (supergraph(&[&products]), supergraph(&[&products, &inventory]));
    std::fs::write(&file, &one).unwrap();
    let router = Router::start(folder.path(), &["--watch", "0.05", "--supergraph"], &file).await;
    let stock = "{ warehouses products { name inStock } }";
    assert!(router.ask(stock).await["errors"].is_array());

    std::fs::write(&file, &both).unwrap();
    assert_eq!(router.answers(stock).await["warehouses"], 2);
    router.logs("the supergraph was reloaded").await;
    // A broken one changes nothing, and neither does one that is gone.
    std::fs::write(&file, "type Query { a: Int").unwrap();
    router.logs("the new supergraph cannot be used: the old one goes on").await;
    assert_eq!(router.ask(stock).await["data"]["warehouses"], 2);
    std::fs::remove_file(&file).unwrap();
    router.logs("cannot be read").await;
    assert_eq!(router.ask(stock).await["data"]["warehouses"], 2);
    std::fs::write(&file, &one).unwrap();
    until("the stock to be gone", || async {
        router.ask(stock).await["errors"].is_array().then_some(())
    })
    .await;
    router.answers("{ products { name } }").await;
}

#[tokio::test]
async fn subgraphs_are_composed_as_they_tell_their_schemas() {
    let (products, inventory) =
        (subgraph("products", Products).await, subgraph("inventory", Inventory).await);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("graph.toml");
    let schema = folder.path().join("inventory.graphql");
    std::fs::write(&schema, &inventory.sdl).unwrap();
    let named = |part: &SubgraphSdl, more: &str| {
        let url = part.url.as_deref().unwrap();
        format!("[[subgraphs]]\nname = \"{}\"\nurl = \"{url}\"\n{more}\n", part.name)
    };
    std::fs::write(&file, named(&products, "")).unwrap();
    // Without looking at files: SIGHUP alone.
    let router = Router::start(folder.path(), &["--watch", "0", "--subgraphs"], &file).await;
    let stock = "{ warehouses products { name inStock } }";
    assert!(router.ask(stock).await["errors"].is_array());
    let more = format!("schema = {schema:?}");
    std::fs::write(&file, named(&products, "") + &named(&inventory, &more)).unwrap();
    router.hang_up();
    let expected = json!({ "warehouses": 2, "products": [{ "name": "Lamp", "inStock": 7 }] });
    assert_eq!(router.answers(stock).await, expected);

    for (schema_now, reason) in [
        ("type Query { warehouses: Int", "[inventory] the schema cannot be read"),
        ("type Query { products: Int }", "products"),
    ] {
        std::fs::write(&schema, schema_now).unwrap();
        router.hang_up();
        router.logs(reason).await;
        assert_eq!(router.ask(stock).await["data"], expected);
    }
    std::fs::write(&file, "[[subgraphs]]\nname = \"products\"\n").unwrap();
    router.hang_up();
    router.logs("graph.toml cannot be used").await;
    assert_eq!(router.ask(stock).await["data"], expected);
}

#[test]
fn a_subgraph_that_is_away_is_named_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("graph.toml");
    let text = "[[subgraphs]]\nname = \"stock\"\nurl = \"http://127.0.0.1:1/graphql\"\n";
    std::fs::write(&file, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_studio"))
        .args(["router", "--listen", "127.0.0.1:0", "--subgraphs"])
        .arg(&file)
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the subgraph \"stock\"") && said.contains("cannot reach"), "{said}");
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
