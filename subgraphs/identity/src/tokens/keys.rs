//! The keys that sign access tokens, and how one takes over from another without anybody being signed out:
//! a new key is published for a while before it signs, and an old one is for as long as a token that it
//! signed can live. Every process reads the same from the keyring and the clock, so that none has to tell
//! another.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::{DecodingKey, EncodingKey};
use studio_kernel::{Env, Timestamp};
use studio_stores::keyring::{DatedKey, Keyring, KeyringError, SigningKey};
use tokio_util::sync::CancellationToken;

use super::{TokenVerifier, access::jwks, verifier::Keys};

/// The name of the keys in the keyring.
const PURPOSE: &str = "tokens";
/// Seconds from when a key is made until it signs. Whoever checks tokens reads the keys every five
/// minutes, or keeps them for so long.
const LEAD: i64 = 900;
/// Seconds for which a key is published beyond the last token that it can have signed: a process may
/// learn a little later that another key signs.
const SLACK: i64 = 300;
/// How often the keys are read anew.
const EVERY: Duration = Duration::from_secs(60);

/// How long keys and what they sign last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lifetimes {
    /// Seconds of an access token.
    pub token: i64,
    /// Days after which the newest key gets a successor; none by itself with 0.
    pub key_days: u32,
}

/// The keys as they are at a time.
pub(crate) struct KeySet {
    pub(super) signing: EncodingKey,
    pub(super) signing_id: String,
    pub(super) verifying: Keys,
    /// All that verify, as a JWK set.
    pub(crate) published: String,
    /// All that there are.
    keys: Vec<DatedKey>,
}

/// The keys of access tokens in this process.
pub(crate) struct TokenKeys {
    keyring: Arc<Keyring>,
    lifetimes: Lifetimes,
    env: Env,
    current: RwLock<Arc<KeySet>>,
}

impl TokenKeys {
    /// Reads the keys; makes the first.
    ///
    /// # Errors
    /// From the keyring.
    pub(crate) async fn open(
        keyring: Arc<Keyring>,
        lifetimes: Lifetimes,
        env: Env,
    ) -> Result<Self, KeyringError> {
        let keys = keyring.signing_keys(PURPOSE, &[]).await?;
        let current = set(keys, lifetimes, &env)?;
        Ok(Self { keyring, lifetimes, env, current: RwLock::new(Arc::new(current)) })
    }

    /// The keys as they were last read.
    pub(crate) fn current(&self) -> Arc<KeySet> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys anew, and makes the next one where it is time.
    ///
    /// # Errors
    /// From the keyring; the keys stay as they are.
    pub(crate) async fn renew(&self) -> Result<(), KeyringError> {
        let known = self.current();
        let mut keys = self.keyring.signing_keys(PURPOSE, &known.keys).await?;
        let seconds = i64::from(self.lifetimes.key_days) * 86_400;
        let now = self.env.now();
        let old = keys.last().is_some_and(|key| key.created_at.plus_seconds(seconds) <= now);
        if old && seconds > 0 {
            self.keyring.follow_signing_keys(PURPOSE, &keys).await?;
            keys = self.keyring.signing_keys(PURPOSE, &keys).await?;
            tracing::info!("there is a new key for access tokens; it will sign in some minutes");
        }
        let read = set(keys, self.lifetimes, &self.env)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(read);
        Ok(())
    }
}

/// What the keys are for now.
fn set(keys: Vec<DatedKey>, lifetimes: Lifetimes, env: &Env) -> Result<KeySet, KeyringError> {
    let made: Vec<Timestamp> = keys.iter().map(|key| key.created_at).collect();
    let plan = plan(&made, env.now(), lifetimes.token);
    let signing = &keys[plan.signing].key;
    let kept: Vec<&SigningKey> = keys[plan.kept..].iter().map(|dated| &*dated.key).collect();
    let verifying =
        |key: &&SigningKey| (key.id().to_owned(), DecodingKey::from_ed_der(key.public_key()));
    Ok(KeySet {
        signing: EncodingKey::from_ed_der(&signing.pkcs8()?),
        signing_id: signing.id().to_owned(),
        verifying: kept.iter().map(verifying).collect(),
        published: jwks(&kept).to_string(),
        keys,
    })
}

#[derive(Debug, PartialEq, Eq)]
struct Plan {
    /// Which key signs.
    signing: usize,
    /// The first that still verifies, with all after it.
    kept: usize,
}

/// What becomes of keys that were made then, in their order; there is at least one.
fn plan(made: &[Timestamp], now: Timestamp, token_seconds: i64) -> Plan {
    let begins = |key: usize| made[key].plus_seconds(LEAD);
    // The first has none before it that could sign meanwhile.
    let signing = (1..made.len()).rev().find(|key| begins(*key) <= now).unwrap_or(0);
    let ends = |key: usize| begins(key + 1).plus_seconds(token_seconds + SLACK);
    let kept = (0..signing).find(|key| now < ends(*key)).unwrap_or(signing);
    Plan { signing, kept }
}

/// Keeps the keys as they should be, and those that the verifier knows, until `shutdown`.
pub(crate) async fn keep_renewed(
    keys: Arc<TokenKeys>,
    verifier: TokenVerifier,
    shutdown: CancellationToken,
) {
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        match keys.renew().await {
            Ok(()) => verifier.take(&keys),
            Err(error) => tracing::warn!(%error, "the keys of access tokens cannot be read anew"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    #[test]
    fn a_new_key_waits_and_an_old_one_outlives_its_tokens() {
        let made = [at(0), at(10_000), at(20_000)];
        let token = 600;
        for (now, signing, kept) in [
            (0, 0, 0),
            // Published, and not signing yet.
            (10_000, 0, 0),
            (10_899, 0, 0),
            // Signing; the one before verifies for the life of a token and a little more.
            (10_900, 1, 0),
            (11_799, 1, 0),
            (11_800, 1, 1),
            (20_899, 1, 1),
            (20_900, 2, 1),
            (21_800, 2, 2),
        ] {
            let known = made.iter().filter(|made| **made <= at(now)).count();
            assert_eq!(plan(&made[..known], at(now), token), Plan { signing, kept }, "{now}");
        }
    }

    #[test]
    fn the_only_key_signs_at_once() {
        assert_eq!(plan(&[at(100)], at(100), 600), Plan { signing: 0, kept: 0 });
        // Two made in quick succession: the later one takes over, and neither is dropped too soon.
        let plan = plan(&[at(0), at(100), at(101)], at(1_001), 600);
        assert_eq!(plan, Plan { signing: 2, kept: 0 });
    }
}
