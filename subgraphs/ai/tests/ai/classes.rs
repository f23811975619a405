//! What is found and quoted of documents that are kept closely.

use serde_json::{Value, json};
use studio_kernel::{Actor, DataClass, Principal, ProjectRoles, Role};

use crate::support::World;

fn user(actor: &Actor) -> Option<studio_kernel::Id<studio_kernel::kind::User>> {
    actor.user_id()
}

#[tokio::test]
async fn a_search_finds_what_is_read_and_counts_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let tenant = owner.tenant;
    let viewer = world.member(tenant, Role::Viewer);
    let auditor = world.member(tenant, Role::Auditor);
    let ana = world.member(tenant, Role::Contributor);
    world.add(tenant, "open", "Keys are changed each year.").await;
    world.add(tenant, "more", "Doors have locks.").await;
    let before = world.search(&viewer, "keys changed").await;
    let kept = world.add(tenant, "kept", "Keys keys keys: the vault has two keys.").await;
    assert_eq!(world.passages(&viewer, "keys").await.len(), 2);
    for (class, sees) in [
        (DataClass::Confidential, [true, true, true, false]),
        (DataClass::Restricted, [true, true, false, false]),
        (DataClass::Public, [true, true, true, true]),
        (DataClass::Confidential, [true, true, true, false]),
    ] {
        world.classify(tenant, kept.document, class, user(&ana)).await;
        for (actor, sees) in [&owner, &ana, &auditor, &viewer].into_iter().zip(sees) {
            let found = world.passages(actor, "vault").await;
            assert_eq!(found.len(), usize::from(sees), "{class} for {actor:?}");
        }
    }
    // How often a word stands in what somebody does not read moves no score of theirs.
    assert_eq!(world.search(&viewer, "keys changed").await, before);
    assert_ne!(world.search(&auditor, "keys changed").await, before);

    // In a project, by roles there; the same passage by two roles counts once.
    let project = world.env.id();
    let document = world.env.id();
    world.version(tenant, document, 1, Some(project), "there", Some("A vault of glass.")).await;
    world.classify(tenant, document, DataClass::Restricted, user(&ana)).await;
    let there = |roles: Vec<Role>, role| {
        Actor { roles, ..ana.clone() }
            .in_projects(vec![ProjectRoles { project, roles: vec![role] }])
    };
    for (actor, finds) in [
        (there(vec![], Role::Contributor), 1),
        (there(vec![], Role::ComplianceManager), 1),
        (there(vec![Role::Viewer], Role::ComplianceManager), 2),
        (ana.clone(), 2),
        (auditor.clone(), 1),
    ] {
        assert_eq!(world.passages(&actor, "vault").await.len(), finds, "{actor:?}");
    }
    // A passage that is reached in two ways counts once: who reads all of it is told the same.
    let twice = there(vec![Role::Contributor], Role::ComplianceManager);
    assert_eq!(world.search(&twice, "glass").await, world.search(&owner, "glass").await);
    // The key of a person finds what they find, a program of the organization nothing of its own.
    let scopes = vec!["*:*:read".parse().unwrap()];
    let key = Principal::ApiKey { user: user(&ana).unwrap(), key: world.env.id() };
    let key = Actor::program(tenant, key, vec![Role::Contributor], scopes.clone());
    assert_eq!(world.passages(&key, "glass").await.len(), 1);
    let client = Principal::Client { client: world.env.id(), token: world.env.id() };
    let client = Actor::program(tenant, client, vec![Role::Contributor], scopes);
    assert_eq!(world.passages(&client, "glass").await.len(), 0);
    world.close().await;
}

#[tokio::test]
async fn an_answer_quotes_to_each_what_they_read_now() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let viewer = world.member(owner.tenant, Role::Viewer);
    let stored = world.add(owner.tenant, "vault", "The vault is opened by two people.").await;
    let ask = "mutation($q: String!) { ask(input: { question: $q }) { answer { id citations { quote } } } }";
    let read =
        "query($id: ID!) { answer(id: $id) { text citations { quote } unavailableCitations } }";
    let asked = world.graphql(Some(&owner), ask, json!({ "q": "Who opens the vault?" })).await;
    let answer = asked["data"]["ask"]["answer"].clone();
    let quoted = json!([{ "quote": "The vault is opened by two people." }]);
    assert_eq!(answer["citations"], quoted);
    let told = |actor: Actor| {
        let (world, id) = (&world, answer["id"].clone());
        async move {
            let told = world.graphql(Some(&actor), read, json!({ "id": id })).await;
            told["data"]["answer"].clone()
        }
    };
    assert_eq!(told(viewer.clone()).await["citations"], quoted);
    world.classify(owner.tenant, stored.document, DataClass::Restricted, None).await;
    // A search waits until what was published is known.
    assert_eq!(world.passages(&viewer, "vault").await, [] as [&str; 0]);
    let now = told(viewer.clone()).await;
    assert_eq!(now["citations"], json!([]), "{now}");
    assert!(!now["text"].to_string().contains("vault"), "{now}");
    assert_eq!(told(owner).await["citations"], quoted);
    let asked = world.graphql(Some(&viewer), ask, json!({ "q": "Who opens the vault?" })).await;
    assert_eq!(asked["data"]["ask"]["answer"]["citations"], json!([]));
    assert_eq!(asked["errors"], Value::Null);
    world.close().await;
}
