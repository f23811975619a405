//! An authenticator with a browser round it: it makes key pairs and signs, honestly or as a test tells it
//! to. It writes what Web Authentication Level 3 says (sections 5.8.1, 6.1 and 6.5), with no part of the
//! code that reads it.

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Somebody is there (UP) and was recognised (UV); the key can be backed up and is (BE, BS).
pub(super) const FLAGS: u8 = 0b0001_1101;
pub(super) const VERIFIED: u8 = 0b0000_0100;
pub(super) const PRESENT: u8 = 0b0000_0001;
/// What an attestation object of the format `none` begins with, before the length of its data.
pub(super) const HEAD: &[u8] = b"\xA3\x63fmt\x64none\x67attStmt\xA0\x68authData\x59";
const ATTESTED: u8 = 0b0100_0000;

enum Key {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

/// One passkey, and what it says of itself.
pub(super) struct Authenticator {
    key: Key,
    pub(super) id: Vec<u8>,
    pub(super) handle: Vec<u8>,
    pub(super) count: u32,
    pub(super) flags: u8,
    pub(super) party: String,
    pub(super) origin: String,
    /// What stands in the client data besides.
    pub(super) more: Value,
}

impl Authenticator {
    fn with(key: Key, id: &[u8]) -> Self {
        Self {
            key,
            id: id.to_vec(),
            handle: Vec::new(),
            count: 0,
            flags: FLAGS,
            party: "localhost".to_owned(),
            origin: "http://localhost:4000".to_owned(),
            more: json!({ "crossOrigin": false }),
        }
    }

    /// With a key of ES256.
    pub(super) fn new(id: &[u8]) -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
        Self::with(Key::Es256(key), id)
    }

    /// With a key of EdDSA.
    pub(super) fn ed25519(id: &[u8]) -> Self {
        Self::with(Key::EdDsa(Ed25519KeyPair::generate().unwrap()), id)
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => key.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec(),
            Key::EdDsa(key) => key.sign(message).as_ref().to_vec(),
        }
    }

    /// The COSE_Key (RFC 9053, section 7).
    fn cose(&self) -> Vec<u8> {
        match &self.key {
            Key::Es256(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point[1..].split_at(32);
                [b"\xA5\x01\x02\x03\x26\x20\x01\x21\x58\x20", x, b"\x22\x58\x20", y].concat()
            }
            Key::EdDsa(key) => {
                [b"\xA4\x01\x01\x03\x27\x20\x06\x21\x58\x20", key.public_key().as_ref()].concat()
            }
        }
    }

    fn client_data(&self, ceremony: &str, challenge: &Value) -> Vec<u8> {
        let mut data = json!({ "type": ceremony, "challenge": challenge, "origin": self.origin });
        let more = self.more.as_object().unwrap().clone();
        data.as_object_mut().unwrap().extend(more);
        serde_json::to_vec(&data).unwrap()
    }

    /// Authenticator data with the counter, and with what is attested.
    fn data(&self, attested: &[u8]) -> Vec<u8> {
        let flags = if attested.is_empty() { self.flags } else { self.flags | ATTESTED };
        let party = digest(&SHA256, self.party.as_bytes());
        [party.as_ref(), &[flags], &self.count.to_be_bytes(), attested].concat()
    }

    /// Makes the passkey that is asked for.
    pub(super) fn register(&mut self, options: &str) -> Value {
        let options: Value = serde_json::from_str(options).unwrap();
        self.handle = decoded(&options["user"]["id"]);
        let client_data = self.client_data("webauthn.create", &options["challenge"]);
        let length = u16::try_from(self.id.len()).unwrap().to_be_bytes();
        let attested = [&[0; 16][..], &length, &self.id, &self.cose()].concat();
        let data = self.data(&attested);
        let length = u16::try_from(data.len()).unwrap().to_be_bytes();
        let object = [HEAD, &length[..], &data];
        self.registered(&client_data, &object.concat())
    }

    /// The same with self attestation (section 8.2), which is signed by the passkey itself.
    pub(super) fn register_attested(&mut self, options: &str, change: u8) -> Value {
        let plain = self.register(options);
        let client_data = decoded(&plain["response"]["clientDataJSON"]);
        let object = decoded(&plain["response"]["attestationObject"]);
        let data = object.strip_prefix(HEAD).unwrap();
        let mut signature =
            self.sign(&[&data[2..], digest(&SHA256, &client_data).as_ref()].concat());
        signature[10] ^= change;
        let length = [u8::try_from(signature.len()).unwrap()];
        let head = b"\xA3\x63fmt\x66packed\x67attStmt\xA2\x63alg\x26\x63sig\x58";
        let parts = [&head[..], &length, &signature, b"\x68authData\x59", data];
        self.registered(&client_data, &parts.concat())
    }

    /// The JSON round an attestation object.
    pub(super) fn registered(&self, client_data: &[u8], object: &[u8]) -> Value {
        json!({
            "id": encoded(&self.id), "rawId": encoded(&self.id), "type": "public-key",
            "authenticatorAttachment": "platform", "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encoded(client_data), "attestationObject": encoded(object),
                "transports": ["internal", "hybrid"],
            },
        })
    }

    /// Answers with the passkey.
    pub(super) fn answer(&self, options: &str) -> Value {
        let options: Value = serde_json::from_str(options).unwrap();
        self.answer_as("webauthn.get", &options["challenge"])
    }

    pub(super) fn answer_as(&self, ceremony: &str, challenge: &Value) -> Value {
        let client_data = self.client_data(ceremony, challenge);
        let data = self.data(b"");
        let hash = digest(&SHA256, &client_data);
        let signature = self.sign(&[&data, hash.as_ref()].concat());
        json!({
            "id": encoded(&self.id), "rawId": encoded(&self.id), "type": "public-key",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": encoded(&client_data), "authenticatorData": encoded(&data),
                "signature": encoded(&signature), "userHandle": encoded(&self.handle),
            },
        })
    }
}

pub(super) fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn decoded(text: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.as_str().unwrap()).unwrap()
}
