//! Where scores are to be, and who is told when they are not.

use futures::{StreamExt, stream::BoxStream};
use serde_json::{Value, json};
use studio_kernel::{Role, Timestamp};

use super::{
    forecasts::two_checks,
    support::{World, code, member, results, summary, wire},
};

/// Sets a target.
async fn target(world: &World, input: Value) -> Value {
    let query = "mutation($input: SetScoreTargetInput!) { setScoreTarget(input: $input) {
        target { version points coverage by state pointsMissing coverageMissing requirementsMissing
            holdsUntil setBy { id } framework { id } score { exact { lo } }
            requirements(first: 2) { nodes { pointsLost requirement { code } } } }
        userErrors { code message path } } }";
    world.ask(query, json!({ "input": input })).await["setScoreTarget"].clone()
}

#[tokio::test]
async fn a_target_says_what_is_missing_and_how_long_it_holds() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, [first, _]) = two_checks(&world).await;
    let score = world.score(&project, &soc2, "").await;
    let lo: f64 = score["exact"]["lo"].as_str().unwrap().parse().unwrap();
    let by = world.now().plus_days(60);
    let of = |score: f64, version: u32| {
        json!({ "projectId": project, "frameworkId": soc2, "score": score, "by": by.to_string(),
            "expectedVersion": version })
    };
    let far = target(&world, of(lo + 6.0, 0)).await;
    assert_eq!(far["userErrors"], json!([]));
    let far = &far["target"];
    assert_eq!((&far["state"], &far["version"]), (&json!("OPEN"), &json!(1)));
    assert_eq!((&far["by"], &far["holdsUntil"]), (&wire(by), &Value::Null));
    assert_eq!(far["setBy"]["id"], json!(world.owner.user_id().unwrap().to_string()));
    assert!((far["pointsMissing"].as_f64().unwrap() - 6.0).abs() < 1e-9, "{far}");
    // The requirements that cost most give six points first.
    let needed = far["requirementsMissing"].as_u64().unwrap();
    let most = far["requirements"]["nodes"][0]["pointsLost"].as_f64().unwrap();
    assert!(most >= far["requirements"]["nodes"][1]["pointsLost"].as_f64().unwrap());
    assert_eq!(needed, (6.0 / most).ceil() as u64, "{far}");

    // A target that is met now is lost when the first pass fades.
    let near = target(&world, of(lo, 1)).await["target"].clone();
    assert_eq!((&near["state"], &near["version"]), (&json!("MET"), &json!(2)));
    assert_eq!(near["requirementsMissing"], json!(0));
    let fades = first.plus_days(31).day().start();
    assert_eq!(near["holdsUntil"], wire(fades));
    let stale = world
        .code(
            "mutation($input: SetScoreTargetInput!) { setScoreTarget(input: $input) {
                userErrors { code } } }",
            json!({ "input": of(1.0, 1) }),
        )
        .await;
    assert_eq!(stale, "CONFLICT");
    let refused = target(&world, of(101.0, 2)).await;
    assert_eq!(refused["userErrors"][0]["path"], json!(["input", "score"]), "{refused}");

    // Of the score as it will be, and when the day has come.
    let asked = "query($p: ID!, $f: ID!, $at: DateTime) { project(id: $p) {
        score(frameworkId: $f, at: $at) { target { state points } }
        scoreTargets { state framework { id } } } }";
    for (at, state) in [(None, "MET"), (Some(fades), "OPEN"), (Some(by), "MISSED")] {
        let at = at.map(|at| at.to_string());
        let answer = world.ask(asked, json!({ "p": project, "f": soc2, "at": at })).await;
        assert_eq!(answer["project"]["score"]["target"]["state"], json!(state));
        let listed = json!([{ "state": "MET", "framework": { "id": soc2 } }]);
        assert_eq!(answer["project"]["scoreTargets"], listed);
    }
    world.store.rebuild("score_watches").await.unwrap();
    let remove = "mutation($input: RemoveScoreTargetInput!) { removeScoreTarget(input: $input) {
        target { version } userErrors { code } } }";
    let input = json!({ "projectId": project, "frameworkId": soc2, "expectedVersion": 2 });
    let removed = world.ask(remove, json!({ "input": input })).await;
    let none = json!({ "target": null, "userErrors": [] });
    assert_eq!(removed["removeScoreTarget"], none);
    let answer = world.ask(asked, json!({ "p": project, "f": soc2 })).await;
    assert_eq!(answer["project"]["scoreTargets"], json!([]));
    assert_eq!(target(&world, of(50.0, 0)).await["target"]["version"], json!(1));
    world.close().await;
}

type Told = BoxStream<'static, async_graphql::Response>;

fn told(world: &World, project: &str, after: Option<&str>) -> Told {
    let query = "subscription($project: ID!, $after: String) {
        scoreAlerts(projectId: $project, after: $after) {
            cursor state name lo coverage highest raising at causeCount alertId framework { id }
            alert { id state } causes { kind type } } }";
    world.stream(&world.owner, query, json!({ "project": project, "after": after }))
}

async fn next(told: &mut Told) -> Value {
    let told = told.next().await.unwrap();
    assert!(told.is_ok(), "{:?}", told.errors);
    told.data.into_json().unwrap()["scoreAlerts"].clone()
}

async fn create(world: &World, project: &str, framework: &str, when: Value) -> String {
    let query = "mutation($input: CreateScoreAlertInput!) { createScoreAlert(input: $input) {
        alert { id version name state when { below coverageBelow dropsBy { points withinDays } } }
        userErrors { code message path } } }";
    let input =
        json!({ "projectId": project, "frameworkId": framework, "name": "Low", "when": when });
    let made = world.ask(query, json!({ "input": input })).await["createScoreAlert"].clone();
    assert_eq!(made["userErrors"], json!([]));
    made["alert"]["id"].as_str().unwrap().to_owned()
}

async fn alerts(world: &World, project: &str, state: Option<&str>) -> Vec<Value> {
    let query = "query($p: ID!, $s: ScoreAlertState) { project(id: $p) { scoreAlerts(state: $s) {
        nodes { id version state raising acknowledged acknowledgedBy { id } clearedAt
            raised { lo causes { kind type } } } } } }";
    let answer = world.ask(query, json!({ "p": project, "s": state })).await;
    answer["project"]["scoreAlerts"]["nodes"].as_array().unwrap().clone()
}

async fn scan(world: &World, project: &str, version: u32, passed: u32, failed: u32) {
    let counts = summary("root_mfa", passed, failed, world.now());
    world.matched(world.publish(&results(project, version, vec![counts])).await).await;
}

#[tokio::test]
async fn an_alert_is_raised_with_what_moved_the_score_and_cleared_when_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, _) = two_checks(&world).await;
    let lo: f64 =
        world.score(&project, &soc2, "").await["exact"]["lo"].as_str().unwrap().parse().unwrap();
    let mut stream = told(&world, &project, None);
    // All that the check proves is more than that, and what it needs to be back is less.
    let below = lo - 0.6;
    let alert = create(&world, &project, &soc2, json!({ "below": below })).await;
    assert_eq!(alerts(&world, &project, Some("RAISED")).await.len(), 0);

    scan(&world, &project, 3, 0, 7).await;
    let raised = next(&mut stream).await;
    assert_eq!((&raised["state"], &raised["alertId"]), (&json!("RAISED"), &json!(alert)));
    assert_eq!((&raised["name"], &raised["raising"]), (&json!("Low"), &json!(1)));
    assert!(raised["lo"].as_f64().unwrap() < below);
    let cause = json!([{ "kind": "FACT", "type": "controls.check_summaries.recorded" }]);
    assert_eq!(raised["causes"], cause);
    let listed = alerts(&world, &project, Some("RAISED")).await;
    assert_eq!(listed[0]["raised"]["causes"], cause);

    // Somebody has seen it, and it is raised still.
    let acknowledge = "mutation($input: AcknowledgeScoreAlertInput!) {
        acknowledgeScoreAlert(input: $input) { alert { state acknowledged } userErrors { code path } } }";
    let seen = |raising: u32| json!({ "input": { "id": alert, "raising": raising } });
    let early = world.ask(acknowledge, seen(2)).await;
    let refused = json!([{ "code": "NOT_RAISED", "path": ["input", "raising"] }]);
    assert_eq!(early["acknowledgeScoreAlert"]["userErrors"], refused);
    let done = world.ask(acknowledge, seen(1)).await["acknowledgeScoreAlert"].clone();
    assert_eq!(done["alert"], json!({ "state": "RAISED", "acknowledged": true }));

    // It is back; then nobody scans, and the clock takes it away again.
    scan(&world, &project, 4, 8, 0).await;
    let cleared = next(&mut stream).await;
    assert_eq!((&cleared["state"], &cleared["raising"]), (&json!("QUIET"), &json!(1)));
    assert_eq!((&cleared["lo"], &cleared["causes"]), (&Value::Null, &json!([])));
    world.settled(&project, &soc2).await;
    world.clock.set(world.now().plus_days(45));
    let again = next(&mut stream).await;
    assert_eq!((&again["raising"], &again["causes"][0]["kind"]), (&json!(2), &json!("CLOCK")));
    let now = alerts(&world, &project, None).await;
    assert_eq!((&now[0]["state"], &now[0]["acknowledged"]), (&json!("RAISED"), &json!(false)));

    // A later start goes on after a cursor, or begins with what is raised.
    let mut since = told(&world, &project, raised["cursor"].as_str());
    assert_eq!(next(&mut since).await["cursor"], cleared["cursor"]);
    assert_eq!(next(&mut since).await["cursor"], again["cursor"]);
    assert_eq!(next(&mut told(&world, &project, None)).await["cursor"], again["cursor"]);
    world.store.rebuild("score_watches").await.unwrap();
    assert_eq!(alerts(&world, &project, None).await, now);

    // Without the alert nothing is raised any more.
    let remove = "mutation($id: ID!) { removeScoreAlert(input: { id: $id, expectedVersion: 1 }) {
        removedId userErrors { code } } }";
    let removed = world.ask(remove, json!({ "id": alert })).await["removeScoreAlert"].clone();
    assert_eq!(removed["removedId"], json!(alert));
    let ended = next(&mut stream).await;
    assert_eq!((&ended["state"], &ended["alert"]), (&json!("QUIET"), &Value::Null));
    assert!(alerts(&world, &project, None).await.is_empty());
    world.store.verify().await.unwrap();
    world.close().await;
}

#[tokio::test]
async fn an_alert_is_raised_at_once_where_the_score_is_there_and_changes_with_its_terms() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, _) = two_checks(&world).await;
    let mut stream = told(&world, &project, None);
    let alert = create(&world, &project, &soc2, json!({ "coverageBelow": 1 })).await;
    let raised = next(&mut stream).await;
    assert_eq!(raised["causes"][0]["type"], json!("controls.score_alert.created"));
    let change = "mutation($input: ChangeScoreAlertInput!) { changeScoreAlert(input: $input) {
        alert { version name when { below coverageBelow dropsBy { points withinDays } } }
        userErrors { code path } } }";
    let drop = json!({ "dropsBy": { "points": 1.5, "withinDays": 30 } });
    let input = json!({ "id": alert, "expectedVersion": 1, "when": drop });
    let changed = world.ask(change, json!({ "input": input })).await["changeScoreAlert"].clone();
    assert_eq!(
        (&changed["alert"]["version"], &changed["alert"]["name"]),
        (&json!(2), &json!("Low"))
    );
    assert_eq!(changed["alert"]["when"]["dropsBy"], drop["dropsBy"]);
    assert_eq!(next(&mut stream).await["state"], json!("QUIET"), "nothing has dropped");
    scan(&world, &project, 3, 0, 7).await;
    let dropped = next(&mut stream).await;
    let (lo, highest) = (dropped["lo"].as_f64().unwrap(), dropped["highest"].as_f64().unwrap());
    assert!(highest - lo >= 1.5, "{dropped}");

    for when in [json!({}), json!({ "below": 1, "coverageBelow": 1 }), json!({ "below": 0 })] {
        let input = json!({ "id": alert, "expectedVersion": 2, "when": when });
        let refused = world.ask(change, json!({ "input": input })).await;
        let error = json!([{ "code": "INVALID", "path": ["input", "when"] }]);
        assert_eq!(refused["changeScoreAlert"]["userErrors"], error);
    }
    // Whoever only reads sees it, and sets none; another organization sees nothing of it.
    let viewer = member(1, Role::Viewer);
    let denied = world.ask_as(Some(&viewer), change, json!({ "input": input })).await;
    assert_eq!(code(&denied), "FORBIDDEN");
    let stranger = member(2, Role::Owner);
    let answer = world.ask_as(Some(&stranger), change, json!({ "input": input })).await;
    let answer = answer.data.into_json().unwrap();
    assert_eq!(answer["changeScoreAlert"]["userErrors"][0]["code"], json!("NOT_FOUND"));
    world.close().await;
}

#[tokio::test]
async fn what_happened_while_nothing_ran_raises_alerts_once() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let (project, soc2, _) = two_checks(&world).await;
    create(&world, &project, &soc2, json!({ "below": 0.1 })).await;
    world.settled(&project, &soc2).await;
    let clock = world.clock.clone();
    world.close().await;
    clock.set(clock_at(&clock).plus_days(50));
    for _start in 0..2 {
        let world = World::open_at(directory.path(), clock.clone()).await;
        let mut stream = told(&world, &project, None);
        // The live score is there once all is caught up with.
        assert_eq!(world.score(&project, &soc2, "").await["exact"]["lo"], json!("0"));
        assert_eq!(next(&mut stream).await["raising"], json!(1));
        assert_eq!(world.recorded("controls.score_alert.raised").await.len(), 1);
        world.close().await;
    }
}

fn clock_at(clock: &studio_kernel::ManualClock) -> Timestamp {
    use studio_kernel::Clock;
    clock.now()
}
