//! Blobs: bytes kept under their SHA-256 within one organization.
//!
//! What always holds: a blob is there whole or not at all; the name of a blob is the hash of the
//! bytes that a reader gets; nothing of one organization can be named from another. Names are
//! typed ids and hashes, never text from outside, so that no path can be made to point elsewhere.
//!
//! ```no_run
//! # use studio_kernel::TenantId;
//! # async fn example(
//! #     blobs: &dyn studio_stores::blobs::Blobs, tenant: TenantId, body: &[u8],
//! # ) -> Result<(), studio_stores::blobs::BlobError> {
//! let mut spool = blobs.spool(1024).await?;
//! spool.write(body).await?;
//! let spooled = spool.finish().await?; // dropped here, nothing would be left
//! let stored = blobs.put(tenant, spooled.content_hash(), spooled).await?;
//! # Ok(())
//! # }
//! ```

mod directory;
mod error;
mod hash;
mod s3;
mod sealed;
mod sealing;
mod spool;
mod spool_folder;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod full_disk;

use std::{io, path::PathBuf, pin::Pin, time::Duration};

use async_trait::async_trait;
use studio_kernel::{TenantId, Timestamp};
use tokio::io::AsyncRead;

pub use directory::DirectoryBlobs;
pub use error::BlobError;
pub use hash::ContentHash;
pub use s3::{S3Blobs, S3Options};
pub use sealed::SealedBlobs;
pub use spool::{Spool, Spooled};

/// Reads the bytes of a blob from their beginning.
pub type BlobReader = Pin<Box<dyn AsyncRead + Send>>;

/// A blob that is in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    /// The organization that it belongs to.
    pub tenant: TenantId,
    /// SHA-256 of the bytes that a reader gets: its name.
    pub hash: ContentHash,
    /// Bytes that it takes in the store: where it is encrypted, some more than a reader gets.
    pub size: u64,
    /// When it was last put, by the clock of the store.
    pub stored_at: Timestamp,
}

/// What an address of a blob should answer with, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presign {
    /// How long the address is good for, an hour at most.
    pub valid_for: Duration,
    /// The media type to answer with.
    pub content_type: Option<String>,
    /// The `Content-Disposition` to answer with (RFC 6266).
    pub disposition: Option<String>,
}

/// A store of blobs.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// An empty spool beside the store that takes at most `limit` bytes.
    ///
    /// # Errors
    /// When the place for spools cannot be written.
    async fn spool(&self, limit: u64) -> Result<Spool, BlobError>;

    /// An empty spool for bytes that [`Blobs::put`] will get for this organization. A store that
    /// encrypts does so while they come.
    ///
    /// # Errors
    /// When the place for spools cannot be written, or the organization's key cannot be used.
    async fn spool_for(&self, _tenant: TenantId, limit: u64) -> Result<Spool, BlobError> {
        self.spool(limit).await
    }

    /// Keeps what was spooled under `name`, which is [`Spooled::content_hash`], durably when this
    /// returns. Putting bytes that are there already succeeds and makes them as new as the moment.
    ///
    /// What is kept is the file of the spool as it is: [`Spooled::stored_size`] bytes with
    /// [`Spooled::stored_hash`].
    ///
    /// # Errors
    /// When the store cannot be written; nothing is left of this attempt.
    async fn put(
        &self,
        tenant: TenantId,
        name: ContentHash,
        content: Spooled,
    ) -> Result<(), BlobError>;

    /// Opens a blob for reading.
    ///
    /// # Errors
    /// [`BlobError::NotFound`] where there is none of that name in the organization.
    async fn open(&self, tenant: TenantId, name: ContentHash) -> Result<BlobReader, BlobError>;

    /// What is known of a blob, or `None` where there is none.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn info(
        &self,
        tenant: TenantId,
        name: ContentHash,
    ) -> Result<Option<BlobInfo>, BlobError>;

    /// Removes a blob, and says whether it was there. With `unless_newer_than`, a blob that was
    /// put after that instant stays: a sweep of orphans uses it, so that it never takes what an
    /// upload has just put again.
    ///
    /// # Errors
    /// When the store cannot be written.
    async fn delete(
        &self,
        tenant: TenantId,
        name: ContentHash,
        unless_newer_than: Option<Timestamp>,
    ) -> Result<bool, BlobError>;

    /// Up to `limit` blobs of all organizations that follow `after`, in the order of organization
    /// and name.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn list(
        &self,
        after: Option<(TenantId, ContentHash)>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, BlobError>;

    /// Whether there is a blob of that name.
    ///
    /// # Errors
    /// When the store does not answer.
    async fn exists(&self, tenant: TenantId, name: ContentHash) -> Result<bool, BlobError> {
        Ok(self.info(tenant, name).await?.is_some())
    }

    /// An address from which anyone who has it reads the blob, without Studio in between and for a
    /// limited time. `None` where the store has no such addresses; then read through
    /// [`Blobs::open`].
    ///
    /// # Errors
    /// [`BlobError::NotFound`], or when the store does not answer.
    async fn presign(
        &self,
        _tenant: TenantId,
        _name: ContentHash,
        _wanted: &Presign,
    ) -> Result<Option<String>, BlobError> {
        Ok(None)
    }
}

/// Runs file work where it may block.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(join) => Err(BlobError::Io { path: PathBuf::new(), source: io::Error::other(join) }),
    }
}
