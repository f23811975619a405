//! A directory that provisions people, over real sockets: what the guide tells one to run, and what its token
//! opens.

use std::process::Command;

use reqwest::StatusCode;
use serde_json::{Value, json};
use studio_sdk::Client;

use crate::{
    policy::websocket::Connection,
    support::{EMAIL, Installation, PASSWORD, mutate, query, until},
};

const CONNECT: &str = "mutation($input: ConnectDirectoryInput!) { connectDirectory(input: $input) {
    directory { id } token userErrors { code message path } } }";

async fn scim(
    url: &str,
    token: &str,
    method: &str,
    path: &str,
    body: Value,
) -> (StatusCode, Value) {
    let method: reqwest::Method = method.parse().unwrap();
    let request = reqwest::Client::new()
        .request(method, format!("{url}/scim/v2{path}"))
        .bearer_auth(token)
        .header("content-type", "application/scim+json")
        .body(body.to_string());
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn who_leaves_the_directory_is_out_everywhere() {
    let installation = Installation::empty().with_setting("STUDIO_LOG__FILTER", "debug");
    let (server, owner) = installation.set_up().await;
    let input = json!({ "name": "Okta", "emailDomains": ["example.org"],
        "groups": [{ "displayName": "Readers", "role": "VIEWER" }] });
    let made = mutate(&owner, CONNECT, input).await;
    let token = made["token"].as_str().unwrap().to_owned();
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code message path } } }";
    let grace = json!({ "name": "Grace", "email": "grace@example.org", "password": PASSWORD, "roles": ["CONTRIBUTOR"] });
    let grace = mutate(&owner, create, grace).await["user"]["id"].as_str().unwrap().to_owned();
    let client = Client::new(&server.url).unwrap();
    client.log_in("grace@example.org", PASSWORD).await.unwrap();

    let body = json!({ "userName": "grace@example.org" });
    let (status, told) = scim(&server.url, &token, "POST", "/Users", body).await;
    assert_eq!((status, &told["id"]), (StatusCode::CREATED, &json!(grace)), "{told}");
    let body = json!({ "displayName": "readers", "members": [{ "value": grace }] });
    let (status, told) = scim(&server.url, &token, "POST", "/Groups", body).await;
    assert_eq!(status, StatusCode::CREATED, "{told}");
    let me = query(&client, "{ me { roles } }", json!({})).await;
    assert_eq!(me["me"]["roles"], json!(["CONTRIBUTOR", "VIEWER"]));

    let mut connection = Connection::open(&client).await;
    assert_eq!(connection.code("{ me { id } }").await, None);
    let off = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] });
    let path = format!("/Users/{grace}");
    let (status, told) = scim(&server.url, &token, "PATCH", &path, off).await;
    assert_eq!((status, &told["active"]), (StatusCode::OK, &json!(false)), "{told}");
    let connection = tokio::sync::Mutex::new(connection);
    until("the WebSocket to be over", || async {
        let told = connection.lock().await.code("{ me { id } }").await;
        (told.as_deref() == Some("UNAUTHENTICATED")).then_some(())
    })
    .await;
    assert!(Client::new(&server.url).unwrap().log_in("grace@example.org", PASSWORD).await.is_err());

    // Its token opens that and nothing else, and what opens all else does not open that.
    let asked = reqwest::Client::new()
        .post(format!("{}/graphql", server.url))
        .bearer_auth(&token)
        .json(&json!({ "query": "{ me { id } }" }));
    let told: Value = asked.send().await.unwrap().json().await.unwrap();
    assert_eq!(told["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{told}");
    let upload =
        reqwest::Client::new().post(format!("{}/v1/documents", server.url)).bearer_auth(&token);
    assert_eq!(upload.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    let session = owner.tokens().unwrap().access;
    let (status, told) = scim(&server.url, &session, "GET", "/Users", json!({})).await;
    assert_eq!((status, &told["status"]), (StatusCode::UNAUTHORIZED, &json!("401")));

    let logged = server.logged();
    for text in ["scm_", &token[37..], "grace@example.org"] {
        assert!(!logged.contains(text), "{text} is in the log");
    }
}

/// What stands in `docs/provisioning.md` to be run, in its order.
#[tokio::test]
async fn what_the_guide_shows_runs() {
    let installation = Installation::empty();
    let (server, _owner) = installation.set_up().await;
    let guide = include_str!("../../docs/provisioning.md");
    let blocks = guide.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let script = blocks.collect::<Vec<_>>().join("\n");
    assert!(script.contains("connectDirectory"), "{script}");
    let mut command = Command::new("bash");
    command
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(installation.path())
        .env("STUDIO", &server.url)
        .env("EMAIL", EMAIL)
        .env("PASSWORD", PASSWORD);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for expected in [
        "\"totalResults\":1",
        "\"active\":false",
        "\"roles\":[\"CONTROL_OWNER\",\"VIEWER\"],\"suspendedAt\":\"",
        "\"version\":2",
        "\"people\":1",
        "\"status\":\"401\"",
        "\"user\":{\"name\":\"Grace Hopper\",\"suspendedAt\":null}",
    ] {
        assert!(said.contains(expected), "{expected} is not in {said}");
    }
}
