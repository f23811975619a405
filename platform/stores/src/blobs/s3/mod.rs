//! Blobs in a bucket of Amazon S3 or of a server that speaks its protocol.
//!
//! Every put makes an object that is never written again ([`keys`]), whose name says when it was
//! put and what its bytes hash to; the newest one is the blob. That asks of the server what all of
//! them promise, and no more: an object that was answered for is there, and is listed.
//!
//! Earlier copies stay for as long as somebody may be reading them, and go with a later put of the
//! same name, or with the blob.

mod download;
mod fault;
mod keys;
mod options;
mod upload;

#[cfg(test)]
pub(super) mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use aws_sdk_s3::{Client, presigning::PresigningConfig, types::Object};
use studio_kernel::{Env, TenantId, Timestamp};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use options::S3Options;

use self::{
    download::Download,
    fault::Place,
    keys::{BlobCopy, Keys},
};
use super::{
    BlobError, BlobInfo, BlobReader, Blobs, ContentHash, Presign, Spool, Spooled,
    spool_folder::SpoolFolder,
};

/// Bytes of a part; what is not larger is sent in one request.
const PART: u64 = 8 * 1024 * 1024;
/// Parts in memory at most, over all puts of a process.
const PARTS_IN_MEMORY: usize = 8;
/// For how long a copy that another one followed may still be read.
const STILL_READ: Duration = Duration::from_secs(3_600);
/// How often a read looks for the newest copy while others replace it.
const LOOKS: usize = 5;

/// Blobs in a bucket. Cheap to clone.
#[derive(Debug, Clone)]
pub struct S3Blobs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    client: Client,
    place: Place,
    keys: Keys,
    /// None where nothing is to be written.
    spool: Option<SpoolFolder>,
    parts: Arc<Semaphore>,
    put_timeout: Duration,
    env: Env,
}

impl S3Blobs {
    /// Checks that the bucket can be listed, and ends uploads of processes that were killed more
    /// than a day ago, unless it is opened for reading alone.
    ///
    /// # Errors
    /// [`BlobError`] with the setting to look at: the server does not answer, refuses the keys, or
    /// has no such bucket.
    pub async fn connect(options: S3Options) -> Result<Self, BlobError> {
        let keys = Keys::new(options.checked_prefix()?);
        let place = Place {
            bucket: options.checked_bucket()?.to_owned(),
            address: options.access.address("s3"),
            section: options.section,
        };
        let spool = options.spool.as_deref().map(SpoolFolder::open).transpose()?;
        let config = options
            .access
            .load()
            .await
            .map_err(|error| options.unusable(error.setting, error.what))?;
        let config = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(options.path_style)
            // Checksums are ours (SHA-256 of every request's bytes, of every object read); servers
            // other than Amazon's do not all take the trailers that would come by default.
            .request_checksum_calculation(
                aws_sdk_s3::config::RequestChecksumCalculation::WhenRequired,
            )
            .response_checksum_validation(
                aws_sdk_s3::config::ResponseChecksumValidation::WhenRequired,
            )
            .build();
        let store = Self(Arc::new(Inner {
            client: Client::from_conf(config),
            place,
            keys,
            spool,
            parts: Arc::new(Semaphore::new(PARTS_IN_MEMORY)),
            put_timeout: options.put_timeout,
            env: options.env,
        }));
        store.list(None, 1).await?;
        if store.0.spool.is_some() {
            store.0.abort_abandoned().await?;
        }
        Ok(store)
    }
}

impl Inner {
    fn spool(&self) -> Result<&SpoolFolder, BlobError> {
        self.spool.as_ref().ok_or(BlobError::ReadOnly)
    }

    /// One page of objects, in the order of their keys.
    async fn page(
        &self,
        prefix: &str,
        after: Option<String>,
        most: usize,
    ) -> Result<(Vec<Object>, bool), BlobError> {
        let answer = self
            .client
            .list_objects_v2()
            .bucket(&self.place.bucket)
            .prefix(prefix)
            .set_start_after(after)
            .max_keys(i32::try_from(most.clamp(1, 1000)).unwrap_or(1000))
            .send()
            .await
            .map_err(|error| self.place.fault(&error))?;
        let more = answer.is_truncated() == Some(true);
        Ok((answer.contents.unwrap_or_default(), more))
    }

    fn copy(&self, object: &Object) -> Option<BlobCopy> {
        self.keys.read(object.key()?, u64::try_from(object.size()?).ok()?)
    }

    /// All copies of a blob, the newest last.
    async fn copies(
        &self,
        tenant: TenantId,
        name: ContentHash,
    ) -> Result<Vec<BlobCopy>, BlobError> {
        let prefix = self.keys.of_blob(tenant, name);
        let (mut copies, mut after) = (Vec::new(), None);
        loop {
            let (objects, more) = self.page(&prefix, after, 1000).await?;
            copies.extend(objects.iter().filter_map(|object| self.copy(object)));
            after = objects.last().and_then(|last| last.key.clone());
            if !more || after.is_none() {
                return Ok(copies);
            }
        }
    }

    async fn remove(&self, copies: &[BlobCopy]) -> Result<(), BlobError> {
        for copy in copies {
            self.remove_key(&copy.key).await?;
        }
        Ok(())
    }

    async fn remove_key(&self, key: &str) -> Result<(), BlobError> {
        let request = self.client.delete_object().bucket(&self.place.bucket).key(key);
        match request.send().await {
            Err(error) if !fault::is_missing(&error) => Err(self.place.fault(&error)),
            _ => Ok(()),
        }
    }

    /// Makes a copy; ends the upload if it fails, takes too long or is no longer wanted.
    async fn keep(
        &self,
        tenant: TenantId,
        name: ContentHash,
        content: Spooled,
        unwanted: CancellationToken,
    ) -> Result<(), BlobError> {
        let earlier = self.copies(tenant, name).await?;
        let bytes = content.stored_hash().await?;
        let key = self.keys.new_copy(tenant, name, bytes, &self.env);
        let seconds = self.put_timeout.as_secs();
        let upload = tokio::time::timeout(self.put_timeout, self.upload(&key, &content, bytes));
        let uploaded = tokio::select! {
            uploaded = upload => {
                let late = format!("an upload was not done within {seconds} seconds");
                uploaded.unwrap_or_else(|_| Err(self.place.odd(late)))
            }
            () = unwanted.cancelled() => Err(self.place.odd("the upload was given up")),
        };
        if let Err(error) = uploaded {
            if let Err(left) = self.take_back(&key, &content).await {
                tracing::warn!(error = %left, "parts of an upload stay until they are a day old");
            }
            return Err(error);
        }
        // A fault here leaves copies that nobody needs, and the next put tries again.
        if let Err(error) = self.remove(self.replaced(&earlier)).await {
            tracing::warn!(%error, "earlier copies of a blob stay until it is put again");
        }
        Ok(())
    }

    /// The copies that nobody can be reading any more: another one followed long ago.
    fn replaced<'a>(&self, copies: &'a [BlobCopy]) -> &'a [BlobCopy] {
        let long = i64::try_from(STILL_READ.as_secs()).unwrap_or(i64::MAX);
        let long_ago = self.env.now().plus_seconds(-long);
        let followed = copies.iter().skip(1).take_while(|next| next.stored_at < long_ago).count();
        &copies[..followed]
    }
}

fn describe(copy: &BlobCopy) -> BlobInfo {
    BlobInfo { tenant: copy.tenant, hash: copy.name, size: copy.size, stored_at: copy.stored_at }
}

#[async_trait]
impl Blobs for S3Blobs {
    async fn spool(&self, limit: u64) -> Result<Spool, BlobError> {
        self.0.spool()?.spool(limit).await
    }

    async fn put(
        &self,
        tenant: TenantId,
        name: ContentHash,
        content: Spooled,
    ) -> Result<(), BlobError> {
        self.0.spool()?;
        // In a task of its own, so that what was begun is ended in order when the caller goes away.
        let (inner, unwanted) = (self.0.clone(), CancellationToken::new());
        let _guard = unwanted.clone().drop_guard();
        let task = tokio::spawn(async move { inner.keep(tenant, name, content, unwanted).await });
        task.await.unwrap_or_else(|error| Err(self.0.place.odd(error.to_string())))
    }

    async fn open(&self, tenant: TenantId, name: ContentHash) -> Result<BlobReader, BlobError> {
        for _ in 0..LOOKS {
            let Some(newest) = self.0.copies(tenant, name).await?.pop() else { break };
            // Gone again: it was deleted, or others followed it.
            if let Some(download) = Download::open(self.0.clone(), newest).await? {
                return Ok(download.into_reader());
            }
        }
        Err(BlobError::NotFound { name })
    }

    async fn info(
        &self,
        tenant: TenantId,
        name: ContentHash,
    ) -> Result<Option<BlobInfo>, BlobError> {
        Ok(self.0.copies(tenant, name).await?.last().map(describe))
    }

    async fn delete(
        &self,
        tenant: TenantId,
        name: ContentHash,
        unless_newer_than: Option<Timestamp>,
    ) -> Result<bool, BlobError> {
        self.0.spool()?;
        let copies = self.0.copies(tenant, name).await?;
        let Some(newest) = copies.last() else { return Ok(false) };
        if unless_newer_than.is_some_and(|instant| newest.stored_at > instant) {
            return Ok(false);
        }
        self.0.remove(&copies).await?;
        Ok(true)
    }

    async fn list(
        &self,
        after: Option<(TenantId, ContentHash)>,
        limit: usize,
    ) -> Result<Vec<BlobInfo>, BlobError> {
        let mut found: Vec<BlobInfo> = Vec::new();
        let mut after = after.map(|(tenant, name)| self.0.keys.after_blob(tenant, name));
        loop {
            // One more than is wanted tells that the last blob has no newer copy.
            let most = limit.saturating_sub(found.len()).saturating_add(1);
            let (objects, more) = self.0.page(self.0.keys.prefix(), after, most).await?;
            for copy in objects.iter().filter_map(|object| self.0.copy(object)) {
                if found
                    .pop_if(|last| (last.tenant, last.hash) == (copy.tenant, copy.name))
                    .is_none()
                    && found.len() == limit
                {
                    return Ok(found);
                }
                found.push(describe(&copy));
            }
            after = objects.last().and_then(|last| last.key.clone());
            if !more || after.is_none() {
                return Ok(found);
            }
        }
    }

    async fn presign(
        &self,
        tenant: TenantId,
        name: ContentHash,
        wanted: &Presign,
    ) -> Result<Option<String>, BlobError> {
        let Some(newest) = self.0.copies(tenant, name).await?.pop() else {
            return Err(BlobError::NotFound { name });
        };
        // Longer, and the copy that the address names may be gone.
        let valid_for = wanted.valid_for.min(STILL_READ);
        let start = u64::try_from(self.0.env.now().micros()).unwrap_or(0);
        let start = std::time::UNIX_EPOCH + Duration::from_micros(start);
        let config = PresigningConfig::builder()
            .start_time(start)
            .expires_in(valid_for)
            .build()
            .map_err(|error| self.0.place.odd(error.to_string()))?;
        let request = self
            .0
            .client
            .get_object()
            .bucket(&self.0.place.bucket)
            .key(newest.key)
            .set_response_content_type(wanted.content_type.clone())
            .set_response_content_disposition(wanted.disposition.clone())
            .presigned(config)
            .await
            .map_err(|error| self.0.place.fault(&error))?;
        Ok(Some(request.uri().to_owned()))
    }
}
