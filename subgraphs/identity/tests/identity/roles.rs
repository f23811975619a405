//! Giving roles and taking them: who may, when it counts, and that nobody gets above themselves.

use std::time::Duration;

use serde_json::{Value, json};
use studio_kernel::Role;

use crate::support::{CREATE_USER, PASSWORD, Server, Tokens, fault};

const CHANGE: &str = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
    user { id roles } userErrors { code message path } } }";
const ROLES: &str = "query($id: ID!) { user(id: $id) { roles } }";
const ME: &str = "{ me { id roles } }";

/// A person with these roles, signed in: their id and tokens.
async fn person(server: &Server, by: &Tokens, email: &str, roles: &[&str]) -> (String, Tokens) {
    server.clock.advance_micros(1000);
    let input = json!({ "name": email, "email": email, "password": PASSWORD, "roles": roles });
    let data = server.data(Some(&by.access), CREATE_USER, json!({ "input": input })).await;
    let id = data["createUser"]["user"]["id"].as_str().unwrap().to_owned();
    (id, Tokens::of(&server.log_in(email, PASSWORD).await))
}

fn change(id: &str, give: &[&str], take: &[&str]) -> Value {
    json!({ "input": { "userId": id, "give": give, "take": take } })
}

async fn id_of(server: &Server, tokens: &Tokens) -> String {
    let data = server.data(Some(&tokens.access), ME, json!({})).await;
    data["me"]["id"].as_str().unwrap().to_owned()
}

/// Changes roles, which must work; what the person has then.
async fn changed(server: &Server, by: &Tokens, variables: Value) -> Value {
    let data = server.data(Some(&by.access), CHANGE, variables).await;
    assert_eq!(data["changeRoles"]["userErrors"], json!([]), "{data}");
    data["changeRoles"]["user"]["roles"].clone()
}

async fn refused(server: &Server, by: &Tokens, variables: Value) -> String {
    server.code(Some(&by.access), CHANGE, variables).await
}

#[tokio::test]
async fn a_change_counts_at_once_for_who_is_signed_in() {
    let (server, owner) = Server::set_up().await;
    let (id, vera) = person(&server, &owner, "vera@example.org", &["VIEWER"]).await;
    let before = server.verifier.verify(&vera.access).unwrap();
    let new = json!({ "input": {
        "name": "Eve", "email": "eve@example.org", "password": PASSWORD, "roles": ["VIEWER"] } });
    assert_eq!(server.code(Some(&vera.access), CREATE_USER, new.clone()).await, "FORBIDDEN");

    let roles = changed(&server, &owner, change(&id, &["ADMIN"], &["VIEWER"])).await;
    assert_eq!(roles, json!(["ADMIN"]));
    // The same token, with which a subscription that was begun before does not go on.
    assert!(!server.verifier.still_valid(&before));
    let admin = server.verifier.verify(&vera.access).unwrap();
    // A connection that was opened before goes on with the new ones.
    assert_eq!(server.verifier.now(before), Some(admin.clone()));
    assert_eq!(admin.roles, [Role::Admin]);
    assert!(server.verifier.still_valid(&admin));
    server.data(Some(&vera.access), CREATE_USER, new.clone()).await;

    changed(&server, &owner, change(&id, &["AUDITOR", "VIEWER"], &["ADMIN"])).await;
    assert_eq!(server.code(Some(&vera.access), CREATE_USER, new).await, "FORBIDDEN");

    // As much after a start, by the old token, by a new one and by a new session.
    let server = server.restart().await;
    let expected = vec![Role::Auditor, Role::Viewer];
    assert_eq!(server.verifier.verify(&vera.access).unwrap().roles, expected);
    let again = Tokens::of(&server.log_in("vera@example.org", PASSWORD).await);
    assert_eq!(server.verifier.verify(&again.access).unwrap().roles, expected);
    let over = server.verifier.verify(&again.access).unwrap();
    let log_out = "mutation { logOut { userErrors { code } } }";
    server.data(Some(&again.access), log_out, json!({})).await;
    assert_eq!(server.verifier.now(over), None, "nor does it outlive its session");
    let refreshed = Tokens::of(&server.refresh(&vera.refresh).await);
    assert_eq!(server.verifier.verify(&refreshed.access).unwrap().roles, expected);
    server.store.rebuild("identity.users").await.unwrap();
    let data = server.data(Some(&owner.access), ROLES, json!({ "id": id })).await;
    assert_eq!(data["user"]["roles"], json!(["AUDITOR", "VIEWER"]));
}

#[tokio::test]
async fn another_process_hears_of_it() {
    let (server, owner) = Server::set_up().await;
    let (id, vera) = person(&server, &owner, "vera@example.org", &["VIEWER"]).await;
    let other = server.beside().await;
    changed(&server, &owner, change(&id, &["ADMIN"], &[])).await;
    let heard = async {
        while other.verifier.verify(&vera.access).unwrap().roles != [Role::Admin, Role::Viewer] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    // Far longer than it may take.
    tokio::time::timeout(Duration::from_secs(30), heard).await.unwrap();
    // Whoever has seen the change is answered by it.
    changed(&server, &owner, change(&id, &[], &["ADMIN"])).await;
    let actor = other.verifier.verify(&vera.access).unwrap();
    let actor = other.verifier.as_of(actor, server.store.head()).await.unwrap();
    assert_eq!(actor.roles, [Role::Viewer]);
}

#[tokio::test]
async fn nobody_gives_what_is_above_them() {
    let (server, owner) = Server::set_up().await;
    let first = id_of(&server, &owner).await;
    let (admin_id, admin) = person(&server, &owner, "admin@example.org", &["ADMIN"]).await;
    let (second_id, second) = person(&server, &owner, "second@example.org", &["OWNER"]).await;
    let everybody_else =
        ["COMPLIANCE_MANAGER", "CONTROL_OWNER", "CONTRIBUTOR", "AUDITOR", "INTEGRATOR", "VIEWER"];
    let before = server.changes().await;

    // An admin makes no owner: not of themselves, nor of others, nor anew, nor by way of a change
    // in the same request that looks harmless.
    for id in [&admin_id, &first, &second_id] {
        assert_eq!(refused(&server, &admin, change(id, &["OWNER"], &[])).await, "FORBIDDEN");
        assert_eq!(refused(&server, &admin, change(id, &["OWNER"], &["ADMIN"])).await, "FORBIDDEN");
    }
    let new = json!({ "input": {
        "name": "Eve", "email": "eve@example.org", "password": PASSWORD, "roles": ["VIEWER", "OWNER"] } });
    assert_eq!(server.code(Some(&admin.access), CREATE_USER, new).await, "FORBIDDEN");
    // Nor does one change owners, or erase anybody.
    assert_eq!(
        refused(&server, &admin, change(&first, &["VIEWER"], &["OWNER"])).await,
        "FORBIDDEN"
    );
    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    let id = json!({ "id": second_id });
    assert_eq!(server.code(Some(&admin.access), erase, id).await, "FORBIDDEN");
    assert_eq!(server.changes().await, before, "a refusal records nothing");

    let twice = "mutation($id: ID!) {
        a: changeRoles(input: { userId: $id, give: [VIEWER], take: [ADMIN] }) { user { roles } }
        b: changeRoles(input: { userId: $id, give: [OWNER] }) { user { roles } } }";
    let answer = server.ask(Some(&admin.access), twice, json!({ "id": admin_id })).await;
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN", "{answer}");
    // The first of the two worked: the admin is none any more, and cannot take it back.
    let back = change(&admin_id, &["ADMIN"], &[]);
    assert_eq!(refused(&server, &admin, back.clone()).await, "FORBIDDEN");
    assert_eq!(changed(&server, &second, back).await, json!(["ADMIN", "VIEWER"]));

    // The others give nothing, least of all to themselves.
    for role in everybody_else {
        let email = format!("{}@example.org", role.to_lowercase());
        let (id, tokens) = person(&server, &admin, &email, &[role]).await;
        for given in ["OWNER", "ADMIN", role, "VIEWER"] {
            let code = refused(&server, &tokens, change(&id, &[given], &[])).await;
            assert_eq!(code, "FORBIDDEN", "{role} gives {given}");
        }
        let code = refused(&server, &tokens, change(&admin_id, &[], &["ADMIN"])).await;
        assert_eq!(code, "FORBIDDEN", "{role} takes");
    }
}

/// A process that has not heard of a change yet lets somebody in with the roles that they had.
#[tokio::test]
async fn roles_that_were_taken_give_no_roles() {
    let (server, owner) = Server::set_up().await;
    let (id, second) = person(&server, &owner, "second@example.org", &["OWNER"]).await;
    let stale = server.verifier.verify(&second.access).unwrap();
    changed(&server, &owner, change(&id, &["VIEWER"], &["OWNER"])).await;
    let before = server.changes().await;
    let first = id_of(&server, &owner).await;
    let code = async |query: &str, variables: Value| {
        let answer = server.ask_as(stale.clone(), query, variables).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(code(CHANGE, change(&id, &["OWNER"], &[])).await, "FORBIDDEN");
    assert_eq!(code(CHANGE, change(&first, &[], &["OWNER"])).await, "FORBIDDEN");
    for role in ["OWNER", "ADMIN", "VIEWER"] {
        let new = json!({ "input": {
            "name": "Eve", "email": "eve@example.org", "password": PASSWORD, "roles": [role] } });
        assert_eq!(code(CREATE_USER, new).await, "FORBIDDEN", "{role}");
    }
    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    assert_eq!(code(erase, json!({ "id": first })).await, "FORBIDDEN");
    assert_eq!(server.changes().await, before, "a refusal records nothing");
}

#[tokio::test]
async fn an_organization_keeps_an_owner() {
    let (server, owner) = Server::set_up().await;
    let first = id_of(&server, &owner).await;
    // Neither is an owner, though the names of their roles hold the word or come close.
    person(&server, &owner, "control@example.org", &["CONTROL_OWNER"]).await;
    person(&server, &owner, "admin@example.org", &["ADMIN", "CONTROL_OWNER"]).await;
    let data = server.data(Some(&owner.access), CHANGE, change(&first, &["ADMIN"], &["OWNER"]));
    assert_eq!(fault(&data.await["changeRoles"]), "LAST_OWNER");
    let data = server.data(Some(&owner.access), CHANGE, change(&first, &["ADMIN"], &[]));
    assert_eq!(data.await["changeRoles"]["userErrors"], json!([]));

    for n in 0..4 {
        let email = format!("second{n}@example.org");
        let (second, tokens) = person(&server, &owner, &email, &["OWNER"]).await;
        // Each takes the other's role at the same moment: one of the two is too late.
        let (of_second, of_first) = tokio::join!(
            server.ask(Some(&owner.access), CHANGE, change(&second, &["VIEWER"], &["OWNER"])),
            server.ask(Some(&tokens.access), CHANGE, change(&first, &["VIEWER"], &["OWNER"])),
        );
        let worked = [&of_second, &of_first].map(|answer| answer.get("errors").is_none());
        assert_ne!(worked[0], worked[1], "{of_second} {of_first}");
        let by = if worked[0] { &owner } else { &tokens };
        changed(&server, by, change(&first, &["OWNER"], &["VIEWER"])).await;
        changed(&server, &owner, change(&second, &["VIEWER"], &["OWNER"])).await;
    }
}

#[tokio::test]
async fn what_cannot_be_is_said() {
    let (server, owner) = Server::set_up().await;
    let (id, vera) = person(&server, &owner, "vera@example.org", &["VIEWER"]).await;
    let before = server.changes().await;
    // Nothing to do, as often as it is asked.
    for variables in [change(&id, &[], &[]), change(&id, &["VIEWER"], &["AUDITOR"])] {
        assert_eq!(changed(&server, &owner, variables).await, json!(["VIEWER"]));
    }
    let data = server.data(Some(&owner.access), CHANGE, change(&id, &[], &["VIEWER"])).await;
    assert_eq!(fault(&data["changeRoles"]), "NO_ROLE");
    let nobody = "usr_00000000000070008000000000000000";
    assert_eq!(refused(&server, &owner, change(nobody, &["VIEWER"], &[])).await, "NOT_FOUND");
    assert_eq!(server.changes().await, before);

    let elsewhere = server.second_organization().await;
    assert_eq!(refused(&server, &elsewhere, change(&id, &["OWNER"], &[])).await, "NOT_FOUND");
    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    server.data(Some(&owner.access), erase, json!({ "id": id })).await;
    assert_eq!(refused(&server, &owner, change(&id, &["OWNER"], &[])).await, "NOT_FOUND");
    assert!(server.verifier.verify(&vera.access).is_err());
    assert!(server.verifier.verify(&owner.access).is_ok());
}

#[tokio::test]
async fn an_integrator_sees_nobody_else() {
    let (server, owner) = Server::set_up().await;
    let (id, tokens) = person(&server, &owner, "scan@example.org", &["INTEGRATOR"]).await;
    let query = "{ me { id email } users { nodes { id } } }";
    let data = server.data(Some(&tokens.access), query, json!({})).await;
    assert_eq!(data["me"]["id"], json!(id));
    assert_eq!(data["users"]["nodes"], json!([{ "id": id }]));
    let other = json!({ "id": id_of(&server, &owner).await });
    assert_eq!(server.code(Some(&tokens.access), ROLES, other).await, "FORBIDDEN");
}
