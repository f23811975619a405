//! Organizations that are suspended or archived, by the command line of whoever runs the server.

use serde_json::{Value, json};
use studio_sdk::Client;

use crate::support::{EMAIL, Installation, PASSWORD, create_project, mutate, query};

/// The id of the one organization, and its state, as the command prints them.
fn listed(installation: &Installation) -> (String, String) {
    let printed = installation.run(&["organization", "list"]);
    let mut words = printed.split_whitespace();
    (words.next().unwrap().to_owned(), words.next().unwrap().to_owned())
}

fn put(installation: &Installation, verb: &str) -> String {
    let (organization, _) = listed(installation);
    installation.run(&["organization", verb, "--organization", &organization])
}

async fn refused(client: &Client, text: &str, variables: Value) -> (String, String) {
    let error = client.query_text::<Value>(text, variables).await.unwrap_err();
    (error.code().unwrap_or_default().to_owned(), error.to_string())
}

const PROJECTS: &str = "{ projects(first: 10) { nodes { name } } }";
const CREATE: &str = "mutation($input: CreateProjectInput!) { createProject(input: $input) {
    userErrors { code } } }";
const MAKE_KEY: &str = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
    secret userErrors { code message path } } }";

async fn with_key(url: &str, key: &str) -> Value {
    let asked = reqwest::Client::new().post(format!("{url}/graphql")).bearer_auth(key);
    asked.json(&json!({ "query": PROJECTS })).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn of_a_suspended_organization_nobody_gets_in_and_nothing_is_lost() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    create_project(&owner, "Production").await;
    let input = json!({ "name": "CI", "scopes": ["controls:*:read"] });
    let key = mutate(&owner, MAKE_KEY, input).await["secret"].as_str().unwrap().to_owned();
    assert!(with_key(&server.url, &key).await["data"].is_object());
    let tokens = owner.tokens().unwrap();
    server.stop();

    assert_eq!(listed(&installation).1, "active");
    assert!(put(&installation, "suspend").trim_end().ends_with("is suspended."));
    assert!(put(&installation, "suspend").trim_end().ends_with("was already suspended."));
    let server = installation.start();
    let late = Client::new(&server.url).unwrap();
    late.set_tokens(Some(tokens.clone()));
    let (code, said) = refused(&late, PROJECTS, json!({})).await;
    assert!(code == "UNAUTHENTICATED" || code == "FORBIDDEN", "{code}");
    assert!(said.contains("suspended"), "{said}");
    let answer = with_key(&server.url, &key).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{answer}");
    let stranger = Client::new(&server.url).unwrap();
    let error = stranger.log_in(EMAIL, PASSWORD).await.unwrap_err().to_string();
    assert!(error.contains("suspended"), "{error}");
    // Whoever does not know the password learns nothing of it.
    let error = stranger.log_in(EMAIL, "not at all the right one").await.unwrap_err().to_string();
    assert!(!error.contains("suspended"), "{error}");
    server.stop();

    put(&installation, "restore");
    assert_eq!(listed(&installation).1, "active");
    let server = installation.start();
    let owner = Client::new(&server.url).unwrap();
    owner.set_tokens(Some(tokens));
    assert_eq!(
        query(&owner, PROJECTS, json!({})).await["projects"]["nodes"][0]["name"],
        "Production"
    );
    assert!(with_key(&server.url, &key).await["data"].is_object());
}

#[tokio::test]
async fn an_archived_organization_is_read_and_left() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    create_project(&owner, "Production").await;
    server.stop();
    put(&installation, "archive");
    let server = installation.start();
    let owner = server.client().await;
    let told = query(&owner, "{ organization { state } me { id } }", json!({})).await;
    assert_eq!(told["organization"]["state"], "ARCHIVED");
    assert_eq!(
        query(&owner, PROJECTS, json!({})).await["projects"]["nodes"][0]["name"],
        "Production"
    );
    let (code, said) = refused(&owner, CREATE, json!({ "input": { "name": "Another" } })).await;
    assert_eq!(code, "FORBIDDEN");
    assert!(said.contains("archived"), "{said}");
    let change = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
        userErrors { code } } }";
    let passwords =
        json!({ "currentPassword": PASSWORD, "newPassword": "another quite long secret 77" });
    assert_eq!(refused(&owner, change, json!({ "input": passwords })).await.0, "FORBIDDEN");
    // What is known of a person may still be taken out, and sessions end.
    let me = told["me"]["id"].as_str().unwrap();
    let url = format!("{}/v1/people/{me}/personal-data", server.url);
    let taken = reqwest::Client::new().get(url).bearer_auth(owner.tokens().unwrap().access);
    assert_eq!(taken.send().await.unwrap().status(), 200);
    owner.log_out().await.unwrap();
}

#[test]
fn what_is_no_organization_is_told() {
    let installation = Installation::empty();
    let suspend =
        |id: &str| installation.refused(&["organization", "suspend", "--organization", id], &[]);
    assert!(suspend("acme").contains("studio organization list"));
    assert!(suspend("org_00000000000070008000000000000001").contains("There is no organization"));
}
