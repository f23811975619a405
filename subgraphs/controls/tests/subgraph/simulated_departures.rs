//! Simulated decisions of two people: what is supposed is what comes of them.

use serde_json::{Value, json};

use super::{
    departures::{colleague, done, refused},
    simulations::{Scene, simulate},
    support::summary,
};

/// The numbers of every framework, by its id: as they would be, or as they are.
async fn numbers(scene: &Scene, frameworks: &[&str]) -> Vec<Value> {
    let mut all = Vec::new();
    for framework in frameworks {
        let score = scene.world.score(&scene.project, framework, "").await;
        all.push(json!([score["exact"], score["satisfied"], score["undetermined"]]));
    }
    all
}

fn simulated(answer: &Value, frameworks: &[&str], when: &str) -> Vec<Value> {
    assert_eq!(answer["userErrors"], json!([]), "{answer}");
    let all = answer["frameworks"].as_array().unwrap();
    let of = |framework: &&str| {
        let it = all.iter().find(|it| it["framework"]["id"] == **framework).unwrap();
        json!([it[when]["exact"], it[when]["satisfied"], it[when]["undetermined"]])
    };
    frameworks.iter().map(of).collect()
}

#[tokio::test]
async fn what_two_people_would_decide_moves_scores_as_when_they_do() {
    let directory = tempfile::tempdir().unwrap();
    let mut scene = Scene::open(directory.path()).await;
    let (owner, other) = (scene.world.owner.clone(), colleague(&scene.world));
    let iso = scene.world.builtin("iso27001").await;
    scene.world.adopt(&scene.project, &iso, "NONE", "PLANNED").await;
    let text = "query($f: ID!) { framework(id: $f) { requirements(first: 1) { nodes { id } } } }";
    let theirs = scene.world.ask(text, json!({ "f": iso })).await;
    let target = theirs["framework"]["requirements"]["nodes"][0]["id"].clone();
    let framework = scene.framework.clone();
    let frameworks = [framework.as_str(), iso.as_str()];
    let project = scene.project.clone();

    // One control fails by hand and one by a check, another one proves something.
    for (test, outcome) in [(0, "FAILED"), (1, "PASSED")] {
        let input = json!({ "testId": scene.tests[test], "outcome": outcome });
        scene.mutate("recordTestResult", "RecordTestResultInput", input, "").await;
    }
    let added = json!({ "controlId": scene.controls[3], "title": "Scanned", "check": "s3_public" });
    scene.mutate("addTest", "AddTestInput", added, "").await;
    let mut public = summary("s3_public", 8, 2, scene.world.now());
    public.failing_added = vec!["arn:one".to_owned(), "arn:two".to_owned()];
    scene.publish(vec![public]).await;

    let expires = scene.world.now().plus_days(40).to_string();
    let reason = |mut input: Value| {
        for (field, said) in [("reason", "So it is."), ("projectId", &*project)] {
            input[field] = json!(said);
        }
        input
    };
    let by_hand = json!({ "testId": scene.tests[0], "compensatingControlId": scene.controls[1],
        "expiresAt": expires });
    let bucket = json!({ "check": "s3_public", "resource": "arn:one", "expiresAt": expires,
        "places": [{ "account": "123456789012", "region": "eu-west-1" }],
        "compensatingControlId": scene.controls[1] });
    let mut mapping = json!({ "sourceRequirementId": scene.requirements[1],
        "targetRequirementId": target, "relation": "SUBSET", "strength": 6 });
    let wrong = json!({ "controlId": scene.controls[1], "grade": "MAJOR" });
    let declared = json!({ "requirementId": scene.requirements[2] });
    let mut made: Vec<(&str, Value)> = Vec::new();
    for (supposed, name, input) in [
        ("exceptFailure", "Exception", by_hand),
        ("exceptFailure", "Exception", bucket),
        ("markNotApplicable", "NotApplicable", declared),
        ("addMapping", "Mapping", mapping.clone()),
    ] {
        let before = numbers(&scene, &frameworks).await;
        let answer = simulate(&scene.world, &project, &[json!({ supposed: input })]).await;
        assert_eq!(simulated(&answer, &frameworks, "before"), before, "{supposed}");
        let after = simulated(&answer, &frameworks, "after");
        assert_ne!(after, before, "{supposed} moves something");
        assert_eq!(numbers(&scene, &frameworks).await, before, "nothing was recorded");

        let propose = if name == "NotApplicable" { "mark" } else { "propose" };
        let mut real = reason(input);
        if name == "Mapping" {
            real["rationale"] = real["reason"].take();
            real.as_object_mut().unwrap().remove("reason");
        }
        let proposed = done(&scene.world, &owner, &format!("{propose}{name}"), real.clone()).await;
        let approval = json!({ "id": proposed["id"], "expectedVersion": 1 });
        done(&scene.world, &other, &format!("approve{name}"), approval).await;
        assert_eq!(numbers(&scene, &frameworks).await, after, "{supposed}");
        if name == "Mapping" {
            mapping = real;
        }
        made.push((name, proposed["id"].clone()));
    }

    // What was decided twice is refused alike.
    let again = json!({ "addMapping": { "sourceRequirementId": mapping["sourceRequirementId"],
        "targetRequirementId": mapping["targetRequirementId"], "relation": "EQUAL" } });
    let answer = simulate(&scene.world, &project, &[again]).await;
    let (code, field) = refused(&scene.world, &owner, "proposeMapping", mapping).await;
    let error = &answer["userErrors"][0];
    assert_eq!((&error["code"], &error["path"][4]), (&json!(code), &json!(field)), "{answer}");

    // Opened and closed in one breath is as before; and each by itself as people do it.
    let before = numbers(&scene, &frameworks).await;
    let answer = simulate(&scene.world, &project, &[json!({ "openNonconformity": wrong })]).await;
    let after = simulated(&answer, &frameworks, "after");
    assert_ne!(after, before);
    let mut real = wrong.clone();
    real["description"] = json!("Nobody looks.");
    real["observed"] = json!("Nobody did.");
    let opened = done(&scene.world, &owner, "openNonconformity", real).await;
    assert_eq!(numbers(&scene, &frameworks).await, after);
    let close = json!({ "closeNonconformity": { "id": opened["id"] } });
    let answer = simulate(&scene.world, &project, std::slice::from_ref(&close)).await;
    assert_eq!(simulated(&answer, &frameworks, "after"), before, "from open");
    let corrected = json!({ "id": opened["id"], "expectedVersion": 1, "correction": "We look." });
    done(&scene.world, &owner, "correctNonconformity", corrected).await;
    let answer = simulate(&scene.world, &project, std::slice::from_ref(&close)).await;
    assert_eq!(simulated(&answer, &frameworks, "after"), before, "from corrected");
    let twice = simulate(&scene.world, &project, &[close.clone(), close]).await;
    assert_eq!(twice["userErrors"][0]["path"][2], "1", "{twice}");
    let closed = json!({ "id": opened["id"], "expectedVersion": 2, "verification": "They do." });
    done(&scene.world, &other, "closeNonconformity", closed).await;
    assert_eq!(numbers(&scene, &frameworks).await, before);

    // Each ends as it was made.
    for (name, id) in made {
        let (supposed, end) = match name {
            "Exception" => ("revokeException", "revokeException"),
            "Mapping" => ("withdrawMapping", "withdrawMapping"),
            _ => ("withdrawNotApplicable", "withdrawNotApplicable"),
        };
        let answer = simulate(&scene.world, &project, &[json!({ supposed: { "id": id } })]).await;
        let after = simulated(&answer, &frameworks, "after");
        let ended = json!({ "id": id, "expectedVersion": 2, "reason": "No more." });
        done(&scene.world, &owner, end, ended).await;
        assert_eq!(numbers(&scene, &frameworks).await, after, "{supposed}");
    }
    scene.world.close().await;
}

#[tokio::test]
async fn what_nobody_could_decide_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let scene = Scene::open(directory.path()).await;
    let soon = scene.world.now().plus_days(9).to_string();
    let late = scene.world.now().plus_days(400).to_string();
    let nothing = |prefix: &str| format!("{prefix}_{:032x}", 99);
    let bad = [
        (json!({ "exceptFailure": { "expiresAt": soon } }), "INVALID", "testId"),
        (
            json!({ "exceptFailure": { "testId": scene.tests[0], "expiresAt": soon } }),
            "NOT_FAILING",
            "testId",
        ),
        (
            json!({ "exceptFailure": { "testId": scene.tests[0], "expiresAt": late } }),
            "INVALID",
            "expiresAt",
        ),
        (
            json!({ "exceptFailure": { "testId": nothing("tst"), "expiresAt": soon } }),
            "NOT_FOUND",
            "testId",
        ),
        (
            json!({ "markNotApplicable": { "requirementId": nothing("rqm") } }),
            "NOT_FOUND",
            "requirementId",
        ),
        (json!({ "withdrawNotApplicable": { "id": nothing("nap") } }), "NOT_FOUND", "id"),
        (json!({ "revokeException": { "id": nothing("exc") } }), "NOT_FOUND", "id"),
        (json!({ "withdrawMapping": { "id": nothing("map") } }), "NOT_FOUND", "id"),
        (json!({ "closeNonconformity": { "id": nothing("ncf") } }), "NOT_FOUND", "id"),
        (
            json!({ "openNonconformity": { "controlId": nothing("ctl"), "grade": "MINOR" } }),
            "NOT_FOUND",
            "controlId",
        ),
    ];
    let changes: Vec<Value> = bad.iter().map(|(change, _, _)| change.clone()).collect();
    let answer = simulate(&scene.world, &scene.project, &changes).await;
    let told: Vec<_> = answer["userErrors"].as_array().unwrap().iter().collect();
    let found: Vec<_> =
        told.iter().map(|it| (&it["path"][2], &it["code"], &it["path"][4])).collect();
    let places: Vec<Value> = (0..bad.len()).map(|place| json!(place.to_string())).collect();
    let (codes, fields): (Vec<Value>, Vec<Value>) =
        bad.iter().map(|(_, code, field)| (json!(code), json!(field))).unzip();
    let wanted: Vec<_> = places
        .iter()
        .zip(&codes)
        .zip(&fields)
        .map(|((place, code), field)| (place, code, field))
        .collect();
    assert_eq!(found, wanted, "{answer:#}");
    assert_eq!(answer["frameworks"], json!([]));
    scene.world.close().await;
}
