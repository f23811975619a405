//! People whom a directory adds, changes and removes.

use serde_json::{Value, json};

use super::{PATCH, Stage, USER, ask_with, filter};
use crate::support::{EMAIL, PASSWORD, holds};

#[tokio::test]
async fn somebody_is_added_read_changed_and_removed() {
    let stage = Stage::set().await;
    let body = json!({
        "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
        "userName": "Amy@Example.org", "externalId": "E-1", "active": true, "title": "Countess",
        "name": { "givenName": "Ada", "familyName": "Lovelace", "honorificPrefix": "Lady" },
        "emails": [{ "value": "ada.lovelace@example.org", "type": "work", "primary": true }],
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": { "department": "Numbers" },
    });
    let told = stage.ask("POST", "/Users", Some(body.clone())).await;
    let (place, version) = (told.headers["location"].clone(), told.headers["etag"].clone());
    let made = told.must(201);
    let id = made["id"].as_str().unwrap();
    assert_eq!(place, format!("http://127.0.0.1:4000/scim/v2/Users/{id}"));
    assert_eq!(made["schemas"], json!([USER]));
    assert_eq!(made["userName"], "Amy@Example.org");
    assert_eq!(made["name"], json!({ "givenName": "Ada", "familyName": "Lovelace" }));
    assert_eq!(made["meta"]["resourceType"], "User");
    assert_eq!(made["meta"]["location"], place.to_str().unwrap());
    assert_eq!(made["meta"]["version"], version.to_str().unwrap());
    assert!(made.get("title").is_none() && made.get("groups").is_none());
    let person = stage.person(id).await;
    assert_eq!(
        (&person["name"], &person["email"]),
        (&json!("Ada Lovelace"), &json!("ada.lovelace@example.org"))
    );
    assert_eq!((&person["roles"], &person["emailVerified"]), (&json!([]), &json!(false)));
    assert_eq!(stage.get(&format!("/Users/{id}")).await.must(200), made);

    // The same once more: the name, in another case, and the address.
    assert_eq!(stage.ask("POST", "/Users", Some(body.clone())).await.error(409), "uniqueness");
    for same in [
        json!({ "userName": "AMY@example.ORG" }),
        json!({ "userName": "ada.lovelace@example.org" }),
    ] {
        assert_eq!(stage.ask("POST", "/Users", Some(same)).await.error(409), "uniqueness");
    }

    // What the account is called follows, and what is left out of a PUT goes.
    let other =
        json!({ "schemas": [USER], "userName": "amy@example.org", "displayName": "Ada King" });
    let path = format!("/Users/{id}");
    let changed = stage.ask("PUT", &path, Some(other)).await.must(200);
    assert!(changed.get("externalId").is_none() && changed.get("emails").is_none());
    assert_eq!(changed["active"], true);
    let person = stage.person(id).await;
    assert_eq!(
        (&person["name"], &person["email"]),
        (&json!("Ada King"), &json!("amy@example.org"))
    );
    let moved = json!([{ "op": "replace", "path": "userName", "value": "king@example.org" }]);
    stage.patch(&path, moved).await.must(200);
    assert_eq!(stage.person(id).await["email"], "king@example.org");
    let back = json!([{ "op": "replace", "path": "userName", "value": "amy@example.org" }]);
    stage.patch(&path, back).await.must(200);

    assert_eq!(stage.ask("DELETE", &path, None).await.must(204), Value::Null);
    assert_eq!(stage.get(&path).await.error(404), "");
    assert_eq!(stage.ask("DELETE", &path, None).await.error(404), "");
    let person = stage.person(id).await;
    assert!(person["suspendedAt"].is_string(), "{person}");
    assert_eq!(person["erasedAt"], Value::Null, "erasure is an owner's decision");
    // Whoever comes back is the same person.
    let again = json!({ "schemas": [USER], "userName": "amy@example.org" });
    let again = stage.ask("POST", "/Users", Some(again)).await.must(201);
    assert_eq!(again["id"], id);
    assert_eq!(stage.person(id).await["suspendedAt"], Value::Null);
}

#[tokio::test]
async fn nobody_takes_a_name_or_an_address_that_somebody_has() {
    let stage = Stage::set().await;
    stage.server.viewer(&stage.owner).await;
    let (amy, bob) = (stage.add("amy").await, stage.add("bob").await);
    let before = stage.get(&format!("/Users/{bob}")).await.must(200);
    for value in ["AMY@example.org", "charles@example.org", &EMAIL.to_lowercase()] {
        let taken = json!([{ "op": "replace", "path": "userName", "value": value }]);
        assert_eq!(
            stage.patch(&format!("/Users/{bob}"), taken).await.error(409),
            "uniqueness",
            "{value}"
        );
        let address = json!([{ "op": "add", "path": "emails", "value": [{ "value": value }] }]);
        assert_eq!(
            stage.patch(&format!("/Users/{bob}"), address).await.error(409),
            "uniqueness",
            "{value}"
        );
    }
    let beyond =
        json!([{ "op": "add", "path": "emails", "value": [{ "value": "bob@example.net" }] }]);
    assert_eq!(stage.patch(&format!("/Users/{bob}"), beyond).await.error(400), "invalidValue");
    assert_eq!(stage.get(&format!("/Users/{bob}")).await.must(200), before);
    // Their own, in another case, is theirs.
    let own = json!([{ "op": "replace", "path": "userName", "value": "AMY@example.org" }]);
    stage.patch(&format!("/Users/{amy}"), own).await.must(200);
    assert_eq!(stage.person(&amy).await["email"], "AMY@example.org");
}

#[tokio::test]
async fn versions_keep_two_from_overwriting_each_other() {
    let stage = Stage::set().await;
    let id = stage.add("amy").await;
    let path = format!("/Users/{id}");
    let version = |told: &Value| told["meta"]["version"].as_str().unwrap().to_owned();
    let first = version(&stage.get(&path).await.body);
    let patch = |name: &str| json!({ "schemas": [PATCH], "Operations": [{ "op": "add", "path": "displayName", "value": name }] });
    let (server, token) = (&stage.server, &stage.token);
    let send = async |method: &str, body: Option<Value>, header: &str, value: &str| {
        ask_with(server, token, method, &path, body, &[(header, value)]).await
    };
    let second = version(&send("PATCH", Some(patch("A")), "if-match", &first).await.must(200));
    assert_ne!(first, second);
    for (method, body) in [
        ("PATCH", Some(patch("B"))),
        ("PUT", Some(json!({ "userName": "x@example.org" }))),
        ("DELETE", None),
    ] {
        assert_eq!(send(method, body, "if-match", &first).await.error(412), "", "{method}");
    }
    assert_eq!(send("PATCH", Some(patch("B")), "if-match", "W/\"x\"").await.error(412), "");
    send("PATCH", Some(patch("A")), "if-match", "*").await.must(200);
    assert_eq!(version(&stage.get(&path).await.body), second, "nothing changed");
    let unchanged = send("GET", None, "if-none-match", &format!("W/\"1\", {second}")).await;
    assert_eq!(
        (unchanged.headers["etag"].to_str().unwrap(), unchanged.status.as_u16()),
        (second.as_str(), 304)
    );
    send("GET", None, "if-none-match", &first).await.must(200);
    let group = stage.group("x", &[]).await;
    let other = ask_with(
        server,
        token,
        "DELETE",
        &format!("/Groups/{group}"),
        None,
        &[("if-match", &first)],
    )
    .await;
    assert_eq!(other.error(412), "");
}

#[tokio::test]
async fn people_are_found_by_what_they_are() {
    let stage = Stage::set().await;
    let ids = [stage.add("amy").await, stage.add("bob").await, stage.add("eve").await];
    let path = format!("/Users/{}", ids[1]);
    stage
        .patch(&path, json!([{ "op": "replace", "path": "active", "value": false }]))
        .await
        .must(200);
    stage.group("GRC", &[&ids[2]]).await;
    let found = async |query: &str| {
        let told = stage.get(&format!("/Users?{query}")).await.must(200);
        assert_eq!(told["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]));
        let found = told["Resources"].as_array().unwrap().clone();
        assert_eq!(told["itemsPerPage"], found.len());
        let names = found.iter().map(|it| it["externalId"].as_str().unwrap()[2..].to_owned());
        (told["totalResults"].as_u64().unwrap(), names.collect::<Vec<_>>())
    };
    for (text, expected) in [
        (r#"userName eq "AMY@example.org""#, vec!["amy"]),
        (r#"externalId eq "x-bob""#, vec!["bob"]),
        (r#"externalId eq "X-bob""#, vec![]),
        (r#"userName eq "amy@example.org" and active eq false"#, vec![]),
        (r#"userName eq "nobody@example.org""#, vec![]),
        ("active eq false", vec!["bob"]),
        (r#"displayName sw "e" or active eq "False""#, vec!["bob", "eve"]),
        (r#"not (displayName eq "amy") and groups pr"#, vec!["eve"]),
        (r#"groups[display eq "grc"]"#, vec!["eve"]),
        (r#"meta.created ge "2026-03-01T00:00:00Z""#, vec!["amy", "bob", "eve"]),
        (r#"emails pr"#, vec![]),
    ] {
        let (total, names) = found(&filter(text)).await;
        assert_eq!(names, expected, "{text}");
        assert_eq!(total, names.len() as u64);
    }
    let by_id = found(&filter(&format!("id eq \"{}\"", ids[0]))).await;
    assert_eq!(by_id.1, ["amy"]);
    assert_eq!(found("").await, (3, vec!["amy".into(), "bob".into(), "eve".into()]));
    assert_eq!(found("startIndex=2&count=1").await, (3, vec!["bob".into()]));
    assert_eq!(found("startIndex=9").await, (3, vec![]));
    assert_eq!(found("count=0").await, (3, vec![]));
    assert_eq!(
        found("sortBy=displayName&sortOrder=descending&count=2").await,
        (3, vec!["eve".into(), "bob".into()])
    );
    let page = format!("{}&startIndex=2&count=1", filter("userName pr"));
    assert_eq!(found(&page).await, (3, vec!["bob".into()]));

    let some =
        stage.get(&format!("/Users/{}?attributes=userName,meta.version", ids[0])).await.must(200);
    let mut names: Vec<_> = some.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["id", "meta", "schemas", "userName"]);
    let rest = stage.get("/Users?excludedAttributes=meta,userName&count=1").await.must(200);
    let rest = &rest["Resources"][0];
    assert!(rest.get("meta").is_none() && rest["displayName"] == "amy");

    let search = |filter: &str| {
        json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter,
            "attributes": ["displayName"],
        })
    };
    let everything = stage
        .ask("POST", "/.search", Some(search(r#"displayName co "g" or displayName co "e""#)))
        .await;
    let everything = everything.must(200);
    let names: Vec<_> =
        everything["Resources"].as_array().unwrap().iter().map(|it| &it["displayName"]).collect();
    assert_eq!(names, ["eve", "GRC"]);
    let people = stage.ask("POST", "/.search", Some(search("userName pr"))).await.must(200);
    assert_eq!(people["totalResults"], 3, "groups have none: {people}");
    let one = stage.ask("POST", "/Users/.search", Some(search(r#"displayName eq "bob""#))).await;
    assert_eq!(one.must(200)["Resources"][0]["id"], ids[1]);
    let groups = stage.ask("POST", "/Groups/.search", Some(search("displayName pr"))).await;
    assert_eq!(groups.must(200)["totalResults"], 1);
    let nothing = stage.ask("POST", "/.search", Some(search("title pr"))).await;
    assert_eq!(nothing.error(400), "invalidFilter");
}

#[tokio::test]
async fn an_account_of_the_organization_is_taken_over() {
    let stage = Stage::with(json!({ "defaultRoles": ["CONTRIBUTOR"] })).await;
    let (charles, _) = stage.server.viewer(&stage.owner).await;
    let body = json!({ "userName": "cb", "displayName": "C. Babbage",
        "emails": [{ "value": "Charles@example.org" }] });
    let made = stage.ask("POST", "/Users", Some(body)).await.must(201);
    assert_eq!(made["id"], charles);
    let person = stage.person(&charles).await;
    assert_eq!((&person["name"], &person["roles"]), (&json!("C. Babbage"), &json!(["VIEWER"])));
    crate::support::Tokens::of(&stage.server.log_in("charles@example.org", PASSWORD).await);
    // An owner's is not, in the words of an address that somebody has elsewhere.
    let rival = stage.server.second_organization().await;
    stage.server.create_user(&rival, "Other", "other@example.org").await;
    let told = async |name: &str| {
        let told = stage.ask("POST", "/Users", Some(json!({ "userName": name }))).await;
        let detail = told.body["detail"].clone();
        assert_eq!(told.error(409), "uniqueness");
        detail
    };
    assert_eq!(told(&EMAIL.to_lowercase()).await, told("other@example.org").await);
    // Nor one that another directory provisions, until that is disconnected.
    let (second, token) = super::connect(&stage.server, &stage.owner, json!({})).await;
    let same = json!({ "userName": "charles@example.org" });
    let theirs = super::ask(&stage.server, &token, "POST", "/Users", Some(same.clone())).await;
    assert_eq!(theirs.error(409), "uniqueness");
    let disconnect =
        "mutation($input: DisconnectDirectoryInput!) { disconnectDirectory(input: $input) {
        userErrors { code message path } } }";
    stage
        .mutate(disconnect, "disconnectDirectory", json!({ "directoryId": stage.directory }))
        .await;
    let theirs = super::ask(&stage.server, &token, "POST", "/Users", Some(same)).await.must(201);
    assert_eq!(theirs["id"], charles);
    assert_ne!(second, stage.directory);
}

#[tokio::test]
async fn who_was_erased_is_nobody_to_the_directory() {
    let stage = Stage::set().await;
    let (ada, bob) = (stage.add("amy").await, stage.add("bob").await);
    let group = stage.group("GRC", &[&ada, &bob]).await;
    assert!(!holds(&stage.server.bytes_at_rest(), "x-amy"), "what it says is sealed");
    assert!(!holds(&stage.server.bytes_at_rest(), "amy@example.org"));
    let erase = "mutation($input: EraseUserInput!) { eraseUser(input: $input) {
        userErrors { code message path } } }";
    stage.mutate(erase, "eraseUser", json!({ "userId": ada })).await;
    assert_eq!(stage.get(&format!("/Users/{ada}")).await.error(404), "");
    let members = stage.get(&format!("/Groups/{group}")).await.must(200)["members"].clone();
    assert_eq!(members.as_array().unwrap().len(), 1);
    assert_eq!(members[0]["value"], bob);
    let again = stage.add("amy").await;
    assert_ne!(again, ada, "whoever comes again is somebody new");
    for name in ["directory_people", "directory_groups"] {
        stage.server.store.rebuild(&format!("identity.{name}")).await.unwrap();
    }
    assert_eq!(stage.get("/Users").await.must(200)["totalResults"], 2);
    let members = stage.get(&format!("/Groups/{group}")).await.must(200)["members"].clone();
    assert_eq!(members[0]["value"], bob);
}

#[tokio::test]
async fn the_server_says_what_it_can() {
    let stage = Stage::set().await;
    let config = stage.get("/ServiceProviderConfig").await.must(200);
    assert_eq!(config["bulk"]["supported"], false);
    for can in ["patch", "filter", "sort", "etag"] {
        assert_eq!(config[can]["supported"], true, "{can}");
    }
    let types = stage.get("/ResourceTypes").await.must(200);
    assert_eq!(types["totalResults"], 2);
    assert_eq!(stage.get("/ResourceTypes/User").await.must(200), types["Resources"][0]);
    let schemas = stage.get("/Schemas").await.must(200);
    let user = stage.get(&format!("/Schemas/{USER}")).await.must(200);
    assert_eq!(user, schemas["Resources"][0]);
    assert_eq!(user["attributes"][0]["name"], "userName");
    for nothing in [
        "/ResourceTypes/Robot",
        "/Schemas/urn:x",
        "/Users/nobody",
        "/Users/usr_%00",
        "/Groups/usr_1",
        "/Robots",
        "/Bulk",
    ] {
        assert_eq!(stage.get(nothing).await.error(404), "", "{nothing}");
    }
}
