//! Roles that end by themselves: when they count, for whom, and who may give them.

use std::time::Duration;

use serde_json::{Value, json};
use studio_kernel::Role;

use crate::support::{CREATE_USER, PASSWORD, Server, Tokens, fault};

const GRANT: &str = "mutation($input: GrantAccessInput!) { grantAccess(input: $input) {
    user { id roles rolesUntil { role until } } userErrors { code message path } } }";
const CHANGE: &str = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
    user { roles rolesUntil { role until } } userErrors { code message path } } }";
const ENTRIES: &str = "{ auditEntries(first: 1) { nodes { id } } }";
/// An hour after the start of every test.
const HOUR: &str = "2026-03-01T10:00:00Z";
const MICROS: i64 = 3_600_000_000;

fn grant(user: &str, role: &str, until: &str) -> Value {
    json!({ "input": { "userId": user, "role": role, "until": until } })
}

/// Grants, which must work: the person then.
async fn granted(server: &Server, by: &Tokens, variables: Value) -> Value {
    let data = server.data(Some(&by.access), GRANT, variables).await;
    assert_eq!(data["grantAccess"]["userErrors"], json!([]), "{data}");
    data["grantAccess"]["user"].clone()
}

async fn changed(server: &Server, by: &Tokens, user: &str, give: &[&str], take: &[&str]) -> Value {
    let input = json!({ "input": { "userId": user, "give": give, "take": take } });
    server.data(Some(&by.access), CHANGE, input).await["changeRoles"].clone()
}

#[tokio::test]
async fn it_ends_at_the_instant_for_who_is_signed_in() {
    let (server, owner) = Server::set_up().await;
    let (id, charles) = server.viewer(&owner).await;
    let access = Some(charles.access.as_str());
    assert_eq!(server.code(access, ENTRIES, json!({})).await, "FORBIDDEN");
    let user = granted(&server, &owner, grant(&id, "AUDITOR", HOUR)).await;
    assert_eq!(user["roles"], json!(["AUDITOR", "VIEWER"]));
    assert_eq!(user["rolesUntil"][0]["role"], "AUDITOR");
    server.data(access, ENTRIES, json!({})).await;
    let connected = server.verifier.verify(&charles.access).unwrap();
    assert!(server.verifier.still_valid(&connected));

    // Another process that hears of it, one that starts between, and a token that is made just before.
    let beside = server.beside().await;
    let now = server.env.now().micros();
    let start = "2026-03-01T09:00:00Z".parse::<studio_kernel::Timestamp>().unwrap().micros();
    server.clock.advance_micros(MICROS - 1 - (now - start));
    let fresh = Tokens::of(&server.refresh(&charles.refresh).await);
    for process in [&server, &beside] {
        let actor = process.verifier.verify_newest(&fresh.access).await.unwrap();
        assert_eq!(actor.roles, [Role::Auditor, Role::Viewer]);
        assert!(process.verifier.still_valid(&actor));
    }
    server.clock.advance_micros(1);
    for process in [&server, &beside] {
        let actor = process.verifier.verify_newest(&fresh.access).await.unwrap();
        assert_eq!(actor.roles, [Role::Viewer]);
        // A subscription that began with it ends, and a connection goes on without.
        assert!(!process.verifier.still_valid(&connected));
        assert_eq!(process.verifier.now(connected.clone()).unwrap().roles, [Role::Viewer]);
    }
    let access = Some(fresh.access.as_str());
    assert_eq!(server.code(access, ENTRIES, json!({})).await, "FORBIDDEN");
    let me = server.data(access, "{ me { roles rolesUntil { role } } }", json!({})).await;
    assert_eq!(me["me"], json!({ "roles": ["VIEWER"], "rolesUntil": [] }));
    server.store.rebuild("identity.users").await.unwrap();
    let server = server.restart().await;
    assert_eq!(server.verifier.verify(&fresh.access).unwrap().roles, [Role::Viewer]);
    server.store.verify().await.unwrap();
}

/// A process that started when nobody was signed in knows the end all the same.
#[tokio::test]
async fn a_token_from_before_the_end_outlives_it_nowhere() {
    let (server, owner) = Server::set_up().await;
    let made = server.create_user(&owner, "Charles Babbage", "charles@example.org").await;
    let id = made["user"]["id"].as_str().unwrap().to_owned();
    granted(&server, &owner, grant(&id, "AUDITOR", HOUR)).await;
    let later = server.beside().await;
    server.clock.advance_micros(MICROS - 60_000_000);
    let charles = Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
    let heard = async {
        loop {
            match later.verifier.verify(&charles.access) {
                Ok(actor) => return actor,
                Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    };
    let knows = tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    assert_eq!(knows.roles, [Role::Auditor, Role::Viewer]);
    server.clock.advance_micros(60_000_000);
    for process in [&server, &later] {
        let actor = process.verifier.verify(&charles.access).unwrap();
        assert_eq!(actor.roles, [Role::Viewer], "its token still says otherwise");
    }
}

#[tokio::test]
async fn whoever_was_powerful_for_a_time_gives_nothing_afterwards() {
    let (server, owner) = Server::set_up().await;
    let (id, charles) = server.viewer(&owner).await;
    granted(&server, &owner, grant(&id, "ADMIN", HOUR)).await;
    let admin = server.verifier.verify(&charles.access).unwrap();
    let new = |email: &str| {
        json!({ "input": {
            "name": "Eve", "email": email, "password": PASSWORD, "roles": ["VIEWER"] } })
    };
    server.data(Some(&charles.access), CREATE_USER, new("eve@example.org")).await;
    // Nor does one get above oneself in that time, or stay what one is.
    let input = json!({ "input": { "userId": id, "give": ["OWNER"], "take": [] } });
    assert_eq!(server.code(Some(&charles.access), CHANGE, input).await, "FORBIDDEN");
    server.clock.advance_micros(MICROS);
    let refused = async |query: &str, variables: Value| {
        let answer = server.ask_as(admin.clone(), query, variables).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(refused(CREATE_USER, new("eva@example.org")).await, "FORBIDDEN");
    let longer = grant(&id, "ADMIN", "2026-03-02T00:00:00Z");
    assert_eq!(refused(GRANT, longer).await, "FORBIDDEN");
    let input = json!({ "input": { "userId": id, "give": ["ADMIN"], "take": [] } });
    assert_eq!(refused(CHANGE, input).await, "FORBIDDEN");
}

#[tokio::test]
async fn it_is_moved_taken_and_made_endless() {
    let (server, owner) = Server::set_up().await;
    let (id, _) = server.viewer(&owner).await;
    granted(&server, &owner, grant(&id, "AUDITOR", HOUR)).await;
    let moved = granted(&server, &owner, grant(&id, "AUDITOR", "2026-03-01T09:30:00Z")).await;
    let until = moved["rolesUntil"].as_array().unwrap();
    assert_eq!(until.len(), 1);
    assert!(until[0]["until"].as_str().unwrap().starts_with("2026-03-01T09:30:00"), "{until:?}");
    let before = server.changes().await;
    granted(&server, &owner, grant(&id, "AUDITOR", "2026-03-01T09:30:00Z")).await;
    assert_eq!(server.changes().await, before, "nothing was to do");
    // The only role that there is.
    let only = changed(&server, &owner, &id, &[], &["VIEWER"]).await;
    assert_eq!(only["user"]["roles"], json!(["AUDITOR"]));
    assert_eq!(fault(&changed(&server, &owner, &id, &[], &["AUDITOR"]).await), "NO_ROLE");
    server.clock.advance_micros(MICROS / 2);
    let owner = Tokens::of(&server.refresh(&owner.refresh).await);
    let charles = Tokens::of(&server.log_in("charles@example.org", PASSWORD).await);
    assert_eq!(server.verifier.verify(&charles.access).unwrap().roles, []);
    assert_eq!(server.code(Some(&charles.access), "{ me { id } }", json!({})).await, "FORBIDDEN");
    let given = changed(&server, &owner, &id, &["AUDITOR"], &[]).await;
    assert_eq!(given["user"], json!({ "roles": ["AUDITOR"], "rolesUntil": [] }));
    let has = server.data(Some(&owner.access), GRANT, grant(&id, "AUDITOR", HOUR)).await;
    assert_eq!(fault(&has["grantAccess"]), "HAS_ROLE");
    granted(&server, &owner, grant(&id, "CONTRIBUTOR", HOUR)).await;
    let taken = changed(&server, &owner, &id, &[], &["CONTRIBUTOR"]).await;
    assert_eq!(taken["user"], json!({ "roles": ["AUDITOR"], "rolesUntil": [] }));
}

#[tokio::test]
async fn who_may_not_and_what_cannot_be() {
    let (server, owner) = Server::set_up().await;
    let (id, charles) = server.viewer(&owner).await;
    let luigi = server.second_organization().await;
    let code = async |who: &Tokens, user: &str| {
        server.code(Some(&who.access), GRANT, grant(user, "ADMIN", HOUR)).await
    };
    assert_eq!(code(&charles, &id).await, "FORBIDDEN");
    assert_eq!(code(&luigi, &id).await, "NOT_FOUND");
    assert_eq!(code(&owner, "usr_00000000000070008000000000000000").await, "NOT_FOUND");
    for (role, until, told) in [
        ("OWNER", HOUR, "NO_OWNER_FOR_A_TIME"),
        ("AUDITOR", "2026-03-01T09:00:00Z", "INVALID_UNTIL"),
        ("AUDITOR", "1999-01-01T00:00:00Z", "INVALID_UNTIL"),
        ("AUDITOR", "2027-03-03T09:00:00Z", "INVALID_UNTIL"),
        ("AUDITOR", "9999-01-01T00:00:00Z", "INVALID_UNTIL"),
        ("VIEWER", HOUR, "HAS_ROLE"),
    ] {
        let data = server.data(Some(&owner.access), GRANT, grant(&id, role, until)).await;
        assert_eq!(fault(&data["grantAccess"]), told, "{role} until {until}");
    }
    granted(&server, &owner, grant(&id, "AUDITOR", "2027-03-02T09:00:00Z")).await;

    // An admin grants, but nothing to owners.
    let admin = server.create_user(&owner, "Augusta", "augusta@example.org").await;
    let admin_id = admin["user"]["id"].as_str().unwrap().to_owned();
    changed(&server, &owner, &admin_id, &["ADMIN"], &[]).await;
    let augusta = Tokens::of(&server.log_in("augusta@example.org", PASSWORD).await);
    granted(&server, &augusta, grant(&id, "CONTRIBUTOR", HOUR)).await;
    let me = server.data(Some(&owner.access), "{ me { id } }", json!({})).await;
    assert_eq!(code(&augusta, me["me"]["id"].as_str().unwrap()).await, "FORBIDDEN");

    // What was granted until when is in the audit log.
    let query = "{ auditEntries(filter: { action: \"identity.user.roles_changed\" }, first: 10) {
        nodes { target details { name value } } } }";
    let told = async {
        loop {
            let data = server.data(Some(&owner.access), query, json!({})).await;
            if data.to_string().contains("2027-03-02T09:00:00") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), told).await.unwrap();
}
