//! Subscriptions over WebSocket: the graphql-transport-ws protocol, one operation a connection.

use futures::{SinkExt, StreamExt, stream, stream::BoxStream};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio_tungstenite::{
    connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::{
    client::{Answer, Client},
    error::{Error, GraphQlError},
};

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FromServer {
    ConnectionAck,
    Next { payload: Value },
    Error { payload: Vec<GraphQlError> },
    Complete,
    Ping,
    Pong,
}

pub(crate) async fn subscribe<D: DeserializeOwned + Send + 'static>(
    client: &Client,
    body: &impl Serialize,
) -> Result<BoxStream<'static, Result<D, Error>>, Error> {
    let broken = |error: &dyn std::fmt::Display| Error::Broken(error.to_string());
    // http -> ws, https -> wss.
    let url = format!("ws{}/graphql", client.url().strip_prefix("http").unwrap_or_default());
    let mut request = url.into_client_request().map_err(|error| broken(&error))?;
    request
        .headers_mut()
        .insert("sec-websocket-protocol", HeaderValue::from_static("graphql-transport-ws"));
    let (mut socket, _) = connect_async(request).await.map_err(|error| broken(&error))?;

    let authorization = client
        .tokens()
        .map(|tokens| json!({ "Authorization": format!("Bearer {}", tokens.access) }));
    for message in [
        json!({ "type": "connection_init", "payload": authorization }),
        json!({ "type": "subscribe", "id": "1", "payload": body }),
    ] {
        if message["type"] == "subscribe" {
            // The protocol forbids to subscribe before the server has acknowledged.
            match read(socket.next().await)? {
                FromServer::ConnectionAck => {}
                _ => return Err(Error::Answer("a message before connection_ack".to_owned())),
            }
        }
        let text = Message::text(message.to_string());
        socket.send(text).await.map_err(|error| broken(&error))?;
    }

    Ok(stream::unfold(Some(socket), |socket| async move {
        let mut socket = socket?;
        loop {
            let item = match read(socket.next().await) {
                Ok(FromServer::Next { payload }) => {
                    let item = serde_json::from_value::<Answer<D>>(payload)
                        .map_err(|error| Error::Answer(error.to_string()))
                        .and_then(Answer::into_result);
                    return Some((item, Some(socket)));
                }
                Ok(FromServer::Complete) => return None,
                Ok(FromServer::Ping) => {
                    match socket.send(Message::text(r#"{"type":"pong"}"#)).await {
                        Ok(()) => continue,
                        Err(error) => Err(Error::Broken(error.to_string())),
                    }
                }
                Ok(FromServer::Pong | FromServer::ConnectionAck) => continue,
                Ok(FromServer::Error { payload }) => Err(Error::GraphQl(payload)),
                Err(error) => Err(error),
            };
            return Some((item, None));
        }
    })
    .boxed())
}

type Received = Option<Result<Message, tokio_tungstenite::tungstenite::Error>>;

fn read(received: Received) -> Result<FromServer, Error> {
    match received {
        Some(Ok(Message::Text(text))) => {
            serde_json::from_str(&text).map_err(|error| Error::Answer(error.to_string()))
        }
        // The library answers transport pings by itself.
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(FromServer::Pong),
        Some(Ok(Message::Close(frame))) => Err(Error::Broken(match frame {
            Some(frame) => format!("{} ({})", frame.reason, frame.code),
            None => "the server closed the connection".to_owned(),
        })),
        Some(Ok(_)) => Err(Error::Answer("a binary message".to_owned())),
        Some(Err(error)) => Err(Error::Broken(error.to_string())),
        None => Err(Error::Broken("the server closed the connection".to_owned())),
    }
}
