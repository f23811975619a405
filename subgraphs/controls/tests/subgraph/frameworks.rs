//! Importing and adopting frameworks.

use axum::{
    Extension,
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::json;
use tower::ServiceExt;

use super::support::{World, member, moderate};

#[tokio::test]
async fn a_baseline_is_imported_once_and_adopted_with_a_control_for_each_requirement() {
    let Some(document) = moderate() else { return };
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let framework = world.import(&document).await;
    let again = world
        .ask(
            "mutation($d: String!) { importFramework(input: {document: $d}) {
                imported framework { id requirementCount family version } } }",
            json!({ "d": document }),
        )
        .await;
    assert_eq!(again["importFramework"]["imported"], false);
    assert_eq!(again["importFramework"]["framework"]["id"], framework.as_str());
    assert_eq!(again["importFramework"]["framework"]["requirementCount"], 287);
    assert_eq!(again["importFramework"]["framework"]["family"], "nist-800-53");

    let appends = world.last().await;
    world.adopt(&project, &framework, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    assert!(world.last().await - appends <= 3, "one append, and its score");
    let page = world
        .ask(
            "query($p: ID!) { controls(projectId: $p, first: 100) {
                nodes { code title implementation version requirements { nodes { code } } }
                pageInfo { hasNextPage endCursor } }
              project(id: $p) { frameworks { id } } }",
            json!({ "p": project }),
        )
        .await;
    let nodes = page["controls"]["nodes"].as_array().unwrap();
    assert_eq!((nodes.len(), &page["controls"]["pageInfo"]["hasNextPage"]), (100, &json!(true)));
    assert_eq!(nodes[0]["code"], "AC-1");
    assert_eq!(nodes[2]["code"], "AC-2(1)");
    assert_eq!(nodes[2]["requirements"]["nodes"], json!([{ "code": "ac-2.1" }]));
    assert_eq!(nodes[2]["implementation"], "IMPLEMENTED");
    assert_eq!(page["project"]["frameworks"], json!([{ "id": framework }]));
    let cursor = page["controls"]["pageInfo"]["endCursor"].as_str().unwrap();
    let next = world
        .ask(
            "query($p: ID!, $a: String!) { controls(projectId: $p, first: 100, after: $a) {
                nodes { code } } }",
            json!({ "p": project, "a": cursor }),
        )
        .await;
    assert_eq!(next["controls"]["nodes"].as_array().unwrap().len(), 100);
    assert_ne!(next["controls"]["nodes"][0]["code"], nodes[99]["code"]);

    // Nothing is known: everything is possible and nothing proven.
    let score = world.score(&project, &framework, "").await;
    assert_eq!(
        score["headline"],
        "0.0 [0.0–100.0], coverage 0 %, 0 satisfied / 0 not / 287 undetermined"
    );
    world.close().await;
}

#[tokio::test]
async fn what_cannot_be_imported_or_adopted_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let import = "mutation($d: String, $b: String) {
        importFramework(input: {document: $d, builtin: $b}) {
            framework { id } userErrors { code message path } } }";
    let head = world.last().await;
    for (variables, field, expected) in [
        (json!({}), "document", "either document or builtin"),
        (json!({ "d": "{", "b": "soc2" }), "document", "either document or builtin"),
        (json!({ "b": "pci" }), "builtin", "iso27001-2022 or soc2-2017"),
        (json!({ "d": "{\"catalog\": {\"uuid\"" }), "document", "ends too early"),
        (json!({ "d": "{\"profile\": {}}" }), "document", "resolve it first"),
        (json!({ "d": "{\"catalog\": {\"metadata\": 7}}" }), "document", "/catalog/metadata"),
    ] {
        let answer = world.ask(import, variables.clone()).await;
        let errors = &answer["importFramework"]["userErrors"];
        assert_eq!(errors[0]["path"], json!(["input", field]), "{variables}");
        let message = errors[0]["message"].as_str().unwrap();
        assert!(message.contains(expected), "{message}");
        assert!(answer["importFramework"]["framework"].is_null());
    }
    assert_eq!(world.last().await, head, "nothing is left behind");

    let adopt = "mutation($p: ID!, $f: ID!) {
        adoptFramework(input: {projectId: $p, frameworkId: $f}) {
            controlsCreated userErrors { code path } } }";
    let soc2 = world.builtin("soc2").await;
    let nowhere = format!("prj_{:032x}", 77);
    let errors = world.ask(adopt, json!({ "p": nowhere, "f": soc2 })).await;
    assert_eq!(
        errors["adoptFramework"]["userErrors"],
        json!([{ "code": "NOT_FOUND", "path": ["input", "projectId"] }])
    );
    let nothing = format!("frw_{:032x}", 77);
    let errors = world.ask(adopt, json!({ "p": project, "f": nothing })).await;
    assert_eq!(
        errors["adoptFramework"]["userErrors"],
        json!([{ "code": "NOT_FOUND", "path": ["input", "frameworkId"] }])
    );
    let made = world.ask(adopt, json!({ "p": project, "f": soc2 })).await;
    assert_eq!(made["adoptFramework"]["controlsCreated"], 61);
    let errors = world.ask(adopt, json!({ "p": project, "f": soc2 })).await;
    assert_eq!(errors["adoptFramework"]["userErrors"][0]["code"], "ALREADY_EXISTS");
    assert_eq!(world.code(adopt, json!({ "p": soc2, "f": soc2 })).await, "BAD_REQUEST");
    world.close().await;
}

#[tokio::test]
async fn a_document_comes_as_it_was_published_over_rest() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let document = include_str!("../../../../catalogs/soc2-2017.json");
    let send = |actor: Option<studio_kernel::Actor>, body: &'static str| {
        let routes = match actor {
            Some(actor) => world.routes.clone().layer(Extension(actor)),
            None => world.routes.clone(),
        };
        let request = Request::post("/v1/frameworks").body(Body::from(body)).unwrap();
        async move { routes.oneshot(request).await.unwrap() }
    };
    assert_eq!(send(None, document).await.status(), StatusCode::UNAUTHORIZED);
    let viewer = member(1, studio_kernel::Role::Viewer);
    assert_eq!(send(Some(viewer), document).await.status(), StatusCode::FORBIDDEN);
    let owner = || Some(world.owner.clone());
    assert_eq!(send(owner(), "{").await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(send(owner(), document).await.status(), StatusCode::CREATED);
    assert_eq!(send(owner(), document).await.status(), StatusCode::OK);
    world.close().await;
}
