//! A server of one's own for each test: the real binary, a real socket, an empty data folder.

mod archive;
mod authenticator;
mod browser_login;
mod checked;
#[allow(dead_code, reason = "the tests of faults, which need real servers, use all of it")]
mod cluster;
#[allow(dead_code, reason = "the tests of faults, which need real servers, use all of it")]
mod cut;
mod damage;
mod fixtures;
mod kept;
mod server;
mod shape;
mod world;

pub(crate) use archive::downloads_between;
pub(crate) use authenticator::enrol;
pub(crate) use browser_login::Waiting;
pub(crate) use checked::config_check;
#[allow(unused_imports, reason = "the tests of faults cut wires")]
pub(crate) use cluster::{Between, POSTGRES, host};
#[allow(unused_imports, reason = "the tests of faults cut wires")]
pub(crate) use cut::Wire;
#[allow(unused_imports, reason = "the embedded tests look at the status")]
pub(crate) use damage::verify_status;
pub(crate) use damage::{cut_off, number, store, verify};
pub(crate) use fixtures::{Scan, data_file, recent};
pub(crate) use server::{EMAIL, Installation, PASSWORD, Server};
#[allow(unused_imports, reason = "the tests with real servers choose it")]
pub(crate) use shape::{MASTER_KEY, Shape, Stores};
pub(crate) use world::{PERSON, World};

use std::time::Duration;

use serde_json::{Value, json};
use studio_sdk::Client;

/// How long anything may take before a test gives up. Not a measure: only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Sends a query and gives `data`; errors fail the test.
pub(crate) async fn query(client: &Client, text: &str, variables: Value) -> Value {
    match client.query_text::<Value>(text, variables).await {
        Ok(data) => data,
        Err(error) => panic!("{error}\nin {text}"),
    }
}

/// Sends a mutation of one field and gives its payload; user errors fail the test.
pub(crate) async fn mutate(client: &Client, text: &str, input: Value) -> Value {
    let data = query(client, text, json!({ "input": input })).await;
    let payload = data.as_object().and_then(|data| data.values().next()).cloned().unwrap();
    assert_eq!(payload["userErrors"], json!([]), "{text}");
    payload
}

/// Asks again until the answer is there; a hang fails the test and says what it waited for.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let waiting = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(found) => found,
        Err(_) => panic!("waited in vain for {what}"),
    }
}

/// Makes a project, by its name.
pub(crate) async fn create_project(client: &Client, name: &str) -> String {
    let made = mutate(
        client,
        "mutation($input: CreateProjectInput!) { createProject(input: $input) { project { id } userErrors { code message path } } }",
        json!({ "name": name }),
    )
    .await;
    made["project"]["id"].as_str().unwrap().to_owned()
}

/// Imports a framework document and gives its id.
pub(crate) async fn import_framework(client: &Client, document: &str) -> String {
    let made = mutate(
        client,
        "mutation($input: ImportFrameworkInput!) { importFramework(input: $input) { framework { id requirementCount } userErrors { code message path } } }",
        json!({ "document": document }),
    )
    .await;
    made["framework"]["id"].as_str().unwrap().to_owned()
}

/// Imports a framework that ships with Studio and gives its id.
pub(crate) async fn import_builtin(client: &Client, builtin: &str) -> String {
    let made = mutate(
        client,
        "mutation($input: ImportFrameworkInput!) { importFramework(input: $input) { framework { id } userErrors { code message path } } }",
        json!({ "builtin": builtin }),
    )
    .await;
    made["framework"]["id"].as_str().unwrap().to_owned()
}

/// Adopts a framework with one implemented control per requirement.
pub(crate) async fn adopt(client: &Client, project: &str, framework: &str) -> Value {
    mutate(
        client,
        "mutation($input: AdoptFrameworkInput!) { adoptFramework(input: $input) { controlsCreated userErrors { code message path } } }",
        json!({
            "projectId": project,
            "frameworkId": framework,
            "controls": "ONE_PER_REQUIREMENT",
            "implementation": "IMPLEMENTED",
        }),
    )
    .await
}

/// The numbers of a score, exact.
pub(crate) async fn score(client: &Client, project: &str, framework: &str, when: Value) -> Value {
    let mut variables = json!({ "project": project, "framework": framework });
    for (name, value) in when.as_object().into_iter().flatten() {
        variables[name] = value.clone();
    }
    let data = query(
        client,
        "query($project: ID!, $framework: ID!, $asOf: DateTime, $at: DateTime) {
            project(id: $project) {
                score(frameworkId: $framework, asOf: $asOf, at: $at) {
                    exact { lo hi coverage } headline satisfied otherThanSatisfied undetermined
                }
            }
        }",
        variables,
    )
    .await;
    data["project"]["score"].clone()
}
