//! Somebody who has a role in one project alone tries every operation on what lies there, on what lies in
//! another project, and on what is nowhere: the last two must look the same.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use studio_sdk::{Client, Upload};

use super::{
    ROOTS,
    calls::{Ids, Schema, Told},
    people::{add_user, signed_in, things, with_mail},
    tell,
};
use crate::support::{Installation, PASSWORD, create_project, mutate, query, until};

/// The prefixes of what lies in projects.
const IN_PROJECTS: [&str; 14] = [
    "prj", "ctl", "tst", "tsr", "nap", "ncf", "exc", "map", "doc", "run", "evd", "fnd", "ast",
    "ans",
];

/// The table of `docs/access.md`: what is not in it is refused to both.
fn table() -> BTreeMap<String, Vec<String>> {
    let text = include_str!("../../../docs/access.md");
    let start = "| operation | auditor there |";
    let lines = text.lines().skip_while(|line| !line.starts_with(start)).skip(2);
    let rows = lines.take_while(|line| line.starts_with('|')).map(|line| {
        let cells = line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', ""));
        let mut cells: Vec<_> = cells.collect();
        (cells.remove(0), cells)
    });
    rows.collect()
}

/// What an answer about these things comes to. Whoever is told of a thing of `foreign` is told too much.
fn cell(told: &Told, operation: &str, named: bool, foreign: &Ids) -> &'static str {
    let foreign: BTreeSet<_> = IN_PROJECTS.iter().map(|kind| foreign[kind].as_str()).collect();
    let leaked = told.ids().into_iter().any(|id| foreign.contains(id));
    match told {
        _ if leaked => "too much",
        Told::Refused(code) if code == "FORBIDDEN" => "–",
        Told::Refused(code) if code == "NOT_FOUND" => "nothing",
        Told::Answer(Value::Null) if named => "nothing",
        told if told.worked(operation) => "yes",
        _ => "odd",
    }
}

#[tokio::test]
async fn a_role_in_a_project_reaches_no_further() {
    let installation = with_mail();
    let (server, owner) = installation.set_up().await;
    let (here, there) =
        (create_project(&owner, "Audited").await, create_project(&owner, "Hidden").await);
    let mut own = things(&installation, &owner, &here, "one@example.org").await;
    let mut foreign = things(&installation, &owner, &there, "two@example.org").await;
    own.insert("prj", here.clone());
    foreign.insert("prj", there.clone());
    let mut nowhere = foreign.clone();
    for kind in IN_PROJECTS {
        nowhere.insert(kind, format!("{kind}_00000000000070008000000000000000"));
    }
    let mut people = Vec::new();
    for role in ["AUDITOR", "COMPLIANCE_MANAGER"] {
        let email = format!("{}@example.org", role.to_lowercase());
        let roles = json!({ "roles": [role], "projectId": here });
        add_user(&owner, &email, roles).await;
        people.push(signed_in(&server, &email).await);
    }
    lists(&people, &own, &foreign).await;
    routes(&people, &own, &foreign, &nowhere).await;

    let schema = Schema::read(&owner).await;
    let mut operations: Vec<_> = ROOTS
        .iter()
        .flat_map(|(of, root)| schema.fields(root).into_iter().map(move |field| (*of, field)))
        .collect();
    // An archived project takes no changes; whoever signs out asks for nothing more.
    operations.sort_by_key(|(of, field)| {
        let name = field["name"].as_str().unwrap().to_owned();
        let last = ["archiveProject", "restoreProject"].contains(&&*name);
        (name == "logOut", last, *of == "mutation", name)
    });
    let mut found = BTreeMap::new();
    for (operation, field) in &operations {
        let call = |things| schema.call(operation, field, things);
        let named = call(&own) != call(&foreign);
        let mut cells = Vec::new();
        for client in &people {
            let mut there = None;
            if named {
                let elsewhere = tell(&schema, client, operation, field, &foreign).await;
                let none = tell(&schema, client, operation, field, &nowhere).await;
                let about = call(&foreign);
                assert_eq!(elsewhere, none, "{about} tells that there is something");
                there = Some(cell(&elsewhere, operation, named, &foreign));
            }
            let told = tell(&schema, client, operation, field, &own).await;
            let here = cell(&told, operation, named, &foreign);
            cells.extend([here.to_owned(), there.unwrap_or(here).to_owned()]);
        }
        if cells.iter().any(|cell| cell != "–") {
            found.insert(format!("{operation} {}", field["name"].as_str().unwrap()), cells);
        }
    }
    let row =
        |(name, cells): (&String, &Vec<String>)| format!("| `{name}` | {} |", cells.join(" | "));
    let written: Vec<_> = table().iter().map(row).collect();
    let found: Vec<_> = found.iter().map(row).collect();
    assert_eq!(found, written, "docs/access.md must say what a role in a project reaches");
    server.stop();
}

async fn changed(owner: &Client, input: Value) {
    let text = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
        user { id } userErrors { code message path } } }";
    mutate(owner, text, input).await;
}

/// Lists and counts hold what lies in the project alone.
async fn lists(people: &[Client], own: &Ids, foreign: &Ids) {
    for client in people {
        let seen = query(
            client,
            "query($framework: ID!, $answer: ID!) {
                organization { name projects { nodes { id } } }
                projects(includeArchived: true) { nodes { id } }
                frameworks { nodes { id } }
                framework(id: $framework) { projects { nodes { id } } }
                documents { nodes { id project { id name } } }
                search(query: \"loses access\") { nodes { document { id } } }
                answer(id: $answer) { citations { document { id } } }
                users { nodes { id } }
                me { organization { name } roles }
            }",
            json!({ "framework": own["frw"], "answer": own["ans"] }),
        )
        .await;
        let only = json!([{ "id": own["prj"] }]);
        assert_eq!(seen["projects"]["nodes"], only);
        assert_eq!(seen["organization"]["projects"]["nodes"], only);
        assert_eq!(seen["framework"]["projects"]["nodes"], only);
        let frameworks = seen["frameworks"]["nodes"].as_array().unwrap();
        assert_eq!(frameworks.len(), 2, "those of the organization");
        assert!(frameworks.contains(&json!({ "id": own["frw"] })));
        assert_eq!(seen["documents"]["nodes"][0]["id"], json!(own["doc"]));
        assert_eq!(seen["documents"]["nodes"].as_array().unwrap().len(), 1);
        let hits = seen["search"]["nodes"].as_array().unwrap();
        assert!(!hits.is_empty());
        assert!(hits.iter().all(|hit| hit["document"]["id"] == json!(own["doc"])), "{hits:?}");
        assert_eq!(seen["answer"]["citations"][0]["document"]["id"], json!(own["doc"]));
        assert_eq!(seen["users"]["nodes"].as_array().unwrap().len(), 1, "themselves");
        assert_eq!(seen["me"]["roles"], json!([]));
        for (text, variables) in [
            ("query($p: ID!) { documents(projectId: $p) { nodes { id } } }", &foreign["prj"]),
            (
                "query($p: ID!) { search(query: \"loses access\", projectId: $p) { nodes { passage } } }",
                &foreign["prj"],
            ),
            (
                "mutation($p: ID!) { ask(input: { question: \"loses access\", projectId: $p }) { answer { id } } }",
                &foreign["prj"],
            ),
        ] {
            let asked = client.query_text::<Value>(text, json!({ "p": variables }));
            let refused = asked.await.unwrap_err();
            assert!(refused.to_string().contains("that you can see"), "{text}: {refused}");
        }
    }
}

/// The routes by which bytes come and go.
async fn routes(people: &[Client], own: &Ids, foreign: &Ids, nowhere: &Ids) {
    let scan = |things: &Ids| {
        (Method::POST, format!("/v1/ingest/prowler?project={}&wait=0", things["prj"]))
    };
    let new =
        |things: &Ids| (Method::POST, format!("/v1/documents?project={}&name=n.md", things["prj"]));
    let version = |things: &Ids| {
        let (project, document) = (&things["prj"], &things["doc"]);
        (Method::POST, format!("/v1/documents?project={project}&document={document}"))
    };
    let get = |path: String| (Method::GET, path);
    for (client, writes) in people.iter().zip([false, true]) {
        let calls = |things: &Ids| {
            vec![
                get(format!("/v1/ingest/runs/{}", things["run"])),
                get(format!("/v1/evidence/{}/versions/1/content", things["evd"])),
                get(format!("/v1/documents/{}", things["doc"])),
                get(format!("/v1/documents/{}/versions/1/content", things["doc"])),
                scan(things),
                new(things),
                version(things),
            ]
        };
        for (method, path) in calls(own) {
            let (status, text) = sent(client, &method, &path).await;
            let may = writes || method == Method::GET;
            let right = match may {
                true => status != StatusCode::FORBIDDEN && status != StatusCode::NOT_FOUND,
                false => status == StatusCode::FORBIDDEN,
            };
            assert!(right && !status.is_server_error(), "{method} {path}: {status} {text}");
        }
        for ((method, path), (_, none)) in calls(foreign).into_iter().zip(calls(nowhere)) {
            let (status, text) = sent(client, &method, &path).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {text}");
            let (status, other) = sent(client, &method, &none).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{method} {none}: {other}");
            assert_eq!(
                words(&text),
                words(&other),
                "{method} {path} tells that there is something"
            );
        }
        // What is theirs does not lead into another project, and tells nothing of one.
        let mut told = Vec::new();
        for project in [&foreign["prj"], &nowhere["prj"]] {
            let mixed = format!("/v1/documents?project={project}&document={}", own["doc"]);
            let (status, text) = sent(client, &Method::POST, &mixed).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{mixed}: {text}");
            told.push(words(&text));
        }
        assert_eq!(told[0], told[1]);
    }
}

/// What a refusal says, without the ids in it.
fn words(text: &str) -> String {
    let answer: Value = serde_json::from_str(text).unwrap();
    let detail = answer["detail"].as_str().unwrap();
    let words = detail.split(' ').filter(|word| word.as_bytes().get(3) != Some(&b'_'));
    words.collect::<Vec<_>>().join(" ")
}

async fn sent(client: &Client, method: &Method, path: &str) -> (StatusCode, String) {
    let mut request = reqwest::Client::new()
        .request(method.clone(), format!("{}{path}", client.url()))
        .bearer_auth(client.tokens().unwrap().access);
    if *method == Method::POST {
        request = request.header("content-type", "text/markdown").body("text");
    }
    let response = request.send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// An access token from before says nothing of projects, and counts for what is known.
#[tokio::test]
async fn a_role_in_a_project_counts_at_once_and_for_keys() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let project = create_project(&owner, "Audited").await;
    let other = create_project(&owner, "Hidden").await;
    let id = add_user(&owner, "keys@example.org", json!({ "roles": ["INTEGRATOR"] })).await;
    let client = signed_in(&server, "keys@example.org").await;
    const CONTROLS: &str = "query($p: ID!) { controls(projectId: $p) { nodes { id } } }";
    let asked = json!({ "p": project });
    let code = |told: Result<_, studio_sdk::Error>| match told {
        Ok::<serde_json::Map<String, Value>, _>(_) => "yes".to_owned(),
        Err(studio_sdk::Error::GraphQl(errors)) => errors[0].code().unwrap().to_owned(),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(code(client.query_text(CONTROLS, asked.clone()).await), "FORBIDDEN");
    changed(&owner, json!({ "userId": id, "projectId": project, "give": ["AUDITOR"] })).await;
    assert_eq!(code(client.query_text(CONTROLS, asked.clone()).await), "yes");
    let made = mutate(
        &client,
        "mutation($input: CreateApiKeyInput!) { createApiKey(input: $input) { secret userErrors { code message path } } }",
        json!({ "name": "reads", "scopes": ["controls:*:read"] }),
    )
    .await;
    let secret = made["secret"].as_str().unwrap().to_owned();
    changed(&owner, json!({ "userId": id, "take": ["INTEGRATOR"] })).await;
    let asks = |text: &'static str| {
        let request = reqwest::Client::new().post(format!("{}/graphql", server.url));
        let request = request.bearer_auth(&secret).json(&json!({ "query": text }));
        async move { request.send().await.unwrap().json::<Value>().await.unwrap() }
    };
    until("the key to know", || async {
        let seen = asks("{ projects { nodes { id } } }").await;
        (seen["data"]["projects"]["nodes"] == json!([{ "id": project }])).then_some(())
    })
    .await;
    // Taken, it is over at once; another project is another one.
    changed(&owner, json!({ "userId": id, "projectId": other, "give": ["AUDITOR"] })).await;
    changed(&owner, json!({ "userId": id, "projectId": project, "take": ["AUDITOR"] })).await;
    let seen = query(&client, "{ projects { nodes { id } } }", json!({})).await;
    assert_eq!(seen["projects"]["nodes"], json!([{ "id": other }]));
    assert_eq!(code(client.query_text(CONTROLS, asked.clone()).await), "NOT_FOUND");
    changed(&owner, json!({ "userId": id, "projectId": project, "give": ["AUDITOR"] })).await;
    changed(&owner, json!({ "userId": id, "projectId": other, "take": ["AUDITOR"] })).await;
    assert_eq!(code(client.query_text(CONTROLS, asked).await), "yes");
    // A server that starts anew knows it too, whoever is signed in.
    let server = {
        server.stop();
        installation.start()
    };
    let again = Client::new(&server.url).unwrap();
    again.log_in("keys@example.org", PASSWORD).await.unwrap();
    let seen = query(&again, "{ projects { nodes { id } } }", json!({})).await;
    assert_eq!(seen["projects"]["nodes"], json!([{ "id": project }]));
    let text = Upload::Bytes(b"nothing".to_vec());
    assert!(again.upload_document(&project, "a.md", "text/markdown", text).await.is_err());
}
