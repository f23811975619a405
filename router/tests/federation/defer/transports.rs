//! The same parts over every transport, each in the form that the client names.

use super::{gated, merge::merged};
use crate::{
    subgraphs::Log,
    subscriptions::{open, receive, send},
    support::{in_process, run, serve},
};
use reqwest::{Client, Response};
use serde_json::{Value, json};

const QUERY: &str = "{ topProducts(first: 2) { name ... @defer(label: \"stock\") { inStock reviews(first: 1) { body ... @defer(label: \"who\") { author { name } } } } } }";
const CURRENT: &str =
    "multipart/mixed;incrementalSpec=v0.2,application/graphql-response+json,application/json;q=0.9";
const LEGACY: &str =
    "multipart/mixed;deferSpec=20220824,application/graphql-response+json,application/json;q=0.9";

async fn ask(address: &str, accept: &str, query: &str) -> Response {
    let body = json!({ "query": query });
    let request = Client::new().post(format!("http://{address}/graphql"));
    request.header("accept", accept).json(&body).send().await.unwrap()
}

fn kind(response: &Response) -> String {
    response.headers()["content-type"].to_str().unwrap().to_owned()
}

/// The parts of a body, by the framing of RFC 2046.
fn read(body: &str) -> Vec<Value> {
    let inner = body.strip_prefix("\r\n--graphql\r\n").unwrap();
    let inner = inner.strip_suffix("\r\n--graphql--\r\n").unwrap();
    let part = |part: &str| {
        let (head, json) = part.split_once("\r\n\r\n").unwrap();
        assert_eq!(head, "content-type: application/json; charset=utf-8");
        serde_json::from_str(json).unwrap()
    };
    inner.split("\r\n--graphql\r\n").map(part).collect()
}

async fn expected() -> Value {
    run(&in_process(&Log::default()), QUERY, Value::Null).await["data"].clone()
}

async fn served() -> String {
    serve(studio_router::serve::routes(in_process(&Log::default()))).await.to_string()
}

#[tokio::test]
async fn parts_come_over_http_in_the_current_form() {
    let address = served().await;
    for accept in [CURRENT, "multipart/mixed", "application/json, multipart/mixed"] {
        let answer = ask(&address, accept, QUERY).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(kind(&answer), "multipart/mixed; boundary=\"graphql\"; incrementalSpec=v0.2");
        assert!(answer.headers().contains_key("x-request-id"));
        let all = read(&answer.text().await.unwrap());
        assert!(all.len() >= 3, "{all:?}");
        assert_eq!(merged(&all).data, expected().await, "{accept}");
    }
}

#[tokio::test]
async fn parts_come_over_http_in_the_form_of_2022() {
    let answer = ask(&served().await, LEGACY, QUERY).await;
    assert_eq!(kind(&answer), "multipart/mixed; boundary=\"graphql\"; deferSpec=20220824");
    let all = read(&answer.text().await.unwrap());
    assert_eq!(
        all[0],
        json!({ "data": { "topProducts": [{ "name": "Table" }, { "name": "Couch" }] }, "hasNext": true })
    );
    let mut data = all[0]["data"].clone();
    let mut labels = Vec::new();
    for part in &all[1..] {
        for fragment in part["incremental"].as_array().unwrap() {
            let target = fragment["path"].as_array().unwrap().iter().fold(
                &mut data,
                |value, step| match step {
                    Value::String(key) => &mut value[key],
                    step => &mut value[step.as_u64().unwrap() as usize],
                },
            );
            for (key, value) in fragment["data"].as_object().unwrap() {
                target[key] = value.clone();
            }
            labels.push(fragment["label"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(data, expected().await);
    labels.sort();
    assert_eq!(labels, ["stock", "stock", "who", "who"]);
    assert_eq!(all.last().unwrap()["hasNext"], false);
}

#[tokio::test]
async fn the_first_part_is_readable_before_the_next_is_there() {
    for accept in [CURRENT, LEGACY, "text/event-stream"] {
        let (router, reviews) = gated(|builder| builder);
        let address = serve(studio_router::serve::routes(router)).await.to_string();
        let mut answer =
            ask(&address, accept, "{ me { name ... @defer { reviews { id } } } }").await;
        let mut text = String::new();
        // With the boundary that ends it, where there are boundaries.
        let end = if accept == "text/event-stream" { "\n\n" } else { "}\r\n--graphql" };
        while !text.ends_with(end) {
            text += std::str::from_utf8(&answer.chunk().await.unwrap().unwrap()).unwrap();
        }
        assert!(text.contains("{\"data\":{\"me\":{\"name\":\"Ada\"}}"), "{text}");
        reviews.answers.add_permits(1);
        while let Some(chunk) = answer.chunk().await.unwrap() {
            text += std::str::from_utf8(&chunk).unwrap();
        }
        assert!(text.contains("[{\"id\":\"r1\"},{\"id\":\"r3\"}]"), "{text}");
    }
}

#[tokio::test]
async fn who_names_no_stream_gets_the_answer_at_once() {
    let address = served().await;
    for accept in [
        "application/json",
        "*/*",
        "application/graphql-response+json",
        "multipart/mixed;q=0.1, application/json",
        "multipart/mixed;incrementalSpec=v9, application/json",
        "multipart/mixed;subscriptionSpec=1.0, application/json",
    ] {
        let answer = ask(&address, accept, QUERY).await;
        assert!(kind(&answer).contains("json"), "{accept}");
        assert_eq!(
            answer.json::<Value>().await.unwrap(),
            json!({ "data": expected().await }),
            "{accept}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_defers_nothing_is_a_whole_one() {
    let address = served().await;
    for query in ["{ me { name } }", "{ me { name ... @defer(if: false) { id } } }"] {
        for accept in [CURRENT, LEGACY] {
            assert_eq!(
                kind(&ask(&address, accept, query).await),
                "application/graphql-response+json; charset=utf-8"
            );
        }
        for accept in ["multipart/mixed;incrementalSpec=v0.2", "multipart/mixed"] {
            let only = ask(&address, accept, query).await;
            assert_eq!(kind(&only), "multipart/mixed; boundary=\"graphql\"; incrementalSpec=v0.2");
            let parts = read(&only.text().await.unwrap());
            assert_eq!(parts.len(), 1);
            assert_eq!(parts[0]["data"]["me"]["name"], "Ada");
        }
    }
    let invalid = ask(&address, "multipart/mixed", "{ nothing }").await;
    let parts = read(&invalid.text().await.unwrap());
    assert_eq!(parts[0]["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    // So is one where nothing is left to be sent, with the status of such answers.
    let empty = "{ user(id: \"u2\") { secret ... @defer { reviews { id } } } }";
    let answer = ask(&address, CURRENT, empty).await;
    assert_eq!(answer.status(), 294);
    assert_eq!(answer.json::<Value>().await.unwrap()["data"], json!({ "user": null }));
    let refused = ask(&address, CURRENT, "{ me { ... @defer(label: 1) { id } } }").await;
    assert_eq!(refused.status(), 422);
}

#[tokio::test]
async fn parts_come_as_server_sent_events() {
    let answer = ask(&served().await, "text/event-stream", QUERY).await;
    let text = answer.text().await.unwrap();
    let events = text.split("\n\n").filter_map(|event| event.strip_prefix("event: next\ndata: "));
    let all: Vec<Value> = events.map(|data| serde_json::from_str(data).unwrap()).collect();
    assert_eq!(merged(&all).data, expected().await);
    assert!(text.ends_with("event: complete\ndata:\n\n"));
}

#[tokio::test]
async fn parts_come_over_a_websocket() {
    let mut socket = open(&format!("ws://{}/graphql", served().await), None).await.unwrap();
    send(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(receive(&mut socket).await["type"], "connection_ack");
    let payload = json!({ "query": QUERY });
    send(&mut socket, json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
    let mut all = Vec::new();
    loop {
        let message = receive(&mut socket).await;
        assert_eq!(message["id"], "1");
        match message["type"].as_str().unwrap() {
            "next" => all.push(message["payload"].clone()),
            "complete" => break,
            other => panic!("{other}"),
        }
    }
    assert_eq!(merged(&all).data, expected().await);
}
