//! Section "Status Codes": results with `data`, and its examples.

use super::{GRAPHQL_RESPONSE, Server};
use serde_json::{Value, json};

/// MUST be 2xx where `data` is not null; SHOULD be 200 where there are no errors.
#[tokio::test]
async fn data_without_errors_is_200() {
    let server = Server::start().await;
    for query in ["{ me { id } }", "{ user(id: \"nobody\") { id } }", "{ __typename }"] {
        let answer = server.query(query).await;
        assert_eq!((answer.status, answer.phrase.as_str()), (200, "OK"), "{query}");
        assert!(answer.body["data"].is_object() && answer.body.get("errors").is_none(), "{query}");
    }
}

/// SHOULD be 294 where there are both. (The example "Field errors encountered during execution" still
/// has 200, of which the section itself says otherwise.)
#[tokio::test]
async fn data_with_errors_is_294() {
    let server = Server::start().await;
    let answer = server.query("{ me { id } user(id: \"u2\") { maybeSecret } }").await;
    assert_eq!((answer.status, answer.phrase.as_str()), (294, "Partial Success"));
    assert_eq!(
        answer.body["data"],
        json!({ "me": { "id": "u1" }, "user": { "maybeSecret": null } })
    );
    assert_eq!(answer.code(), "FORBIDDEN");
    let get = server.get(&[("query", "{ user(id: \"u2\") { maybeSecret } }")]).await;
    assert_eq!(get.status, 294);
}

/// SHOULD be 294 even where `data` is null: the request was executed.
#[tokio::test]
async fn null_data_with_errors_is_294() {
    let server = Server::start().await;
    let answer = server.query("{ users { id secret } }").await;
    assert_eq!((answer.status, &answer.body["data"]), (294, &Value::Null));
    assert!(answer.body.as_object().unwrap().contains_key("data"));
}

/// "Examples": JSON parsing failure, 400.
#[tokio::test]
async fn a_body_that_is_not_json_is_400() {
    let server = Server::start().await;
    for body in ["NONSENSE", "{\"query\":", "{\"query\":\"{ me { id } }\"} x", " "] {
        let answer = server.post_bytes("application/json", body).await;
        assert_eq!((answer.status, answer.code()), (400, "BAD_USER_INPUT"), "{body}");
        assert_eq!(answer.media_type(), GRAPHQL_RESPONSE);
    }
}

/// "Examples": invalid parameters, SHOULD be 422.
#[tokio::test]
async fn a_request_that_is_not_well_formed_is_422() {
    let server = Server::start().await;
    for request in [
        json!({ "qeury": "{ __typename }" }),
        json!({ "query": "query Q ($i: Int!) { q(i: $i) }", "variables": [7] }),
        json!({}),
        json!([]),
        json!(null),
        json!("{ me { id } }"),
        json!({ "query": null }),
        json!({ "query": 1 }),
        json!({ "query": ["{ me { id } }"] }),
        json!({ "query": "{ me { id } }", "variables": "{}" }),
        json!({ "query": "{ me { id } }", "operationName": 3 }),
        json!({ "query": "{ me { id } }", "extensions": [] }),
    ] {
        let answer = server.post(request.clone()).await;
        assert_eq!((answer.status, answer.code()), (422, "BAD_USER_INPUT"), "{request}");
    }
    let missing = server.get(&[("operationName", "A")]).await;
    assert_eq!((missing.status, missing.code()), (422, "BAD_USER_INPUT"));
}

/// "Examples": document parsing failure, 400. "GraphQL-over-HTTP Request", note: any text is
/// well-formed.
#[tokio::test]
async fn a_document_that_cannot_be_parsed_is_400() {
    let server = Server::start().await;
    for query in ["{", "", "nonsense", "{ me { id } ", "query ($a) { me { id } }"] {
        let answer = server.query(query).await;
        assert_eq!((answer.status, answer.code()), (400, "GRAPHQL_PARSE_FAILED"), "{query}");
    }
    assert_eq!(server.get(&[("query", "")]).await.status, 400);
}

/// "Examples": document validation failure, SHOULD be 422 without execution.
#[tokio::test]
async fn a_document_that_does_not_validate_is_422_and_not_executed() {
    let server = Server::start().await;
    let answer = server.query("mutation { count(by: 1) nothing }").await;
    assert_eq!((answer.status, answer.code()), (422, "GRAPHQL_VALIDATION_FAILED"));
    assert!(server.done().is_empty());
}

/// "Examples": operation cannot be determined, SHOULD be 422 without execution.
#[tokio::test]
async fn an_operation_that_cannot_be_determined_is_422_and_not_executed() {
    let server = Server::start().await;
    let two = "mutation A { count(by: 1) } mutation B { count(by: 2) }";
    for name in [json!(null), json!("C"), json!("a")] {
        let answer = server.post(json!({ "query": two, "operationName": name })).await;
        assert_eq!((answer.status, answer.code()), (422, "BAD_USER_INPUT"), "{name}");
    }
    let anonymous = json!({ "query": "mutation { count(by: 1) }", "operationName": "A" });
    assert_eq!(server.post(anonymous).await.status, 422);
    assert!(server.done().is_empty());
    let one = server.post(json!({ "query": two, "operationName": "B" })).await;
    assert_eq!((one.status, server.done()), (200, vec!["count 2".to_owned()]));
}

/// "Examples": variable coercion failure, SHOULD be 422 without execution.
#[tokio::test]
async fn variables_that_cannot_be_coerced_are_422_and_nothing_is_executed() {
    let server = Server::start().await;
    let query = "mutation($by: Int!) { count(by: $by) }";
    for variables in [
        json!({}),
        json!({ "by": null }),
        json!({ "by": "1" }),
        json!({ "by": 1.5 }),
        json!({ "by": [1, 2] }),
    ] {
        let answer = server.post(json!({ "query": query, "variables": variables })).await;
        assert_eq!((answer.status, answer.code()), (422, "BAD_USER_INPUT"), "{variables}");
    }
    assert!(server.done().is_empty());
    let answer = server.post(json!({ "query": query, "variables": { "by": 1, "other": 2 } })).await;
    assert_eq!((answer.status, server.done()), (200, vec!["count 1".to_owned()]));
}
