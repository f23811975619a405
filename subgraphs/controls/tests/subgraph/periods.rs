//! Rule 9: how controls and requirements held over a period, against the same question asked day by day.

use serde_json::{Value, json};
use studio_kernel::{Day, Timestamp};

use super::{
    histories::lived,
    support::{World, wire},
};

const COVERAGE: &str = "from to days covered share
    gaps(first: 100) { nodes { from to days lowest } }";

async fn of_control(world: &World, control: &Value, arguments: &str) -> Value {
    let query = format!(
        "query($c: ID!) {{ control(id: $c) {{ periodCoverage({arguments}) {{ {COVERAGE} }} }} }}"
    );
    world.ask(&query, json!({ "c": control })).await["control"]["periodCoverage"].clone()
}

/// What is proven of a control at the end of each day, with what was known at `to`: one replay a day.
async fn day_by_day(world: &World, control: &Value, days: (Day, Day), to: &str) -> Vec<f64> {
    let mut proven = Vec::new();
    for day in (days.0.0..=days.1.0).map(Day) {
        let query = format!(
            "query($c: ID!) {{ control(id: $c) {{ score(asOf: \"{to}\", at: \"{}\") {{ lo }} }} }}",
            day.end()
        );
        let answer = world.ask(&query, json!({ "c": control })).await;
        proven.push(answer["control"]["score"]["lo"].as_f64().unwrap());
    }
    proven
}

/// The gaps and the covered days that follow from it.
fn by_hand(first: Day, proven: &[f64], threshold: f64) -> (usize, Vec<Value>) {
    let mut gaps: Vec<(i64, i64, f64)> = Vec::new();
    for (day, lo) in (first.0..).zip(proven).filter(|(_, lo)| **lo < threshold - 1e-9) {
        match gaps.last_mut().filter(|gap| gap.1 + 1 == day) {
            Some(gap) => (gap.1, gap.2) = (day, gap.2.min(*lo)),
            None => gaps.push((day, day, *lo)),
        }
    }
    let uncovered: i64 = gaps.iter().map(|(from, to, _)| to - from + 1).sum();
    let begins = |day: i64| wire(Day(day).start());
    let shown = gaps.iter().map(|(from, to, lowest)| {
        json!({ "from": begins(*from), "to": begins(to + 1), "days": to - from + 1, "lowest": lowest })
    });
    (proven.len() - usize::try_from(uncovered).unwrap(), shown.collect())
}

/// The control of which most is proven, and the requirement that it meets.
pub(crate) async fn tested(world: &World, project: &str) -> (Value, Value) {
    let answer = world
        .ask(
            "query($p: ID!) { project(id: $p) { controls(first: 100) { nodes { id
                tests(first: 1) { nodes { id } } requirements(first: 1) { nodes { id } } } } } }",
            json!({ "p": project }),
        )
        .await;
    let nodes = answer["project"]["controls"]["nodes"].as_array().unwrap().clone();
    let tested = |node: &&Value| node["tests"]["nodes"].as_array().unwrap().len() == 1;
    let node = nodes.iter().find(tested).unwrap();
    (node["id"].clone(), node["requirements"]["nodes"][0]["id"].clone())
}

#[tokio::test]
async fn a_control_is_covered_on_the_days_on_which_enough_was_proven() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, _, began) = lived(&world).await;
    let (control, _) = tested(&world, &project).await;
    let (first, last) = (Day(began.day().0 + 1), Day(world.now().day().0 - 1));
    let to = world.now();
    let proven = day_by_day(&world, &control, (first, last), &to.to_string()).await;
    for threshold in [1.0, 0.9, 0.6] {
        let arguments = format!("from: \"{began}\", to: \"{to}\", threshold: {threshold}");
        let coverage = of_control(&world, &control, &arguments).await;
        let (covered, gaps) = by_hand(first, &proven, threshold);
        assert!(covered > 0 && covered < proven.len(), "{proven:?}");
        assert_eq!(coverage["days"], json!(proven.len()));
        assert_eq!(coverage["covered"], json!(covered), "at {threshold}: {proven:?}");
        assert_eq!(coverage["gaps"]["nodes"], json!(gaps), "at {threshold}: {proven:?}");
        let share = covered as f64 / proven.len() as f64;
        assert!((coverage["share"].as_f64().unwrap() - share).abs() < 1e-9);
        assert_eq!(coverage["from"], wire(first.start()));
        assert_eq!(coverage["to"], wire(Day(last.0 + 1).start()));
    }
    // What became known later does not count for a period that ended before.
    let early = began.plus_days(20);
    let arguments = format!("from: \"{began}\", to: \"{early}\"");
    let then = of_control(&world, &control, &arguments).await;
    let proven =
        day_by_day(&world, &control, (first, Day(early.day().0 - 1)), &early.to_string()).await;
    assert_eq!(then["covered"], json!(by_hand(first, &proven, 1.0).0));
    world.close().await;
}

#[tokio::test]
async fn a_requirement_holds_as_its_least_member_does() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, began) = lived(&world).await;
    let (control, requirement) = tested(&world, &project).await;
    let others = world
        .ask(
            "query($p: ID!) { project(id: $p) { controls(first: 100) { nodes { id } } } }",
            json!({ "p": project }),
        )
        .await;
    let other = others["project"]["controls"]["nodes"].as_array().unwrap().iter();
    let other = other.map(|node| &node["id"]).find(|id| **id != control).unwrap().clone();
    let ask = async |to: Timestamp| {
        let query = format!(
            "query($p: ID!) {{ project(id: $p) {{ score(frameworkId: \"{soc2}\") {{
                requirements(first: 100) {{ nodes {{ requirement {{ id
                periodCoverage(projectId: $p, from: \"{began}\", to: \"{to}\") {{
                    coverage {{ {COVERAGE} }}
                    members {{ nodes {{ control {{ id }} anyOf coverage {{ {COVERAGE} }} }} }}
                }} }} }} }} }} }} }}"
        );
        let answer = world.ask(&query, json!({ "p": project })).await;
        let all = answer["project"]["score"]["requirements"]["nodes"].as_array().unwrap().clone();
        let found = all.iter().map(|node| &node["requirement"]).find(|r| r["id"] == requirement);
        found.unwrap()["periodCoverage"].clone()
    };
    let to = world.now();
    let alone = ask(to).await;
    let arguments = format!("from: \"{began}\", to: \"{to}\"");
    let of_it = of_control(&world, &control, &arguments).await;
    assert_eq!(alone["coverage"], of_it, "its only member");
    assert_eq!(alone["members"]["nodes"][0]["control"]["id"], control);

    // One of which nothing is proven, whatever it is tested with.
    let planned = world
        .ask(
            "mutation($id: ID!) { updateControl(input: { id: $id, expectedVersion: 1,
                implementation: PLANNED }) { userErrors { message } } }",
            json!({ "id": other }),
        )
        .await;
    assert_eq!(planned["updateControl"]["userErrors"], json!([]));

    // In a group of its own, then beside the other one as well: the least counts.
    let map = async |group: Value| {
        let input = json!({ "projectId": project, "requirementId": requirement,
            "controlId": other, "anyOf": group });
        let made = world
            .ask(
                "mutation($i: MapRequirementInput!) { mapRequirement(input: $i) {
                    userErrors { message } } }",
                json!({ "i": input }),
            )
            .await;
        assert_eq!(made["mapRequirement"]["userErrors"], json!([]));
        world.clock.advance_micros(1_000_000);
        world.now()
    };
    let grouped = ask(map(json!("either")).await).await;
    let members = grouped["members"]["nodes"].as_array().unwrap();
    let names: Vec<&Value> = members.iter().map(|member| &member["anyOf"]).collect();
    assert_eq!(names, [&Value::Null, &json!("either")]);
    assert_eq!(grouped["coverage"]["covered"], json!(0), "the group has nobody but that one");
    let beside = ask(map(Value::Null).await).await;
    assert_eq!(beside["members"]["nodes"].as_array().unwrap().len(), 3);
    assert_eq!(beside["coverage"]["share"], json!(0.0));
    assert_eq!(beside["coverage"]["gaps"]["nodes"][0]["days"], beside["coverage"]["days"]);
    world.close().await;
}

#[tokio::test]
async fn a_period_without_whole_days_or_a_threshold_out_of_range_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, _, began) = lived(&world).await;
    let (control, _) = tested(&world, &project).await;
    let now = world.now();
    let code = async |arguments: String| {
        let query = format!(
            "query($c: ID!) {{ control(id: $c) {{ periodCoverage({arguments}) {{ days }} }} }}"
        );
        world.code(&query, json!({ "c": control })).await
    };
    for bad in [
        format!("from: \"{}\"", now.plus_seconds(-3_600)),
        format!("from: \"{}\"", now.plus_days(-4_000)),
        format!("from: \"{began}\", to: \"{}\"", now.plus_days(3)),
        format!("from: \"{began}\", threshold: 0"),
        format!("from: \"{began}\", threshold: 1.01"),
        format!("from: \"{began}\", threshold: 1e308"),
    ] {
        assert_eq!(code(bad.clone()).await, "BAD_REQUEST", "{bad}");
    }
    // A control that was not there yet at the end of the period.
    let arguments = format!("from: \"{}\", to: \"{}\"", began.plus_days(-9), began.plus_days(-1));
    assert_eq!(of_control(&world, &control, &arguments).await, Value::Null);
    world.close().await;
}
