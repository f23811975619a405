//! Answers that are malformed: each is refused with a sentence, and none of them is worth much work.

use serde_json::{Value, json};

use super::authenticator::{HEAD, decoded, encoded};
use super::{Authenticator, CONFIRM, add, ask, begin, options, sign_in};
use crate::{
    factors::as_input,
    support::{PASSWORD, Server, fault},
};

#[tokio::test]
async fn answers_that_are_none_are_refused() {
    let (server, tokens) = Server::set_up().await;
    let mut passkey = Authenticator::new(b"laptop");
    add(&server, &tokens, &mut passkey).await;
    let good = passkey.answer(&ask(&server).await);
    let with = |path: &str, value: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(path).unwrap() = value;
        changed.to_string()
    };
    let client = |json: &str| with("/response/clientDataJSON", json!(encoded(json.as_bytes())));
    let data = decoded(&good["response"]["authenticatorData"]);
    let authenticator = |bytes: &[u8]| with("/response/authenticatorData", json!(encoded(bytes)));
    let flagged = |flag: u8, after: &[u8]| {
        let mut bytes = data.clone();
        bytes[32] |= flag;
        authenticator(&[&bytes, after].concat())
    };
    let deep: Vec<u8> = vec![0x81; 5000];
    for (answer, why) in [
        (String::new(), "JSON"),
        ("null".into(), "JSON"),
        ("[".repeat(10_000), "JSON"),
        (" ".repeat(16 * 1024 + 1), "16384 bytes"),
        (with("/type", json!("password")), "public-key"),
        (with("/id", json!("")), "1 to 1023"),
        (with("/id", json!(encoded(&[0; 1024]))), "1 to 1023"),
        (with("/id", json!("a+b/")), "base64url"),
        (with("/response/signature", json!("AAAA==")), "base64url"),
        (with("/response", json!({})), "JSON"),
        (client(""), "JSON"),
        (client("{}"), "JSON"),
        (client("\u{feff}{}"), "JSON"),
        (authenticator(&data[..36]), "ends too early"),
        (authenticator(b""), "ends too early"),
        (authenticator(&[&data[..], &[0]].concat()), "after its end"),
        (flagged(0x40, b""), "ends too early"),
        (flagged(0x40, &[&[0; 16][..], b"\x04\x00", &[0; 2000]].concat()), "1 to 1023"),
        (flagged(0x80, &[0xA1, 1]), "too early"),
        (flagged(0x80, b"\x01"), "no map"),
        (flagged(0x80, b"\xBB\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), "too early"),
        (flagged(0x80, &deep), "too deep"),
    ] {
        let payload = as_input(&server, None, super::SIGN_IN, json!({ "passkey": answer })).await;
        let message = payload["userErrors"][0]["message"].as_str().unwrap().to_owned();
        let shown: String = answer.chars().take(80).collect();
        assert_eq!(fault(&payload), "INVALID_PASSKEY", "{shown}: {message}");
        assert!(message.contains(why) || message.contains("answers what"), "{shown}: {message}");
    }
    assert!(sign_in(&server, &good).await["accessToken"].is_string());
}

#[tokio::test]
async fn attestations_that_are_none_are_refused() {
    let (server, tokens) = Server::set_up().await;
    let mut passkey = Authenticator::new(b"laptop");
    let begun = begin(&server, &tokens, json!({ "password": PASSWORD })).await;
    let good = passkey.register(options(&begun));
    let client_data = decoded(&good["response"]["clientDataJSON"]);
    let object = decoded(&good["response"]["attestationObject"]);
    let head = HEAD;
    let data = &object[head.len() + 2..];
    let around = |head: &[u8], data: &[u8]| {
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        [head, &length, data].concat()
    };
    let replaced = |from: &[u8], to: &[u8]| {
        let at = data.windows(from.len()).position(|window| window == from).unwrap();
        around(head, &[&data[..at], to, &data[at + from.len()..]].concat())
    };
    let huge = around(head, &[data, &[0; 9000]].concat());
    for (object, why) in [
        (Vec::new(), "too early"),
        (object[..object.len() - 1].to_vec(), "too early"),
        ([&object[..], &[0]].concat(), "after the end"),
        (b"\xA0".to_vec(), "all its parts"),
        (b"\xA2\x63fmt\x64none\x63fmt\x64none".to_vec(), "twice"),
        (vec![0x81; 2000], "too deep"),
        (b"\x9B\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF".to_vec(), "too early"),
        (huge, "after its end"),
        (around(b"\xA3\x63fmt\x63tpm\x67attStmt\xA0\x68authData\x59", data), "tpm"),
        (around(b"\xA3\x63fmt\x66packed\x67attStmt\xA0\x68authData\x59", data), "signature"),
        (around(b"\xA3\x63fmt\x64none\x67attStmt\xA1\x63alg\x26\x68authData\x59", data), "none"),
        // No new credential in it.
        (around(head, &[&data[..32], &[0b0001_1101], &data[33..37]].concat()), "no new credential"),
        (replaced(b"\x00\x06laptop", b"\x00\x06tablet"), "different credentials"),
        // Another algorithm, another curve, a point that is on none, a coordinate that is cut off.
        (replaced(b"\xA5\x01\x02\x03\x26", b"\xA5\x01\x02\x03\x25"), "algorithm -6"),
        (replaced(b"\x03\x26\x20\x01", b"\x03\x26\x20\x02"), "key is malformed"),
        (replaced(b"\x21\x58\x20", b"\x28\x58\x20"), "key is malformed"),
        (replaced(b"\x22\x58\x20", b"\x22\x58\x1F"), "after its end"),
    ] {
        let answer = passkey.registered(&client_data, &object).to_string();
        let input = json!({ "passkey": answer, "name": "x" });
        let payload = as_input(&server, Some(&tokens.access), CONFIRM, input).await;
        assert_eq!(fault(&payload), "INVALID_PASSKEY", "{object:x?}: {payload}");
        let message = payload["userErrors"][0]["message"].as_str().unwrap();
        assert!(message.contains(why), "{why}: {message}");
    }
    let forged = passkey.register_attested(options(&begun), 1);
    let forged = super::confirm(&server, &tokens, &forged).await;
    assert_eq!(fault(&forged), "INVALID_PASSKEY");
    // It is still on offer for the right one, which may sign for itself.
    let attested = passkey.register_attested(options(&begun), 0);
    let added = super::confirm(&server, &tokens, &attested).await;
    assert_eq!(added["userErrors"], json!([]));
    assert!(
        sign_in(&server, &passkey.answer(&ask(&server).await)).await["accessToken"].is_string()
    );
}
