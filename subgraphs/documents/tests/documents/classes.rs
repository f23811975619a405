//! How closely documents are kept: who sees what, who says so, and what was recorded before there were
//! classes.

use serde_json::{Value, json};
use studio_events::{Append, EventData, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, DataClass, Id, ProjectRoles, Role, TenantId, kind};

use crate::support::World;

fn code(answer: &Value) -> Value {
    answer["errors"][0]["extensions"]["code"].clone()
}

/// Uploads a document of that class and gives its id.
async fn upload(
    world: &World,
    actor: &Actor,
    project: Id<kind::Project>,
    class: DataClass,
) -> String {
    let query = format!("project={project}&name={class}.txt&dataClass={class}");
    let (status, made) = world.upload(actor, &query, "text/plain", class.wire()).await;
    assert_eq!((status, &made["document"]["dataClass"]), (201, &json!(class.wire())), "{made}");
    made["document"]["id"].as_str().unwrap().to_owned()
}

/// The names of the documents on all pages of two, and how many pages there are.
async fn listed(world: &World, actor: &Actor) -> (Vec<String>, usize) {
    let (mut names, mut pages, mut after) = (Vec::new(), 0, String::new());
    loop {
        let text = format!(
            "{{ documents(first: 2{after}) {{ nodes {{ name }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let answer = world.graphql(Some(actor), &text).await;
        let page = &answer["data"]["documents"];
        let nodes = page["nodes"].as_array().unwrap_or_else(|| panic!("{answer}"));
        names.extend(nodes.iter().map(|it| it["name"].as_str().unwrap().to_owned()));
        pages += 1;
        if page["pageInfo"]["hasNextPage"] == false {
            return (names, pages);
        }
        assert_eq!(nodes.len(), 2, "a page that is not the last is full");
        after = format!(", after: {}", page["pageInfo"]["endCursor"]);
    }
}

async fn classify(world: &World, actor: &Actor, id: &str, class: &str, expected: u32) -> Value {
    let text = format!(
        "mutation {{ classifyDocument(input: {{ documentId: \"{id}\", dataClass: {class}, expectedVersion: {expected} }}) {{
            document {{ dataClass dataClassVersion }} userErrors {{ code message path }} }} }}"
    );
    world.graphql(Some(actor), &text).await
}

#[tokio::test]
async fn each_role_sees_what_it_reads_and_nothing_else_exists() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let tenant = owner.tenant;
    let project = world.project(tenant).await;
    let control: Id<kind::Control> = world.env.id();
    let ana = world.member(tenant, Role::Contributor);
    let mut all = Vec::new();
    for class in DataClass::ALL {
        all.push((class, upload(&world, &owner, project, class).await));
    }
    let hers = upload(&world, &ana, project, DataClass::Restricted).await;
    all.push((DataClass::Restricted, hers.clone()));
    // Lists are in the order of ids, and these were made at one instant.
    all.sort_by(|one, other| one.1.cmp(&other.1));
    for (_, id) in &all {
        let link = format!(
            "mutation {{ linkDocument(input: {{ documentId: \"{id}\", controlId: \"{control}\" }}) {{ userErrors {{ code }} }} }}"
        );
        let linked = world.graphql(Some(&owner), &link).await;
        assert_eq!(linked["data"]["linkDocument"]["userErrors"], json!([]));
    }
    let there = Actor { roles: vec![], ..ana.clone() }
        .in_projects(vec![ProjectRoles { project, roles: vec![Role::ControlOwner] }]);
    for (who, actor, up_to, own) in [
        ("an owner", owner.clone(), DataClass::Restricted, true),
        ("an admin", world.member(tenant, Role::Admin), DataClass::Restricted, true),
        ("a manager", world.member(tenant, Role::ComplianceManager), DataClass::Restricted, true),
        (
            "a control owner",
            world.member(tenant, Role::ControlOwner),
            DataClass::Confidential,
            false,
        ),
        ("who uploaded one", ana.clone(), DataClass::Confidential, true),
        ("the same by a role there", there, DataClass::Confidential, true),
        ("an auditor", world.member(tenant, Role::Auditor), DataClass::Confidential, false),
        ("an integrator", world.member(tenant, Role::Integrator), DataClass::Confidential, false),
        ("a viewer", world.member(tenant, Role::Viewer), DataClass::Internal, false),
    ] {
        let sees: Vec<bool> =
            all.iter().map(|(class, id)| *class <= up_to || own && *id == hers).collect();
        let expected: Vec<_> = all.iter().zip(&sees).filter(|(_, sees)| **sees).collect();
        let names: Vec<_> = expected.iter().map(|((class, _), _)| format!("{class}.txt")).collect();
        let (listed, pages) = listed(&world, &actor).await;
        assert_eq!((listed, pages), (names, expected.len().div_ceil(2).max(1)), "{who}");
        let text = format!(
            "{{ _entities(representations: [{{ __typename: \"Control\", id: \"{control}\" }}]) {{
                ... on Control {{ documents {{ nodes {{ id }} }} }} }} }}"
        );
        let of_control = world.graphql(Some(&actor), &text).await;
        let expected: Vec<_> = expected.iter().map(|((_, id), _)| json!({ "id": id })).collect();
        let of_control = &of_control["data"]["_entities"][0]["documents"]["nodes"];
        assert_eq!(of_control, &json!(expected), "{who}, of a control");

        for ((class, id), sees) in all.iter().zip(sees) {
            let at = format!("{class} for {who}");
            let text = format!(
                "{{ document(id: \"{id}\") {{ dataClass newest {{ id }} }} _entities(representations: [
                    {{ __typename: \"Document\", id: \"{id}\" }}]) {{ __typename }} }}"
            );
            let found = world.graphql(Some(&actor), &text).await;
            let (document, entity) = (&found["data"]["document"], &found["data"]["_entities"][0]);
            assert_eq!((document.is_null(), entity.is_null()), (!sees, !sees), "{at}");
            if sees {
                assert_eq!(document["dataClass"], class.wire(), "{at}");
            }
            for path in
                [format!("/v1/documents/{id}"), format!("/v1/documents/{id}/versions/1/content")]
            {
                let status = world.get(&actor, &path).await.status().as_u16();
                assert_eq!(status, if sees { 200 } else { 404 }, "{at} at {path}");
            }
        }
    }
    let (elsewhere, _) = listed(&world, &world.owner()).await;
    assert_eq!(elsewhere, [] as [&str; 0]);
    // Nor is a version found by its id.
    let others = all.iter().find(|(class, id)| *class == DataClass::Restricted && *id != hers);
    let newest = format!("{{ document(id: \"{}\") {{ newest {{ id }} }} }}", others.unwrap().1);
    let newest = world.graphql(Some(&owner), &newest).await;
    let version = &newest["data"]["document"]["newest"]["id"];
    let text = format!(
        "{{ _entities(representations: [{{ __typename: \"DocumentVersion\", id: {version} }}]) {{ __typename }} }}"
    );
    for (actor, found) in [(&owner, true), (&ana, false)] {
        let answer = world.graphql(Some(actor), &text).await;
        assert_eq!(!answer["data"]["_entities"][0].is_null(), found);
    }
    world.close().await;
}

#[tokio::test]
async fn whoever_changes_a_document_raises_its_class_and_few_lower_it() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let ana = world.member(owner.tenant, Role::Contributor);
    let ben = world.member(owner.tenant, Role::Contributor);
    let id = upload(&world, &ana, project, DataClass::Internal).await;
    let told = |answer: &Value| answer["data"]["classifyDocument"].clone();

    let raised = classify(&world, &ana, &id, "CONFIDENTIAL", 1).await;
    assert_eq!(
        told(&raised),
        json!({ "document": { "dataClass": "CONFIDENTIAL", "dataClassVersion": 2 }, "userErrors": [] })
    );
    // Of what somebody has not seen, nothing is changed; the same again is no change.
    let stale = classify(&world, &ana, &id, "RESTRICTED", 1).await;
    let error = &stale["data"]["classifyDocument"]["userErrors"][0];
    assert_eq!(
        (&error["code"], &error["path"][1]),
        (&json!("CONFLICT"), &json!("expectedVersion"))
    );
    let head = world.store.head();
    let same = classify(&world, &ana, &id, "CONFIDENTIAL", 2).await;
    assert_eq!(same["data"]["classifyDocument"]["document"]["dataClassVersion"], 2);
    assert_eq!(code(&classify(&world, &ana, &id, "PUBLIC", 2).await), "FORBIDDEN", "to lower");
    assert_eq!(code(&classify(&world, &ben, &id, "RESTRICTED", 2).await), "FORBIDDEN", "others'");
    assert_eq!(world.store.head(), head, "a refusal records nothing");
    classify(&world, &ana, &id, "RESTRICTED", 2).await;

    // What somebody does not read cannot be told from what is not there, by whatever they try.
    let nothing = format!("doc_{}", "00000000000070008000000000000000");
    let scanner = world.member(owner.tenant, Role::Integrator);
    for actor in [&ben, &scanner, &world.member(owner.tenant, Role::Viewer)] {
        let mut seen = Vec::new();
        for id in [&id, &nothing] {
            let classified = classify(&world, actor, id, "RESTRICTED", 3).await;
            let more = format!("project={project}&document={id}");
            let (status, uploaded) = world.upload(actor, &more, "text/plain", "more").await;
            let says = uploaded["detail"].to_string().replace(id.as_str(), "it");
            seen.push((code(&classified), status, says));
        }
        assert_eq!(seen[0], seen[1]);
    }

    // An upload raises and does not lower, whatever it names.
    let other = upload(&world, &owner, project, DataClass::Internal).await;
    let more = |class: &str| format!("project={project}&document={other}{class}");
    for (class, text, becomes, changed) in [
        ("", "two", "INTERNAL", true),
        ("&dataClass=PUBLIC", "three", "INTERNAL", true),
        ("&dataClass=confidential", "three", "CONFIDENTIAL", false),
        ("&dataClass=INTERNAL", "four", "CONFIDENTIAL", true),
    ] {
        let (_, answer) = world.upload(&owner, &more(class), "text/plain", text).await;
        assert_eq!(answer["document"]["dataClass"], becomes, "{class}: {answer}");
        assert_eq!(answer["changed"], changed, "{class}");
    }
    for bad in ["", "SECRET", "internal%20", "%00"] {
        let class = format!("&dataClass={bad}");
        let (status, answer) = world.upload(&owner, &more(&class), "text/plain", "five").await;
        assert_eq!(status, 400, "{answer}");
        let says = answer["detail"].as_str().unwrap();
        assert!(says.contains("PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED"), "{says}");
    }
    let manager = world.member(owner.tenant, Role::ComplianceManager);
    let lowered = classify(&world, &manager, &other, "PUBLIC", 2).await;
    assert_eq!(lowered["data"]["classifyDocument"]["document"]["dataClass"], "PUBLIC");

    world.archive(owner.tenant, project, true).await;
    let archived = classify(&world, &manager, &other, "RESTRICTED", 3).await;
    assert_eq!(archived["data"]["classifyDocument"]["userErrors"][0]["code"], "ARCHIVED");
    let missing = classify(&world, &manager, &nothing, "RESTRICTED", 1).await;
    assert_eq!(missing["data"]["classifyDocument"]["userErrors"][0]["code"], "NOT_FOUND");
    world.close().await;
}

/// Appends an event as a version of Studio without classes did.
async fn recorded_before(
    world: &World,
    tenant: TenantId,
    document: &str,
    kind: &str,
    event: Value,
) {
    let event =
        EventData { event_type: kind.to_owned().into(), schema_version: 1, payload: event.into() };
    let stream = StreamAppend {
        stream_type: "documents.document".into(),
        stream_id: document.to_owned(),
        expected: Expected::Any,
        events: vec![event],
    };
    let append = Append::new(tenant, Metadata::system("documents.before"), vec![stream]);
    world.store.append(append).await.unwrap();
}

#[tokio::test]
async fn what_was_recorded_before_there_were_classes_is_internal() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let id: Id<kind::Document> = world.env.id();
    let version: Id<kind::DocumentVersion> = world.env.id();
    let id = id.to_string();
    let created = json!({ "document": id, "project": project, "name": "old.txt" });
    recorded_before(&world, owner.tenant, &id, "documents.document.created", created).await;
    let stored = json!({
        "document": id, "version": version, "number": 1, "name": "old.txt", "project": project,
        "media_type": "text/plain", "sha256": "0".repeat(64), "size": 3,
    });
    recorded_before(&world, owner.tenant, &id, "documents.version.stored", stored).await;
    let viewer = world.member(owner.tenant, Role::Viewer);
    let text = format!("{{ document(id: \"{id}\") {{ dataClass dataClassVersion }} }}");
    let found = world.graphql(Some(&viewer), &text).await;
    let expected = json!({ "dataClass": "INTERNAL", "dataClassVersion": 1 });
    assert_eq!(found["data"]["document"], expected, "{found}");
    let raised = classify(&world, &owner, &id, "CONFIDENTIAL", 1).await;
    assert_eq!(raised["data"]["classifyDocument"]["userErrors"], json!([]), "{raised}");
    assert_eq!(world.graphql(Some(&viewer), &text).await["data"]["document"], Value::Null);
    world.close().await;
}
