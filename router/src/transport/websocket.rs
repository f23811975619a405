//! Subscriptions to subgraphs over a WebSocket that speaks graphql-transport-ws: one connection each.

use super::{
    SubgraphResponse, SubgraphStream, TransportError,
    http_subgraph::{AddressError, Connector, connector},
    tls,
};
use bytes::Bytes;
use futures::{SinkExt, StreamExt, stream};
use http::{HeaderMap, HeaderValue, Uri, header, uri::Scheme};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::{
    client_async_with_config,
    tungstenite::{Message, client::IntoClientRequest, protocol::WebSocketConfig},
};
use tower::ServiceExt;

#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// Where a subgraph's WebSocket is.
#[derive(Clone, Debug)]
pub(super) struct Address {
    uri: Uri,
    /// The same as what is connected to, which knows no WebSockets.
    server: Uri,
}

impl Address {
    pub(super) fn parse(url: &str) -> Result<Address, AddressError> {
        let fail = |reason: String| AddressError::websocket(url, reason);
        let uri: Uri = url.parse().map_err(|error| fail(format!("{error}")))?;
        let scheme = match uri.scheme_str() {
            Some("ws") => Some(Scheme::HTTP),
            Some("wss") => Some(Scheme::HTTPS),
            _ => None,
        };
        if scheme.is_none() || uri.host().is_none() {
            return Err(fail("it must begin with ws:// or wss:// and name a host".to_owned()));
        }
        let mut server = uri.clone().into_parts();
        server.scheme = scheme;
        let server = Uri::from_parts(server).map_err(|error| fail(format!("{error}")))?;
        Ok(Address { uri, server })
    }

    /// Whether connections to it are encrypted.
    pub(super) fn is_secure(&self) -> bool {
        self.server.scheme() == Some(&Scheme::HTTPS)
    }
}

/// A subgraph's WebSocket, and how connections to it are made.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    address: Address,
    connector: Connector,
}

impl Endpoint {
    pub(super) fn new(address: Address, tls: rustls::ClientConfig, timeout: Duration) -> Endpoint {
        // A WebSocket begins as a request of HTTP/1.1 (RFC 6455, section 4.1).
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector(timeout));
        Endpoint { address, connector }
    }

    /// Starts the operation in `body`, the JSON body of an ordinary request. Each message may have
    /// `limit` bytes.
    pub(super) async fn events(
        &self,
        headers: HeaderMap,
        body: Vec<u8>,
        limit: usize,
    ) -> Result<SubgraphStream, TransportError> {
        let connected = self.connector.clone().oneshot(self.address.server.clone()).await;
        let stream =
            connected.map_err(|error| TransportError::Unreachable(tls::explained(&*error)))?;
        let request = self.address.uri.clone().into_client_request();
        events(TokioIo::new(stream), request.map_err(broken)?, headers, body, limit).await
    }
}

async fn events(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    mut request: http::Request<()>,
    headers: HeaderMap,
    body: Vec<u8>,
    limit: usize,
) -> Result<SubgraphStream, TransportError> {
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
        client_async_with_config(request, stream, Some(config)).await.map_err(broken)?;
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
                                return Some((Err(broken(error)), None));
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
                    return Some((Err(broken(error)), None));
                }
                None => return Some((Err(closed(None)), None)),
            }
        }
    });
    Ok(events.boxed())
}

fn broken(error: tokio_tungstenite::tungstenite::Error) -> TransportError {
    TransportError::Connection(error.to_string())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_must_be_one() {
        for url in ["", "events", "https://a.example/events", "ws://", "wss:///events", "ws:a"] {
            let refused = Address::parse(url).unwrap_err().to_string();
            assert!(refused.contains("wss://"), "{url}: {refused}");
        }
        let server = |url| Address::parse(url).unwrap().server.to_string();
        assert_eq!(server("wss://[::1]:4001/a?b=c"), "https://[::1]:4001/a?b=c");
        assert_eq!(server("ws://a.example"), "http://a.example/");
    }
}
