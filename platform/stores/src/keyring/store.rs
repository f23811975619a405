//! Where wrapped keys lie: apart from the logs and their backups, so that restoring a log brings
//! no erased person back.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use super::{KeyringError, name::KeyName};

/// A key at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Which key.
    pub name: KeyName,
    /// When it was made.
    pub created_at: Timestamp,
    /// The key, or the fact that it is gone.
    pub material: Material,
}

/// What is left of a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Material {
    /// It can be used.
    Wrapped {
        /// The id of the master key that wraps it.
        master: String,
        /// The wrapped key, base64.
        wrapped: String,
    },
    /// It was destroyed, and is never made again under this name.
    Destroyed {
        /// When.
        at: Timestamp,
    },
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wrapped { master, .. } => write!(f, "Wrapped {{ master: {master}, .. }}"),
            Self::Destroyed { at } => write!(f, "Destroyed {{ at: {at} }}"),
        }
    }
}

/// Keeps wrapped keys. What a call has returned for survives a power failure.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// The record of that name.
    async fn get(&self, name: &KeyName) -> Result<Option<KeyRecord>, KeyringError>;
    /// Adds the record unless one of that name exists, and gives the one that stands.
    async fn create(&self, record: KeyRecord) -> Result<KeyRecord, KeyringError>;
    /// Puts the record in the place of the one of that name, of which nothing stays, and gives the
    /// one that stands: a destroyed one stays as it is, whoever comes with another.
    async fn replace(&self, record: KeyRecord) -> Result<KeyRecord, KeyringError>;
    /// The names of all records, destroyed ones too.
    async fn names(&self) -> Result<Vec<KeyName>, KeyringError>;
    /// How many keys are destroyed, so that a process notices what others have destroyed; `None`
    /// from a store that one process uses.
    async fn destroyed(&self) -> Result<Option<u64>, KeyringError>;
}
