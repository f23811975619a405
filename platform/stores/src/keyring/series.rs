//! Signing keys of one purpose that follow each other: the first is named by the purpose alone, the second
//! `<purpose>_2`, and so on. When one takes over from the one before is for their user to say.

use std::sync::Arc;

use studio_kernel::Timestamp;

use super::{KeyName, KeyRecord, Keyring, KeyringError, Material, SigningKey};

/// One of the keys, and when it was made.
#[derive(Debug, Clone)]
pub struct DatedKey {
    number: usize,
    /// The key.
    pub key: Arc<SigningKey>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Keyring {
    /// The signing keys of a purpose in their order, at least one; those that were destroyed are left
    /// out. What is `known` from before is not unwrapped again: a master key may be a service that
    /// is paid by the call.
    ///
    /// # Errors
    /// [`KeyringError`] from the store or the master key; [`KeyringError::Destroyed`] where none is
    /// left.
    pub async fn signing_keys(
        &self,
        purpose: &str,
        known: &[DatedKey],
    ) -> Result<Vec<DatedKey>, KeyringError> {
        let mut records = self.series(purpose).await?;
        if records.is_empty() {
            self.named(named(purpose, 1)).await?;
            records = self.series(purpose).await?;
        }
        let mut keys = Vec::new();
        for (record, number) in records.iter().zip(1..) {
            if matches!(record.material, Material::Destroyed { .. }) {
                continue;
            }
            let known = known.iter().find(|known| known.number == number);
            let key = match known {
                Some(known) => known.key.clone(),
                None => Arc::new(SigningKey::from_seed(&self.unwrap(record).await?)?),
            };
            keys.push(DatedKey { number, key, created_at: record.created_at });
        }
        match (keys.is_empty(), records.into_iter().next_back()) {
            (true, Some(last)) => Err(KeyringError::Destroyed(last.name)),
            _ => Ok(keys),
        }
    }

    /// Makes the key that follows the last one that there is.
    ///
    /// # Errors
    /// [`KeyringError`] from the store or the master key.
    pub async fn add_signing_key(&self, purpose: &str) -> Result<(), KeyringError> {
        let count = self.series(purpose).await?.len();
        self.named(named(purpose, count + 1)).await.map(drop)
    }

    /// Makes the key that follows the last of these, which [`Keyring::signing_keys`] gave. Nothing happens
    /// where there is one already: processes that find the same key old make one.
    ///
    /// # Errors
    /// [`KeyringError`] from the store or the master key.
    pub async fn follow_signing_keys(
        &self,
        purpose: &str,
        known: &[DatedKey],
    ) -> Result<(), KeyringError> {
        let last = known.last().map_or(0, |key| key.number);
        self.named(named(purpose, last + 1)).await.map(drop)
    }

    /// Destroys all keys of the purpose but the last one: what they signed verifies no more.
    ///
    /// # Errors
    /// [`KeyringError`] from the store; some may be destroyed then.
    pub async fn destroy_former_signing_keys(&self, purpose: &str) -> Result<(), KeyringError> {
        let mut records = self.series(purpose).await?;
        records.pop();
        for record in records {
            let material = Material::Destroyed { at: self.env.now() };
            self.store.replace(KeyRecord { material, ..record }).await?;
        }
        Ok(())
    }

    async fn series(&self, purpose: &str) -> Result<Vec<KeyRecord>, KeyringError> {
        let mut records = Vec::new();
        while let Some(record) = self.store.get(&named(purpose, records.len() + 1)).await? {
            records.push(record);
        }
        Ok(records)
    }
}

fn named(purpose: &str, number: usize) -> KeyName {
    KeyName::Signing(match number {
        1 => purpose.to_owned(),
        number => format!("{purpose}_{number}"),
    })
}
