//! A spool takes bytes as they come, counts and hashes them, and keeps them in a temporary file
//! that vanishes when it is dropped.

use std::{io, path::Path};

use aws_lc_rs::digest;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use tempfile::{NamedTempFile, TempPath};
use tokio::{fs::File, io::AsyncWriteExt};

use super::{BlobError, ContentHash, blocking};

/// Bytes that are gathered before they go to the file.
const GATHER: usize = 256 * 1024;

/// A temporary file that is being written.
pub struct Spool {
    file: tokio::io::BufWriter<File>,
    path: TempPath,
    hash: digest::Context,
    size: u64,
    limit: u64,
}

/// A temporary file that was written whole. Dropped, it is gone.
#[derive(Debug)]
pub struct Spooled {
    path: TempPath,
    hash: ContentHash,
    size: u64,
}

impl Spool {
    /// An empty spool in `directory`, readable by the owner alone.
    pub(crate) async fn create(directory: &Path, limit: u64) -> Result<Self, BlobError> {
        let directory = directory.to_owned();
        let (file, path) = blocking(move || {
            NamedTempFile::new_in(&directory)
                .map(NamedTempFile::into_parts)
                .map_err(|error| BlobError::io(directory, error))
        })
        .await?;
        Ok(Self {
            file: tokio::io::BufWriter::with_capacity(GATHER, File::from_std(file)),
            path,
            hash: digest::Context::new(&digest::SHA256),
            size: 0,
            limit,
        })
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] as soon as the limit is passed.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.limit {
            return Err(BlobError::TooLarge { limit: self.limit });
        }
        self.hash.update(bytes);
        self.file.write_all(bytes).await.map_err(|error| self.failed(error))
    }

    /// Takes a whole stream.
    ///
    /// # Errors
    /// [`BlobError::Interrupted`] when the stream ends in an error, else as [`Spool::write`].
    pub async fn fill<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        mut self,
        stream: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Spooled, BlobError> {
        let mut stream = std::pin::pin!(stream);
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|error| BlobError::Interrupted(io::Error::other(error)))?;
            self.write(&bytes).await?;
        }
        self.finish().await
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the writing; the bytes are on the disk (fsync) when this returns.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn finish(mut self) -> Result<Spooled, BlobError> {
        self.file.flush().await.map_err(|error| self.failed(error))?;
        self.file.get_ref().sync_all().await.map_err(|error| self.failed(error))?;
        Ok(Spooled {
            path: self.path,
            hash: ContentHash::from_digest(&self.hash.finish()),
            size: self.size,
        })
    }

    fn failed(&self, error: io::Error) -> BlobError {
        BlobError::io(self.path.to_path_buf(), error)
    }
}

impl Spooled {
    /// SHA-256 of the bytes.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The temporary file, for whoever reads it by other means while this value lives.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads the bytes from their beginning, as often as is wanted.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn reader(&self) -> Result<File, BlobError> {
        File::open(&self.path).await.map_err(|error| BlobError::io(self.path.to_path_buf(), error))
    }

    pub(crate) fn into_path(self) -> TempPath {
        self.path
    }
}
