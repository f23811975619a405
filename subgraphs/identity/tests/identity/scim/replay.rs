//! What Entra ID and Okta send, as their guides for developers document it, one request after the other.

use serde_json::{Value, json};

use super::{GROUP, PATCH, Stage, USER, filter};

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

#[tokio::test]
async fn entra_id_provisions_people_and_groups() {
    let stage = Stage::set().await;
    // The test of the connection asks for somebody who is not there.
    let nobody = filter(r#"userName eq "6f2a9c4e-8d1b-4a57-9b7e-2d4c1e0f3a55""#);
    let told = stage.get(&format!("/Users?{nobody}")).await.must(200);
    assert_eq!((&told["totalResults"], &told["Resources"]), (&json!(0), &json!([])));

    let body = json!({
        "schemas": [USER, ENTERPRISE],
        "externalId": "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef",
        "userName": "grace@example.org",
        "active": true,
        "emails": [{ "primary": true, "type": "work", "value": "grace@example.org" }],
        "meta": { "resourceType": "User" },
        "name": { "formatted": "Grace Hopper", "familyName": "Hopper", "givenName": "Grace" },
        "roles": [],
    });
    let made = stage.ask("POST", "/Users", Some(body)).await.must(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/Users/{id}");
    let found = filter(r#"externalId eq "0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef""#);
    assert_eq!(stage.get(&format!("/Users?{found}")).await.must(200)["Resources"][0]["id"], id);

    let changed = json!([
        { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "hopper@example.org" },
        { "op": "Replace", "path": "name.familyName", "value": "Murray Hopper" },
        { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+1 555 0100" },
        { "op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Compilers" },
        { "op": "Add", "path": "addresses[type eq \"work\"].country", "value": "US" },
    ]);
    let told = stage.patch(&path, changed).await.must(200);
    assert_eq!(told["emails"][0]["value"], "hopper@example.org");
    assert_eq!(told["name"]["familyName"], "Murray Hopper");
    let many = json!([{ "op": "Replace", "value": { "displayName": "Grace M. Hopper", "name.givenName": "Grace B." } }]);
    let told = stage.patch(&path, many).await.must(200);
    assert_eq!(told["name"]["givenName"], "Grace B.");
    let person = stage.person(&id).await;
    assert_eq!(
        (&person["name"], &person["email"]),
        (&json!("Grace M. Hopper"), &json!("hopper@example.org"))
    );

    // Groups: made empty, filled, asked for without members, emptied in the way of older versions.
    let body = json!({ "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
        "externalId": "g-audit", "displayName": "Auditors", "meta": { "resourceType": "Group" } });
    let group = stage.ask("POST", "/Groups", Some(body)).await.must(201);
    let group = format!("/Groups/{}", group["id"].as_str().unwrap());
    let query = format!("{}&excludedAttributes=members", filter(r#"displayName eq "Auditors""#));
    assert_eq!(stage.get(&format!("/Groups?{query}")).await.must(200)["totalResults"], 1);
    let add = json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": id }] }]);
    stage.patch(&group, add).await.must(200);
    assert_eq!(stage.roles(&id).await, json!(["AUDITOR"]));
    let whole = stage.get(&format!("{group}?excludedAttributes=members")).await.must(200);
    assert!(whole.get("members").is_none());
    let remove =
        json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": id }] }]);
    stage.patch(&group, remove).await.must(200);
    assert_eq!(stage.roles(&id).await, json!([]));
    let rename = json!([{ "op": "Replace", "path": "displayName", "value": "External auditors" }]);
    stage.patch(&group, rename).await.must(200);
    stage.ask("DELETE", &group, None).await.must(204);

    // Somebody leaves: first they are disabled, by a text, and some time later deleted.
    let off = json!([{ "op": "Replace", "path": "active", "value": "False" }]);
    assert_eq!(stage.patch(&path, off).await.must(200)["active"], false);
    stage.ask("DELETE", &path, None).await.must(204);
    assert_eq!(stage.get(&path).await.error(404), "");
}

#[tokio::test]
async fn okta_provisions_people_and_pushes_groups() {
    let stage = Stage::set().await;
    let told = stage.get("/Users?startIndex=1&count=2").await.must(200);
    assert_eq!((&told["totalResults"], &told["startIndex"]), (&json!(0), &json!(1)));
    let query =
        format!("{}&startIndex=1&count=100", filter(r#"userName eq "katherine@example.org""#));
    assert_eq!(stage.get(&format!("/Users?{query}")).await.must(200)["totalResults"], 0);

    let body = json!({
        "schemas": [USER],
        "userName": "katherine@example.org",
        "name": { "givenName": "Katherine", "familyName": "Johnson" },
        "emails": [{ "primary": true, "value": "katherine@example.org", "type": "work" }],
        "displayName": "Katherine Johnson",
        "locale": "en-US",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "groups": [],
        "password": "1mz050nq",
        "active": true,
    });
    let made = stage.ask("POST", "/Users", Some(body.clone())).await.must(201);
    assert!(made.get("password").is_none());
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("/Users/{id}");
    assert_eq!(stage.get(&path).await.must(200)["userName"], "katherine@example.org");
    let mut changed = body;
    changed["id"] = id.as_str().into();
    changed["name"]["familyName"] = "Goble".into();
    changed["displayName"] = "Katherine Goble".into();
    changed["meta"] = json!({ "resourceType": "User" });
    stage.ask("PUT", &path, Some(changed)).await.must(200);
    assert_eq!(stage.person(&id).await["name"], "Katherine Goble");
    for active in [false, true] {
        let value = json!([{ "op": "replace", "value": { "active": active } }]);
        assert_eq!(stage.patch(&path, value).await.must(200)["active"], active);
        assert_eq!(stage.person(&id).await["suspendedAt"].is_null(), active);
    }

    let query = format!("{}&startIndex=1&count=100", filter(r#"displayName eq "GRC""#));
    assert_eq!(stage.get(&format!("/Groups?{query}")).await.must(200)["totalResults"], 0);
    let member = json!({ "value": id, "display": "katherine@example.org" });
    let body = json!({ "schemas": [GROUP], "displayName": "GRC", "members": [member] });
    let group = stage.ask("POST", "/Groups", Some(body)).await.must(201);
    let (group, own) = (format!("/Groups/{}", group["id"].as_str().unwrap()), group["id"].clone());
    assert_eq!(stage.roles(&id).await, json!(["COMPLIANCE_MANAGER"]));
    let rename = json!([{ "op": "replace", "value": { "id": own, "displayName": "GRC" } }]);
    let renamed = stage.patch(&group, rename).await;
    assert_eq!(renamed.must(200)["displayName"], "GRC");
    let swap = json!([
        { "op": "remove", "path": format!("members[value eq \"{id}\"]") },
        { "op": "add", "path": "members", "value": [] },
    ]);
    stage.patch(&group, swap).await.must(200);
    assert_eq!(stage.roles(&id).await, json!([]));
    let all = json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "members", "value": [member] }] });
    stage.ask("PATCH", &group, Some(all)).await.must(200);
    assert_eq!(stage.roles(&id).await, json!(["COMPLIANCE_MANAGER"]));
    assert_eq!(stage.ask("DELETE", &group, None).await.must(204), Value::Null);
    assert_eq!(stage.roles(&id).await, json!([]));
}
