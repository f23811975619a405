//! Whom a provider lets in, and as whom.

use serde_json::{Value, json};
use studio_identity::TokenError;

use super::{Stage, begin, callback};
use crate::scim;
use crate::support::{CREATE_USER, EMAIL, PASSWORD, Server, Tokens, fault, holds};

const ERASE: &str = "mutation($input: EraseUserInput!) { eraseUser(input: $input) {
    userErrors { code message path } } }";

#[tokio::test]
async fn somebody_new_comes_in_and_is_the_same_person_ever_after() {
    let stage = Stage::set().await;
    let options = "{ signInOptions { providers { name label path } } }";
    let options = stage.server.data(None, options, json!({})).await;
    let work = json!([{ "name": "work", "label": "work", "path": "/login/oidc/work" }]);
    assert_eq!(options["signInOptions"]["providers"], work);

    let tokens = stage.sign_in(json!({ "amr": ["pwd", "otp", "face"] })).await.unwrap();
    let me = stage.me(&tokens).await;
    assert_eq!(me["name"], "Charles Babbage");
    assert_eq!(me["email"], "charles@example.org");
    assert_eq!((&me["emailVerified"], &me["roles"]), (&json!(true), &json!(["VIEWER"])));
    let methods = "{ me { sessions { nodes { methods } } } }";
    let sessions = stage.server.data(Some(&tokens.access), methods, json!({})).await;
    let known = &sessions["me"]["sessions"]["nodes"][0]["methods"];
    assert_eq!(known.as_array().unwrap().len(), 2, "as far as Studio knows the words: {known}");
    let refreshed = stage.server.refresh(&tokens.refresh).await;
    Tokens::of(&refreshed);

    // By what the provider calls them, whatever becomes of the address.
    let moved = json!({ "email": "cb@example.net", "email_verified": false, "name": "C. B." });
    let again = stage.me(&stage.sign_in(moved).await.unwrap()).await;
    assert_eq!(again, me);
    // Somebody else of that address is not them, and there is one account for an address.
    let other = json!({ "sub": "charles|2" });
    assert_eq!(stage.me(&stage.sign_in(other).await.unwrap()).await["id"], me["id"]);

    // Read models that are built anew know the same, and nothing lies open.
    stage.server.store.rebuild("identity.logins").await.unwrap();
    stage.server.store.rebuild("identity.users").await.unwrap();
    assert_eq!(stage.me(&stage.sign_in(json!({})).await.unwrap()).await, me);
    let bytes = stage.server.bytes_at_rest();
    assert!(holds(&bytes, "identity.user.provisioned"));
    for secret in ["charles|1", "charles@example.org", "Babbage"] {
        assert!(!holds(&bytes, secret), "{secret}");
    }
}

#[tokio::test]
async fn somebody_without_a_password_gets_none_by_mail_or_otherwise() {
    let stage = Stage::set().await;
    stage.sign_in(json!({})).await.unwrap();
    for guess in ["", PASSWORD] {
        let refused = stage.server.log_in("charles@example.org", guess).await;
        assert_eq!(fault(&refused), "INVALID_CREDENTIALS");
    }
    let ask = "mutation($input: RequestPasswordResetInput!) {
        requestPasswordReset(input: $input) { userErrors { code } } }";
    for email in ["charles@example.org", EMAIL] {
        let input = json!({ "input": { "email": email } });
        let told = stage.server.data(None, ask, input).await;
        assert_eq!(told["requestPasswordReset"]["userErrors"], json!([]));
    }
    let mails = stage.server.mails.sent(1).await;
    assert_eq!(mails[0].address, EMAIL, "one after the other: the first was looked at");
}

#[tokio::test]
async fn an_account_is_linked_by_an_address_that_the_provider_may_vouch_for() {
    let stage = Stage::set().await;
    let (charles, _) = stage.server.viewer(&stage.owner).await;
    for (claims, code) in [
        (json!({ "email_verified": false }), "ADDRESS"),
        (json!({ "email_verified": "true" }), "ADDRESS"),
        (json!({ "email_verified": null }), "ADDRESS"),
        (json!({ "email": null }), "ADDRESS"),
        (json!({ "email": "charles@example.net" }), "ADDRESS"),
        (json!({ "email": "charles@sub.example.org" }), "ADDRESS"),
        (json!({ "email": "charles@example.org.evil.net" }), "ADDRESS"),
        (json!({ "email": "charles@evil.net@example.org" }), "ADDRESS"),
        (json!({ "email": "charles@example.org\r\nx" }), "ADDRESS"),
        (json!({ "email": ["charles@example.org"] }), "ADDRESS"),
        // A provider makes no owners, and becomes none.
        (json!({ "email": EMAIL }), "ACCOUNT"),
    ] {
        assert_eq!(stage.sign_in(claims.clone()).await.unwrap_err(), code, "{claims}");
    }
    let before = stage.server.changes().await;
    assert_eq!(stage.sign_in(json!({ "email": EMAIL })).await.unwrap_err(), "ACCOUNT");
    assert_eq!(stage.server.changes().await, before, "and nothing is recorded");

    let tokens = stage.sign_in(json!({ "email": "Charles@Example.ORG" })).await.unwrap();
    assert_eq!(stage.me(&tokens).await["id"], charles.as_str());
    // The password goes on to work.
    Tokens::of(&stage.server.log_in("charles@example.org", PASSWORD).await);
}

#[tokio::test]
async fn a_provider_lets_nobody_into_another_organization() {
    let stage = Stage::set().await;
    stage.server.second_organization().await;
    let luigi = json!({ "email": "luigi@example.net", "sub": "luigi" });
    let settings = json!({ "email_domains": ["example.org", "example.net"] });
    let work = stage.settings("work", stage.provider.issuer(), settings.clone());
    let stage = stage.trusting(&json!([work])).await;
    assert_eq!(stage.sign_in(luigi).await.unwrap_err(), "ACCOUNT");
    stage.sign_in(json!({})).await.unwrap();

    // The settings name another organization: who is known in the former one is not in this one.
    let other = Tokens::of(&stage.server.log_in("luigi@example.net", PASSWORD).await);
    let data = stage.server.data(Some(&other.access), "{ organization { id } }", json!({})).await;
    let mut moved = stage.settings("work", stage.provider.issuer(), settings);
    moved["organization"] = data["organization"]["id"].clone();
    let stage = stage.trusting(&json!([moved])).await;
    assert_eq!(stage.sign_in(json!({})).await.unwrap_err(), "ACCOUNT");
    moved["organization"] = json!("org_00000000000070008000000000000000");
    let stage = stage.trusting(&json!([moved])).await;
    assert_eq!(stage.sign_in(json!({})).await.unwrap_err(), "NO_ORGANIZATION");
}

#[tokio::test]
async fn groups_give_roles_and_take_them() {
    let settings = json!({
        "default_roles": [],
        "groups_claim": "memberOf",
        "roles": { "grc": ["compliance_manager"], "audit": ["auditor"], "it": ["admin"] },
    });
    let stage = Stage::with(settings).await;
    let groups = |names: &[&str]| json!({ "memberOf": names });
    for none in [json!({}), groups(&[]), groups(&["owner", "GRC"]), json!({ "groups": ["grc"] })] {
        assert_eq!(stage.sign_in(none).await.unwrap_err(), "NO_ROLE");
    }
    let tokens = stage.sign_in(groups(&["grc", "audit", "other"])).await.unwrap();
    let roles = async |tokens: &Tokens| stage.me(tokens).await["roles"].clone();
    assert_eq!(roles(&tokens).await, json!(["COMPLIANCE_MANAGER", "AUDITOR"]));
    // What somebody gives in Studio, groups leave alone.
    let user = stage.me(&tokens).await["id"].clone();
    let give = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
        userErrors { code message path } } }";
    let input = json!({ "input": { "userId": user, "give": ["INTEGRATOR"], "take": [] } });
    stage.server.data(Some(&stage.owner.access), give, input).await;
    let again = stage.sign_in(groups(&["it"])).await.unwrap();
    assert_eq!(roles(&again).await, json!(["ADMIN", "INTEGRATOR"]));
    // At once, for the sessions that there are as well.
    let before = stage.server.verifier.verify(&tokens.access).unwrap();
    assert_eq!(before.roles.len(), 2, "{before:?}");
    let input = json!({ "input": { "userId": user, "give": [], "take": ["INTEGRATOR"] } });
    stage.server.data(Some(&stage.owner.access), give, input).await;
    // Nothing is left: nobody is let in, and whoever is in is let out.
    assert_eq!(stage.sign_in(groups(&[])).await.unwrap_err(), "NO_ROLE");
    assert_eq!(stage.server.verifier.verify(&again.access), Err(TokenError::SessionOver));
    stage.sign_in(groups(&["audit"])).await.unwrap();
}

#[tokio::test]
async fn a_second_factor_is_asked_for() {
    let stage = Stage::set().await;
    let (_, charles) = stage.server.viewer(&stage.owner).await;
    crate::factors::turn_on(&stage.server, &charles).await;
    let challenged = stage.sign_in(json!({})).await.unwrap_err();
    let challenge = challenged.strip_prefix("challenge ").unwrap();
    let complete = "mutation($input: CompleteLogInInput!) { completeLogIn(input: $input) {
        accessToken userErrors { code message path } } }";
    let input = json!({ "input": { "challenge": challenge, "code": "000000" } });
    let told = stage.server.data(None, complete, input).await;
    assert_eq!(fault(&told["completeLogIn"]), "INVALID_CODE");
}

#[tokio::test]
async fn who_was_erased_is_nobody_any_more() {
    let stage = Stage::set().await;
    let tokens = stage.sign_in(json!({})).await.unwrap();
    let user = stage.me(&tokens).await["id"].clone();
    let sent = begin(&stage.server, "work", "").await.unwrap();
    let id_token = stage.key.sign(&stage.claims(&sent, json!({})));
    stage.provider.grant("a code", &sent.challenge, id_token);
    let query = [("code", "a code"), ("state", sent.state.as_str())];
    let back = callback(&stage.server, &sent.cookie, "work", &query).await.unwrap();
    let input = json!({ "input": { "userId": user } });
    let erased = stage.server.data(Some(&stage.owner.access), ERASE, input).await;
    assert_eq!(erased["eraseUser"]["userErrors"], json!([]));
    assert_eq!(stage.server.verifier.verify(&tokens.access), Err(TokenError::SessionOver));
    // Somebody who was vouched for a moment before is not let in.
    let (status, _) = super::tokens(&stage.server, &back.ticket).await;
    assert_eq!(status, 400);
    stage.server.clock.advance_micros(1000);
    let new = stage.sign_in(json!({})).await.unwrap();
    assert_ne!(stage.me(&new).await["id"], user, "whoever comes again is somebody new");
    stage.server.store.rebuild("identity.logins").await.unwrap();
    let again = stage.sign_in(json!({})).await.unwrap();
    assert_eq!(stage.me(&again).await["id"], stage.me(&new).await["id"]);
}

#[tokio::test]
async fn whom_a_directory_provisions_is_the_same_person() {
    let stage = Stage::set().await;
    let (_, token) = scim::connect(&stage.server, &stage.owner, json!({})).await;
    let ask = async |method: &str, path: &str, body: Value| {
        scim::ask(&stage.server, &token, method, path, Some(body)).await
    };
    let body = json!({ "userName": "charles@example.org", "displayName": "C. Babbage" });
    let made = ask("POST", "/Users", body).await.must(201);
    // Nobody gives them a role yet.
    let tokens = stage.sign_in(json!({})).await.unwrap();
    assert_eq!(stage.me_id(&tokens), made["id"]);
    let path = format!("/Users/{}", made["id"].as_str().unwrap());
    let active = |active: bool| json!({ "schemas": [scim::PATCH], "Operations": [{ "op": "replace", "path": "active", "value": active }] });
    ask("PATCH", &path, active(false)).await.must(200);
    assert_eq!(stage.sign_in(json!({})).await.unwrap_err(), "ACCOUNT");
    // With another address it is still the account of whom the provider called so, and of nobody else.
    ask("PATCH", &path, active(true)).await.must(200);
    let moved = json!({ "schemas": [scim::PATCH],
        "Operations": [{ "op": "replace", "path": "userName", "value": "mallory@example.org" }] });
    ask("PATCH", &path, moved).await.must(200);
    let mallory = json!({ "sub": "mallory|1", "email": "mallory@example.org" });
    assert_eq!(stage.sign_in(mallory).await.unwrap_err(), "ACCOUNT");
    assert_eq!(stage.me_id(&stage.sign_in(json!({})).await.unwrap()), made["id"]);
    // Nor is somebody let in who was vouched for a moment before.
    ask("PATCH", &path, active(true)).await.must(200);
    let sent = begin(&stage.server, "work", "").await.unwrap();
    let id_token = stage.key.sign(&stage.claims(&sent, json!({})));
    stage.provider.grant("a code", &sent.challenge, id_token);
    let query = [("code", "a code"), ("state", sent.state.as_str())];
    let back = callback(&stage.server, &sent.cookie, "work", &query).await.unwrap();
    ask("PATCH", &path, active(false)).await.must(200);
    let (status, _) = super::tokens(&stage.server, &back.ticket).await;
    assert_eq!(status, 400);
}

#[tokio::test]
async fn what_the_token_leaves_out_is_asked_for() {
    let stage = Stage::set().await;
    let less = json!({ "email": null, "email_verified": null, "name": null });
    stage.provider.lie(|lies| {
        lies.userinfo = Some(json!({
            "sub": "somebody else", "email": "charles@example.org", "email_verified": true,
        }));
    });
    assert_eq!(stage.sign_in(less.clone()).await.unwrap_err(), "TOKEN");
    stage.provider.lie(|lies| {
        lies.userinfo = Some(json!({
            "sub": "charles|1", "email": "charles@example.org", "email_verified": true,
            "name": "C. Babbage",
        }));
    });
    // Half of the one and half of the other is neither.
    let half = json!({ "email_verified": false });
    assert_eq!(stage.sign_in(half).await.unwrap_err(), "ADDRESS");
    let me = stage.me(&stage.sign_in(less).await.unwrap()).await;
    assert_eq!((&me["name"], &me["email"]), (&json!("C. Babbage"), &json!("charles@example.org")));
}

#[tokio::test]
async fn two_first_sign_ins_at_once_make_one_person() {
    let stage = Stage::set().await;
    let mut visits = Vec::new();
    for number in 0..4 {
        let sent = begin(&stage.server, "work", "").await.unwrap();
        let id_token = stage.key.sign(&stage.claims(&sent, json!({})));
        let code = format!("code {number}");
        stage.provider.grant(&code, &sent.challenge, id_token);
        visits.push((sent, code));
    }
    let back = visits.iter().map(|(sent, code)| async {
        let query = [("code", code.as_str()), ("state", sent.state.as_str())];
        callback(&stage.server, &sent.cookie, "work", &query).await.map(|back| back.ticket)
    });
    for back in futures::future::join_all(back).await {
        assert!(back.is_ok(), "{back:?}");
    }
    let people = people(&stage.server, &stage.owner).await;
    assert_eq!(people.as_array().unwrap().len(), 2, "the owner and Charles: {people}");
}

async fn people(server: &Server, owner: &Tokens) -> Value {
    let data = server.data(Some(&owner.access), "{ users { nodes { id } } }", json!({})).await;
    data["users"]["nodes"].clone()
}

#[tokio::test]
async fn the_audit_log_tells_who_came_in_by_whom() {
    let stage = Stage::set().await;
    let tokens = stage.sign_in(json!({})).await.unwrap();
    let user = stage.me(&tokens).await["id"].clone();
    let events = stage.server.store.read(0, 1000).await.unwrap();
    let started = events.iter().rfind(|it| it.event_type == "identity.session.started").unwrap();
    let payload: Value = serde_json::from_str(&started.payload).unwrap();
    assert_eq!((&payload["provider"], &payload["user"]), (&json!("work"), &user));
    let add = json!({ "input": {
        "name": "x", "email": "charles@example.org", "password": PASSWORD, "roles": ["VIEWER"],
    } });
    let taken = stage.server.data(Some(&stage.owner.access), CREATE_USER, add).await;
    assert_eq!(fault(&taken["createUser"]), "EMAIL_TAKEN");
}
