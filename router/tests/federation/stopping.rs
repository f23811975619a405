//! A router that is asked to end while clients are connected and read on: serving ends by itself,
//! without any limit in time, and the clients can tell that they have to come back.

use crate::{
    gated::Gated,
    subgraphs::{Log, reviews, users},
    subscriptions::{Socket, open, receive, send},
    support::{caller, collect, supergraph},
};
use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::{net::SocketAddr, sync::Arc};
use studio_router::{GraphqlRequest, Router, transport::InProcess};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

const FOREVER: &str = "subscription { forever { author { name } } }";
const EVENT: &str = "{\"data\":{\"forever\":{\"author\":{\"name\":\"Ada\"}}}}";

struct Served {
    router: Arc<Router>,
    users: Arc<Gated>,
    shutdown: CancellationToken,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

async fn serve() -> Served {
    let (log, shutdown) = (Log::default(), CancellationToken::new());
    let users = Gated::new(InProcess::new(users::schema(log.clone())));
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", users.clone())
        .subgraph("reviews", Arc::new(InProcess::new(reviews::schema(log))))
        .shutdown(shutdown.clone())
        .build()
        .unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (routes, stop) = (studio_router::serve::routes(router.clone()), shutdown.clone());
    let ended = router.clone();
    let serving = tokio::spawn(async move {
        axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await.unwrap();
        ended.drained().await;
    });
    Served { router, users, shutdown, address, serving }
}

impl Served {
    async fn follow(&self, accept: &str) -> reqwest::Response {
        self.users.answers.add_permits(1);
        reqwest::Client::new()
            .post(format!("http://{}/graphql", self.address))
            .header("accept", accept)
            .json(&json!({ "query": FOREVER }))
            .send()
            .await
            .unwrap()
    }

    async fn socket(&self) -> Socket {
        let mut socket = open(&format!("ws://{}/graphql", self.address), None).await.unwrap();
        send(&mut socket, json!({ "type": "connection_init" })).await;
        assert_eq!(receive(&mut socket).await["type"], "connection_ack");
        socket
    }
}

async fn subscribe(socket: &mut Socket, id: &str, query: &str) {
    let payload = json!({ "query": query });
    send(socket, json!({ "type": "subscribe", "id": id, "payload": payload })).await;
}

#[tokio::test]
async fn streams_end_without_saying_that_they_are_complete() {
    let served = serve().await;
    let mut streams = Vec::new();
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        let mut stream = served.follow(accept).await;
        let mut begun = String::new();
        while !begun.contains(EVENT) {
            begun += std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap();
        }
        streams.push(stream);
    }
    // A connection on which nothing was asked yet is no reason to wait either.
    let _silent = tokio::net::TcpStream::connect(served.address).await.unwrap();
    served.shutdown.cancel();
    served.serving.await.unwrap();
    for mut stream in streams {
        assert_eq!(stream.chunk().await.unwrap(), None, "nothing follows, and it ends well");
    }
}

#[tokio::test]
async fn an_answer_on_its_way_is_sent_whole() {
    let served = serve().await;
    let request = reqwest::Client::new()
        .post(format!("http://{}/graphql", served.address))
        .header("accept", "text/event-stream")
        .json(&json!({ "query": "{ me { name } }" }));
    let asked = tokio::spawn(request.send());
    served.users.was_asked().await;
    served.shutdown.cancel();
    served.users.answers.add_permits(1);
    let text = asked.await.unwrap().unwrap().text().await.unwrap();
    assert!(text.contains("\"Ada\"") && text.ends_with("event: complete\ndata:\n\n"), "{text}");
    served.serving.await.unwrap();
}

#[tokio::test]
async fn a_websocket_is_closed_as_going_away() {
    let served = serve().await;
    let (mut idle, mut follows) = (served.socket().await, served.socket().await);
    served.users.answers.add_permits(1);
    subscribe(&mut follows, "1", FOREVER).await;
    let expected: Value = serde_json::from_str(EVENT).unwrap();
    assert_eq!(receive(&mut follows).await["payload"], expected);
    served.shutdown.cancel();
    assert_eq!(receive(&mut follows).await, json!({ "close": 1001 }));
    assert_eq!(receive(&mut idle).await, json!({ "close": 1001 }));
    // The server's end waits for their answers, which a client sends when it reads on.
    for mut socket in [follows, idle] {
        assert!(socket.next().await.is_none());
    }
    served.serving.await.unwrap();
}

#[tokio::test]
async fn a_client_that_sends_on_sees_why_its_websocket_was_closed() {
    let served = serve().await;
    let mut socket = served.socket().await;
    // Far more than the buffers between the two hold: all of it is taken, though none is wanted.
    let message = Message::binary(vec![0; 64 * 1024]);
    for _ in 0..256 {
        socket.feed(message.clone()).await.unwrap();
    }
    socket.flush().await.unwrap();
    assert_eq!(receive(&mut socket).await, json!({ "close": 4400 }));
}

#[tokio::test]
async fn a_websocket_answers_what_it_was_asked_before_it_closes() {
    let served = serve().await;
    let mut socket = served.socket().await;
    subscribe(&mut socket, "q", "{ me { name } }").await;
    served.users.was_asked().await;
    served.shutdown.cancel();
    // What is asked from now on is not begun.
    subscribe(&mut socket, "late", "{ me { name } }").await;
    send(&mut socket, json!({ "type": "ping" })).await;
    assert_eq!(receive(&mut socket).await, json!({ "type": "pong" }));
    served.users.answers.add_permits(2);
    let answer = receive(&mut socket).await;
    assert_eq!((&answer["type"], &answer["id"]), (&json!("next"), &json!("q")));
    assert_eq!(answer["payload"]["data"]["me"]["name"], "Ada");
    assert_eq!(receive(&mut socket).await, json!({ "type": "complete", "id": "q" }));
    assert_eq!(receive(&mut socket).await, json!({ "close": 1001 }));
    served.serving.await.unwrap();
}

#[tokio::test]
async fn a_subscription_that_a_subgraph_does_not_begin_ends_too() {
    let served = serve().await;
    let (log, never) = (Log::default(), served.users.clone());
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", Arc::new(InProcess::new(users::schema(log))))
        .subgraph("reviews", never.clone())
        .shutdown(served.shutdown.clone())
        .build()
        .unwrap();
    let begun = tokio::spawn({
        let router = router.clone();
        async move { router.subscribe(GraphqlRequest::new(FOREVER), caller()).await.unwrap() }
    });
    never.was_asked().await;
    served.shutdown.cancel();
    assert_eq!(collect(begun.await.unwrap()).await, Vec::<Value>::new());
    // Nor does one that comes later begin.
    let late = served.router.subscribe(GraphqlRequest::new(FOREVER), caller()).await.unwrap();
    assert_eq!(late.count().await, 0);
    served.serving.await.unwrap();
}
