//! Two organizations on one server never see each other.

use serde_json::{Value, json};
use studio_sdk::{Client, Error, Upload};

use crate::support::{Installation, adopt, create_project, import_builtin, query};

/// Makes a second organization, as the operator of a server does, and signs its owner in.
async fn second_organization(installation: &Installation) -> (crate::support::Server, Client) {
    let arguments = [
        "organization",
        "create",
        "--name",
        "Rival",
        "--owner-name",
        "Grace Hopper",
        "--owner-email",
        "grace@example.net",
    ];
    let printed = installation.run_with_password(&arguments, "another long password");
    assert!(printed.contains("Rival"), "{printed}");
    let server = installation.start();
    let client = Client::new(&server.url).unwrap();
    client.log_in("grace@example.net", "another long password").await.unwrap();
    (server, client)
}

#[tokio::test]
async fn nothing_of_one_organization_is_visible_to_another() {
    let installation = Installation::empty();
    let (server, first) = installation.set_up().await;
    let project = create_project(&first, "Secret project").await;
    let framework = import_builtin(&first, "soc2-2017").await;
    adopt(&first, &project, &framework).await;
    let uploaded = first
        .upload_document(
            &project,
            "plan.md",
            "text/markdown",
            Upload::Bytes(b"A secret plan about launches.".to_vec()),
        )
        .await
        .unwrap();
    let data = query(
        &first,
        "query($p: ID!) { controls(projectId: $p, first: 1) { nodes { id } } me { id } }",
        json!({ "p": project }),
    )
    .await;
    let control = data["controls"]["nodes"][0]["id"].clone();
    let user = data["me"]["id"].clone();
    let scan = installation.run(&["demo", "scan"]).into_bytes();
    let run = first.ingest_prowler(&project, Upload::Bytes(scan)).await.unwrap().run;
    let evidence = run["evidence"]["links"]["content"].as_str().unwrap();
    server.stop();

    let (server, second) = second_organization(&installation).await;
    let data = query(
        &second,
        "query($project: ID!, $control: ID!, $framework: ID!, $document: ID!) {
            projects { nodes { id } }
            frameworks { nodes { id } }
            project(id: $project) { name }
            control(id: $control) { title }
            framework(id: $framework) { name }
            document(id: $document) { name }
            search(query: \"secret\") { nodes { passage } }
            users { nodes { id } }
        }",
        json!({ "project": project, "control": control, "framework": framework, "document": uploaded["document"]["id"] }),
    )
    .await;
    for lookup in ["project", "control", "framework", "document"] {
        assert_eq!(data[lookup], Value::Null, "{lookup}");
    }
    for list in ["projects", "frameworks", "search"] {
        assert_eq!(data[list]["nodes"], json!([]), "{list}");
    }
    assert_eq!(data["users"]["nodes"].as_array().unwrap().len(), 1);
    assert_ne!(data["users"]["nodes"][0]["id"], user);

    // Writing into another organization's project is no more possible than into one that is not.
    match second.ingest_prowler(&project, Upload::Bytes(b"[]".to_vec())).await {
        Err(Error::Refused { status: 404, code, .. }) => assert_eq!(code, "NOT_FOUND"),
        other => panic!("{other:?}"),
    }
    match second
        .upload_document(&project, "x.md", "text/markdown", Upload::Bytes(b"x".to_vec()))
        .await
    {
        Err(Error::Refused { status: 404, code, .. }) => assert_eq!(code, "NOT_FOUND"),
        other => panic!("{other:?}"),
    }
    let retire = "mutation($input: RetireControlInput!) { retireControl(input: $input) { control { id } userErrors { code message path } } }";
    let input = json!({ "id": control, "expectedVersion": 1, "reason": "mischief" });
    let refused = second.query_text::<Value>(retire, json!({ "input": input })).await;
    match refused {
        Err(error) => assert_eq!(error.code(), Some("NOT_FOUND"), "{error}"),
        Ok(data) => assert_eq!(data["retireControl"]["control"], Value::Null, "{data}"),
    }
    let subscribed = second
        .query_text::<Value>(
            "query($p: ID!, $f: ID!) { project(id: $p) { score(frameworkId: $f) { headline } } }",
            json!({ "p": project, "f": framework }),
        )
        .await
        .unwrap();
    assert_eq!(subscribed["project"], Value::Null);

    match second.get(evidence).await {
        Err(Error::Refused { status: 404, code, .. }) => assert_eq!(code, "NOT_FOUND"),
        other => panic!("{other:?}"),
    }

    lists_are_not_found(&second, &project).await;

    // The first organization is as it was.
    let first = server.client().await;
    let data =
        query(&first, "query($c: ID!) { control(id: $c) { retired } }", json!({ "c": control }))
            .await;
    assert_eq!(data["control"]["retired"], false);
}

/// Each list of a project answers the same whether the project is another organization's or there
/// is none of that id.
async fn lists_are_not_found(client: &Client, foreign: &str) {
    let nobody = "prj_00000000000070008000000000000000";
    for list in [
        "controls(projectId: $p) { nodes { id } }",
        "findings(projectId: $p) { nodes { id } }",
        "assets(projectId: $p) { nodes { id } }",
        "ingestRuns(projectId: $p) { nodes { id } }",
        "documents(projectId: $p) { nodes { id } }",
    ] {
        let text = format!("query($p: ID!) {{ {list} }}");
        let mut told = Vec::new();
        for project in [foreign, nobody] {
            match client.query_text::<Value>(&text, json!({ "p": project })).await {
                Err(error) => {
                    assert_eq!(error.code(), Some("NOT_FOUND"), "{list}: {error}");
                    told.push(error.to_string().replace(project, "<id>"));
                }
                Ok(data) => panic!("{list} of {project} answers {data}"),
            }
        }
        assert_eq!(told[0], told[1], "{list}");
    }
    // An id that is none is told as that.
    let text = "{ findings(projectId: \"production\") { nodes { id } } }";
    let error = client.query_text::<Value>(text, json!({})).await.unwrap_err();
    assert_eq!(error.code(), Some("BAD_REQUEST"), "{error}");
    assert!(error.to_string().contains("production"), "{error}");
}

#[tokio::test]
async fn whoever_is_not_signed_in_sees_nothing() {
    let installation = Installation::empty();
    let (server, client) = installation.set_up().await;
    let project = create_project(&client, "Secret project").await;
    let stranger = Client::new(&server.url).unwrap();
    for text in [
        "{ me { id } }".to_owned(),
        "{ organization { id } }".to_owned(),
        "{ projects { nodes { id } } }".to_owned(),
        format!("{{ project(id: \"{project}\") {{ name }} }}"),
        format!("{{ findings(projectId: \"{project}\") {{ nodes {{ id }} }} }}"),
        format!("{{ documents(projectId: \"{project}\") {{ nodes {{ id }} }} }}"),
        "{ search(query: \"plan\") { nodes { passage } } }".to_owned(),
    ] {
        match stranger.query_text::<Value>(&text, json!({})).await {
            Err(error) => assert_eq!(error.code(), Some("UNAUTHENTICATED"), "{text}: {error}"),
            Ok(data) => panic!("{text} answers {data}"),
        }
    }
    // A session that has ended is no session, at once.
    query(&client, "mutation { logOut { userErrors { code } } }", json!({})).await;
    let refused = client.query_text::<Value>("{ me { id } }", json!({})).await.unwrap_err();
    assert_eq!(refused.code(), Some("UNAUTHENTICATED"));
}
