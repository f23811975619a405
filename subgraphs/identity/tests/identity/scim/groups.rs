//! Groups, and the roles of who is in them.

use serde_json::{Value, json};

use super::{GROUP, Stage};
use crate::support::Tokens;

const CHANGE: &str = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
    userErrors { code message path } } }";

#[tokio::test]
async fn members_have_the_roles_of_their_groups() {
    let stage = Stage::set().await;
    let (ada, bob) = (stage.add("amy").await, stage.add("bob").await);
    let grc = stage.group("grc", &[&ada]).await;
    assert_eq!(stage.roles(&ada).await, json!(["COMPLIANCE_MANAGER"]));
    stage.server.clock.advance_micros(1000);
    let body = json!({ "schemas": [GROUP], "displayName": "Audit", "externalId": "g-audit",
        "members": [{ "value": ada }, { "value": bob }] });
    let audit = stage.ask("POST", "/Groups", Some(body)).await.must(201);
    let audit = format!("/Groups/{}", audit["id"].as_str().unwrap());
    assert_eq!(stage.roles(&ada).await, json!(["COMPLIANCE_MANAGER", "AUDITOR"]));
    assert_eq!(stage.roles(&bob).await, json!(["AUDITOR"]));
    let shown = stage.get(&format!("/Users/{ada}")).await.must(200);
    let names: Vec<_> =
        shown["groups"].as_array().unwrap().iter().map(|it| &it["display"]).collect();
    assert_eq!(names, ["grc", "Audit"]);

    // What no group gives is left alone.
    let give = json!({ "userId": bob, "give": ["CONTRIBUTOR"] });
    stage.mutate(CHANGE, "changeRoles", give).await;
    let gone = json!([{ "op": "remove", "path": format!("members[value eq \"{bob}\"]") }]);
    let told = stage.patch(&audit, gone).await.must(200);
    assert_eq!(told["members"].as_array().unwrap().len(), 1);
    assert_eq!(stage.roles(&bob).await, json!(["CONTRIBUTOR"]));
    let back = json!([{ "op": "add", "path": "members", "value": [{ "value": bob }] }]);
    stage.patch(&audit, back).await.must(200);
    assert_eq!(stage.roles(&bob).await, json!(["CONTRIBUTOR", "AUDITOR"]));

    // Another name or id gives other roles to whoever stays.
    let path = format!("/Groups/{grc}");
    stage
        .patch(&path, json!([{ "op": "replace", "path": "displayName", "value": "Choir" }]))
        .await
        .must(200);
    assert_eq!(stage.roles(&ada).await, json!(["AUDITOR"]));
    stage
        .patch(&path, json!([{ "op": "add", "value": { "externalId": "g-audit" } }]))
        .await
        .must(200);
    assert_eq!(stage.ask("DELETE", &audit, None).await.must(204), Value::Null);
    assert_eq!(stage.roles(&ada).await, json!(["AUDITOR"]), "the other group gives it, too");
    assert_eq!(stage.roles(&bob).await, json!(["CONTRIBUTOR"]));
    let whole = json!({ "schemas": [GROUP], "displayName": "GRC", "members": [{ "value": bob }] });
    stage.ask("PUT", &path, Some(whole)).await.must(200);
    assert_eq!(stage.roles(&ada).await, json!([]));
    assert_eq!(stage.roles(&bob).await, json!(["COMPLIANCE_MANAGER", "CONTRIBUTOR"]));
    // Whoever is removed from the directory loses what its groups gave.
    stage.ask("DELETE", &format!("/Users/{bob}"), None).await.must(204);
    assert_eq!(stage.roles(&bob).await, json!(["CONTRIBUTOR"]));
    assert!(stage.get(&path).await.must(200).get("members").is_none());
}

#[tokio::test]
async fn a_change_of_groups_counts_for_who_is_signed_in() {
    let stage = Stage::set().await;
    let (charles, tokens) = stage.server.viewer(&stage.owner).await;
    let taken =
        stage.ask("POST", "/Users", Some(json!({ "userName": "charles@example.org" }))).await;
    assert_eq!(taken.must(201)["id"], charles);
    let roles = async |tokens: &Tokens| {
        let me = stage.server.data(Some(&tokens.access), "{ me { roles } }", json!({})).await;
        (
            stage.server.verifier.verify(&tokens.access).unwrap().roles.len(),
            me["me"]["roles"].clone(),
        )
    };
    let group = stage.group("GRC", &[&charles]).await;
    assert_eq!(roles(&tokens).await, (2, json!(["COMPLIANCE_MANAGER", "VIEWER"])));
    stage.ask("DELETE", &format!("/Groups/{group}"), None).await.must(204);
    assert_eq!(roles(&tokens).await, (1, json!(["VIEWER"])));
}

#[tokio::test]
async fn groups_are_found_by_what_they_are() {
    let stage = Stage::set().await;
    let (ada, bob) = (stage.add("amy").await, stage.add("bob").await);
    let (one, two) = (stage.group("One", &[&ada, &bob]).await, stage.group("Two", &[&bob]).await);
    let found = async |query: &str| {
        let told = stage.get(&format!("/Groups?{query}")).await.must(200);
        let found = told["Resources"].as_array().unwrap();
        found.iter().map(|it| it["displayName"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (text, expected) in [
        (r#"displayName eq "one""#.to_owned(), vec!["One"]),
        (format!("members[value eq \"{ada}\"]"), vec!["One"]),
        (format!("members eq \"{bob}\""), vec!["One", "Two"]),
        (format!("id eq \"{two}\""), vec!["Two"]),
        (r#"displayName co "o" and not (displayName sw "T")"#.to_owned(), vec!["One"]),
        (r#"externalId eq "none""#.to_owned(), vec![]),
    ] {
        assert_eq!(found(&super::filter(&text)).await, expected, "{text}");
    }
    let bare = format!("{}&excludedAttributes=members", super::filter(r#"displayName eq "One""#));
    let told = stage.get(&format!("/Groups?{bare}")).await.must(200);
    assert!(told["Resources"][0].get("members").is_none());
    assert_eq!(told["Resources"][0]["id"], one);
    for taken in ["ONE", "two"] {
        let same = json!({ "schemas": [GROUP], "displayName": taken });
        assert_eq!(stage.ask("POST", "/Groups", Some(same)).await.error(409), "uniqueness");
    }
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "two" }]);
    assert_eq!(stage.patch(&format!("/Groups/{one}"), rename).await.error(409), "uniqueness");
    for stranger in ["usr_00000000000070008000000000000001", "nobody", &two] {
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": stranger }] }]);
        assert_eq!(stage.patch(&format!("/Groups/{two}"), add).await.error(400), "invalidValue");
    }
}

/// Each is judged by what the other has left, whatever comes first.
#[tokio::test]
async fn groups_that_change_at_once_leave_no_role_behind() {
    let stage = Stage::with(json!({ "groups": [
        { "displayName": "One", "role": "AUDITOR" }, { "displayName": "Two", "role": "AUDITOR" },
    ] }))
    .await;
    let ada = stage.add("amy").await;
    for _ in 0..5 {
        let (one, two) = (stage.group("One", &[&ada]).await, stage.group("Two", &[&ada]).await);
        assert_eq!(stage.roles(&ada).await, json!(["AUDITOR"]));
        let gone = [one, two].map(|id| format!("/Groups/{id}"));
        let (first, second) =
            tokio::join!(stage.ask("DELETE", &gone[0], None), stage.ask("DELETE", &gone[1], None));
        first.must(204);
        second.must(204);
        assert_eq!(stage.roles(&ada).await, json!([]));
    }
}
