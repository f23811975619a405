//! Personal data as events store it.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{KeyringError, data_key::DataKey, name::KeyName};

/// Bytes that only the key of one person opens. Destroying that key erases them wherever they
/// were copied to, and changes no stored byte: the chain of events still verifies.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// The name of the key.
    key: KeyName,
    /// 12 bytes, base64.
    nonce: String,
    /// The encrypted bytes and the tag of 16 bytes, base64.
    ciphertext: String,
}

const NONCE: usize = 12;

impl Sealed {
    /// The name of the key that opens it.
    pub fn key(&self) -> &KeyName {
        &self.key
    }

    pub(super) fn seal(name: &KeyName, key: &DataKey, bytes: &[u8]) -> Result<Self, KeyringError> {
        let envelope = key.seal(&context(name), bytes)?;
        let (nonce, ciphertext) = envelope.split_at(NONCE);
        Ok(Self {
            key: name.clone(),
            nonce: STANDARD.encode(nonce),
            ciphertext: STANDARD.encode(ciphertext),
        })
    }

    pub(super) fn open(&self, key: &DataKey) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyringError> {
        let corrupt = |_| KeyringError::Corrupt(self.key.clone());
        let mut envelope = STANDARD.decode(&self.nonce).map_err(corrupt)?;
        if envelope.len() != NONCE {
            return Err(KeyringError::Corrupt(self.key.clone()));
        }
        envelope.extend(STANDARD.decode(&self.ciphertext).map_err(corrupt)?);
        key.open(&context(&self.key), &envelope)
            .map_err(|_| KeyringError::Corrupt(self.key.clone()))
    }
}

/// Binds the content to its person: one person's data never opens as another's.
fn context(name: &KeyName) -> Vec<u8> {
    format!("studio sealed v1 {name}").into_bytes()
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("key", &self.key).finish_non_exhaustive()
    }
}
