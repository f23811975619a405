//! Searching.

use serde_json::{Value, json};
use studio_kernel::{Actor, Id, ProjectRoles, Role, kind};

use crate::support::World;

#[tokio::test]
async fn finds_passages_with_their_places() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let filler = "Nothing of interest stands here.\n".repeat(40);
    let text = format!("{filler}\n# Backups\nBackups are encrypted and kept for 90 days.\n");
    let stored = world.add(owner.tenant, "backup.md", &text).await;
    world.add(owner.tenant, "other.md", "Laptops are encrypted.").await;

    let found = world.search(&owner, "How long are the BACKUPS kept?").await;
    assert_eq!(found["note"], Value::Null);
    let hit = &found["nodes"][0];
    assert_eq!(hit["passage"], "# Backups\nBackups are encrypted and kept for 90 days.");
    assert_eq!(hit["documentName"], "backup.md");
    assert_eq!(hit["document"]["id"], stored.document.to_string());
    assert_eq!(hit["version"]["id"], stored.version.to_string());
    let offset = text.find("# Backups").unwrap();
    assert_eq!(hit["place"], json!({ "startLine": 42, "endLine": 43, "offset": offset as f64 }));
    assert!(hit["score"].as_f64().unwrap() > 0.0);

    // Other forms of a word, accents, a viewer.
    let viewer = world.member(owner.tenant, Role::Viewer);
    assert_eq!(world.passages(&viewer, "encrypting báckup").await.len(), 2);
    let none = world.search(&owner, "zebra").await;
    assert_eq!(none["nodes"], json!([]));
    assert!(none["note"].as_str().unwrap().contains("upload documents"), "{none}");
    world.close().await;
}

#[tokio::test]
async fn only_the_newest_version_is_found() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let first = world.add(owner.tenant, "a", "Passwords have eight characters.").await;
    assert_eq!(world.passages(&owner, "passwords eight").await.len(), 1);
    let text = Some("Passwords have twelve characters.");
    world.version(owner.tenant, first.document, 2, None, "a", text).await;
    assert_eq!(world.passages(&owner, "passwords").await, ["Passwords have twelve characters."]);
    assert!(world.passages(&owner, "eight").await.is_empty());
    // A version without text takes the one before it out.
    world.version(owner.tenant, first.document, 3, None, "a", None).await;
    assert!(world.passages(&owner, "passwords").await.is_empty());
    world.close().await;
}

#[tokio::test]
async fn organizations_see_nothing_of_each_other() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let (ours, theirs) = (world.owner(), world.owner());
    world.add(ours.tenant, "ours", "The vault code is written here.").await;
    world.add(ours.tenant, "more", "Nothing else.").await;
    assert!(world.passages(&theirs, "vault").await.is_empty());
    let alone = world.search(&ours, "vault").await["nodes"][0]["score"].clone();

    // What others write changes no score of ours: else a score would tell of their words.
    for _ in 0..5 {
        world.add(theirs.tenant, "theirs", "A vault, a vault, a vault and a code.").await;
    }
    assert_eq!(world.passages(&theirs, "vault").await.len(), 5);
    let found = world.search(&ours, "vault").await;
    assert_eq!(found["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(found["nodes"][0]["score"], alone);
    for escape in [
        format!("tenant:{}", ours.tenant),
        format!("vault OR tenant:\"{}\"", ours.tenant),
        "*:* NOT tenant:x".to_owned(),
    ] {
        let passages = world.passages(&theirs, &escape).await;
        assert!(passages.iter().all(|passage| passage.starts_with("A vault")), "{escape}");
    }
    world.close().await;
}

#[tokio::test]
async fn a_project_narrows() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let (one, two) = (world.env.id(), world.env.id());
    for (project, text) in [(one, "Keys of one."), (two, "Keys of two.")] {
        let document = world.env.id();
        world.version(owner.tenant, document, 1, Some(project), "k", Some(text)).await;
    }
    let found = world.search_in(&owner, "keys", Some(two), None, None).await;
    assert_eq!(found["nodes"].as_array().unwrap().len(), 1);
    assert_eq!(found["nodes"][0]["passage"], "Keys of two.");
    assert_eq!(world.passages(&owner, "keys").await.len(), 2);
    world.close().await;
}

#[tokio::test]
async fn pages_hold_each_hit_once() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    for number in 0..7 {
        let text = format!("Rule {number}: {}", "access ".repeat(number + 1));
        world.add(owner.tenant, "rules", &text).await;
    }
    let (mut seen, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = world.search_in(&owner, "access", None, Some(3), after.as_deref()).await;
        for hit in page["nodes"].as_array().unwrap() {
            seen.push(hit["passage"].as_str().unwrap().to_owned());
        }
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen.len(), 7);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7);
    world.close().await;
}

#[tokio::test]
async fn no_text_breaks_the_search() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    world.add(owner.tenant, "a", "Access is reviewed (AC-2) each quarter: yes.").await;
    for odd in [
        "access AND",
        "\"access",
        "access)",
        "(((access",
        "access^-1",
        "access~99",
        "access:*",
        "+access -",
        "access \\",
        "text:[a TO z] access",
        "AC-2(1)",
        "access \u{0}\u{202E}",
    ] {
        assert_eq!(world.passages(&owner, odd).await.len(), 1, "{odd}");
    }
    let text = "query ($q: String!, $after: String) {
        search(query: $q, after: $after) { nodes { score } } }";
    for (variables, code) in [
        (json!({ "q": "" }), "BAD_REQUEST"),
        (json!({ "q": "?!" }), "BAD_REQUEST"),
        (json!({ "q": "the of" }), "BAD_REQUEST"),
        (json!({ "q": "x".repeat(1_001) }), "BAD_REQUEST"),
        (json!({ "q": "access", "after": "YWJj" }), "BAD_REQUEST"),
        (json!({ "q": "access", "after": "OTk5OTk5" }), "BAD_REQUEST"),
    ] {
        let answer = world.graphql(Some(&owner), text, variables.clone()).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{variables}: {answer}");
    }
    let answer = world.graphql(None, text, json!({ "q": "access" })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    world.close().await;
}

#[tokio::test]
async fn what_lies_in_other_projects_is_not_found_and_moves_no_score() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let (here, there) = (world.env.id(), world.env.id());
    let viewer = world.member(owner.tenant, Role::Viewer);
    let ana = Actor { roles: vec![], ..viewer.clone() }
        .in_projects(vec![ProjectRoles { project: here, roles: vec![Role::Auditor] }]);
    let add = |project, text: &'static str| {
        let (document, world) = (world.env.id(), &world);
        async move { world.version(owner.tenant, document, 1, project, "keys", Some(text)).await }
    };
    add(Some(here), "Keys are changed each year.").await;
    add(Some(here), "Doors have locks.").await;
    let before = world.search(&ana, "keys changed").await;
    assert_eq!(before["nodes"].as_array().unwrap().len(), 1);
    // How often a word stands elsewhere, or in what lies in no project, tells nothing here.
    add(Some(there), "Keys keys keys: a secret about keys.").await;
    add(None, "Keys of the whole organization.").await;
    assert_eq!(world.passages(&viewer, "keys").await.len(), 3);
    assert_eq!(world.search(&ana, "keys changed").await, before);
    assert_eq!(world.passages(&ana, "secret").await, [] as [&str; 0]);

    let ask = "mutation($q: String!, $p: ID) { ask(input: { question: $q, projectId: $p }) { answer { id citations { quote } } } }";
    let read = "query($id: ID!) { answer(id: $id) { question citations { quote } } }";
    let asked = |actor: Actor, project: Option<Id<kind::Project>>| {
        let world = &world;
        async move {
            let variables = json!({ "q": "Which keys?", "p": project.map(|it| it.to_string()) });
            world.graphql(Some(&actor), ask, variables).await
        }
    };
    let own = asked(ana.clone(), None).await["data"]["ask"]["answer"].clone();
    assert_eq!(own["citations"], json!([{ "quote": "Keys are changed each year." }]));
    for project in [there, world.env.id()] {
        let refused = asked(ana.clone(), Some(project)).await;
        assert_eq!(refused["errors"][0]["extensions"]["code"], "NOT_FOUND", "{refused}");
    }
    // Answers of others: those about the own project, and no others.
    for (project, seen) in [(Some(here), true), (Some(there), false), (None, false)] {
        let answer = asked(viewer.clone(), project).await["data"]["ask"]["answer"].clone();
        // The viewer is the same person as whoever sees one project alone: somebody else asks.
        let other = world.member(owner.tenant, Role::Viewer);
        let theirs = asked(other, project).await["data"]["ask"]["answer"].clone();
        let told = world.graphql(Some(&ana), read, json!({ "id": theirs["id"] })).await;
        assert_eq!(!told["data"]["answer"].is_null(), seen, "{project:?}: {told}");
        // What they asked when they saw more is theirs, and quotes what they see now.
        let told = world.graphql(Some(&ana), read, json!({ "id": answer["id"] })).await;
        assert_eq!(told["data"]["answer"]["question"], "Which keys?");
        let quotes = told["data"]["answer"]["citations"].to_string();
        assert!(!quotes.contains("secret") && !quotes.contains("whole"), "{quotes}");
    }
    world.close().await;
}
