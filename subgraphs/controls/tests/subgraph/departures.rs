//! What departs from the rule: requirements that do not apply, nonconformities, exceptions; and that
//! each takes two people.

use serde_json::{Value, json};
use studio_kernel::{Actor, Principal, Role};

use super::{
    controls::{Small, control, small},
    support::{World, code, evidence_id, member, results, summary},
};

/// Another owner of the same organization.
pub(super) fn colleague(world: &World) -> Actor {
    let mut other = world.owner.clone();
    let Principal::User { user, .. } = &mut other.principal else { panic!("a person") };
    *user = format!("usr_{:032x}", 77).parse().unwrap();
    other
}

/// A mutation as somebody; what it answers under its name.
async fn change(world: &World, actor: &Actor, name: &str, input: Value) -> Value {
    let of = match name {
        name if name.starts_with("approve") => "ApproveProposalInput".to_owned(),
        "rejectCorrection" => "RejectCorrectionInput".to_owned(),
        name if name.starts_with("reject") => "RejectProposalInput".to_owned(),
        name if name.starts_with("withdraw") || name.starts_with("revoke") => {
            "EndProposalInput".to_owned()
        }
        name => format!("{}{}Input", name[..1].to_uppercase(), &name[1..]),
    };
    let thing = match name {
        name if name.contains("Exception") => "exception { id version state inForce }",
        name if name.contains("Mapping") => "mapping { id version state }",
        name if name.contains("Applicable") => "notApplicable { id version state }",
        _ => "nonconformity { id version state }",
    };
    let text = format!(
        "mutation($input: {of}!) {{ it: {name}(input: $input) {{ {thing} userErrors {{ code path message }} }} }}"
    );
    world.clock.advance_micros(1_000);
    let answer = world.ask_as(Some(actor), &text, json!({ "input": input })).await;
    match answer.errors.is_empty() {
        true => answer.data.into_json().unwrap()["it"].clone(),
        false => json!({ "code": code(&answer) }),
    }
}

/// The thing that a change answers, where nobody has to mend anything.
pub(super) async fn done(world: &World, actor: &Actor, name: &str, input: Value) -> Value {
    let answer = change(world, actor, name, input).await;
    assert_eq!(answer["userErrors"], json!([]), "{name}: {answer}");
    let things = answer.as_object().unwrap().iter().filter(|(key, _)| *key != "userErrors");
    things.map(|(_, thing)| thing.clone()).next().unwrap()
}

/// The code and the field of the one user error of a change.
pub(super) async fn refused(
    world: &World,
    actor: &Actor,
    name: &str,
    input: Value,
) -> (String, String) {
    let answer = change(world, actor, name, input).await;
    let [error] = &answer["userErrors"].as_array().unwrap()[..] else { panic!("{name}: {answer}") };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    assert!(text(&error["message"]).ends_with('.'), "{error}");
    (text(&error["code"]), text(&error["path"][1]))
}

/// Waits for a recorded change of a score, after so many others.
async fn changed(world: &World, after: usize, is_it: impl Fn(&Value) -> bool) -> Value {
    let mut wake = world.store.wake();
    loop {
        wake.borrow_and_update();
        let changes = world.recorded("controls.score.changed").await;
        if let Some(found) = changes[after..].iter().find(|it| is_it(it)) {
            return found.clone();
        }
        wake.changed().await.unwrap();
    }
}

pub(super) fn is(code: &str, field: &str) -> (String, String) {
    (code.to_owned(), field.to_owned())
}

async fn worth(world: &World, control: &str) -> Value {
    let text = "query($c: ID!) { control(id: $c) { score { lo hi contribution { caps } } } }";
    world.ask(text, json!({ "c": control })).await["control"]["score"].clone()
}

#[tokio::test]
async fn a_requirement_that_does_not_apply_takes_two_people_and_leaves_the_score() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let Small { project, framework, requirements } = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let critical = requirements.iter().find(|it| it["importance"] != "NORMAL");
    let requirement = critical.unwrap_or(&requirements[0])["id"].clone();
    let input = |reason: &str| json!({ "projectId": project, "requirementId": requirement, "reason": reason });
    let empty = refused(&world, &owner, "markNotApplicable", input(" \n ")).await;
    assert_eq!(empty, is("INVALID", "reason"));
    let made = done(&world, &owner, "markNotApplicable", input("We have no such rooms.")).await;
    assert_eq!(made["state"], "PROPOSED");
    let again = refused(&world, &other, "markNotApplicable", input("Nor has anybody.")).await;
    assert_eq!(again, is("ALREADY_EXISTS", "requirementId"));

    let score = async |when: &str| {
        let text = format!(
            "query($p: ID!, $f: ID!) {{ project(id: $p) {{ score(frameworkId: $f {when}) {{ undetermined
                removedWeight removedRequirements {{ nodes {{ weight requirement {{ id importance }}
                    declaration {{ id reason proposedBy {{ id }} decidedBy {{ id }} }} }} }} }} }} }}"
        );
        let answer = world.ask(&text, json!({ "p": project, "f": framework })).await;
        answer["project"]["score"].clone()
    };
    let before = score("").await;
    assert_eq!(before["removedWeight"], 0);
    let approval = json!({ "id": made["id"], "expectedVersion": 1 });
    let own = refused(&world, &owner, "approveNotApplicable", approval.clone()).await;
    assert_eq!(own, is("FOUR_EYES", "id"));
    let stale = json!({ "id": made["id"], "expectedVersion": 2 });
    let stale = change(&world, &other, "approveNotApplicable", stale).await;
    assert_eq!(stale["code"], "CONFLICT");
    assert_eq!(score("").await, before, "what is proposed counts for nothing");
    let instant = world.now();
    let approved = done(&world, &other, "approveNotApplicable", approval.clone()).await;
    assert_eq!(approved, json!({ "id": made["id"], "version": 2, "state": "APPROVED" }));
    let twice = change(&world, &other, "approveNotApplicable", approval).await;
    assert_eq!(twice["code"], "CONFLICT");
    let after = score("").await;
    let undetermined = before["undetermined"].as_u64().unwrap();
    assert_eq!(after["undetermined"].as_u64().unwrap(), undetermined - 1);
    let removed = &after["removedRequirements"]["nodes"];
    assert_eq!(removed[0]["weight"], after["removedWeight"]);
    assert_eq!(removed[0]["requirement"]["id"], requirement);
    let declaration = &removed[0]["declaration"];
    assert_eq!(declaration["reason"], "We have no such rooms.");
    assert_eq!(declaration["proposedBy"]["id"], owner.user_id().unwrap().to_string());
    assert_eq!(declaration["decidedBy"]["id"], other.user_id().unwrap().to_string());
    // The past is as it was, and what moved was recorded.
    assert_eq!(score(&format!(", asOf: \"{instant}\"")).await, before);
    let cause = "controls.not_applicable.approved";
    let moved = changed(&world, 0, |it| it["causes"][0]["type"] == cause).await;
    assert_eq!(moved["now"]["undetermined"], undetermined - 1);

    let back = json!({ "id": made["id"], "expectedVersion": 2, "reason": "We rented some." });
    let back = done(&world, &owner, "withdrawNotApplicable", back).await;
    assert_eq!(back["state"], "WITHDRAWN");
    assert_eq!(score("").await["undetermined"], before["undetermined"]);
    let second = done(&world, &other, "markNotApplicable", input("Gone again.")).await;
    let no = json!({ "id": second["id"], "expectedVersion": 1, "reason": "They are still there." });
    assert_eq!(
        refused(&world, &other, "rejectNotApplicable", no.clone()).await,
        is("FOUR_EYES", "id")
    );
    assert_eq!(done(&world, &owner, "rejectNotApplicable", no).await["state"], "REJECTED");
    let late = json!({ "id": second["id"], "expectedVersion": 2 });
    let late = refused(&world, &owner, "approveNotApplicable", late).await;
    assert_eq!(late, is("NOT_OPEN", "id"));
    let text = "query($p: ID!) { project(id: $p) { all: notApplicable { nodes { state } }
        rejected: notApplicable(state: REJECTED) { nodes { decisionReason project { id } } }
        withdrawn: notApplicable(state: WITHDRAWN) { nodes { withdrawalReason requirement { id } } } } }";
    let listed = world.ask(text, json!({ "p": project })).await["project"].clone();
    assert_eq!(listed["all"]["nodes"], json!([{ "state": "WITHDRAWN" }, { "state": "REJECTED" }]));
    assert_eq!(listed["rejected"]["nodes"][0]["decisionReason"], "They are still there.");
    assert_eq!(listed["withdrawn"]["nodes"][0]["withdrawalReason"], "We rented some.");
    world.close().await;
}

#[tokio::test]
async fn an_open_nonconformity_caps_its_control_until_somebody_else_verified_the_correction() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let made = control(&world, &small, "IAM-1", &[small.requirements[0]["id"].clone()]).await;
    let test =
        "mutation($c: ID!) { addTest(input: { controlId: $c, title: \"Look\" }) { test { id } } }";
    let test = world.ask(test, json!({ "c": made })).await["addTest"]["test"]["id"].clone();
    let pass = "mutation($t: ID!) { recordTestResult(input: { testId: $t, outcome: PASSED }) { userErrors { code } } }";
    world.ask(pass, json!({ "t": test })).await;
    assert_eq!(worth(&world, &made).await["lo"], 1.0);

    let input = json!({ "controlId": made, "grade": "MAJOR", "description": "Nobody reviews access.",
        "observed": "Three leavers could still sign in." });
    let mut unknown = input.clone();
    unknown["evidenceId"] = json!(evidence_id().to_string());
    let unknown = refused(&world, &owner, "openNonconformity", unknown).await;
    assert_eq!(unknown, is("NOT_FOUND", "evidenceId"));
    let found = done(&world, &owner, "openNonconformity", input).await;
    let capped = worth(&world, &made).await;
    assert_eq!((&capped["lo"], &capped["hi"]), (&json!(0.49), &json!(0.49)));
    let cap = capped["contribution"]["caps"][0].as_str().unwrap();
    assert!(cap.contains(found["id"].as_str().unwrap()), "{cap}");

    let verification = |version: u32| json!({ "id": found["id"], "expectedVersion": version, "verification": "Looked again." });
    let early = refused(&world, &other, "closeNonconformity", verification(1)).await;
    assert_eq!(early, is("NOT_OPEN", "id"));
    let correction = |version: u32| json!({ "id": found["id"], "expectedVersion": version, "correction": "A monthly review." });
    let corrected = done(&world, &owner, "correctNonconformity", correction(1)).await;
    assert_eq!(corrected["state"], "CORRECTED");
    assert_eq!(worth(&world, &made).await["lo"], 0.49, "it is open until it is verified");
    let own = refused(&world, &owner, "closeNonconformity", verification(2)).await;
    assert_eq!(own, is("FOUR_EYES", "id"));
    let no =
        json!({ "id": found["id"], "expectedVersion": 2, "reason": "One could still sign in." });
    assert_eq!(done(&world, &other, "rejectCorrection", no).await["state"], "OPEN");
    done(&world, &owner, "correctNonconformity", correction(3)).await;
    let instant = world.now();
    let closed = done(&world, &other, "closeNonconformity", verification(4)).await;
    assert_eq!(closed["state"], "CLOSED");
    assert_eq!(worth(&world, &made).await["lo"], 1.0);
    // On the way there it was open, whenever it is asked.
    let text = "query($c: ID!, $at: DateTime!) { control(id: $c) { score(at: $at) { lo } } }";
    let then = world.ask(text, json!({ "c": made, "at": instant.to_string() })).await;
    assert_eq!(then["control"]["score"]["lo"], 0.49);

    let text = "query($p: ID!, $c: ID!) { project(id: $p) { nonconformities { nodes { grade observed
            correction rejection verification openedBy { id } correctedBy { id } verifiedBy { id } } } }
        control(id: $c) { nonconformities(state: CLOSED) { nodes { id control { id } project { id } } }
            open: nonconformities(state: OPEN) { nodes { id } } } }";
    let listed = world.ask(text, json!({ "p": small.project, "c": made })).await;
    let node = &listed["project"]["nonconformities"]["nodes"][0];
    assert_eq!(node["rejection"], "One could still sign in.");
    assert_eq!(node["verifiedBy"]["id"], other.user_id().unwrap().to_string());
    assert_eq!(node["correctedBy"]["id"], owner.user_id().unwrap().to_string());
    assert_eq!(listed["control"]["nonconformities"]["nodes"][0]["id"], found["id"]);
    assert_eq!(listed["control"]["open"]["nodes"], json!([]));
    world.close().await;
}

/// Two controls: one whose check has two failing buckets, and one that makes up for it.
async fn with_failures(world: &World, small: &Small) -> (String, String) {
    let requirement = small.requirements[0]["id"].clone();
    let (failing, making_up) = (
        control(world, small, "S3-1", std::slice::from_ref(&requirement)).await,
        control(world, small, "MON-1", &[requirement]).await,
    );
    let test = "mutation($c: ID!, $check: String) { addTest(input: { controlId: $c, title: \"Scan\", check: $check }) { userErrors { code } } }";
    for (control, check) in [(&failing, "s3_public"), (&making_up, "alarms")] {
        world.ask(test, json!({ "c": control, "check": check })).await;
    }
    let mut public = summary("s3_public", 8, 2, world.now());
    public.failing_added = vec!["arn:one".to_owned(), "arn:two".to_owned(), String::new()];
    public.requirements.clear();
    let mut alarms = summary("alarms", 6, 4, world.now());
    alarms.requirements.clear();
    let scanned = results(&small.project, 1, vec![public, alarms]);
    world.matched(world.publish(&scanned).await).await;
    (failing, making_up)
}

#[tokio::test]
async fn an_exception_gives_credit_from_what_makes_up_for_the_failure_until_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let (failing, making_up) = with_failures(&world, &small).await;
    assert_eq!(worth(&world, &failing).await["lo"], 0.8);
    let ends = world.now().plus_days(30);
    let input = json!({ "projectId": small.project, "check": "s3_public", "resource": "arn:one",
        "compensatingControlId": making_up, "reason": "A public web site.",
        "expiresAt": ends.to_string() });
    let with = |field: &str, value: Value| {
        let mut input = input.clone();
        input[field] = value;
        input
    };
    for (field, value, expected) in [
        ("resource", json!("arn:three"), is("NOT_FAILING", "resource")),
        ("resource", json!(null), is("INVALID", "testId")),
        ("resource", json!(""), is("INVALID", "resource")),
        ("check", json!("s3_publick"), is("NOT_FOUND", "check")),
        ("testId", json!(format!("tst_{:032x}", 4)), is("INVALID", "testId")),
        ("places", json!([{ "account": "1", "region": "x" }]), is("NOT_FAILING", "resource")),
        ("places", json!([]), is("INVALID", "places")),
        ("compensatingControlId", json!(failing), is("INVALID", "compensatingControlId")),
        (
            "compensatingControlId",
            json!(format!("ctl_{:032x}", 4)),
            is("NOT_FOUND", "compensatingControlId"),
        ),
        ("expiresAt", json!(world.now().to_string()), is("INVALID", "expiresAt")),
        ("expiresAt", json!(world.now().plus_days(367).to_string()), is("INVALID", "expiresAt")),
        ("reason", json!(""), is("INVALID", "reason")),
    ] {
        let told = refused(&world, &owner, "proposeException", with(field, value)).await;
        assert_eq!(told, expected, "{field}");
    }
    let made = done(&world, &owner, "proposeException", input.clone()).await;
    let place = json!([{ "account": "123456789012", "region": "eu-west-1" }]);
    let mut second = with("resource", json!("arn:two"));
    second["places"] = place.clone();
    second["compensatingControlId"] = json!(null);
    let second = done(&world, &owner, "proposeException", second).await;
    let approval = |of: &Value| json!({ "id": of["id"], "expectedVersion": 1 });
    let own = refused(&world, &owner, "approveException", approval(&made)).await;
    assert_eq!(own, is("FOUR_EYES", "id"));
    assert_eq!(worth(&world, &failing).await["lo"], 0.8);
    let approved = done(&world, &other, "approveException", approval(&made)).await;
    assert_eq!((&approved["state"], &approved["inForce"]), (&json!("APPROVED"), &json!(true)));
    done(&world, &other, "approveException", approval(&second)).await;
    // 8 passes and 0.6 of a failure in ten; the risk that is accepted alone gives nothing.
    let excepted = worth(&world, &failing).await;
    assert_eq!((&excepted["lo"], &excepted["hi"]), (&json!(0.86), &json!(0.86)));
    let text = "query($c: ID!, $p: ID!) { control(id: $c) { score { contribution { tests { failed exceptedFailures {
            account region resource creditLo creditHi
            exceptions { exception { id reason } compensatingControl { id } lo hi } } } } } }
        project(id: $p) { exceptions { nodes { check resource places { account region } test { id }
            compensatingControl { id } inForce expiresAt proposedBy { id } decidedBy { id } } } } }";
    let shown = world.ask(text, json!({ "c": failing, "p": small.project })).await;
    let failures = &shown["control"]["score"]["contribution"]["tests"][0]["exceptedFailures"];
    assert_eq!(failures.as_array().unwrap().len(), 2);
    assert_eq!(
        (&failures[0]["resource"], &failures[0]["creditLo"]),
        (&json!("arn:one"), &json!(0.6))
    );
    assert_eq!(failures[0]["exceptions"][0]["exception"]["id"], made["id"]);
    assert_eq!(failures[0]["exceptions"][0]["compensatingControl"]["id"], making_up);
    assert_eq!(
        (&failures[1]["creditHi"], &failures[1]["region"]),
        (&json!(0.0), &json!("eu-west-1"))
    );
    let listed = shown["project"]["exceptions"]["nodes"].as_array().unwrap();
    assert_eq!((&listed[0]["places"], &listed[1]["places"]), (&json!(null), &place));

    // A failure that is mended takes its exception with it, and one that comes back finds it.
    let mut mended = summary("s3_public", 9, 1, world.now());
    mended.failing_removed = vec!["arn:one".to_owned()];
    mended.requirements.clear();
    let position = world.publish(&results(&small.project, 2, vec![mended])).await;
    world.matched(position).await;
    assert_eq!(worth(&world, &failing).await["lo"], 0.9);
    let mut back = summary("s3_public", 8, 2, world.now());
    back.failing_added = vec!["arn:one".to_owned()];
    back.requirements.clear();
    world.matched(world.publish(&results(&small.project, 3, vec![back])).await).await;
    assert_eq!(worth(&world, &failing).await["lo"], 0.86);

    // A start from the log knows all of it, and the clock ends it.
    world.settled(&small.project, &small.framework).await;
    let (clock, project, framework) = (world.clock.clone(), small.project, small.framework);
    world.close().await;
    let world = World::open_at(directory.path(), clock.clone()).await;
    assert_eq!(worth(&world, &failing).await["lo"], 0.86);
    let before = world.settled(&project, &framework).await.len();
    clock.advance_micros(ends.micros() - world.now().micros());
    assert_eq!(worth(&world, &failing).await["lo"], 0.8);
    let moved = changed(&world, before, |it| it["at"] == json!(ends)).await;
    assert_eq!(moved["causes"], json!([]), "nobody did anything");
    let late = json!({ "id": made["id"], "expectedVersion": 2, "reason": "It is over anyway." });
    assert_eq!(done(&world, &owner, "revokeException", late).await["inForce"], false);
    world.close().await;
}

#[tokio::test]
async fn an_exception_may_be_revoked_and_expires_before_it_is_approved() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let (failing, making_up) = with_failures(&world, &small).await;
    let test =
        "mutation($c: ID!) { addTest(input: { controlId: $c, title: \"Look\" }) { test { id } } }";
    let test = world.ask(test, json!({ "c": failing })).await["addTest"]["test"]["id"].clone();
    let input = |days: i64| {
        json!({ "projectId": small.project, "testId": test, "compensatingControlId": making_up,
            "reason": "The rehearsal was put off.", "expiresAt": world.now().plus_days(days).to_string() })
    };
    let passed = refused(&world, &owner, "proposeException", input(3)).await;
    assert_eq!(passed, is("NOT_FAILING", "testId"));
    let fail = "mutation($t: ID!) { recordTestResult(input: { testId: $t, outcome: FAILED }) { userErrors { code } } }";
    world.ask(fail, json!({ "t": test })).await;
    assert_eq!(worth(&world, &failing).await["lo"], 0.4);
    let made = done(&world, &owner, "proposeException", input(3)).await;
    done(&world, &other, "approveException", json!({ "id": made["id"], "expectedVersion": 1 }))
        .await;
    assert_eq!(worth(&world, &failing).await["lo"], 0.7, "(0.8 + 0.6) / 2");
    let end = json!({ "id": made["id"], "expectedVersion": 2, "reason": "It is rehearsed." });
    done(&world, &other, "revokeException", end.clone()).await;
    assert_eq!(worth(&world, &failing).await["lo"], 0.4);
    assert_eq!(change(&world, &other, "revokeException", end).await["code"], "CONFLICT");

    let short = done(&world, &owner, "proposeException", input(1)).await;
    world.clock.advance_micros(2 * 86_400 * 1_000_000);
    let late = json!({ "id": short["id"], "expectedVersion": 1 });
    assert_eq!(refused(&world, &other, "approveException", late).await, is("EXPIRED", "id"));
    let no = json!({ "id": short["id"], "expectedVersion": 1, "reason": "Too late." });
    assert_eq!(done(&world, &other, "rejectException", no).await["state"], "REJECTED");
    world.close().await;
}

#[tokio::test]
async fn who_may_depart_from_the_rule() {
    let directory = tempfile::tempdir().unwrap();
    let world = World::open(directory.path()).await;
    let small = small(&world).await;
    let (owner, other) = (world.owner.clone(), colleague(&world));
    let (failing, _) = with_failures(&world, &small).await;
    let requirement = small.requirements[1]["id"].clone();
    let mark = json!({ "projectId": small.project, "requirementId": requirement, "reason": "x" });
    let marked = done(&world, &owner, "markNotApplicable", mark.clone()).await;
    let open =
        json!({ "controlId": failing, "grade": "MINOR", "description": "x", "observed": "y" });
    let found = done(&world, &owner, "openNonconformity", open.clone()).await;
    let except = json!({ "projectId": small.project, "check": "s3_public", "resource": "arn:one",
        "reason": "x", "expiresAt": world.now().plus_days(9).to_string() });
    let excepted = done(&world, &owner, "proposeException", except.clone()).await;
    let reason = |of: &Value| json!({ "id": of["id"], "expectedVersion": 1, "reason": "x" });
    let plain = |of: &Value| json!({ "id": of["id"], "expectedVersion": 1 });
    let said = |of: &Value, what: &str| {
        let mut said = plain(of);
        said[what] = json!("x");
        said
    };
    let calls = [
        ("markNotApplicable", mark.clone()),
        ("approveNotApplicable", plain(&marked)),
        ("rejectNotApplicable", reason(&marked)),
        ("withdrawNotApplicable", reason(&marked)),
        ("openNonconformity", open),
        ("correctNonconformity", said(&found, "correction")),
        ("rejectCorrection", reason(&found)),
        ("closeNonconformity", said(&found, "verification")),
        ("proposeException", except.clone()),
        ("approveException", plain(&excepted)),
        ("rejectException", reason(&excepted)),
        ("revokeException", reason(&excepted)),
    ];
    let head = world.last().await;
    let (viewer, stranger) = (member(1, Role::Viewer), member(2, Role::Owner));
    let control_owner = member(1, Role::ControlOwner);
    for (name, input) in &calls {
        assert_eq!(
            change(&world, &viewer, name, input.clone()).await["code"],
            "FORBIDDEN",
            "{name}"
        );
        let told = refused(&world, &stranger, name, input.clone()).await;
        assert_eq!(told.0, "NOT_FOUND", "{name}: nothing is visible to another organization");
        if *name != "proposeException" {
            let told = change(&world, &control_owner, name, input.clone()).await;
            assert_eq!(told["code"], "FORBIDDEN", "{name}: the control is not theirs");
        }
    }
    // A program of the organization has no judgement; it may open what it found.
    let principal = Principal::Client {
        client: format!("cli_{:032x}", 1).parse().unwrap(),
        token: format!("tok_{:032x}", 1).parse().unwrap(),
    };
    let scopes = vec!["controls:*:*".parse().unwrap()];
    let program = Actor::program(owner.tenant, principal, vec![Role::ComplianceManager], scopes);
    for (name, input) in &calls {
        if *name != "openNonconformity" {
            let told = refused(&world, &program, name, input.clone()).await;
            assert_eq!(told.0, "NOT_A_PERSON", "{name}");
        }
    }
    let recorded = world.store.read(head, 1_000).await.unwrap();
    let others = recorded.iter().filter(|it| &*it.event_type != "controls.score.changed");
    assert_eq!(others.count(), 0, "nothing was recorded");
    let made = change(&world, &program, calls[4].0, calls[4].1.clone()).await;
    assert_eq!(made["nonconformity"]["state"], "OPEN");
    // A control owner may propose, for it counts for nothing yet; and correct what is theirs.
    let mut once_more = except;
    once_more["resource"] = json!("arn:two");
    let proposed = done(&world, &control_owner, "proposeException", once_more).await;
    assert_eq!(proposed["state"], "PROPOSED");
    let own = "mutation($c: ID!, $u: ID!) { updateControl(input: { id: $c, expectedVersion: 1, ownerId: $u }) { userErrors { code } } }";
    let user = control_owner.user_id().unwrap().to_string();
    world.ask(own, json!({ "c": failing, "u": user })).await;
    done(&world, &control_owner, "correctNonconformity", said(&found, "correction")).await;
    // An archived project takes none of it.
    let archive = "mutation($p: ID!) { archiveProject(input: { id: $p, expectedVersion: 1 }) { userErrors { code } } }";
    world.ask(archive, json!({ "p": small.project })).await;
    for (name, input) in
        [("approveNotApplicable", plain(&marked)), ("approveException", plain(&excepted))]
    {
        assert_eq!(refused(&world, &other, name, input).await.0, "ARCHIVED", "{name}");
    }
    world.close().await;
}
