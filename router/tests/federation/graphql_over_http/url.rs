//! Section "URL".

use super::{GRAPHQL_RESPONSE, Server, send};
use crate::support::Token;
use reqwest::Client;
use serde_json::json;
use std::sync::Arc;

async fn guarded() -> Server {
    Server::with(|builder| builder.authenticate(Arc::new(Token)).console("<p>console</p>")).await
}

/// MUST, and the convention that the path ends with `/graphql`.
#[tokio::test]
async fn the_schema_is_served_at_a_url_that_ends_with_graphql() {
    let server = Server::start().await;
    assert!(server.url().ends_with("/graphql"));
    let answer = server.query("{ me { id } }").await;
    assert_eq!((answer.status, answer.body), (200, json!({ "data": { "me": { "id": "u1" } } })));
}

/// MAY: everybody has the same schema here; who may not see it is refused introspection.
#[tokio::test]
async fn the_schema_is_the_same_for_every_client() {
    let server = guarded().await;
    for token in [None, Some("Bearer good")] {
        let mut request =
            Client::new().post(server.url()).json(&json!({ "query": "{ me { name role } }" }));
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        let answer = send(request).await;
        assert_eq!(answer.body["data"]["me"], json!({ "name": "Ada", "role": "ADMIN" }));
    }
}

/// MAY forbid; SHOULD use the relevant status; SHOULD NOT decide by the contents of the request.
#[tokio::test]
async fn a_client_is_forbidden_with_the_relevant_status_whatever_it_asks() {
    let server = guarded().await;
    for query in ["{ me { id } }", "{ me {", "{ nothing }", "mutation { count(by: 1) }"] {
        let request = Client::new().post(server.url()).json(&json!({ "query": query }));
        let answer = send(request.header("authorization", "Bearer bad")).await;
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"), "{query}");
        // RFC 9110, section 15.5.2.
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    assert!(server.done().is_empty());
}

/// Against a SHOULD NOT: introspection is refused by what is asked.
#[tokio::test]
async fn a_stranger_is_forbidden_to_introspect() {
    let server = guarded().await;
    let schema = "{ me { id } __schema { queryType { name } } }";
    let refused = server.query(schema).await;
    assert_eq!((refused.status, refused.code()), (403, "FORBIDDEN"));
    assert_eq!(refused.media_type(), GRAPHQL_RESPONSE);
    let request = Client::new().post(server.url()).json(&json!({ "query": schema }));
    assert_eq!(send(request.header("authorization", "Bearer good")).await.status, 200);
}

/// MAY be used for other purposes.
#[tokio::test]
async fn the_url_has_a_page_for_browsers_too() {
    let server = guarded().await;
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let get = Client::new().get(server.url()).header("accept", browser);
    let page = get.send().await.unwrap();
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers()["vary"], "Accept");
    assert_eq!(page.text().await.unwrap(), "<p>console</p>");
    let query = server.get(&[("query", "{ me { id } }")]).await;
    assert_eq!((query.status, query.header("vary")), (200, "Accept"));
}
