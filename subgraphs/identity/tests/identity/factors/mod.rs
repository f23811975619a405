//! The second factor: turning it on, signing in with it, and taking it away.

mod attacks;

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use studio_kernel::AuthnMethod;

use crate::support::{EMAIL, PASSWORD, Server, Tokens, fault, holds};

pub(crate) const BEGIN: &str = "mutation($input: BeginTotpInput!) { beginTotp(input: $input) {
    secret uri userErrors { code message path } } }";
const CONFIRM: &str = "mutation($input: ConfirmTotpInput!) { confirmTotp(input: $input) {
    recoveryCodes userErrors { code message path } } }";
pub(crate) const RENEW: &str =
    "mutation($input: RenewRecoveryCodesInput!) { renewRecoveryCodes(input: $input) {
    recoveryCodes userErrors { code message path } } }";
pub(crate) const REMOVE: &str = "mutation($input: RemoveTotpInput!) { removeTotp(input: $input) {
    userErrors { code message path } } }";
pub(crate) const COMPLETE: &str =
    "mutation($input: CompleteLogInInput!) { completeLogIn(input: $input) {
    accessToken refreshToken expiresAt challenge user { id name }
    userErrors { code message path } } }";
const MINE: &str = "{ me { secondFactor { confirmedAt usedAt recoveryCodesLeft } } }";

/// One step of thirty seconds, in microseconds.
const STEP: i64 = 30_000_000;

/// The bytes of a secret as it is typed (RFC 4648, section 6).
fn unbase32(text: &str) -> Vec<u8> {
    let bits: String = text
        .bytes()
        .map(|c| if c.is_ascii_uppercase() { c - b'A' } else { c - b'2' + 26 })
        .map(|value| format!("{value:05b}"))
        .collect();
    let whole = bits.as_bytes().chunks_exact(8);
    whole.map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap()).collect()
}

/// An app.
pub(crate) struct App {
    pub(crate) secret: String,
    pub(crate) recovery_codes: Vec<String>,
}

impl App {
    /// What it shows so many steps from now.
    pub(crate) fn shows(&self, server: &Server, steps_ahead: i64) -> String {
        let step = server.env.now().micros() / STEP + steps_ahead;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &unbase32(&self.secret));
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let offset = usize::from(tag.as_ref()[19] & 15);
        let cut = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap());
        format!("{:06}", (cut & 0x7FFF_FFFF) % 1_000_000)
    }

    /// Turns it on with the code that it shows.
    pub(crate) async fn confirm(&self, server: &Server, tokens: &Tokens) -> Value {
        confirm(server, tokens, &self.shows(server, 0)).await
    }

    /// Turns the second factor on for whoever is signed in, and lets its first code pass.
    pub(crate) async fn enrol(server: &Server, tokens: &Tokens) -> Self {
        let begun = begin(server, tokens, PASSWORD).await;
        assert_eq!(begun["userErrors"], json!([]));
        let secret = begun["secret"].as_str().unwrap().to_owned();
        let mut app = Self { secret, recovery_codes: Vec::new() };
        let confirmed = confirm(server, tokens, &app.shows(server, 0)).await;
        app.recovery_codes = recovery_codes(&confirmed);
        server.clock.advance_micros(STEP);
        app
    }
}

/// Turns the second factor on for whoever is signed in.
pub(crate) async fn turn_on(server: &Server, tokens: &Tokens) {
    App::enrol(server, tokens).await;
}

pub(crate) async fn as_input(
    server: &Server,
    token: Option<&str>,
    query: &str,
    input: Value,
) -> Value {
    let data = server.data(token, query, json!({ "input": input })).await;
    data.as_object().unwrap().values().next().unwrap().clone()
}

async fn begin(server: &Server, tokens: &Tokens, password: &str) -> Value {
    as_input(server, Some(&tokens.access), BEGIN, json!({ "password": password })).await
}

async fn confirm(server: &Server, tokens: &Tokens, code: &str) -> Value {
    as_input(server, Some(&tokens.access), CONFIRM, json!({ "code": code })).await
}

async fn complete(server: &Server, challenge: &str, code: &str) -> Value {
    as_input(server, None, COMPLETE, json!({ "challenge": challenge, "code": code })).await
}

/// The challenge that a right password gets.
async fn challenge(server: &Server, email: &str) -> String {
    let payload = server.log_in(email, PASSWORD).await;
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    for absent in ["accessToken", "refreshToken", "expiresAt", "user"] {
        assert_eq!(payload[absent], Value::Null, "{absent} before the code");
    }
    payload["challenge"].as_str().unwrap().to_owned()
}

fn recovery_codes(payload: &Value) -> Vec<String> {
    assert_eq!(payload["userErrors"], json!([]), "{payload}");
    let codes = payload["recoveryCodes"].as_array().unwrap();
    codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_code_completes_a_sign_in_and_the_session_says_so() {
    let (server, first) = Server::set_up().await;
    let begun = begin(&server, &first, PASSWORD).await;
    let uri = begun["uri"].as_str().unwrap();
    let secret = begun["secret"].as_str().unwrap();
    assert!(
        uri.starts_with("otpauth://totp/Studio%20%28Analytical%20Engines%29:Ada%40Example.org?")
    );
    assert!(uri.contains(&format!("secret={secret}&")), "{uri}");
    // Not before a code has shown that the app has it.
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    let app = App::enrol(&server, &first).await;
    assert_eq!(app.recovery_codes.len(), 10);

    let asked = challenge(&server, EMAIL).await;
    let payload = complete(&server, &asked, &app.shows(&server, 0)).await;
    let tokens = Tokens::of(&payload);
    assert_eq!(payload["user"]["name"], "Ada Lovelace");
    let authn = server.verifier.verify(&tokens.access).unwrap().authn.unwrap();
    assert_eq!(authn.methods, [AuthnMethod::Pwd, AuthnMethod::Otp]);
    assert_eq!(authn.at, server.env.now());
    let claims = URL_SAFE_NO_PAD.decode(tokens.access.split('.').nth(1).unwrap()).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["amr"], json!(["pwd", "otp"]));
    assert_eq!(claims["auth_time"], claims["iat"]);
    let by_password = server.verifier.verify(&first.access).unwrap().authn.unwrap();
    assert!(!by_password.multi_factor());

    // New tokens are of the same sign-in, also for a server that starts anew.
    server.clock.advance_micros(60_000_000);
    let server = server.restart().await;
    let renewed = Tokens::of(&server.refresh(&tokens.refresh).await);
    assert_eq!(server.verifier.verify(&renewed.access).unwrap().authn, Some(authn));
    let sessions = "{ me { sessions { nodes { current methods } } } }";
    let data = server.data(Some(&renewed.access), sessions, json!({})).await;
    let nodes = data["me"]["sessions"]["nodes"].as_array().unwrap();
    for node in nodes {
        let both = json!(["PWD", "OTP"]);
        assert_eq!(node["methods"] == both, node["current"] == true, "{node}");
    }
}

#[tokio::test]
async fn clocks_may_differ_by_a_step() {
    let (server, tokens) = Server::set_up().await;
    let app = App::enrol(&server, &tokens).await;
    server.clock.advance_micros(10 * STEP);
    for (steps, right) in [(-2, false), (-1, true), (2, false), (1, true)] {
        let asked = challenge(&server, EMAIL).await;
        let payload = complete(&server, &asked, &app.shows(&server, steps)).await;
        assert_eq!(payload["accessToken"].is_string(), right, "{steps}: {payload}");
    }
}

#[tokio::test]
async fn recovery_codes_work_once_each_until_there_are_new_ones() {
    let (server, tokens) = Server::set_up().await;
    let app = App::enrol(&server, &tokens).await;
    let [first, second] = [&app.recovery_codes[0], &app.recovery_codes[1]];
    let asked = challenge(&server, EMAIL).await;
    let by_code = Tokens::of(&complete(&server, &asked, first).await);
    let authn = server.verifier.verify(&by_code.access).unwrap().authn.unwrap();
    assert!(authn.multi_factor());
    let asked = challenge(&server, EMAIL).await;
    assert_eq!(fault(&complete(&server, &asked, first).await), "INVALID_CODE");
    // As people type them.
    let typed = second.to_lowercase().replace('-', " ");
    Tokens::of(&complete(&server, &asked, &typed).await);
    let mine = server.data(Some(&tokens.access), MINE, json!({})).await;
    assert_eq!(mine["me"]["secondFactor"]["recoveryCodesLeft"], 8);

    let renew = async |password: &str, code: &str| {
        let input = json!({ "password": password, "code": code });
        as_input(&server, Some(&tokens.access), RENEW, input).await
    };
    assert_eq!(
        fault(&renew("a wrong password", &app.shows(&server, 0)).await),
        "INVALID_CREDENTIALS"
    );
    assert_eq!(fault(&renew(PASSWORD, first).await), "INVALID_CODE");
    let new = recovery_codes(&renew(PASSWORD, &app.shows(&server, 0)).await);
    assert!(new.iter().all(|code| !app.recovery_codes.contains(code)));
    let asked = challenge(&server, EMAIL).await;
    assert_eq!(fault(&complete(&server, &asked, &app.recovery_codes[2]).await), "INVALID_CODE");
    Tokens::of(&complete(&server, &asked, &new[0]).await);
    let mine = server.data(Some(&tokens.access), MINE, json!({})).await;
    assert_eq!(mine["me"]["secondFactor"]["recoveryCodesLeft"], 9);
    server.store.rebuild("identity.factors").await.unwrap();
    let again = server.data(Some(&tokens.access), MINE, json!({})).await;
    assert_eq!(again, mine, "as the log has it");
}

#[tokio::test]
async fn it_takes_password_and_code_to_take_it_away() {
    let (server, tokens) = Server::set_up().await;
    let remove = async |password: &str, code: &str| {
        let input = json!({ "password": password, "code": code });
        as_input(&server, Some(&tokens.access), REMOVE, input).await
    };
    assert_eq!(fault(&remove(PASSWORD, "000000").await), "NO_SECOND_FACTOR");
    let app = App::enrol(&server, &tokens).await;
    let code = app.shows(&server, 0);
    assert_eq!(fault(&remove("a wrong password", &code).await), "INVALID_CREDENTIALS");
    assert_eq!(fault(&remove(PASSWORD, "no code").await), "INVALID_CODE");
    // Nor is it replaced by whoever has the session and even the password.
    assert_eq!(fault(&begin(&server, &tokens, PASSWORD).await), "SECOND_FACTOR_EXISTS");
    assert_eq!(fault(&begin(&server, &tokens, "a wrong password").await), "INVALID_CREDENTIALS");

    server.clock.advance_micros(60_000_000);
    let asked = challenge(&server, EMAIL).await;
    let removed = remove(PASSWORD, &app.shows(&server, 0)).await;
    assert_eq!(removed["userErrors"], json!([]));
    let over = complete(&server, &asked, &app.shows(&server, 1)).await;
    assert_eq!(fault(&over), "INVALID_CHALLENGE");
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
    let mine = server.data(Some(&tokens.access), MINE, json!({})).await;
    assert_eq!(mine["me"]["secondFactor"], Value::Null);

    // And on again, with another secret.
    let other = App::enrol(&server, &tokens).await;
    assert_ne!(other.secret, app.secret);
    let asked = challenge(&server, EMAIL).await;
    assert_eq!(fault(&complete(&server, &asked, &app.recovery_codes[0]).await), "INVALID_CODE");
    Tokens::of(&complete(&server, &asked, &other.shows(&server, 0)).await);
}

#[tokio::test]
async fn turning_it_on_takes_the_password_and_a_code_of_the_newest_secret() {
    let (server, tokens) = Server::set_up().await;
    assert_eq!(fault(&begin(&server, &tokens, "a wrong password").await), "INVALID_CREDENTIALS");
    assert_eq!(fault(&confirm(&server, &tokens, "000000").await), "NOT_BEGUN");
    let first = begin(&server, &tokens, PASSWORD).await["secret"].as_str().unwrap().to_owned();
    let second = begin(&server, &tokens, PASSWORD).await["secret"].as_str().unwrap().to_owned();
    let app = |secret: &str| App { secret: secret.to_owned(), recovery_codes: Vec::new() };
    let code = app(&first).shows(&server, 0);
    assert_eq!(fault(&confirm(&server, &tokens, &code).await), "INVALID_CODE");
    let code = app(&second).shows(&server, 0);
    assert_eq!(confirm(&server, &tokens, &code).await["userErrors"], json!([]));
    assert_eq!(fault(&confirm(&server, &tokens, &code).await), "NOT_BEGUN");
}

#[tokio::test]
async fn secrets_lie_sealed_and_go_with_the_person() {
    let (server, owner) = Server::set_up().await;
    let (id, viewer) = server.viewer(&owner).await;
    let app = App::enrol(&server, &viewer).await;
    let asked = challenge(&server, "charles@example.org").await;
    let bytes = server.bytes_at_rest();
    assert!(holds(&bytes, "identity.user.totp_confirmed"));
    assert!(!holds(&bytes, &app.secret));
    let raw = unbase32(&app.secret);
    assert!(!bytes.windows(raw.len()).any(|window| window == raw));
    for code in &app.recovery_codes {
        assert!(!holds(&bytes, code) && !holds(&bytes, &code.replace('-', "")));
    }

    let erase = "mutation($id: ID!) { eraseUser(input: { userId: $id }) { userErrors { code } } }";
    server.data(Some(&owner.access), erase, json!({ "id": id })).await;
    let over = complete(&server, &asked, &app.shows(&server, 0)).await;
    assert_eq!(fault(&over), "INVALID_CHALLENGE");
    let query = "query($id: ID!) { user(id: $id) { secondFactor { usedAt } } }";
    let data = server.data(Some(&owner.access), query, json!({ "id": id })).await;
    assert_eq!(data["user"]["secondFactor"], Value::Null);
    server.store.rebuild("identity.factors").await.unwrap();
    let data = server.data(Some(&owner.access), query, json!({ "id": id })).await;
    assert_eq!(data["user"]["secondFactor"], Value::Null);
    server.store.verify().await.unwrap();
}

#[tokio::test]
async fn who_lost_everything_is_let_in_again_by_whoever_runs_the_server() {
    let (server, tokens) = Server::set_up().await;
    let app = App::enrol(&server, &tokens).await;
    let asked = challenge(&server, EMAIL).await;
    let new = "two walnuts per tide";
    let recover = async |email: &str, password: &str, remove: bool| {
        server.identity.recover_account(email, password, remove).await.map_err(|e| e.to_string())
    };
    assert!(recover("nobody@example.org", new, true).await.unwrap_err().contains("Nobody"));
    assert!(recover(EMAIL, "lovelace lovelace", true).await.unwrap_err().contains("easy to guess"));
    assert!(server.verifier.verify(&tokens.access).is_ok());

    recover(EMAIL, new, false).await.unwrap();
    assert!(server.verifier.verify(&tokens.access).is_err());
    assert_eq!(
        fault(&complete(&server, &asked, &app.recovery_codes[0]).await),
        "INVALID_CHALLENGE"
    );
    assert!(server.log_in(EMAIL, new).await["challenge"].is_string());
    recover(EMAIL, new, true).await.unwrap();
    let tokens = Tokens::of(&server.log_in(EMAIL, new).await);
    let mine = server.data(Some(&tokens.access), MINE, json!({})).await;
    assert_eq!(mine["me"]["secondFactor"], Value::Null);
    // Where there is none to take away, that is as well.
    recover(EMAIL, PASSWORD, true).await.unwrap();
    Tokens::of(&server.log_in(EMAIL, PASSWORD).await);
}
