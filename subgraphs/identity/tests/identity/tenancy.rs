//! One organization never sees another, and a stranger sees nothing.

use serde_json::{Value, json};

use crate::support::Server;

const IDS: &str = "{ organization { id } me { id sessions { nodes { id } } } }";

#[tokio::test]
async fn nothing_of_another_organization_can_be_reached() {
    let (server, ada) = Server::set_up().await;
    let luigi = server.second_organization().await;
    let of_luigi = server.data(Some(&luigi.access), IDS, json!({})).await;
    let of_ada = server.data(Some(&ada.access), IDS, json!({})).await;
    assert_ne!(of_ada["organization"]["id"], of_luigi["organization"]["id"]);
    let session = &of_luigi["me"]["sessions"]["nodes"][0]["id"];

    // As references from other subgraphs, mixed with one's own.
    let query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename
        ... on Organization { name } ... on User { name email } ... on Session { createdAt } } }";
    let references = json!({ "r": [
        { "__typename": "User", "id": of_luigi["me"]["id"] },
        { "__typename": "User", "id": of_ada["me"]["id"] },
        { "__typename": "Organization", "id": of_luigi["organization"]["id"] },
        { "__typename": "Organization", "id": of_ada["organization"]["id"] },
        { "__typename": "Session", "id": session },
    ] });
    let data = server.data(Some(&ada.access), query, references).await;
    let entities = data["_entities"].as_array().unwrap();
    assert_eq!(entities[0], Value::Null);
    assert_eq!(entities[1]["name"], "Ada Lovelace");
    assert_eq!(entities[2], Value::Null);
    assert_eq!(entities[3]["name"], "Analytical Engines");
    assert_eq!(entities[4], Value::Null);

    let user = "query($id: ID!) { user(id: $id) { name } }";
    let data = server.data(Some(&ada.access), user, json!({ "id": of_luigi["me"]["id"] })).await;
    assert_eq!(data["user"], Value::Null);
    let data = server.data(Some(&ada.access), "{ users { nodes { name } } }", json!({})).await;
    assert_eq!(data["users"]["nodes"], json!([{ "name": "Ada Lovelace" }]));

    let before = server.changes().await;
    let revoke = "mutation($id: ID!) { revokeSession(input: { sessionId: $id }) {
        userErrors { code } } }";
    assert_eq!(server.code(Some(&ada.access), revoke, json!({ "id": session })).await, "NOT_FOUND");
    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    let id = json!({ "id": of_luigi["me"]["id"] });
    assert_eq!(server.code(Some(&ada.access), erase, id).await, "NOT_FOUND");
    assert_eq!(server.changes().await, before);
    assert!(server.verifier.verify(&luigi.access).is_ok());
}

#[tokio::test]
async fn an_id_that_exists_elsewhere_reads_like_one_that_does_not_exist() {
    let (server, ada) = Server::set_up().await;
    let luigi = server.second_organization().await;
    let of_luigi = server.data(Some(&luigi.access), IDS, json!({})).await;
    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    let elsewhere = of_luigi["me"]["id"].as_str().unwrap();
    let nowhere = "usr_00000000000070008000000000000001";
    let message = async |id: &str| {
        let answer = server.ask(Some(&ada.access), erase, json!({ "id": id })).await;
        answer["errors"][0]["message"].as_str().unwrap().replace(id, "ID")
    };
    assert_eq!(message(elsewhere).await, message(nowhere).await);
}

/// Every field of the roots, and what a stranger gets.
const AS_A_STRANGER: &[(&str, &str)] = &[
    ("auditEntries", "{ auditEntries { nodes { id } } }"),
    ("me", "{ me { id } }"),
    ("organization", "{ organization { id } }"),
    ("user", "{ user(id: \"usr_00000000000070008000000000000001\") { id } }"),
    ("users", "{ users { nodes { id } } }"),
    (
        "createUser",
        "mutation { createUser(input: { name: \"a\", email: \"a@b\",
        password: \"a long password\", roles: [OWNER] }) { userErrors { code } } }",
    ),
    ("endOtherSessions", "mutation { endOtherSessions { ended } }"),
    (
        "eraseUser",
        "mutation { eraseUser(input: { userId:
        \"usr_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
    (
        "changePassword",
        "mutation { changePassword(input: { currentPassword: \"a\", newPassword: \"b\" }) {
        userErrors { code } } }",
    ),
    ("beginTotp", "mutation { beginTotp(input: { password: \"a\" }) { secret } }"),
    ("confirmTotp", "mutation { confirmTotp(input: { code: \"a\" }) { recoveryCodes } }"),
    (
        "renewRecoveryCodes",
        "mutation { renewRecoveryCodes(input: { password: \"a\", code: \"b\" }) { recoveryCodes } }",
    ),
    (
        "removeTotp",
        "mutation { removeTotp(input: { password: \"a\", code: \"b\" }) { userErrors { code } } }",
    ),
    ("requestEmailVerification", "mutation { requestEmailVerification { userErrors { code } } }"),
    ("logOut", "mutation { logOut { userErrors { code } } }"),
    (
        "changeRoles",
        "mutation { changeRoles(input: { userId: \"usr_00000000000070008000000000000001\",
        give: [OWNER] }) { userErrors { code } } }",
    ),
    (
        "beginPasskeyRegistration",
        "mutation { beginPasskeyRegistration(input: { password: \"x\" }) { userErrors { code } } }",
    ),
    (
        "confirmPasskeyRegistration",
        "mutation { confirmPasskeyRegistration(input: { passkey: \"{}\", name: \"x\" }) {
        userErrors { code } } }",
    ),
    (
        "removePasskey",
        "mutation { removePasskey(input: { passkeyId:
        \"psk_00000000000070008000000000000001\", password: \"x\" }) { userErrors { code } } }",
    ),
    (
        "grantAccess",
        "mutation { grantAccess(input: { userId: \"usr_00000000000070008000000000000001\",
        role: ADMIN, until: \"2026-04-01T00:00:00Z\" }) { userErrors { code } } }",
    ),
    ("team", "{ team(id: \"tea_00000000000070008000000000000001\") { id } }"),
    ("createTeam", "mutation { createTeam(input: { name: \"x\" }) { userErrors { code } } }"),
    (
        "renameTeam",
        "mutation { renameTeam(input: { teamId: \"tea_00000000000070008000000000000001\",
        expectedVersion: 1, name: \"x\" }) { userErrors { code } } }",
    ),
    (
        "changeTeamMembers",
        "mutation { changeTeamMembers(input: { teamId: \"tea_00000000000070008000000000000001\",
        add: [\"usr_00000000000070008000000000000001\"] }) { userErrors { code } } }",
    ),
    (
        "changeTeamRoles",
        "mutation { changeTeamRoles(input: { teamId: \"tea_00000000000070008000000000000001\",
        give: [ADMIN] }) { userErrors { code } } }",
    ),
    (
        "deleteTeam",
        "mutation { deleteTeam(input: { teamId: \"tea_00000000000070008000000000000001\",
        expectedVersion: 1 }) { userErrors { code } } }",
    ),
    ("accessReviews", "{ accessReviews { nodes { id } } }"),
    ("accessReview", "{ accessReview(id: \"arv_00000000000070008000000000000001\") { id } }"),
    (
        "startAccessReview",
        "mutation { startAccessReview(input: { title: \"x\" }) { userErrors { code } } }",
    ),
    (
        "decideAccess",
        "mutation { decideAccess(input: { reviewId: \"arv_00000000000070008000000000000001\",
        userId: \"usr_00000000000070008000000000000001\", role: ADMIN, decision: CONFIRM }) {
        userErrors { code } } }",
    ),
    (
        "completeAccessReview",
        "mutation { completeAccessReview(input: { reviewId:
        \"arv_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
    ("policyDecision", "{ policyDecision(action: \"controls:control:read\") { allow } }"),
    (
        "createApiKey",
        "mutation { createApiKey(input: { name: \"CI\", scopes: [\"*:*:*\"] }) { secret } }",
    ),
    (
        "createOAuthClient",
        "mutation { createOAuthClient(input: { name: \"CI\", roles: [VIEWER], scopes: [\"*:*:*\"] }) {
        secret } }",
    ),
    (
        "revokeOAuthClient",
        "mutation { revokeOAuthClient(input: { clientId:
        \"cli_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
    (
        "connectDirectory",
        "mutation { connectDirectory(input: { name: \"Okta\", emailDomains: [\"example.org\"] }) { token } }",
    ),
    (
        "updateDirectory",
        "mutation { updateDirectory(input: { directoryId: \"dir_00000000000070008000000000000001\",
        expectedVersion: 1, name: \"x\" }) { userErrors { code } } }",
    ),
    (
        "disconnectDirectory",
        "mutation { disconnectDirectory(input: { directoryId:
        \"dir_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
    (
        "reactivateUser",
        "mutation { reactivateUser(input: { userId:
        \"usr_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
    (
        "allowApp",
        "mutation { allowApp(input: { request: \"x\", consent: true }) { userErrors { code } } }",
    ),
    (
        "revokeApp",
        "mutation { revokeApp(input: { clientId: \"cli_00000000000070008000000000000001\" }) {
        userErrors { code } } }",
    ),
    (
        "revokeApiKey",
        "mutation { revokeApiKey(input: { apiKeyId:
        \"key_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
    (
        "inviteUser",
        "mutation { inviteUser(input: { email: \"eve@example.net\", roles: [OWNER] }) {
        userErrors { code } } }",
    ),
    (
        "resendInvitation",
        "mutation { resendInvitation(input: { invitationId:
        \"inv_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
    (
        "revokeInvitation",
        "mutation { revokeInvitation(input: { invitationId:
        \"inv_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
    (
        "revokeSession",
        "mutation { revokeSession(input: { sessionId:
        \"ses_00000000000070008000000000000001\" }) { userErrors { code } } }",
    ),
];
/// What makes somebody an actor, and what federation adds.
const OPEN: &[&str] = &[
    "logIn",
    "completeLogIn",
    "beginPasskeyLogIn",
    "completePasskeyLogIn",
    "requestPasswordReset",
    "resetPassword",
    "verifyEmail",
    "acceptInvitation",
    "signInOptions",
    "refresh",
    "setUp",
    "setUpState",
    "appRequest",
    "declineApp",
    "_service",
    "_entities",
];

#[tokio::test]
async fn a_stranger_gets_nothing() {
    let (server, _) = Server::set_up().await;
    let query = "{ __schema { queryType { fields { name } } mutationType { fields { name } } } }";
    let data = server.data(None, query, json!({})).await;
    let mut fields: Vec<&str> = ["queryType", "mutationType"]
        .iter()
        .flat_map(|root| data["__schema"][root]["fields"].as_array().unwrap())
        .map(|field| field["name"].as_str().unwrap())
        .filter(|name| !OPEN.contains(name))
        .collect();
    fields.sort_unstable();
    let mut listed: Vec<&str> = AS_A_STRANGER.iter().map(|(name, _)| *name).collect();
    listed.sort_unstable();
    assert_eq!(fields, listed, "every root field must be tried as a stranger");
    for (name, query) in AS_A_STRANGER {
        assert_eq!(server.code(None, query, json!({})).await, "UNAUTHENTICATED", "{name}");
    }
    for kind in ["User", "Organization", "Session", "ApiKey"] {
        let id = format!(
            "{}_00000000000070008000000000000001",
            match kind {
                "User" => "usr",
                "Organization" => "org",
                "ApiKey" => "key",
                _ => "ses",
            }
        );
        let query = "query($r: [_Any!]!) { _entities(representations: $r) { __typename } }";
        let references = json!({ "r": [{ "__typename": kind, "id": id }] });
        assert_eq!(server.code(None, query, references).await, "UNAUTHENTICATED", "{kind}");
    }
}
