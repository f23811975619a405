//! Archived projects take no document and no link, and what they have stays.

use serde_json::json;
use studio_kernel::kind;

use crate::support::World;

#[tokio::test]
async fn an_archived_project_takes_no_document_and_stays_readable() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let (project, other) = (world.project(owner.tenant).await, world.project(owner.tenant).await);
    let (_, made) =
        world.upload(&owner, &format!("project={project}&name=a.md"), "text/markdown", "one").await;
    let document = made["document"]["id"].as_str().unwrap().to_owned();
    let content = made["version"]["links"]["content"].as_str().unwrap().to_owned();
    let (_, made) =
        world.upload(&owner, &format!("project={other}&name=b.md"), "text/markdown", "two").await;
    let in_use = made["document"]["id"].as_str().unwrap().to_owned();
    world.archive(owner.tenant, project, true).await;

    for query in
        [format!("project={project}&name=c.md"), format!("project={project}&document={document}")]
    {
        let (status, answer) = world.upload(&owner, &query, "text/markdown", "three").await;
        assert_eq!((status, &answer["code"]), (409, &json!("CONFLICT")), "{answer}");
        let detail = answer["detail"].as_str().unwrap();
        assert!(detail.contains("is archived") && detail.contains("restoreProject"), "{detail}");
    }
    let control = world.env.id::<kind::Control>();
    let link = |mutation: &str| {
        format!(
            "mutation {{ {mutation}(input: {{ documentId: \"{document}\", controlId: \"{control}\" }})
                {{ document {{ id }} userErrors {{ code path }} }} }}"
        )
    };
    for mutation in ["linkDocument", "unlinkDocument"] {
        let answer = world.graphql(Some(&owner), &link(mutation)).await;
        let error = json!([{ "code": "ARCHIVED", "path": ["input", "documentId"] }]);
        assert_eq!(answer["data"][mutation], json!({ "document": null, "userErrors": error }));
    }
    let all = world.graphql(Some(&owner), "{ documents { nodes { id } } }").await;
    assert_eq!(all["data"]["documents"]["nodes"], json!([{ "id": in_use }]));
    let query = format!("{{ documents(projectId: \"{project}\") {{ nodes {{ id }} }} }}");
    let of_project = world.graphql(Some(&owner), &query).await;
    assert_eq!(of_project["data"]["documents"]["nodes"], json!([{ "id": document }]));
    assert_eq!(world.get(&owner, &content).await.text().await.unwrap(), "one");

    world.archive(owner.tenant, project, false).await;
    let query = format!("project={project}&document={document}");
    let (status, answer) = world.upload(&owner, &query, "text/markdown", "three").await;
    assert_eq!(status, 201, "{answer}");
    let answer = world.graphql(Some(&owner), &link("linkDocument")).await;
    assert_eq!(answer["data"]["linkDocument"]["userErrors"], json!([]));
    world.close().await;
}
