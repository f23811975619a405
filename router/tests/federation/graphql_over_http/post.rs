//! Sections "GraphQL-over-HTTP Request" and "POST".

use super::{Server, send};
use reqwest::Client;
use serde_json::{Value, json};

/// "Request": MUST support POST; "POST": `application/json` MUST be supported.
#[tokio::test]
async fn a_query_and_a_mutation_are_posted_as_json() {
    let server = Server::start().await;
    let query = server
        .post(json!({
            "query": "query A($id: ID!) { user(id: $id) { name } } query B { me { id } }",
            "operationName": "A",
            "variables": { "id": "u1" },
            "extensions": { "org.example": [1] },
        }))
        .await;
    assert_eq!(query.body, json!({ "data": { "user": { "name": "Ada" } } }));
    let mutation = server.query("mutation { count(by: 1) }").await;
    assert_eq!(mutation.body, json!({ "data": { "count": 1 } }));
    assert_eq!(server.done(), ["count 1"]);
}

/// "JSON Encoding": null is equivalent to an optional parameter that is not given.
#[tokio::test]
async fn null_counts_as_not_given() {
    let server = Server::start().await;
    for name in ["operationName", "variables", "extensions"] {
        let mut request = json!({ "query": "query A { me { id } }" });
        request[name] = Value::Null;
        assert_eq!(server.post(request).await.status, 200, "{name}");
    }
}

/// "JSON Encoding": properties that are not understood MUST be ignored.
#[tokio::test]
async fn other_properties_are_ignored() {
    let server = Server::start().await;
    let request = json!({ "query": "{ me { id } }", "id": 7, "document": [], "Query": "{ x }" });
    let answer = server.post(request).await;
    assert_eq!((answer.status, answer.body), (200, json!({ "data": { "me": { "id": "u1" } } })));
}

/// "JSON Encoding": `operationName` is a text; the empty one is the name of no operation. (That it
/// counts as not given is said of GET alone.)
#[tokio::test]
async fn an_empty_operation_name_in_json_is_a_name() {
    let server = Server::start().await;
    let answer =
        server.post(json!({ "query": "query A { me { id } }", "operationName": "" })).await;
    assert_eq!((answer.status, answer.code()), (422, "BAD_USER_INPUT"));
}

/// A request MUST have a body.
#[tokio::test]
async fn a_request_without_a_body_is_refused() {
    let server = Server::start().await;
    let answer = server.post_bytes("application/json", "").await;
    assert_eq!((answer.status, answer.code()), (400, "BAD_USER_INPUT"));
}

/// Without `Content-Type` the request SHOULD be rejected with a 4xx.
#[tokio::test]
async fn a_request_without_a_content_type_is_refused() {
    let server = Server::start().await;
    let post = Client::new().post(server.url()).body("{\"query\":\"mutation { count(by: 1) }\"}");
    let answer = send(post).await;
    assert_eq!((answer.status, answer.code()), (415, "BAD_USER_INPUT"));
    assert!(server.done().is_empty());
}

/// MAY support other media types: a document as it is, with its parameters in the address, and an
/// older name of the type for JSON.
#[tokio::test]
async fn a_document_may_be_posted_as_it_is() {
    let server = Server::start().await;
    let expected = json!({ "data": { "me": { "id": "u1" } } });
    for kind in ["application/graphql", "application/graphql; charset=utf-8"] {
        assert_eq!(server.post_bytes(kind, "{ me { id } }").await.body, expected, "{kind}");
    }
    let json = server.post_bytes("application/graphql+json", "{\"query\":\"{ me { id } }\"}").await;
    assert_eq!(json.body, expected);

    let post = |parameters: &'static [(&'static str, &'static str)]| {
        let post = Client::new().post(server.with_parameters(parameters));
        let post = post.header("content-type", "application/graphql");
        send(post.body("query A($id: ID!) { user(id: $id) { id } } query null { me { name } }"))
    };
    let answer = post(&[("operationName", "A"), ("variables", "{\"id\":\"u2\"}")]).await;
    assert_eq!(answer.body, json!({ "data": { "user": { "id": "u2" } } }));
    let null = post(&[("operationName", "null"), ("variables", "")]).await;
    assert_eq!(null.body, json!({ "data": { "me": { "name": "Ada" } } }));
    assert_eq!(post(&[("operationName", "A"), ("variables", "[]")]).await.status, 422);
    assert_eq!(post(&[("operationName", "")]).await.status, 422);
    let bytes = server.post_bytes("application/graphql", b"{ \xff }".to_vec()).await;
    assert_eq!(bytes.status, 400);
}

/// MAY, and does not: types that a page of another site can post without asking (section
/// "Non-normative notes", "Exercise caution"), and batches.
#[tokio::test]
async fn what_another_sites_page_can_post_is_refused() {
    let server = Server::start().await;
    let body = "{\"query\":\"mutation { count(by: 1) }\"}";
    for kind in [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let answer = server.post_bytes(kind, body).await;
        assert_eq!((answer.status, answer.code()), (415, "BAD_USER_INPUT"), "{kind}");
    }
    assert!(server.done().is_empty());
    let batch = server.post(json!([{ "query": "{ me { id } }" }])).await;
    assert_eq!((batch.status, batch.code()), (422, "BAD_USER_INPUT"));
}
