//! The id of a request goes wherever the request goes: to subgraphs, and into each line that is logged
//! while its answers are made, though a stream makes them long after its request was taken.

use crate::{
    logged::Logged,
    subgraphs::{Log, reviews, users},
    subscriptions::{open, receive, send},
    support::{serve, supergraph},
};
use serde_json::json;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};
use studio_router::{
    RequestId, Router,
    serve::{RequestIds, identify},
    transport::{
        Encoding, InProcess, SubgraphRequest, SubgraphResponse, SubgraphStream, SubgraphTransport,
        TransportError,
    },
};

const FOLLOW: &str = "subscription { reviewAdded(count: 3) { author { name } } }";
/// What the subgraph logs whenever it is asked.
const ASKED: &str = "the subgraph is asked";

/// A subgraph that keeps the ids of the requests that it is asked in: the caller's and the header's.
struct Asked {
    inner: InProcess,
    ids: Mutex<Vec<(String, String)>>,
}

#[async_trait::async_trait]
impl SubgraphTransport for Asked {
    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        tracing::info!("{ASKED}");
        let RequestId(id) = request.caller.request_id().unwrap();
        let header = request.caller.forward["x-request-id"].to_str().unwrap();
        self.ids.lock().unwrap().push((id.to_string(), header.to_owned()));
        self.inner.execute(request).await
    }

    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        self.inner.subscribe(request).await
    }
}

/// Serves as the product does, with ids that are counted.
async fn served() -> (Arc<Asked>, String) {
    let log = Log::default();
    let asked = Arc::new(Asked {
        inner: InProcess::new(users::schema(log.clone())),
        ids: Mutex::default(),
    });
    let made = AtomicUsize::new(0);
    let ids: RequestIds = Arc::new(move || format!("made-{}", made.fetch_add(1, Relaxed)));
    let more = ids.clone();
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", asked.clone())
        .subgraph("reviews", Arc::new(InProcess::new(reviews::schema(log))))
        .request_ids(move || more())
        .build()
        .unwrap();
    let identified = axum::middleware::from_fn_with_state(ids, identify);
    let address = serve(studio_router::serve::routes(router).layer(identified)).await;
    (asked, address.to_string())
}

#[tokio::test]
async fn a_stream_logs_under_the_id_of_its_request() {
    let (logged, _guard) = Logged::begin();
    let (asked, address) = served().await;
    for accept in ["text/event-stream", "multipart/mixed;subscriptionSpec=1.0"] {
        let request = reqwest::Client::new()
            .post(format!("http://{address}/graphql"))
            .header("accept", accept)
            .header("x-request-id", "mine")
            .json(&json!({ "query": FOLLOW }));
        let text = request.send().await.unwrap().text().await.unwrap();
        assert_eq!(text.matches("\"Ada\"").count(), 2, "{text}");
    }
    let logged = logged.lines(ASKED);
    assert_eq!(logged.len(), 6, "{logged:#?}");
    assert!(logged.iter().all(|line| line.contains("request_id=mine ")), "{logged:#?}");
    let ids = asked.ids.lock().unwrap();
    assert!(ids.iter().all(|(id, header)| id == "mine" && header == "mine"), "{ids:?}");
}

#[tokio::test]
async fn each_operation_of_a_websocket_is_a_request_of_its_own() {
    let (logged, _guard) = Logged::begin();
    let (asked, address) = served().await;
    let mut socket = open(&format!("ws://{address}/graphql/ws"), None).await.unwrap();
    send(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(receive(&mut socket).await["type"], "connection_ack");
    for id in ["first", "second"] {
        let payload = json!({ "query": "{ me { name } }" });
        send(&mut socket, json!({ "type": "subscribe", "id": id, "payload": payload })).await;
        assert_eq!(receive(&mut socket).await["payload"]["data"]["me"]["name"], "Ada");
        assert_eq!(receive(&mut socket).await, json!({ "type": "complete", "id": id }));
    }
    let payload = json!({ "query": FOLLOW });
    send(&mut socket, json!({ "type": "subscribe", "id": "third", "payload": payload })).await;
    while receive(&mut socket).await["type"] != "complete" {}

    let ids = asked.ids.lock().unwrap().clone();
    assert_eq!(ids.len(), 5, "{ids:?}");
    assert!(ids.iter().all(|(id, header)| id == header), "{ids:?}");
    assert!(ids[0] != ids[1] && ids[1] != ids[2], "{ids:?}");
    assert!(ids[2] == ids[3] && ids[3] == ids[4], "{ids:?}");
    let logged = logged.lines(ASKED);
    assert_eq!(logged.len(), ids.len(), "{logged:#?}");
    for (line, (id, _)) in logged.iter().zip(&ids) {
        assert!(line.contains(&format!("operation{{request_id={id}}}")), "{line}");
    }
}
