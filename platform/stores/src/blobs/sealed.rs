//! Blobs encrypted with the key of their organization (AES-256-GCM, in chunks), in any store. The
//! name stays the hash of the content. How they look is said in [`super::sealing`].
//!
//! A sealed blob has no presigned address, whatever keeps it: what lies there is a ciphertext, and
//! its key stays here.

use std::sync::Arc;

use async_trait::async_trait;
use studio_kernel::{TenantId, Timestamp};
use tokio::io::AsyncReadExt;

use super::{
    BlobError, BlobInfo, BlobReader, Blobs, ContentHash, Spool, Spooled,
    sealing::{self, Sealing},
};
use crate::keyring::{DataKey, Keyring};

/// A store whose blobs are encrypted.
#[derive(Clone)]
pub struct SealedBlobs {
    inner: Arc<dyn Blobs>,
    keyring: Arc<Keyring>,
}

impl SealedBlobs {
    /// Encrypts what `inner` keeps.
    pub fn new(inner: Arc<dyn Blobs>, keyring: Arc<Keyring>) -> Self {
        Self { inner, keyring }
    }

    async fn key(&self, tenant: TenantId) -> Result<Arc<DataKey>, BlobError> {
        self.keyring.tenant_key(tenant).await.map_err(BlobError::Key)
    }
}

#[async_trait]
impl Blobs for SealedBlobs {
    async fn spool(&self, limit: u64) -> Result<Spool, BlobError> {
        self.inner.spool(limit).await
    }

    async fn spool_for(&self, tenant: TenantId, limit: u64) -> Result<Spool, BlobError> {
        let key = self.key(tenant).await?;
        Ok(self.inner.spool(limit).await?.sealing(Sealing::new(key, tenant)))
    }

    async fn put(
        &self,
        tenant: TenantId,
        name: ContentHash,
        content: Spooled,
    ) -> Result<(), BlobError> {
        if name != content.content_hash() {
            return Err(BlobError::Damaged { name, what: "its content has another hash" });
        }
        if content.sealed_for() == Some(tenant) {
            return self.inner.put(tenant, name, content).await;
        }
        let mut sealed = self.spool_for(tenant, u64::MAX).await?;
        let mut reader = content.reader().await?;
        let mut bytes = vec![0; sealing::CHUNK];
        loop {
            let read = reader.read(&mut bytes).await;
            match read.map_err(|error| BlobError::io(content.path(), error))? {
                0 => break,
                read => sealed.write(&bytes[..read]).await?,
            }
        }
        self.inner.put(tenant, name, sealed.finish().await?).await
    }

    async fn open(&self, tenant: TenantId, name: ContentHash) -> Result<BlobReader, BlobError> {
        let sealed = self.inner.open(tenant, name).await?;
        let key = self.keyring.existing_tenant_key(tenant).await.map_err(BlobError::Key)?;
        let what = "the keyring holds no key of its organization";
        let key = key.ok_or(BlobError::Damaged { name, what })?;
        sealing::open(sealed, key, tenant, name).await
    }

    async fn info(
        &self,
        tenant: TenantId,
        name: ContentHash,
    ) -> Result<Option<BlobInfo>, BlobError> {
        self.inner.info(tenant, name).await
    }

    async fn delete(
        &self,
        tenant: TenantId,
        name: ContentHash,
        unless_newer_than: Option<Timestamp>,
    ) -> Result<bool, BlobError> {
        self.inner.delete(tenant, name, unless_newer_than).await
    }

    async fn list(
        &self,
        after: Option<(TenantId, ContentHash)>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, BlobError> {
        self.inner.list(after, limit).await
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;
    use crate::blobs::{DirectoryBlobs, contract};

    #[tokio::test]
    async fn keeps_the_contract() {
        let directory = tempfile::tempdir().unwrap();
        let keys = directory.path().join("keys");
        let keyring = Arc::new(Keyring::embedded(&keys, Env::system()).await.unwrap());
        contract::holds(async |root: &std::path::Path, env| {
            let inner = DirectoryBlobs::open_with(root, env).unwrap();
            SealedBlobs::new(Arc::new(inner), keyring.clone())
        })
        .await;
    }
}
