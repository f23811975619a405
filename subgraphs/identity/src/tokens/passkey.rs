//! Challenges for passkeys that are asked for without knowing whose they will be. Nothing is kept of one:
//! it carries when it ends and a keyed hash over itself. That none is answered twice, the stream of the
//! person whose passkey answers it says.

use studio_kernel::{Env, Id, TenantId, Timestamp, kind};
use studio_stores::keyring::IndexKey;
use uuid::Uuid;

/// a number that is used once, when it ends.
const BODY: usize = 16 + 8;
const MAC: usize = 32;
/// Seconds within which a challenge has to be answered.
pub(crate) const PASSKEY_SECONDS: i64 = 300;

/// A challenge of ours that still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PasskeyChallenge(Uuid);

/// Makes and checks challenges.
pub(crate) struct PasskeyChallenges {
    key: IndexKey,
    env: Env,
}

impl PasskeyChallenges {
    /// With the key that tells our own from others.
    pub(crate) fn new(key: IndexKey, env: Env) -> Self {
        Self { key, env }
    }

    /// A new one.
    pub(crate) fn make(&self) -> Vec<u8> {
        let until = self.env.now().plus_seconds(PASSKEY_SECONDS);
        let mut bytes = self.env.uuid().as_bytes().to_vec();
        bytes.extend_from_slice(&until.micros().to_be_bytes());
        bytes.extend_from_slice(&self.key.mac(&bytes));
        bytes
    }

    /// Reads what a passkey signed; `None` for whatever this server never gave out or was given out too
    /// long ago.
    pub(crate) fn read(&self, bytes: &[u8]) -> Option<PasskeyChallenge> {
        let (body, mac) = bytes.split_first_chunk::<BODY>().filter(|(_, mac)| mac.len() == MAC)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(mac, &self.key.mac(body)).ok()?;
        let (number, until) = body.split_first_chunk::<16>()?;
        let until = Timestamp::from_micros(i64::from_be_bytes(until.try_into().ok()?));
        (self.env.now() < until).then(|| PasskeyChallenge(Uuid::from_bytes(*number)))
    }

    /// The session that the challenge becomes, if it is this person who answers: as that can begin once
    /// only, so can the challenge be used, and two people who answer the same one share nothing.
    pub(crate) fn session(
        &self,
        challenge: PasskeyChallenge,
        tenant: TenantId,
        user: Id<kind::User>,
    ) -> Id<kind::Session> {
        let mut bytes = *challenge.0.as_bytes();
        let whose = [&bytes[..], tenant.uuid().as_bytes(), user.uuid().as_bytes()].concat();
        // The time stays, by which ids sort, and the version and variant bits (RFC 9562, section 5.7).
        bytes[9..].copy_from_slice(&self.key.mac(&whose)[..7]);
        Id::from_uuid(Uuid::from_bytes(bytes))
    }
}
