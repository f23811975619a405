//! Who uploads a document changes it; others with the same role do not.

use serde_json::Value;
use studio_kernel::{Role, kind};

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
