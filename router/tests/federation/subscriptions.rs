//! Subscriptions whose events need entities of other subgraphs, over every transport.

use crate::{
    subgraphs::{Log, reviews, users},
    support::{caller, collect, in_process, over_http_with, serve, supergraph},
};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use studio_router::{
    AuthError, Authenticate, Caller, GraphqlRequest, Router, transport::InProcess,
};
use tokio_tungstenite::tungstenite::{
    Error, Message,
    client::IntoClientRequest,
    protocol::{CloseFrame, frame::coding::CloseCode},
};

const QUERY: &str = "subscription($n: Int!) { added: reviewAdded(count: $n) { id: body author { name } product { name shippingEstimate } } }";

fn expected() -> Vec<Value> {
    let event = |body: &str, author: &str, product: &str, shipping: i32| {
        let product = json!({ "name": product, "shippingEstimate": shipping });
        json!({ "data": { "added": { "id": body, "author": { "name": author }, "product": product } } })
    };
    vec![
        event("good", "Ada", "Table", 14),
        event("bad", "Bob \"B\"\n", "Table", 14),
        event("fine", "Ada", "Couch", 0),
    ]
}

async fn routers(log: &Log) -> Vec<Arc<Router>> {
    vec![in_process(log), over_http_with(log, false).await, over_http_with(log, true).await]
}

#[tokio::test]
async fn events_are_completed_from_other_subgraphs() {
    let log = Log::default();
    for router in routers(&log).await {
        let request = GraphqlRequest::new(QUERY).variables(json!({ "n": 3 }));
        let events = collect(router.subscribe(request, caller()).await.unwrap()).await;
        assert_eq!(events, expected());
    }
}

#[tokio::test]
async fn events_come_as_server_sent_events() {
    let log = Log::default();
    for router in routers(&log).await {
        let address = serve(studio_router::serve::routes(router)).await;
        let answer = reqwest::Client::new()
            .post(format!("http://{address}/graphql"))
            .header("accept", "text/event-stream")
            .json(&json!({ "query": QUERY, "variables": { "n": 3 } }))
            .send()
            .await
            .unwrap();
        assert!(
            answer.headers()["content-type"].to_str().unwrap().starts_with("text/event-stream")
        );
        let text = answer.text().await.unwrap();
        let events: Vec<Value> = text
            .split("\n\n")
            .filter_map(|event| event.strip_prefix("event: next\ndata: "))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect();
        assert_eq!(events, expected());
        assert!(text.ends_with("event: complete\ndata:\n\n"));
    }
}

#[tokio::test]
async fn events_come_in_parts() {
    let address = serve(studio_router::serve::routes(in_process(&Log::default()))).await;
    let answer = reqwest::Client::new()
        .post(format!("http://{address}/graphql"))
        .header("accept", "multipart/mixed;subscriptionSpec=1.0, application/json")
        .json(&json!({ "query": QUERY, "variables": { "n": 3 } }))
        .send()
        .await
        .unwrap();
    let text = answer.text().await.unwrap();
    let events: Vec<Value> = text
        .split("\r\n--graphql\r\ncontent-type: application/json\r\n\r\n")
        .skip(1)
        .map(|part| {
            serde_json::from_str::<Value>(part.trim_end_matches("\r\n--graphql--\r\n")).unwrap()
        })
        .map(|part| part["payload"].clone())
        .collect();
    assert_eq!(events, expected());
}

pub type Socket =
    tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(router: Arc<Router>) -> Socket {
    let address = serve(studio_router::serve::routes(router)).await;
    open(&format!("ws://{address}/graphql/ws"), None).await.unwrap()
}

pub async fn open(url: &str, origin: Option<&str>) -> Result<Socket, Error> {
    let mut request = url.into_client_request().unwrap();
    let protocol = "graphql-transport-ws".parse().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", protocol);
    if let Some(origin) = origin {
        request.headers_mut().insert("origin", origin.parse().unwrap());
    }
    Ok(tokio_tungstenite::connect_async(request).await?.0)
}

#[tokio::test]
async fn a_page_of_another_site_opens_no_websocket() {
    let builder = Router::builder().supergraph(supergraph());
    let router = builder.allowed_origins(["https://console.example"]).build().unwrap();
    let address = serve(studio_router::serve::routes(router)).await;
    for path in ["graphql/ws", "graphql"] {
        let url = format!("ws://{address}/{path}");
        let own = format!("http://{address}");
        for origin in [None, Some(own.as_str()), Some("https://console.example")] {
            let mut socket = open(&url, origin).await.unwrap();
            send(&mut socket, json!({ "type": "connection_init" })).await;
            assert_eq!(receive(&mut socket).await, json!({ "type": "connection_ack" }));
        }
        for origin in ["https://evil.example", "null", "https://console.example.evil.example"] {
            let Err(Error::Http(refused)) = open(&url, Some(origin)).await else {
                panic!("{origin} got a socket");
            };
            assert_eq!(refused.status(), 403, "{origin}");
            let body: Value = serde_json::from_slice(refused.body().as_ref().unwrap()).unwrap();
            assert_eq!(body["errors"][0]["extensions"]["code"], "FORBIDDEN");
        }
    }
    let refused = Router::builder().supergraph(supergraph()).allowed_origins(["*"]).build();
    assert!(refused.unwrap_err().to_string().contains("https://console.example:8443"));
}

pub async fn send(socket: &mut Socket, message: Value) {
    socket.send(Message::text(message.to_string())).await.unwrap();
}

pub async fn receive(socket: &mut Socket) -> Value {
    loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Text(text) => return serde_json::from_str(&text).unwrap(),
            Message::Close(frame) => return json!({ "close": u16::from(frame.unwrap().code) }),
            _ => {}
        }
    }
}

#[tokio::test]
async fn events_come_over_a_websocket() {
    let log = Log::default();
    for router in routers(&log).await {
        let mut socket = connect(router).await;
        send(&mut socket, json!({ "type": "connection_init" })).await;
        assert_eq!(receive(&mut socket).await, json!({ "type": "connection_ack" }));
        send(&mut socket, json!({ "type": "ping" })).await;
        assert_eq!(receive(&mut socket).await, json!({ "type": "pong" }));
        let payload = json!({ "query": QUERY, "variables": { "n": 3 } });
        send(&mut socket, json!({ "type": "subscribe", "id": "s1", "payload": payload })).await;
        for event in expected() {
            assert_eq!(
                receive(&mut socket).await,
                json!({ "type": "next", "id": "s1", "payload": event })
            );
        }
        assert_eq!(receive(&mut socket).await, json!({ "type": "complete", "id": "s1" }));
        let payload = json!({ "query": "{ me { name } }" });
        send(&mut socket, json!({ "type": "subscribe", "id": "q", "payload": payload })).await;
        assert_eq!(
            receive(&mut socket).await["payload"],
            json!({ "data": { "me": { "name": "Ada" } } })
        );
        assert_eq!(receive(&mut socket).await["type"], "complete");
        let payload = json!({ "query": "{ nothing }" });
        send(&mut socket, json!({ "type": "subscribe", "id": "e", "payload": payload })).await;
        let refused = receive(&mut socket).await;
        assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("e")));
        assert_eq!(refused["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    }
}

#[tokio::test]
async fn a_websocket_that_breaks_the_protocol_is_closed() {
    let router = in_process(&Log::default());
    let forever = json!({ "query": "subscription { forever { id } }" });
    let subscribe = json!({ "type": "subscribe", "id": "1", "payload": forever });
    let init = json!({ "type": "connection_init" });
    let cases: [(Vec<Value>, u16); 5] = [
        (vec![subscribe.clone()], 4401),
        (vec![init.clone(), init.clone()], 4429),
        (vec![init.clone(), subscribe.clone(), subscribe.clone()], 4409),
        (vec![json!({ "type": "nonsense" })], 4400),
        (vec![init.clone(), json!({ "type": "subscribe", "id": "1" })], 4400),
    ];
    for (messages, code) in cases {
        let mut socket = connect(router.clone()).await;
        for message in &messages {
            send(&mut socket, message.clone()).await;
        }
        loop {
            let answer = receive(&mut socket).await;
            if let Some(close) = answer.get("close") {
                assert_eq!(*close, json!(code), "{messages:?}");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_told_so() {
    let mut socket = connect(in_process(&Log::default())).await;
    let most = studio_router::Limits::default().body_bytes;
    send(&mut socket, json!({ "type": "ping", "payload": { "x": "x".repeat(most / 2) } })).await;
    assert_eq!(receive(&mut socket).await, json!({ "type": "pong" }));
    send(&mut socket, json!({ "type": "ping", "payload": { "x": "x".repeat(most) } })).await;
    let Message::Close(Some(close)) = socket.next().await.unwrap().unwrap() else {
        panic!("no close")
    };
    assert_eq!(close.code, CloseCode::Size);
    assert_eq!(close.reason, format!("A message may have {most} bytes"));
}

/// RFC 6455, section 5.5.1.
#[tokio::test]
async fn a_client_that_closes_is_answered_with_a_close() {
    let mut socket = connect(in_process(&Log::default())).await;
    send(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(receive(&mut socket).await, json!({ "type": "connection_ack" }));
    let frame = CloseFrame { code: CloseCode::Normal, reason: "done".into() };
    socket.close(Some(frame.clone())).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Close(Some(frame)));
    assert!(socket.next().await.is_none(), "the connection ends cleanly");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_upstream() {
    let log = Log::default();
    for router in
        [in_process(&log), over_http_with(&log, false).await, over_http_with(&log, true).await]
    {
        log.0.lock().unwrap().clear();
        let mut socket = connect(router).await;
        send(&mut socket, json!({ "type": "connection_init" })).await;
        receive(&mut socket).await;
        let payload = json!({ "query": "subscription { forever { author { name } } }" });
        send(&mut socket, json!({ "type": "subscribe", "id": "1", "payload": payload })).await;
        let event = receive(&mut socket).await;
        assert_eq!(event["payload"]["data"]["forever"]["author"]["name"], "Ada");
        send(&mut socket, json!({ "type": "complete", "id": "1" })).await;
        while log.0.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(*log.0.lock().unwrap(), ["ended"]);
    }
}

/// Valid for a number of events.
struct Expiring(AtomicUsize);

#[async_trait::async_trait]
impl Authenticate for Expiring {
    async fn authenticate(
        &self,
        _: &http::HeaderMap,
        params: Option<&Value>,
    ) -> Result<Caller, AuthError> {
        match params.is_some_and(|params| params["token"] == "bad") {
            true => Err(AuthError::Token("sign in again".to_owned())),
            false => Ok(Caller::default()),
        }
    }

    async fn still_valid(&self, _: &Caller) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) > 0
    }
}

fn expiring(events: usize) -> Arc<Router> {
    let log = Log::default();
    Router::builder()
        .supergraph(supergraph())
        .subgraph("reviews", Arc::new(InProcess::new(reviews::schema(log.clone()))))
        .subgraph("users", Arc::new(InProcess::new(users::schema(log))))
        .authenticate(Arc::new(Expiring(AtomicUsize::new(events))))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_session_that_ends_ends_its_subscriptions() {
    let request = GraphqlRequest::new("subscription { reviewAdded(count: 5) { id } }");
    let events = collect(expiring(2).subscribe(request, caller()).await.unwrap()).await;
    assert_eq!(events.len(), 3);
    assert_eq!(events[1], json!({ "data": { "reviewAdded": { "id": "r2" } } }));
    assert_eq!(events[2]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let mut socket = connect(expiring(1)).await;
    send(&mut socket, json!({ "type": "connection_init", "payload": { "token": "bad" } })).await;
    assert_eq!(receive(&mut socket).await, json!({ "close": 4403 }));
}

#[tokio::test]
async fn a_subscription_needs_a_stream_and_an_upstream() {
    let router = in_process(&Log::default());
    let answer =
        router.execute(GraphqlRequest::new("subscription { forever { id } }"), caller()).await;
    assert_eq!(answer.code.as_deref(), Some("BAD_USER_INPUT"));
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("reviews", crate::support::http(&gone.to_string()))
        .build()
        .unwrap();
    let refused =
        router.subscribe(GraphqlRequest::new("subscription { forever { id } }"), caller()).await;
    assert_eq!(
        refused.err().and_then(|answer| answer.code).as_deref(),
        Some("SUBGRAPH_UNAVAILABLE")
    );
}
