//! Makes a copy: in one request where it is small, else in parts.
//!
//! The server checks the SHA-256 of what it receives, and a copy is there once it has answered for
//! all of it. Whether it fails, takes too long or its caller goes away: an upload in parts is
//! ended, so that none of its parts stay.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::digest;
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::{
    fs::File,
    io::AsyncReadExt,
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{Inner, PART, fault::is_missing};
use crate::blobs::{BlobError, ContentHash, Spooled};

/// Parts that one put sends at the same time.
const AT_ONCE: usize = 4;
/// Parts that an upload can have.
const MOST_PARTS: u64 = 10_000;
/// How old an upload must be for its process to be taken for dead.
const ABANDONED_DAYS: i64 = 1;

impl Inner {
    /// Sends everything that was spooled, whose SHA-256 is `expected`, to a new object.
    pub(super) async fn upload(
        &self,
        key: &str,
        content: &Spooled,
        expected: ContentHash,
    ) -> Result<(), BlobError> {
        if content.stored_size() <= PART {
            return self.upload_whole(key, content, expected).await;
        }
        let created = self
            .client
            .create_multipart_upload()
            .bucket(&self.place.bucket)
            .key(key)
            .content_type(CONTENT_TYPE)
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .send()
            .await
            .map_err(|error| self.place.fault(&error))?;
        let upload =
            created.upload_id().ok_or_else(|| self.place.odd("an upload without an id"))?;
        self.upload_parts(key, upload, content, expected).await
    }

    async fn upload_whole(
        &self,
        key: &str,
        content: &Spooled,
        expected: ContentHash,
    ) -> Result<(), BlobError> {
        let _room = self.room().await;
        let mut file = open(content.path()).await?;
        let bytes = read_part(&mut file, content.path(), content.stored_size()).await?;
        if ContentHash::of(&bytes) != expected {
            return Err(changed(expected));
        }
        self.client
            .put_object()
            .bucket(&self.place.bucket)
            .key(key)
            .content_type(CONTENT_TYPE)
            .checksum_sha256(STANDARD.encode(expected.as_bytes()))
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| self.place.fault(&error))?;
        Ok(())
    }

    async fn upload_parts(
        &self,
        key: &str,
        upload: &str,
        content: &Spooled,
        expected: ContentHash,
    ) -> Result<(), BlobError> {
        let size = content.stored_size();
        let reading = Reading {
            parts: Arc::clone(&self.parts),
            file: open(content.path()).await?,
            path: content.path().to_owned(),
            part: PART.max(size.div_ceil(MOST_PARTS)),
            rest: size,
            hash: digest::Context::new(&digest::SHA256),
            expected,
        };
        // Read one after the other, for the hash over all of them; sent several at a time.
        let parts: Vec<CompletedPart> = stream::try_unfold(reading, Reading::next)
            .zip(stream::iter(1..))
            .map(|(read, number)| async move {
                let (room, bytes) = read?;
                let sent = self.upload_part(key, upload, number, bytes).await;
                drop(room);
                sent
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        let completed = self
            .client
            .complete_multipart_upload()
            .bucket(&self.place.bucket)
            .key(key)
            .upload_id(upload)
            .multipart_upload(CompletedMultipartUpload::builder().set_parts(Some(parts)).build())
            .send()
            .await;
        match completed {
            Ok(_) => Ok(()),
            // It may have been completed, and the answer was lost before it was asked again.
            Err(error) if is_missing(&error) && self.is_there(key, size).await? => Ok(()),
            Err(error) => Err(self.place.fault(&error)),
        }
    }

    async fn is_there(&self, key: &str, size: u64) -> Result<bool, BlobError> {
        let (objects, _) = self.page(key, None, 1).await?;
        let found = objects.first().and_then(|object| self.copy(object));
        Ok(found.is_some_and(|copy| copy.key == key && copy.size == size))
    }

    async fn upload_part(
        &self,
        key: &str,
        upload: &str,
        number: i32,
        bytes: Bytes,
    ) -> Result<CompletedPart, BlobError> {
        let checksum = STANDARD.encode(ContentHash::of(&bytes).as_bytes());
        let answer = self
            .client
            .upload_part()
            .bucket(&self.place.bucket)
            .key(key)
            .upload_id(upload)
            .part_number(number)
            .checksum_sha256(&checksum)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| self.place.fault(&error))?;
        Ok(CompletedPart::builder()
            .part_number(number)
            .set_e_tag(answer.e_tag)
            .checksum_sha256(checksum)
            .build())
    }

    /// Takes back what came of an upload that failed: its parts, or an object whose answer was lost.
    pub(super) async fn take_back(&self, key: &str, content: &Spooled) -> Result<(), BlobError> {
        if content.stored_size() > PART {
            for (key, upload, _) in self.open_uploads(key).await? {
                self.abort_one(&key, &upload).await?;
            }
        }
        self.remove_key(key).await
    }

    /// Ends the uploads below the prefix whose processes were killed.
    pub(super) async fn abort_abandoned(&self) -> Result<(), BlobError> {
        let before = self.env.now().plus_days(-ABANDONED_DAYS).micros() / 1_000_000;
        for (key, upload, initiated) in self.open_uploads(self.keys.prefix()).await? {
            // What is not a copy of ours is somebody else's.
            if initiated < before && self.keys.read(&key, 0).is_some() {
                self.abort_one(&key, &upload).await?;
                tracing::info!(key, "ended an upload whose process was killed");
            }
        }
        Ok(())
    }

    async fn abort_one(&self, key: &str, upload: &str) -> Result<(), BlobError> {
        let request = self.client.abort_multipart_upload().bucket(&self.place.bucket).key(key);
        match request.upload_id(upload).send().await {
            Err(error) if !is_missing(&error) => Err(self.place.fault(&error)),
            _ => Ok(()),
        }
    }

    /// Key, id and second of the beginning of the uploads whose keys begin so.
    pub(super) async fn open_uploads(
        &self,
        prefix: &str,
    ) -> Result<Vec<(String, String, i64)>, BlobError> {
        let mut found = Vec::new();
        let (mut key_marker, mut id_marker) = (None, None);
        loop {
            let page = self
                .client
                .list_multipart_uploads()
                .bucket(&self.place.bucket)
                .prefix(prefix)
                .set_key_marker(key_marker)
                .set_upload_id_marker(id_marker)
                .send()
                .await
                .map_err(|error| self.place.fault(&error))?;
            for upload in page.uploads() {
                if let (Some(key), Some(id)) = (upload.key(), upload.upload_id()) {
                    let initiated = upload.initiated().map_or(i64::MAX, |instant| instant.secs());
                    found.push((key.to_owned(), id.to_owned(), initiated));
                }
            }
            if page.is_truncated() != Some(true) || page.next_key_marker().is_none() {
                return Ok(found);
            }
            (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
        }
    }

    /// Room in memory for a part.
    async fn room(&self) -> Room {
        room(&self.parts).await
    }
}

const CONTENT_TYPE: &str = "application/octet-stream";

/// Held while a part is in memory.
type Room = Option<OwnedSemaphorePermit>;

async fn room(parts: &Arc<Semaphore>) -> Room {
    // The semaphore is never closed.
    Arc::clone(parts).acquire_owned().await.ok()
}

/// Content that is being read in parts.
struct Reading {
    /// Room for parts in memory.
    parts: Arc<Semaphore>,
    file: File,
    path: PathBuf,
    /// Bytes of a part.
    part: u64,
    /// Bytes that follow.
    rest: u64,
    /// Of what was read.
    hash: digest::Context,
    /// Of what was spooled.
    expected: ContentHash,
}

impl Reading {
    /// The next part, and its room in memory.
    async fn next(mut self) -> Result<Option<((Room, Bytes), Self)>, BlobError> {
        if self.rest == 0 {
            let same = ContentHash::from_digest(&self.hash.finish()) == self.expected;
            return if same { Ok(None) } else { Err(changed(self.expected)) };
        }
        let room = room(&self.parts).await;
        let length = self.part.min(self.rest);
        let bytes = read_part(&mut self.file, &self.path, length).await?;
        self.hash.update(&bytes);
        self.rest -= bytes.len() as u64;
        Ok(Some(((room, bytes), self)))
    }
}

async fn open(path: &Path) -> Result<File, BlobError> {
    File::open(path).await.map_err(|error| BlobError::io(path, error))
}

async fn read_part(file: &mut File, path: &Path, length: u64) -> Result<Bytes, BlobError> {
    let read = async {
        let mut bytes = vec![0; usize::try_from(length).map_err(std::io::Error::other)?];
        file.read_exact(&mut bytes).await?;
        Ok(Bytes::from(bytes))
    };
    read.await.map_err(|error| BlobError::io(path, error))
}

fn changed(name: ContentHash) -> BlobError {
    BlobError::Damaged { name, what: "it changed while it waited to be sent" }
}
