//! Carrying a whole log from one database to another, by way of an archive.
//!
//! Holds always:
//! - what [`cut`] reads of several logs is of one moment: no consumer's checkpoint is beyond the
//!   log that it reads from;
//! - an event leaves and arrives with every stored byte, its position and its hash, and the chain is
//!   computed again on the way out, in the archive and on the way in;
//! - a log that is being filled is marked, and no [`EventStore`](crate::EventStore) opens it until
//!   it is whole. Filling that was cut off goes on where it ended when it is begun again.
//!
//! Read models and snapshots do not travel: opening the store builds them.
//!
//! Out: [`cut`], then a [`Reader`] for each log. In the archive: [`write_line`] and [`Lines`]. In:
//! [`occupancy`], [`Filling::begin`], [`Filling::take`], [`Filling::finish`], and when every log has
//! come so far, [`release`].

mod cut;
mod fill;
mod line;
mod reader;
mod state;

pub use cut::cut;
pub(crate) use fill::refuse_half_filled;
pub use fill::{Filling, Occupancy, occupancy, release};
pub use line::{Lines, MAX_LINE, write_line};
pub use reader::Reader;
pub use state::{ConsumerPosition, LogState, StoredDeadLetter};

use crate::{
    error::StoreError,
    verify::{BrokenLink, VerifyError},
};

/// Why a log could not be carried over.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    /// A database refused or was not reachable.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The events are not what was recorded.
    #[error(
        "the log of {source_log} is broken at position {} ({}): {}",
        .link.position, .link.event_id.as_deref().unwrap_or("no event"), .link.fault
    )]
    Broken {
        /// The log's name.
        source_log: String,
        /// Where, and what is wrong there.
        link: BrokenLink,
    },
    /// A line of the archive is not an event.
    #[error("line {line} of the log of {source_log} cannot be read: {cause}")]
    Line {
        /// The log's name.
        source_log: String,
        /// From 1.
        line: i64,
        /// Why.
        cause: String,
    },
    /// The events end before, or go on after, the position that the log's head has.
    #[error("the log of {source_log} ends at position {found}, and should end at {expected}")]
    End {
        /// The log's name.
        source_log: String,
        /// The last position there is.
        found: i64,
        /// The position of the head.
        expected: i64,
    },
    /// What is said of the head is not what the last event says.
    #[error("the last event of the log of {0} is not the one that its head names")]
    Head(String),
    /// The place to fill holds something else.
    #[error(
        "the log of {source_log} that is to be filled is not empty (it holds {events} events): \
         choose a database or a data folder in which nothing is"
    )]
    NotEmpty {
        /// The log's name.
        source_log: String,
        /// How many events it holds.
        events: i64,
    },
    /// Filling was cut off, and is begun again from another archive.
    #[error(
        "the log of {source_log} was half filled from another archive (they differ at position \
         {position}): begin again in a place where nothing is, or with the first archive"
    )]
    OtherArchive {
        /// The log's name.
        source_log: String,
        /// Where they differ.
        position: i64,
    },
    /// Somebody else fills the log, or has begun to use it.
    #[error("the log of {0} is being written by another process: stop it, and begin again")]
    TakenOver(String),
}

impl TransferError {
    fn of(source: &str, error: VerifyError) -> Self {
        match error {
            VerifyError::Broken(link) => Self::Broken { source_log: source.to_owned(), link },
            VerifyError::Store(error) => Self::Store(error),
        }
    }
}
