//! Refresh tokens, of sessions and of apps, and the codes of apps. A token carries its organization, what it
//! belongs to (a session, or what a person allowed an app) and its number, 256 random bits, and a
//! keyed hash over all of that, so that one which was given out once is told from one which was
//! made up: only the former may end something when it comes a second time. Each kind has a key of its own.

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use studio_kernel::{Env, Id, TenantId, id::Kind};
use studio_stores::keyring::IndexKey;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::sha256;

/// organization, what it belongs to, number, randomness.
const BODY: usize = 16 + 16 + 4 + 32;
const MAC: usize = 32;

/// A refresh token, taken apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RefreshToken {
    /// The organization.
    pub tenant: TenantId,
    /// What it belongs to.
    of: Uuid,
    /// Its number within that, from 0.
    pub number: u32,
    secret: [u8; 32],
}

/// Makes and checks refresh tokens.
pub(crate) struct RefreshTokens {
    key: IndexKey,
    env: Env,
}

impl RefreshTokens {
    /// With the key that tells our own from others.
    pub(crate) fn new(key: IndexKey, env: Env) -> Self {
        Self { key, env }
    }

    /// A new token.
    pub(crate) fn make<K: Kind>(&self, tenant: TenantId, of: Id<K>, number: u32) -> RefreshToken {
        RefreshToken { tenant, of: of.uuid(), number, secret: self.env.bytes() }
    }

    /// The token as text for the client.
    pub(crate) fn write(&self, token: &RefreshToken) -> Zeroizing<String> {
        let mut bytes = token.body().to_vec();
        bytes.extend_from_slice(&self.mac(&token.body()));
        Zeroizing::new(URL_SAFE_NO_PAD.encode(Zeroizing::new(bytes)))
    }

    /// Reads what a client sent; `None` for whatever this server never gave out.
    pub(crate) fn read(&self, text: &str) -> Option<RefreshToken> {
        // Base64 of a fixed length: nothing longer is worth decoding.
        if text.len() != (BODY + MAC).div_ceil(3) * 4 - (3 - (BODY + MAC) % 3) % 3 {
            return None;
        }
        let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
        let (body, mac) = bytes.split_first_chunk::<BODY>()?;
        let expected = self.mac(body);
        aws_lc_rs::constant_time::verify_slices_are_equal(mac, &expected).ok()?;
        let (tenant, rest) = body.split_first_chunk::<16>()?;
        let (of, rest) = rest.split_first_chunk::<16>()?;
        let (number, secret) = rest.split_first_chunk::<4>()?;
        Some(RefreshToken {
            tenant: Id::from_uuid(Uuid::from_bytes(*tenant)),
            of: Uuid::from_bytes(*of),
            number: u32::from_be_bytes(*number),
            secret: secret.try_into().ok()?,
        })
    }

    fn mac(&self, body: &[u8; BODY]) -> [u8; MAC] {
        self.key.mac(body)
    }
}

impl RefreshToken {
    /// What it belongs to, which is of the kind that the key is for.
    pub(crate) fn of<K: Kind>(&self) -> Id<K> {
        Id::from_uuid(self.of)
    }

    /// What is stored of it: SHA-256.
    pub(crate) fn hash(&self) -> String {
        sha256(&*self.body())
    }

    fn body(&self) -> Zeroizing<[u8; BODY]> {
        let mut body = Zeroizing::new([0; BODY]);
        body[..16].copy_from_slice(self.tenant.uuid().as_bytes());
        body[16..32].copy_from_slice(self.of.as_bytes());
        body[32..36].copy_from_slice(&self.number.to_be_bytes());
        body[36..].copy_from_slice(&self.secret);
        body
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RefreshToken({}, {})", self.of, self.number)
    }
}
