//! Blobs encrypted with the key of their organization (AES-256-GCM, in chunks), in any store.
//!
//! A sealed blob is `STUDIOB1`, the size of the content as 8 bytes (big endian), and then each
//! 64 KiB of content in an envelope of its own. Every envelope is bound to organization, name,
//! size and its place, so that nothing can be changed, cut off, swapped or put elsewhere unseen.
//! The name stays the hash of the content. While an upload is under way, its spool holds the
//! content as it came, in a file for the owner alone that vanishes with the spool.

use std::{io, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream;
use studio_kernel::{TenantId, Timestamp};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use super::{BlobError, BlobInfo, BlobReader, Blobs, ContentHash, Spool, Spooled};
use crate::keyring::{DataKey, Keyring};

const MAGIC: &[u8; 8] = b"STUDIOB1";
const HEADER: u64 = 16;
/// Bytes of content in an envelope.
const CHUNK: u64 = 64 * 1024;
/// What an envelope adds: nonce and tag.
const ENVELOPE: u64 = 12 + 16;

/// A store whose blobs are encrypted.
#[derive(Clone)]
pub struct SealedBlobs<B> {
    inner: B,
    keyring: Arc<Keyring>,
}

impl<B: Blobs> SealedBlobs<B> {
    /// Encrypts what `inner` keeps.
    pub fn new(inner: B, keyring: Arc<Keyring>) -> Self {
        Self { inner, keyring }
    }

    async fn key(&self, tenant: TenantId) -> Result<Arc<DataKey>, BlobError> {
        self.keyring.tenant_key(tenant).await.map_err(|error| BlobError::Key(error.to_string()))
    }
}

#[async_trait]
impl<B: Blobs> Blobs for SealedBlobs<B> {
    async fn spool(&self, limit: u64) -> Result<Spool, BlobError> {
        self.inner.spool(limit).await
    }

    async fn put(
        &self,
        tenant: TenantId,
        name: ContentHash,
        content: Spooled,
    ) -> Result<(), BlobError> {
        let key = self.key(tenant).await?;
        let size = content.size();
        let mut sealed = self.inner.spool(u64::MAX).await?;
        sealed.write(MAGIC).await?;
        sealed.write(&size.to_be_bytes()).await?;
        let mut reader = content.reader().await?;
        for index in 0..chunks(size) {
            let plain = read(&mut reader, chunk_size(size, index))
                .await
                .map_err(|error| BlobError::io(content.path(), error))?;
            let envelope = key
                .seal(&context(tenant, name, size, index), &plain)
                .map_err(|error| BlobError::Key(error.to_string()))?;
            sealed.write(&envelope).await?;
        }
        let sealed = sealed.finish().await?;
        self.inner.put(tenant, name, sealed).await
    }

    async fn open(&self, tenant: TenantId, name: ContentHash) -> Result<BlobReader, BlobError> {
        let key = self.key(tenant).await?;
        let mut reader = self.inner.open(tenant, name).await?;
        let damaged = |_| BlobError::Damaged { name, what: "it has no header" };
        let header = read(&mut reader, HEADER).await.map_err(damaged)?;
        let size = header
            .strip_prefix(MAGIC)
            .and_then(|size| size.try_into().ok())
            .map(u64::from_be_bytes)
            .ok_or(BlobError::Damaged { name, what: "it is not encrypted" })?;
        let opening = Opening { reader, key, tenant, name, size, index: 0 };
        let content = stream::try_unfold(opening, Opening::next);
        Ok(Box::pin(StreamReader::new(Box::pin(content))))
    }

    async fn info(
        &self,
        tenant: TenantId,
        name: ContentHash,
    ) -> Result<Option<BlobInfo>, BlobError> {
        Ok(self.inner.info(tenant, name).await?.map(of_content))
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
        Ok(self.inner.list(after, limit).await?.into_iter().map(of_content).collect())
    }
}

/// A sealed blob that is being read.
struct Opening {
    reader: BlobReader,
    key: Arc<DataKey>,
    tenant: TenantId,
    name: ContentHash,
    size: u64,
    index: u64,
}

impl Opening {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.index == chunks(self.size) {
            return Ok(None);
        }
        let sealed = chunk_size(self.size, self.index) + ENVELOPE;
        let envelope =
            read(&mut self.reader, sealed).await.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => self.damaged("it was cut off"),
                _ => error,
            })?;
        let context = context(self.tenant, self.name, self.size, self.index);
        let plain = self
            .key
            .open(&context, &envelope)
            .map_err(|_| self.damaged("it was changed, or its key is another"))?;
        self.index += 1;
        Ok(Some((Bytes::copy_from_slice(&plain), self)))
    }

    fn damaged(&self, what: &'static str) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, BlobError::Damaged { name: self.name, what })
    }
}

/// Even empty content has one envelope, so that it cannot be forged.
const fn chunks(size: u64) -> u64 {
    if size == 0 { 1 } else { size.div_ceil(CHUNK) }
}

const fn chunk_size(size: u64, index: u64) -> u64 {
    let rest = size.saturating_sub(index.saturating_mul(CHUNK));
    if rest < CHUNK { rest } else { CHUNK }
}

/// What a sealed blob holds, by its own size.
fn of_content(sealed: BlobInfo) -> BlobInfo {
    let body = sealed.size.saturating_sub(HEADER);
    let size = body.saturating_sub(body.div_ceil(CHUNK + ENVELOPE) * ENVELOPE);
    BlobInfo { size, ..sealed }
}

fn context(tenant: TenantId, name: ContentHash, size: u64, index: u64) -> Vec<u8> {
    format!("studio blob v1 {tenant} {name} {size} {index}").into_bytes()
}

async fn read(reader: &mut (impl AsyncRead + Unpin), size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(size).map_err(io::Error::other)?];
    reader.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use studio_kernel::Env;
    use uuid::Uuid;

    use super::*;
    use crate::blobs::{DirectoryBlobs, contract};

    async fn keyring(directory: &std::path::Path) -> Arc<Keyring> {
        Arc::new(Keyring::embedded(&directory.join("keys"), Env::system()).await.unwrap())
    }

    #[tokio::test]
    async fn keeps_the_contract() {
        let directory = tempfile::tempdir().unwrap();
        let keyring = keyring(directory.path()).await;
        contract::holds(|root, env| {
            let inner = DirectoryBlobs::open_with(root, env).unwrap();
            SealedBlobs::new(inner, keyring.clone())
        })
        .await;
    }

    struct World {
        directory: tempfile::TempDir,
        blobs: SealedBlobs<DirectoryBlobs>,
        tenant: TenantId,
    }

    impl World {
        async fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let inner = DirectoryBlobs::open(directory.path().join("blobs")).unwrap();
            let blobs = SealedBlobs::new(inner, keyring(directory.path()).await);
            Self { directory, blobs, tenant: TenantId::from_uuid(Uuid::from_u128(1)) }
        }

        async fn put(&self, content: &[u8]) -> ContentHash {
            let mut spool = self.blobs.spool(u64::MAX).await.unwrap();
            spool.write(content).await.unwrap();
            let spooled = spool.finish().await.unwrap();
            let name = spooled.hash();
            self.blobs.put(self.tenant, name, spooled).await.unwrap();
            name
        }

        fn file(&self, name: ContentHash) -> PathBuf {
            let (tenant, name) = (self.tenant.to_string(), name.to_string());
            self.directory.path().join("blobs").join(tenant).join(&name[..2]).join(name)
        }

        async fn read(&self, name: ContentHash) -> Result<Vec<u8>, String> {
            let reader = self.blobs.open(self.tenant, name).await;
            let mut bytes = Vec::new();
            let mut reader = reader.map_err(|error| error.to_string())?;
            let read = reader.read_to_end(&mut bytes).await;
            read.map(|_| bytes).map_err(|error| error.to_string())
        }
    }

    #[tokio::test]
    async fn what_lies_on_disk_tells_nothing() {
        let world = World::new().await;
        let name = world.put(&b"the access code is 1234 ".repeat(10_000)).await;
        let stored = fs::read(world.file(name)).unwrap();
        assert!(!stored.windows(6).any(|window| window == b"access"));
    }

    #[tokio::test]
    async fn every_change_is_found() {
        let world = World::new().await;
        let content: Vec<u8> = (0..150_000_u32).map(|i| (i % 253) as u8).collect();
        let name = world.put(&content).await;
        let file = world.file(name);
        let whole = fs::read(&file).unwrap();
        assert!(world.read(name).await.unwrap() == content);
        for at in (0..whole.len()).step_by(9_973).chain([8, 15, 16, whole.len() - 1]) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&file, &changed).unwrap();
            let error = world.read(name).await.unwrap_err();
            assert!(error.contains("restore it from a backup"), "{at}: {error}");
        }
        for length in [0, 8, 16, 17, 65_580, whole.len() - 1] {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(world.read(name).await.is_err(), "{length}");
        }
        // Chunks in another order.
        let mut swapped = whole.clone();
        let chunk = (CHUNK + ENVELOPE) as usize;
        swapped[16..16 + chunk].copy_from_slice(&whole[16 + chunk..16 + 2 * chunk]);
        swapped[16 + chunk..16 + 2 * chunk].copy_from_slice(&whole[16..16 + chunk]);
        fs::write(&file, &swapped).unwrap();
        assert!(world.read(name).await.is_err());
        // Another blob's bytes under this name.
        let other = world.put(&vec![7; content.len()]).await;
        fs::copy(world.file(other), &file).unwrap();
        assert!(world.read(name).await.is_err());
        fs::write(&file, &whole).unwrap();
        assert!(world.read(name).await.unwrap() == content);
    }
}
