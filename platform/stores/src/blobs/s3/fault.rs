//! What an answer of the server, or the lack of one, means for blobs.

use std::error::Error;

use aws_sdk_s3::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
};

use crate::{
    aws::{innermost, may_answer_later, status},
    blobs::BlobError,
};

/// Names the bucket in messages.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) bucket: String,
    pub(super) address: String,
    pub(super) section: &'static str,
}

impl Place {
    pub(super) fn fault<E>(&self, error: &SdkError<E, HttpResponse>) -> BlobError
    where
        E: Error + ProvideErrorMetadata + 'static,
    {
        let (bucket, address) = (self.bucket.clone(), self.address.clone());
        let setting = |name: &str| format!("{}.{name}", self.section);
        let status = status(error);
        let said = match error.as_service_error() {
            Some(service) => {
                let told = [service.code(), service.message()];
                let told: Vec<_> = told.into_iter().flatten().collect();
                format!("{status} {}", told.join(": "))
            }
            None => innermost(error),
        };
        let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or("");
        match (code, status) {
            ("NoSuchBucket", _) => {
                BlobError::NoBucket { bucket, address, setting: setting("bucket") }
            }
            ("QuotaExceeded" | "XMinioStorageFull" | "InsufficientStorage", _) | (_, 507) => {
                BlobError::BucketFull { bucket, address, cause: said }
            }
            ("AuthorizationHeaderMalformed" | "PermanentRedirect", _) | (_, 301) => {
                BlobError::Setting {
                    setting: setting("region"),
                    what: format!("is not the region of the bucket {bucket} ({said})"),
                }
            }
            (_, 401 | 403) => {
                BlobError::Refused { bucket, address, setting: setting("access_key"), cause: said }
            }
            _ if may_answer_later(error) => BlobError::Unreachable {
                bucket,
                address,
                setting: setting("endpoint"),
                cause: said,
            },
            _ => BlobError::Remote { bucket, address, cause: said },
        }
    }

    /// The server's answer is not one that the protocol allows.
    pub(super) fn odd(&self, cause: impl Into<String>) -> BlobError {
        BlobError::Remote {
            bucket: self.bucket.clone(),
            address: self.address.clone(),
            cause: cause.into(),
        }
    }
}

/// Whether the server says that there is no such object.
pub(super) fn is_missing<E>(error: &SdkError<E, HttpResponse>) -> bool
where
    E: ProvideErrorMetadata,
{
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
    status(error) == 404 && code != Some("NoSuchBucket")
}
