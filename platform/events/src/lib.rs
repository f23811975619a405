//! The event store: what happened, in one order, for ever.
//!
//! Holds always, on SQLite and on PostgreSQL:
//! - positions are gapless and in commit order, and `recorded_at` never runs backwards;
//! - an append is recorded whole or not at all, together with the rows of its inline projections
//!   and the checkpoint of the consumer that made it;
//! - recorded events are never changed or removed, and the hash chain ([`chain`]) shows it if they
//!   are;
//! - every event reaches each projection and consumer exactly once, in order, whenever they are cut
//!   off;
//! - of several processes on one database one does the background work, and what a deposed one
//!   appends is refused.
//!
//! The way through: [`EventStore::append`] checks and encodes in the caller's task (`prepare`), the
//! one writer task (`writer`) commits what waits as a group (`group`), the newest events go to a
//! ring (`log`), from which [`EventStore::tail`] and the [`feed`] read, and [`run_consumer`] carries
//! what one log publishes into another.

pub mod canonical;
pub mod chain;
pub mod dead_letters;
pub mod feed;
pub mod seen;
pub mod signing;
pub mod transfer;
pub mod tree;
pub mod verify;

mod asynchronous;
mod audit_feed;
mod consumer;
mod consumer_handle;
mod election;
mod error;
mod event;
mod generations;
mod group;
mod handler;
mod head;
mod hexadecimal;
mod insert;
mod lease;
mod log;
mod names;
mod options;
mod prepare;
mod projection;
mod react;
mod rows;
mod snapshot;
mod store;
mod streams;
mod tail;
mod writer;

pub use asynchronous::ProjectionStatus;
pub use audit_feed::{AuditFeed, Shown};
pub use consumer::run_consumer;
pub use consumer_handle::{ConsumerHandle, ConsumerOptions, ConsumerStopped};
pub use dead_letters::DeadLetter;
pub use election::{Election, Leadership, Term};
pub use error::{
    AppendError, BoxError, EncodeError, ExecuteError, NameOwner, ProjectionError, StoreError,
};
pub use event::{
    Append, ConsumerCheckpoint, EventData, EventPayload, Expected, Metadata, Recorded, StreamAppend,
};
pub use feed::{EventFeed, FeedError, FeedPage, LogFeed, PublishedType};
pub use handler::{Handler, HandlerError, Reaction};
pub use lease::{Fence, Lease};
pub use options::EventStoreOptions;
pub use prepare::{MAX_EVENTS, MAX_NAME, MAX_PAYLOAD};
pub use projection::{Projection, clear_generation};
pub use signing::{CheckpointSigner, Ed25519Signer, SignedCheckpoint};
pub use store::EventStore;
pub use streams::{Executed, Loaded};
pub use verify::{BrokenLink, Fault, Verified, VerifyError};
