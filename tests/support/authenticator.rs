//! An app that shows one-time codes.

use aws_lc_rs::hmac;
use serde_json::json;
use studio_kernel::Env;
use studio_sdk::Client;

use super::mutate;

/// The code that an app shows now (RFC 6238) for a secret in Base32.
fn shown(secret: &str) -> String {
    let digits = secret.bytes().map(|c| match c {
        b'A'..=b'Z' => c - b'A',
        digit => digit - b'2' + 26,
    });
    let bits: String = digits.map(|value| format!("{value:05b}")).collect();
    let bytes = bits.as_bytes().chunks_exact(8);
    let key: Vec<u8> =
        bytes.map(|b| u8::from_str_radix(std::str::from_utf8(b).unwrap(), 2).unwrap()).collect();
    let step = Env::system().now().micros() / 30_000_000;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let offset = usize::from(tag.as_ref()[19] & 15);
    let cut = u32::from_be_bytes(tag.as_ref()[offset..offset + 4].try_into().unwrap());
    format!("{:06}", (cut & 0x7FFF_FFFF) % 1_000_000)
}

/// Turns a second factor on for whoever is signed in, and gives the recovery codes.
pub(crate) async fn enrol(client: &Client, password: &str) -> Vec<String> {
    let begin = "mutation($input: BeginTotpInput!) { beginTotp(input: $input) {
        secret userErrors { code message path } } }";
    let begun = mutate(client, begin, json!({ "password": password })).await;
    let code = shown(begun["secret"].as_str().unwrap());
    let confirm = "mutation($input: ConfirmTotpInput!) { confirmTotp(input: $input) {
        recoveryCodes userErrors { code message path } } }";
    let confirmed = mutate(client, confirm, json!({ "code": code })).await;
    serde_json::from_value(confirmed["recoveryCodes"].clone()).unwrap()
}
