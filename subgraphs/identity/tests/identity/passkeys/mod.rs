//! Passkeys: adding them, signing in with them alone or after the password, and taking them away.

mod attacks;
mod authenticator;
mod broken;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use studio_kernel::AuthnMethod;

use crate::{
    factors::{App, BEGIN as BEGIN_TOTP, COMPLETE, REMOVE as REMOVE_TOTP, RENEW, as_input},
    support::{EMAIL, PASSWORD, Server, Tokens, fault, holds},
};
use authenticator::Authenticator;

const BEGIN: &str = "mutation($input: BeginPasskeyRegistrationInput!) {
    beginPasskeyRegistration(input: $input) { options userErrors { code message path } } }";
const CONFIRM: &str = "mutation($input: ConfirmPasskeyRegistrationInput!) {
    confirmPasskeyRegistration(input: $input) {
        passkey { id name createdAt usedAt copiedAt } recoveryCodes
        userErrors { code message path } } }";
const REMOVE: &str = "mutation($input: RemovePasskeyInput!) { removePasskey(input: $input) {
    userErrors { code message path } } }";
const ASK: &str = "mutation { beginPasskeyLogIn { options userErrors { code message path } } }";
const SIGN_IN: &str = "mutation($input: CompletePasskeyLogInInput!) {
    completePasskeyLogIn(input: $input) {
        accessToken refreshToken expiresAt challenge user { id name }
        userErrors { code message path } } }";
const MINE: &str = "{ me { secondFactor { app recoveryCodesLeft }
    passkeys { id name createdAt usedAt copiedAt } } }";

async fn begin(server: &Server, tokens: &Tokens, input: Value) -> Value {
    as_input(server, Some(&tokens.access), BEGIN, input).await
}

async fn confirm(server: &Server, tokens: &Tokens, answer: &Value) -> Value {
    let input = json!({ "passkey": answer.to_string(), "name": "Ada's laptop" });
    as_input(server, Some(&tokens.access), CONFIRM, input).await
}

/// What a browser is asked for.
fn options(payload: &Value) -> &str {
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    payload["options"].as_str().unwrap()
}

/// Adds a passkey for somebody who has no second factor: its id, and the recovery codes.
async fn add(
    server: &Server,
    tokens: &Tokens,
    passkey: &mut Authenticator,
) -> (String, Vec<String>) {
    let begun = begin(server, tokens, json!({ "password": PASSWORD })).await;
    let added = confirm(server, tokens, &passkey.register(options(&begun))).await;
    assert_eq!(added["userErrors"], json!([]), "{added}");
    let id = added["passkey"]["id"].as_str().unwrap().to_owned();
    (id, serde_json::from_value(added["recoveryCodes"].clone()).unwrap())
}

/// What any passkey is asked for.
async fn ask(server: &Server) -> String {
    let data = server.data(None, ASK, json!({})).await;
    options(&data["beginPasskeyLogIn"]).to_owned()
}

/// Signs in with an answer alone.
async fn sign_in(server: &Server, answer: &Value) -> Value {
    as_input(server, None, SIGN_IN, json!({ "passkey": answer.to_string() })).await
}

/// The challenge of a right password, and what a passkey is asked for with it.
async fn challenge(server: &Server, email: &str) -> (String, String) {
    let query = "mutation($input: LogInInput!) { logIn(input: $input) {
        accessToken challenge passkeyOptions userErrors { code message path } } }";
    let input = json!({ "email": email, "password": PASSWORD });
    let payload = as_input(server, None, query, input).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    assert_eq!(payload["accessToken"], Value::Null, "before the second step");
    let text = |name: &str| payload[name].as_str().unwrap().to_owned();
    (text("challenge"), text("passkeyOptions"))
}

/// Answers the challenge of a right password.
async fn complete(server: &Server, challenge: &str, answer: &Value) -> Value {
    let input = json!({ "challenge": challenge, "passkey": answer.to_string() });
    as_input(server, None, COMPLETE, input).await
}

async fn mine(server: &Server, tokens: &Tokens) -> Value {
    server.data(Some(&tokens.access), MINE, json!({})).await["me"].clone()
}

#[tokio::test]
async fn a_passkey_signs_in_alone_and_counts_as_more_than_one_factor() {
    let (server, first) = Server::set_up().await;
    let begun = begin(&server, &first, json!({ "password": PASSWORD })).await;
    let asked: Value = serde_json::from_str(options(&begun)).unwrap();
    assert_eq!(asked["rp"]["id"], "localhost");
    assert_eq!(asked["user"]["name"], EMAIL);
    assert_eq!(asked["authenticatorSelection"]["userVerification"], "required");
    assert_eq!(asked["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(asked["attestation"], "none");
    let algorithms = asked["pubKeyCredParams"].as_array().unwrap();
    assert_eq!(algorithms.iter().map(|it| &it["alg"]).collect::<Vec<_>>(), [-8, -7, -257]);
    // Nothing is asked for before it is confirmed.
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);

    let mut passkey = Authenticator::new(b"laptop");
    let added = confirm(&server, &first, &passkey.register(options(&begun))).await;
    assert_eq!(added["userErrors"], json!([]));
    assert_eq!(added["passkey"]["name"], "Ada's laptop");
    assert_eq!(added["recoveryCodes"].as_array().unwrap().len(), 10);
    server.clock.advance_micros(1_000_000);

    let payload = sign_in(&server, &passkey.answer(&ask(&server).await)).await;
    let tokens = Tokens::of(&payload);
    assert_eq!(payload["user"]["name"], "Ada Lovelace");
    let authn = server.verifier.verify(&tokens.access).unwrap().authn.unwrap();
    assert_eq!(authn.methods, [AuthnMethod::Pop, AuthnMethod::Mfa]);
    assert!(authn.multi_factor());
    assert_eq!(authn.at, server.env.now());
    let claims = URL_SAFE_NO_PAD.decode(tokens.access.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["amr"], json!(["pop", "mfa"]));

    let seen = mine(&server, &tokens).await;
    assert_eq!(seen["secondFactor"], json!({ "app": false, "recoveryCodesLeft": 10 }));
    assert_eq!(seen["passkeys"][0]["id"], added["passkey"]["id"]);
    assert!(seen["passkeys"][0]["usedAt"].as_str() > seen["passkeys"][0]["createdAt"].as_str());
    // Another server over the same log sees the same, and the session goes on.
    let server = server.restart().await;
    for projection in ["identity.passkeys", "identity.factors"] {
        server.store.rebuild(projection).await.unwrap();
    }
    assert_eq!(mine(&server, &tokens).await, seen);
    let tokens = Tokens::of(&server.refresh(&tokens.refresh).await);
    assert_eq!(server.verifier.verify(&tokens.access).unwrap().authn, Some(authn));
    let again = sign_in(&server, &passkey.answer(&ask(&server).await)).await;
    Tokens::of(&again);
    server.store.verify().await.unwrap();
}

#[tokio::test]
async fn after_the_password_a_passkey_or_a_recovery_code_is_asked_for() {
    let (server, first) = Server::set_up().await;
    let mut passkey = Authenticator::ed25519(&[7; 64]);
    passkey.count = 3;
    let (_, codes) = add(&server, &first, &mut passkey).await;
    let (asked, options) = challenge(&server, EMAIL).await;
    passkey.count = 4;
    let tokens = Tokens::of(&complete(&server, &asked, &passkey.answer(&options)).await);
    let authn = server.verifier.verify(&tokens.access).unwrap().authn.unwrap();
    assert_eq!(authn.methods, [AuthnMethod::Pwd, AuthnMethod::Pop, AuthnMethod::Mfa]);

    let (asked, _) = challenge(&server, EMAIL).await;
    let code = async |code: &str| {
        let input = json!({ "challenge": asked, "code": code });
        as_input(&server, None, COMPLETE, input).await
    };
    let neither = as_input(&server, None, COMPLETE, json!({ "challenge": asked })).await;
    assert_eq!(fault(&neither), "SECOND_FACTOR_NEEDED");
    let input = json!({ "challenge": asked, "code": codes[0], "passkey": "{}" });
    assert_eq!(fault(&as_input(&server, None, COMPLETE, input).await), "TWO_PROOFS");
    assert_eq!(fault(&code("000000").await), "INVALID_CODE", "there is no app");
    Tokens::of(&code(&codes[0]).await);
    assert_eq!(mine(&server, &tokens).await["secondFactor"]["recoveryCodesLeft"], 9);
}

#[tokio::test]
async fn who_has_a_second_factor_shows_it_to_have_another_or_none() {
    let (server, tokens) = Server::set_up().await;
    let wrong = begin(&server, &tokens, json!({ "password": "a wrong password" })).await;
    assert_eq!(fault(&wrong), "INVALID_CREDENTIALS");
    let mut laptop = Authenticator::new(b"laptop");
    let (id, codes) = add(&server, &tokens, &mut laptop).await;
    let access = Some(tokens.access.as_str());
    let shown = async |passkey: &Authenticator| passkey.answer(&ask(&server).await).to_string();

    // The password and the session are not enough for another passkey, or for an app.
    let only = json!({ "password": PASSWORD });
    for query in [BEGIN, BEGIN_TOTP, RENEW] {
        let refused = as_input(&server, access, query, only.clone()).await;
        assert_eq!(fault(&refused), "SECOND_FACTOR_NEEDED", "{query}");
    }
    let input = json!({ "password": PASSWORD, "passkey": shown(&laptop).await });
    let begun = begin(&server, &tokens, input).await;
    let asked: Value = serde_json::from_str(options(&begun)).unwrap();
    let exclude = &asked["excludeCredentials"][0];
    assert_eq!(exclude["id"], authenticator::encoded(b"laptop"));
    assert_eq!(exclude["transports"], json!(["internal", "hybrid"]));
    let mut phone = Authenticator::new(b"phone");
    let added = confirm(&server, &tokens, &phone.register(options(&begun))).await;
    assert_eq!(added["recoveryCodes"], Value::Null, "there are some");
    let input = json!({ "password": PASSWORD, "code": codes[0] });
    let secret = as_input(&server, access, BEGIN_TOTP, input).await["secret"].clone();
    let app = App { secret: secret.as_str().unwrap().to_owned(), recovery_codes: vec![] };
    let on = app.confirm(&server, &tokens).await;
    assert_eq!((&on["userErrors"], &on["recoveryCodes"]), (&json!([]), &Value::Null));
    let seen = mine(&server, &tokens).await;
    assert_eq!(seen["secondFactor"], json!({ "app": true, "recoveryCodesLeft": 9 }));
    assert_eq!(seen["passkeys"].as_array().unwrap().len(), 2);

    // Each can be taken away with any of the others; recovery codes go with the last one.
    let input = json!({ "password": PASSWORD, "passkey": shown(&phone).await });
    let removed = as_input(&server, access, REMOVE_TOTP, input).await;
    assert_eq!(removed["userErrors"], json!([]));
    let remove = async |id: &str, proof: Value| {
        let mut input = json!({ "passkeyId": id, "password": PASSWORD });
        input.as_object_mut().unwrap().extend(proof.as_object().unwrap().clone());
        as_input(&server, access, REMOVE, input).await
    };
    assert_eq!(fault(&remove(&id, json!({})).await), "SECOND_FACTOR_NEEDED");
    let nobodys = "psk_00000000000070008000000000000000";
    let missing = remove(nobodys, json!({ "code": codes[1] })).await;
    assert_eq!(fault(&missing), "NO_SUCH_PASSKEY");
    assert_eq!(remove(&id, json!({ "code": codes[1] })).await["userErrors"], json!([]));
    let gone = sign_in(&server, &laptop.answer(&ask(&server).await)).await;
    assert_eq!(fault(&gone), "UNKNOWN_PASSKEY");
    let id = added["passkey"]["id"].as_str().unwrap();
    let itself = json!({ "passkey": shown(&phone).await });
    assert_eq!(remove(id, itself).await["userErrors"], json!([]));
    let seen = mine(&server, &tokens).await;
    assert_eq!((&seen["secondFactor"], &seen["passkeys"]), (&Value::Null, &json!([])));
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    assert_eq!(fault(&remove(id, json!({ "code": codes[2] })).await), "NO_SECOND_FACTOR");
    // The next one makes new recovery codes.
    let (_, other) = add(&server, &tokens, &mut laptop).await;
    assert!(other.iter().all(|code| !codes.contains(code)));
}

#[tokio::test]
async fn passkeys_lie_sealed_and_go_with_the_person() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    let mut passkey = Authenticator::new(b"a credential id that is long");
    add(&server, &viewer, &mut passkey).await;
    let query = "query($id: ID!) { user(id: $id) { passkeys { name } secondFactor { app } } }";
    let of = async |who: &Tokens| server.ask(Some(&who.access), query, json!({ "id": id })).await;
    assert_eq!(of(&owner).await["data"]["user"]["passkeys"][0]["name"], "Ada's laptop");
    let me = server.data(Some(&owner.access), "{ me { id } }", json!({})).await;
    let owners = json!({ "id": me["me"]["id"] });
    let names = "query($id: ID!) { user(id: $id) { passkeys { name } } }";
    assert_eq!(server.code(Some(&viewer.access), names, owners).await, "FORBIDDEN");
    let bytes = server.bytes_at_rest();
    assert!(holds(&bytes, "identity.user.passkey_added"));
    for secret in ["Ada's laptop", "a credential id that is long"] {
        assert!(!holds(&bytes, secret), "{secret}");
    }
    assert!(!holds(&bytes, &authenticator::encoded(&passkey.id)));

    let asked = passkey.answer(&ask(&server).await);
    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    server.data(Some(&owner.access), erase, json!({ "id": id })).await;
    assert_eq!(fault(&sign_in(&server, &asked).await), "UNKNOWN_PASSKEY");
    for projection in ["identity.passkeys", "identity.factors"] {
        server.store.rebuild(projection).await.unwrap();
    }
    let gone = json!({ "passkeys": [], "secondFactor": null });
    assert_eq!(of(&owner).await["data"]["user"], gone);
    assert_eq!(fault(&sign_in(&server, &asked).await), "UNKNOWN_PASSKEY");
    server.store.verify().await.unwrap();
}

#[tokio::test]
async fn who_runs_the_server_takes_passkeys_away_too() {
    let (server, tokens) = Server::set_up().await;
    let mut passkey = Authenticator::new(b"laptop");
    add(&server, &tokens, &mut passkey).await;
    let new = "two walnuts per tide";
    server.identity.recover_account(EMAIL, new, false).await.unwrap();
    // Who lost the password alone keeps the passkey.
    Tokens::of(&sign_in(&server, &passkey.answer(&ask(&server).await)).await);
    server.identity.recover_account(EMAIL, new, true).await.unwrap();
    let gone = sign_in(&server, &passkey.answer(&ask(&server).await)).await;
    assert_eq!(fault(&gone), "UNKNOWN_PASSKEY");
    let tokens = Tokens::of(&server.log_in(EMAIL, new).await);
    let seen = mine(&server, &tokens).await;
    assert_eq!((&seen["secondFactor"], &seen["passkeys"]), (&Value::Null, &json!([])));
}

#[tokio::test]
async fn names_are_checked_and_a_passkey_is_known_once() {
    let (server, owner) = Server::set_up().await;
    let luigi = server.second_organization().await;
    let mut passkey = Authenticator::new(b"laptop");
    let begun = begin(&server, &owner, json!({ "password": PASSWORD })).await;
    let answer = passkey.register(options(&begun)).to_string();
    let input = json!({ "passkey": answer, "name": " " });
    let unnamed = as_input(&server, Some(&owner.access), CONFIRM, input).await;
    assert_eq!(fault(&unnamed), "INVALID_NAME");
    let input = json!({ "passkey": answer, "name": "laptop" });
    let added = as_input(&server, Some(&owner.access), CONFIRM, input).await;
    assert_eq!(added["userErrors"], json!([]));
    // A credential id is of one account of the installation.
    let begun = begin(&server, &luigi, json!({ "password": PASSWORD })).await;
    let mut other = Authenticator::new(b"laptop");
    let taken = confirm(&server, &luigi, &other.register(options(&begun))).await;
    assert_eq!(fault(&taken), "PASSKEY_TAKEN");
}
