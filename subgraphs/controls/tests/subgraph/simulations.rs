//! Simulations: what is supposed is what comes of it, and what cannot be is named.

use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};
use studio_kernel::{
    Timestamp,
    published::evidence::{CheckSummary, EvidenceRejected},
};

use super::{
    departures::colleague,
    support::{World, evidence_id, results, summary, wire},
};

const SCORES: &str = "lo hi coverage exact { lo hi coverage } headline
    satisfied otherThanSatisfied undetermined";

/// Supposes changes of a project as it is.
pub(super) async fn simulate(world: &World, project: &str, changes: &[Value]) -> Value {
    simulate_as_of(world, project, changes, Value::Null).await
}

async fn simulate_as_of(world: &World, project: &str, changes: &[Value], as_of: Value) -> Value {
    let query = format!(
        "query($p: ID!, $input: SimulateInput!) {{ project(id: $p) {{ simulate(input: $input) {{
            asOf from at userErrors {{ code message path }}
            frameworks {{ framework {{ id }} before {{ {SCORES} }} after {{ {SCORES} }}
                difference {{ lo hi coverage }}
                verdicts(first: 100) {{ nodes {{ requirement {{ id }} before after }} }}
                controls(first: 100) {{ nodes {{ control {{ id }} before {{ lo hi decided }}
                    after {{ lo hi decided }} }} }} }} }} }} }}"
    );
    let input = json!({ "changes": changes, "asOf": as_of });
    let answer = world.ask(&query, json!({ "p": project, "input": input })).await;
    answer["project"]["simulate"].clone()
}

/// A project with everything that changes speak of.
pub(super) struct Scene {
    pub(super) world: World,
    pub(super) project: String,
    pub(super) framework: String,
    pub(super) controls: Vec<String>,
    pub(super) requirements: Vec<String>,
    pub(super) tests: Vec<String>,
    /// How often evidence came in.
    version: u32,
}

const CHECKS: [&str; 2] = ["root_mfa", "open_ports"];

impl Scene {
    pub(super) async fn open(directory: &std::path::Path) -> Self {
        let world = World::open(directory).await;
        let project = world.project().await;
        let framework = world.builtin("soc2").await;
        world.adopt(&project, &framework, "ONE_PER_REQUIREMENT", "IMPLEMENTED").await;
        let listed = world
            .ask(
                "query($p: ID!) { project(id: $p) { controls(first: 6) { nodes { id
                    requirements(first: 1) { nodes { id } } } } } }",
                json!({ "p": project }),
            )
            .await;
        let listed = listed["project"]["controls"]["nodes"].as_array().unwrap().clone();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut scene = Self {
            controls: listed.iter().map(|control| text(&control["id"])).collect(),
            requirements: listed
                .iter()
                .map(|control| text(&control["requirements"]["nodes"][0]["id"]))
                .collect(),
            tests: Vec::new(),
            version: 0,
            world,
            project,
            framework,
        };
        for (index, control) in scene.controls.clone().iter().enumerate().take(4) {
            let input = json!({ "controlId": control, "title": "By hand", "key": index == 2,
                "signOff": if index == 3 { "REQUIRED" } else { "NONE" },
                "validityDays": 20 + 10 * index });
            let added = scene.mutate("addTest", "AddTestInput", input, "test { id }").await;
            scene.tests.push(text(&added["test"]["id"]));
        }
        scene.scan([[7, 2], [3, 0]]).await;
        scene
    }

    /// Brings in counts of both checks.
    async fn scan(&mut self, counts: [[u32; 2]; 2]) {
        let now = self.world.now();
        let counted = CHECKS.iter().zip(counts);
        let summaries = counted.map(|(check, [pass, fail])| summary(check, pass, fail, now));
        self.publish(summaries.collect()).await;
    }

    /// Brings in what was counted.
    pub(super) async fn publish(&mut self, summaries: Vec<CheckSummary>) {
        self.version += 1;
        let scan = results(&self.project, self.version, summaries);
        self.world.matched(self.world.publish(&scan).await).await;
    }

    pub(super) async fn mutate(&self, name: &str, of: &str, input: Value, answer: &str) -> Value {
        let query = format!(
            "mutation($input: {of}!) {{ {name}(input: $input) {{ {answer}
                userErrors {{ code path }} }} }}"
        );
        self.world.ask(&query, json!({ "input": input })).await[name].clone()
    }

    async fn version_of(&self, control: &str) -> Value {
        let query = "query($id: ID!) { control(id: $id) { version } }";
        self.world.ask(query, json!({ "id": control })).await["control"]["version"].clone()
    }

    /// Somebody else signs off what waits for it.
    async fn sign_off(&self) {
        let other = colleague(&self.world);
        let waiting =
            "query($p: ID!) { project(id: $p) { testResults(state: PENDING) { nodes { id } } } }";
        let sign = "mutation($id: ID!) { signOffTestResult(input: { id: $id, expectedVersion: 1 }) { userErrors { code } } }";
        let waiting = self.world.ask(waiting, json!({ "p": self.project })).await;
        for result in waiting["project"]["testResults"]["nodes"].as_array().unwrap() {
            assert!(self.world.ask_as(Some(&other), sign, result.clone()).await.is_ok());
        }
    }

    /// Makes a change, and answers the code of the user error, if there is one.
    async fn make(&mut self, change: &Value) -> Value {
        let (name, input) = change.as_object().unwrap().iter().next().unwrap();
        let mut input = input.clone();
        match name.as_str() {
            "updateControl" | "retireControl" => {
                let control = input["id"].as_str().unwrap().to_owned();
                input["expectedVersion"] = self.version_of(&control).await;
            }
            "mapRequirement" | "unmapRequirement" => input["projectId"] = json!(self.project),
            _ => {}
        }
        let of = match name.as_str() {
            "updateControl" => "UpdateControlInput",
            "retireControl" => {
                input["reason"] = json!("It is no more");
                "RetireControlInput"
            }
            "addTest" => {
                input["title"] = json!("One more");
                "AddTestInput"
            }
            "recordTestResult" => "RecordTestResultInput",
            "addDependency" => "AddDependencyInput",
            "removeDependency" => "RemoveDependencyInput",
            "mapRequirement" => "MapRequirementInput",
            "unmapRequirement" => "UnmapRequirementInput",
            "fixCheck" => return self.fix(input["check"].as_str().unwrap()).await,
            "rejectEvidence" => return self.reject(&input).await,
            "timePasses" => {
                self.world.clock.set(input["until"].as_str().unwrap().parse().unwrap());
                return Value::Null;
            }
            other => panic!("no mutation for {other}"),
        };
        let made = self.mutate(name, of, input, "").await;
        self.sign_off().await;
        made["userErrors"][0]["code"].clone()
    }

    /// The scan that follows when everything that fails a check was fixed.
    async fn fix(&mut self, check: &str) -> Value {
        let [passed, failed] = self.counts(check).await;
        if failed == 0 {
            return json!("NOT_THERE");
        }
        let now = self.world.now();
        self.publish(vec![summary(check, passed + failed, 0, now)]).await;
        Value::Null
    }

    /// What counts of a check, by the contribution of some control that is tested with it.
    async fn counts(&self, check: &str) -> [u32; 2] {
        let recorded = self.world.recorded("controls.check_summaries.recorded").await;
        let of_check = |event: &Value| {
            let summaries = event["summaries"].as_array().unwrap().clone();
            summaries.into_iter().find(|summary| summary["check"] == check)
        };
        let newest = recorded.iter().rev().find_map(of_check).unwrap();
        ["passed", "failed"].map(|count| u32::try_from(newest[count].as_u64().unwrap()).unwrap())
    }

    async fn reject(&self, input: &Value) -> Value {
        let version = u32::try_from(input["version"].as_u64().unwrap()).unwrap();
        if !(1..=self.version).contains(&version) {
            return json!("NOT_FOUND");
        }
        let before = self.world.recorded("controls.evidence.discounted").await.len();
        let rejected = EvidenceRejected {
            evidence: evidence_id(),
            evidence_version: version,
            reason: "Not ours".to_owned(),
            project: None,
        };
        let mut wake = self.world.store.wake();
        self.world.publish(&rejected).await;
        while self.world.recorded("controls.evidence.discounted").await.len() == before {
            wake.changed().await.unwrap();
        }
        Value::Null
    }

    async fn score(&self) -> Value {
        self.world.score(&self.project, &self.framework, "").await
    }
}

/// A change before the ids of a project are put in.
#[derive(Debug, Clone)]
enum Supposed {
    Implement(usize, &'static str),
    Retire(usize),
    AddTest(usize, Option<usize>, u32),
    Result(usize, &'static str),
    Fix(usize),
    Depend(usize, usize, &'static str),
    Undepend(usize, usize),
    Map(usize, usize, f64, bool),
    Unmap(usize, usize),
    Reject(u32),
    Wait(i64),
}

fn supposed() -> impl Strategy<Value = Supposed> {
    let (control, requirement) = (0..6_usize, 0..6_usize);
    let state = prop::sample::select(vec!["PLANNED", "PARTIAL", "IMPLEMENTED"]);
    let outcome = prop::sample::select(vec!["PASSED", "FAILED", "UNKNOWN"]);
    let strength = prop::sample::select(vec!["FULL", "HALF", "WEAK"]);
    prop_oneof![
        4 => (control.clone(), state).prop_map(|(at, state)| Supposed::Implement(at, state)),
        1 => (4..6_usize).prop_map(Supposed::Retire),
        3 => (control.clone(), prop::option::of(0..2_usize), 1..9_u32)
            .prop_map(|(at, check, weight)| Supposed::AddTest(at, check, weight)),
        6 => (0..4_usize, outcome).prop_map(|(test, outcome)| Supposed::Result(test, outcome)),
        3 => (0..2_usize).prop_map(Supposed::Fix),
        4 => (control.clone(), control.clone(), strength)
            .prop_map(|(from, on, strength)| Supposed::Depend(from, on, strength)),
        2 => (control.clone(), control.clone()).prop_map(|(from, on)| Supposed::Undepend(from, on)),
        4 => (requirement.clone(), control.clone(), 1..8_u32, any::<bool>()).prop_map(
            |(of, at, eighths, group)| Supposed::Map(of, at, f64::from(eighths) / 8.0, group)
        ),
        2 => (requirement, control).prop_map(|(of, at)| Supposed::Unmap(of, at)),
        1 => (1..9_u32).prop_map(Supposed::Reject),
        1 => (0..20 * 86_400_i64).prop_map(Supposed::Wait),
    ]
}

impl Supposed {
    fn input(&self, scene: &Scene, now: &mut Timestamp) -> Value {
        let control = |at: &usize| &scene.controls[*at];
        match self {
            Self::Implement(at, state) => {
                json!({ "updateControl": { "id": control(at), "implementation": state } })
            }
            Self::Retire(at) => json!({ "retireControl": { "id": control(at) } }),
            Self::AddTest(at, check, weight) => json!({ "addTest": { "controlId": control(at),
                "check": check.map(|check| CHECKS[check]), "weight": weight } }),
            Self::Result(test, outcome) => json!({ "recordTestResult": {
                "testId": scene.tests[*test], "outcome": outcome } }),
            Self::Fix(check) => json!({ "fixCheck": { "check": CHECKS[*check] } }),
            Self::Depend(from, on, strength) => json!({ "addDependency": {
                "controlId": control(from), "dependsOnId": control(on), "strength": strength } }),
            Self::Undepend(from, on) => json!({ "removeDependency": {
                "controlId": control(from), "dependsOnId": control(on) } }),
            Self::Map(of, at, share, group) => json!({ "mapRequirement": {
                "requirementId": scene.requirements[*of], "controlId": control(at),
                "share": share, "anyOf": group.then_some("either") } }),
            Self::Unmap(of, at) => json!({ "unmapRequirement": {
                "requirementId": scene.requirements[*of], "controlId": control(at) } }),
            Self::Reject(version) => json!({ "rejectEvidence": {
                "evidenceId": evidence_id().to_string(), "version": version } }),
            Self::Wait(seconds) => {
                *now = now.plus_seconds(*seconds);
                json!({ "timePasses": { "until": now.to_string() } })
            }
        }
    }
}

#[tokio::test]
async fn what_is_supposed_is_what_comes_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut scene = Scene::open(directory.path()).await;
    let mut runner = TestRunner::deterministic();
    let plans = prop::collection::vec(supposed(), 1..6);
    let (mut moved, mut refused) = (0, 0);
    for _ in 0..60 {
        let plan = plans.new_tree(&mut runner).unwrap().current();
        // What a mutation and a question take of the clock stays within the day.
        let mut now = scene.world.now().day().start().plus_seconds(9 * 3_600);
        now = now.max(scene.world.now());
        let changes: Vec<Value> = plan.iter().map(|s| s.input(&scene, &mut now)).collect();
        let before = scene.score().await;
        let simulated = simulate(&scene.world, &scene.project, &changes).await;
        assert_eq!(scene.score().await["exact"], before["exact"], "nothing was recorded");

        let mut codes = Vec::new();
        for (place, change) in changes.iter().enumerate() {
            let code = scene.make(change).await;
            if code != Value::Null {
                codes.push((place.to_string(), code));
            }
        }
        let told: Vec<(String, Value)> = simulated["userErrors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| (error["path"][2].as_str().unwrap().to_owned(), error["code"].clone()))
            .collect();
        assert_eq!(told, codes, "{changes:#?}\n{simulated:#}");
        if !codes.is_empty() {
            refused += 1;
            assert_eq!(simulated["frameworks"], json!([]));
            continue;
        }
        let framework = &simulated["frameworks"][0];
        let after = scene.score().await;
        for (simulated, real) in [(&framework["before"], &before), (&framework["after"], &after)] {
            for field in ["exact", "headline", "satisfied", "otherThanSatisfied", "undetermined"] {
                assert_eq!(simulated[field], real[field], "{changes:#?}");
            }
        }
        moved += usize::from(before["exact"] != after["exact"]);
    }
    assert!(moved > 15 && refused > 5, "{moved} moved, {refused} were refused");
    scene.world.close().await;
}

#[tokio::test]
async fn a_simulation_says_what_moves_and_what_gets_another_verdict() {
    let directory = tempfile::tempdir().unwrap();
    let scene = Scene::open(directory.path()).await;
    let passed = json!({ "recordTestResult": { "testId": scene.tests[0], "outcome": "PASSED" } });
    let weaker =
        json!({ "updateControl": { "id": scene.controls[1], "implementation": "PARTIAL" } });
    let simulated = simulate(&scene.world, &scene.project, &[passed.clone(), weaker.clone()]).await;
    let framework = &simulated["frameworks"][0];
    assert_eq!(framework["framework"]["id"], json!(scene.framework));
    let verdicts = framework["verdicts"]["nodes"].as_array().unwrap();
    let of = |requirement: &String| {
        let found = verdicts.iter().find(|verdict| verdict["requirement"]["id"] == **requirement);
        found.map(|verdict| [verdict["before"].clone(), verdict["after"].clone()])
    };
    assert_eq!(of(&scene.requirements[0]), Some([json!("UNDETERMINED"), json!("SATISFIED")]));
    assert_eq!(
        of(&scene.requirements[1]),
        Some([json!("UNDETERMINED"), json!("OTHER_THAN_SATISFIED")])
    );
    let controls = framework["controls"]["nodes"].as_array().unwrap();
    let named: Vec<&Value> = controls.iter().map(|control| &control["control"]["id"]).collect();
    assert_eq!(named, [&json!(scene.controls[0]), &json!(scene.controls[1])], "the most first");
    assert_eq!(controls[0]["before"], json!({ "lo": 0.0, "hi": 1.0, "decided": 0.0 }));
    assert_eq!(controls[0]["after"], json!({ "lo": 1.0, "hi": 1.0, "decided": 1.0 }));
    assert_eq!(controls[1]["after"]["hi"], json!(0.5));
    let exact = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let expected =
        exact(&framework["after"]["exact"]["lo"]) - exact(&framework["before"]["exact"]["lo"]);
    assert!((exact(&framework["difference"]["lo"]) - expected).abs() < 1e-9 && expected > 0.0);

    // A test that is done at once, one that is no longer done, and time.
    let added = json!({ "addTest": { "controlId": scene.controls[5], "outcome": "PASSED" } });
    let removed = json!({ "removeTest": { "testId": scene.tests[0] } });
    let until = scene.world.now().plus_days(300);
    let wait = json!({ "timePasses": { "until": until.to_string() } });
    let plan = [passed.clone(), added, removed];
    let simulated = simulate(&scene.world, &scene.project, &plan).await;
    let verdicts = simulated["frameworks"][0]["verdicts"]["nodes"].as_array().unwrap().clone();
    assert_eq!(verdicts.len(), 1, "the removed test takes its pass along: {verdicts:?}");
    assert_eq!(verdicts[0]["requirement"]["id"], json!(scene.requirements[5]));
    assert_eq!(verdicts[0]["after"], json!("SATISFIED"));
    let faded = simulate(&scene.world, &scene.project, &[passed.clone(), wait]).await;
    assert_eq!(faded["at"], wire(until));
    assert_eq!(faded["frameworks"][0]["after"]["exact"]["lo"], "0", "all of it is stale by then");

    // Of the past, before the scan came.
    scene.world.clock.advance_micros(1_000_000);
    let input = json!({ "testId": scene.tests[0], "outcome": "FAILED" });
    let as_of = scene.world.now();
    scene.world.clock.advance_micros(1_000_000);
    scene.mutate("recordTestResult", "RecordTestResultInput", input, "").await;
    let then = simulate_as_of(&scene.world, &scene.project, &[passed], json!(as_of)).await;
    assert_eq!(then["asOf"], wire(as_of));
    assert_eq!(then["frameworks"][0]["verdicts"]["nodes"][0]["before"], "UNDETERMINED");
    scene.world.close().await;
}

#[tokio::test]
async fn what_cannot_be_is_named_by_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let scene = Scene::open(directory.path()).await;
    let past = scene.world.now().plus_days(-1).to_string();
    let strange = "ctl_00000000000000000000000000000099";
    let bad = [
        (
            json!({ "updateControl": { "id": "nonsense", "implementation": "PARTIAL" } }),
            "INVALID",
            "id",
        ),
        (json!({ "retireControl": { "id": strange } }), "NOT_FOUND", "id"),
        (
            json!({ "addTest": { "controlId": scene.controls[0], "weight": 0 } }),
            "INVALID",
            "weight",
        ),
        (
            json!({ "addTest": { "controlId": scene.controls[0], "check": "new", "outcome": "PASSED" } }),
            "NOT_MANUAL",
            "outcome",
        ),
        (
            json!({ "removeTest": { "testId": "tst_00000000000000000000000000000099" } }),
            "NOT_FOUND",
            "testId",
        ),
        (json!({ "fixCheck": { "check": "unheard_of" } }), "NOT_FOUND", "check"),
        (json!({ "fixCheck": { "check": "root_mfa", "region": "nowhere" } }), "NOT_FOUND", "check"),
        (json!({ "fixCheck": { "check": "open_ports" } }), "NOT_THERE", "check"),
        (
            json!({ "addDependency": { "controlId": scene.controls[0], "dependsOnId": scene.controls[0] } }),
            "INVALID",
            "dependsOnId",
        ),
        (
            json!({ "mapRequirement": { "requirementId": scene.requirements[0], "controlId": scene.controls[1], "share": 1e300 } }),
            "INVALID",
            "share",
        ),
        (
            json!({ "mapRequirement": { "requirementId": scene.requirements[0], "controlId": scene.controls[1], "share": 0 } }),
            "INVALID",
            "share",
        ),
        (
            json!({ "unmapRequirement": { "requirementId": scene.requirements[0], "controlId": scene.controls[1] } }),
            "NOT_THERE",
            "requirementId",
        ),
        (
            json!({ "rejectEvidence": { "evidenceId": evidence_id().to_string(), "version": 77 } }),
            "NOT_FOUND",
            "evidenceId",
        ),
        (json!({ "timePasses": { "until": past } }), "INVALID", "until"),
        (json!({ "timePasses": { "until": "soon" } }), "INVALID", "until"),
    ];
    let changes: Vec<Value> = bad.iter().map(|(change, _, _)| change.clone()).collect();
    let answer = simulate(&scene.world, &scene.project, &changes).await;
    assert_eq!(answer["frameworks"], json!([]));
    let told = answer["userErrors"].as_array().unwrap();
    assert_eq!(told.len(), bad.len(), "{told:#?}");
    for (place, ((change, code, field), error)) in bad.iter().zip(told).enumerate() {
        let name = change.as_object().unwrap().keys().next().unwrap();
        assert_eq!(error["code"], *code, "{error}");
        assert_eq!(error["path"], json!(["input", "changes", place.to_string(), name, field]));
        assert!(error["message"].as_str().unwrap().ends_with('.'), "{error}");
    }
    for count in [0, 101] {
        let many = vec![json!({ "fixCheck": { "check": "root_mfa" } }); count];
        let answer = simulate(&scene.world, &scene.project, &many).await;
        assert_eq!(answer["userErrors"][0]["path"], json!(["input", "changes"]), "{count}");
        assert_eq!(answer["userErrors"].as_array().unwrap().len(), 1);
    }
    let ahead = json!({ "p": scene.project, "input": { "asOf": "2999-01-01T00:00:00Z",
        "changes": [{ "retireControl": { "id": strange } }] } });
    let query = "query($p: ID!, $input: SimulateInput!) { project(id: $p) {
        simulate(input: $input) { at } } }";
    assert_eq!(scene.world.code(query, ahead).await, "BAD_REQUEST");
    scene.world.close().await;
}
