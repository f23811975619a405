//! What the client is told when a store, a log or another subgraph fails. What may be there again in
//! a moment is [`ApiError::unavailable`], so that a client knows that trying again helps; a fault
//! that only a change of code, data or configuration mends is internal. Addresses, paths and what a
//! server said go to the log alone.

use studio_events::{AppendError, ConsumerStopped, FeedError, ProjectionError, StoreError};
use studio_kernel::Code;
use studio_stores::{blobs::BlobError, graph::GraphError, keyring::KeyringError, sql};

use super::ApiError;

impl From<sea_orm::DbErr> for ApiError {
    fn from(error: sea_orm::DbErr) -> Self {
        if sql::is_unavailable(&error) { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let away = match &error {
            StoreError::Database(cause) => sql::is_unavailable(cause),
            StoreError::Projection { cause, .. } => is_away(cause),
            // The process is going: another replica answers. Of an append that was cut off nobody
            // knows whether it was carried out, as of an answer that is lost on the way.
            StoreError::Closed | StoreError::Interrupted => true,
            _ => false,
        };
        if away { Self::unavailable(error) } else { Self::internal(error) }
    }
}

impl From<ProjectionError> for ApiError {
    fn from(error: ProjectionError) -> Self {
        if is_away(&error) { Self::unavailable(error) } else { Self::internal(error) }
    }
}

fn is_away(error: &ProjectionError) -> bool {
    matches!(error, ProjectionError::Database(cause) if sql::is_unavailable(cause))
}

impl From<AppendError> for ApiError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Conflict { .. } => Self::new(
                Code::Conflict,
                "Somebody else changed this at the same moment. Load it again and repeat.",
            ),
            AppendError::Store(error) => error.into(),
            AppendError::Projection { cause, .. } if is_away(&cause) => cause.into(),
            other => Self::internal(other),
        }
    }
}

impl From<FeedError> for ApiError {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Store(error) => error.into(),
            FeedError::Unreachable { .. } => Self::unavailable(error),
            FeedError::Event { .. } => Self::internal(error),
        }
    }
}

impl From<ConsumerStopped> for ApiError {
    /// The process is going: another replica answers.
    fn from(error: ConsumerStopped) -> Self {
        Self::unavailable(error)
    }
}

impl From<KeyringError> for ApiError {
    fn from(error: KeyringError) -> Self {
        match error {
            KeyringError::Away(_) => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl From<GraphError> for ApiError {
    fn from(error: GraphError) -> Self {
        match error {
            // While another process empties it, it is made anew.
            GraphError::Unreachable { .. }
            | GraphError::Unavailable { .. }
            | GraphError::Fenced => Self::unavailable(error),
            _ => Self::internal(error),
        }
    }
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        match error {
            BlobError::TooLarge { limit } => Self::new(
                Code::TooLarge,
                format!("What was sent is larger than {limit} bytes, and nothing was kept."),
            ),
            BlobError::Interrupted(_) => Self::new(
                Code::BadRequest,
                "The body did not arrive whole, and nothing was kept: send it again.",
            ),
            BlobError::Full { .. } | BlobError::BucketFull { .. } => Self::full(error),
            // Rights, names and regions of a store that worked at the start were changed outside,
            // and can be changed back while this process runs.
            BlobError::Unreachable { .. }
            | BlobError::Refused { .. }
            | BlobError::NoBucket { .. }
            | BlobError::Setting { .. }
            | BlobError::Denied { .. } => Self::unavailable(error),
            BlobError::Key(error) => error.into(),
            BlobError::NotFound { .. } | BlobError::Damaged { .. } => Self::lost(error),
            BlobError::Io { .. } | BlobError::Remote { .. } | BlobError::ReadOnly => {
                Self::internal(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use axum::response::IntoResponse;
    use sea_orm::{DbErr, RuntimeErr, sqlx};
    use studio_stores::blobs::ContentHash;

    use super::*;

    const SECRET: &str = "store.example.org:9000";

    fn text(text: &str) -> String {
        text.to_owned()
    }

    fn unreachable() -> BlobError {
        BlobError::Unreachable {
            bucket: text("blobs"),
            address: text(SECRET),
            setting: text("stores.s3.endpoint"),
            cause: text("connection refused"),
        }
    }

    fn told(error: impl Into<ApiError>) -> (Code, u16) {
        let error = error.into();
        assert!(!error.message().contains(SECRET), "{error}");
        (error.code(), error.into_response().status().as_u16())
    }

    #[test]
    fn a_blob_store_that_is_away_can_be_asked_again() {
        let (bucket, address, cause) = (text("blobs"), text(SECRET), text("403 AccessDenied"));
        let refused = BlobError::Refused {
            bucket: bucket.clone(),
            address: address.clone(),
            setting: text("stores.s3.access_key"),
            cause,
        };
        let gone = BlobError::NoBucket { bucket, address, setting: text("stores.s3.bucket") };
        let denied = BlobError::Denied { path: SECRET.into() };
        let key = BlobError::Key(KeyringError::Away(text(SECRET)));
        for error in [unreachable(), refused, gone, denied, key] {
            assert_eq!(told(error), (Code::SubgraphUnavailable, 503));
        }
        let broken = io::Error::other(unreachable());
        assert_eq!(told(BlobError::of_reading(broken)), (Code::SubgraphUnavailable, 503));
    }

    #[test]
    fn a_full_store_is_told_apart() {
        let bucket = BlobError::BucketFull {
            bucket: text("blobs"),
            address: text(SECRET),
            cause: text("507"),
        };
        for error in [bucket, BlobError::Full { path: SECRET.into() }] {
            let error = ApiError::from(error);
            assert!(error.message().contains("No space is left"), "{error}");
            assert_eq!(told(error), (Code::SubgraphUnavailable, 507));
        }
    }

    #[test]
    fn what_is_lost_or_damaged_is_ours() {
        let name = ContentHash::of(b"x");
        let damaged = BlobError::Damaged { name, what: "its bytes were changed" };
        let io = BlobError::of_reading(io::Error::other(SECRET));
        let key = BlobError::Key(KeyringError::Crypto);
        for error in [BlobError::NotFound { name }, damaged, io, key] {
            assert_eq!(told(error), (Code::Internal, 500));
        }
    }

    #[test]
    fn what_the_client_sent_is_the_clients() {
        assert_eq!(told(BlobError::TooLarge { limit: 7 }), (Code::TooLarge, 413));
        let cut = BlobError::Interrupted(io::Error::other("gone"));
        assert_eq!(told(cut), (Code::BadRequest, 400));
    }

    #[test]
    fn a_log_whose_database_is_away_can_be_asked_again() {
        let away = || DbErr::Query(RuntimeErr::SqlxError(sqlx::Error::PoolTimedOut.into()));
        let projection = || AppendError::Projection { name: text("x"), cause: away().into() };
        let stopped = AppendError::from(StoreError::Interrupted);
        let feed = FeedError::Unreachable { source_log: text("controls"), cause: SECRET.into() };
        let away = [
            told(away()),
            told(projection()),
            told(stopped),
            told(feed),
            told(GraphError::Unavailable { address: text(SECRET), cause: text("reset") }),
        ];
        assert_eq!(away, [(Code::SubgraphUnavailable, 503); 5]);
        let wrong = ProjectionError::Database(DbErr::RecordNotFound(text(SECRET)));
        let wrong = AppendError::Projection { name: text("x"), cause: wrong };
        assert_eq!(told(wrong), (Code::Internal, 500));
    }
}
