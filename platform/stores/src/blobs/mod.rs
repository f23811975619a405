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
//! let stored = blobs.put(tenant, spooled.hash(), spooled).await?;
//! # Ok(())
//! # }
//! ```

mod directory;
mod hash;
mod sealed;
mod spool;

#[cfg(test)]
mod contract;

use std::{io, path::PathBuf, pin::Pin};

use async_trait::async_trait;
use studio_kernel::{TenantId, Timestamp};
use tokio::io::AsyncRead;

pub use directory::DirectoryBlobs;
pub use hash::ContentHash;
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
    /// Bytes that a reader gets.
    pub size: u64,
    /// When it was last put, by the clock of the store.
    pub stored_at: Timestamp,
}

/// A store of blobs.
#[async_trait]
pub trait Blobs: Send + Sync + 'static {
    /// An empty spool beside the store that takes at most `limit` bytes.
    ///
    /// # Errors
    /// When the place for spools cannot be written.
    async fn spool(&self, limit: u64) -> Result<Spool, BlobError>;

    /// Keeps what was spooled under `name`, durably when this returns. Putting bytes that are
    /// there already succeeds and makes them as new as the moment.
    ///
    /// `name` is [`Spooled::hash`], except where a wrapper keeps other bytes (a ciphertext) than
    /// those that its readers get.
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
}

/// Why a blob could not be kept or read. Messages that name a place on disk are for the operator.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// More bytes came than the limit allows; nothing was kept.
    #[error("the content is larger than the limit of {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The bytes stopped coming, for example because the client went away; nothing was kept.
    #[error("the content did not arrive whole: {0}")]
    Interrupted(io::Error),
    /// There is no such blob.
    #[error("there is no blob {name}")]
    NotFound {
        /// Its name.
        name: ContentHash,
    },
    /// What the store holds under the name is not what was put there.
    #[error(
        "blob {name} is damaged ({what}): restore it from a backup, or store its content again"
    )]
    Damaged {
        /// Its name.
        name: ContentHash,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The disk is full, or the quota is used up.
    #[error("no space is left for {}: free some, or move data_dir to a larger disk", path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
    },
    /// The operating system refuses access.
    #[error(
        "access to {} was refused: give the user that runs Studio the right to read and write it",
        path.display()
    )]
    Denied {
        /// What was being read or written.
        path: PathBuf,
    },
    /// The store did not do what it was asked.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was being read or written.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A keyring fault kept a sealed blob from being written or read.
    #[error("the key of the organization's blobs cannot be used: {0}")]
    Key(String),
}

impl BlobError {
    /// Names what the operating system says about `path`.
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { path }
            }
            _ => Self::Io { path, source },
        }
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
