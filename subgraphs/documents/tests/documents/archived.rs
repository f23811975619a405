//! Archived projects take no document and no link, and what they have stays.

use bytes::Bytes;
use futures::{SinkExt, channel::mpsc};
use sea_orm::EntityTrait;
use serde_json::json;
use studio_entities::documents::project;
use studio_kernel::kind;

use crate::support::{World, spooled};

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

#[tokio::test]
async fn a_project_that_is_archived_during_an_upload_does_not_take_it() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.project(owner.tenant).await;
    let (mut sender, receiver) = mpsc::channel::<Result<Bytes, String>>(1);
    let query = format!("project={project}&name=a.md");
    let body = reqwest::Body::wrap_stream(receiver);
    let archiving = async {
        sender.send(Ok(Bytes::from_static(b"one, "))).await.unwrap();
        while spooled(root.path()) == 0 {
            tokio::task::yield_now().await;
        }
        world.archive(owner.tenant, project, true).await;
        sender.send(Ok(Bytes::from_static(b"two"))).await.unwrap();
        drop(sender);
    };
    let ((status, answer), ()) =
        tokio::join!(world.upload(&owner, &query, "text/markdown", body), archiving);
    assert_eq!((status, &answer["code"]), (409, &json!("CONFLICT")), "{answer}");
    assert!(answer["detail"].as_str().unwrap().contains("is archived"), "{answer}");
    assert_eq!(world.blobs.list(None, 10).await.unwrap(), [], "bytes were kept");
    assert_eq!(spooled(root.path()), 0);
    let query = format!("{{ documents(projectId: \"{project}\") {{ nodes {{ id }} }} }}");
    let of_project = world.graphql(Some(&owner), &query).await;
    assert_eq!(of_project["data"]["documents"]["nodes"], json!([]));
    world.close().await;
}

#[tokio::test]
async fn a_project_that_is_heard_of_after_its_archiving_is_archived() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let project = world.env.id();
    // As it is where the creation is a dead letter, which is taken again after the archiving.
    world.archive(owner.tenant, project, true).await;
    world.caught_up_to(world.create(owner.tenant, project).await).await;

    let rows = project::Entity::find().all(world.store.database().reader()).await.unwrap();
    let known: Vec<_> = rows.iter().map(|row| (row.id.clone(), row.archived)).collect();
    assert_eq!(known, [(project.to_string(), 1)]);
    let query = format!("project={project}&name=a.md");
    let (status, answer) = world.upload(&owner, &query, "text/markdown", "one").await;
    assert_eq!(status, 409, "{answer}");

    world.archive(owner.tenant, project, false).await;
    let (status, answer) = world.upload(&owner, &query, "text/markdown", "one").await;
    assert_eq!(status, 201, "{answer}");
    world.close().await;
}
