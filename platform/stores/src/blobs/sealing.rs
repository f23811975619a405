//! The form of a sealed blob, written and read as the bytes come.
//!
//! A sealed blob is `STUDIOB2`, 16 random bytes that are its own, its head in an envelope (the
//! SHA-256 of the content, and its size as 8 bytes, big endian), and then each 64 KiB of content in
//! an envelope of its own. Each envelope is bound to the organization, to the random bytes and to
//! its place, and the head says what all of it is: nothing can be changed, cut off, swapped or put
//! elsewhere unseen. The head is written when the content is whole, so that content is sealed
//! while it arrives and never lies on the disk as it came.
//!
//! `STUDIOB1`, which is still read, has the size instead of the head, and binds each envelope to
//! hash and size, which only content that is whole already can have.

use std::{io, sync::Arc};

use bytes::Bytes;
use futures::stream;
use studio_kernel::TenantId;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio_util::io::StreamReader;

use super::{BlobError, BlobReader, ContentHash};
use crate::keyring::DataKey;

const FIRST: &[u8; 8] = b"STUDIOB1";
const MAGIC: &[u8; 8] = b"STUDIOB2";
const ID: usize = 16;
/// Hash and size.
const HEAD: usize = 32 + 8;
/// Bytes of content in an envelope.
pub(super) const CHUNK: usize = 64 * 1024;
/// What an envelope adds: nonce and tag.
const ENVELOPE: usize = DataKey::NONCE + DataKey::TAG;
/// Bytes before the content.
const HEADER: usize = MAGIC.len() + ID + HEAD + ENVELOPE;

/// Seals content as it comes.
pub(super) struct Sealing {
    pub(super) key: Arc<DataKey>,
    pub(super) tenant: TenantId,
    id: [u8; ID],
    /// The envelope that is being filled.
    index: u64,
    filled: usize,
}

impl Sealing {
    pub(super) fn new(key: Arc<DataKey>, tenant: TenantId) -> Self {
        let id = key.random();
        Self { key, tenant, id, index: 0, filled: 0 }
    }

    /// What a file begins with until [`Sealing::head`] is known, and the first envelope.
    pub(super) fn beginning(&self) -> Vec<u8> {
        let mut out = vec![0; HEADER];
        self.key.begin(&mut out);
        out
    }

    /// Takes content; `out` ends in the envelope that is being filled.
    pub(super) fn take(&mut self, mut content: &[u8], out: &mut Vec<u8>) -> Result<(), BlobError> {
        while !content.is_empty() {
            if self.filled == CHUNK {
                self.close(out)?;
                self.key.begin(out);
            }
            let (now, later) = content.split_at(content.len().min(CHUNK - self.filled));
            out.extend_from_slice(now);
            self.filled += now.len();
            content = later;
        }
        Ok(())
    }

    /// Bytes at the end of `out` that are not sealed yet.
    pub(super) fn open(&self) -> usize {
        DataKey::NONCE + self.filled
    }

    /// Closes the last envelope. Even empty content has one, so that it cannot be forged.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) -> Result<(), BlobError> {
        self.close(out)
    }

    fn close(&mut self, out: &mut Vec<u8>) -> Result<(), BlobError> {
        let start = out.len().saturating_sub(self.open());
        self.key
            .seal_in_place(&place(self.tenant, &self.id, self.index), out, start)
            .map_err(BlobError::Key)?;
        self.index += 1;
        self.filled = 0;
        Ok(())
    }

    /// The first [`HEADER`] bytes of the file.
    pub(super) fn head(&self, name: ContentHash, size: u64) -> Result<Vec<u8>, BlobError> {
        let head = [&name.as_bytes()[..], &size.to_be_bytes()].concat();
        let envelope =
            self.key.seal(&of_head(self.tenant, &self.id), &head).map_err(BlobError::Key)?;
        Ok([&MAGIC[..], &self.id, &envelope].concat())
    }
}

fn place(tenant: TenantId, id: &[u8; ID], index: u64) -> Vec<u8> {
    format!("studio blob v2 {tenant} {} {index}", hex::encode(id)).into_bytes()
}

fn of_head(tenant: TenantId, id: &[u8; ID]) -> Vec<u8> {
    format!("studio blob v2 {tenant} {} head", hex::encode(id)).into_bytes()
}

/// What the envelopes of a blob are bound to.
enum Bound {
    First,
    Own([u8; ID]),
}

/// A sealed blob that is being read.
struct Opening {
    reader: BlobReader,
    key: Arc<DataKey>,
    tenant: TenantId,
    name: ContentHash,
    bound: Bound,
    size: u64,
    index: u64,
}

/// Reads the content of a sealed blob; `name` is what it must be.
pub(super) async fn open(
    mut reader: BlobReader,
    key: Arc<DataKey>,
    tenant: TenantId,
    name: ContentHash,
) -> Result<BlobReader, BlobError> {
    let no_header = |error: io::Error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BlobError::Damaged { name, what: "it has no header" },
        _ => BlobError::of_reading(error),
    };
    let magic = read(&mut reader, MAGIC.len()).await.map_err(no_header)?;
    let (bound, size) = if magic == FIRST {
        let size = read(&mut reader, 8).await.map_err(no_header)?;
        (Bound::First, number(&size))
    } else if magic == MAGIC {
        let head = read(&mut reader, HEADER - MAGIC.len()).await.map_err(no_header)?;
        let changed =
            BlobError::Damaged { name, what: "its head was changed, or its key is another" };
        let Some((id, envelope)) = head.split_first_chunk::<ID>() else { return Err(changed) };
        let Ok(head) = key.open(&of_head(tenant, id), envelope) else { return Err(changed) };
        let (of, size) = head.split_at(head.len().min(32));
        if of != name.as_bytes() {
            return Err(BlobError::Damaged { name, what: "it is another blob" });
        }
        (Bound::Own(*id), number(size))
    } else {
        return Err(BlobError::Damaged { name, what: "it is not encrypted" });
    };
    let opening = Opening { reader, key, tenant, name, bound, size, index: 0 };
    Ok(Box::pin(StreamReader::new(Box::pin(stream::try_unfold(opening, Opening::next)))))
}

impl Opening {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.index == chunks(self.size) {
            return Ok(None);
        }
        let content = chunk_size(self.size, self.index);
        let envelope =
            read(&mut self.reader, content + ENVELOPE).await.map_err(|error| {
                match error.kind() {
                    io::ErrorKind::UnexpectedEof => self.damaged("it was cut off"),
                    _ => error,
                }
            })?;
        let context = match &self.bound {
            Bound::Own(id) => place(self.tenant, id, self.index),
            Bound::First => {
                let Self { tenant, name, size, index, .. } = &self;
                format!("studio blob v1 {tenant} {name} {size} {index}").into_bytes()
            }
        };
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

/// A number of 8 bytes, big endian; a length that is none is caught by what is bound to it.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Even empty content has one envelope.
const fn chunks(size: u64) -> u64 {
    if size == 0 { 1 } else { size.div_ceil(CHUNK as u64) }
}

const fn chunk_size(size: u64, index: u64) -> usize {
    let rest = size.saturating_sub(index.saturating_mul(CHUNK as u64));
    if rest < CHUNK as u64 { rest as usize } else { CHUNK }
}

async fn read(reader: &mut (impl AsyncRead + Unpin), size: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; size];
    reader.read_exact(&mut bytes).await?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use studio_kernel::Env;
    use uuid::Uuid;

    use super::*;
    use crate::{
        blobs::{Blobs, DirectoryBlobs, SealedBlobs},
        keyring::Keyring,
    };

    struct World {
        directory: tempfile::TempDir,
        blobs: SealedBlobs,
        keyring: Arc<Keyring>,
        tenant: TenantId,
    }

    impl World {
        async fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let inner = DirectoryBlobs::open(directory.path().join("blobs")).unwrap();
            let keyring =
                Keyring::embedded(&directory.path().join("keys"), Env::system()).await.unwrap();
            let keyring = Arc::new(keyring);
            let blobs = SealedBlobs::new(Arc::new(inner), keyring.clone());
            Self { directory, blobs, keyring, tenant: TenantId::from_uuid(Uuid::from_u128(1)) }
        }

        async fn put(&self, content: &[u8]) -> ContentHash {
            let mut spool = self.blobs.spool(u64::MAX).await.unwrap();
            spool.write(content).await.unwrap();
            let spooled = spool.finish().await.unwrap();
            let name = spooled.content_hash();
            self.blobs.put(self.tenant, name, spooled).await.unwrap();
            name
        }

        fn file(&self, name: ContentHash) -> std::path::PathBuf {
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

        async fn holds(&self, name: ContentHash, content: &[u8]) {
            assert!(self.read(name).await.unwrap() == content);
            let file = self.file(name);
            let whole = fs::read(&file).unwrap();
            for at in (0..whole.len()).step_by(9_973).chain([8, 15, 16, 24, 60, whole.len() - 1]) {
                let mut changed = whole.clone();
                changed[at] ^= 1;
                fs::write(&file, &changed).unwrap();
                let error = self.read(name).await.unwrap_err();
                assert!(error.contains("restore it from a backup"), "{at}: {error}");
            }
            for length in [0, 8, 16, 17, 91, 92, 65_580, 65_656, whole.len() - 1] {
                fs::write(&file, &whole[..length]).unwrap();
                assert!(self.read(name).await.is_err(), "{length}");
            }
            // Chunks in another order.
            let header = if whole.starts_with(FIRST) { 16 } else { HEADER };
            let (mut swapped, chunk) = (whole.clone(), CHUNK + ENVELOPE);
            let (one, two) = (header..header + chunk, header + chunk..header + 2 * chunk);
            swapped[one.clone()].copy_from_slice(&whole[two.clone()]);
            swapped[two].copy_from_slice(&whole[one]);
            fs::write(&file, &swapped).unwrap();
            assert!(self.read(name).await.is_err());
            // Another blob's bytes under this name, whole, or behind its own head.
            let other = fs::read(self.file(self.put(&vec![7; content.len()]).await)).unwrap();
            fs::write(&file, &other).unwrap();
            assert!(self.read(name).await.is_err());
            fs::write(&file, [&whole[..header], &other[HEADER..]].concat()).unwrap();
            assert!(self.read(name).await.is_err());
            fs::write(&file, &whole).unwrap();
            assert!(self.read(name).await.unwrap() == content);
        }
    }

    fn content() -> Vec<u8> {
        (0..150_000_u32).map(|i| (i % 253) as u8).collect()
    }

    #[tokio::test]
    async fn every_change_is_found() {
        let world = World::new().await;
        let name = world.put(&content()).await;
        world.holds(name, &content()).await;
    }

    #[tokio::test]
    async fn the_first_form_is_still_read() {
        let world = World::new().await;
        let (content, tenant) = (content(), world.tenant);
        let (name, size) = (ContentHash::of(&content), content.len());
        let key = world.keyring.tenant_key(tenant).await.unwrap();
        let mut sealed = [&FIRST[..], &(size as u64).to_be_bytes()].concat();
        for (index, chunk) in content.chunks(CHUNK).enumerate() {
            let context = format!("studio blob v1 {tenant} {name} {size} {index}");
            sealed.extend(key.seal(context.as_bytes(), chunk).unwrap());
        }
        // Makes the folders.
        world.put(&content).await;
        fs::write(world.file(name), sealed).unwrap();
        world.holds(name, &content).await;
    }

    #[tokio::test]
    async fn nothing_lies_on_the_disk_as_it_came() {
        let world = World::new().await;
        let mut spool = world.blobs.spool_for(world.tenant, u64::MAX).await.unwrap();
        spool.write(&b"the access code is 1234 ".repeat(100_000)).await.unwrap();
        let spooled = spool.finish().await.unwrap();
        let plain = |file: &std::path::Path| {
            fs::read(file).unwrap().windows(6).any(|window| window == b"access")
        };
        assert!(!plain(spooled.path()));
        let name = spooled.content_hash();
        world.blobs.put(world.tenant, name, spooled).await.unwrap();
        assert!(!plain(&world.file(name)));
        assert_eq!(world.read(name).await.unwrap().len(), 2_400_000);
    }

    #[tokio::test]
    async fn sealed_for_one_organization_it_can_be_put_for_another() {
        let world = World::new().await;
        let spool = world.blobs.spool_for(TenantId::from_uuid(Uuid::from_u128(2)), 100).await;
        let mut spool = spool.unwrap();
        spool.write(b"theirs").await.unwrap();
        let spooled = spool.finish().await.unwrap();
        let name = spooled.content_hash();
        world.blobs.put(world.tenant, name, spooled).await.unwrap();
        assert_eq!(world.read(name).await.unwrap(), b"theirs");
    }
}
