//! A WebSocket is authenticated once, and may be open for days: what its caller may do then goes by
//! what is known then.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use studio_sdk::Client;
use tokio::sync::Mutex;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::support::{Installation, PASSWORD, mutate, query, until};

/// What an admin may do, and is told is wrong.
const ADDS: &str = "mutation { createProject(input: { name: \"\" }) { userErrors { code } } }";

pub(crate) const ME: &str = "{ me { id } }";

/// An open connection (graphql-transport-ws).
pub(crate) struct Connection {
    socket: WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>,
    operations: u32,
}

impl Connection {
    pub(crate) async fn open(client: &Client) -> Self {
        let url = format!("ws{}/graphql", client.url().strip_prefix("http").unwrap());
        let mut request = url.into_client_request().unwrap();
        let protocol = HeaderValue::from_static("graphql-transport-ws");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = connect_async(request).await.unwrap();
        let mut connection = Self { socket, operations: 0 };
        let token = format!("Bearer {}", client.tokens().unwrap().access);
        let payload = json!({ "Authorization": token });
        connection.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(connection.read().await["type"], "connection_ack");
        connection
    }

    async fn send(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn read(&mut self) -> Value {
        loop {
            if let Message::Text(text) = self.socket.next().await.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }

    /// Runs an operation: the code of its first error, or nothing.
    pub(crate) async fn code(&mut self, operation: &str) -> Option<String> {
        self.operations += 1;
        let id = self.operations.to_string();
        let payload = json!({ "query": operation });
        self.send(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
        let mut answer = Value::Null;
        loop {
            let message = self.read().await;
            match message["type"].as_str().unwrap() {
                "next" => answer = message["payload"].clone(),
                "complete" => break,
                other => panic!("{other}: {message}"),
            }
        }
        answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned)
    }
}

#[tokio::test]
async fn an_open_websocket_goes_by_the_new_roles() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let email = "admin@example.org";
    let made = mutate(
        &owner,
        "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code message path } } }",
        json!({ "name": "Admin", "email": email, "password": PASSWORD, "roles": ["ADMIN"] }),
    )
    .await;
    let admin = Client::new(&server.url).unwrap();
    admin.log_in(email, PASSWORD).await.unwrap();
    let mut connection = Connection::open(&admin).await;
    assert_eq!(connection.code(ADDS).await, None);
    let change = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) { userErrors { code message path } } }";
    let input = json!({ "userId": made["user"]["id"], "give": ["VIEWER"], "take": ["ADMIN"] });
    mutate(&owner, change, input).await;
    // Other processes hear of it within a second.
    let connection = Mutex::new(connection);
    let told = async |operation: &str, code: &str| {
        let told = connection.lock().await.code(operation).await;
        (told.as_deref() == Some(code)).then_some(())
    };
    until("the roles of now", || told(ADDS, "FORBIDDEN")).await;
    assert_eq!(connection.lock().await.code(ME).await, None);
    // Nor does it outlive its session.
    query(&admin, "mutation { logOut { userErrors { code } } }", json!({})).await;
    until("the session to be over", || told(ME, "UNAUTHENTICATED")).await;
}
