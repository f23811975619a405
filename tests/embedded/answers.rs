//! What every answer has, whatever was asked for: an id that finds the request in the log, and, where
//! nothing is served, the form of all other errors and a way on.

use reqwest::{Method, Response};
use serde_json::Value;
use studio_sdk::Upload;

use crate::support::{Installation, create_project};

async fn ask(url: &str, method: Method, path: &str, id: Option<&str>) -> Response {
    let mut request = reqwest::Client::new().request(method, format!("{url}{path}"));
    if let Some(id) = id {
        request = request.header("x-request-id", id);
    }
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

/// Paths of every kind.
const PATHS: [&str; 11] = [
    "/",
    "/assets/app.js",
    "/graphql",
    "/graphql/ws",
    "/schema.graphql",
    "/health/live",
    "/health/ready",
    "/.well-known/jwks.json",
    "/v1/openapi.json",
    "/v1/ingest/runs/run_00000000000070008000000000000000",
    "/v1/nothing/of/that/name",
];

#[tokio::test]
async fn every_answer_has_an_id() {
    let installation = Installation::empty();
    let server = installation.start();
    for path in PATHS {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let told = format!("{method} {path}");
            let own = ask(&server.url, method.clone(), path, Some("mine-1.2:3")).await;
            assert_eq!(header(&own, "x-request-id"), "mine-1.2:3", "{told}");
            let made = ask(&server.url, method.clone(), path, None).await;
            assert!(header(&made, "x-request-id").starts_with("req_"), "{told}");
            let long = "x".repeat(129);
            for unfit in ["two words", "<b>", "", &long] {
                let other = ask(&server.url, method.clone(), path, Some(unfit)).await;
                assert!(header(&other, "x-request-id").starts_with("req_"), "{told}: {unfit}");
            }
        }
    }
}

#[tokio::test]
async fn where_nothing_is_served_the_answer_says_what_to_do() {
    let installation = Installation::empty();
    let server = installation.start();
    for path in
        ["/v1/nothing", "/v1/evidence/x", "/v1/", "/v2/documents", "/favicon.ico", "/v1/documents/"]
    {
        for method in [Method::GET, Method::POST] {
            let answer = ask(&server.url, method, path, None).await;
            assert_eq!(answer.status(), 404, "{path}");
            assert_eq!(header(&answer, "content-type"), "application/problem+json", "{path}");
            assert_eq!(header(&answer, "x-frame-options"), "DENY", "{path}");
            let problem: Value = answer.json().await.unwrap();
            assert_eq!(problem["code"], "NOT_FOUND", "{path}");
            assert!(problem["detail"].as_str().unwrap().contains("/v1/openapi.json"), "{problem}");
        }
    }
    for (method, path, allowed) in [
        (Method::DELETE, "/v1/documents/doc_00000000000070008000000000000000", "GET,HEAD"),
        (Method::GET, "/v1/documents", "POST"),
        (Method::GET, "/v1/ingest/prowler", "POST"),
        (
            Method::PUT,
            "/v1/evidence/evd_00000000000070008000000000000000/versions/1/content",
            "GET,HEAD",
        ),
        (Method::POST, "/v1/openapi.json", "GET,HEAD"),
        (Method::POST, "/health/ready", "GET,HEAD"),
        (Method::POST, "/.well-known/jwks.json", "GET,HEAD"),
        (Method::POST, "/metrics", "GET,HEAD"),
        (Method::POST, "/", "GET,HEAD"),
    ] {
        let answer = ask(&server.url, method.clone(), path, None).await;
        assert_eq!(answer.status(), 405, "{method} {path}");
        assert_eq!(header(&answer, "allow"), allowed, "{method} {path}");
        assert_eq!(header(&answer, "content-type"), "application/problem+json", "{path}");
        let problem: Value = answer.json().await.unwrap();
        assert_eq!(problem["status"], 405);
        assert_eq!(problem["code"], "BAD_REQUEST");
        assert!(problem["detail"].as_str().unwrap().contains("Allow"), "{problem}");
    }
    // A path that is no text.
    let answer = ask(&server.url, Method::GET, "/v1/documents/%FF", None).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(header(&answer, "content-type"), "application/problem+json");
    // GraphQL has a form of its own.
    for (path, allowed) in [("/graphql", "GET,HEAD,POST"), ("/graphql/ws", "GET,HEAD")] {
        let answer = ask(&server.url, Method::PUT, path, None).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "allow")), (405, allowed), "{path}");
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["errors"][0]["extensions"]["code"], "BAD_USER_INPUT", "{body}");
        assert!(body["errors"][0]["message"].as_str().unwrap().contains("Allow"), "{body}");
    }
}

#[tokio::test]
async fn the_id_finds_a_fault_in_the_log() {
    let installation = Installation::empty();
    let (server, client) = installation.set_up().await;
    let project = create_project(&client, "Production").await;
    let scan = installation.run(&["demo", "scan"]).into_bytes();
    let run = client.ingest_prowler(&project, Upload::Bytes(scan)).await.unwrap().run;
    std::fs::remove_dir_all(installation.path().join("blobs").join("evidence")).unwrap();
    let path = run["evidence"]["links"]["content"].as_str().unwrap();
    let answer = reqwest::Client::new()
        .get(format!("{}{path}", server.url))
        .bearer_auth(client.tokens().unwrap().access)
        .header("x-request-id", "find-me-7")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 500);
    let log = std::fs::read_to_string(installation.path().join("server.log")).unwrap();
    let line =
        log.lines().find(|line| line.contains("find-me-7")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains("ERROR") && line.contains("lost") && line.contains(path), "{line}");
}
