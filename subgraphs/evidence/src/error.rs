//! What can go wrong while a scan is taken in, and what the client is told of it.

use studio_access::Denied;
use studio_events::{AppendError, EncodeError, ProjectionError, StoreError};
use studio_kernel::{Code, Id, kind};
use studio_service::ApiError;
use studio_stores::blobs::BlobError;

use crate::ocsf::StructureError;

/// Why a scan was not taken in, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// The file cannot be taken at all.
    #[error(transparent)]
    Structure(#[from] StructureError),
    /// The file holds no finding that could be taken.
    #[error("{0}")]
    NothingToTake(String),
    /// The request itself is wrong.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The actor may not.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// The bytes could not be kept or read back.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// Somebody else appended first.
    #[error("another process recorded the same run at the same time")]
    Conflict,
    /// An append was refused for another reason.
    #[error(transparent)]
    Append(AppendError),
    /// A value cannot become an event.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The log could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A read model could not be read.
    #[error(transparent)]
    Read(#[from] ProjectionError),
    /// The process ends; the run goes on at the next start.
    #[error("the server is stopping: the scan is kept and goes on at the next start")]
    Stopping,
    /// Something that must hold does not.
    #[error("{0}")]
    Broken(String),
}

impl EvidenceError {
    /// Whether trying again with the same bytes comes to the same.
    pub(crate) fn is_for_good(&self) -> bool {
        match self {
            Self::Structure(error) => !matches!(error, StructureError::Read(_)),
            Self::Blob(error) => {
                matches!(error, BlobError::NotFound { .. } | BlobError::Damaged { .. })
            }
            Self::NothingToTake(_) | Self::Encode(_) | Self::Broken(_) => true,
            _ => false,
        }
    }
}

impl From<AppendError> for EvidenceError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } => Self::Conflict,
            other => Self::Append(other),
        }
    }
}

impl From<sea_orm::DbErr> for EvidenceError {
    fn from(error: sea_orm::DbErr) -> Self {
        Self::Read(error.into())
    }
}

impl From<EvidenceError> for ApiError {
    fn from(error: EvidenceError) -> Self {
        let told = |code, error: EvidenceError| ApiError::new(code, sentence(&error.to_string()));
        match error {
            EvidenceError::Api(error) => error,
            EvidenceError::Denied(denied) => ApiError::new(denied.code(), denied.to_string()),
            EvidenceError::Structure(StructureError::TooLarge { .. }) => {
                told(Code::TooLarge, error)
            }
            EvidenceError::Structure(StructureError::Read(cause)) => {
                BlobError::of_reading(cause).into()
            }
            EvidenceError::Structure(_) | EvidenceError::NothingToTake(_) => {
                told(Code::BadRequest, error)
            }
            EvidenceError::Blob(BlobError::TooLarge { limit }) => too_large(limit),
            EvidenceError::Blob(error) => error.into(),
            EvidenceError::Append(error) => error.into(),
            EvidenceError::Store(error) => error.into(),
            EvidenceError::Read(error) => error.into(),
            EvidenceError::Stopping => told(Code::SubgraphUnavailable, error),
            other => ApiError::internal(other),
        }
    }
}

/// The body is larger than the limit.
pub(crate) fn too_large(limit: u64) -> ApiError {
    ApiError::new(
        Code::TooLarge,
        format!(
            "The body is larger than {limit} bytes: pack it with gzip, split the scan by account \
             or region, or raise limits.ingest_body."
        ),
    )
}

/// An archived project takes nothing in.
pub(crate) fn archived(project: Id<kind::Project>) -> ApiError {
    ApiError::new(
        Code::Conflict,
        format!(
            "Project {project} is archived and takes no scan: restore it first (restoreProject)."
        ),
    )
}

pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), characters.as_str()),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use studio_stores::blobs::ContentHash;

    use super::*;

    #[test]
    fn what_only_other_bytes_or_other_code_mend_is_for_good() {
        let name = ContentHash::of(b"x");
        let broken = EvidenceError::Broken("the kept scan ends after 1 of 2 items".to_owned());
        assert!(broken.is_for_good());
        assert!(EvidenceError::from(BlobError::NotFound { name }).is_for_good());
        assert!(EvidenceError::from(StructureError::Empty).is_for_good());
        let read = StructureError::Read(io::Error::other("the store is away"));
        assert!(!EvidenceError::from(read).is_for_good());
        assert!(!EvidenceError::from(StoreError::Interrupted).is_for_good());
        assert!(!EvidenceError::Conflict.is_for_good());
    }
}
