//! Sections "Accept" and "Body": the form of an answer.

use super::{GRAPHQL_RESPONSE, Server, send};
use reqwest::Client;
use serde_json::json;

const QUERIES: [(&str, u16); 5] = [
    ("{ me { id } }", 200),
    ("{ me { name maybeSecret } user(id: \"u2\") { maybeSecret } }", 294),
    ("{ users { secret } }", 294),
    ("{ me { nothing } }", 422),
    ("{ me {", 400),
];

/// The type MUST be supported, and the body MUST be a GraphQL result in it; `Content-Type` MUST be
/// there, and SHOULD name the encoding. (Every answer of these tests is held to its shape.)
#[tokio::test]
async fn every_result_comes_as_a_graphql_response() {
    let server = Server::start().await;
    for (query, status) in QUERIES {
        let answer = server.accepting(GRAPHQL_RESPONSE, query).await;
        assert_eq!(answer.status, status, "{query}");
        assert_eq!(
            answer.header("content-type"),
            "application/graphql-response+json; charset=utf-8"
        );
    }
}

/// The highest priority that is supported MUST be respected.
#[tokio::test]
async fn the_media_type_of_the_highest_priority_is_chosen() {
    let server = Server::start().await;
    for (accept, kind) in [
        ("application/graphql-response+json, application/json;q=0.9", GRAPHQL_RESPONSE),
        ("application/json;q=0.9, application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/json, application/graphql-response+json;q=0.9", "application/json"),
        ("image/png, application/json;q=0.1", "application/json"),
        ("image/png, */*;q=0.1", GRAPHQL_RESPONSE),
        ("application/*", GRAPHQL_RESPONSE),
        ("*/*, application/graphql-response+json;q=0", "application/json"),
        ("text/event-stream;q=0.5, application/graphql-response+json", GRAPHQL_RESPONSE),
        ("application/graphql-response+json;q=0.5, text/event-stream", "text/event-stream"),
        ("application/json, text/plain, */*", "application/json"),
    ] {
        let answer = server.accepting(accept, "{ me { id } }").await;
        assert_eq!((answer.status, answer.media_type()), (200, kind), "{accept}");
    }
}

/// "Accept", note: without the header the type is the server's choice.
#[tokio::test]
async fn without_accept_it_is_a_graphql_response() {
    let server = Server::start().await;
    for (query, status) in QUERIES {
        let body = json!({ "query": query }).to_string();
        let length = body.len();
        let answer = server
            .raw(&format!(
                "POST /graphql HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
                 Content-Length: {length}\r\nConnection: close\r\n\r\n{body}",
                server.address
            ))
            .await;
        assert_eq!((answer.status, answer.media_type()), (status, GRAPHQL_RESPONSE), "{query}");
    }
}

/// The SHOULD for legacy clients: the same statuses, `application/json` for 2xx alone.
#[tokio::test]
async fn a_legacy_client_gets_the_same_status_and_json_for_success_alone() {
    let server = Server::start().await;
    for accept in
        ["application/json", "application/json; charset=utf-8", "text/plain, application/json"]
    {
        for (query, status) in QUERIES {
            let modern = server.accepting(GRAPHQL_RESPONSE, query).await;
            let legacy = server.accepting(accept, query).await;
            assert_eq!((legacy.status, &legacy.body), (status, &modern.body), "{accept}: {query}");
            let kind = if status < 300 {
                "application/json; charset=utf-8"
            } else {
                "application/graphql-response+json; charset=utf-8"
            };
            assert_eq!(legacy.header("content-type"), kind, "{accept}: {query}");
        }
    }
}

/// What is not acceptable MUST be refused with 406 and not be processed (the other way, to disregard
/// `Accept`, is not taken); SHOULD.
#[tokio::test]
async fn what_is_not_acceptable_is_refused_and_not_processed() {
    let server = Server::start().await;
    for accept in
        ["image/png", "text/html", "application/xml;q=0.9, text/*", "application/json;q=0"]
    {
        let answer = server.accepting(accept, "mutation { count(by: 1) }").await;
        assert_eq!((answer.status, answer.code()), (406, "BAD_USER_INPUT"), "{accept}");
    }
    assert!(server.done().is_empty());
}

/// Beyond the specification: streams for those who name their types, of which subscriptions need one.
#[tokio::test]
async fn a_subscription_goes_to_those_who_accept_a_stream() {
    let server = Server::start().await;
    let query = "subscription { reviewAdded(count: 1) { id } }";
    for accept in ["application/graphql-response+json", "application/json", "*/*"] {
        let answer = server.accepting(accept, query).await;
        assert_eq!((answer.status, answer.code()), (406, "BAD_USER_INPUT"), "{accept}");
    }
    for (accept, kind) in [
        ("text/event-stream", "text/event-stream"),
        (
            "application/graphql-response+json, application/json, text/event-stream, multipart/mixed",
            "text/event-stream",
        ),
        ("multipart/mixed;subscriptionSpec=1.0, application/json", "multipart/mixed"),
    ] {
        let post = Client::new().post(server.url()).header("accept", accept);
        let answer = post.json(&json!({ "query": query })).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{accept}");
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with(kind), "{accept}");
        assert!(answer.text().await.unwrap().contains("\"r1\""), "{accept}");
    }
}

/// An answer in full goes to a client that reads streams too, and likes both as much.
#[tokio::test]
async fn a_query_is_answered_in_full_where_that_is_accepted() {
    let server = Server::start().await;
    for accept in [
        "multipart/mixed;subscriptionSpec=1.0, application/json",
        "text/event-stream, application/json",
    ] {
        let post = Client::new().post(server.url()).header("accept", accept);
        let answer = send(post.json(&json!({ "query": "{ me { id } }" }))).await;
        assert_eq!((answer.status, answer.media_type()), (200, "application/json"), "{accept}");
    }
}
