//! Tests by hand: how they are done, what comes out of them, and that a pass counts once another person
//! has signed it off, where it has to be.

use serde_json::{Value, json};
use studio_kernel::{Actor, Principal, Role};

use super::{
    controls::{Small, control, small},
    departures::{colleague, is},
    support::{World, code, evidence_id, member, results, summary},
};

const DAY: i64 = 86_400 * 1_000_000;

/// A mutation as somebody; what it answers, or the code of its error.
async fn ask(world: &World, actor: &Actor, name: &str, fields: &str, input: Value) -> Value {
    world.clock.advance_micros(1_000);
    let of = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let text = format!(
        "mutation($input: {of}!) {{ it: {name}(input: $input) {{ {fields} userErrors {{ code message path }} }} }}"
    );
    let answer = world.ask_as(Some(actor), &text, json!({ "input": input })).await;
    match answer.errors.is_empty() {
        true => answer.data.into_json().unwrap()["it"].clone(),
        false => json!({ "code": code(&answer) }),
    }
}

/// The one user error of a mutation: its code and its field.
fn refusal(answer: &Value) -> (String, String) {
    let Some([error]) = answer["userErrors"].as_array().map(|all| &all[..]) else {
        panic!("{answer}")
    };
    is(error["code"].as_str().unwrap(), error["path"][1].as_str().unwrap())
}

async fn test_of(world: &World, control: &str, more: Value) -> Value {
    let mut input = json!({ "controlId": control, "title": "Ask" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let fields = "test { id version method procedure signOff weight key validityDays }";
    let made = ask(world, &world.owner, "addTest", fields, input).await;
    assert_eq!(made["userErrors"], json!([]), "{made}");
    made["test"].clone()
}

async fn record(world: &World, actor: &Actor, test: &Value, more: Value) -> Value {
    let mut input = json!({ "testId": test, "outcome": "PASSED" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let fields = "test { results(first: 1) { nodes { id version state } } }";
    ask(world, actor, "recordTestResult", fields, input).await
}

/// A result that was just recorded.
async fn recorded(world: &World, actor: &Actor, test: &Value, more: Value) -> Value {
    let answer = record(world, actor, test, more).await;
    assert_eq!(answer["userErrors"], json!([]), "{answer}");
    answer["test"]["results"]["nodes"][0].clone()
}

async fn decide(world: &World, actor: &Actor, name: &str, result: &Value, version: u32) -> Value {
    let mut input = json!({ "id": result, "expectedVersion": version });
    if name == "rejectTestResult" {
        input["reason"] = json!("Nobody was asked.");
    }
    ask(world, actor, name, "testResult { id version state decidedBy { id } }", input).await
}

async fn worth(world: &World, control: &str, when: &str) -> Value {
    let text =
        format!("query($c: ID!) {{ control(id: $c) {{ score{when} {{ lo hi decided }} }} }}");
    world.ask(&text, json!({ "c": control })).await["control"]["score"].clone()
}

fn score(lo: f64, hi: f64, decided: f64) -> Value {
    json!({ "lo": lo, "hi": hi, "decided": decided })
}

#[tokio::test]
async fn a_pass_counts_once_another_person_has_signed_it_off_and_is_as_old_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let of = control(&world, &small, "IAM-1", &[small.requirements[0]["id"].clone()]).await;
    let how =
        json!({ "method": "INTERVIEW", "procedure": "Ask three of them.", "signOff": "REQUIRED" });
    let test = test_of(&world, &of, how).await;
    assert_eq!(
        (&test["version"], &test["method"], &test["procedure"], &test["signOff"]),
        (&json!(2), &json!("INTERVIEW"), &json!("Ask three of them."), &json!("REQUIRED"))
    );
    let test = &test["id"];

    let note = json!({ "note": " Three of them knew. " });
    let pass = recorded(&world, &owner, test, note).await;
    assert_eq!((&pass["version"], &pass["state"]), (&json!(1), &json!("PENDING")));
    assert_eq!(worth(&world, &of, "").await, score(0.0, 1.0, 0.0), "nobody has signed it off");
    world.clock.advance_micros(33 * DAY);
    let before = world.now();
    let own = decide(&world, &owner, "signOffTestResult", &pass["id"], 1).await;
    assert_eq!(refusal(&own), is("FOUR_EYES", "id"));
    assert!(own["userErrors"][0]["message"].as_str().unwrap().contains("recorded this result"));
    let stale = decide(&world, &other, "signOffTestResult", &pass["id"], 2).await;
    assert_eq!(stale["code"], "CONFLICT");
    let signed = decide(&world, &other, "signOffTestResult", &pass["id"], 1).await;
    let by = other.user_id().unwrap().to_string();
    assert_eq!(
        signed["testResult"],
        json!({ "id": pass["id"], "version": 2, "state": "COUNTED", "decidedBy": { "id": by } })
    );
    // It is 33 days old, and valid for 30 of them: 1 - 3/7.5.
    assert_eq!(worth(&world, &of, "").await, score(0.6, 1.0, 0.6));
    let then = format!("(asOf: \"{before}\")");
    assert_eq!(worth(&world, &of, &then).await, score(0.0, 1.0, 0.0), "it was not known then");
    let earlier = format!("(at: \"{before}\")");
    assert_eq!(worth(&world, &of, &earlier).await, score(0.6, 1.0, 0.6), "it was true then");
    let again = decide(&world, &other, "rejectTestResult", &pass["id"], 2).await;
    assert_eq!(refusal(&again), is("NOT_OPEN", "id"));

    // A failure counts at once, and before a pass that was recorded earlier and is signed off later.
    let late = recorded(&world, &owner, test, json!({})).await;
    let failed = recorded(&world, &owner, test, json!({ "outcome": "FAILED" })).await;
    assert_eq!(failed["state"], "COUNTED");
    assert_eq!(worth(&world, &of, "").await, score(0.0, 0.0, 1.0));
    decide(&world, &other, "signOffTestResult", &late["id"], 1).await;
    assert_eq!(worth(&world, &of, "").await, score(0.0, 0.0, 1.0));
    // A pass that is refused never counts.
    let refused = recorded(&world, &other, test, json!({})).await;
    let no = decide(&world, &owner, "rejectTestResult", &refused["id"], 1).await;
    assert_eq!(no["testResult"]["state"], "REJECTED");
    assert_eq!(worth(&world, &of, "").await, score(0.0, 0.0, 1.0));
    recorded(&world, &owner, test, json!({ "outcome": "UNKNOWN" })).await;
    assert_eq!(worth(&world, &of, "").await, score(0.0, 1.0, 0.0));

    let text = "query($t: ID!, $p: ID!) {
        _entities(representations: [{ __typename: \"ControlTest\", id: $t }]) { ... on ControlTest {
            results(first: 2) { nodes { outcome state } pageInfo { endCursor hasNextPage } } } }
        project(id: $p) { counted: testResults(state: COUNTED) { nodes { outcome note } }
            rejected: testResults(state: REJECTED) { nodes { rejection recordedBy { id } decidedBy { id }
                test { id } project { id } } } pending: testResults(state: PENDING) { nodes { id } } } }";
    let listed = world.ask(text, json!({ "t": test, "p": small.project })).await;
    let newest = &listed["_entities"][0]["results"];
    assert_eq!(
        newest["nodes"],
        json!([{ "outcome": "UNKNOWN", "state": "COUNTED" }, { "outcome": "PASSED", "state": "REJECTED" }])
    );
    let outcomes: Vec<&Value> = listed["project"]["counted"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| &node["outcome"])
        .collect();
    assert_eq!(outcomes, ["UNKNOWN", "FAILED", "PASSED", "PASSED"]);
    assert_eq!(listed["project"]["counted"]["nodes"][3]["note"], "Three of them knew.");
    let rejected = &listed["project"]["rejected"]["nodes"][0];
    assert_eq!(rejected["rejection"], "Nobody was asked.");
    assert_eq!(rejected["decidedBy"]["id"], owner.user_id().unwrap().to_string());
    assert_eq!(rejected["recordedBy"]["id"], by);
    assert_eq!(listed["project"]["pending"]["nodes"], json!([]));
    let next = "query($t: ID!, $a: String) { _entities(representations: [{ __typename: \"ControlTest\", id: $t }]) {
        ... on ControlTest { results(after: $a) { nodes { outcome } } } } }";
    let after = newest["pageInfo"]["endCursor"].clone();
    let rest = world.ask(next, json!({ "t": test, "a": after })).await;
    assert_eq!(
        rest["_entities"][0]["results"]["nodes"],
        json!([{ "outcome": "FAILED" }, { "outcome": "PASSED" }, { "outcome": "PASSED" }])
    );

    // A start from the log knows all of it.
    let pending = recorded(&world, &other, test, json!({})).await;
    world.settled(&small.project, &small.framework).await;
    let clock = world.clock.clone();
    world.close().await;
    let world = World::open_at(directory.path(), clock).await;
    assert_eq!(worth(&world, &of, "").await, score(0.0, 1.0, 0.0));
    let signed = decide(&world, &owner, "signOffTestResult", &pending["id"], 1).await;
    assert_eq!(signed["testResult"]["state"], "COUNTED");
    assert_eq!(worth(&world, &of, "").await, score(1.0, 1.0, 1.0));
    world.close().await;
}

#[tokio::test]
async fn who_may_sign_off_and_what_a_result_may_name() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let noor = member(1, Role::ControlOwner);
    let of = control(&world, &small, "IAM-1", &[]).await;
    let own =
        json!({ "id": of, "expectedVersion": 1, "ownerId": noor.user_id().unwrap().to_string() });
    ask(&world, &owner, "updateControl", "", own).await;
    let test = test_of(&world, &of, json!({ "signOff": "REQUIRED" })).await["id"].clone();
    let pending = recorded(&world, &noor, &test, json!({})).await;
    let (viewer, stranger) = (member(1, Role::Viewer), member(2, Role::Owner));
    let head = world.last().await;
    for name in ["signOffTestResult", "rejectTestResult"] {
        for actor in [&viewer, &noor] {
            let told = decide(&world, actor, name, &pending["id"], 1).await;
            assert_eq!(told["code"], "FORBIDDEN", "{name}");
        }
        let told = decide(&world, &stranger, name, &pending["id"], 1).await;
        assert_eq!(refusal(&told), is("NOT_FOUND", "id"), "{name}");
        let unknown = json!(format!("tsr_{:032x}", 9));
        let told = decide(&world, &other, name, &unknown, 1).await;
        assert_eq!(refusal(&told), is("NOT_FOUND", "id"), "{name}");
    }
    // A control owner changes their tests, but for what they would have to ask others.
    let change = |more: Value| {
        let mut input = json!({ "id": test, "expectedVersion": 2 });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        input
    };
    let loose = ask(&world, &noor, "changeTest", "", change(json!({ "signOff": "NONE" }))).await;
    assert_eq!(loose["code"], "FORBIDDEN");
    // A program of the organization has no judgement: it may say that something fails.
    let principal = Principal::Client {
        client: format!("cli_{:032x}", 1).parse().unwrap(),
        token: format!("tok_{:032x}", 1).parse().unwrap(),
    };
    let scopes = vec!["controls:*:*".parse().unwrap()];
    let program = Actor::program(owner.tenant, principal, vec![Role::ComplianceManager], scopes);
    let told = record(&world, &program, &test, json!({})).await;
    assert_eq!(refusal(&told), is("NOT_A_PERSON", "testId"));
    let told = decide(&world, &program, "signOffTestResult", &pending["id"], 1).await;
    assert_eq!(refusal(&told), is("NOT_A_PERSON", "id"));
    let unknown = json!({ "evidenceIds": [evidence_id().to_string()] });
    let told = record(&world, &owner, &test, unknown.clone()).await;
    assert_eq!(refusal(&told), is("NOT_FOUND", "evidenceIds"));
    let long = record(&world, &owner, &test, json!({ "note": "x".repeat(2_001) })).await;
    assert_eq!(refusal(&long), is("INVALID", "note"));
    let events = world.store.read(head, 1_000).await.unwrap();
    let others = events.iter().filter(|it| &*it.event_type != "controls.score.changed");
    assert_eq!(others.count(), 0, "nothing was recorded");

    let failed = recorded(&world, &program, &test, json!({ "outcome": "FAILED" })).await;
    assert_eq!(failed["state"], "COUNTED");
    let scanned = results(&small.project, 1, vec![summary("any", 1, 0, world.now())]);
    world.matched(world.publish(&scanned).await).await;
    let shown = recorded(&world, &noor, &test, unknown).await;
    let text =
        "query($r: ID!) { _entities(representations: [{ __typename: \"TestResult\", id: $r }]) {
        ... on TestResult { evidence { id } effectiveFrom effectiveTo } } }";
    let named = world.ask(text, json!({ "r": shown["id"] })).await["_entities"][0].clone();
    assert_eq!(named["evidence"], json!([{ "id": evidence_id().to_string() }]));
    // Those who may sign off may do without it; what waits goes on to wait.
    let loose =
        ask(&world, &other, "changeTest", "test { signOff }", change(json!({ "signOff": "NONE" })))
            .await;
    assert_eq!(loose["test"]["signOff"], "NONE");
    assert_eq!(recorded(&world, &noor, &test, json!({})).await["state"], "COUNTED");
    let signed = decide(&world, &other, "signOffTestResult", &pending["id"], 1).await;
    assert_eq!(signed["testResult"]["state"], "COUNTED");
    world.close().await;
}

#[tokio::test]
async fn a_test_is_changed_and_retired() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let Small { project, framework, requirements } = small(&world).await;
    let small = Small { project: project.clone(), framework: framework.clone(), requirements };
    let owner = world.owner.clone();
    let of = control(&world, &small, "IAM-1", &[small.requirements[0]["id"].clone()]).await;
    let first = test_of(&world, &of, json!({ "weight": 3 })).await["id"].clone();
    let second = test_of(&world, &of, json!({})).await["id"].clone();
    recorded(&world, &owner, &first, json!({ "outcome": "FAILED" })).await;
    recorded(&world, &owner, &second, json!({})).await;
    assert_eq!(worth(&world, &of, "").await, score(0.25, 0.25, 1.0));

    let fields = "test { version title method procedure weight key validityDays retiredAt retirementReason }";
    let change = json!({ "id": first, "expectedVersion": 1, "title": "Look", "weight": 1,
        "method": "EXAMINE", "procedure": "Read it.", "validityDays": 90 });
    // What is supposed of it comes true.
    let supposed = "query($p: ID!, $t: ID!) { project(id: $p) { simulate(input: { changes: [
        { changeTest: { id: $t, weight: 1 } }, { removeTest: { testId: $t } }] }) { userErrors { message }
            frameworks { controls { nodes { after { lo hi decided } } } } } } }";
    let answer = world.ask(supposed, json!({ "p": project, "t": first })).await;
    let simulated = &answer["project"]["simulate"];
    assert_eq!(simulated["userErrors"], json!([]));
    let changed = ask(&world, &owner, "changeTest", fields, change.clone()).await;
    assert_eq!(
        changed["test"],
        json!({ "version": 2, "title": "Look", "method": "EXAMINE", "procedure": "Read it.",
            "weight": 1, "key": false, "validityDays": 90, "retiredAt": null, "retirementReason": null })
    );
    assert_eq!(worth(&world, &of, "").await, score(0.5, 0.5, 1.0));
    assert_eq!(ask(&world, &owner, "changeTest", fields, change).await["code"], "CONFLICT");
    for (field, value) in [("title", json!("")), ("weight", json!(0)), ("validityDays", json!(0))] {
        let mut input = json!({ "id": first, "expectedVersion": 2 });
        input[field] = value;
        let told = ask(&world, &owner, "changeTest", fields, input).await;
        assert_eq!(refusal(&told), is("INVALID", field));
    }
    let cleared = json!({ "id": first, "expectedVersion": 2, "method": null, "procedure": null });
    let cleared = ask(&world, &owner, "changeTest", fields, cleared).await;
    assert_eq!(
        (&cleared["test"]["method"], &cleared["test"]["procedure"]),
        (&json!(null), &json!(""))
    );
    assert_eq!(cleared["test"]["title"], "Look", "what is left out stays");

    let retire = |reason: &str| json!({ "id": first, "expectedVersion": 3, "reason": reason });
    let unsaid = ask(&world, &owner, "retireTest", fields, retire(" ")).await;
    assert_eq!(refusal(&unsaid), is("INVALID", "reason"));
    let from = world.now();
    let retired = ask(&world, &owner, "retireTest", fields, retire("It asks for nothing.")).await;
    assert_eq!(retired["test"]["retirementReason"], "It asks for nothing.");
    assert_eq!(worth(&world, &of, "").await, score(1.0, 1.0, 1.0));
    assert_eq!(simulated["frameworks"][0]["controls"]["nodes"][0]["after"], score(1.0, 1.0, 1.0));
    let then = format!("(asOf: \"{from}\")");
    assert_eq!(worth(&world, &of, &then).await, score(0.5, 0.5, 1.0));
    for (name, input) in [
        ("retireTest", json!({ "id": first, "expectedVersion": 4, "reason": "x" })),
        ("changeTest", json!({ "id": first, "expectedVersion": 4, "weight": 2 })),
    ] {
        let told = ask(&world, &owner, name, "", input).await;
        assert_eq!(refusal(&told), is("RETIRED", "id"), "{name}");
    }
    let late = record(&world, &owner, &first, json!({})).await;
    assert_eq!(refusal(&late), is("RETIRED", "testId"));
    // Who did it, and what it did to the score.
    let text = "query($p: ID!, $f: ID!, $from: DateTime!, $c: ID!) { project(id: $p) {
        scoreDiff(frameworkId: $f, from: $from) { moves { nodes { type test { id } control { id } } } } }
        control(id: $c) { tests { nodes { id } } all: tests(includeRetired: true) { nodes { id } } } }";
    let variables = json!({ "p": project, "f": framework, "from": from, "c": of });
    let told = world.ask(text, variables).await;
    assert_eq!(
        told["project"]["scoreDiff"]["moves"]["nodes"],
        json!([{ "type": "controls.test.retired", "test": { "id": first }, "control": { "id": of } }])
    );
    assert_eq!(told["control"]["tests"]["nodes"], json!([{ "id": second }]));
    assert_eq!(told["control"]["all"]["nodes"].as_array().unwrap().len(), 2);
    world.close().await;
}

#[tokio::test]
async fn a_retired_test_of_a_check_is_not_made_again_by_a_scan() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let project = world.project().await;
    let framework = world.builtin("soc2").await;
    world.adopt(&project, &framework, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
    let scan = async |version: u32| {
        let scanned = results(&project, version, vec![summary("root_mfa", 3, 1, world.now())]);
        world.matched(world.publish(&scanned).await).await
    };
    let made = scan(1).await.tests_added;
    assert_eq!(made, 1);
    let added = world.recorded("controls.test.added").await[0].clone();
    let (test, control) = (added["test"].clone(), added["control"].as_str().unwrap().to_owned());
    let owner = world.owner.clone();
    for (field, value) in [("method", "INTERVIEW"), ("signOff", "REQUIRED")] {
        let mut input = json!({ "id": test, "expectedVersion": 1 });
        input[field] = json!(value);
        let told = ask(&world, &owner, "changeTest", "", input).await;
        assert_eq!(refusal(&told), is("NOT_MANUAL", field));
    }
    let text = "query($c: ID!) { control(id: $c) { tests { nodes { method } } impact { controls { nodes { weight } } }
        score { lo hi contribution { tests { failed } } } } }";
    let before = world.ask(text, json!({ "c": control })).await;
    assert_eq!(before["control"]["tests"]["nodes"], json!([{ "method": "TEST" }]));
    let retire =
        json!({ "id": test, "expectedVersion": 1, "reason": "It is not about this control." });
    ask(&world, &owner, "retireTest", "", retire).await;
    assert_eq!(scan(2).await.tests_added, 0);
    let after = world.ask(text, json!({ "c": control })).await;
    assert_eq!(after["control"]["tests"]["nodes"], json!([]));
    assert_eq!(
        (&after["control"]["score"]["lo"], &after["control"]["score"]["hi"]),
        (&json!(0.0), &json!(1.0))
    );
    // Somebody may add it again.
    test_of(&world, &control, json!({ "check": "root_mfa" })).await;
    assert_eq!(worth(&world, &control, "").await, score(0.75, 0.75, 1.0));
    world.close().await;
}
