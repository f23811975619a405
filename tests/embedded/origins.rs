//! From where requests come: told by the audit log and by sessions, believed of trusted proxies alone, and gone
//! with the person.

use serde_json::{Value, json};
use studio_sdk::Client;

use crate::support::{EMAIL, Installation, PASSWORD, Server, create_project, mutate, query, until};

/// Networks that are documented to be nobody's (RFC 5737).
const HERE: &str = "192.0.2.17";
const ELSEWHERE: &str = "198.51.100.4";
const AGENT: &str = "Test/1 (somebody's own)";

const ENTRIES: &str = "query($filter: AuditFilter) { auditEntries(filter: $filter, first: 100) {
    nodes { action actor target address userAgent details { name value before } } } }";

async fn entry(owner: &Client, filter: Value) -> Value {
    until("an entry of the audit log", || async {
        let data = query(owner, ENTRIES, json!({ "filter": filter })).await;
        data["auditEntries"]["nodes"].as_array().unwrap().first().cloned()
    })
    .await
}

/// Asks as a program of that name would through proxies that say for whom they ask.
async fn ask(server: &Server, forwarded: &str, token: Option<&str>, body: Value) -> Value {
    let mut request = reqwest::Client::new()
        .post(format!("{}/graphql", server.url))
        .header("X-Forwarded-For", forwarded)
        .header("X-Studio-Address", "203.0.113.250")
        .header("User-Agent", AGENT)
        .json(&body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    request.send().await.unwrap().json().await.unwrap()
}

async fn log_in(server: &Server, forwarded: &str, password: &str) -> Value {
    let text = "mutation($input: LogInInput!) { logIn(input: $input) {
        accessToken refreshToken userErrors { code } } }";
    let variables = json!({ "input": { "email": EMAIL, "password": password } });
    ask(server, forwarded, None, json!({ "query": text, "variables": variables })).await
}

const RENAME: &str = "mutation($input: RenameProjectInput!) { renameProject(input: $input) {
    userErrors { code message path } } }";

async fn rename(server: &Server, forwarded: &str, token: &str, project: &str, name: &str) {
    let read = "query($id: ID!) { project(id: $id) { version } }";
    let read = json!({ "query": read, "variables": { "id": project } });
    let version = ask(server, forwarded, Some(token), read).await;
    let version = version["data"]["project"]["version"].clone();
    let input = json!({ "id": project, "name": name, "expectedVersion": version });
    let body = json!({ "query": RENAME, "variables": { "input": input } });
    let answer = ask(server, forwarded, Some(token), body).await;
    assert_eq!(answer["data"]["renameProject"]["userErrors"], json!([]), "{answer}");
}

#[tokio::test]
async fn the_audit_log_tells_from_where_something_was_done() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let set_up = entry(&owner, json!({ "action": "identity.organization.created" })).await;
    assert_eq!(set_up["address"], "127.0.0.1");
    let project = create_project(&owner, "One").await;
    let created = entry(&owner, json!({ "action": "controls.project.created" })).await;
    assert_eq!((&created["address"], &created["userAgent"]), (&json!("127.0.0.1"), &Value::Null));

    // Nobody believes a client who says to ask for somebody else.
    let signed_in = log_in(&server, HERE, PASSWORD).await;
    let token = signed_in["data"]["logIn"]["accessToken"].as_str().unwrap().to_owned();
    let begun = until("the sign-in", || async {
        let begun = entry(&owner, json!({ "action": "identity.session.started" })).await;
        (begun["userAgent"] == AGENT).then_some(begun)
    })
    .await;
    assert_eq!(begun["address"], "127.0.0.1");
    rename(&server, HERE, &token, &project, "Two").await;
    let renamed = entry(&owner, json!({ "action": "controls.project.renamed" })).await;
    assert_eq!(renamed["address"], "127.0.0.1");
    server.stop();

    // A proxy that is trusted is believed, and only for the one before it.
    let proxied = installation.with_setting("STUDIO_TRUSTED_PROXIES", "[\"127.0.0.0/8\"]");
    let server = proxied.start();
    let owner = server.client().await;
    let signed_in = log_in(&server, HERE, PASSWORD).await;
    let tokens = &signed_in["data"]["logIn"];
    let token = tokens["accessToken"].as_str().unwrap();
    rename(&server, &format!("{HERE}, {ELSEWHERE}"), token, &project, "Three").await;
    let renamed = until("the second name", || async {
        let renamed = entry(&owner, json!({ "action": "controls.project.renamed" })).await;
        (renamed["address"] != "127.0.0.1").then_some(renamed)
    })
    .await;
    assert_eq!(renamed["address"], ELSEWHERE);

    // The person sees where they are signed in, and from where that goes on.
    let mine = "{ me { sessions(first: 10) { nodes { current address userAgent } } } }";
    let sessions = ask(&server, HERE, Some(token), json!({ "query": mine })).await;
    let sessions = sessions["data"]["me"]["sessions"]["nodes"].as_array().unwrap().clone();
    let current = sessions.iter().find(|session| session["current"] == true).unwrap();
    assert_eq!((&current["address"], &current["userAgent"]), (&json!(HERE), &json!(AGENT)));
    let text = "mutation($input: RefreshInput!) { refresh(input: $input) { accessToken } }";
    let variables = json!({ "input": { "refreshToken": tokens["refreshToken"] } });
    let body = json!({ "query": text, "variables": variables });
    let refreshed = ask(&server, ELSEWHERE, None, body).await;
    let token = refreshed["data"]["refresh"]["accessToken"].as_str().unwrap();
    let sessions = ask(&server, HERE, Some(token), json!({ "query": mine })).await;
    let sessions = sessions["data"]["me"]["sessions"]["nodes"].as_array().unwrap().clone();
    let current = sessions.iter().find(|session| session["current"] == true).unwrap();
    assert_eq!(current["address"], ELSEWHERE);

    // Tries in vain, too, and the line of an export.
    let in_vain = log_in(&server, ELSEWHERE, "not at all the right one").await;
    assert_eq!(in_vain["data"]["logIn"]["userErrors"][0]["code"], "INVALID_CREDENTIALS");
    let failed = entry(&owner, json!({ "outcome": "FAILED" })).await;
    assert_eq!((&failed["address"], &failed["userAgent"]), (&json!(ELSEWHERE), &json!(AGENT)));
    let login = ["login", "--server", &server.url, "--email", EMAIL];
    proxied.run_with_password(&login, PASSWORD);
    let export = ["audit", "export", "--action", "identity.sign_in.", "--format", "ocsf"];
    let line: Value = serde_json::from_str(proxied.run(&export).lines().next().unwrap()).unwrap();
    assert_eq!(line["src_endpoint"]["ip"], ELSEWHERE);

    // Nowhere in the stores or the server's own log does it stand open.
    let logged = server.logged();
    server.stop();
    let stored: Vec<u8> = std::fs::read_dir(proxied.path())
        .unwrap()
        .filter_map(|file| std::fs::read(file.unwrap().path()).ok())
        .flatten()
        .collect();
    assert!(stored.len() > 100_000, "the stores were read");
    for secret in [HERE, ELSEWHERE, "somebody's own"] {
        let found = stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes());
        assert!(!found && !logged.contains(secret), "{secret}");
    }
}

#[tokio::test]
async fn what_was_before_is_told_and_an_erasure_takes_the_address() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let input = json!({ "name": "Vera", "email": "vera@example.org", "password": PASSWORD,
        "roles": ["VIEWER"] });
    let create = "mutation($input: CreateUserInput!) { createUser(input: $input) {
        user { id } userErrors { code message path } } }";
    let vera = mutate(&owner, create, input).await["user"]["id"].as_str().unwrap().to_owned();
    let change = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
        userErrors { code message path } } }";
    let input = json!({ "userId": vera, "give": ["AUDITOR"], "take": ["VIEWER"] });
    mutate(&owner, change, input).await;
    let changed = entry(&owner, json!({ "action": "identity.user.roles_changed" })).await;
    let roles = changed["details"].as_array().unwrap().iter().find(|it| it["name"] == "roles");
    let roles = roles.unwrap();
    let told = (&roles["before"], &roles["value"]);
    assert_eq!(told, (&json!("[\"viewer\"]"), &json!("[\"auditor\"]")));
    let created = entry(&owner, json!({ "action": "identity.user.created", "target": vera })).await;
    let before = created["details"].as_array().unwrap().iter();
    assert!(before.map(|it| &it["before"]).all(Value::is_null), "{created}");

    let her = Client::new(&server.url).unwrap();
    her.log_in("vera@example.org", PASSWORD).await.unwrap();
    let begun = json!({ "action": "identity.session.started", "actor": vera });
    assert_eq!(entry(&owner, begun.clone()).await["address"], "127.0.0.1");
    let erase = "mutation($input: EraseUserInput!) { eraseUser(input: $input) {
        userErrors { code message path } } }";
    mutate(&owner, erase, json!({ "userId": vera })).await;
    let entry = entry(&owner, begun).await;
    assert_eq!((&entry["address"], &entry["userAgent"]), (&Value::Null, &Value::Null));
}
