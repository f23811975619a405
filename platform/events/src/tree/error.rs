//! Why there is no head or proof.

use sea_orm::DbErr;

use super::head::HeadError;
use crate::error::StoreError;

/// Why a head is not signed, or a proof not made.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    /// The log could not be read, or the tree not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The store is from before there was a tree.
    #[error("the store has no tables for the tree yet: start this version of the server once")]
    NoTables,
    /// There is nothing to sign.
    #[error("the log is empty: there is no tree head to sign")]
    Empty,
    /// The log does not have so many events.
    #[error("the log has {newest} events, and so no tree of {size}")]
    Beyond {
        /// How many were asked for.
        size: u64,
        /// How many there are.
        newest: u64,
    },
    /// The event is not in the tree of the head.
    #[error("the tree head is of {size} events: it does not have the one at position {position}")]
    Outside {
        /// The position of the event.
        position: u64,
        /// The size of the head.
        size: u64,
    },
    /// The earlier head is the later one.
    #[error(
        "the older head has {older} events and the newer one {newer}: give them in their order"
    )]
    Order {
        /// The size of the first.
        older: u64,
        /// The size of the second.
        newer: u64,
    },
    /// A stored node is not there, or is no hash.
    #[error("node {index} of level {level} of the log's tree does not read; run `studio verify`")]
    Node {
        /// The level.
        level: u32,
        /// The index in the level.
        index: u64,
    },
    /// A head that was kept does not read.
    #[error("the tree head of {size} events that was kept does not read ({cause})")]
    Kept {
        /// Its size.
        size: u64,
        /// Why.
        cause: HeadError,
    },
    /// The log no longer begins with what was signed.
    #[error(
        "the log no longer begins with the {size} events of the tree head that was signed last, so \
         that no head of it is signed; run `studio verify`"
    )]
    Contradiction {
        /// The size of the head.
        size: u64,
    },
    /// What was made does not prove what it should.
    #[error("the stored tree is not that of the events; run `studio verify`")]
    Tree,
    /// The event is not what was recorded.
    #[error("the event at position {position} is not what was recorded; run `studio verify`")]
    Contents {
        /// Its position.
        position: u64,
    },
    /// The signer's key is of another kind.
    #[error("tree heads are signed with Ed25519, whose public keys have 32 bytes")]
    Key,
}

impl From<DbErr> for TreeError {
    fn from(error: DbErr) -> Self {
        Self::Store(error.into())
    }
}
