//! What the browser says that it did (section 5.8.1), which the authenticator signs by its hash.

use serde::Deserialize;

use super::{Refused, RelyingParty, from_base64, place, same};

/// `clientDataJSON`. Members that are not known are passed over, as the section asks for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ClientData {
    #[serde(rename = "type")]
    ceremony: String,
    challenge: String,
    origin: String,
    #[serde(default)]
    cross_origin: bool,
    #[serde(default)]
    top_origin: Option<String>,
}

impl ClientData {
    /// Reads the JSON (section 5.8.1.1).
    pub(super) fn read(json: &[u8]) -> Result<Self, Refused> {
        serde_json::from_slice(json).map_err(|error| Refused::Json(place(&error)))
    }

    /// The challenge that it answers.
    pub(super) fn challenge(&self) -> Result<Vec<u8>, Refused> {
        from_base64("challenge", &self.challenge)
    }

    /// Whether it is what was asked for (section 7.1, steps 7 to 11; section 7.2, steps 10 to 14).
    pub(super) fn check(
        &self,
        ceremony: &'static str,
        party: &RelyingParty,
        challenge: &[u8],
    ) -> Result<(), Refused> {
        if self.ceremony != ceremony {
            return Err(Refused::Ceremony(shortened(&self.ceremony)));
        }
        if !same(&self.challenge()?, challenge) {
            return Err(Refused::Challenge);
        }
        if self.origin != party.origin {
            let (shown, ours) = (shortened(&self.origin), party.origin.clone());
            return Err(Refused::Origin { shown, ours });
        }
        if self.cross_origin || self.top_origin.is_some() {
            return Err(Refused::Framed);
        }
        Ok(())
    }
}

/// As much of a stranger's text as a message needs.
fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}
