//! The GraphQL side.

use serde_json::{Value, json};
use studio_kernel::{Id, Role, kind};

use crate::support::World;

#[tokio::test]
async fn lists_pages_and_links() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let mut ids = Vec::new();
    for number in 0..3 {
        world.clock.advance_micros(1_000_000);
        let query = format!("project={project}&name={number}.md");
        let (_, answer) = world.upload(&owner, &query, "text/markdown", number.to_string()).await;
        ids.push(answer["document"]["id"].as_str().unwrap().to_owned());
    }
    let query = format!("project={project}&document={}", ids[0]);
    world.upload(&owner, &query, "text/markdown", "newer").await;

    let query = format!(
        "{{ documents(projectId: \"{project}\", first: 2) {{
            nodes {{ id name project {{ id }} newest {{ number mediaType size searchable contentUrl
                uploadedBy {{ id }} document {{ id }} }}
                versions(first: 1) {{ nodes {{ number }} pageInfo {{ hasNextPage endCursor }} }} }}
            pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let answer = world.graphql(Some(&owner), &query).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    let page = &answer["data"]["documents"];
    let first = &page["nodes"][0];
    assert_eq!(first["id"], ids[0]);
    assert_eq!(first["newest"]["number"], 2);
    assert_eq!(first["newest"]["document"]["id"], ids[0]);
    assert_eq!(first["newest"]["uploadedBy"]["id"], owner.user_id().unwrap().to_string());
    assert_eq!(first["newest"]["searchable"], true);
    assert_eq!(first["versions"]["nodes"][0]["number"], 2);
    assert_eq!(first["versions"]["pageInfo"]["hasNextPage"], true);
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let cursor = page["pageInfo"]["endCursor"].as_str().unwrap();
    let query = format!("{{ documents(first: 2, after: \"{cursor}\") {{ nodes {{ id }} }} }}");
    let answer = world.graphql(Some(&owner), &query).await;
    assert_eq!(answer["data"]["documents"]["nodes"], json!([{ "id": ids[2] }]));

    let control = world.env.id::<kind::Control>();
    for _ in 0..2 {
        let answer = link(&world, &ids[1], &control.to_string()).await;
        assert_eq!(answer["document"]["controls"], json!([{ "id": control.to_string() }]));
    }
    let of_control = format!(
        "{{ _entities(representations: [{{ __typename: \"Control\", id: \"{control}\" }}]) {{
            ... on Control {{ documents {{ nodes {{ id }} }} }} }} }}"
    );
    let answer = world.graphql(Some(&owner), &of_control).await;
    assert_eq!(answer["data"]["_entities"][0]["documents"]["nodes"], json!([{ "id": ids[1] }]));
    let stranger = world.graphql(Some(&world.owner()), &of_control).await;
    assert_eq!(stranger["data"]["_entities"][0]["documents"]["nodes"], json!([]));
    let unlink = format!(
        "mutation {{ unlinkDocument(input: {{ documentId: \"{}\", controlId: \"{control}\" }})
            {{ document {{ controls {{ id }} }} }} }}",
        ids[1]
    );
    let answer = world.graphql(Some(&owner), &unlink).await;
    assert_eq!(answer["data"]["unlinkDocument"]["document"]["controls"], json!([]));
    world.close().await;

    async fn link(world: &World, document: &str, control: &str) -> Value {
        let tenant = tenant_of(world).await;
        let owner = world.member(tenant, Role::Owner);
        let query = format!(
            "mutation {{ linkDocument(input: {{ documentId: \"{document}\", controlId: \"{control}\" }})
                {{ document {{ controls {{ id }} }} userErrors {{ code path }} }} }}"
        );
        world.graphql(Some(&owner), &query).await["data"]["linkDocument"].clone()
    }

    async fn tenant_of(world: &World) -> studio_kernel::TenantId {
        world.store.read(0, 1).await.unwrap()[0].tenant
    }
}

#[tokio::test]
async fn refuses_with_codes() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let query = format!("project={project}&name=a");
    let (_, answer) = world.upload(&owner, &query, "text/plain", "ours").await;
    let document = answer["document"]["id"].as_str().unwrap();
    let version = answer["version"]["id"].as_str().unwrap();
    let control = world.env.id::<kind::Control>();
    let read = format!("{{ document(id: \"{document}\") {{ name }} }}");
    let code = |answer: Value| answer["errors"][0]["extensions"]["code"].clone();

    assert_eq!(code(world.graphql(None, &read).await), "UNAUTHENTICATED");
    let stranger = world.owner();
    assert_eq!(world.graphql(Some(&stranger), &read).await["data"]["document"], Value::Null);
    let viewer = world.member(owner.tenant, Role::Viewer);
    assert_eq!(world.graphql(Some(&viewer), &read).await["data"]["document"]["name"], "a");
    let bad = "{ document(id: \"ctl_1\") { name } }";
    assert_eq!(code(world.graphql(Some(&owner), bad).await), "BAD_REQUEST");
    let bad = "{ documents(first: 101) { nodes { id } } }";
    assert_eq!(code(world.graphql(Some(&owner), bad).await), "BAD_REQUEST");
    let bad = "{ documents(after: \"!\") { nodes { id } } }";
    assert_eq!(code(world.graphql(Some(&owner), bad).await), "BAD_REQUEST");

    let list = format!("{{ documents(projectId: \"{project}\") {{ nodes {{ id }} }} }}");
    let own = world.graphql(Some(&owner), &list).await;
    assert_eq!(own["data"]["documents"]["nodes"][0]["id"], document);
    assert_eq!(code(world.graphql(Some(&stranger), &list).await), "NOT_FOUND");

    let link = |document: &str, control: &str| {
        format!(
            "mutation {{ linkDocument(input: {{ documentId: \"{document}\", controlId: \"{control}\" }})
                {{ document {{ id }} userErrors {{ code path message }} }} }}"
        )
    };
    let mutation = link(document, &control.to_string());
    assert_eq!(code(world.graphql(Some(&viewer), &mutation).await), "FORBIDDEN");
    assert_eq!(code(world.graphql(None, &mutation).await), "UNAUTHENTICATED");
    let answer = world.graphql(Some(&stranger), &mutation).await;
    assert_eq!(answer["data"]["linkDocument"]["userErrors"][0]["code"], "NOT_FOUND");
    let answer = world.graphql(Some(&owner), &link("doc_1", "ctl_1")).await;
    let errors = &answer["data"]["linkDocument"]["userErrors"];
    assert_eq!(errors[0]["path"], json!(["input", "documentId"]));
    assert_eq!(errors[1]["path"], json!(["input", "controlId"]));

    let entities = format!(
        "{{ _entities(representations: [{{ __typename: \"DocumentVersion\", id: \"{version}\" }},
            {{ __typename: \"Document\", id: \"{}\" }}]) {{
            ... on DocumentVersion {{ number }} ... on Document {{ name }} }} }}",
        world.env.id::<kind::Document>()
    );
    let answer = world.graphql(Some(&owner), &entities).await;
    assert_eq!(answer["data"]["_entities"], json!([{ "number": 1 }, null]));
    let answer = world.graphql(Some(&stranger), &entities).await;
    assert_eq!(answer["data"]["_entities"], json!([null, null]));
    world.close().await;
}

#[tokio::test]
async fn a_project_of_a_moment_ago_is_known() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    // Create, then upload, at once and again and again: the project is always known.
    for _ in 0..20 {
        let project: Id<kind::Project> = world.project(owner.tenant).await;
        let query = format!("project={project}&name=a");
        assert_eq!(world.upload(&owner, &query, "text/plain", "x").await.0, 201);
    }
    world.close().await;
}

#[tokio::test]
async fn every_field_is_described() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let sdl = world.sdl();
    for part in [
        "type Document @key(fields: \"id\")",
        "type DocumentVersion @key(fields: \"id\")",
        "type Control @key(fields: \"id\")",
        "type User @key(fields: \"id\", resolvable: false)",
    ] {
        assert!(sdl.contains(part), "{part} is missing in\n{sdl}");
    }
    let introspection = "{ __schema { types { name fields { name description } } } }";
    let answer = world.graphql(Some(&world.owner()), introspection).await;
    let ours = [
        "Query",
        "Mutation",
        "Document",
        "DocumentVersion",
        "Control",
        "Project",
        "User",
        "LinkDocumentPayload",
        "UnlinkDocumentPayload",
    ];
    for kind in answer["data"]["__schema"]["types"].as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        for field in
            kind["fields"].as_array().filter(|_| ours.contains(&name)).into_iter().flatten()
        {
            let field_name = field["name"].as_str().unwrap();
            let described = field["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described || field_name.starts_with('_'), "{name}.{field_name}");
        }
    }
    world.close().await;
}
