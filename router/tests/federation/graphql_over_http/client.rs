//! The rules for clients, held by the router as the client of its subgraphs.

use super::Server;
use crate::support::{http, serve};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// A query to a router whose users come from a server that answers this.
async fn answered(status: u16, kind: &'static str, body: &'static str) -> super::Answer {
    let status = StatusCode::from_u16(status).unwrap();
    let answer = move || async move { (status, [("content-type", kind)], body) };
    let users = serve(axum::Router::new().route("/graphql", axum::routing::post(answer))).await;
    let server = Server::with(|builder| builder.subgraph("users", http(&users.to_string()))).await;
    server.query("{ me { id email } product(upc: \"p1\") { name } }").await
}

const WHOLE: &str = r#"{"data":{"me":{"id":"u1","email":"a@example.org"}}}"#;
const PART: &str = r#"{"data":{"me":{"id":"u1","email":null}},"errors":[{"message":"no email","path":["me","email"],"extensions":{"code":"OWN"}}]}"#;
const REFUSED: &str = r#"{"errors":[{"message":"not so","extensions":{"code":"OWN"}}]}"#;

/// "Status Codes": a GraphQL response should be processed whatever its status; the older type is read
/// so too.
#[tokio::test]
async fn a_graphql_response_is_read_whatever_its_status() {
    let modern = "application/graphql-response+json; charset=utf-8";
    let legacy = "application/json";
    for (status, kind) in [(200, modern), (200, legacy), (203, modern)] {
        let answer = answered(status, kind, WHOLE).await;
        assert_eq!(answer.status, 200, "{status} {kind}");
        assert_eq!(answer.body["data"]["me"]["email"], "a@example.org", "{status} {kind}");
    }
    for (status, kind) in
        [(294, modern), (294, legacy), (200, modern), (200, legacy), (500, modern)]
    {
        let answer = answered(status, kind, PART).await;
        assert_eq!((answer.status, answer.code()), (294, "OWN"), "{status} {kind}");
        assert_eq!(answer.body["data"]["me"], json!({ "id": "u1", "email": null }));
        assert_eq!(answer.body["errors"][0]["path"], json!(["me", "email"]));
    }
    for (status, kind) in [
        (400, modern),
        (401, modern),
        (403, modern),
        (422, modern),
        (503, modern),
        (200, legacy),
        (400, legacy),
    ] {
        let answer = answered(status, kind, REFUSED).await;
        assert_eq!((answer.status, answer.code()), (294, "OWN"), "{status} {kind}");
        assert_eq!(answer.body["data"], json!({ "me": null, "product": { "name": "Table" } }));
    }
}

/// What a proxy makes up is no GraphQL response.
#[tokio::test]
async fn an_answer_that_is_not_graphql_counts_as_none() {
    for (status, kind, body) in [
        (502, "text/html", "<h1>Bad Gateway</h1>"),
        (503, "application/json", "{\"message\":\"no server\"}"),
        (413, "application/json", "{}"),
        (204, "text/plain", ""),
    ] {
        let answer = answered(status, kind, body).await;
        assert_eq!((answer.status, answer.code()), (294, "SUBGRAPH_UNAVAILABLE"), "{status}");
        assert_eq!(answer.body["data"], json!({ "me": null, "product": { "name": "Table" } }));
    }
}

/// "Accept": `application/graphql-response+json` MUST be there, with the recommended words for a
/// server that is not known. "POST": `Content-Type` MUST be there; JSON SHOULD be the body where the
/// server is not known. "JSON Encoding": other properties MUST NOT be added.
#[tokio::test]
async fn requests_to_subgraphs_are_well_formed() {
    type Seen = Arc<Mutex<Vec<(HeaderMap, Value)>>>;
    let seen = Seen::default();
    let notes = seen.clone();
    let answer = move |headers: HeaderMap, body: String| {
        notes.lock().unwrap().push((headers, serde_json::from_str(&body).unwrap()));
        async { WHOLE }
    };
    let users = serve(axum::Router::new().route("/graphql", axum::routing::post(answer))).await;
    let server = Server::with(|builder| builder.subgraph("users", http(&users.to_string()))).await;
    server.query("{ me { id email } }").await;
    let query = "query($id: ID!) { me: user(id: $id) { id email } }";
    server.post(json!({ "query": query, "variables": { "id": "u1" } })).await;

    let seen = seen.lock().unwrap();
    assert_eq!(seen.len(), 2);
    for (headers, request) in seen.iter() {
        assert_eq!(headers["accept"], "application/graphql-response+json, application/json;q=0.9");
        assert_eq!(headers["content-type"], "application/json");
        let request = request.as_object().unwrap();
        assert!(request["query"].is_string());
        let known = ["query", "operationName", "variables", "extensions"];
        assert!(request.keys().all(|name| known.contains(&name.as_str())), "{request:?}");
    }
    assert!(seen[1].1["variables"].as_object().unwrap().values().any(|value| value == "u1"));
}
