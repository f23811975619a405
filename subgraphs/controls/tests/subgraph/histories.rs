//! Scores through time: the history of a score, what moved it, and how it held over a period.

use serde_json::{Value, json};
use studio_kernel::{Role, Timestamp};

use super::support::{SECOND, World, code as code_of, member, results, summary, wire};

const DAY: i64 = 86_400 * SECOND;

/// A project whose score moves with scans and with the clock; answers it, its framework, and when it
/// all began.
pub(crate) async fn lived(world: &World) -> (String, String, Timestamp) {
    let began = world.now();
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    for (version, (passed, failed, days)) in
        (1..).zip([(9, 0, 2), (7, 2, 33), (9, 1, 3), (4, 0, 1), (4, 0, 34)])
    {
        let counts = summary("root_mfa", passed, failed, world.now());
        world.matched(world.publish(&results(&project, version, vec![counts])).await).await;
        world.settled(&project, &soc2).await;
        world.clock.advance_micros(days * DAY + 7 * SECOND);
        // What the clock moved is recorded before anything else is.
        world.settled(&project, &soc2).await;
    }
    (project, soc2, began)
}

/// All pages of a history.
pub(crate) async fn history(
    world: &World,
    project: &str,
    framework: &str,
    arguments: &str,
) -> Vec<Value> {
    let query = format!(
        "query($p: ID!, $f: ID!, $a: String) {{ project(id: $p) {{
            scoreHistory(frameworkId: $f, {arguments}, first: 7, after: $a) {{
                pageInfo {{ hasNextPage endCursor }}
                nodes {{ at since score {{ headline exact {{ lo hi coverage }}
                    satisfied otherThanSatisfied undetermined }} }} }} }} }}"
    );
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = world.ask(&query, json!({ "p": project, "f": framework, "a": after })).await;
        let page = answer["project"]["scoreHistory"].clone();
        all.extend(page["nodes"].as_array().unwrap().iter().cloned());
        if page["pageInfo"]["hasNextPage"] == false {
            return all;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
}

pub(crate) fn instant(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn each_point_of_a_history_is_what_was_live_then() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, began) = lived(&world).await;
    let (from, to) = (began.plus_days(-2), world.now());
    for (resolution, least) in [("DAY", 70), ("WEEK", 11), ("MONTH", 3), ("CHANGE", 10)] {
        let arguments = format!("from: \"{from}\", to: \"{to}\", resolution: {resolution}");
        let points = history(&world, &project, &soc2, &arguments).await;
        assert!(points.len() >= least, "{resolution}: {}", points.len());
        assert_eq!(points[0], json!({ "at": wire(from), "since": null, "score": null }));
        let at: Vec<Timestamp> = points.iter().map(|point| instant(&point["at"])).collect();
        assert!(at.is_sorted(), "{resolution}: {at:?}");
        for point in points.iter().filter(|point| !point["score"].is_null()) {
            let when = format!(", asOf: {}", point["at"]);
            let then = world.score(&project, &soc2, &when).await;
            assert_eq!(point["score"]["exact"], then["exact"], "{resolution} {point}");
            assert_eq!(point["score"]["headline"], then["headline"]);
            assert!(instant(&point["since"]) <= instant(&point["at"]));
        }
        let scored = points.iter().filter(|point| !point["score"].is_null()).count();
        assert!(scored + 4 > points.len(), "gaps carry the last score on");
    }
    // A rebuilt history is the same one.
    let arguments = format!("from: \"{from}\", to: \"{to}\", resolution: CHANGE");
    let before = history(&world, &project, &soc2, &arguments).await;
    world.store.rebuild("score_history").await.unwrap();
    assert_eq!(history(&world, &project, &soc2, &arguments).await, before);
    let last = before.last().unwrap();
    let arguments = format!("from: {}, resolution: CHANGE", last["at"]);
    let rest = history(&world, &project, &soc2, &arguments).await;
    assert_eq!(
        rest,
        std::slice::from_ref(last),
        "the first point has what became live at its instant"
    );
    world.close().await;
}

#[tokio::test]
async fn a_period_that_cannot_be_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "NONE", "IMPLEMENTED").await;
    let code = async |arguments: &str| {
        let query = format!(
            "query($p: ID!, $f: ID!) {{ project(id: $p) {{
                scoreHistory(frameworkId: $f, {arguments}) {{ nodes {{ at }} }} }} }}"
        );
        world.code(&query, json!({ "p": project, "f": soc2 })).await
    };
    for bad in [
        "from: \"yesterday\"",
        "from: \"2999-01-01T00:00:00Z\"",
        "from: \"2026-01-01T00:00:00Z\", to: \"2999-01-01T00:00:00Z\"",
        "from: \"2026-01-02T00:00:00Z\", to: \"2026-01-01T00:00:00Z\"",
        "from: \"1900-01-01T00:00:00Z\", resolution: DAY",
        "from: \"2026-01-01T00:00:00Z\", after: \"bm9uZQ\"",
        "from: \"2026-01-01T00:00:00Z\", after: \"bm9uZQ\", resolution: CHANGE",
        "from: \"2026-01-01T00:00:00Z\", first: 101",
    ] {
        assert_eq!(code(bad).await, "BAD_REQUEST", "{bad}");
    }
    // Somebody who sees projects and no scores.
    let integrator = member(1, Role::Integrator);
    for field in [
        "scoreHistory(frameworkId: $f, from: \"2026-01-01T00:00:00Z\") { nodes { at } }",
        "scoreDiff(frameworkId: $f, from: \"2026-01-01T00:00:00Z\") { from }",
        "simulate(input: { changes: [{ fixCheck: { check: \"one\" } }] }) { at }",
    ] {
        let field = field.replace("$f", &format!("\"{soc2}\""));
        let query = format!("query($p: ID!) {{ project(id: $p) {{ id {field} }} }}");
        let refused = world.ask_as(Some(&integrator), &query, json!({ "p": project })).await;
        assert_eq!(code_of(&refused), "FORBIDDEN", "{field}");
    }
    let foreign = member(2, Role::Owner);
    let query = format!(
        "{{ project(id: \"{project}\") {{ scoreHistory(frameworkId: \"{soc2}\",
            from: \"2026-01-01T00:00:00Z\") {{ nodes {{ at }} }} }} }}"
    );
    let answer = world.ask_as(Some(&foreign), &query, json!({})).await;
    assert!(answer.is_ok(), "{:?}", answer.errors);
    assert_eq!(answer.data.into_json().unwrap()["project"], Value::Null);
    world.close().await;
}
