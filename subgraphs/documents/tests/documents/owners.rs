//! Who uploads a document changes it; others with the same role do not.

use serde_json::Value;
use studio_kernel::{Actor, ProjectRoles, Role, kind};

use crate::support::World;

#[tokio::test]
async fn a_contributor_changes_the_own_documents() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let ana = world.member(owner.tenant, Role::Contributor);
    let ben = world.member(owner.tenant, Role::ControlOwner);
    let scanner = world.member(owner.tenant, Role::Integrator);
    let (status, made) =
        world.upload(&ana, &format!("project={project}&name=a.txt"), "text/plain", "one").await;
    assert_eq!(status, 201, "{made}");
    let document = made["document"]["id"].as_str().unwrap();
    let query = format!("project={project}&document={document}");
    let (status, answer) = world.upload(&ana, &query, "text/plain", "two").await;
    assert_eq!(status, 201, "{answer}");

    let head = world.store.head();
    let (status, answer) = world.upload(&ben, &query, "text/plain", "three").await;
    assert_eq!((status, &answer["code"]), (403, &Value::from("FORBIDDEN")));
    let nothing = format!("project={project}&document={}", world.env.id::<kind::Document>());
    assert_eq!(world.upload(&ana, &nothing, "text/plain", "x").await.0, 403);
    let control = world.env.id::<kind::Control>();
    let link = format!(
        "mutation {{ linkDocument(input: {{ documentId: \"{document}\", controlId: \"{control}\" }}) {{
            userErrors {{ code }} }} }}"
    );
    for actor in [&ben, &scanner] {
        let answer = world.graphql(Some(actor), &link).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    }
    assert_eq!(world.store.head(), head, "a refusal records nothing");

    let answer = world.graphql(Some(&ana), &link).await;
    assert!(answer.get("errors").is_none(), "{answer}");
    // It stays hers when somebody else adds a version.
    for (actor, text) in [(&scanner, "four"), (&owner, "five"), (&ana, "six")] {
        let (status, answer) = world.upload(actor, &query, "text/plain", text).await;
        assert_eq!(status, 201, "{answer}");
    }
    assert_eq!(world.upload(&ben, &query, "text/plain", "seven").await.0, 403);
    world.close().await;
}

#[tokio::test]
async fn a_role_in_one_project_shows_nothing_of_another() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let (here, there) = (world.project(owner.tenant).await, world.project(owner.tenant).await);
    let roles = vec![Role::ControlOwner];
    let ana = Actor { roles: vec![], ..world.member(owner.tenant, Role::Viewer) }
        .in_projects(vec![ProjectRoles { project: here, roles }]);
    let nothing = "00000000000070008000000000000000";
    let control = format!("ctl_{nothing}");
    let mut documents = Vec::new();
    for project in [here, there] {
        let query = format!("project={project}&name=a.txt");
        let (_, made) = world.upload(&owner, &query, "text/plain", "words").await;
        let (document, version) = (made["document"]["id"].clone(), made["version"]["id"].clone());
        let link = format!(
            "mutation {{ linkDocument(input: {{ documentId: {document}, controlId: \"{control}\" }}) {{ userErrors {{ code }} }} }}"
        );
        world.graphql(Some(&owner), &link).await;
        documents.push((project.to_string(), document, version));
    }
    documents.push((
        format!("prj_{nothing}"),
        Value::from(format!("doc_{nothing}")),
        Value::from(format!("dvr_{nothing}")),
    ));
    let mut seen = Vec::new();
    for (project, document, version) in &documents {
        let text = format!(
            "{{ document(id: {document}) {{ name }} _entities(representations: [
                {{ __typename: \"Document\", id: {document} }},
                {{ __typename: \"DocumentVersion\", id: {version} }}]) {{ __typename }} }}"
        );
        let found = world.graphql(Some(&ana), &text).await;
        let of = format!("{{ documents(projectId: \"{project}\") {{ nodes {{ name }} }} }}");
        let listed = world.graphql(Some(&ana), &of).await;
        let id = document.as_str().unwrap();
        let mut codes = Vec::new();
        for path in
            [format!("/v1/documents/{id}"), format!("/v1/documents/{id}/versions/1/content")]
        {
            codes.push(world.get(&ana, &path).await.status().as_u16());
        }
        for query in
            [format!("project={project}&name=b.txt"), format!("project={project}&document={id}")]
        {
            codes.push(world.upload(&ana, &query, "text/plain", "more").await.0);
        }
        let link = format!(
            "mutation {{ unlinkDocument(input: {{ documentId: {document}, controlId: \"{control}\" }}) {{ userErrors {{ code }} }} }}"
        );
        let linked = world.graphql(Some(&ana), &link).await;
        let code = |answer: &Value| answer["errors"][0]["extensions"]["code"].clone();
        seen.push((found["data"].clone(), code(&listed), codes, code(&linked)));
    }
    assert_eq!(seen[0].0["document"]["name"], "a.txt");
    // What somebody else uploaded there is seen and not changed.
    assert_eq!(
        (&seen[0].2[..], &seen[0].3),
        (&[200, 200, 201, 403][..], &Value::from("FORBIDDEN"))
    );
    assert_eq!(seen[1], seen[2], "what is elsewhere looks like what is nowhere");
    assert_eq!(seen[1].0["_entities"], serde_json::json!([null, null]));
    assert_eq!(
        (&seen[1].1, &seen[1].2[..]),
        (&Value::from("NOT_FOUND"), &[404, 404, 404, 404][..])
    );
    let text = format!(
        "{{ documents {{ nodes {{ project {{ id }} }} }} _entities(representations: [
            {{ __typename: \"Control\", id: \"{control}\" }}]) {{ ... on Control {{ documents {{ nodes {{ id }} }} }} }} }}"
    );
    let lists = world.graphql(Some(&ana), &text).await;
    let listed = lists["data"]["documents"]["nodes"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "and the one that they uploaded");
    assert!(listed.iter().all(|it| it["project"]["id"] == documents[0].0));
    let linked = &lists["data"]["_entities"][0]["documents"]["nodes"];
    assert_eq!(linked, &serde_json::json!([{ "id": documents[0].1 }]));
    // A document cannot be moved into the own project by a new version.
    let mixed = format!("project={here}&document={}", documents[1].1.as_str().unwrap());
    assert_eq!(world.upload(&ana, &mixed, "text/plain", "mine").await.0, 404);
    world.close().await;
}
