//! Subscriptions to subgraphs over a WebSocket that speaks graphql-transport-ws: one connection each.

use super::{SubgraphResponse, SubgraphStream, TransportError};
use bytes::Bytes;
use futures::{SinkExt, StreamExt, stream};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use tokio_tungstenite::{
    connect_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};

#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Starts the operation in `body`, the JSON body of an ordinary request.
pub(super) async fn events(
    url: &str,
    headers: HeaderMap,
    body: Vec<u8>,
    limit: usize,
) -> Result<SubgraphStream, TransportError> {
    let broken = |error: tokio_tungstenite::tungstenite::Error| {
        TransportError::Connection(error.to_string())
    };
    let mut request = url.into_client_request().map_err(broken)?;
    // Servers read credentials from either place; a browser's client can only fill the payload.
    let mut payload = Map::new();
    if let Some(token) = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()) {
        payload.insert("Authorization".to_owned(), token.into());
    }
    for (name, value) in &headers {
        request.headers_mut().append(name.clone(), value.clone());
    }
    request
        .headers_mut()
        .insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static("graphql-transport-ws"));
    let config =
        WebSocketConfig::default().max_message_size(Some(limit)).max_frame_size(Some(limit));
    let (mut socket, _) =
        connect_async_with_config(request, Some(config), true).await.map_err(broken)?;
    let init = serde_json::json!({ "type": "connection_init", "payload": payload });
    socket.send(Message::text(init.to_string())).await.map_err(broken)?;
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => match parse(&text)?.kind {
                "connection_ack" => break,
                "ping" => socket.send(pong()).await.map_err(broken)?,
                _ => {}
            },
            Some(Ok(Message::Close(frame))) => {
                return Err(closed(frame.map(|frame| frame.to_string())));
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(broken(error)),
            None => return Err(closed(None)),
        }
    }
    let body =
        String::from_utf8(body).map_err(|error| TransportError::Protocol(error.to_string()))?;
    let start = format!("{{\"type\":\"subscribe\",\"id\":\"1\",\"payload\":{body}}}");
    socket.send(Message::text(start)).await.map_err(broken)?;

    let events = stream::unfold(Some(socket), move |socket| async move {
        let mut socket = socket?;
        loop {
            match socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message = match parse(&text) {
                        Ok(message) => message,
                        Err(error) => return Some((Err(error), None)),
                    };
                    let payload = message.payload.map_or("null", RawValue::get);
                    match message.kind {
                        "next" => {
                            let body = Bytes::copy_from_slice(payload.as_bytes());
                            return Some((Ok(SubgraphResponse::Json(body)), Some(socket)));
                        }
                        "error" => {
                            let body = Bytes::from(format!("{{\"errors\":{payload}}}"));
                            return Some((Ok(SubgraphResponse::Json(body)), None));
                        }
                        "complete" => return None,
                        "ping" => {
                            if let Err(error) = socket.send(pong()).await {
                                return Some((
                                    Err(TransportError::Connection(error.to_string())),
                                    None,
                                ));
                            }
                        }
                        _ => {}
                    }
                }
                Some(Ok(Message::Close(frame))) => {
                    return Some((Err(closed(frame.map(|frame| frame.to_string()))), None));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => {
                    return Some((Err(TransportError::Connection(error.to_string())), None));
                }
                None => return Some((Err(closed(None)), None)),
            }
        }
    });
    Ok(events.boxed())
}

fn parse(text: &str) -> Result<Incoming<'_>, TransportError> {
    serde_json::from_str(text)
        .map_err(|error| TransportError::Protocol(format!("message: {error}")))
}

/// The type of a subgraph's message, for fuzzing.
pub fn kind_of(text: &str) -> Option<String> {
    parse(text).ok().map(|message| message.kind.to_owned())
}

fn pong() -> Message {
    Message::text(Value::from_iter([("type", "pong")]).to_string())
}

fn closed(reason: Option<String>) -> TransportError {
    TransportError::Connection(format!(
        "the WebSocket was closed: {}",
        reason.unwrap_or_else(|| "without reason".to_owned())
    ))
}
