//! Section "Status Codes": the refusals that its list names and that no other module has. (418 is for
//! teapots.)

use super::{GRAPHQL_RESPONSE, Server, send};
use crate::support::{http, serve};
use reqwest::Client;
use serde_json::json;
use std::{future::pending, time::Duration};
use studio_router::Limits;

const QUERY: &str = "{\"query\":\"{ me { id } }\"}";

/// 415 SHOULD be used for a `Content-Type` that is not supported.
#[tokio::test]
async fn an_unsupported_content_type_is_415() {
    let server = Server::start().await;
    for kind in ["application/xml", "application/cbor", "application/graphql-response+json"] {
        let answer = server.post_bytes(kind, QUERY).await;
        assert_eq!((answer.status, answer.media_type()), (415, GRAPHQL_RESPONSE), "{kind}");
    }
}

/// 413 SHOULD be used for a body that is too large.
#[tokio::test]
async fn a_body_that_is_too_large_is_413() {
    let server = Server::limited(Limits { body_bytes: 100, ..Limits::default() }).await;
    let fits = format!("{QUERY}{}", " ".repeat(100 - QUERY.len()));
    assert_eq!(server.post_bytes("application/json", fits.clone()).await.status, 200);
    let answer = server.post_bytes("application/json", format!("{fits} ")).await;
    assert_eq!((answer.status, answer.code()), (413, "TOO_LARGE"));
    assert_eq!(answer.media_type(), GRAPHQL_RESPONSE);
}

/// 408 SHOULD be used for a request that does not arrive in time; RFC 9110, section 15.5.9: the
/// connection is closed. (For the head of a request there is no such time.)
#[tokio::test]
async fn a_body_that_does_not_arrive_in_time_is_408() {
    let receiving = Duration::from_millis(100);
    let server = Server::limited(Limits { receiving, ..Limits::default() }).await;
    let answer = server
        .raw(&format!(
            "POST /graphql HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{{\"query\":",
            server.address,
            QUERY.len()
        ))
        .await;
    assert_eq!((answer.status, answer.code()), (408, "BAD_USER_INPUT"));
    assert_eq!((answer.header("connection"), answer.media_type()), ("close", GRAPHQL_RESPONSE));
}

/// 414 SHOULD be used for an address that is too long; the answer is not GraphQL, and MUST NOT say so.
#[tokio::test]
async fn an_address_that_is_too_long_is_414() {
    let server = Server::start().await;
    let query = format!("%7Bme%7Bid%7D%7D{}", "+".repeat(70_000));
    let answer = server
        .raw(&format!("GET /graphql?query={query} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address))
        .await;
    assert_eq!((answer.status, answer.media_type()), (414, ""));
}

/// 431 SHOULD be used for headers that are too large, of which these are too many; the answer is not GraphQL, and MUST NOT say so.
#[tokio::test]
async fn headers_that_are_too_large_are_431() {
    let server = Server::start().await;
    let many: String = (0..200).map(|number| format!("X-Header-{number}: x\r\n")).collect();
    let answer = server
        .raw(&format!(
            "GET /graphql?query=%7Bme%7Bid%7D%7D HTTP/1.1\r\nHost: {}\r\n{many}\r\n",
            server.address
        ))
        .await;
    assert_eq!((answer.status, answer.media_type()), (431, ""));
}

/// What prevents every GraphQL result SHOULD have a status of its kind, and MUST NOT be called one.
#[tokio::test]
async fn what_is_not_http_is_not_answered_with_graphql() {
    let server = Server::start().await;
    let answer = server.raw("POST /graphql NONSENSE/1.1\r\n\r\n").await;
    assert_eq!((answer.status, answer.media_type()), (400, ""));
    let get = Client::new().get(server.url().replace("/graphql", "/nothing"));
    let nowhere = send(get).await;
    assert_eq!((nowhere.status, nowhere.media_type()), (404, ""));
}

/// 5xx should be used where the server is the reason.
#[tokio::test]
async fn an_operation_that_takes_too_long_is_504() {
    let silent = axum::routing::post(|| async { pending::<()>().await });
    let users = serve(axum::Router::new().route("/graphql", silent)).await;
    let limits = Limits { execution: Duration::from_millis(100), ..Limits::default() };
    let server =
        Server::with(|builder| builder.subgraph("users", http(&users.to_string())).limits(limits))
            .await;
    let answer = server.query("{ me { id } }").await;
    assert_eq!((answer.status, answer.code()), (504, "TIMEOUT"));
}

/// Against the example for 503: a subgraph that is away is no failure of the request, whose other
/// parts are answered.
#[tokio::test]
async fn a_subgraph_that_is_away_is_a_partial_success() {
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let server = Server::with(|builder| builder.subgraph("users", http(&gone.to_string()))).await;
    let answer = server.query("{ me { id } product(upc: \"p1\") { name } }").await;
    assert_eq!((answer.status, answer.code()), (294, "SUBGRAPH_UNAVAILABLE"));
    assert_eq!(answer.body["data"], json!({ "me": null, "product": { "name": "Table" } }));
}
