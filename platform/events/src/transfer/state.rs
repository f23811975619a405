//! What a log is beside its events.

use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use crate::{
    chain::GENESIS,
    hexadecimal,
    rows::Head,
    signing::SignedCheckpoint,
    verify::{BrokenLink, Fault, Walk},
};

use super::TransferError;

/// A log at one moment, without its events.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogState {
    /// The name of the log, which is that of its subgraph.
    pub source: String,
    /// The newest position, 0 for an empty log.
    pub position: i64,
    /// The hash at that position.
    #[serde(with = "hexadecimal")]
    pub hash: [u8; 32],
    /// When the newest event was recorded.
    pub recorded_at: Timestamp,
    /// How far each consumer has come that appends to this log.
    pub consumers: Vec<ConsumerPosition>,
    /// What its consumers have given up on.
    pub dead_letters: Vec<StoredDeadLetter>,
    /// The signed checkpoints, oldest first.
    pub signed_checkpoints: Vec<SignedCheckpoint>,
}

/// How far a consumer has come in the log that it reads from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerPosition {
    /// The consumer's name.
    pub name: String,
    /// The position in the log of its source.
    pub position: i64,
}

/// A dead letter exactly as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredDeadLetter {
    /// The consumer.
    pub consumer: String,
    /// The log that the event came from.
    pub source: String,
    /// The position there.
    pub position: i64,
    /// The organization.
    pub tenant: String,
    /// The event, JSON.
    pub event: String,
    /// What the last attempt answered.
    pub error: String,
    /// How often it was tried.
    pub attempts: i64,
    /// When it was given up on, in microseconds since the epoch.
    pub recorded_at: i64,
}

impl LogState {
    /// Whether every signed checkpoint is of this log and this key, and none is beyond the end.
    ///
    /// # Errors
    /// [`TransferError::Broken`] with the first one that is not.
    pub fn check_signatures(&self, public_key: &[u8]) -> Result<(), TransferError> {
        for checkpoint in &self.signed_checkpoints {
            let fault = if !checkpoint.is_signed_by(public_key, &self.source) {
                Fault::Signature
            } else if checkpoint.position > self.position {
                Fault::CutOff(checkpoint.position)
            } else {
                continue;
            };
            let link = BrokenLink { position: checkpoint.position, event_id: None, fault };
            return Err(TransferError::Broken { source_log: self.source.clone(), link });
        }
        Ok(())
    }

    pub(super) fn head(&self) -> Head {
        Head { position: self.position, hash: self.hash, recorded_at: self.recorded_at }
    }

    /// A walk from the first event on, which also holds them against the signed checkpoints.
    pub(super) fn walk(&self) -> Walk {
        Walk::new(self.signed_checkpoints.clone())
    }

    /// Whether a walk has come to where the head is.
    pub(super) fn check_end(&self, walk: &Walk) -> Result<(), TransferError> {
        if walk.position() != self.position {
            return Err(TransferError::End {
                source_log: self.source.clone(),
                found: walk.position(),
                expected: self.position,
            });
        }
        let last = if self.position == 0 {
            (GENESIS, Timestamp::from_micros(0))
        } else {
            (walk.hash(), walk.recorded_at())
        };
        if last != (self.hash, self.recorded_at) {
            return Err(TransferError::Head(self.source.clone()));
        }
        Ok(())
    }
}
