//! What clients see beside GraphQL over HTTP itself: ids, callers, health, and a router from a file.

use crate::{
    subgraphs::Log,
    support::{Token, in_process, serve, supergraph},
};
use reqwest::{Client, Response, StatusCode};
use serde_json::{Value, json};
use std::{future::pending, sync::Arc};
use studio_router::{
    Graph, Router,
    standalone::{Standalone, StandaloneOptions},
    transport::InProcess,
};

async fn url() -> String {
    let router = in_process(&Log::default());
    format!("http://{}", serve(studio_router::serve::routes(router)).await)
}

fn kind(response: &Response) -> &str {
    response.headers()["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn each_form_of_request_is_answered() {
    let url = format!("{}/graphql", url().await);
    let client = Client::new();
    let json = client.post(&url).json(&json!({ "query": "{ me { id } }" })).send().await.unwrap();
    assert_eq!(
        (json.status(), kind(&json)),
        (StatusCode::OK, "application/graphql-response+json; charset=utf-8")
    );
    assert!(json.headers().contains_key("x-request-id"));
    let expected = json!({ "data": { "me": { "id": "u1" } } });
    assert_eq!(json.json::<Value>().await.unwrap(), expected);

    let raw = client.post(&url).header("content-type", "application/graphql").body("{ me { id } }");
    assert_eq!(raw.send().await.unwrap().json::<Value>().await.unwrap(), expected);

    let get = client.get(format!(
        "{url}?query=query(%24i:ID!)%7Bme:user(id:%24i)%7Bid%7D%7D&variables=%7B%22i%22:%22u1%22%7D"
    ));
    assert_eq!(get.send().await.unwrap().json::<Value>().await.unwrap(), expected);

    let own = client
        .post(&url)
        .header("x-request-id", "abc-1")
        .json(&json!({ "query": "{ me { id } }" }));
    assert_eq!(own.send().await.unwrap().headers()["x-request-id"], "abc-1");
    let unfit = client
        .post(&url)
        .header("x-request-id", "a b<c>")
        .json(&json!({ "query": "{ me { id } }" }));
    assert_ne!(unfit.send().await.unwrap().headers()["x-request-id"], "a b<c>");
}

#[tokio::test]
async fn a_method_that_is_not_taken_is_told_which_are() {
    let url = url().await;
    for (path, allowed) in [("graphql", "GET,HEAD,POST"), ("schema.graphql", "GET,HEAD")] {
        let answer = Client::new().delete(format!("{url}/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], allowed);
        assert!(answer.headers().contains_key("x-request-id"));
        let error = answer.json::<Value>().await.unwrap()["errors"][0].clone();
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
        assert!(error["message"].as_str().unwrap().contains("Allow"), "{error}");
    }
}

#[tokio::test]
async fn callers_are_told_apart() {
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph(
            "users",
            Arc::new(InProcess::new(crate::subgraphs::users::schema(Log::default()))),
        )
        .authenticate(Arc::new(Token))
        .console("<html>console</html>")
        .request_ids(|| "made".to_owned())
        .readiness(|| Err("the store is not open yet".to_owned()))
        .build()
        .unwrap();
    let url = format!("http://{}", serve(studio_router::serve::routes(router)).await);
    let client = Client::new();
    let ask = |token: Option<&'static str>, query: &'static str| {
        let mut request = client.post(format!("{url}/graphql")).json(&json!({ "query": query }));
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        async move { request.send().await.unwrap() }
    };
    let bad = ask(Some("Bearer bad"), "{ me { id } }").await;
    assert_eq!(bad.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(bad.headers()["x-request-id"], "made");
    assert_eq!(
        bad.json::<Value>().await.unwrap()["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
    let introspection = "{ __schema { queryType { name } } }";
    assert!(ask(None, introspection).await.text().await.unwrap().contains("FORBIDDEN"));
    assert!(
        ask(Some("Bearer good"), introspection).await.text().await.unwrap().contains("\"Query\"")
    );

    let schema = client.get(format!("{url}/schema.graphql")).send().await.unwrap();
    assert_eq!(schema.status(), StatusCode::FORBIDDEN);
    let schema = client
        .get(format!("{url}/schema.graphql"))
        .header("authorization", "Bearer good")
        .send()
        .await
        .unwrap();
    assert!(schema.text().await.unwrap().contains("type User"));
    let console =
        client.get(format!("{url}/graphql")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(console.text().await.unwrap(), "<html>console</html>");
    assert_eq!(
        client.get(format!("{url}/health/live")).send().await.unwrap().status(),
        StatusCode::OK
    );
    let ready = client.get(format!("{url}/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().await.unwrap().contains("not open"));
}

#[tokio::test]
async fn a_supergraph_from_a_file_is_served() {
    use crate::subgraphs::{inventory, products, reviews, users};
    let log = Log::default();
    let mut sdls = crate::support::sdls();
    for sdl in &mut sdls {
        let address = match sdl.name.as_str() {
            "users" => crate::support::subgraph(users::schema(log.clone())).await,
            "products" => crate::support::subgraph(products::schema(log.clone())).await,
            "reviews" => crate::support::subgraph(reviews::schema(log.clone())).await,
            _ => crate::support::subgraph(inventory::schema()).await,
        };
        sdl.url = Some(format!("http://{address}/graphql"));
    }
    let supergraph = studio_router::compose(sdls).unwrap().sdl;
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let router = Standalone::new(Graph::new(supergraph), StandaloneOptions::default()).unwrap();
    let served = tokio::spawn(router.serve(address, pending()));
    let client = Client::new();
    loop {
        assert!(!served.is_finished(), "it ended");
        let ready = client.get(format!("http://{address}/health/ready")).send().await;
        if ready.is_ok_and(|ready| ready.status() == StatusCode::OK) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let query = json!({ "query": "{ topProducts(first: 1) { name shippingEstimate reviews(first: 1) { author { name } } } }" });
    let answer =
        client.post(format!("http://{address}/graphql")).json(&query).send().await.unwrap();
    let expected = json!({ "data": { "topProducts": [{ "name": "Table", "shippingEstimate": 14, "reviews": [{ "author": { "name": "Ada" } }] }] } });
    assert_eq!(answer.json::<Value>().await.unwrap(), expected);
}
