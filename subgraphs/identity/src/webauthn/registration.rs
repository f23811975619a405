//! A new passkey (section 7.1).

use std::fmt;

use serde::Deserialize;

use super::{
    PublicKey, Refused, RelyingParty,
    authenticator::AuthenticatorData,
    cbor::{self, Item},
    client::ClientData,
    credential_id, from_base64, read_json, sha256,
};

/// `RegistrationResponseJSON` (section 5.1.8), decoded and not checked yet.
pub struct Registration {
    id: Vec<u8>,
    client_data: Vec<u8>,
    attestation: Vec<u8>,
    transports: Vec<String>,
}

/// What is kept of a passkey.
#[derive(Clone, PartialEq, Eq)]
pub struct NewCredential {
    /// By what the authenticator knows it, 1 to 1023 bytes.
    pub id: Vec<u8>,
    /// The COSE_Key.
    pub key: Vec<u8>,
    /// The signature counter; 0 where none is kept.
    pub sign_count: u32,
    /// How browsers reach the authenticator: hints for them.
    pub transports: Vec<String>,
}

#[derive(Deserialize)]
struct Json {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    response: Response,
}

#[derive(Deserialize)]
struct Response {
    #[serde(rename = "clientDataJSON")]
    client_data: String,
    #[serde(rename = "attestationObject")]
    attestation: String,
    #[serde(default)]
    transports: Vec<String>,
}

/// Hints that are kept, and their length.
const MOST_TRANSPORTS: usize = 8;
const LONGEST_TRANSPORT: usize = 32;

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Registration(..)")
    }
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewCredential(..)")
    }
}

impl Registration {
    /// Reads what `PublicKeyCredential.toJSON()` gave.
    ///
    /// # Errors
    /// [`Refused`] with what is malformed.
    pub fn read(json: &str) -> Result<Self, Refused> {
        let Json { id, kind, response } = read_json(json)?;
        if kind != "public-key" {
            return Err(Refused::Json("its type is not public-key".to_owned()));
        }
        let mut transports = response.transports;
        transports.retain(|name| {
            name.len() <= LONGEST_TRANSPORT
                && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        });
        transports.truncate(MOST_TRANSPORTS);
        Ok(Self {
            id: credential_id(&id)?,
            client_data: from_base64("clientDataJSON", &response.client_data)?,
            attestation: from_base64("attestationObject", &response.attestation)?,
            transports,
        })
    }

    /// The challenge that it says to answer: to be looked at before it is checked, never instead.
    ///
    /// # Errors
    /// [`Refused`] where there is none.
    pub fn challenge(&self) -> Result<Vec<u8>, Refused> {
        ClientData::read(&self.client_data)?.challenge()
    }

    /// Whether it answers this challenge, and what there is to keep of it.
    ///
    /// # Errors
    /// [`Refused`] with what is wrong.
    pub fn check(self, party: &RelyingParty, challenge: &[u8]) -> Result<NewCredential, Refused> {
        ClientData::read(&self.client_data)?.check("webauthn.create", party, challenge)?;
        let attestation = cbor::whole(&self.attestation)?;
        let part = |name| attestation.at(name);
        let missing = Refused::Malformed("its attestation has not all its parts");
        let (Some(format), Some(statement), Some(signed)) = (
            part("fmt").and_then(Item::text),
            part("attStmt"),
            part("authData").and_then(Item::bytes),
        ) else {
            return Err(missing);
        };
        let data = AuthenticatorData::read(signed)?;
        data.check(party)?;
        let credential = data.credential.as_ref();
        let credential = credential.ok_or(Refused::Malformed("it holds no new credential"))?;
        if credential.id != self.id {
            return Err(Refused::Credential);
        }
        let key = PublicKey::read(credential.key)?;
        let signed = [signed, &sha256(&self.client_data)].concat();
        attested(format, statement, &key, &signed)?;
        Ok(NewCredential {
            key: credential.key.to_vec(),
            sign_count: data.sign_count,
            id: self.id,
            transports: self.transports,
        })
    }
}

/// Takes `none` (section 8.7), and self attestation in the format `packed` (section 8.2), which browsers
/// leave as it is.
fn attested(
    format: &str,
    statement: &Item<'_>,
    key: &PublicKey,
    signed: &[u8],
) -> Result<(), Refused> {
    let Item::Map(parts) = statement else {
        return Err(Refused::Malformed("its attestation statement is no map"));
    };
    match format {
        "none" if parts.is_empty() => Ok(()),
        "packed" if statement.at("x5c").is_none() => {
            let algorithm = statement.at("alg").and_then(Item::integer);
            let signature = statement.at("sig").and_then(Item::bytes);
            if algorithm != Some(key.algorithm()) {
                return Err(Refused::Signature);
            }
            key.verify(signed, signature.ok_or(Refused::Signature)?)
        }
        other => Err(Refused::Attestation(other.chars().take(32).collect())),
    }
}
