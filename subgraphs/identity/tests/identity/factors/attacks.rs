//! What attackers try against the second factor: codes and challenges that come again, guesses, challenges of
//! others, and fields that are not theirs to set.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{App, BEGIN, COMPLETE, REMOVE, STEP, as_input, begin, challenge, complete, confirm};
use crate::support::{EMAIL, LOG_IN, PASSWORD, Server, Tokens, fault};

#[tokio::test]
async fn no_code_works_twice() {
    let (server, tokens) = Server::set_up().await;
    let begun = begin(&server, &tokens, PASSWORD).await;
    let secret = begun["secret"].as_str().unwrap().to_owned();
    let app = App { secret, recovery_codes: Vec::new() };
    let first = app.shows(&server, 0);
    assert_eq!(confirm(&server, &tokens, &first).await["userErrors"], json!([]));
    let asked = challenge(&server, EMAIL).await;
    let replayed = complete(&server, &asked, &first).await;
    assert_eq!(fault(&replayed), "INVALID_CODE", "the code that confirmed it");

    server.clock.advance_micros(STEP);
    let asked = challenge(&server, EMAIL).await;
    let code = app.shows(&server, 0);
    Tokens::of(&complete(&server, &asked, &code).await);
    let asked = challenge(&server, EMAIL).await;
    assert_eq!(fault(&complete(&server, &asked, &code).await), "INVALID_CODE");
    // Nor one from before it, which the drift would still let pass.
    let before = app.shows(&server, -1);
    assert_eq!(fault(&complete(&server, &asked, &before).await), "INVALID_CODE");
    let next = app.shows(&server, 1);
    let server = server.restart().await;
    Tokens::of(&complete(&server, &asked, &next).await);
}

#[tokio::test]
async fn guessing_codes_is_held_back_and_the_password_gives_no_new_tries() {
    let (server, tokens) = Server::set_up().await;
    let app = App::enrol(&server, &tokens).await;
    let asked = challenge(&server, EMAIL).await;
    for code in ["000001", "no code", "AAAA-BBBB-CCCC"] {
        assert_eq!(fault(&complete(&server, &asked, code).await), "INVALID_CODE", "{code}");
    }
    // With the two sign-ins that were not completed, that makes five.
    let another = challenge(&server, EMAIL).await;
    let right = app.shows(&server, 0);
    for asked in [&asked, &another] {
        let input = json!({ "input": { "challenge": asked, "code": right } });
        assert_eq!(server.code(None, COMPLETE, input).await, "RATE_LIMITED");
    }
    let input = json!({ "input": { "email": EMAIL, "password": PASSWORD } });
    assert_eq!(server.code(None, LOG_IN, input).await, "RATE_LIMITED");
    // A right one ends that.
    server.clock.advance_micros(12_000_000);
    Tokens::of(&complete(&server, &another, &app.shows(&server, 0)).await);
    for _ in 0..5 {
        challenge(&server, EMAIL).await;
    }
}

#[tokio::test]
async fn who_does_not_know_the_password_learns_nothing_of_the_second_factor() {
    let (server, owner) = Server::set_up().await;
    server.viewer(&owner).await;
    App::enrol(&server, &owner).await;
    let wrong = "difference engine no 1";
    let with = server.log_in(EMAIL, wrong).await;
    assert_eq!(fault(&with), "INVALID_CREDENTIALS");
    assert_eq!(with, server.log_in("charles@example.org", wrong).await);
    assert_eq!(with, server.log_in("nobody@example.org", wrong).await);
}

#[tokio::test]
async fn a_challenge_works_once_for_one_person_and_five_minutes() {
    let (server, owner) = Server::set_up().await;
    let (_, viewer) = server.viewer(&owner).await;
    let ada = App::enrol(&server, &owner).await;
    let charles = App::enrol(&server, &viewer).await;

    // Whoever knows one password and holds the other's app gets into neither account.
    let of_ada = challenge(&server, EMAIL).await;
    assert_eq!(
        fault(&complete(&server, &of_ada, &charles.shows(&server, 0)).await),
        "INVALID_CODE"
    );
    let stolen = &charles.recovery_codes[0];
    assert_eq!(fault(&complete(&server, &of_ada, stolen).await), "INVALID_CODE");

    // A second use, with a code that has not been used.
    Tokens::of(&complete(&server, &of_ada, &ada.shows(&server, 0)).await);
    let replayed = complete(&server, &of_ada, &ada.shows(&server, 1)).await;
    assert_eq!(fault(&replayed), "INVALID_CHALLENGE");
    let replayed = complete(&server, &of_ada, &ada.recovery_codes[0]).await;
    assert_eq!(fault(&replayed), "INVALID_CHALLENGE");

    // Two answers at once: one session.
    server.clock.advance_micros(60_000_000);
    let asked = challenge(&server, EMAIL).await;
    let (now, next) = (ada.shows(&server, 0), ada.shows(&server, 1));
    let (one, two) =
        tokio::join!(complete(&server, &asked, &now), complete(&server, &asked, &next));
    let won = [&one, &two].iter().filter(|payload| payload["accessToken"].is_string()).count();
    assert_eq!(won, 1, "{one} {two}");

    server.clock.advance_micros(60_000_000);
    let asked = challenge(&server, EMAIL).await;
    server.clock.advance_micros(299_999_999);
    let late = ada.shows(&server, 0);
    server.clock.advance_micros(1);
    assert_eq!(fault(&complete(&server, &asked, &late).await), "INVALID_CHALLENGE");
}

#[tokio::test]
async fn made_up_and_changed_challenges_are_refused() {
    let (server, owner) = Server::set_up().await;
    let luigi = server.second_organization().await;
    let ada = App::enrol(&server, &owner).await;
    let other = App::enrol(&server, &luigi).await;
    let good = challenge(&server, EMAIL).await;
    let others = challenge(&server, "luigi@example.net").await;
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    // The person and the organization of one, the rest and the proof of the other.
    let mut mixed = bytes(&good);
    mixed[..32].copy_from_slice(&bytes(&others)[..32]);
    let mut made_up = vec![String::new(), "x".into(), "A".repeat(good.len()), good.clone() + "A"];
    made_up.push(URL_SAFE_NO_PAD.encode(mixed));
    made_up.push(owner.refresh.clone());
    made_up.push(owner.access.clone());
    made_up.extend((0..bytes(&good).len()).step_by(5).map(|at| {
        let mut changed = bytes(&good);
        changed[at] ^= 1;
        URL_SAFE_NO_PAD.encode(changed)
    }));
    let codes = [ada.shows(&server, 0), other.shows(&server, 0)];
    for text in &made_up {
        for code in &codes {
            assert_eq!(fault(&complete(&server, text, code).await), "INVALID_CHALLENGE", "{text}");
        }
    }
    // A challenge is no token of a session either.
    assert!(server.verifier.verify(&good).is_err());
    assert_eq!(fault(&server.refresh(&good).await), "INVALID_REFRESH_TOKEN");
    Tokens::of(&complete(&server, &good, &codes[0]).await);
}

#[tokio::test]
async fn a_challenge_is_over_with_the_password_that_it_was_given_for() {
    let (server, tokens) = Server::set_up().await;
    let app = App::enrol(&server, &tokens).await;
    let asked = challenge(&server, EMAIL).await;
    let change = "mutation($input: ChangePasswordInput!) { changePassword(input: $input) {
        userErrors { code message path } } }";
    let input = json!({ "currentPassword": PASSWORD, "newPassword": "two walnuts per tide" });
    let changed = as_input(&server, Some(&tokens.access), change, input).await;
    assert_eq!(changed["userErrors"], json!([]));
    let code = app.shows(&server, 0);
    assert_eq!(fault(&complete(&server, &asked, &code).await), "INVALID_CHALLENGE");
    // With the new one, the second factor is asked for as before.
    let payload = server.log_in(EMAIL, "two walnuts per tide").await;
    Tokens::of(&complete(&server, payload["challenge"].as_str().unwrap(), &code).await);
}

#[tokio::test]
async fn everybody_has_their_own_and_owners_see_whether_there_is_one() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    App::enrol(&server, &viewer).await;
    let query = "query($id: ID!) { user(id: $id) { secondFactor { recoveryCodesLeft } } }";
    let seen = server.data(Some(&owner.access), query, json!({ "id": id })).await;
    assert_eq!(seen["user"]["secondFactor"]["recoveryCodesLeft"], 10);
    let me = server.data(Some(&owner.access), "{ me { id } }", json!({})).await;
    let of_owner = json!({ "id": me["me"]["id"] });
    assert_eq!(server.code(Some(&viewer.access), query, of_owner).await, "FORBIDDEN");

    // No field says whose it is, or what the session should say: made-up ones are refused.
    for (query, input) in [
        (BEGIN, json!({ "password": PASSWORD, "userId": id })),
        (BEGIN, json!({ "password": PASSWORD, "secret": "AAAA" })),
        (REMOVE, json!({ "password": PASSWORD, "code": "000000", "userId": id })),
        (LOG_IN, json!({ "email": EMAIL, "password": PASSWORD, "methods": ["OTP"] })),
        (COMPLETE, json!({ "challenge": "x", "code": "000000", "userId": id })),
    ] {
        let answer = server.ask(Some(&owner.access), query, json!({ "input": input })).await;
        assert!(answer["errors"].is_array(), "{query}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_take_a_code_and_a_challenge_once() {
    let Some(one) = Server::on_postgres().await else { return };
    let two = one.beside().await;
    let token = one.identity.setup_token().unwrap();
    let tokens = Tokens::of(&one.set_up_with(&token).await);
    let app = App::enrol(&one, &tokens).await;
    let won = |payloads: [&Value; 2]| {
        payloads.iter().filter(|payload| payload["accessToken"].is_string()).count()
    };
    // One code for two challenges.
    let (first, second) = (challenge(&one, EMAIL).await, challenge(&two, EMAIL).await);
    let code = app.shows(&one, 0);
    let (here, there) = tokio::join!(complete(&one, &first, &code), complete(&two, &second, &code));
    assert_eq!(won([&here, &there]), 1, "{here} {there}");
    // Two codes for one challenge.
    one.clock.advance_micros(4 * STEP);
    let asked = challenge(&one, EMAIL).await;
    let (now, recovery) = (app.shows(&one, 0), &app.recovery_codes[0]);
    let (here, there) =
        tokio::join!(complete(&one, &asked, &now), complete(&two, &asked, recovery));
    assert_eq!(won([&here, &there]), 1, "{here} {there}");
    one.store.rebuild("identity.factors").await.unwrap();
    one.store.verify().await.unwrap();
}
