//! What moved a score: each event and each day of the clock by itself, and all of it together.

use serde_json::{Value, json};
use studio_controls::domain::score::Fixed;
use studio_kernel::Timestamp;

use super::{
    histories::{history, instant, lived},
    support::{World, evidence_id, wire},
};

/// What moved a score, all pages of it, and the diff that it stands in.
async fn diff(
    world: &World,
    project: &str,
    framework: &str,
    from: &str,
    to: &str,
) -> (Value, Vec<Value>) {
    let query = format!(
        "query($p: ID!, $f: ID!, $a: String) {{ project(id: $p) {{
            scoreDiff(frameworkId: $f, from: \"{from}\", to: \"{to}\") {{
                from to difference {{ lo hi coverage }} framework {{ id }}
                before {{ headline exact {{ lo hi coverage }} }}
                after {{ headline exact {{ lo hi coverage }} }}
                moves(first: 4, after: $a) {{ pageInfo {{ hasNextPage endCursor }} nodes {{
                    kind at type eventId actor by {{ id }} difference {{ lo hi coverage }}
                    before {{ headline exact {{ lo }} }} after {{ headline exact {{ lo }} }}
                    control {{ code }} dependsOn {{ code }} requirement {{ code }} test {{ id }}
                    checks checkCount evidence {{ id }} evidenceVersion }} }} }} }} }}"
    );
    let (mut all, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = world.ask(&query, json!({ "p": project, "f": framework, "a": after })).await;
        let diff = answer["project"]["scoreDiff"].clone();
        all.extend(diff["moves"]["nodes"].as_array().unwrap().iter().cloned());
        if diff["moves"]["pageInfo"]["hasNextPage"] == false {
            return (diff, all);
        }
        after = diff["moves"]["pageInfo"]["endCursor"].clone();
    }
}

fn units(value: &Value) -> i64 {
    value.as_str().unwrap().parse::<Fixed>().unwrap().units()
}

fn adds_up(diff: &Value, moves: &[Value]) {
    for number in ["lo", "hi", "coverage"] {
        let sum: i64 = moves.iter().map(|moved| units(&moved["difference"][number])).sum();
        assert_eq!(sum, units(&diff["difference"][number]), "{number}: {moves:#?}");
        let end = |end: &str| match &diff[end] {
            Value::Null => 0,
            score => units(&score["exact"][number]),
        };
        assert_eq!(sum, end("after") - end("before"));
    }
    let mut last = diff["before"]["headline"].clone();
    for moved in moves {
        assert_eq!(moved["before"]["headline"], last, "each begins where the one before ended");
        last = moved["after"]["headline"].clone();
    }
    assert_eq!(last, diff["after"]["headline"]);
    let at: Vec<Timestamp> = moves.iter().map(|moved| instant(&moved["at"])).collect();
    assert!(at.is_sorted(), "{at:?}");
}

#[tokio::test]
async fn what_moved_a_score_adds_up_to_the_last_digit() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, began) = lived(&world).await;
    let everything = format!("from: \"{began}\", resolution: CHANGE");
    let changes = history(&world, &project, &soc2, &everything).await;
    let (from, to) = (began.plus_days(-1), world.now());
    let (whole, moves) = diff(&world, &project, &soc2, &from.to_string(), &to.to_string()).await;
    assert_eq!((&whole["from"], &whole["to"]), (&wire(from), &wire(to)));
    assert_eq!(whole["before"], Value::Null);
    adds_up(&whole, &moves);

    // By whom, and of what.
    assert_eq!(moves[0]["type"], "controls.framework.adopted");
    assert_eq!(moves[0]["by"]["id"], json!(world.owner.user_id().unwrap().to_string()));
    let scans: Vec<&Value> =
        moves.iter().filter(|moved| moved["type"] == "controls.check_summaries.recorded").collect();
    assert_eq!(scans.len(), 4, "the last one found what the one before it had: {moves:#?}");
    for (version, scan) in (1..).zip(&scans) {
        assert_eq!(scan["evidence"]["id"], json!(evidence_id().to_string()));
        assert_eq!(scan["evidenceVersion"], json!(version));
        assert_eq!((&scan["checks"], &scan["checkCount"]), (&json!(["root_mfa"]), &json!(1)));
        assert_eq!(
            (&scan["by"], &scan["actor"]),
            (&Value::Null, &json!("controls.process_manager"))
        );
    }
    let clock: Vec<&Value> = moves.iter().filter(|moved| moved["kind"] == "CLOCK").collect();
    assert!(clock.len() >= 5, "two scans faded: {clock:#?}");
    for moved in &clock {
        let at = instant(&moved["at"]);
        assert_eq!(at, at.day().start(), "a pass fades at midnight");
        assert!(units(&moved["difference"]["lo"]) < 0, "{moved}");
        assert_eq!((&moved["type"], &moved["eventId"]), (&Value::Null, &Value::Null));
    }

    // Between any two changes of it.
    let ends: Vec<&str> = changes.iter().map(|change| change["at"].as_str().unwrap()).collect();
    let mut pairs = 0;
    for (first, from) in ends.iter().enumerate().step_by(3) {
        for to in ends.iter().skip(first + 1).step_by(4) {
            if from == to {
                continue;
            }
            let (part, moves) = diff(&world, &project, &soc2, from, to).await;
            adds_up(&part, &moves);
            let then = world.score(&project, &soc2, &format!(", asOf: \"{to}\"")).await;
            assert_eq!(part["after"]["exact"], then["exact"]);
            pairs += 1;
        }
    }
    assert!(pairs > 4, "{pairs}");
    world.close().await;
}

#[tokio::test]
async fn a_person_is_named_with_what_they_did_and_a_foreign_cursor_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, _) = lived(&world).await;
    let listed = world
        .ask(
            "query($p: ID!) { project(id: $p) { controls(first: 2) { nodes { id code version } } } }",
            json!({ "p": project }),
        )
        .await;
    let [one, other] = [0, 1].map(|at| listed["project"]["controls"]["nodes"][at].clone());
    let from = world.now().to_string();
    world
        .ask(
            "mutation($a: ID!, $b: ID!, $v: Int!) {
                updateControl(input: { id: $a, expectedVersion: $v, implementation: PARTIAL }) {
                    userErrors { message } }
                addDependency(input: { controlId: $b, dependsOnId: $a }) { userErrors { message } } }",
            json!({ "a": one["id"], "b": other["id"], "v": one["version"] }),
        )
        .await;
    world.clock.advance_micros(1_000);
    let to = world.now().to_string();
    let (whole, moves) = diff(&world, &project, &soc2, &from, &to).await;
    adds_up(&whole, &moves);
    let types: Vec<&Value> = moves.iter().map(|moved| &moved["type"]).collect();
    assert_eq!(types, ["controls.control.updated", "controls.dependency.added"]);
    let owner = json!(world.owner.user_id().unwrap().to_string());
    for moved in &moves {
        assert_eq!((&moved["by"]["id"], &moved["actor"]), (&owner, &owner));
    }
    assert_eq!(
        (&moves[0]["control"]["code"], &moves[0]["dependsOn"]),
        (&one["code"], &Value::Null)
    );
    assert_eq!(moves[1]["control"]["code"], other["code"]);
    assert_eq!(moves[1]["dependsOn"]["code"], one["code"]);

    // Nothing, twice: a period in which nothing moves, and a framework that is not adopted.
    world.clock.advance_micros(1_000_000);
    let later = world.now().to_string();
    let (whole, moves) = diff(&world, &project, &soc2, &to, &later).await;
    assert_eq!((moves.len(), &whole["difference"]["lo"]), (0, &json!("0")));
    let iso = world.builtin("iso27001").await;
    let (whole, moves) = diff(&world, &project, &iso, &from, &later).await;
    assert_eq!((moves.len(), &whole["after"]), (0, &Value::Null));

    for cursor in ["x", "OTk5OTk5LzA", "MS8x"] {
        let query = format!(
            "query($p: ID!, $f: ID!) {{ project(id: $p) {{ scoreDiff(frameworkId: $f,
                from: \"{from}\", to: \"{to}\") {{ moves(after: \"{cursor}\") {{
                nodes {{ at }} }} }} }} }}"
        );
        let code = world.code(&query, json!({ "p": project, "f": soc2 })).await;
        assert_eq!(code, "BAD_REQUEST", "{cursor}");
    }
    world.close().await;
}
