//! Challenges: what stands between the password and the second factor. A code is sent along with one, a
//! passkey signs it. A challenge is no session. It says
//! for five minutes that its bearer knew the password, and carries a keyed hash over all of that, so that
//! nobody makes one up or turns one person's into another's.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use studio_kernel::{Id, TenantId, Timestamp, kind};
use studio_stores::keyring::IndexKey;
use uuid::Uuid;
use zeroize::Zeroizing;

/// organization, person, session, when it ends, what it is bound to, what it came after.
const BODY: usize = 16 + 16 + 16 + 8 + BOUND + 1;
const BOUND: usize = 16;
const MAC: usize = 32;
/// Seconds within which it has to be answered.
const SECONDS: i64 = 300;

/// A challenge, taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Challenge {
    /// The organization.
    pub tenant: TenantId,
    /// Who knew the password.
    pub user: Id<kind::User>,
    /// The session that it becomes: as that can begin once only, so can the challenge be used.
    pub session: Id<kind::Session>,
    until: Timestamp,
    bound: [u8; BOUND],
    /// What it came after.
    pub first: FirstFactor,
}

/// What a person has shown before the second factor is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstFactor {
    /// The password.
    Password,
    /// That a provider of identity vouches for them.
    Provider,
}

impl FirstFactor {
    const fn code(self) -> u8 {
        match self {
            Self::Password => 0,
            Self::Provider => 1,
        }
    }

    const fn of(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Password),
            1 => Some(Self::Provider),
            _ => None,
        }
    }
}

impl Challenge {
    /// For a person and the session to come. `password` is what is kept of the password: with
    /// another one, the challenge is over.
    pub(crate) fn new(
        tenant: TenantId,
        user: Id<kind::User>,
        session: Id<kind::Session>,
        password: &str,
        now: Timestamp,
    ) -> Self {
        let until = now.plus_seconds(SECONDS);
        let first = FirstFactor::Password;
        Self { tenant, user, session, until, bound: bound(password), first }
    }

    /// The same after something else than the password.
    #[must_use]
    pub(crate) fn after(self, first: FirstFactor) -> Self {
        Self { first, ..self }
    }

    /// Whether it can still be answered.
    pub(crate) fn holds(&self, password: &str, now: Timestamp) -> bool {
        now < self.until && self.bound == bound(password)
    }

    fn body(&self) -> [u8; BODY] {
        let mut body = [0; BODY];
        body[..16].copy_from_slice(self.tenant.uuid().as_bytes());
        body[16..32].copy_from_slice(self.user.uuid().as_bytes());
        body[32..48].copy_from_slice(self.session.uuid().as_bytes());
        body[48..56].copy_from_slice(&self.until.micros().to_be_bytes());
        body[56..56 + BOUND].copy_from_slice(&self.bound);
        body[BODY - 1] = self.first.code();
        body
    }
}

fn bound(password: &str) -> [u8; BOUND] {
    let mut bound = [0; BOUND];
    let hash = digest::digest(&digest::SHA256, password.as_bytes());
    bound.copy_from_slice(&hash.as_ref()[..BOUND]);
    bound
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Challenge({}, {})", self.user, self.session)
    }
}

/// Makes and checks challenges.
pub(crate) struct Challenges(IndexKey);

impl Challenges {
    /// With the key that tells our own from others.
    pub(crate) fn new(key: IndexKey) -> Self {
        Self(key)
    }

    /// The challenge as text for the client.
    pub(crate) fn write(&self, challenge: &Challenge) -> Zeroizing<String> {
        let body = challenge.body();
        let mut bytes = body.to_vec();
        bytes.extend_from_slice(&self.0.mac(&body));
        Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a passkey signs of a challenge that was written: its bytes.
    pub(crate) fn to_sign(text: &str) -> Option<Vec<u8>> {
        URL_SAFE_NO_PAD.decode(text).ok()
    }

    /// Reads what a client sent; `None` for whatever this server never gave out.
    pub(crate) fn read(&self, text: &str) -> Option<Challenge> {
        // Base64 of a fixed length: nothing longer is worth decoding.
        if text.len() != ((BODY + MAC) * 8).div_ceil(6) {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body, mac) = bytes.split_first_chunk::<BODY>()?;
        aws_lc_rs::constant_time::verify_slices_are_equal(mac, &self.0.mac(body)).ok()?;
        let (tenant, rest) = body.split_first_chunk::<16>()?;
        let (user, rest) = rest.split_first_chunk::<16>()?;
        let (session, rest) = rest.split_first_chunk::<16>()?;
        let (until, rest) = rest.split_first_chunk::<8>()?;
        let (bound, rest) = rest.split_first_chunk::<BOUND>()?;
        Some(Challenge {
            tenant: Id::from_uuid(Uuid::from_bytes(*tenant)),
            user: Id::from_uuid(Uuid::from_bytes(*user)),
            session: Id::from_uuid(Uuid::from_bytes(*session)),
            until: Timestamp::from_micros(i64::from_be_bytes(*until)),
            bound: *bound,
            first: FirstFactor::of(*rest.first()?)?,
        })
    }
}
