//! Signed checkpoints: a statement "at this position the log of this source had this hash", signed
//! with Ed25519 (RFC 8032). A log that was cut off, or rewritten from some position on, no longer
//! agrees with one. They stand in the store itself, and are worth most as copies kept elsewhere.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use sea_orm::ConnectionTrait;
use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use crate::{
    canonical::write_text,
    error::StoreError,
    hexadecimal,
    rows::{Head, statement},
};

/// So many positions at most lie between two signed checkpoints.
pub(crate) const SIGN_EVERY: i64 = 1_024;

/// Holds a private key.
pub trait CheckpointSigner: Send + Sync + 'static {
    /// The Ed25519 signature of a message, 64 bytes.
    fn sign(&self, message: &[u8]) -> Vec<u8>;
    /// The Ed25519 public key, 32 bytes.
    fn public_key(&self) -> Vec<u8>;
}

/// A signer whose key is in memory.
#[derive(Debug)]
pub struct Ed25519Signer(Ed25519KeyPair);

/// The seed was refused.
#[derive(Debug, thiserror::Error)]
#[error("an Ed25519 key cannot be made from this seed: it must be 32 random bytes")]
pub struct SeedError;

impl Ed25519Signer {
    /// The key pair of a seed of 32 random bytes.
    pub fn from_seed(seed: &[u8; 32]) -> Result<Self, SeedError> {
        Ed25519KeyPair::from_seed_unchecked(seed).map(Self).map_err(|_| SeedError)
    }
}

impl CheckpointSigner for Ed25519Signer {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(message).as_ref().to_vec()
    }

    fn public_key(&self) -> Vec<u8> {
        self.0.public_key().as_ref().to_vec()
    }
}

/// A signing key of the keyring.
impl CheckpointSigner for studio_stores::keyring::SigningKey {
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        Self::sign(self, message)
    }

    fn public_key(&self) -> Vec<u8> {
        Self::public_key(self).to_vec()
    }
}

/// A signed statement of what a log was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedCheckpoint {
    /// The position that was the newest.
    pub position: i64,
    /// The hash at that position.
    #[serde(with = "hexadecimal")]
    pub hash: [u8; 32],
    /// When it was signed.
    pub signed_at: Timestamp,
    /// The Ed25519 public key.
    #[serde(with = "hexadecimal")]
    pub public_key: Vec<u8>,
    /// The Ed25519 signature over [`SignedCheckpoint::message`].
    #[serde(with = "hexadecimal")]
    pub signature: Vec<u8>,
}

impl SignedCheckpoint {
    pub(crate) fn sign(
        signer: &dyn CheckpointSigner,
        source: &str,
        head: &Head,
        signed_at: Timestamp,
    ) -> Self {
        let mut checkpoint = Self {
            position: head.position,
            hash: head.hash,
            signed_at,
            public_key: signer.public_key(),
            signature: Vec::new(),
        };
        checkpoint.signature = signer.sign(checkpoint.message(source).as_bytes());
        checkpoint
    }

    /// What is signed: canonical JSON of `hash` (hexadecimal), `position`, `signed_at`, `source`.
    pub fn message(&self, source: &str) -> String {
        let mut text = format!(
            r#"{{"hash":"{}","position":{},"signed_at":"{}","source":"#,
            hex::encode(self.hash),
            self.position,
            self.signed_at
        );
        write_text(source, &mut text);
        text.push('}');
        text
    }

    /// Whether the signature over it is of this key.
    pub fn is_signed_by(&self, public_key: &[u8], source: &str) -> bool {
        self.public_key == public_key
            && UnparsedPublicKey::new(&ED25519, public_key)
                .verify(self.message(source).as_bytes(), &self.signature)
                .is_ok()
    }
}

pub(crate) async fn store<C: ConnectionTrait>(
    connection: &C,
    checkpoint: &SignedCheckpoint,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO log_checkpoints (position, hash, signed_at, public_key, signature) \
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (position) DO NOTHING";
    let values = vec![
        checkpoint.position.into(),
        checkpoint.hash.to_vec().into(),
        checkpoint.signed_at.micros().into(),
        checkpoint.public_key.clone().into(),
        checkpoint.signature.clone().into(),
    ];
    connection.execute_raw(statement(connection.get_database_backend(), sql, values)).await?;
    Ok(())
}

/// All of them, oldest first. A row that does not read is an error.
pub(crate) async fn stored<C: ConnectionTrait>(
    connection: &C,
) -> Result<Vec<SignedCheckpoint>, StoreError> {
    let sql = "SELECT position, hash, signed_at, public_key, signature FROM log_checkpoints \
               ORDER BY position";
    let rows =
        connection.query_all_raw(statement(connection.get_database_backend(), sql, vec![])).await?;
    rows.iter()
        .map(|row| {
            let position = row.try_get_by_index(0)?;
            let hash: Vec<u8> = row.try_get_by_index(1)?;
            Ok(SignedCheckpoint {
                position,
                hash: hash.try_into().map_err(|_| StoreError::Row {
                    position,
                    cause: "the hash of its signed checkpoint is not 32 bytes long".to_owned(),
                })?,
                signed_at: Timestamp::from_micros(row.try_get_by_index(2)?),
                public_key: row.try_get_by_index(3)?,
                signature: row.try_get_by_index(4)?,
            })
        })
        .collect()
}
