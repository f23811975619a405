//! What can go wrong with blobs.

use std::{io, path::PathBuf};

use super::ContentHash;
use crate::keyring::KeyringError;

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
    /// The store was opened for reading alone.
    #[error("the blobs were opened for reading alone: nothing can be kept or deleted")]
    ReadOnly,
    /// The store did not do what it was asked.
    #[error("{}: {source}", path.display())]
    Io {
        /// What was being read or written.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A setting of the store cannot be used.
    #[error("{setting} {what}")]
    Setting {
        /// The setting.
        setting: String,
        /// What is wrong with it and what to do.
        what: String,
    },
    /// The server of a bucket does not answer, or not as it should.
    #[error(
        "the bucket {bucket} at {address} cannot be reached ({cause}): check that the server runs \
         and answers there, and that {setting} is right"
    )]
    Unreachable {
        /// The bucket.
        bucket: String,
        /// Where it should be.
        address: String,
        /// The setting that holds the address.
        setting: String,
        /// What came instead of an answer.
        cause: String,
    },
    /// The server of a bucket refuses who asks.
    #[error(
        "the bucket {bucket} at {address} refused access ({cause}): check {setting} and the secret \
         key, and that they may list, read, write and delete there"
    )]
    Refused {
        /// The bucket.
        bucket: String,
        /// Where it is.
        address: String,
        /// The setting that holds the access key.
        setting: String,
        /// What the server says.
        cause: String,
    },
    /// The server has no such bucket.
    #[error("there is no bucket {bucket} at {address}: make it, or correct {setting}")]
    NoBucket {
        /// The bucket.
        bucket: String,
        /// Where it should be.
        address: String,
        /// The setting that holds the bucket's name.
        setting: String,
    },
    /// The server of a bucket has no space left.
    #[error("no space is left in the bucket {bucket} at {address} ({cause}): give it more")]
    BucketFull {
        /// The bucket.
        bucket: String,
        /// Where it is.
        address: String,
        /// What the server says.
        cause: String,
    },
    /// The server of a bucket did not do what it was asked.
    #[error("the bucket {bucket} at {address}: {cause}")]
    Remote {
        /// The bucket.
        bucket: String,
        /// Where it is.
        address: String,
        /// What it says.
        cause: String,
    },
    /// A keyring fault kept a sealed blob from being written or read.
    #[error("the key of the organization's blobs cannot be used: {0}")]
    Key(KeyringError),
}

impl BlobError {
    /// Why a reader of a blob failed: what the store says, where it is the store that failed.
    pub fn of_reading(error: io::Error) -> Self {
        error.downcast().unwrap_or_else(|source| Self::io(PathBuf::new(), source))
    }

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
