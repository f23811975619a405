//! An answer of a passkey that is known (section 7.2).

use std::fmt;

use serde::Deserialize;

use super::{
    PublicKey, Refused, RelyingParty, authenticator::AuthenticatorData, client::ClientData,
    credential_id, from_base64, read_json, sha256,
};

/// `AuthenticationResponseJSON` (section 5.1.8), decoded and not checked yet.
pub struct Assertion {
    /// By what the authenticator knows the passkey.
    pub credential: Vec<u8>,
    /// Whose it is, as it was told when the passkey was made; not every authenticator says.
    pub user_handle: Option<Vec<u8>>,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
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
    #[serde(rename = "authenticatorData")]
    authenticator_data: String,
    signature: String,
    #[serde(default, rename = "userHandle")]
    user_handle: Option<String>,
}

impl fmt::Debug for Assertion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Assertion(..)")
    }
}

impl Assertion {
    /// Reads what `PublicKeyCredential.toJSON()` gave.
    ///
    /// # Errors
    /// [`Refused`] with what is malformed.
    pub fn read(json: &str) -> Result<Self, Refused> {
        let Json { id, kind, response } = read_json(json)?;
        if kind != "public-key" {
            return Err(Refused::Json("its type is not public-key".to_owned()));
        }
        let handle = response.user_handle.map(|text| from_base64("userHandle", &text));
        Ok(Self {
            credential: credential_id(&id)?,
            user_handle: handle.transpose()?,
            client_data: from_base64("clientDataJSON", &response.client_data)?,
            authenticator_data: from_base64("authenticatorData", &response.authenticator_data)?,
            signature: from_base64("signature", &response.signature)?,
        })
    }

    /// The challenge that it says to answer: to be looked at before it is checked, never instead.
    ///
    /// # Errors
    /// [`Refused`] where there is none.
    pub fn challenge(&self) -> Result<Vec<u8>, Refused> {
        ClientData::read(&self.client_data)?.challenge()
    }

    /// Whether the key signed an answer to this challenge for this server; its counter then.
    ///
    /// # Errors
    /// [`Refused`] with what is wrong.
    pub fn check(
        &self,
        party: &RelyingParty,
        key: &PublicKey,
        challenge: &[u8],
    ) -> Result<u32, Refused> {
        ClientData::read(&self.client_data)?.check("webauthn.get", party, challenge)?;
        let data = AuthenticatorData::read(&self.authenticator_data)?;
        data.check(party)?;
        let signed = [&self.authenticator_data[..], &sha256(&self.client_data)].concat();
        key.verify(&signed, &self.signature)?;
        Ok(data.sign_count)
    }
}
