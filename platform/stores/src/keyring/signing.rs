//! Keys that sign and keys that make values findable without showing them.

use std::fmt;

use aws_lc_rs::{
    digest, hmac,
    signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use super::KeyringError;

/// An Ed25519 key pair (RFC 8032).
pub struct SigningKey {
    pair: Ed25519KeyPair,
    public: [u8; 32],
    id: String,
}

impl SigningKey {
    pub(super) fn from_seed(seed: &[u8]) -> Result<Self, KeyringError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| KeyringError::Crypto)?;
        let public: [u8; 32] =
            pair.public_key().as_ref().try_into().map_err(|_| KeyringError::Crypto)?;
        let id = thumbprint(&public);
        Ok(Self { pair, public, id })
    }

    /// The signature over the message, 64 bytes.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// The public key, 32 bytes.
    pub fn public_key(&self) -> &[u8; 32] {
        &self.public
    }

    /// The JWK thumbprint of the public key (RFC 7638 and RFC 8037, appendix A.3), for `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The private key as PKCS #8 v1 DER, for libraries that sign by themselves.
    ///
    /// # Errors
    /// [`KeyringError::Crypto`] when the library refuses, which it has no reason to.
    pub fn pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let document = self.pair.to_pkcs8v1().map_err(|_| KeyringError::Crypto)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Whether the signature over the message is that of the Ed25519 public key.
pub fn verify_signature(public_key: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ED25519, public_key).verify(message, signature).is_ok()
}

fn thumbprint(public: &[u8; 32]) -> String {
    let x = URL_SAFE_NO_PAD.encode(public);
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes()))
}

/// Makes keyed hashes (HMAC-SHA-256), so that a value can be looked up in a table that does not
/// hold it: without the key nobody can try values out.
pub struct IndexKey(hmac::Key);

impl IndexKey {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The keyed hash, to prove later that a value came from here. Compare in constant time.
    pub fn mac(&self, value: &[u8]) -> [u8; 32] {
        let mut mac = [0; 32];
        mac.copy_from_slice(hmac::sign(&self.0, value).as_ref());
        mac
    }

    /// The keyed hash as 64 lower-case hexadecimal digits.
    pub fn digest(&self, value: &[u8]) -> String {
        hex::encode(hmac::sign(&self.0, value))
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IndexKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8037, appendices A.1 to A.3.
    #[test]
    fn the_thumbprint_of_the_rfc() {
        let seed = hex::decode("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let key = SigningKey::from_seed(&seed.unwrap()).unwrap();
        assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        let signature = key.sign(b"message");
        assert!(verify_signature(key.public_key(), b"message", &signature));
        assert!(!verify_signature(key.public_key(), b"massage", &signature));
    }
}
