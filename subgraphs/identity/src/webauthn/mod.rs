//! The relying party of Web Authentication (W3C, Level 3; section numbers below are of it): what a browser
//! is asked for, and whether what it answers is right. Bytes in, verdicts out: no clock, no store, and
//! nothing is believed before its signature is checked.
//!
//! What is taken: keys of ES256, EdDSA (Ed25519) and RS256; attestation `none` and self attestation
//! (section 6.5.4), since nobody is asked for a certain make; user verification always (section 6.1, flag
//! UV), so that a passkey is more than one factor.

mod assertion;
mod authenticator;
mod cbor;
mod client;
mod cose;
mod options;
mod registration;

pub use assertion::Assertion;
pub use cose::PublicKey;
pub use options::{Asked, Person, creation_options, request_options};
pub use registration::{NewCredential, Registration};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;

/// Bytes of an answer at most, as JSON.
pub const LONGEST_ANSWER: usize = 16 * 1024;
/// Bytes of a credential id at most (section 4, Credential ID).
const LONGEST_ID: usize = 1023;

/// Why an answer is not taken. Each says what to do where something can be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Nothing has so many bytes.
    #[error("it has more than {LONGEST_ANSWER} bytes")]
    TooLong,
    /// It is not the JSON of `PublicKeyCredential.toJSON()`.
    #[error("it is not the JSON that PublicKeyCredential.toJSON() gives ({0})")]
    Json(String),
    /// A member is not base64url without padding.
    #[error("{0} is not base64url without padding")]
    Base64(&'static str),
    /// It was made for something else.
    #[error("it is a {0}, which is something else than what was asked for")]
    Ceremony(String),
    /// It answers another challenge.
    #[error("it answers another challenge than the one that was given")]
    Challenge,
    /// It was made on another site.
    #[error("it was made for {shown}, and this server is {ours}: open Studio there")]
    Origin {
        /// Where it was made.
        shown: String,
        /// Where it should have been.
        ours: String,
    },
    /// It was made within a page of another site.
    #[error("it was made within a page of another site")]
    Framed,
    /// The authenticator signed for another relying party.
    #[error("the authenticator signed for another server")]
    RelyingParty,
    /// Nobody was there.
    #[error("the authenticator did not see that somebody was there")]
    NotPresent,
    /// It was not unlocked.
    #[error(
        "the authenticator did not ask for a PIN, a finger or a face: set one of these up in it"
    )]
    NotVerified,
    /// The authenticator's data is malformed.
    #[error("the authenticator's data is malformed: {0}")]
    Malformed(&'static str),
    /// A key of another kind.
    #[error("its key is of a kind that this server does not know (algorithm {0})")]
    Algorithm(i64),
    /// The key is malformed.
    #[error("its key is malformed")]
    Key,
    /// An attestation that was not asked for.
    #[error("it has an attestation ({0}), which was not asked for")]
    Attestation(String),
    /// The ids differ.
    #[error("its parts name different credentials")]
    Credential,
    /// The signature is not right.
    #[error("its signature is not right")]
    Signature,
}

/// Whom passkeys are made for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelyingParty {
    id: String,
    id_hash: [u8; 32],
    origin: String,
}

impl RelyingParty {
    /// The server at a public address. `None` where browsers make no passkeys: the address must be
    /// `https://` or of this machine, and have a name and no IP address (section 5.1.3 and the definition
    /// of the RP ID in section 4). A server at 127.0.0.1 is for those who call it `localhost`.
    pub fn of(public_url: &str) -> Option<Self> {
        let uri: axum::http::Uri = public_url.parse().ok()?;
        let mut host = uri.host()?.to_ascii_lowercase();
        let scheme = uri.scheme_str()?;
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok();
        if scheme == "http" && address.is_some_and(|address| address.is_loopback()) {
            host = "localhost".to_owned();
        } else if address.is_some() {
            return None;
        }
        let local = host == "localhost" || host.ends_with(".localhost");
        if !(scheme == "https" || (scheme == "http" && local)) {
            return None;
        }
        let usual = if scheme == "https" { 443 } else { 80 };
        let port = uri.port_u16().filter(|port| *port != usual);
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let origin = format!("{scheme}://{host}{port}");
        Some(Self { id_hash: sha256(host.as_bytes()), id: host, origin })
    }

    /// The RP ID: the name of the server.
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

fn same(one: &[u8], other: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(one, other).is_ok()
}

/// Reads the JSON of an answer; members that are not known are passed over.
fn read_json<T: DeserializeOwned>(text: &str) -> Result<T, Refused> {
    if text.len() > LONGEST_ANSWER {
        return Err(Refused::TooLong);
    }
    serde_json::from_str(text).map_err(|error| Refused::Json(place(&error)))
}

/// Where JSON is wrong, without what stands there.
fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

fn from_base64(name: &'static str, text: &str) -> Result<Vec<u8>, Refused> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Base64(name))
}

fn credential_id(text: &str) -> Result<Vec<u8>, Refused> {
    let id = from_base64("id", text)?;
    if id.is_empty() || id.len() > LONGEST_ID {
        return Err(Refused::Malformed("a credential id has 1 to 1023 bytes"));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passkeys_are_for_servers_with_a_name_that_browsers_trust() {
        for (url, party) in [
            (
                "https://Studio.Example.org/",
                Some(("studio.example.org", "https://studio.example.org")),
            ),
            (
                "https://studio.example.org:443",
                Some(("studio.example.org", "https://studio.example.org")),
            ),
            ("https://a.example:8443/x", Some(("a.example", "https://a.example:8443"))),
            ("http://localhost:4000", Some(("localhost", "http://localhost:4000"))),
            ("http://localhost:80", Some(("localhost", "http://localhost"))),
            ("http://studio.localhost", Some(("studio.localhost", "http://studio.localhost"))),
            ("http://studio.example.org", None),
            ("http://127.0.0.1:4000", Some(("localhost", "http://localhost:4000"))),
            ("http://[::1]:4000", Some(("localhost", "http://localhost:4000"))),
            ("https://127.0.0.1:4000", None),
            ("http://0.0.0.0:4000", None),
            ("https://192.0.2.7", None),
            ("https://[2001:db8::1]:4000", None),
            ("studio.example.org", None),
            ("", None),
        ] {
            let found = RelyingParty::of(url);
            let found = found.as_ref().map(|it| (it.id.as_str(), it.origin.as_str()));
            assert_eq!(found, party, "{url}");
        }
    }
}
