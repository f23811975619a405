//! Provisioning by SCIM 2.0.

mod attacks;
mod directories;
mod groups;
mod people;
mod replay;
mod suspended;

use axum::{
    body::Body,
    http::{HeaderMap, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{Server, Tokens};

pub(crate) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

const CONNECT: &str = "mutation($input: ConnectDirectoryInput!) { connectDirectory(input: $input) {
    directory { id version name endpoint emailDomains groups { displayName externalId role } defaultRoles people
        createdAt expiresAt lastUsedAt disconnectedAt }
    token userErrors { code message path } } }";

/// A server with an organization, and a directory that provisions its people.
struct Stage {
    server: Server,
    owner: Tokens,
    directory: String,
    token: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Told {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

impl Told {
    /// The answer, which must have this status.
    #[track_caller]
    pub(crate) fn must(self, status: u16) -> Value {
        assert_eq!(self.status.as_u16(), status, "{}", self.body);
        self.body
    }

    /// The `scimType` of an error of this status.
    #[track_caller]
    fn error(self, status: u16) -> String {
        let body = self.must(status);
        assert_eq!(body["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
        assert_eq!(body["status"], status.to_string());
        assert!(body["detail"].as_str().is_some_and(|it| !it.is_empty()), "{body}");
        body["scimType"].as_str().unwrap_or_default().to_owned()
    }
}

impl Stage {
    async fn set() -> Self {
        Self::with(json!({})).await
    }

    /// With other settings of the directory.
    async fn with(more: Value) -> Self {
        let (server, owner) = Server::set_up().await;
        let (directory, token) = connect(&server, &owner, more).await;
        Self { server, owner, directory, token }
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Told {
        ask(&self.server, &self.token, method, path, body).await
    }

    async fn get(&self, path: &str) -> Told {
        self.ask("GET", path, None).await
    }

    async fn patch(&self, path: &str, operations: Value) -> Told {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.ask("PATCH", path, Some(body)).await
    }

    /// Adds somebody of `example.org`: their id.
    async fn add(&self, name: &str) -> String {
        // Ids sort by the millisecond.
        self.server.clock.advance_micros(1000);
        let body = json!({ "schemas": [USER], "userName": format!("{name}@example.org"),
            "displayName": name, "externalId": format!("x-{name}") });
        let made = self.ask("POST", "/Users", Some(body)).await.must(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// Makes a group of these people: its id.
    async fn group(&self, name: &str, members: &[&str]) -> String {
        self.server.clock.advance_micros(1000);
        let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": [GROUP], "displayName": name, "members": members });
        let made = self.ask("POST", "/Groups", Some(body)).await.must(201);
        made["id"].as_str().unwrap().to_owned()
    }

    /// What the graph says of somebody.
    async fn person(&self, id: &str) -> Value {
        let query = "query($id: ID!) { user(id: $id) { id name email emailVerified roles suspendedAt erasedAt } }";
        let data = self.server.data(Some(&self.owner.access), query, json!({ "id": id })).await;
        data["user"].clone()
    }

    async fn roles(&self, id: &str) -> Value {
        self.person(id).await["roles"].clone()
    }

    async fn mutate(&self, text: &str, name: &str, input: Value) -> Value {
        let data =
            self.server.data(Some(&self.owner.access), text, json!({ "input": input })).await;
        data[name].clone()
    }
}

/// Connects a directory for `example.org`: its id and token.
pub(crate) async fn connect(server: &Server, owner: &Tokens, more: Value) -> (String, String) {
    let made = connect_with(server, owner, more).await;
    assert_eq!(made["userErrors"], json!([]));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&made["directory"]["id"]), text(&made["token"]))
}

async fn connect_with(server: &Server, owner: &Tokens, more: Value) -> Value {
    let mut input = json!({
        "name": "Entra ID",
        "emailDomains": ["example.org"],
        "groups": [
            { "displayName": "GRC", "role": "COMPLIANCE_MANAGER" },
            { "externalId": "g-audit", "role": "AUDITOR" },
        ],
        "defaultRoles": [],
    });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let data = server.data(Some(&owner.access), CONNECT, json!({ "input": input })).await;
    data["connectDirectory"].clone()
}

pub(crate) async fn ask(
    server: &Server,
    token: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
) -> Told {
    ask_with(server, token, method, path, body, &[]).await
}

async fn ask_with(
    server: &Server,
    token: &str,
    method: &str,
    path: &str,
    body: Option<Value>,
    headers: &[(&str, &str)],
) -> Told {
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/scim/v2{path}"))
        .header(header::CONTENT_TYPE, "application/scim+json")
        .header(header::AUTHORIZATION, format!("Bearer {token}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = server.routes.clone().oneshot(request.body(body).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    if !bytes.is_empty() {
        assert_eq!(parts.headers[header::CONTENT_TYPE], "application/scim+json");
    }
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
    Told { status: parts.status, headers: parts.headers, body }
}

/// A filter in an address.
fn filter(text: &str) -> String {
    url::form_urlencoded::Serializer::new(String::new()).append_pair("filter", text).finish()
}
