//! Reads a copy as a stream, goes on where the connection broke, and checks at the end that the
//! bytes are those that were put.

use std::{io, sync::Arc};

use aws_lc_rs::digest;
use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use futures::stream;
use tokio_util::io::StreamReader;

use super::{Inner, fault, keys::BlobCopy};
use crate::{
    aws::innermost,
    blobs::{BlobError, BlobReader, ContentHash},
};

/// How often a read may break without a byte in between before it is given up.
const BREAKS: u32 = 5;

pub(super) struct Download {
    inner: Arc<Inner>,
    copy: BlobCopy,
    body: ByteStream,
    offset: u64,
    hash: digest::Context,
    breaks: u32,
}

impl Inner {
    /// The bytes of a copy from an offset on; `None` if it is gone.
    async fn get(&self, copy: &BlobCopy, offset: u64) -> Result<Option<ByteStream>, BlobError> {
        let range = (offset > 0).then(|| format!("bytes={offset}-"));
        let request = self.client.get_object().bucket(&self.place.bucket).key(&copy.key);
        match request.set_range(range).send().await {
            Ok(answer) => Ok(Some(answer.body)),
            Err(error) if fault::is_missing(&error) => Ok(None),
            Err(error) => Err(self.place.fault(&error)),
        }
    }
}

impl Download {
    /// Begins to read; `None` if the copy is gone.
    pub(super) async fn open(inner: Arc<Inner>, copy: BlobCopy) -> Result<Option<Self>, BlobError> {
        let Some(body) = inner.get(&copy, 0).await? else { return Ok(None) };
        let hash = digest::Context::new(&digest::SHA256);
        Ok(Some(Self { inner, copy, body, offset: 0, hash, breaks: 0 }))
    }

    pub(super) fn into_reader(self) -> BlobReader {
        let content = stream::try_unfold(self, Self::next);
        Box::pin(StreamReader::new(Box::pin(content)))
    }

    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        loop {
            match self.body.next().await {
                Some(Ok(bytes)) if bytes.is_empty() => {}
                Some(Ok(bytes)) => {
                    self.offset += bytes.len() as u64;
                    self.hash.update(&bytes);
                    self.breaks = 0;
                    return Ok(Some((bytes, self)));
                }
                None if self.offset >= self.copy.size => return self.end(),
                None => self.go_on("the answer was cut off".to_owned()).await?,
                Some(Err(error)) => self.go_on(innermost(&error)).await?,
            }
        }
    }

    async fn go_on(&mut self, cause: String) -> io::Result<()> {
        self.breaks += 1;
        if self.breaks > BREAKS {
            return Err(io::Error::other(self.inner.place.odd(cause)));
        }
        let body = self.inner.get(&self.copy, self.offset).await.map_err(io::Error::other)?;
        let name = self.copy.name;
        // Copies are never written again, so what follows belongs to what was read.
        self.body = body.ok_or_else(|| io::Error::other(BlobError::NotFound { name }))?;
        Ok(())
    }

    fn end(self) -> io::Result<Option<(Bytes, Self)>> {
        if self.offset == self.copy.size
            && ContentHash::from_digest(&self.hash.finish()) == self.copy.bytes
        {
            return Ok(None);
        }
        let what = "its bytes are not those that were put";
        let damaged = BlobError::Damaged { name: self.copy.name, what };
        Err(io::Error::new(io::ErrorKind::InvalidData, damaged))
    }
}
