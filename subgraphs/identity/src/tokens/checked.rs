//! Tokens whose signatures were checked lately: a signature costs fifty times what finding it here does,
//! and a client sends the same token for a quarter of an hour. Only what never changes of a token is kept;
//! its time, and whether its session is alive, are looked at every time.

use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

use super::access::AnyClaims;

/// Tokens that are remembered; those that were not seen for longest go first.
const MOST: u64 = 16_384;

/// Of a whole token, its signature included.
type Hash = [u8; 32];

/// Claims by the hashes of their tokens.
pub(super) struct Checked(Cache<Hash, AnyClaims>);

impl Checked {
    pub(super) fn new() -> Self {
        Self(Cache::new(MOST))
    }

    /// What the token says, by `check` where it is not known.
    pub(super) fn get<E>(
        &self,
        token: &str,
        check: impl FnOnce() -> Result<AnyClaims, E>,
    ) -> Result<AnyClaims, E> {
        let mut hash = Hash::default();
        hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        if let Some(claims) = self.0.get(&hash) {
            return Ok(claims);
        }
        let claims = check()?;
        self.0.insert(hash, claims.clone());
        Ok(claims)
    }

    /// Forgets all: other keys count from now on.
    pub(super) fn clear(&self) {
        self.0.invalidate_all();
    }
}
