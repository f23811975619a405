//! What whoever holds the token of a directory, or none, tries in vain.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};
use studio_identity::TokenError;
use studio_kernel::{Actor, Id, kind};
use tower::ServiceExt;

use super::{GROUP, PATCH, Stage, USER, ask, connect, filter};
use crate::support::{EMAIL, fault};

const CHANGE: &str = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
    userErrors { code message path } } }";

#[tokio::test]
async fn no_filter_gets_at_anything_else() {
    let stage = Stage::set().await;
    stage.add("amy").await;
    for bad in [
        r#"userName eq "x" or 1 eq 1"#,
        r#"userName eq "x"; drop table identity_users; --"#,
        r#"userName eq 'x' or 'a' = 'a'"#,
        r#"userName eq "x" union select 1"#,
        r#"userName eq "x"/*"#,
        r#"secretHash pr"#,
        r#"password sw "a""#,
        r#"tenant eq "org_1""#,
        r#"userName.$where pr"#,
        r#"userName regex ".*""#,
        "userName eq \"\u{0}\"",
        "id eq \"\\u0000\"",
        "ＵserName pr",
        "userName\u{2028}pr",
    ] {
        assert_eq!(
            stage.get(&format!("/Users?{}", filter(bad))).await.error(400),
            "invalidFilter",
            "{bad}"
        );
    }
    // What reads is a text, whatever is in it.
    for text in [
        r#"x' OR '1'='1"#,
        r#"\") OR (\"1\"=\"1"#,
        "%",
        "_",
        "*",
        "${jndi:ldap://x}",
        "{{7*7}}",
        "\\\\",
        "\u{202E}ada",
        "😀",
        "amy@example.org\\u0001",
    ] {
        for attribute in
            ["userName", "externalId", "id", "displayName", "emails.value", "groups.display"]
        {
            let text = format!("{attribute} eq \"{text}\"");
            let told = stage.get(&format!("/Users?{}", filter(&text))).await.must(200);
            assert_eq!(told["totalResults"], 0, "{text}");
        }
        let text = format!("displayName eq \"{text}\"");
        assert_eq!(
            stage.get(&format!("/Groups?{}", filter(&text))).await.must(200)["totalResults"],
            0
        );
    }
    let long = format!("userName eq \"{}\"", "x".repeat(3000));
    let deep = format!("{}userName pr{}", "(".repeat(600), ")".repeat(600));
    let wide = vec!["userName pr"; 100].join(" and ");
    for huge in [long, deep, wide] {
        assert_eq!(
            stage.get(&format!("/Users?{}", filter(&huge))).await.error(400),
            "invalidFilter"
        );
    }
}

#[tokio::test]
async fn another_organization_does_not_exist() {
    let stage = Stage::set().await;
    let (ada, group) = (stage.add("amy").await, stage.group("GRC", &[]).await);
    let rival = stage.server.second_organization().await;
    let more = json!({ "emailDomains": ["example.org", "example.net"] });
    let (_, theirs) = connect(&stage.server, &rival, more.clone()).await;
    // Nor does what another directory of the same organization has provisioned.
    let (_, beside) = connect(&stage.server, &stage.owner, more).await;
    let before = stage.server.changes().await;
    for token in [&theirs, &beside] {
        let ask = async |method: &str, path: &str, body: Option<Value>| {
            ask(&stage.server, token, method, path, body).await
        };
        let patch = |path: &str, value: Value| {
            Some(
                json!({ "schemas": [PATCH], "Operations": [{ "op": "replace", "path": path, "value": value }] }),
            )
        };
        for path in [format!("/Users/{ada}"), format!("/Groups/{group}")] {
            let resource = if path.starts_with("/Users") { "userName" } else { "displayName" };
            assert_eq!(ask("GET", &path, None).await.error(404), "");
            assert_eq!(ask("DELETE", &path, None).await.error(404), "");
            assert_eq!(ask("PATCH", &path, patch(resource, "x".into())).await.error(404), "");
            let body = json!({ resource: "x@example.org" });
            assert_eq!(ask("PUT", &path, Some(body)).await.error(404), "");
        }
        for text in [
            format!("id eq \"{ada}\""),
            r#"userName eq "amy@example.org""#.into(),
            "userName pr".into(),
        ] {
            let told = ask("GET", &format!("/Users?{}", filter(&text)), None).await.must(200);
            assert_eq!(told["totalResults"], 0, "{text}");
        }
        let member =
            json!({ "schemas": [GROUP], "displayName": "Mine", "members": [{ "value": ada }] });
        assert_eq!(ask("POST", "/Groups", Some(member)).await.error(400), "invalidValue");
        let told =
            ask("GET", &format!("/Groups?{}", filter(&format!("members eq \"{ada}\""))), None)
                .await;
        assert_eq!(told.must(200)["totalResults"], 0);
        // Whoever asks for an address that somebody has there is told what is told at home.
        let taken = ask("POST", "/Users", Some(json!({ "userName": "amy@example.org" }))).await;
        assert_eq!(taken.body["detail"], "Somebody has that userName or e-mail address already.");
        assert_eq!(taken.error(409), "uniqueness");
    }
    assert_eq!(stage.server.changes().await, before);
}

#[tokio::test]
async fn nobody_becomes_more_than_the_groups_say() {
    let stage = Stage::set().await;
    let ada = stage.add("amy").await;
    let path = format!("/Users/{ada}");
    for (operation, code) in [
        (json!({ "op": "add", "path": "roles", "value": [{ "value": "owner" }] }), "invalidPath"),
        (json!({ "op": "replace", "value": { "roles": ["owner"] } }), "invalidPath"),
        (
            json!({ "op": "replace", "path": "roles[primary eq true].value", "value": "owner" }),
            "invalidPath",
        ),
        (json!({ "op": "replace", "path": "entitlements", "value": ["owner"] }), "invalidPath"),
        (
            json!({ "op": "replace", "path": "password", "value": "a password of mine" }),
            "invalidPath",
        ),
        (json!({ "op": "replace", "path": "suspended_at", "value": null }), "invalidPath"),
        (json!({ "op": "replace", "path": "__proto__.roles", "value": ["owner"] }), "invalidPath"),
        (json!({ "op": "add", "path": "groups", "value": [{ "value": "grp_1" }] }), "mutability"),
        (json!({ "op": "replace", "path": "id", "value": "usr_1" }), "mutability"),
        (
            json!({ "op": "replace", "path": "meta.created", "value": "2000-01-01T00:00:00Z" }),
            "mutability",
        ),
    ] {
        assert_eq!(
            stage.patch(&path, json!([operation.clone()])).await.error(400),
            code,
            "{operation}"
        );
    }
    let more = json!({
        "schemas": [USER], "userName": "amy@example.org", "roles": [{ "value": "owner" }], "entitlements": ["owner"],
        "groups": [{ "value": "grp_1" }], "id": "usr_1", "password": "a password of mine", "organization": "org_1",
        "directory": "dir_1", "meta": { "version": "W/\"0\"" }, "isAdmin": true,
    });
    let told = stage.ask("PUT", &path, Some(more)).await.must(200);
    assert_eq!(told["id"], ada);
    for absent in ["roles", "entitlements", "groups", "password", "isAdmin"] {
        assert!(told.get(absent).is_none(), "{absent}");
    }
    assert_eq!(stage.roles(&ada).await, json!([]));
    let wrong = stage.server.log_in("amy@example.org", "a password of mine").await;
    assert_eq!(fault(&wrong), "INVALID_CREDENTIALS");
    // A group that is called like a role is a group.
    let group = stage.group("owner", &[&ada]).await;
    assert_eq!(stage.roles(&ada).await, json!([]));
    let owner = json!([{ "op": "add", "path": "members", "value": [{ "value": "usr_1" }] }]);
    assert_eq!(stage.patch(&format!("/Groups/{group}"), owner).await.error(400), "invalidValue");
}

#[tokio::test]
async fn an_owner_is_left_alone() {
    let stage = Stage::set().await;
    let ada = stage.add("amy").await;
    let group = stage.group("GRC", &[&ada]).await;
    stage.mutate(CHANGE, "changeRoles", json!({ "userId": ada, "give": ["OWNER"] })).await;
    let before = stage.person(&ada).await;
    let path = format!("/Users/{ada}");
    let off = json!([{ "op": "replace", "path": "active", "value": false }]);
    assert_eq!(stage.patch(&path, off).await.error(403), "");
    let moved = json!({ "schemas": [USER], "userName": "mallory@example.org" });
    assert_eq!(stage.ask("PUT", &path, Some(moved)).await.error(403), "");
    assert_eq!(stage.ask("DELETE", &path, None).await.error(403), "");
    stage.ask("DELETE", &format!("/Groups/{group}"), None).await.must(204);
    assert_eq!(stage.person(&ada).await, before);
    let first = stage.ask("POST", "/Users", Some(json!({ "userName": EMAIL }))).await;
    assert_eq!(first.error(409), "uniqueness");
    // The refusals are in the audit log, by the directory's name.
    let query = "query($d: String!) { auditEntries(filter: { actor: $d, outcome: DENIED }) { nodes { action } } }";
    let told = async || {
        let asked = json!({ "d": stage.directory });
        let data = stage.server.data(Some(&stage.owner.access), query, asked).await;
        data["auditEntries"]["nodes"].as_array().unwrap().len()
    };
    for _ in 0..400 {
        if told().await > 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the audit log does not tell of them");
}

/// Whoever runs the directory would otherwise be whoever they like.
#[tokio::test]
async fn another_address_is_no_way_into_somebodys_account() {
    let stage = Stage::set().await;
    let (charles, tokens) = stage.server.viewer(&stage.owner).await;
    stage.ask("POST", "/Users", Some(json!({ "userName": "charles@example.org" }))).await.must(201);
    let moved = json!([{ "op": "replace", "path": "userName", "value": "mallory@example.org" }]);
    stage.patch(&format!("/Users/{charles}"), moved).await.must(200);
    let reset =
        "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) {
        userErrors { code message path } } }";
    for email in ["mallory@example.org", "charles@example.org", EMAIL] {
        stage.server.data(None, reset, json!({ "input": { "email": email } })).await;
    }
    let to = |mails: Vec<studio_mail::Mail>| -> Vec<String> {
        mails.into_iter().map(|mail| mail.address).collect()
    };
    assert_eq!(to(stage.server.mails.sent(1).await), [EMAIL], "the owner's comes behind them");
    // They themselves go on, and once they have shown that it is theirs, it is.
    let verify = "mutation { requestEmailVerification { userErrors { code } } }";
    stage.server.data(Some(&tokens.access), verify, json!({})).await;
    let mails = stage.server.mails.sent(2).await;
    let (_, link) = mails[1].text.split_once("#verify=").unwrap();
    let token = link.split_whitespace().next().unwrap();
    let verify = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) { userErrors { code } } }";
    stage.server.data(None, verify, json!({ "input": { "token": token } })).await;
    assert_eq!(stage.person(&charles).await["emailVerified"], true);
    stage.server.data(None, reset, json!({ "input": { "email": "mallory@example.org" } })).await;
    assert_eq!(to(stage.server.mails.sent(3).await)[2], "mallory@example.org");
}

#[tokio::test]
async fn a_token_opens_what_it_is_for_and_nothing_else() {
    let stage = Stage::set().await;
    assert_eq!(stage.server.verifier.verify_newest(&stage.token).await, Err(TokenError::Directory));
    assert!(stage.server.verifier.verify(&stage.token).is_err());
    // A secret may have the sign in it that stands before it.
    let (id, secret) = stage.token.split_at("scm_".len() + 32 + "_".len());
    let other = format!("{id}{}", secret.chars().rev().collect::<String>());
    let made_up = format!("scm_{}_{secret}", "0".repeat(32));
    let as_key = stage.token.replacen("scm_", "stk_", 1);
    let short = &stage.token[..stage.token.len() - 1];
    for bad in ["", "x", &other, &made_up, &as_key, short, &stage.owner.access, &stage.directory] {
        for (method, path) in
            [("GET", "/Users"), ("POST", "/Users"), ("GET", "/Schemas"), ("DELETE", "/Users/x")]
        {
            let told = ask(&stage.server, bad, method, path, Some(json!({}))).await;
            assert_eq!(told.headers["www-authenticate"], "Bearer realm=\"scim\"");
            assert_eq!(told.error(401), "", "{bad} at {path}");
        }
    }
    for value in [None, Some(format!("Basic {}", stage.token)), Some(stage.token.clone())] {
        let mut request = Request::get("/scim/v2/Users");
        if let Some(value) = value {
            request = request.header(header::AUTHORIZATION, value);
        }
        let response =
            stage.server.routes.clone().oneshot(request.body(Body::empty()).unwrap()).await;
        assert_eq!(response.unwrap().status(), 401);
    }
    // As who it is on record it may do nothing else, wherever it got in.
    let directory: Id<kind::Directory> = stage.directory.parse().unwrap();
    let tenant = stage.server.verifier.verify(&stage.owner.access).unwrap().tenant;
    for asked in ["{ users { nodes { id } } }", "{ organization { id } }"] {
        let actor = Actor::directory(tenant, directory);
        let told = stage.server.ask_as(actor, asked, json!({})).await;
        assert_eq!(told["errors"][0]["extensions"]["code"], "FORBIDDEN", "{asked}");
    }
}

#[tokio::test]
async fn bodies_that_are_none_are_refused() {
    let stage = Stage::set().await;
    let ada = stage.add("amy").await;
    let before = stage.server.changes().await;
    let send = async |kind: &str, body: Vec<u8>| {
        let request = Request::post("/scim/v2/Users")
            .header(header::CONTENT_TYPE, kind)
            .header(header::AUTHORIZATION, format!("Bearer {}", stage.token))
            .body(Body::from(body))
            .unwrap();
        stage.server.routes.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    let scim = "application/scim+json";
    let deep = "[".repeat(100_000).into_bytes();
    let huge = vec![b' '; 1024 * 1024 + 1];
    for (kind, body, status) in [
        (scim, b"".to_vec(), 400),
        (scim, b"{".to_vec(), 400),
        (scim, b"\xff\xfe".to_vec(), 400),
        (scim, br#""text""#.to_vec(), 400),
        (scim, br#"{"userName":"a@example.org","userName ":1} x"#.to_vec(), 400),
        (scim, deep, 400),
        (scim, huge, 413),
        ("application/xml", b"<x/>".to_vec(), 415),
        ("", b"{}".to_vec(), 415),
    ] {
        assert_eq!(send(kind, body.clone()).await, status, "{kind}: {}", body.len());
    }
    for body in [
        json!({ "userName": "mallory@example.net" }),
        json!({ "userName": "mallory@example.org\r\nBcc: x@example.net" }),
        json!({ "userName": "m", "emails": [{ "value": "no address" }] }),
        json!({ "userName": "m@example.org", "displayName": { "$ne": null } }),
        json!({ "userName": { "toString": "x" } }),
    ] {
        assert_eq!(
            stage.ask("POST", "/Users", Some(body.clone())).await.error(400),
            "invalidValue",
            "{body}"
        );
    }
    for body in
        [json!({}), json!({ "schemas": [PATCH], "Operations": "x" }), json!([]), Value::Null]
    {
        let told = stage.ask("PATCH", &format!("/Users/{ada}"), Some(body)).await;
        assert_eq!(told.error(400), "invalidSyntax");
    }
    assert_eq!(stage.server.changes().await, before);
}

#[tokio::test]
async fn two_of_one_name_at_once_are_one_person() {
    let stage = Stage::set().await;
    let body = || Some(json!({ "schemas": [USER], "userName": "amy@example.org" }));
    let asked = (0..6).map(|_| stage.ask("POST", "/Users", body()));
    let told = futures::future::join_all(asked).await;
    let made = told.iter().filter(|it| it.status == 201).count();
    assert_eq!(made, 1, "{told:?}");
    assert!(told.iter().all(|it| it.status == 201 || it.status == 409), "{told:?}");
    assert_eq!(stage.get("/Users").await.must(200)["totalResults"], 1);
}

#[tokio::test]
async fn the_audit_log_names_the_directory() {
    let stage = Stage::set().await;
    let ada = stage.add("amy").await;
    stage.group("GRC", &[&ada]).await;
    let events = stage.server.store.read(0, 1000).await.unwrap();
    let by_it = |kind: &str| {
        let found = events.iter().rfind(|it| it.event_type == kind).unwrap();
        found.metadata().unwrap().principal.on_record()
    };
    for kind in [
        "identity.user.provisioned",
        "identity.user.directory_record_set",
        "identity.directory_group.created",
        "identity.user.roles_changed",
    ] {
        assert_eq!(by_it(kind), stage.directory, "{kind}");
    }
}
