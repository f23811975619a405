//! Rules look at evidence that is handed in: what is published of it, in which order, and what a kill
//! leaves.

use serde_json::{Value, json};
use studio_kernel::{
    Actor, Env, Id, kind,
    published::{
        controls::{ControlTestRuleSet, rule_check},
        evidence::{CheckResultsRecorded, CheckSummary},
    },
};

use super::support::{PATIENCE, Running, World, finding, scan};

const LOCKED: &str = "package studio.test

results contains {\"resource\": door.id, \"outcome\": \"PASSED\"} if {
	some door in input.doors
	door.locked
}

results contains {\"resource\": door.id, \"outcome\": \"FAILED\", \"message\": \"open\"} if {
	some door in input.doors
	not door.locked
}
";

const EVALUATION: &str = "query($t: ID!, $o: TestOutcome) { _entities(representations: [
    { __typename: \"ControlTest\", id: $t }]) { ... on ControlTest { evaluation {
        ruleVersion evidence { id } evidenceVersion collectedAt error
        results(outcome: $o, first: 100) { nodes { resource outcome message } } } } } }";

fn rule(project: Id<kind::Project>, source: &str) -> ControlTestRuleSet {
    let env = Env::system();
    ControlTestRuleSet {
        test: env.id(),
        control: env.id(),
        project,
        title: "Doors are locked".to_owned(),
        evidence_name: "doors".to_owned(),
        version: 1,
        source: source.to_owned(),
    }
}

fn doors(doors: &[(&str, bool)]) -> String {
    let door = |(id, locked): &(&str, bool)| json!({ "id": id, "locked": locked });
    json!({ "doors": doors.iter().map(door).collect::<Vec<_>>() }).to_string()
}

async fn hand_in(
    running: &Running,
    actor: &Actor,
    rule: &ControlTestRuleSet,
    at: &str,
    body: String,
) {
    let more = format!("&collectedAt={at}");
    let answer = running.hand_in(actor, rule.project, (&rule.evidence_name, &more), body).await;
    assert!(answer.status.is_success(), "{}", answer.body);
}

/// What was published of a rule so far.
async fn published(
    running: &Running,
    rule: &ControlTestRuleSet,
) -> Vec<(CheckResultsRecorded, CheckSummary)> {
    let check = rule_check(rule.test);
    let pages = running.pages().await.into_iter();
    let of = |page: CheckResultsRecorded| {
        let summary = page.summaries.iter().find(|summary| summary.check == check).cloned();
        summary.map(|summary| (page, summary))
    };
    pages.filter_map(|(_, page)| of(page)).collect()
}

/// The same, once there are so many.
async fn wait_for(
    running: &Running,
    rule: &ControlTestRuleSet,
    count: usize,
) -> Vec<(CheckResultsRecorded, CheckSummary)> {
    running.until(|| async { published(running, rule).await.len() >= count }).await;
    let all = published(running, rule).await;
    assert_eq!(all.len(), count);
    all
}

async fn evaluation(running: &Running, actor: &Actor, rule: &ControlTestRuleSet) -> Value {
    let variables = json!({ "t": rule.test });
    let mut data = running.data(actor, EVALUATION, variables).await;
    data["_entities"][0]["evaluation"].take()
}

#[tokio::test]
async fn what_a_rule_says_is_published_and_shown() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let rule = rule(project, LOCKED);
    running.rule(&world.owner, &rule).await;
    assert_eq!(evaluation(&running, &world.owner, &rule).await, Value::Null);

    let open = doors(&[("front", true), ("back", false), ("side", false)]);
    hand_in(&running, &world.owner, &rule, "2026-03-01T06:00:00Z", open).await;
    let (page, summary) = wait_for(&running, &rule, 1).await.pop().unwrap();
    assert_eq!(page.uploaded_by, world.owner.user_id());
    assert_eq!((page.evidence_version, summary.rule_version), (1, Some(1)));
    assert_eq!((summary.population, summary.passed, summary.failed), (3, 1, 2));
    assert_eq!((&*summary.account, &*summary.region), ("doors", "global"));
    assert_eq!(summary.failing_added, ["back", "side"]);
    assert_eq!(summary.effective_from.to_string(), "2026-03-01T06:00:00Z");
    assert_eq!(summary.collected_at, summary.effective_from);

    let shut = doors(&[("front", true), ("back", true), ("side", false)]);
    hand_in(&running, &world.owner, &rule, "2026-03-02T06:00:00Z", shut).await;
    let (_, summary) = wait_for(&running, &rule, 2).await.pop().unwrap();
    assert_eq!(summary.failing_removed, ["back"]);
    assert!(summary.failing_added.is_empty());

    let told = evaluation(&running, &world.viewer, &rule).await;
    assert_eq!((&told["ruleVersion"], &told["evidenceVersion"]), (&json!(1), &json!(2)));
    let variables = json!({ "t": rule.test, "o": "FAILED" });
    let failed = running.data(&world.owner, EVALUATION, variables).await;
    assert_eq!(
        failed["_entities"][0]["evaluation"]["results"]["nodes"],
        json!([{ "resource": "side", "outcome": "FAILED", "message": "open" }])
    );

    // What is kept more closely is not told to whoever does not read it.
    let text = "mutation($input: ClassifyEvidenceInput!) { classifyEvidence(input: $input) {
        userErrors { message } } }";
    let input =
        json!({ "evidenceId": page.evidence, "dataClass": "RESTRICTED", "expectedVersion": 1 });
    running.data(&world.owner, text, json!({ "input": input })).await;
    assert_eq!(evaluation(&running, &world.viewer, &rule).await, Value::Null);
    assert_eq!(evaluation(&running, &world.stranger, &rule).await, Value::Null);
    assert_ne!(evaluation(&running, &world.owner, &rule).await, Value::Null);
    running.stop().await;
}

#[tokio::test]
async fn another_rule_looks_at_the_newest_evidence_and_makes_it_no_fresher() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let mut rule = rule(project, LOCKED);
    let body = doors(&[("front", true), ("back", false)]);
    hand_in(&running, &world.owner, &rule, "2026-03-02T06:00:00Z", body).await;
    // It was there before the rule.
    running.rule(&world.owner, &rule).await;
    let first = wait_for(&running, &rule, 1).await.pop().unwrap().1;

    // What was collected before that is not looked at, what was collected later is.
    hand_in(&running, &world.owner, &rule, "2026-03-01T06:00:00Z", doors(&[("old", true)])).await;
    rule.version = 2;
    rule.source = LOCKED.replace("not door.locked", "door.id == \"front\"").replace(
        "some door in input.doors\n\tdoor.locked",
        "some door in input.doors\n\tdoor.id != \"front\"",
    );
    running.rule(&world.owner, &rule).await;
    let (page, second) = wait_for(&running, &rule, 2).await.pop().unwrap();
    assert_eq!((page.evidence_version, second.rule_version), (1, Some(2)));
    assert_eq!(second.effective_from, first.effective_from, "as old as its evidence");
    assert_eq!(second.collected_at, first.collected_at);
    assert_eq!(
        (second.failing_added, second.failing_removed),
        (vec!["front".into()], vec!["back".into()])
    );
    running.stop().await;
}

#[tokio::test]
async fn a_rule_that_fails_proves_nothing_and_says_why() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let source = LOCKED.replace("door.locked\n}", "to_number(door.locked) == 1\n}");
    let rule = rule(project, &source);
    running.rule(&world.owner, &rule).await;
    hand_in(&running, &world.owner, &rule, "2026-03-01T06:00:00Z", doors(&[("a", true)])).await;
    wait_for(&running, &rule, 1).await;
    let odd = json!({ "doors": [{ "id": "a", "locked": "yes" }] }).to_string();
    hand_in(&running, &world.owner, &rule, "2026-03-02T06:00:00Z", odd).await;
    let (_, summary) = wait_for(&running, &rule, 2).await.pop().unwrap();
    assert_eq!((summary.population, summary.passed, summary.failed, summary.unknown), (1, 0, 0, 1));
    let told = evaluation(&running, &world.owner, &rule).await;
    assert!(told["error"].as_str().unwrap().contains("the rule failed"), "{told}");
    assert_eq!(told["results"]["nodes"], json!([]));

    // Nothing looked at is nothing known.
    let none = json!({ "doors": [] }).to_string();
    hand_in(&running, &world.owner, &rule, "2026-03-03T06:00:00Z", none).await;
    let (_, summary) = wait_for(&running, &rule, 3).await.pop().unwrap();
    assert_eq!((summary.population, summary.unknown), (0, 0));
    assert_eq!(evaluation(&running, &world.owner, &rule).await["error"], Value::Null);
    running.stop().await;
}

#[tokio::test]
async fn a_scan_cannot_speak_for_a_rule() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let rule = rule(project, LOCKED);
    running.rule(&world.owner, &rule).await;
    let forged = finding(&rule_check(rule.test), "front", "PASS", 0);
    let run =
        running.ingest(&world.owner, project, scan(&[forged, finding("a", "b", "PASS", 0)])).await;
    assert_eq!(run["counts"]["refused"], 1);
    let reason = run["refused"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("only rules of tests"), "{reason}");
    assert!(published(&running, &rule).await.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_rule_is_tried_and_nothing_is_recorded() {
    let world = World::new();
    let running = world.start().await;
    let project = running.project(&world.owner).await;
    let rule = rule(project, LOCKED);
    hand_in(&running, &world.owner, &rule, "2026-03-01T06:00:00Z", doors(&[("a", false)])).await;
    let before = running.store.head();
    let text = "query($p: ID!, $r: String!, $i: String, $n: String) {
        tryRule(projectId: $p, rule: $r, input: $i, evidenceName: $n) {
            results { resource outcome } error evidenceVersion } }";
    let tried = |rule: &str, input: Option<String>, name: Option<&str>| {
        let variables = json!({ "p": project, "r": rule, "i": input, "n": name });
        let (running, viewer) = (&running, &world.viewer);
        async move { running.data(viewer, text, variables).await["tryRule"].take() }
    };
    let made_up = tried(LOCKED, Some(doors(&[("z", true)])), None).await;
    assert_eq!(made_up["results"], json!([{ "resource": "z", "outcome": "PASSED" }]));
    let kept = tried(LOCKED, None, Some("doors")).await;
    assert_eq!(kept["results"], json!([{ "resource": "a", "outcome": "FAILED" }]));
    assert_eq!(kept["evidenceVersion"], 1);
    for (wrong, about) in [
        (tried("package studio.test\nresults := [", Some("{}".into()), None).await, "parse"),
        (tried(LOCKED, Some("{".into()), None).await, "no JSON"),
        (tried(LOCKED, None, Some("windows")).await, "windows"),
        (tried(LOCKED, None, None).await, "either"),
    ] {
        assert!(wrong["error"].as_str().unwrap().contains(about), "{wrong}");
        assert_eq!(wrong["results"], json!([]));
    }
    assert_eq!(running.store.head(), before);
    running.stop().await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// Two rules, evidence, another version of a rule, and evidence again.
async fn story(running: &Running, world: &World, rules: &[ControlTestRuleSet; 3]) {
    let [first, second, changed] = rules;
    running.rule(&world.owner, first).await;
    running.rule(&world.owner, second).await;
    let body = doors(&[("a", true), ("b", false)]);
    hand_in(running, &world.owner, first, "2026-03-01T06:00:00Z", body).await;
    said(running, &[first, second], 1).await;
    running.rule(&world.owner, changed).await;
    said(running, &[changed, second], 1).await;
    let body = doors(&[("a", false), ("c", true)]);
    hand_in(running, &world.owner, first, "2026-03-02T06:00:00Z", body).await;
    said(running, &[changed, second], 2).await;
}

/// Waits until these rules have spoken, or newer ones, of that version of the evidence or a newer one.
async fn said(running: &Running, rules: &[&ControlTestRuleSet; 2], evidence: u32) {
    running
        .until(|| async {
            for rule in rules {
                let newest = published(running, rule).await.pop();
                let there = newest.is_some_and(|(page, summary)| {
                    page.evidence_version >= evidence && summary.rule_version >= Some(rule.version)
                });
                if !there {
                    return false;
                }
            }
            true
        })
        .await;
}

/// What is published of the rules, each with the version of the evidence that it is of.
async fn outcome(running: &Running, rules: &[ControlTestRuleSet; 3]) -> Vec<(u32, CheckSummary)> {
    let mut all = Vec::new();
    for rule in &rules[..2] {
        let of_rule = published(running, rule).await.into_iter();
        all.extend(of_rule.map(|(page, summary)| (page.evidence_version, summary)));
    }
    all
}

#[test]
fn a_kill_at_any_position_of_the_log_says_everything_once() {
    let outer = runtime();
    let env = Env::system();
    let project = env.id();
    let mut rules = [rule(project, LOCKED), rule(project, LOCKED), rule(project, LOCKED)];
    rules[2] = ControlTestRuleSet {
        version: 2,
        source: LOCKED.replace("\"open\"", "\"unlocked\""),
        ..rules[0].clone()
    };
    let undisturbed = World::new();
    let (expected, last) = outer.block_on(async {
        let running = undisturbed.start().await;
        running.create(&undisturbed.owner, project).await;
        story(&running, &undisturbed, &rules).await;
        let last = running.store.head();
        let expected = outcome(&running, &rules).await;
        running.stop().await;
        (expected, last)
    });
    assert_eq!(expected.len(), 5, "one rule spoke three times, the other one twice");

    for position in 1..=last {
        let world = World::new();
        outer.block_on(async {
            let running = world.start().await;
            running.create(&world.owner, project).await;
            running.stop().await;
        });
        let inner = runtime();
        inner.block_on(async {
            let running = world.start().await;
            let mut head = running.store.wake();
            tokio::select! {
                () = story(&running, &world, &rules) => {}
                reached = head.wait_for(|head| *head >= position) => { reached.unwrap(); }
            }
        });
        // Every task is dropped where it stands; nothing is flushed or closed.
        inner.shutdown_timeout(PATIENCE);
        outer.block_on(async {
            let running = world.start().await;
            story(&running, &world, &rules).await;
            assert_eq!(outcome(&running, &rules).await, expected, "at {position}");
            running.store.verify().await.unwrap();
            running.stop().await;
        });
    }
}
