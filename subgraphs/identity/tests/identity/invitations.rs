//! Invitations by mail: who comes of them, and who does not.

use serde_json::{Value, json};
use studio_kernel::Timestamp;
use studio_mail::{Mail, MailError};

use crate::support::{EMAIL, NO_MAIL, PASSWORD, Server, Tokens, fault, faults, holds};

const INVITE: &str = "mutation($input: InviteUserInput!) { inviteUser(input: $input) {
    invitation { id email roles state until expiresAt mailedAt project { id } invitedBy { email } user { id } }
    userErrors { code message path } } }";
const RESEND: &str = "mutation($input: ResendInvitationInput!) { resendInvitation(input: $input) {
    invitation { id state } userErrors { code message path } } }";
const REVOKE: &str = "mutation($input: RevokeInvitationInput!) { revokeInvitation(input: $input) {
    invitation { id state email } userErrors { code message path } } }";
const ACCEPT: &str = "mutation($input: AcceptInvitationInput!) { acceptInvitation(input: $input) {
    userErrors { code message path } } }";
const LIST: &str = "{ organization { invitations { nodes {
    id email state user { id name emailVerified roles projectRoles { role until project { id } } } } } } }";
const OTHER: &str = "grace@example.net";
const CHOSEN: &str = "two walnuts per tide";
const WEEK: i64 = 7 * 86_400 * 1_000_000;

async fn invite(server: &Server, by: &Tokens, email: &str, role: &str) -> Value {
    // Ids sort by the millisecond.
    server.clock.advance_micros(1_000);
    let input = json!({ "input": { "email": email, "roles": [role] } });
    server.data(Some(&by.access), INVITE, input).await["inviteUser"].clone()
}

/// Invites, which must work: the invitation and the token of its link, which is the mail of that number.
async fn invited(
    server: &Server,
    by: &Tokens,
    email: &str,
    role: &str,
    mail: usize,
) -> (String, String) {
    let payload = invite(server, by, email, role).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    let mails = server.mails.sent(mail).await;
    (payload["invitation"]["id"].as_str().unwrap().to_owned(), token(&mails[mail - 1]))
}

async fn accept(server: &Server, token: &str, password: &str) -> Value {
    let input = json!({ "token": token, "name": "Grace Hopper", "password": password });
    server.data(None, ACCEPT, json!({ "input": input })).await["acceptInvitation"].clone()
}

async fn about(server: &Server, by: &Tokens, text: &str, invitation: &str) -> Value {
    let input = json!({ "input": { "invitationId": invitation } });
    let data = server.data(Some(&by.access), text, input).await;
    data.as_object().unwrap().values().next().unwrap().clone()
}

async fn list(server: &Server, by: &Tokens) -> Vec<Value> {
    let data = server.data(Some(&by.access), LIST, json!({})).await;
    data["organization"]["invitations"]["nodes"].as_array().unwrap().clone()
}

/// The token in a mail.
fn token(mail: &Mail) -> String {
    let start = "http://127.0.0.1:4000/#invite=";
    mail.text.lines().find_map(|line| line.strip_prefix(start)).unwrap().to_owned()
}

/// Somebody with that role, signed in.
async fn member(server: &Server, owner: &Tokens, email: &str, role: &str) -> (String, Tokens) {
    let input =
        json!({ "name": "Somebody", "email": email, "password": PASSWORD, "roles": [role] });
    let payload = server
        .data(Some(&owner.access), crate::support::CREATE_USER, json!({ "input": input }))
        .await["createUser"]
        .clone();
    let id = payload["user"]["id"].as_str().unwrap().to_owned();
    (id, Tokens::of(&server.log_in(email, PASSWORD).await))
}

async fn change(server: &Server, by: &Tokens, user: &str, give: &[&str], take: &[&str]) {
    let text = "mutation($input: ChangeRolesInput!) { changeRoles(input: $input) {
        user { id } userErrors { code message path } } }";
    let input = json!({ "input": { "userId": user, "give": give, "take": take } });
    let data = server.data(Some(&by.access), text, input).await;
    assert_eq!(data["changeRoles"]["userErrors"], json!([]), "{data}");
}

#[tokio::test]
async fn whoever_reads_the_mail_becomes_a_person_with_a_password_of_their_own() {
    let (server, owner) = Server::set_up().await;
    let payload = invite(&server, &owner, " Grace@Example.NET ", "AUDITOR").await;
    let invitation = &payload["invitation"];
    assert_eq!(
        (&invitation["email"], &invitation["roles"]),
        (&json!("Grace@Example.NET"), &json!(["AUDITOR"]))
    );
    assert_eq!((&invitation["state"], &invitation["user"]), (&json!("OPEN"), &json!(null)));
    assert_eq!(invitation["invitedBy"]["email"], EMAIL);
    let mails = server.mails.sent(1).await;
    assert_eq!(mails[0].address, "Grace@Example.NET");
    assert!(!mails[0].text.contains("Analytical"), "nobody's words are in it");
    let token = token(&mails[0]);
    assert_eq!(fault(&server.log_in(OTHER, CHOSEN).await), "INVALID_CREDENTIALS", "not yet");

    // What will not do does not use the link up.
    for weak in ["short", "grace hopper grace"] {
        let refused = accept(&server, &token, weak).await;
        assert_eq!(faults(&refused), [("WEAK_PASSWORD".into(), "password".into())]);
    }
    let unnamed = json!({ "input": { "token": token, "name": " ", "password": CHOSEN } });
    let refused = server.data(None, ACCEPT, unnamed).await["acceptInvitation"].clone();
    assert_eq!(faults(&refused), [("INVALID_NAME".into(), "name".into())]);
    assert_eq!(accept(&server, &token, CHOSEN).await["userErrors"], json!([]));

    let grace = Tokens::of(&server.log_in(OTHER, CHOSEN).await);
    let me = "{ me { id name email emailVerified roles organization { name } } }";
    let me = server.data(Some(&grace.access), me, json!({})).await["me"].clone();
    assert_eq!((&me["name"], &me["emailVerified"]), (&json!("Grace Hopper"), &json!(true)));
    assert_eq!(
        (&me["roles"], &me["organization"]["name"]),
        (&json!(["AUDITOR"]), &json!("Analytical Engines"))
    );
    let listed = list(&server, &owner).await;
    assert_eq!((&listed[0]["state"], &listed[0]["user"]["id"]), (&json!("ACCEPTED"), &me["id"]));

    // It works once, in every process and after every start.
    assert_eq!(fault(&accept(&server, &token, "three walnuts per tide").await), "INVALID_TOKEN");
    let server = server.restart().await;
    assert_eq!(fault(&accept(&server, &token, "three walnuts per tide").await), "INVALID_TOKEN");
    Tokens::of(&server.log_in(OTHER, CHOSEN).await);
    for refused in [RESEND, REVOKE] {
        let id = listed[0]["id"].as_str().unwrap();
        assert_eq!(fault(&about(&server, &owner, refused, id).await), "ACCEPTED");
    }
    let bytes = server.bytes_at_rest();
    assert!(holds(&bytes, "identity.invitation.accepted"));
    assert!(!holds(&bytes, &token) && !holds(&bytes, "Grace@Example.NET"), "a hash, and sealed");
    server.store.rebuild("identity.invitations").await.unwrap();
    assert_eq!(list(&server, &owner).await, listed);
}

#[tokio::test]
async fn a_link_used_at_once_by_many_works_once() {
    let (server, owner) = Server::set_up().await;
    let (_, token) = invited(&server, &owner, OTHER, "VIEWER", 1).await;
    let beside = server.beside().await;
    let tries = (0..6).map(|n| {
        let (server, token) = (if n % 2 == 0 { &server } else { &beside }, &token);
        async move { accept(server, token, &format!("walnuts per tide number {n}")).await }
    });
    let told = futures::future::join_all(tries).await;
    let worked = told.iter().filter(|told| told["userErrors"] == json!([])).count();
    assert_eq!(worked, 1, "{told:?}");
    let mut others = told.iter().filter(|told| told["userErrors"] != json!([]));
    assert!(others.all(|told| fault(told) == "INVALID_TOKEN"), "{told:?}");
}

#[tokio::test]
async fn a_link_that_is_old_or_followed_or_taken_back_or_made_up_does_nothing() {
    let (server, owner) = Server::set_up().await;
    let (id, first) = invited(&server, &owner, OTHER, "VIEWER", 1).await;
    let again = about(&server, &owner, RESEND, &id).await;
    assert_eq!(again["userErrors"], json!([]));
    let second = token(&server.mails.sent(2).await[1]);
    let (taken_back, third) = invited(&server, &owner, "lin@example.net", "VIEWER", 3).await;
    let revoked = about(&server, &owner, REVOKE, &taken_back).await["invitation"].clone();
    assert_eq!((&revoked["state"], &revoked["email"]), (&json!("REVOKED"), &json!(null)));
    assert_eq!(about(&server, &owner, REVOKE, &taken_back).await["userErrors"], json!([]), "again");
    assert_eq!(fault(&about(&server, &owner, RESEND, &taken_back).await), "REVOKED");

    let mut mixed = third.clone().into_bytes();
    mixed[..64].copy_from_slice(&second.as_bytes()[..64]);
    let mixed = String::from_utf8(mixed).unwrap();
    let mut flipped = second.clone();
    flipped.replace_range(40..41, if &second[40..41] == "A" { "B" } else { "A" });
    // A link for another purpose, of somebody who is there.
    let ask = "mutation($input: RequestPasswordResetInput!) { requestPasswordReset(input: $input) {
        userErrors { code } } }";
    server.data(None, ask, json!({ "input": { "email": EMAIL } })).await;
    let mails = server.mails.sent(4).await;
    let reset = mails[3].text.lines().find_map(|line| line.split("/#reset=").nth(1)).unwrap();
    for wrong in
        ["", "x", &"A".repeat(107), &"x".repeat(100_000), &first, &third, &mixed, &flipped, reset]
    {
        let refused = accept(&server, wrong, CHOSEN).await;
        assert_eq!(faults(&refused), [("INVALID_TOKEN".into(), "token".into())], "{wrong}");
    }
    // And a link of an invitation opens nothing else.
    for (text, input) in [
        (
            "mutation($input: ResetPasswordInput!) { it: resetPassword(input: $input) { userErrors { code path } } }",
            json!({ "token": second, "newPassword": CHOSEN }),
        ),
        (
            "mutation($input: VerifyEmailInput!) { it: verifyEmail(input: $input) { userErrors { code path } } }",
            json!({ "token": second }),
        ),
    ] {
        let told = server.data(None, text, json!({ "input": input })).await["it"].clone();
        assert_eq!(fault(&told), "INVALID_TOKEN");
    }
    server.clock.advance_micros(WEEK);
    assert_eq!(fault(&accept(&server, &second, CHOSEN).await), "INVALID_TOKEN");
    let owner = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    let listed = list(&server, &owner).await;
    let states: Vec<_> = listed.iter().map(|it| it["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["REVOKED", "EXPIRED"]);
    // One that is too old gets another link.
    assert_eq!(about(&server, &owner, RESEND, &id).await["invitation"]["state"], "OPEN");
    let fresh = token(&server.mails.sent(5).await[4]);
    assert_eq!(accept(&server, &fresh, CHOSEN).await["userErrors"], json!([]));
}

#[tokio::test]
async fn an_invitation_outlives_no_role() {
    let (server, owner) = Server::set_up().await;
    let (admin_id, admin) = member(&server, &owner, "admin@example.org", "ADMIN").await;
    let (second_id, second) = member(&server, &owner, "second@example.org", "OWNER").await;
    // Nobody invites above their own rank, sends such a link again or takes it back.
    let text = json!({ "input": { "email": OTHER, "roles": ["OWNER"] } });
    assert_eq!(server.code(Some(&admin.access), INVITE, text).await, "FORBIDDEN");
    let (of_owners, as_owner) = invited(&server, &second, OTHER, "OWNER", 1).await;
    for text in [RESEND, REVOKE] {
        let input = json!({ "input": { "invitationId": of_owners } });
        assert_eq!(server.code(Some(&admin.access), text, input).await, "FORBIDDEN");
    }
    let (_, as_admin) = invited(&server, &admin, "lin@example.net", "ADMIN", 2).await;
    let (_, as_viewer) = invited(&server, &admin, "tim@example.net", "VIEWER", 3).await;

    // The owner is made an admin meanwhile, and the admin a viewer: neither makes anybody any more.
    change(&server, &owner, &second_id, &["ADMIN"], &["OWNER"]).await;
    change(&server, &owner, &admin_id, &["VIEWER"], &["ADMIN"]).await;
    for token in [&as_owner, &as_admin, &as_viewer] {
        let refused = accept(&server, token, CHOSEN).await;
        assert_eq!(faults(&refused), [("INVALID_TOKEN".into(), "token".into())]);
    }
    let people = server.data(Some(&owner.access), "{ users { nodes { id } } }", json!({})).await;
    assert_eq!(people["users"]["nodes"].as_array().unwrap().len(), 3, "nobody came of it");
    // Whoever may sends it again, and answers for it from then on.
    assert_eq!(about(&server, &owner, RESEND, &of_owners).await["userErrors"], json!([]));
    let again = token(&server.mails.sent(4).await[3]);
    assert_eq!(accept(&server, &again, CHOSEN).await["userErrors"], json!([]));
    // What an admin may still give counts, also where they lost more than that and got it back.
    change(&server, &owner, &admin_id, &["ADMIN"], &["VIEWER"]).await;
    assert_eq!(accept(&server, &as_viewer, CHOSEN).await["userErrors"], json!([]));
    // Of somebody who was erased nothing comes.
    let erase =
        "mutation($input: EraseUserInput!) { eraseUser(input: $input) { userErrors { code } } }";
    server.data(Some(&owner.access), erase, json!({ "input": { "userId": admin_id } })).await;
    assert_eq!(fault(&accept(&server, &as_admin, CHOSEN).await), "INVALID_TOKEN");
}

#[tokio::test]
async fn who_may_not_run_the_organization_neither_invites_nor_sees_it() {
    let (server, owner) = Server::set_up().await;
    let (id, _) = invited(&server, &owner, OTHER, "VIEWER", 1).await;
    let elsewhere = server.second_organization().await;
    for role in ["COMPLIANCE_MANAGER", "AUDITOR", "VIEWER", "INTEGRATOR"] {
        let email = format!("{}@example.org", role.to_lowercase());
        let (_, tokens) = member(&server, &owner, &email, role).await;
        let input = json!({ "input": { "email": "x@example.net", "roles": ["VIEWER"] } });
        assert_eq!(server.code(Some(&tokens.access), INVITE, input).await, "FORBIDDEN", "{role}");
        assert_eq!(server.code(Some(&tokens.access), LIST, json!({})).await, "FORBIDDEN", "{role}");
    }
    for text in [RESEND, REVOKE] {
        let input = json!({ "input": { "invitationId": id } });
        assert_eq!(server.code(Some(&elsewhere.access), text, input.clone()).await, "NOT_FOUND");
        assert_eq!(server.code(None, text, input).await, "UNAUTHENTICATED");
    }
    assert!(list(&server, &elsewhere).await.is_empty());
    // A program with all that its person may do invites nobody.
    let key = "mutation { createApiKey(input: { name: \"all\", scopes: [\"*:*:*\"] }) { secret } }";
    let key = server.data(Some(&owner.access), key, json!({})).await;
    let input = json!({ "input": { "email": "x@example.net", "roles": ["VIEWER"] } });
    let secret = key["createApiKey"]["secret"].as_str().unwrap();
    assert_eq!(server.code(Some(secret), INVITE, input).await, "FORBIDDEN");
}

#[tokio::test]
async fn nobody_learns_of_accounts_in_other_organizations() {
    let (server, owner) = Server::set_up().await;
    let elsewhere = server.second_organization().await;
    // Known here: a clear word. Known elsewhere and unknown: the same.
    assert_eq!(
        faults(&invite(&server, &owner, "ADA@example.org", "VIEWER").await),
        [("EMAIL_TAKEN".into(), "email".into())]
    );
    let known = invite(&server, &owner, "luigi@example.net", "VIEWER").await;
    let unknown = invite(&server, &owner, OTHER, "VIEWER").await;
    let alike = |payload: &Value| {
        let it = &payload["invitation"];
        json!([it["state"], it["roles"], it["mailedAt"], payload["userErrors"]])
    };
    assert_eq!(alike(&known), alike(&unknown));
    let mails = server.mails.sent(2).await;
    assert_eq!(mails[0].text.len(), mails[1].text.len());
    assert_eq!(
        fault(&invite(&server, &owner, "Luigi@example.net", "ADMIN").await),
        "ALREADY_INVITED"
    );
    // Whoever reads the mail of the address learns that it signs in somewhere, and nothing changes.
    assert_eq!(fault(&accept(&server, &token(&mails[0]), CHOSEN).await), "EMAIL_TAKEN");
    Tokens::of(&server.log_in("luigi@example.net", PASSWORD).await);
    let states: Vec<_> = list(&server, &owner).await.iter().map(|it| it["state"].clone()).collect();
    assert_eq!(states, ["OPEN", "OPEN"]);
    // Of the other organization's invitations nothing shows either.
    assert_eq!(invite(&server, &elsewhere, OTHER, "VIEWER").await["userErrors"], json!([]));
    let theirs = token(&server.mails.sent(3).await[2]);
    assert_eq!(accept(&server, &theirs, CHOSEN).await["userErrors"], json!([]));
    assert_eq!(fault(&accept(&server, &token(&mails[1]), CHOSEN).await), "EMAIL_TAKEN");
}

#[tokio::test]
async fn what_is_offered_is_what_counts() {
    let (server, owner) = Server::set_up().await;
    let project = "prj_00000000000070008000000000000001";
    let until = "2026-03-05T09:00:00Z";
    let wrong = [
        (json!({ "email": OTHER, "roles": [] }), "NO_ROLE", "roles"),
        (json!({ "email": "nothing", "roles": ["VIEWER"] }), "INVALID_EMAIL", "email"),
        (
            json!({ "email": OTHER, "roles": ["ADMIN"], "projectId": project }),
            "NOT_FOR_A_PROJECT",
            "roles",
        ),
        (
            json!({ "email": OTHER, "roles": ["OWNER"], "until": until }),
            "NO_OWNER_FOR_A_TIME",
            "roles",
        ),
        (
            json!({ "email": OTHER, "roles": ["VIEWER"], "until": "2026-03-01T09:00:00Z" }),
            "INVALID_UNTIL",
            "until",
        ),
        (
            json!({ "email": OTHER, "roles": ["VIEWER"], "until": "2027-04-01T09:00:00Z" }),
            "INVALID_UNTIL",
            "until",
        ),
    ];
    for (input, code, field) in wrong {
        let told = server.data(Some(&owner.access), INVITE, json!({ "input": input })).await;
        assert_eq!(faults(&told["inviteUser"]), [(code.into(), field.into())], "{told}");
    }
    let input = json!({ "email": OTHER, "roles": ["AUDITOR", "AUDITOR"], "projectId": project, "until": until });
    let told = server.data(Some(&owner.access), INVITE, json!({ "input": input })).await;
    assert_eq!(told["inviteUser"]["invitation"]["project"]["id"], project);
    let link = token(&server.mails.sent(1).await[0]);
    let beside = server.beside().await;
    assert_eq!(accept(&beside, &link, CHOSEN).await["userErrors"], json!([]));
    // It counts at once, in the process that made the person too.
    let grace = Tokens::of(&beside.log_in(OTHER, CHOSEN).await);
    let actor = beside.verifier.verify(&grace.access).unwrap();
    assert_eq!((actor.roles.len(), actor.projects.len()), (0, 1));
    assert_eq!(server.heard_of(&grace).await, actor);
    let listed = list(&server, &owner).await;
    let role = json!([{ "role": "AUDITOR", "until": "2026-03-05T09:00:00+00:00", "project": { "id": project } }]);
    assert_eq!(listed[0]["user"]["projectRoles"], role);
    let end = until.parse::<Timestamp>().unwrap().micros();
    server.clock.advance_micros(end - server.env.now().micros());
    assert!(!beside.verifier.still_valid(&actor));
    assert!(beside.verifier.now(actor).unwrap().projects.is_empty());

    // An offer that has ended is no offer, though its link is young.
    let owner = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    let input =
        json!({ "email": "lin@example.net", "roles": ["VIEWER"], "until": "2026-03-06T09:00:00Z" });
    let told = server.data(Some(&owner.access), INVITE, json!({ "input": input })).await;
    let id = told["inviteUser"]["invitation"]["id"].as_str().unwrap().to_owned();
    let link = token(&server.mails.sent(2).await[1]);
    server.clock.advance_micros(86_400 * 1_000_000);
    assert_eq!(fault(&accept(&server, &link, CHOSEN).await), "INVALID_TOKEN");
    let owner = Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    assert_eq!(fault(&about(&server, &owner, RESEND, &id).await), "OFFER_OVER");
    assert_eq!(list(&server, &owner).await[0]["state"], "EXPIRED");
}

#[tokio::test]
async fn mails_wait_for_their_server_and_come_in_measure() {
    let (server, owner) = Server::set_up().await;
    server.mails.refuse_next(MailError::Unavailable("away".to_owned()));
    let (id, _) = invited(&server, &owner, OTHER, "VIEWER", 1).await;
    for mail in 2..=4 {
        assert_eq!(about(&server, &owner, RESEND, &id).await["userErrors"], json!([]));
        server.mails.sent(mail).await;
    }
    let input = json!({ "input": { "invitationId": id } });
    assert_eq!(server.code(Some(&owner.access), RESEND, input).await, "RATE_LIMITED");
    // Taken back before the mail is out, it is not sent.
    server.mails.refuse_next(MailError::Unavailable("away".to_owned()));
    let payload = invite(&server, &owner, "lin@example.net", "VIEWER").await;
    let id = payload["invitation"]["id"].as_str().unwrap().to_owned();
    about(&server, &owner, REVOKE, &id).await;
    invited(&server, &owner, "tim@example.net", "VIEWER", server.mails.count() + 1).await;

    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join(NO_MAIL), "").unwrap();
    let clock = studio_kernel::ManualClock::at("2026-03-01T09:00:00Z".parse().unwrap());
    let server = Server::resume(folder, clock).await;
    let owner = Tokens::of(&server.set_up_with(&server.identity.setup_token().unwrap()).await);
    let told = invite(&server, &owner, OTHER, "VIEWER").await;
    assert_eq!(faults(&told), [("MAIL_IS_OFF".into(), "email".into())]);
    assert!(told["userErrors"][0]["message"].as_str().unwrap().contains("createUser"), "{told}");
}

/// What is known of an address that was invited goes with the invitation, or with the person.
#[tokio::test]
async fn an_address_is_erased_with_the_invitation() {
    let (server, owner) = Server::set_up().await;
    let (id, _) = invited(&server, &owner, OTHER, "VIEWER", 1).await;
    assert_eq!(list(&server, &owner).await[0]["email"], OTHER);
    about(&server, &owner, REVOKE, &id).await;
    let server = server.restart().await;
    server.store.rebuild("identity.invitations").await.unwrap();
    assert_eq!(list(&server, &owner).await[0]["email"], json!(null));
    // It may be invited anew, and is somebody else then.
    let (_, token) = invited(&server, &owner, OTHER, "VIEWER", 1).await;
    assert_eq!(accept(&server, &token, CHOSEN).await["userErrors"], json!([]));
    let listed = list(&server, &owner).await;
    let user = listed[0]["user"]["id"].clone();
    let erase =
        "mutation($input: EraseUserInput!) { eraseUser(input: $input) { userErrors { code } } }";
    server.data(Some(&owner.access), erase, json!({ "input": { "userId": user } })).await;
    assert_eq!(list(&server, &owner).await[0]["email"], json!(null));
    server.store.verify().await.unwrap();
}
