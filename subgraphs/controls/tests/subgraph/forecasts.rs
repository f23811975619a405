//! What expires when, and what the score loses by it.

use serde_json::{Value, json};
use studio_controls::domain::score::Fixed;
use studio_kernel::Timestamp;

use super::{
    histories::instant,
    support::{World, evidence_id, results, summary, wire},
};

/// A project with two checks that were scanned ten days apart, and the days of the scans.
pub(crate) async fn two_checks(world: &World) -> (String, String, [Timestamp; 2]) {
    let project = world.project().await;
    let soc2 = world.builtin("soc2").await;
    world.adopt(&project, &soc2, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let first = world.now();
    let mut later = summary("disk_encryption", 4, 1, first);
    later.requirements = [("SOC2".to_owned(), vec!["cc_6_7".to_owned()])].into();
    for (version, (days, mut counts)) in
        (1..).zip([(10, summary("root_mfa", 7, 0, first)), (0, later)])
    {
        counts.effective_from = world.now();
        counts.collected_at = world.now();
        world.matched(world.publish(&results(&project, version, vec![counts])).await).await;
        world.clock.advance_micros(days * 86_400_000_000);
    }
    (project, soc2, [first, world.now()])
}

async fn forecast(world: &World, project: &str, framework: &str, until: Timestamp) -> Value {
    let query = format!(
        "query($p: ID!, $f: ID!) {{ project(id: $p) {{
            scoreForecast(frameworkId: $f, until: \"{until}\") {{
                from until framework {{ id }} difference {{ lo hi coverage }}
                before {{ headline exact {{ lo hi coverage }} }}
                after {{ headline exact {{ lo hi coverage }} }}
                changes(first: 100) {{ nodes {{ from to difference {{ lo hi coverage }} thing {{
                    kind fadesFrom goneFrom test {{ check }} control {{ id }} exception {{ id }}
                    results {{ account region passed fadesFrom goneFrom
                        evidence {{ version evidence {{ id }} }} }} }} }} }}
                moves(first: 100) {{ nodes {{ at difference {{ lo hi coverage }}
                    thing {{ kind test {{ check }} }}
                    before {{ exact {{ lo }} }} after {{ exact {{ lo hi coverage }} }} }} }}
                points(resolution: CHANGE, first: 100) {{ nodes {{ at since
                    score {{ exact {{ lo hi coverage }} headline }} }} }}
                days: points(first: 3) {{ pageInfo {{ hasNextPage endCursor }}
                    nodes {{ at since score {{ headline }} }} }} }} }} }}"
    );
    let answer = world.ask(&query, json!({ "p": project, "f": framework })).await;
    answer["project"]["scoreForecast"].clone()
}

fn nodes(connection: &Value) -> &[Value] {
    connection["nodes"].as_array().unwrap()
}

fn sum(parts: &[Value], number: &str) -> i64 {
    let units = |part: &Value| {
        let text = part["difference"][number].as_str().unwrap();
        text.parse::<Fixed>().unwrap().units()
    };
    parts.iter().map(units).sum()
}

#[tokio::test]
async fn a_forecast_says_what_expires_when_and_the_clock_makes_it_true() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, scans) = two_checks(&world).await;
    let until = world.now().plus_days(45);
    let foreseen = forecast(&world, &project, &soc2, until).await;
    assert_eq!((&foreseen["until"], &foreseen["framework"]["id"]), (&wire(until), &json!(soc2)));

    // What to renew, by which day.
    let changes = nodes(&foreseen["changes"]);
    assert_eq!(changes.len(), 2, "{changes:#?}");
    for (change, (check, version, scan)) in
        changes.iter().zip([("root_mfa", 1, scans[0]), ("disk_encryption", 2, scans[1])])
    {
        let thing = &change["thing"];
        let days = |days: i64| wire(scan.plus_days(days).day().start());
        assert_eq!((&thing["kind"], &thing["test"]["check"]), (&json!("FADING"), &json!(check)));
        assert_eq!((&thing["control"], &thing["exception"]), (&Value::Null, &Value::Null));
        assert_eq!((&thing["fadesFrom"], &thing["goneFrom"]), (&days(31), &days(38)));
        assert_eq!((&change["from"], &change["to"]), (&days(31), &days(38)));
        let results = thing["results"].as_array().unwrap();
        assert_eq!(results.len(), 1);
        assert_eq!(results[0]["evidence"]["version"], json!(version));
        assert_eq!(results[0]["evidence"]["evidence"]["id"], json!(evidence_id().to_string()));
        assert!(sum(std::slice::from_ref(change), "lo") < 0, "{change}");
    }

    // It adds up, whichever way it is cut.
    let moves = nodes(&foreseen["moves"]);
    assert_eq!(moves.len(), 16, "two tests fade on eight days");
    for number in ["lo", "hi", "coverage"] {
        let whole = sum(std::slice::from_ref(&foreseen), number);
        assert_eq!((sum(moves, number), sum(changes, number)), (whole, whole), "{number}");
    }
    let mut last = foreseen["before"]["exact"]["lo"].clone();
    for moved in moves {
        assert_eq!(moved["before"]["exact"]["lo"], last);
        last = moved["after"]["exact"]["lo"].clone();
    }
    assert_eq!(last, foreseen["after"]["exact"]["lo"]);

    // Each point is what the score would be asked for then.
    let points = nodes(&foreseen["points"]);
    assert_eq!(points.len(), 17);
    for point in points {
        let at = instant(&point["at"]);
        let then = world.score(&project, &soc2, &format!(", at: \"{at}\"")).await;
        assert_eq!(point["score"]["exact"], then["exact"], "{at}");
    }
    let days = nodes(&foreseen["days"]);
    assert_eq!(days[0]["since"], days[2]["since"], "nothing moves in the first days");
    assert_eq!(instant(&days[1]["at"]), world.now().plus_days(1).day().start());
    assert_eq!(foreseen["days"]["pageInfo"]["hasNextPage"], json!(true));

    world.settled(&project, &soc2).await;
    world.clock.set(until);
    let live = world.score(&project, &soc2, "").await;
    assert_eq!(live["exact"], foreseen["after"]["exact"]);
    world.close().await;
}

#[tokio::test]
async fn pages_of_a_forecast_follow_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, _) = two_checks(&world).await;
    let until = world.now().plus_days(45);
    let whole = forecast(&world, &project, &soc2, until).await;
    for (field, ends) in [
        ("points(resolution: CHANGE, first: 5, after: $a)", "points"),
        ("moves(first: 5, after: $a)", "moves"),
    ] {
        let query = format!(
            "query($p: ID!, $f: ID!, $a: String) {{ project(id: $p) {{
                scoreForecast(frameworkId: $f, until: \"{until}\") {{ {field} {{
                    pageInfo {{ hasNextPage endCursor }} nodes {{ at }} }} }} }} }}"
        );
        let (mut all, mut after) = (Vec::new(), Value::Null);
        loop {
            let variables = json!({ "p": project, "f": soc2, "a": after });
            let page = world.ask(&query, variables).await["project"]["scoreForecast"][ends].clone();
            all.extend(nodes(&page).iter().map(|node| node["at"].clone()));
            if page["pageInfo"]["hasNextPage"] == false {
                break;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
        // The first point is of the moment in which it was asked.
        let skipped = usize::from(ends == "points");
        let listed = nodes(&whole[ends]).iter().map(|node| node["at"].clone());
        assert_eq!(all[skipped..], listed.skip(skipped).collect::<Vec<_>>());
    }
    world.close().await;
}

#[tokio::test]
async fn a_forecast_looks_ahead_and_not_too_far() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, _) = two_checks(&world).await;
    for until in [world.now(), world.now().plus_days(-1), world.now().plus_days(402)] {
        let query = format!(
            "query($p: ID!, $f: ID!) {{ project(id: $p) {{
                scoreForecast(frameworkId: $f, until: \"{until}\") {{ until }} }} }}"
        );
        let code = world.code(&query, json!({ "p": project, "f": soc2 })).await;
        assert_eq!(code, "BAD_REQUEST", "{until}");
    }
    let iso = world.builtin("iso27001").await;
    let none = forecast(&world, &project, &iso, world.now().plus_days(300)).await;
    assert_eq!(none, Value::Null, "the project has not adopted it");
    world.close().await;
}
