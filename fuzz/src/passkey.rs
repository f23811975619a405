//! What browsers answer for passkeys: any bytes are refused or read, no answer is one to another challenge,
//! and the key of what is taken can be read again.

use std::sync::LazyLock;

use studio_identity::webauthn::{Assertion, PublicKey, Registration, RelyingParty};

static PARTY: LazyLock<RelyingParty> =
    LazyLock::new(|| RelyingParty::of("http://localhost:4000").expect("localhost has a name"));

/// A key that belongs to nobody.
static KEY: LazyLock<PublicKey> =
    LazyLock::new(|| PublicKey::read(COSE).expect("it is on the curve"));

/// COSE_Key of ES256: the base point of P-256 (SEC 2, section 2.4.2), whose private half is 1.
const COSE: &[u8] = b"\xA5\x01\x02\x03\x26\x20\x01\x21\x58\x20\
    \x6B\x17\xD1\xF2\xE1\x2C\x42\x47\xF8\xBC\xE6\xE5\x63\xA4\x40\xF2\
    \x77\x03\x7D\x81\x2D\xEB\x33\xA0\xF4\xA1\x39\x45\xD8\x98\xC2\x96\
    \x22\x58\x20\
    \x4F\xE3\x42\xE2\xFE\x1A\x7F\x9B\x8E\xE7\xEB\x4A\x7C\x0F\x9E\x16\
    \x2B\xCE\x33\x57\x6B\x31\x5E\xCE\xCB\xB6\x40\x68\x37\xBF\x51\xF5";

pub fn check(bytes: &[u8]) {
    let _ = PublicKey::read(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(registration) = Registration::read(text)
        && let Ok(challenge) = registration.challenge()
        && let Ok(new) = registration.check(&PARTY, &challenge)
    {
        assert!((1..=1023).contains(&new.id.len()));
        assert!(PublicKey::read(&new.key).is_ok(), "what is kept can be read again");
    }
    if let Ok(assertion) = Assertion::read(text)
        && let Ok(challenge) = assertion.challenge()
    {
        let mut other = challenge.clone();
        other.push(0);
        assert!(assertion.check(&PARTY, &KEY, &other).is_err(), "another challenge");
        let _ = assertion.check(&PARTY, &KEY, &challenge);
    }
}
