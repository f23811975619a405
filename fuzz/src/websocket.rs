//! What a client sends over a WebSocket, one message a line: the router answers with messages or
//! closes with a code of the protocol, and runs nothing before the connection is initialised.

use studio_router::parsers;

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let messages = text.lines().take(32).collect();
    let answers =
        super::router::with(async move |router| parsers::websocket(router, messages).await);
    let mut initialised = false;
    for answer in answers {
        match answer {
            Ok(message) => {
                let message: serde_json::Value =
                    serde_json::from_str(&message).expect("messages are JSON");
                let kind = message["type"].as_str().expect("messages have a type");
                initialised |= kind == "connection_ack";
                assert!(initialised || kind == "pong", "{kind} before the connection was there");
            }
            Err(code) => assert!((4400..4500).contains(&code)),
        }
    }
}
