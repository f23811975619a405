//! The keys of a provider (RFC 7517): kept for an hour, and read again for a key that is not among them, but not
//! more often than once a minute, whatever tokens say.

use std::sync::Arc;

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use studio_kernel::{Env, Timestamp};
use tokio::sync::Mutex;

use super::{Refused, http};

/// Seconds after which keys are read again,
const FRESH: i64 = 3600;
/// and after which they may be for a key that is unknown.
const AGAIN: i64 = 60;

struct Read {
    from: String,
    at: Timestamp,
    keys: Arc<JwkSet>,
}

/// The keys of one provider, as they were last read.
pub(super) struct Keys {
    read: Mutex<Option<Read>>,
    env: Env,
}

impl Keys {
    pub(super) fn new(env: Env) -> Self {
        Self { read: Mutex::default(), env }
    }

    /// The key that signed a token with this `kid`; without one, the only key that signs.
    pub(super) async fn find(
        &self,
        client: &reqwest::Client,
        address: &str,
        kid: Option<&str>,
    ) -> Result<Jwk, Refused> {
        // Held while they are read: whoever comes meanwhile waits for the same answer.
        let mut read = self.read.lock().await;
        let now = self.env.now();
        let known =
            read.as_ref().filter(|it| it.from == address && now < it.at.plus_seconds(FRESH));
        if let Some(known) = known {
            if let Some(key) = choose(&known.keys, kid) {
                return Ok(key);
            }
            if now < known.at.plus_seconds(AGAIN) {
                return Err(Refused::Token(
                    "it is signed by a key that the provider does not have",
                ));
            }
        }
        let keys: JwkSet = http::json(client.get(address), "the list of its keys").await?;
        let keys = Arc::new(keys);
        *read = Some(Read { from: address.to_owned(), at: now, keys: keys.clone() });
        choose(&keys, kid)
            .ok_or(Refused::Token("it is signed by a key that the provider does not have"))
    }
}

fn choose(keys: &JwkSet, kid: Option<&str>) -> Option<Jwk> {
    let signs = |key: &&Jwk| {
        key.common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature)
    };
    let mut found = keys.keys.iter().filter(signs).filter(|key| match kid {
        Some(kid) => key.common.key_id.as_deref() == Some(kid),
        None => true,
    });
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one.clone()),
        // Which of several it is cannot be told (OpenID Connect Core 1.0, section 10.1).
        _ => None,
    }
}
