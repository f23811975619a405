//! What can go wrong, one enum per question a caller asks.

use std::sync::Arc;

use sea_orm::DbErr;
use studio_kernel::{Code, DecodeError};
use studio_stores::keyring::KeyringError;

use crate::{event::Expected, lease::Fence};

/// An error of a projection's or handler's own.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store could not read or write.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The database refused or was not reachable.
    #[error("the event store's database failed: {0}")]
    Database(Arc<DbErr>),
    /// A stored row does not have the shape of an event.
    #[error(
        "the event at position {position} cannot be read ({cause}): the database was changed \
         from outside; run `studio verify`"
    )]
    Row {
        /// The position, 0 where even that does not read.
        position: i64,
        /// Which column, and why.
        cause: String,
    },
    /// A stored payload cannot be read by this version of Studio.
    #[error("the event at position {position} cannot be decoded: {cause}")]
    Decode {
        /// The position.
        position: i64,
        /// What the kernel said.
        cause: Arc<DecodeError>,
    },
    /// Positions are gapless, and one is not there.
    #[error("the event at position {0} is missing from the log; run `studio verify`")]
    Missing(i64),
    /// `log_head` is gone or unreadable: the migrations were not run, or a row was removed.
    #[error("the log has no readable head ({0}): run the migrations, or restore the database")]
    NoHead(String),
    /// The log is being filled from an archive, or that was cut off.
    #[error(
        "the log is half filled: a restore or import into it has not ended. Run it again, with the \
         same archive, until it says that it is done"
    )]
    HalfFilled,
    /// The store was shut down.
    #[error("the event store is closed")]
    Closed,
    /// The writer was stopped, or an inline projection panicked, before it could answer.
    #[error(
        "the append was interrupted, and what became of it is unknown: read the stream before \
         trying again"
    )]
    Interrupted,
    /// A projection could not take in what was recorded.
    #[error("the projection {name} failed: {cause}")]
    Projection {
        /// Its name.
        name: String,
        /// What it said.
        cause: Arc<ProjectionError>,
    },
    /// No projection of that name was given to `EventStore::open`.
    #[error("there is no projection named {0}")]
    UnknownProjection(String),
    /// Projections and consumers keep their places under one set of names, and this one is taken.
    #[error(
        "the name {name} is already that of {owner} in this store: the place that each has come \
         to is kept under its name, so give one of them another"
    )]
    NameTaken {
        /// The name.
        name: String,
        /// Whose it is.
        owner: NameOwner,
    },
    /// Another process began to rebuild the same projection.
    #[error("another process has begun to rebuild the projection {0}: its result will be used")]
    RebuildTakenOver(String),
    /// From where a request came cannot be sealed, and so what it asked for is not recorded.
    #[error("the keyring does not seal from where a request came: {0}")]
    Keyring(Arc<KeyringError>),
    /// A signed checkpoint was asked for, and the store has no signer.
    #[error("the event store was opened without a key to sign checkpoints")]
    NoSigner,
}

/// What a name in a store stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameOwner {
    /// A read model.
    Projection,
    /// A consumer, or whoever else appends with a checkpoint.
    Consumer,
}

impl std::fmt::Display for NameOwner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Projection => "a projection",
            Self::Consumer => "a consumer",
        })
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<KeyringError> for StoreError {
    fn from(error: KeyringError) -> Self {
        Self::Keyring(Arc::new(error))
    }
}

impl StoreError {
    /// The code at the edge: nothing here is for the client to mend.
    pub const fn code(&self) -> Code {
        Code::Internal
    }

    pub(crate) fn head_is_missing() -> Self {
        Self::NoHead("its row is missing".to_owned())
    }
}

/// Why a value cannot become an event.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The payload's own `Serialize` refused.
    #[error("the payload of {event_type} does not serialize: {cause}")]
    Payload {
        /// The explicit type string.
        event_type: String,
        /// What serde said.
        cause: serde_json::Error,
    },
    /// RFC 8785 has no spelling for it.
    #[error("the payload of {event_type} has no canonical form: {cause}")]
    Canonical {
        /// The explicit type string.
        event_type: String,
        /// Why.
        cause: crate::canonical::CanonicalError,
    },
    /// The request to append is itself malformed or larger than the limits.
    #[error("{0}")]
    Limit(String),
}

/// Why an append was refused. Nothing of it is recorded, unless it says so.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// Somebody else appended first: load again and decide again.
    #[error(
        "the stream {stream_type}/{stream_id} is at version {actual}, and {expected} was expected"
    )]
    Conflict {
        /// The type of the stream.
        stream_type: String,
        /// The id of the stream.
        stream_id: String,
        /// What the append asked for.
        expected: Expected,
        /// The version on record; 0 means that there is no such stream.
        actual: u64,
    },
    /// Another process has already taken that event in.
    #[error("the consumer {name} is already at position {stored}: {given} was taken in before")]
    CheckpointMoved {
        /// The consumer.
        name: String,
        /// The position on record.
        stored: i64,
        /// The position that came with the append.
        given: i64,
    },
    /// Another process does the work that this append belongs to.
    #[error(
        "the lease {} of epoch {} is over: another process holds it in epoch {newest}",
        .fence.lease,
        .fence.epoch
    )]
    Deposed {
        /// What the append carried.
        fence: Fence,
        /// The newest epoch; 0 where there is no such lease.
        newest: i64,
    },
    /// An inline projection could not take the events in.
    #[error("the projection {name} refused the events: {cause}")]
    Projection {
        /// Its name.
        name: String,
        /// What it said.
        cause: ProjectionError,
    },
    /// The events cannot be stored as they are.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl AppendError {
    /// The code at the edge.
    pub const fn code(&self) -> Code {
        match self {
            Self::Conflict { .. } | Self::CheckpointMoved { .. } => Code::Conflict,
            Self::Encode(EncodeError::Limit(_)) => Code::TooLarge,
            _ => Code::Internal,
        }
    }
}

/// Why [`EventStore::execute`](crate::EventStore::execute) did not record anything.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError<E> {
    /// The decision was no.
    #[error("{0}")]
    Refused(E),
    /// The append was refused, after one more try where it was a conflict.
    #[error(transparent)]
    Append(AppendError),
    /// The stream could not be loaded.
    #[error(transparent)]
    Store(StoreError),
}

/// Why a projection could not take events in.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// Its statements failed.
    #[error(transparent)]
    Database(#[from] DbErr),
    /// An event does not read.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// Anything else.
    #[error("{0}")]
    Other(BoxError),
}

impl ProjectionError {
    /// Wraps any error.
    pub fn other(error: impl Into<BoxError>) -> Self {
        Self::Other(error.into())
    }
}
