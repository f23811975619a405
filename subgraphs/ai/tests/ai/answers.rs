//! Asking, and reading answers again.

use serde_json::{Value, json};
use studio_kernel::{Actor, Role};

use crate::support::World;

const FIELDS: &str = "id question text note model unavailableCitations askedBy { id }
    citations { id quote documentName versionNumber sha256 place { startLine endLine offset }
        document { id } version { id } }";

async fn ask(world: &World, actor: &Actor, question: &str) -> Value {
    let text = format!(
        "mutation ($input: AskInput!) {{ ask(input: $input) {{ answer {{ {FIELDS} }}
            userErrors {{ code message path }} }} }}"
    );
    let input = json!({ "input": { "question": question } });
    let answer = world.graphql(Some(actor), &text, input).await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    answer["data"]["ask"].clone()
}

async fn read(world: &World, actor: &Actor, id: &Value) -> Value {
    let text = format!("query ($id: ID!) {{ answer(id: $id) {{ {FIELDS} }} }}");
    world.graphql(Some(actor), &text, json!({ "id": id })).await["data"]["answer"].clone()
}

#[tokio::test]
async fn quotes_word_for_word_and_can_be_read_again() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let viewer = world.member(owner.tenant, Role::Viewer);
    let text = "# Incidents\n\nIncidents are reported within 24 hours – to the CISO.\n";
    let stored = world.add(owner.tenant, "incidents.md", text).await;
    world.add(owner.tenant, "lunch.md", "Lunch is at noon.").await;

    let asked = ask(&world, &viewer, "When are incidents reported?").await;
    assert_eq!(asked["userErrors"], json!([]));
    let answer = &asked["answer"];
    assert_eq!(answer["model"], "none");
    assert!(answer["note"].as_str().unwrap().starts_with("No language model is configured"));
    assert!(answer["text"].as_str().unwrap().contains("\"incidents.md\", version 1, lines 1 to 3"));
    assert_eq!(answer["question"], "When are incidents reported?");
    assert_eq!(answer["askedBy"]["id"], viewer.user_id().unwrap().to_string());
    let citations = answer["citations"].as_array().unwrap();
    assert_eq!(citations.len(), 1);
    assert_eq!(citations[0]["quote"], text.trim());
    assert_eq!(citations[0]["version"]["id"], stored.version.to_string());
    assert_eq!(citations[0]["place"], json!({ "startLine": 1, "endLine": 3, "offset": 0.0 }));

    assert_eq!(&read(&world, &owner, &answer["id"]).await, answer);
    let entity =
        "query ($id: ID!) { _entities(representations: [{ __typename: \"Answer\", id: $id }])
        { ... on Answer { model } } }";
    let found = world.graphql(Some(&owner), entity, json!({ "id": answer["id"] })).await;
    assert_eq!(found["data"]["_entities"], json!([{ "model": "none" }]));
    let stranger = world.owner();
    assert_eq!(read(&world, &stranger, &answer["id"]).await, Value::Null);
    let found = world.graphql(Some(&stranger), entity, json!({ "id": answer["id"] })).await;
    assert_eq!(found["data"]["_entities"], json!([null]));

    // Neither the question nor the document's text is in the log.
    for event in world.store.read(0, 100).await.unwrap() {
        for secret in ["reported", "CISO", "noon"] {
            assert!(!event.payload.contains(secret), "{}", event.payload);
        }
    }
    assert!(world.store.verify().await.is_ok());
    world.close().await;
}

#[tokio::test]
async fn says_what_to_do_where_nothing_is_found() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let asked = ask(&world, &owner, "Who feeds the zebra?").await;
    let answer = &asked["answer"];
    assert_eq!(answer["citations"], json!([]));
    assert!(answer["text"].as_str().unwrap().contains("upload documents"), "{answer}");
    assert_eq!(&read(&world, &owner, &answer["id"]).await, answer);

    let head = world.store.head();
    for (question, code) in [("", "EMPTY"), ("what is the", "NO_WORDS")] {
        let refused = ask(&world, &owner, question).await;
        assert_eq!(refused["answer"], Value::Null);
        assert_eq!(refused["userErrors"][0]["code"], code, "{refused}");
        assert_eq!(refused["userErrors"][0]["path"], json!(["input", "question"]));
    }
    let refused = ask(&world, &owner, &"x".repeat(1_001)).await;
    assert_eq!(refused["userErrors"][0]["code"], "TOO_LONG");
    let bad = "mutation { ask(input: { question: \"x\", projectId: \"ctl_1\" }) {
        userErrors { code path } } }";
    let refused = world.graphql(Some(&owner), bad, json!({})).await;
    assert_eq!(refused["data"]["ask"]["userErrors"][0]["code"], "INVALID_ID");
    assert_eq!(world.store.head(), head, "a refused question is not recorded");
    world.close().await;
}

#[tokio::test]
async fn a_quote_that_no_longer_stands_is_not_shown() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    let first = world.add(owner.tenant, "a", "Keys rotate each year.").await;
    let second = world.add(owner.tenant, "b", "Keys rotate each month.").await;
    let asked = ask(&world, &owner, "How often do keys rotate?").await;
    assert_eq!(asked["answer"]["citations"].as_array().unwrap().len(), 2);
    let id = &asked["answer"]["id"];

    world.library.erase(owner.tenant, first.version);
    let again = read(&world, &owner, id).await;
    assert_eq!(again["citations"].as_array().unwrap().len(), 1);
    assert_eq!(again["unavailableCitations"], 1);
    world.library.change(owner.tenant, second.version, "Keys rotate each Moon.");
    let again = read(&world, &owner, id).await;
    assert_eq!((&again["citations"], &again["unavailableCitations"]), (&json!([]), &json!(2)));
    assert!(again["text"].as_str().unwrap().contains("no longer"));
    // The index still has them. An answer does not quote what is not there, and the index reads
    // the documents again.
    let asked = ask(&world, &owner, "How often do keys rotate?").await;
    assert_eq!(asked["answer"]["citations"], json!([]));
    while world.passages(&owner, "rotate").await != ["Keys rotate each Moon."] {
        tokio::task::yield_now().await;
    }
    world.close().await;
}

#[tokio::test]
async fn an_erased_person_leaves_the_answer_without_the_question() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let owner = world.owner();
    world.add(owner.tenant, "a", "Salaries are paid monthly.").await;
    let asked = ask(&world, &owner, "What does Jane Doe earn in salaries?").await;
    let id = &asked["answer"]["id"];
    world.keyring.destroy_person(owner.tenant, owner.user_id().unwrap()).await.unwrap();
    let again = read(&world, &owner, id).await;
    assert_eq!(again["question"], Value::Null);
    assert_eq!(again["citations"], asked["answer"]["citations"]);
    assert!(world.store.verify().await.is_ok());
    world.close().await;
}

#[tokio::test]
async fn every_field_is_described() {
    let root = tempfile::tempdir().unwrap();
    let world = World::open(root.path()).await;
    let sdl = world.sdl();
    for part in [
        "type Answer @key(fields: \"id\")",
        "type Document @key(fields: \"id\", resolvable: false)",
    ] {
        assert!(sdl.contains(part), "{part} is missing in\n{sdl}");
    }
    let introspection = "{ __schema { types { name fields { name description } } } }";
    let answer = world.graphql(Some(&world.owner()), introspection, json!({})).await;
    let ours =
        ["Query", "Mutation", "Answer", "Citation", "SearchHit", "Place", "AskPayload", "Document"];
    let mut seen = 0;
    for kind in answer["data"]["__schema"]["types"].as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        for field in
            kind["fields"].as_array().filter(|_| ours.contains(&name)).into_iter().flatten()
        {
            let field_name = field["name"].as_str().unwrap();
            let described = field["description"].as_str().is_some_and(|text| !text.is_empty());
            assert!(described || field_name.starts_with('_'), "{name}.{field_name}");
            seen += 1;
        }
    }
    assert!(seen > 20);
    world.close().await;
}
