//! What a browser is asked for: the JSON of `PublicKeyCredentialCreationOptionsJSON` and
//! `PublicKeyCredentialRequestOptionsJSON` (sections 5.1.9 and 5.1.10), which browsers and the systems of
//! phones take as it is.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{RelyingParty, cose::ALGORITHMS};

/// Who gets a passkey.
#[derive(Debug, Clone, Copy)]
pub struct Person<'a> {
    /// What a passkey says of whose it is: no more than 64 bytes, and nothing personal (section 14.6.1).
    pub handle: &'a [u8],
    /// What they sign in with.
    pub email: &'a str,
    /// What they are called.
    pub name: &'a str,
}

/// A challenge, and for how long it holds.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The challenge, 16 bytes at least (section 13.4.3).
    pub challenge: &'a [u8],
    /// Seconds.
    pub seconds: i64,
}

/// Asks for a new passkey: one that is found without being named, and unlocked by its owner. An
/// authenticator that holds one of `has` (credential ids with their transports) makes no other.
pub fn creation_options(
    party: &RelyingParty,
    person: Person<'_>,
    asked: Asked<'_>,
    has: &[(Vec<u8>, Vec<String>)],
) -> Value {
    let exclude: Vec<_> = has
        .iter()
        .map(|(id, transports)| {
            json!({ "type": "public-key", "id": encode(id), "transports": transports })
        })
        .collect();
    let parameters = ALGORITHMS.map(|alg| json!({ "type": "public-key", "alg": alg }));
    json!({
        "rp": { "id": party.id, "name": "Studio" },
        "user": { "id": encode(person.handle), "name": person.email, "displayName": person.name },
        "challenge": encode(asked.challenge),
        "pubKeyCredParams": parameters,
        "timeout": asked.seconds * 1000,
        "excludeCredentials": exclude,
        "authenticatorSelection": {
            "residentKey": "required", "requireResidentKey": true, "userVerification": "required",
        },
        "attestation": "none",
    })
}

/// Asks for an answer of any passkey that somebody has for this server.
pub fn request_options(party: &RelyingParty, asked: Asked<'_>) -> Value {
    json!({
        "challenge": encode(asked.challenge),
        "timeout": asked.seconds * 1000,
        "rpId": party.id,
        "allowCredentials": [],
        "userVerification": "required",
    })
}

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
