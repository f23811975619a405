//! graphql-transport-ws, the protocol of the `graphql-ws` library: any operation over one WebSocket.

use super::{authenticate, failure, name, origin::may_open, request_id, stream::within};
use crate::{
    error::{GraphqlError, code},
    plan::OperationKind,
    request::{Caller, GraphqlRequest},
    router::Router,
};
use axum::{
    extract::{
        State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket, rejection::WebSocketUpgradeRejection},
    },
    response::Response,
};
use bytes::Bytes;
use futures::{
    SinkExt, StreamExt,
    stream::{self, AbortHandle, Abortable, BoxStream, SelectAll},
};
use http::{HeaderMap, StatusCode, Uri};
use serde::Deserialize;
use serde_json::Value;
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio_tungstenite::tungstenite;

const PROTOCOL: &str = "graphql-transport-ws";

/// Time for a client to answer the close.
const GOODBYE: Duration = Duration::from_secs(3);
/// Time for a client to take one message.
const SEND: Duration = Duration::from_secs(30);

/// The code of a close for a message that is too large (RFC 6455, section 7.4.1).
const TOO_LARGE: u16 = 1009;

#[derive(Deserialize)]
struct Incoming {
    #[serde(rename = "type")]
    kind: String,
    id: Option<String>,
    payload: Option<Value>,
}

/// Why the server closes: code and reason, as the protocol names them.
struct Close(u16, String);

/// Takes a WebSocket.
pub(super) async fn upgrade(
    State(router): State<Arc<Router>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => {
            let id = request_id(&router, &headers);
            let message = format!("a WebSocket is opened here: {}", rejection.body_text());
            let error = GraphqlError::new(code::BAD_USER_INPUT, message);
            return failure(rejection.status(), error, &id);
        }
    };
    if !may_open(&headers, &uri, &router.allowed_origins) {
        let id = request_id(&router, &headers);
        let message = "pages of this origin may not open a WebSocket here; serve the page from the address of the router";
        let error = GraphqlError::new(code::FORBIDDEN, message);
        return failure(StatusCode::FORBIDDEN, error, &id);
    }
    let limit = router.limits().body_bytes;
    let upgrade = upgrade.max_message_size(limit).max_frame_size(limit).protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let id = request_id(&router, &headers);
        let message = "offer the WebSocket subprotocol graphql-transport-ws";
        return failure(
            StatusCode::BAD_REQUEST,
            GraphqlError::new(code::BAD_USER_INPUT, message),
            &id,
        );
    }
    let open = router.stop.socket();
    upgrade.on_upgrade(move |socket| async move {
        serve(router, headers, socket).await;
        drop(open);
    })
}

/// What an operation sends: a message, unless it ends without one, and its id when it is over.
struct Outgoing {
    text: Option<String>,
    done: Option<String>,
}

struct Connection {
    router: Arc<Router>,
    headers: HeaderMap,
    caller: Option<Caller>,
    running: HashMap<String, AbortHandle>,
    /// All operations' messages. Dropping the connection drops them, which ends them upstream.
    streams: SelectAll<BoxStream<'static, Outgoing>>,
}

async fn serve(router: Arc<Router>, headers: HeaderMap, socket: WebSocket) {
    let init = router.limits().connection_init;
    let stop = router.stop.clone();
    let mut connection = Connection::new(router, headers);
    let (mut sink, mut source) = socket.split();
    let deadline = tokio::time::sleep(init);
    tokio::pin!(deadline);
    let mut stopping = false;
    let close = loop {
        // Subscriptions end by themselves now; what else runs is answered first.
        if stopping && connection.running.is_empty() {
            break Some(Close(1001, "The server stops: subscribe again".to_owned()));
        }
        let step = tokio::select! {
            () = &mut deadline, if connection.caller.is_none() => {
                Err(Close(4408, "Connection initialisation timeout".to_owned()))
            }
            () = stop.asked(), if !stopping => {
                stopping = true;
                Ok(None)
            }
            message = source.next() => match message {
                Some(Ok(Message::Text(text))) => connection.receive(&text).await,
                Some(Ok(Message::Binary(_))) => Err(Close(4400, "Messages are text".to_owned())),
                Some(Ok(Message::Close(_))) => break None,
                Some(Err(error)) if is_too_large(&error) => {
                    let limit = connection.router.limits().body_bytes;
                    Err(Close(TOO_LARGE, format!("A message may have {limit} bytes")))
                }
                Some(Err(_)) | None => return,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(None),
            },
            Some(outgoing) = connection.streams.next() => {
                if let Some(id) = outgoing.done {
                    connection.running.remove(&id);
                }
                Ok(outgoing.text)
            }
        };
        match step {
            Ok(None) => {}
            Ok(Some(text)) => {
                let sent = tokio::time::timeout(SEND, sink.send(Message::Text(text.into()))).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return;
                }
            }
            Err(close) => break Some(close),
        }
    };
    if let Some(Close(code, reason)) = close {
        let frame = CloseFrame { code, reason: reason.into() };
        let sent = tokio::time::timeout(SEND, sink.send(Message::Close(Some(frame)))).await;
        if !matches!(sent, Ok(Ok(()))) {
            // The client is gone already.
            return;
        }
        if code == TOO_LARGE {
            // The rest of the message cannot be passed over: the client has this time to read why.
            drop(connection);
            tokio::time::sleep(GOODBYE).await;
            return;
        }
    }
    // Its operations end now.
    drop(connection);
    // The client is read on until it has closed, too: dropped while something is on its way here, the
    // connection is reset, and the client may never see why. Reading on also answers a close of the
    // client's own (RFC 6455, section 5.5.1), without which it would take the connection as broken.
    let closed = async { while let Some(Ok(_)) = source.next().await {} };
    tokio::time::timeout(GOODBYE, closed).await.ok();
}

/// Whether a message was not received for its size.
fn is_too_large(error: &axum::Error) -> bool {
    let error = std::error::Error::source(error);
    let error = error.and_then(|inner| inner.downcast_ref::<tungstenite::Error>());
    matches!(error, Some(tungstenite::Error::Capacity(_)))
}

/// What a client is answered at once that sends these messages: texts, until the close and its
/// code. Operations are begun and not run. For fuzzing.
pub async fn exchange(router: Arc<Router>, messages: Vec<&str>) -> Vec<Result<String, u16>> {
    let mut connection = Connection::new(router, HeaderMap::new());
    let mut answers = Vec::new();
    for message in messages {
        match connection.receive(message).await {
            Ok(answer) => answers.extend(answer.map(Ok)),
            Err(close) => {
                answers.push(Err(close.0));
                break;
            }
        }
    }
    answers
}

impl Connection {
    fn new(router: Arc<Router>, headers: HeaderMap) -> Connection {
        let mut streams = SelectAll::new();
        // Never empty, so that waiting for the next message of any operation waits.
        streams.push(stream::pending().boxed());
        Connection { router, headers, caller: None, running: HashMap::new(), streams }
    }

    /// Handles a message; gives what is to be answered at once.
    async fn receive(&mut self, text: &str) -> Result<Option<String>, Close> {
        let message: Incoming = serde_json::from_str(text)
            .map_err(|error| Close(4400, format!("Invalid message: {error}")))?;
        match message.kind.as_str() {
            "connection_init" => self.init(message.payload).await.map(Some),
            "ping" => Ok(Some("{\"type\":\"pong\"}".to_owned())),
            "pong" => Ok(None),
            "subscribe" => self.subscribe(message).map(|()| None),
            "complete" => {
                if let Some(handle) = message.id.and_then(|id| self.running.remove(&id)) {
                    handle.abort();
                }
                Ok(None)
            }
            _ => Err(Close(4400, "Invalid message: unknown type".to_owned())),
        }
    }

    async fn init(&mut self, payload: Option<Value>) -> Result<String, Close> {
        if self.caller.is_some() {
            return Err(Close(4429, "Too many initialisation requests".to_owned()));
        }
        let id = request_id(&self.router, &self.headers);
        let caller = authenticate(&self.router, &self.headers, payload.as_ref(), &id)
            .await
            .map_err(|error| match error.code() {
                Some(code::UNAUTHENTICATED) => Close(4403, "Forbidden".to_owned()),
                _ => Close(4400, "Invalid headers".to_owned()),
            })?;
        self.caller = Some(caller);
        Ok("{\"type\":\"connection_ack\"}".to_owned())
    }

    fn subscribe(&mut self, message: Incoming) -> Result<(), Close> {
        if self.router.stop.is_asked() {
            // It is not begun, as the close that follows says.
            return Ok(());
        }
        let Some(caller) = &self.caller else {
            return Err(Close(4401, "Unauthorized".to_owned()));
        };
        let (Some(id), Some(payload)) = (message.id.filter(|id| !id.is_empty()), message.payload)
        else {
            return Err(Close(4400, "Invalid message: subscribe needs id and payload".to_owned()));
        };
        if self.running.contains_key(&id) {
            return Err(Close(4409, format!("Subscriber for {} already exists", short(&id))));
        }
        if self.running.len() >= self.router.limits().operations_per_connection {
            return Err(Close(4429, "Too many operations".to_owned()));
        }
        let request = GraphqlRequest::from_value(payload)
            .map_err(|error| Close(4400, format!("Invalid message: {}", error.message)))?;
        let (handle, registration) = AbortHandle::new_pair();
        let messages = operation(self.router.clone(), request, caller.clone(), id.clone());
        self.streams.push(Abortable::new(messages, registration).boxed());
        self.running.insert(id, handle);
        Ok(())
    }
}

/// Close reasons hold at most 123 bytes.
fn short(id: &str) -> String {
    id.chars().take(20).collect()
}

/// The messages of one operation.
fn operation(
    router: Arc<Router>,
    request: GraphqlRequest,
    mut caller: Caller,
    id: String,
) -> BoxStream<'static, Outgoing> {
    // Each operation is a request of its own, in every log that it reaches.
    let request_id = router.new_request_id();
    let span = tracing::error_span!("operation", request_id = %request_id.0);
    name(&mut caller, request_id);
    let quoted = Value::from(id.as_str()).to_string();
    let start = async move {
        let prepared = match router.prepare(request, caller, || true).await {
            Ok(prepared) => prepared,
            Err(errors) => return refused(&errors, &quoted, id),
        };
        let follows = prepared.kind() == OperationKind::Subscription;
        let stop = router.stop.clone();
        match router.stream(prepared).await {
            Ok(answers) => {
                let text = format!("{{\"type\":\"complete\",\"id\":{quoted}}}");
                let end = async move {
                    let cut = follows && stop.is_asked();
                    Outgoing { text: (!cut).then_some(text), done: Some(id) }
                };
                answers.map(move |answer| next(&quoted, &answer)).chain(stream::once(end)).boxed()
            }
            Err(answer) => {
                let errors = answer.json().get("errors").cloned().unwrap_or_default();
                let text = format!("{{\"type\":\"error\",\"id\":{quoted},\"payload\":{errors}}}");
                stream::once(async move { Outgoing { text: Some(text), done: Some(id) } }).boxed()
            }
        }
    };
    within(span, stream::once(start).flatten().boxed()).boxed()
}

fn next(id: &str, answer: &Bytes) -> Outgoing {
    // Answers are written by this crate as UTF-8.
    let answer = String::from_utf8_lossy(answer);
    let text = format!("{{\"type\":\"next\",\"id\":{id},\"payload\":{answer}}}");
    Outgoing { text: Some(text), done: None }
}

fn refused(errors: &[GraphqlError], quoted: &str, id: String) -> BoxStream<'static, Outgoing> {
    let mut list = vec![b'['];
    for (index, error) in errors.iter().enumerate() {
        if index > 0 {
            list.push(b',');
        }
        error.write(&mut list);
    }
    list.push(b']');
    let list = String::from_utf8_lossy(&list).into_owned();
    let text = format!("{{\"type\":\"error\",\"id\":{quoted},\"payload\":{list}}}");
    stream::once(async move { Outgoing { text: Some(text), done: Some(id) } }).boxed()
}
