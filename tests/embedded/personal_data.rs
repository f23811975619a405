//! What is known of a person, taken out: by themselves, by an owner, and by nobody else.

use reqwest::StatusCode;
use serde_json::{Value, json};
use studio_sdk::Client;

use crate::support::{EMAIL, Installation, PASSWORD, Server, create_project, mutate, query, until};

async fn take(server: &Server, client: &Client, person: &str) -> reqwest::Response {
    let url = format!("{}/v1/people/{person}/personal-data", server.url);
    let asked = reqwest::Client::new().get(url).bearer_auth(client.tokens().unwrap().access);
    asked.send().await.unwrap()
}

async fn lines(server: &Server, client: &Client, person: &str) -> Vec<Value> {
    let answer = take(server, client, person).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(answer.headers()["content-type"], "application/jsonl");
    let body = answer.text().await.unwrap();
    body.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn user(owner: &Client, name: &str, email: &str) -> String {
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) {
        user { id } userErrors { code message path } } }";
    let input = json!({ "name": name, "email": email, "password": PASSWORD, "roles": ["ADMIN"] });
    mutate(owner, create, input).await["user"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_person_takes_along_what_is_known_of_them() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let vera = user(&owner, "Vera Cruz", "vera@example.org").await;
    let max = user(&owner, "Max Planck", "max@example.org").await;
    let her = Client::new(&server.url).unwrap();
    her.log_in("vera@example.org", PASSWORD).await.unwrap();
    let project = create_project(&her, "Hers").await;
    let key = "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) {
        secret userErrors { code message path } } }";
    let made = mutate(&her, key, json!({ "name": "My laptop", "scopes": ["*:*:read"] })).await;

    let known = until("what she did", || async {
        let known = lines(&server, &her, &vera).await;
        known.iter().any(|line| line["target"] == project.as_str()).then_some(known)
    })
    .await;
    let of =
        |kind: &str| -> Vec<&Value> { known.iter().filter(|line| line["kind"] == kind).collect() };
    let person = of("person")[0];
    assert_eq!(
        (&person["name"], &person["email"]),
        (&json!("Vera Cruz"), &json!("vera@example.org"))
    );
    assert_eq!(person["roles"], json!(["admin"]));
    assert_eq!(of("apiKey")[0]["name"], "My laptop");
    assert_eq!(of("session")[0]["address"], "127.0.0.1");
    let created = of("activity");
    let created = created.iter().find(|line| line["target"] == project.as_str()).unwrap();
    assert_eq!((&created["byThePerson"], &created["address"]), (&json!(true), &json!("127.0.0.1")));
    let added = of("activity");
    let added = added.iter().find(|line| line["action"] == "identity.user.created").unwrap();
    // The owner's address is not hers.
    assert_eq!((&added["byThePerson"], &added["address"]), (&json!(false), &Value::Null));
    let written = known.iter().map(Value::to_string).collect::<String>();
    let secret = made["secret"].as_str().unwrap();
    for foreign in ["Max Planck", "max@example.org", EMAIL, secret, "$argon2", PASSWORD] {
        assert!(!written.contains(foreign), "{foreign}");
    }

    // It is on record, as the doing of whoever took it.
    lines(&server, &owner, &vera).await;
    let me = query(&owner, "{ me { id } }", json!({})).await["me"]["id"].clone();
    let entries = "query($filter: AuditFilter) { auditEntries(filter: $filter) {
        nodes { actor target } } }";
    let filter = json!({ "filter": { "action": "access.content.exported", "actor": me } });
    until("the entry", || async {
        let told = query(&owner, entries, filter.clone()).await;
        let nodes = told["auditEntries"]["nodes"].as_array().unwrap().clone();
        nodes.iter().any(|entry| entry["target"] == vera.as_str()).then_some(())
    })
    .await;

    // Of somebody who was erased there is nothing personal left, and no program takes anything.
    let program = reqwest::Client::new()
        .get(format!("{}/v1/people/{max}/personal-data", server.url))
        .bearer_auth(secret);
    assert_eq!(program.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let erase = "mutation($input: EraseUserInput!) { eraseUser(input: $input) {
        userErrors { code message path } } }";
    mutate(&owner, erase, json!({ "userId": vera })).await;
    let left = lines(&server, &owner, &vera).await;
    assert_eq!((&left[0]["name"], &left[0]["email"]), (&Value::Null, &Value::Null));
    let written = left.iter().map(Value::to_string).collect::<String>();
    for gone in ["Vera", "vera@", "My laptop", "127.0.0.1"] {
        assert!(!written.contains(gone), "{gone}");
    }
    let nobody = "usr_00000000000070008000000000000001";
    assert_eq!(take(&server, &owner, nobody).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(take(&server, &owner, "x").await.status(), StatusCode::BAD_REQUEST);
}
