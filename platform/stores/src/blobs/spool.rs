//! A spool takes bytes as they come, counts and hashes them, and keeps them in a temporary file
//! that vanishes when it is dropped. Where the store encrypts and it is known whose the bytes will
//! be, they are sealed before they reach the file: then nothing ever lies on the disk as it came.
//!
//! The work on the bytes is done where it may block, while the next ones are gathered.

use std::{
    io::{self, Seek, SeekFrom, Write},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, TryRecvError, channel},
    },
};

use aws_lc_rs::digest;
use bytes::Bytes;
use futures::{Stream, StreamExt};
use studio_kernel::TenantId;
use tempfile::{NamedTempFile, TempPath};
use tokio::{
    fs::File,
    io::AsyncReadExt,
    task::{JoinHandle, spawn_blocking},
};

use super::{
    BlobError, BlobReader, ContentHash, blocking,
    sealing::{self, Sealing},
};
use crate::keyring::DataKey;

/// Bytes that are gathered before they are worked on.
const GATHER: usize = 512 * 1024;
/// Bytes after which the disk is asked to begin: a blob of a gigabyte would else be waited for at
/// its end.
const SYNC_EVERY: u64 = 32 * 1024 * 1024;

/// A temporary file that is being written.
pub struct Spool {
    /// What writes; not here while `working` has it.
    writing: Option<Writing>,
    working: Option<JoinHandle<Result<Writing, BlobError>>>,
    gathered: Vec<Bytes>,
    waiting: usize,
    path: TempPath,
    size: u64,
    limit: u64,
}

/// The end of a spool that may block.
struct Writing {
    file: std::fs::File,
    hash: digest::Context,
    sealing: Option<Sealing>,
    sealed: Vec<u8>,
    unsynced: u64,
    /// Says what became of the last request to the disk.
    syncing: Option<Receiver<io::Result<()>>>,
}

/// A temporary file that was written whole. Dropped, it is gone.
#[derive(Debug)]
pub struct Spooled {
    path: TempPath,
    content: ContentHash,
    size: u64,
    sealed: Option<Sealed>,
}

/// How the file of a spool is sealed.
#[derive(Debug, Clone)]
pub(super) struct Sealed {
    pub(super) key: Arc<DataKey>,
    pub(super) tenant: TenantId,
    /// Bytes of the file.
    pub(super) stored: u64,
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
        let writing = Writing {
            file,
            hash: digest::Context::new(&digest::SHA256),
            sealing: None,
            sealed: Vec::new(),
            unsynced: 0,
            syncing: None,
        };
        Ok(Self {
            writing: Some(writing),
            working: None,
            gathered: Vec::new(),
            waiting: 0,
            path,
            size: 0,
            limit,
        })
    }

    /// Seals everything that comes.
    pub(super) fn sealing(mut self, sealing: Sealing) -> Self {
        if let Some(writing) = &mut self.writing {
            writing.sealed = sealing.beginning();
            writing.sealing = Some(sealing);
        }
        self
    }

    /// Takes more bytes.
    ///
    /// # Errors
    /// As [`Spool::take`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.take(Bytes::copy_from_slice(bytes)).await
    }

    /// Takes more bytes without copying them.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] as soon as the limit is passed. What the disk refuses is said by a
    /// later call, [`Spool::finish`] at the latest.
    pub async fn take(&mut self, bytes: Bytes) -> Result<(), BlobError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.limit {
            return Err(BlobError::TooLarge { limit: self.limit });
        }
        self.waiting += bytes.len();
        self.gathered.push(bytes);
        if self.waiting >= GATHER { self.work().await } else { Ok(()) }
    }

    /// Takes a whole stream.
    ///
    /// # Errors
    /// [`BlobError::Interrupted`] when the stream ends in an error, else as [`Spool::take`].
    pub async fn fill<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
        mut self,
        stream: impl Stream<Item = Result<Bytes, E>>,
    ) -> Result<Spooled, BlobError> {
        let mut stream = std::pin::pin!(stream);
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|error| BlobError::Interrupted(io::Error::other(error)))?;
            self.take(bytes).await?;
        }
        self.finish().await
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Ends the writing. Whether the bytes survive a power cut is for the store that keeps them.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn finish(mut self) -> Result<Spooled, BlobError> {
        let chunks = std::mem::take(&mut self.gathered);
        let mut writing = self.idle().await?;
        let (path, size) = (self.path, self.size);
        let file = path.to_path_buf();
        let (content, sealed) = blocking(move || {
            writing.take(&chunks, &file)?;
            writing.end(size, &file)
        })
        .await?;
        Ok(Spooled { path, content, size, sealed })
    }

    /// Works on what was gathered, while more may come.
    async fn work(&mut self) -> Result<(), BlobError> {
        let mut writing = self.idle().await?;
        let chunks = std::mem::take(&mut self.gathered);
        self.waiting = 0;
        let path = self.path.to_path_buf();
        self.working = Some(spawn_blocking(move || {
            writing.take(&chunks, &path)?;
            Ok(writing)
        }));
        Ok(())
    }

    /// What writes, once it has nothing to do.
    async fn idle(&mut self) -> Result<Writing, BlobError> {
        let interrupted =
            |what: &str| BlobError::io(self.path.to_path_buf(), io::Error::other(what));
        if let Some(working) = &mut self.working {
            let done = working.await.map_err(|error| interrupted(&error.to_string()));
            self.working = None;
            return done?;
        }
        self.writing.take().ok_or_else(|| interrupted("the spool has failed before"))
    }
}

impl Writing {
    fn take(&mut self, chunks: &[Bytes], path: &Path) -> Result<(), BlobError> {
        let failed = |error| BlobError::io(path, error);
        for chunk in chunks {
            self.hash.update(chunk);
            match &mut self.sealing {
                None => self.file.write_all(chunk).map_err(failed)?,
                Some(sealing) => {
                    sealing.take(chunk, &mut self.sealed)?;
                    if self.sealed.len() >= GATHER {
                        let closed = self.sealed.len() - sealing.open();
                        self.file.write_all(&self.sealed[..closed]).map_err(failed)?;
                        self.sealed.drain(..closed);
                    }
                }
            }
            self.unsynced += chunk.len() as u64;
        }
        if self.unsynced >= SYNC_EVERY { self.begin_sync().map_err(failed) } else { Ok(()) }
    }

    /// Asks the disk to write what it has, unless it is at that already.
    fn begin_sync(&mut self) -> io::Result<()> {
        match self.syncing.as_ref().map(Receiver::try_recv) {
            Some(Err(TryRecvError::Empty)) => return Ok(()),
            Some(Ok(done)) => done?,
            Some(Err(TryRecvError::Disconnected)) => return Err(io::ErrorKind::Interrupted.into()),
            None => {}
        }
        let file = self.file.try_clone()?;
        let (sender, receiver) = channel();
        spawn_blocking(move || {
            // Nobody is there to hear it where the spool was dropped.
            let _heard = sender.send(file.sync_data());
        });
        self.unsynced = 0;
        self.syncing = Some(receiver);
        Ok(())
    }

    fn end(mut self, size: u64, path: &Path) -> Result<(ContentHash, Option<Sealed>), BlobError> {
        let failed = |error| BlobError::io(path, error);
        let content = ContentHash::from_digest(&self.hash.finish());
        let sealed = match self.sealing {
            None => None,
            Some(mut sealing) => {
                sealing.end(&mut self.sealed)?;
                self.file.write_all(&self.sealed).map_err(failed)?;
                let stored = self.file.stream_position().map_err(failed)?;
                self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
                self.file.write_all(&sealing.head(content, size)?).map_err(failed)?;
                Some(Sealed { key: sealing.key, tenant: sealing.tenant, stored })
            }
        };
        if let Some(syncing) = self.syncing {
            let done = syncing.recv().map_err(io::Error::other).map_err(failed)?;
            done.map_err(failed)?;
        }
        Ok((content, sealed))
    }
}

impl Spooled {
    /// SHA-256 of what was taken, whatever the file holds.
    pub fn content_hash(&self) -> ContentHash {
        self.content
    }

    /// Bytes that were taken, whatever the file holds.
    pub fn content_size(&self) -> u64 {
        self.size
    }

    /// Reads what was taken from its beginning, as often as is wanted.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn reader(&self) -> Result<BlobReader, BlobError> {
        let file: BlobReader = Box::pin(self.file().await?);
        match &self.sealed {
            None => Ok(file),
            Some(sealed) => {
                sealing::open(file, sealed.key.clone(), sealed.tenant, self.content).await
            }
        }
    }

    /// The temporary file, for the store that keeps it.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes of the file.
    pub fn stored_size(&self) -> u64 {
        self.sealed.as_ref().map_or(self.size, |sealed| sealed.stored)
    }

    /// SHA-256 of the file: where it is sealed, it is read for that.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn stored_hash(&self) -> Result<ContentHash, BlobError> {
        if self.sealed.is_none() {
            return Ok(self.content);
        }
        let (mut file, mut buffer) = (self.file().await?, vec![0; GATHER]);
        let mut hash = digest::Context::new(&digest::SHA256);
        loop {
            let read = file.read(&mut buffer).await;
            match read.map_err(|error| BlobError::io(self.path.to_path_buf(), error))? {
                0 => return Ok(ContentHash::from_digest(&hash.finish())),
                read => hash.update(&buffer[..read]),
            }
        }
    }

    /// Whose key the file is sealed with, if it is.
    pub(super) fn sealed_for(&self) -> Option<TenantId> {
        self.sealed.as_ref().map(|sealed| sealed.tenant)
    }

    pub(crate) fn into_path(self) -> TempPath {
        self.path
    }

    async fn file(&self) -> Result<File, BlobError> {
        File::open(&self.path).await.map_err(|error| BlobError::io(self.path.to_path_buf(), error))
    }
}
