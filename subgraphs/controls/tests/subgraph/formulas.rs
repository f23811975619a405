//! Scores name the version of the formula that they were computed with.

use serde_json::json;
use studio_events::{Append, EventData, Expected, Metadata, StreamAppend};

use super::{
    histories::lived,
    support::{World, code},
};

#[tokio::test]
async fn scores_of_a_formula_that_is_not_known_are_not_recorded_beside() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, _) = lived(&world).await;
    let changes = world.settled(&project, &soc2).await;
    assert!(changes.iter().all(|change| change["now"]["formula"] == json!(1)));
    let clock = world.clock.clone();
    // As a newer Studio would have recorded it.
    let mut newer = changes.last().unwrap().clone();
    newer["now"]["formula"] = json!(2);
    let stream = StreamAppend {
        stream_type: "controls.score".into(),
        stream_id: project.clone(),
        expected: Expected::Any,
        events: vec![EventData {
            event_type: "controls.score.changed".into(),
            schema_version: 1,
            payload: newer.into(),
        }],
    };
    let append = Append::new(world.owner.tenant, Metadata::system("test"), vec![stream]);
    world.store.append(append).await.unwrap();
    let head = world.last().await;
    world.close().await;

    let world = World::open_at(directory.path(), clock).await;
    let asked = "query($p: ID!, $f: ID!, $t: DateTime) { project(id: $p) {
        score(frameworkId: $f, asOf: $t) { lo formulaVersion } } }";
    for as_of in [None, Some(world.now().to_string())] {
        let variables = json!({ "p": project, "f": soc2, "t": as_of });
        // The engine meets it as soon as it looks at the project.
        let refused = loop {
            let answer = world.ask_as(Some(&world.owner), asked, variables.clone()).await;
            if !answer.is_ok() {
                break answer;
            }
        };
        assert_eq!(code(&refused), "SUBGRAPH_UNAVAILABLE");
        let message = &refused.errors[0].message;
        assert!(message.contains("formula v2") && message.contains("newer Studio"), "{message}");
    }
    assert_eq!(world.last().await, head, "nothing is recorded beside them");
    // What was recorded is shown all the same, by the versions.
    let from = changes[0]["at"].as_str().unwrap();
    let history = format!(
        "query($p: ID!, $f: ID!) {{ project(id: $p) {{ scoreHistory(frameworkId: $f,
            from: \"{from}\", resolution: CHANGE, first: 100) {{
            nodes {{ score {{ formulaVersion }} }} }} }} }}"
    );
    let shown = world.ask(&history, json!({ "p": project, "f": soc2 })).await;
    let nodes = shown["project"]["scoreHistory"]["nodes"].as_array().unwrap();
    let versions: Vec<_> =
        nodes.iter().map(|node| node["score"]["formulaVersion"].clone()).collect();
    assert_eq!((&versions[0], versions.last().unwrap()), (&json!(1), &json!(2)));
    world.close().await;
}
