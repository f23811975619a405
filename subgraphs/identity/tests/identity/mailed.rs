//! Links in mails: another password, and whose an address is.

use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use studio_identity::TokenError;
use studio_kernel::Origin;
use studio_mail::{Mail, MailError};

use crate::support::{EMAIL, NO_MAIL, PASSWORD, Server, Tokens, fault, faults, holds};

const ASK: &str = "mutation($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) { userErrors { code message path } } }";
const RESET: &str = "mutation($input: ResetPasswordInput!) { resetPassword(input: $input) {
    userErrors { code message path } } }";
const ASK_TO_VERIFY: &str = "mutation { requestEmailVerification {
    userErrors { code message path } } }";
const VERIFY: &str = "mutation($input: VerifyEmailInput!) { verifyEmail(input: $input) {
    userErrors { code message path } } }";
const VERIFIED: &str = "{ me { emailVerified } }";
const NEW: &str = "two walnuts per tide";

async fn ask(server: &Server, email: &str) -> Value {
    let data = server.data(None, ASK, json!({ "input": { "email": email } })).await;
    data["requestPasswordReset"].clone()
}

async fn reset(server: &Server, token: &str, new: &str) -> Value {
    let input = json!({ "token": token, "newPassword": new });
    server.data(None, RESET, json!({ "input": input })).await["resetPassword"].clone()
}

async fn verify(server: &Server, token: &str) -> Value {
    let input = json!({ "input": { "token": token } });
    server.data(None, VERIFY, input).await["verifyEmail"].clone()
}

async fn ask_to_verify(server: &Server, tokens: &Tokens) -> Value {
    let data = server.data(Some(&tokens.access), ASK_TO_VERIFY, json!({})).await;
    data["requestEmailVerification"].clone()
}

/// The token in a mail.
fn token(mail: &Mail, name: &str) -> String {
    let start = format!("/#{name}=");
    let line = mail.text.lines().find(|line| line.contains(&start)).unwrap();
    assert!(line.starts_with("http://127.0.0.1:4000/#"), "{line}");
    line.split(&start).nth(1).unwrap().to_owned()
}

#[tokio::test]
async fn a_link_gives_another_password_once_and_ends_every_session() {
    let (server, tokens) = Server::set_up().await;
    let (_, viewer) = server.viewer(&tokens).await;
    assert_eq!(ask(&server, "  ADA@example.ORG ").await["userErrors"], json!([]));
    let mails = server.mails.sent(1).await;
    assert_eq!(mails[0].address, EMAIL);
    assert_eq!(mails[0].name.as_deref(), Some("Ada Lovelace"));
    assert!(mails[0].id.starts_with("evt_"), "the id is made from the event's");
    let token = token(&mails[0], "reset");

    // A password that will not do does not use the link up.
    for weak in ["too short", "lovelace lovelace"] {
        let refused = reset(&server, &token, weak).await;
        assert_eq!(faults(&refused), [("WEAK_PASSWORD".into(), "newPassword".into())]);
    }
    assert!(server.verifier.verify(&tokens.access).is_ok(), "and ends no session");
    assert_eq!(reset(&server, &token, NEW).await["userErrors"], json!([]));
    assert_eq!(server.verifier.verify(&tokens.access), Err(TokenError::SessionOver));
    assert_eq!(fault(&server.refresh(&tokens.refresh).await), "INVALID_REFRESH_TOKEN");
    assert!(server.verifier.verify(&viewer.access).is_ok(), "those of others go on");
    assert_eq!(fault(&server.log_in(EMAIL, PASSWORD).await), "INVALID_CREDENTIALS");
    let tokens = Tokens::of(&server.log_in(EMAIL, NEW).await);
    let me = server.data(Some(&tokens.access), VERIFIED, json!({})).await;
    assert_eq!(me["me"]["emailVerified"], true, "who reads the mail has the address");

    assert_eq!(fault(&reset(&server, &token, "three walnuts per tide").await), "INVALID_TOKEN");
    let server = server.restart().await;
    assert_eq!(fault(&reset(&server, &token, "three walnuts per tide").await), "INVALID_TOKEN");
    Tokens::of(&server.log_in(EMAIL, NEW).await);
    let bytes = server.bytes_at_rest();
    assert!(holds(&bytes, "identity.user.password_reset_used"));
    assert!(!holds(&bytes, &token), "only its hash is kept");
}

#[tokio::test]
async fn nobody_learns_whether_there_is_an_account() {
    let (server, _) = Server::set_up().await;
    let unknown = ask(&server, "nobody@example.org").await;
    assert_eq!(ask(&server, EMAIL).await, unknown);
    server.mails.sent(1).await;
    // Both have to wait after the same number of mails, in the same words.
    let mut told = Vec::new();
    for email in ["nobody@example.org", EMAIL] {
        for sent in 2..=3 {
            assert_eq!(ask(&server, email).await, unknown);
            if email == EMAIL {
                server.mails.sent(sent).await;
            }
        }
        let answer = server.ask(None, ASK, json!({ "input": { "email": email } })).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], "RATE_LIMITED");
        told.push(answer["errors"][0]["message"].clone());
    }
    assert_eq!(told[0], told[1]);
    assert!(server.mails.sent(3).await.iter().all(|mail| mail.address == EMAIL));
    for odd in ["", "x", "a@b@c", "ada@example.org\r\nBcc: eve@example.net"] {
        assert_eq!(faults(&ask(&server, odd).await), [("INVALID_EMAIL".into(), "email".into())]);
    }
    // After a while it may be asked for again.
    server.clock.advance_micros(600_000_000);
    assert_eq!(ask(&server, EMAIL).await, unknown);
    server.mails.sent(4).await;
}

#[tokio::test]
async fn a_link_that_is_old_or_followed_by_another_or_made_up_does_nothing() {
    let (server, owner) = Server::set_up().await;
    server.viewer(&owner).await;
    ask(&server, EMAIL).await;
    let first = token(&server.mails.sent(1).await[0], "reset");
    ask(&server, EMAIL).await;
    let second = token(&server.mails.sent(2).await[1], "reset");
    assert_ne!(first, second);
    ask(&server, "charles@example.org").await;
    let charles = token(&server.mails.sent(3).await[2], "reset");

    // Of another person: neither the whole nor a part of it opens somebody else's account.
    let mut mixed = charles.clone().into_bytes();
    mixed[..64].copy_from_slice(&second.as_bytes()[..64]);
    let mixed = String::from_utf8(mixed).unwrap();
    let mut flipped = second.clone();
    flipped.replace_range(40..41, if &second[40..41] == "A" { "B" } else { "A" });
    for wrong in ["", "x", &"A".repeat(107), &"x".repeat(100_000), &first, &mixed, &flipped] {
        let refused = reset(&server, wrong, NEW).await;
        assert_eq!(faults(&refused), [("INVALID_TOKEN".into(), "token".into())]);
        assert_eq!(fault(&verify(&server, wrong).await), "INVALID_TOKEN");
    }
    // A link for the one thing does not do the other.
    assert_eq!(fault(&verify(&server, &second).await), "INVALID_TOKEN");
    assert!(server.verifier.verify(&owner.access).is_ok());
    assert_eq!(reset(&server, &charles, NEW).await["userErrors"], json!([]));
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);

    server.clock.advance_micros(30 * 60 * 1_000_000);
    assert_eq!(fault(&reset(&server, &second, NEW).await), "INVALID_TOKEN");
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
}

#[tokio::test]
async fn a_link_used_twice_at_once_works_once() {
    let (server, _) = Server::set_up().await;
    ask(&server, EMAIL).await;
    let token = token(&server.mails.sent(1).await[0], "reset");
    let tries = (0..6).map(|n| {
        let (server, token) = (&server, &token);
        async move { reset(server, token, &format!("walnuts per tide number {n}")).await }
    });
    let told = futures::future::join_all(tries).await;
    let worked = told.iter().filter(|told| told["userErrors"] == json!([])).count();
    assert_eq!(worked, 1, "{told:?}");
}

#[tokio::test]
async fn a_second_factor_stays() {
    let (server, tokens) = Server::set_up().await;
    crate::factors::turn_on(&server, &tokens).await;
    ask(&server, EMAIL).await;
    let token = token(&server.mails.sent(1).await[0], "reset");
    assert_eq!(reset(&server, &token, NEW).await["userErrors"], json!([]));
    let payload = server.log_in(EMAIL, NEW).await;
    assert!(payload["challenge"].is_string() && payload["accessToken"].is_null(), "{payload}");
}

#[tokio::test]
async fn what_was_mistyped_does_not_hinder_the_new_password() {
    let (server, _) = Server::set_up().await;
    for _ in 0..5 {
        assert_eq!(fault(&server.log_in(EMAIL, "a wrong password").await), "INVALID_CREDENTIALS");
    }
    ask(&server, EMAIL).await;
    let token = token(&server.mails.sent(1).await[0], "reset");
    assert_eq!(reset(&server, &token, NEW).await["userErrors"], json!([]));
    Tokens::of(&server.log_in(EMAIL, NEW).await);
}

#[tokio::test]
async fn an_address_is_verified_once_by_its_own_link() {
    let (server, owner) = Server::set_up().await;
    let (_, viewer) = server.viewer(&owner).await;
    let me = server.data(Some(&viewer.access), VERIFIED, json!({})).await;
    assert_eq!(me["me"]["emailVerified"], false);
    assert_eq!(ask_to_verify(&server, &viewer).await["userErrors"], json!([]));
    let mails = server.mails.sent(1).await;
    assert_eq!(mails[0].address, "charles@example.org");
    let link = token(&mails[0], "verify");
    assert_eq!(fault(&reset(&server, &link, NEW).await), "INVALID_TOKEN", "it is no password");
    // Whoever opens the link need not be signed in.
    assert_eq!(verify(&server, &link).await["userErrors"], json!([]));
    assert_eq!(fault(&verify(&server, &link).await), "INVALID_TOKEN");
    let me = server.data(Some(&viewer.access), VERIFIED, json!({})).await;
    assert_eq!(me["me"]["emailVerified"], true);
    let me = server.data(Some(&owner.access), VERIFIED, json!({})).await;
    assert_eq!(me["me"]["emailVerified"], false, "nobody else's");
    assert_eq!(fault(&ask_to_verify(&server, &viewer).await), "ALREADY_VERIFIED");
    assert_eq!(server.code(None, ASK_TO_VERIFY, json!({})).await, "UNAUTHENTICATED");
    // As the log has it.
    server.store.rebuild("identity.users").await.unwrap();
    let me = server.data(Some(&viewer.access), VERIFIED, json!({})).await;
    assert_eq!(me["me"]["emailVerified"], true);

    assert_eq!(ask_to_verify(&server, &owner).await["userErrors"], json!([]));
    let late = token(&server.mails.sent(2).await[1], "verify");
    server.clock.advance_micros(24 * 3600 * 1_000_000);
    assert_eq!(fault(&verify(&server, &late).await), "INVALID_TOKEN");
}

#[tokio::test]
async fn a_mail_waits_for_its_server_and_outlives_the_process() {
    let (server, _) = Server::set_up().await;
    server.mails.refuse_next(MailError::Unavailable("away".to_owned()));
    ask(&server, EMAIL).await;
    let mails = server.mails.sent(1).await;
    // What was sent is not sent again by another process.
    let server = server.restart().await;
    ask(&server, EMAIL).await;
    let more = server.mails.sent(1).await;
    assert_ne!(mails[0].id, more[0].id);
    assert_eq!(server.mails.count(), 1);
}

#[tokio::test]
async fn a_mail_to_somebody_who_was_erased_is_not_sent() {
    let (server, owner) = Server::set_up().await;
    let (id, _) = server.viewer(&owner).await;
    server.mails.refuse_next(MailError::Unavailable("away".to_owned()));
    ask(&server, "charles@example.org").await;
    let link = token(&server.mails.sent(1).await[0], "reset");
    let erase = "mutation($input: EraseUserInput!) { eraseUser(input: $input) {
        userErrors { code message path } } }";
    let input = json!({ "input": { "userId": id } });
    server.data(Some(&owner.access), erase, input).await;
    assert_eq!(fault(&reset(&server, &link, NEW).await), "INVALID_TOKEN");
    ask(&server, "charles@example.org").await;
    ask(&server, EMAIL).await;
    let mails = server.mails.sent(2).await;
    assert_eq!(mails[1].address, EMAIL, "there is nobody of the other address any more");
}

#[tokio::test]
async fn without_a_mail_server_it_is_said() {
    let folder = std::sync::Arc::new(tempfile::tempdir().unwrap());
    std::fs::write(folder.path().join(NO_MAIL), "").unwrap();
    let clock = studio_kernel::ManualClock::at("2026-03-01T09:00:00Z".parse().unwrap());
    let server = Server::resume(folder, clock).await;
    let tokens = Tokens::of(&server.set_up_with(&server.identity.setup_token().unwrap()).await);
    let options = server.data(None, "{ signInOptions { passwordReset } }", json!({})).await;
    assert_eq!(options["signInOptions"]["passwordReset"], false);
    assert_eq!(fault(&ask(&server, EMAIL).await), "MAIL_IS_OFF");
    assert_eq!(ask(&server, EMAIL).await, ask(&server, "nobody@example.org").await);
    assert_eq!(fault(&ask_to_verify(&server, &tokens).await), "MAIL_IS_OFF");
}

#[tokio::test]
async fn one_address_asks_for_so_many_links_and_no_more_whoever_they_are_for() {
    let (server, _) = Server::set_up().await;
    let from = |address: &str| -> Origin { address.parse().unwrap() };
    let asked = async |n: usize, address: Option<Origin>| {
        let variables = json!({ "input": { "email": format!("person{n}@example.org") } });
        let mut request = Request::new(ASK).variables(Variables::from_json(variables));
        if let Some(address) = address {
            request = request.data(address);
        }
        let answer = serde_json::to_value(server.graphql.execute(request).await).unwrap();
        answer["errors"][0]["extensions"]["code"].as_str().map(str::to_owned)
    };
    for n in 0..20 {
        assert_eq!(asked(n, Some(from("192.0.2.7"))).await, None);
    }
    let refused = asked(20, Some(from("192.0.2.7"))).await;
    assert_eq!(refused.as_deref(), Some("RATE_LIMITED"));
    assert_eq!(asked(21, Some(from("192.0.2.8"))).await, None, "another does not wait");
    assert_eq!(asked(22, None).await, None, "nor does what comes from nowhere that is known");
    server.clock.advance_micros(30_000_000);
    assert_eq!(asked(23, Some(from("192.0.2.7"))).await, None);
}
