//! Asking what the policies decide.

use serde_json::{Value, json};

use crate::support::{PASSWORD, Server, Tokens};

const ASK: &str = "query($user: ID, $action: String!, $resource: PolicyResourceInput) {
    policyDecision(userId: $user, action: $action, resource: $resource, explain: true) {
        action allow scope reason votes { grants scope reason } } }";
const SHORT: &str = "query($user: ID) {
    policyDecision(userId: $user, action: \"controls:control:read\") { allow scope votes { grants } } }";

async fn ask(server: &Server, by: &Tokens, variables: Value) -> Value {
    server.data(Some(&by.access), ASK, variables).await["policyDecision"].clone()
}

#[tokio::test]
async fn everybody_learns_what_they_may_do() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    let refused = ask(&server, &viewer, json!({ "action": "controls:control:update" })).await;
    assert_eq!(
        refused,
        json!({ "action": "controls:control:update", "allow": false, "scope": null,
            "reason": "no rule allows it", "votes": [] })
    );
    let own = json!({ "kind": "Session", "ownership": "OWN" });
    let sessions = json!({ "action": "identity:session:revoke", "resource": own });
    let allowed = ask(&server, &viewer, sessions.clone()).await;
    assert_eq!((&allowed["allow"], &allowed["scope"]), (&json!(true), &json!("OWN")));
    assert_eq!(allowed["votes"].as_array().unwrap().len(), 1, "{allowed}");
    // By the id as much, and without votes where they are not asked for.
    let data = server.data(Some(&viewer.access), SHORT, json!({ "user": id })).await;
    assert_eq!(
        data["policyDecision"],
        json!({ "allow": true, "scope": "ORGANIZATION", "votes": [] })
    );
    let unknown = ask(&server, &viewer, json!({ "action": "everything" })).await;
    assert_eq!(unknown["reason"], "the action is unknown");
}

#[tokio::test]
async fn an_owner_learns_it_of_anybody_and_others_do_not() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    let me = server.data(Some(&owner.access), "{ me { id } }", json!({})).await;
    let about = |user: &Value, action: &str| {
        let attributes = json!([{ "name": "rank", "value": "owner" }]);
        let resource = json!({ "kind": "User", "ownership": "OTHERS", "attributes": attributes });
        json!({ "user": user, "action": action, "resource": resource })
    };
    let user = json!(id);
    let told = ask(&server, &owner, about(&user, "identity:user:update")).await;
    assert_eq!(told["votes"][0]["grants"], false, "{told}");
    // Their roles as they are by now, whatever their tokens say.
    let change = "mutation($id: ID!) { changeRoles(input: { userId: $id, give: [OWNER] }) {
        userErrors { code } } }";
    server.data(Some(&owner.access), change, json!({ "id": id })).await;
    let told = ask(&server, &owner, about(&user, "identity:user:update")).await;
    assert_eq!((&told["allow"], &told["scope"]), (&json!(true), &json!("ORGANIZATION")));

    server.create_user(&owner, "Vera", "vera@example.org").await;
    let vera = Tokens::of(&server.log_in("vera@example.org", PASSWORD).await);
    let others = about(&me["me"]["id"], "identity:user:read");
    assert_eq!(server.code(Some(&vera.access), ASK, others).await, "FORBIDDEN");
    let elsewhere = server.second_organization().await;
    let abroad = about(&user, "identity:user:read");
    assert_eq!(server.code(Some(&elsewhere.access), ASK, abroad).await, "NOT_FOUND");
    let nobody = about(&json!("usr_00000000000070008000000000000000"), "identity:user:read");
    assert_eq!(server.code(Some(&owner.access), ASK, nobody).await, "NOT_FOUND");
    assert!(server.verifier.verify(&viewer.access).is_ok());
}

#[tokio::test]
async fn a_question_has_limits() {
    let (server, owner) = Server::set_up().await;
    let attribute = |n: usize| json!({ "name": format!("a{n}"), "value": "x" });
    let many: Vec<_> = (0..17).map(attribute).collect();
    let long = "x".repeat(201);
    for asked in [
        json!({ "action": "a:b:read", "resource": { "attributes": many } }),
        json!({ "action": long }),
        json!({ "action": "a:b:read", "resource": { "kind": long } }),
        json!({ "action": "a:b:read", "user": "usr_1" }),
    ] {
        assert_eq!(server.code(Some(&owner.access), ASK, asked).await, "BAD_REQUEST");
    }
}
