//! Programs that call Studio without anybody's password: keys over every transport, what the guide tells
//! one to run, and that no key gets into a log.

use std::process::Command;

use reqwest::StatusCode;
use serde_json::{Value, json};
use studio_sdk::{Client, Tokens, Upload};

use crate::{
    policy::websocket::{Connection, ME},
    support::{EMAIL, Installation, PASSWORD, Server, create_project, mutate, query, until},
};

const CREATE: &str = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
    apiKey { id } secret userErrors { code message path } } }";

/// A client that carries a key: the id of the key, and the client.
async fn program(owner: &Client, scopes: &[&str]) -> (String, Client) {
    let made = mutate(owner, CREATE, json!({ "name": "CI", "scopes": scopes })).await;
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let client = Client::new(owner.url()).unwrap();
    let access = text(&made["secret"]);
    client.set_tokens(Some(Tokens { access, refresh: String::new() }));
    (text(&made["apiKey"]["id"]), client)
}

fn secret(client: &Client) -> String {
    client.tokens().unwrap().access
}

/// The code of the refusal that an operation gets.
async fn code(client: &Client, text: &str) -> Option<String> {
    let asked = reqwest::Client::new()
        .post(format!("{}/graphql", client.url()))
        .bearer_auth(secret(client))
        .json(&json!({ "query": text }));
    let answer: Value = asked.send().await.unwrap().json().await.unwrap();
    answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned)
}

#[tokio::test]
async fn a_key_opens_every_door_of_its_person_as_far_as_it_reaches() {
    let installation = Installation::empty().with_setting("STUDIO_LOG__FILTER", "debug");
    let (server, owner) = installation.set_up().await;
    let project = create_project(&owner, "Production").await;
    let (id, ci) =
        program(&owner, &["controls:project:read", "evidence:run:*", "identity:user:read"]).await;
    let (_, all) = program(&owner, &["*:*:*"]).await;

    // GraphQL.
    let data = query(&ci, "{ projects { nodes { name } } me { email } }", json!({})).await;
    assert_eq!(data["projects"]["nodes"][0]["name"], "Production");
    assert_eq!(data["me"]["email"], EMAIL);
    assert_eq!(code(&ci, "{ frameworks { nodes { id } } }").await.as_deref(), Some("FORBIDDEN"));
    let rename = format!(
        "mutation {{ renameProject(input: {{ id: \"{project}\", name: \"Mine\", expectedVersion: 1 }}) {{ userErrors {{ code }} }} }}"
    );
    assert_eq!(code(&ci, &rename).await.as_deref(), Some("FORBIDDEN"));
    let made = mutate(
        &all,
        "mutation($input: CreateProjectInput!) { createProject(input: $input) { project { id } userErrors { code message path } } }",
        json!({ "name": "By a program" }),
    )
    .await;
    assert!(made["project"]["id"].is_string());
    for dangerous in [
        "mutation { createApiKey(input: { name: \"x\", scopes: [\"*:*:*\"] }) { secret } }",
        "mutation { createUser(input: { name: \"x\", email: \"x@example.org\", password: \"a long enough password\", roles: [OWNER] }) { user { id } } }",
        "mutation { logOut { userErrors { code } } }",
    ] {
        assert_eq!(code(&all, dangerous).await.as_deref(), Some("FORBIDDEN"), "{dangerous}");
    }

    // REST.
    let scan = installation.run(&["demo", "scan"]).into_bytes();
    let run = ci.ingest_prowler(&project, Upload::Bytes(scan)).await.unwrap().run;
    let path = format!("/v1/ingest/runs/{}", run["id"].as_str().unwrap());
    until("the run to be complete", || async {
        (ci.get(&path).await.unwrap()["state"] == "COMPLETED").then_some(())
    })
    .await;
    let document = format!("{}/v1/documents?project={project}&name=a.md", server.url);
    let upload = async |client: &Client| {
        let upload = reqwest::Client::new().post(&document).bearer_auth(secret(client));
        upload.header("content-type", "text/markdown").body("text").send().await.unwrap().status()
    };
    assert_eq!(upload(&ci).await, StatusCode::FORBIDDEN);
    assert!(upload(&all).await.is_success());

    // A WebSocket, which does not outlive the key.
    let mut connection = Connection::open(&ci).await;
    assert_eq!(connection.code(ME).await, None);
    let revoke = "mutation($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) {
        userErrors { code message path } } }";
    mutate(&owner, revoke, json!({ "apiKeyId": id })).await;
    let connection = tokio::sync::Mutex::new(connection);
    until("the key to be over", || async {
        let told = connection.lock().await.code(ME).await;
        (told.as_deref() == Some("UNAUTHENTICATED")).then_some(())
    })
    .await;
    until("REST to refuse it", || async {
        (upload(&ci).await == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
    assert_eq!(code(&ci, ME).await.as_deref(), Some("UNAUTHENTICATED"));
    let wrong = secret(&all)[..60].to_owned();
    all.set_tokens(Some(Tokens { access: wrong.clone(), refresh: String::new() }));
    assert_eq!(code(&all, ME).await.as_deref(), Some("UNAUTHENTICATED"));

    // A program of the organization, with a secret that is no bearer token.
    let made = mutate(
        &owner,
        "mutation($input: CreateOAuthClientInput!) { createOAuthClient(input: $input) {
            client { id } secret userErrors { code message path } } }",
        json!({ "name": "n8n", "roles": ["VIEWER"], "scopes": ["controls:*:read"] }),
    )
    .await;
    let shown = made["secret"].as_str().unwrap();
    let asked = reqwest::Client::new()
        .post(format!("{}/oauth2/token", server.url))
        .basic_auth(made["client"]["id"].as_str().unwrap(), Some(shown))
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials");
    let token: Value = asked.send().await.unwrap().json().await.unwrap();
    let n8n = Client::new(&server.url).unwrap();
    let access = token["access_token"].as_str().unwrap().to_owned();
    n8n.set_tokens(Some(Tokens { access, refresh: String::new() }));
    query(&n8n, "{ projects { nodes { name } } }", json!({})).await;
    assert_eq!(upload(&n8n).await, StatusCode::FORBIDDEN);
    let mut connection = Connection::open(&n8n).await;
    assert_eq!(connection.code("{ projects { nodes { id } } }").await, None);

    // Right or wrong, none is in the log.
    let logged = server.logged();
    assert!(logged.contains("studio_events"), "{logged}");
    for text in ["stk_", &secret(&ci)[37..], &wrong[37..], shown, &secret(&n8n)] {
        assert!(!logged.contains(text), "{text} is in the log");
    }
}

/// What stands in `docs/programs.md` to be run, in its order.
#[tokio::test]
async fn what_the_guide_shows_runs() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    create_project(&owner, "Production").await;
    std::fs::write(installation.path().join("scan.ocsf.json"), installation.run(&["demo", "scan"]))
        .unwrap();
    let guide = include_str!("../../docs/programs.md");
    let blocks = guide.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let script = blocks.collect::<Vec<_>>().join("\n");
    assert!(script.contains("createApiKey"), "{script}");
    let run = async |server: &Server| {
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
        said
    };
    let said = run(&server).await;
    assert!(said.contains("\"name\":\"Production\""), "{said}");
    assert!(said.contains("\"active\":true"), "{said}");
    assert!(said.contains("UNAUTHENTICATED"), "the key is revoked at the end: {said}");
}
