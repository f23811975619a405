//! Section "Serialization Format".

use super::{GRAPHQL_RESPONSE, Server};
use serde_json::json;

const QUERY: &str = "{ describe(filter: { text: \"Grüße, 世界\" }) }";

/// MUST support JSON.
#[tokio::test]
async fn json_is_supported() {
    let server = Server::start().await;
    let answer = server.post(json!({ "query": "{ me { id } }" })).await;
    assert_eq!(answer.body, json!({ "data": { "me": { "id": "u1" } } }));
}

/// "Media Types": UTF-8 MUST be assumed where `Content-Type` names no encoding.
#[tokio::test]
async fn a_body_without_a_charset_is_utf_8() {
    let server = Server::start().await;
    let body = json!({ "query": QUERY }).to_string();
    for kind in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=\"UTF-8\"",
        "Application/JSON; Charset=UTF-8",
    ] {
        let answer = server.post_bytes(kind, body.clone()).await;
        let described = answer.body["data"]["describe"].as_str().unwrap();
        assert!(described.contains("Grüße, 世界"), "{kind}: {described}");
    }
}

/// "Media Types": UTF-8 MUST be assumed where `Accept` names no encoding.
#[tokio::test]
async fn an_answer_without_a_charset_asked_for_is_utf_8() {
    let server = Server::start().await;
    for accept in [
        GRAPHQL_RESPONSE,
        "application/graphql-response+json; charset=utf-8",
        "application/graphql-response+json;charset=UTF-8",
    ] {
        let answer = server.accepting(accept, QUERY).await;
        assert_eq!(
            answer.header("content-type"),
            "application/graphql-response+json; charset=utf-8"
        );
        assert!(answer.body["data"]["describe"].as_str().unwrap().contains("世界"), "{accept}");
    }
}

/// MAY support other formats: not in other encodings than UTF-8.
#[tokio::test]
async fn other_encodings_are_refused() {
    let server = Server::start().await;
    let latin = server.post_bytes("application/json; charset=iso-8859-1", "{}").await;
    assert_eq!(latin.status, 415);
    let utf_16 = "application/graphql-response+json; charset=utf-16";
    assert_eq!(server.accepting(utf_16, QUERY).await.status, 406);
    let not_utf_8 = server.post_bytes("application/json", b"{\"query\":\"\xff\"}".to_vec()).await;
    assert_eq!(not_utf_8.status, 400);
}
