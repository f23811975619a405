//! A data key in use: AES-256-GCM (NIST SP 800-38D) with a fresh random 96-bit nonce per envelope.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use studio_kernel::Env;
use zeroize::Zeroizing;

use super::KeyringError;

/// Bytes of every key.
pub(super) const KEY_LEN: usize = 32;

/// A key that encrypts. Cheap operations, no I/O; never shows its bytes.
pub struct DataKey {
    key: LessSafeKey,
    env: Env,
}

impl DataKey {
    pub(super) fn new(bytes: &[u8], env: Env) -> Result<Self, KeyringError> {
        let key = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| KeyringError::Crypto)?;
        Ok(Self { key: LessSafeKey::new(key), env })
    }

    /// Bytes of the nonce that an envelope begins with.
    pub(crate) const NONCE: usize = NONCE_LEN;
    /// Bytes of the tag that it ends with.
    pub(crate) const TAG: usize = 16;

    /// Encrypts: 12 bytes of nonce, the ciphertext, 16 bytes of tag. `context` is bound to the
    /// envelope and must be given again to open it; it says what and whose the content is.
    ///
    /// # Errors
    /// [`KeyringError::Crypto`] for content of 64 GiB or more, which GCM cannot take.
    pub fn seal(&self, context: &[u8], content: &[u8]) -> Result<Vec<u8>, KeyringError> {
        let mut envelope = Vec::with_capacity(Self::NONCE + content.len() + Self::TAG);
        self.begin(&mut envelope);
        envelope.extend_from_slice(content);
        self.seal_in_place(context, &mut envelope, 0)?;
        Ok(envelope)
    }

    /// Begins an envelope at the end of `out`: its content follows, and then
    /// [`DataKey::seal_in_place`].
    pub(crate) fn begin(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.random::<NONCE_LEN>());
    }

    /// Encrypts the content of an envelope that began at `start` and ends where `out` does.
    pub(crate) fn seal_in_place(
        &self,
        context: &[u8],
        out: &mut Vec<u8>,
        start: usize,
    ) -> Result<(), KeyringError> {
        let envelope = out.get_mut(start..).ok_or(KeyringError::Crypto)?;
        let (nonce, content) =
            envelope.split_first_chunk_mut::<NONCE_LEN>().ok_or(KeyringError::Crypto)?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(context), content)
            .map_err(|_| KeyringError::Crypto)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        self.env.bytes()
    }

    /// Decrypts what [`DataKey::seal`] made with the same key and context.
    ///
    /// # Errors
    /// [`KeyringError::Crypto`] when the envelope was changed, or key or context are others.
    pub fn open(
        &self,
        context: &[u8],
        envelope: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let (nonce, sealed) =
            envelope.split_first_chunk::<NONCE_LEN>().ok_or(KeyringError::Crypto)?;
        let mut content = Zeroizing::new(sealed.to_vec());
        let length = self
            .key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context), &mut content)
            .map_err(|_| KeyringError::Crypto)?
            .len();
        content.truncate(length);
        Ok(content)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_of_an_envelope_counts() {
        let key = DataKey::new(&[7; KEY_LEN], Env::system()).unwrap();
        let envelope = key.seal(b"context", b"content").unwrap();
        assert_eq!(&**key.open(b"context", &envelope).unwrap(), b"content");
        assert!(key.open(b"other", &envelope).is_err());
        for at in 0..envelope.len() {
            let mut changed = envelope.clone();
            changed[at] ^= 1;
            assert!(key.open(b"context", &changed).is_err(), "byte {at}");
            assert!(key.open(b"context", &envelope[..at]).is_err(), "cut at {at}");
        }
        let other = DataKey::new(&[8; KEY_LEN], Env::system()).unwrap();
        assert!(other.open(b"context", &envelope).is_err());
    }

    #[test]
    fn two_envelopes_of_one_content_differ() {
        let key = DataKey::new(&[7; KEY_LEN], Env::system()).unwrap();
        assert_ne!(key.seal(b"", b"same").unwrap(), key.seal(b"", b"same").unwrap());
    }
}
