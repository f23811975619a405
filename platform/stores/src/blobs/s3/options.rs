//! Which bucket, and how it is used.

use std::{path::PathBuf, time::Duration};

use studio_kernel::Env;

use crate::{aws::AwsAccess, blobs::BlobError};

/// A bucket for blobs, and how it is reached and used.
#[derive(Debug, Clone)]
pub struct S3Options {
    /// Where the server is and who is asking.
    pub access: AwsAccess,
    /// The bucket. It must exist.
    pub bucket: String,
    /// What every key begins with, so that several stores share a bucket; empty, or words of
    /// letters, digits, `-`, `_` and `.` with `/` between.
    pub prefix: String,
    /// The bucket stands in the path (`https://host/bucket`) rather than in the host's name
    /// (`https://bucket.host`). Most servers other than Amazon's need it.
    pub path_style: bool,
    /// A local directory for uploads under way; it must hold the largest ones. Without one the
    /// store is for reading alone: nothing is kept or deleted.
    pub spool: Option<PathBuf>,
    /// How long a put may take before it is given up. Keep it below an hour: the sweeps of orphans
    /// spare what was put within that time, by the moment at which the put began.
    pub put_timeout: Duration,
    /// The section of the configuration that these options come from, for messages.
    pub section: &'static str,
    /// The clock of [`super::super::BlobInfo::stored_at`] and of presigned addresses.
    pub env: Env,
}

impl S3Options {
    /// Amazon's own service at its default region, with the credentials of the environment.
    pub fn new(bucket: impl Into<String>, spool: impl Into<PathBuf>) -> Self {
        Self { spool: Some(spool.into()), ..Self::to_read(bucket) }
    }

    /// The same, for reading alone.
    pub fn to_read(bucket: impl Into<String>) -> Self {
        Self {
            access: AwsAccess::default(),
            bucket: bucket.into(),
            prefix: String::new(),
            path_style: false,
            spool: None,
            put_timeout: Duration::from_secs(50 * 60),
            section: "stores.blobs",
            env: Env::system(),
        }
    }

    /// The prefix with a slash at its end, unless it is empty.
    pub(super) fn checked_prefix(&self) -> Result<String, BlobError> {
        let prefix = self.prefix.trim_end_matches('/');
        let word = |word: &str| {
            !word.is_empty()
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        };
        match prefix {
            "" => Ok(String::new()),
            _ if prefix.len() <= 500 && prefix.split('/').all(word) => Ok(format!("{prefix}/")),
            _ => Err(self.unusable(
                "prefix",
                "is no prefix of keys: write words of letters, digits, \"-\", \"_\" and \".\" with \
                 \"/\" between them",
            )),
        }
    }

    /// The bucket's name, if it can be one.
    pub(super) fn checked_bucket(&self) -> Result<&str, BlobError> {
        let fits = (3..=255).contains(&self.bucket.len())
            && self.bucket.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
        let what = "is no bucket's name: write the name alone, as \"studio-blobs\"";
        if fits { Ok(&self.bucket) } else { Err(self.unusable("bucket", what)) }
    }

    pub(super) fn unusable(&self, setting: &str, what: impl Into<String>) -> BlobError {
        BlobError::Setting { setting: format!("{}.{setting}", self.section), what: what.into() }
    }
}
