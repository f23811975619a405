//! Four eyes: what one person proposes counts once another person approves it.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, kind};

use super::Refused;

/// A person.
pub(crate) type UserId = Id<kind::User>;

/// Where a proposal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReviewState {
    /// It waits for somebody else's decision, and counts for nothing.
    Proposed,
    /// It counts.
    Approved,
    /// It was refused.
    Rejected,
    /// It was taken back, or ended after it had counted.
    Withdrawn,
}

impl ReviewState {
    /// As it is written in the read models and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Proposed => "PROPOSED",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::Withdrawn => "WITHDRAWN",
        }
    }

    /// Whether it counts, or may yet.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Proposed | Self::Approved)
    }
}

/// How a proposal is reviewed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Where it stands.
    pub state: ReviewState,
    /// How often that changed: what `expectedVersion` is compared with.
    pub version: u32,
    /// Who proposed it.
    pub proposed_by: UserId,
}

impl Review {
    pub(super) const fn proposed(by: UserId) -> Self {
        Self { state: ReviewState::Proposed, version: 1, proposed_by: by }
    }

    pub(super) fn becomes(&mut self, state: ReviewState) {
        self.state = state;
        self.version += 1;
    }

    /// Refuses a decision on what is decided already, and one by whoever proposed it.
    pub(super) fn may_be_decided(
        &self,
        what: &'static str,
        expected: u32,
        by: UserId,
    ) -> Result<(), Refused> {
        self.may_be_decided_by(by, (what, "proposed"), expected)
    }

    /// The same where whoever brought it up did something else than to propose it.
    pub(super) fn may_be_decided_by(
        &self,
        by: UserId,
        (what, did): (&'static str, &'static str),
        expected: u32,
    ) -> Result<(), Refused> {
        self.must_be_at(what, expected)?;
        if self.state != ReviewState::Proposed {
            return Err(Refused::NotOpen { what, state: self.state.as_str() });
        }
        if self.proposed_by == by {
            return Err(Refused::FourEyes { what, did });
        }
        Ok(())
    }

    /// Refuses to end what has ended.
    pub(super) fn may_end(&self, what: &'static str, expected: u32) -> Result<(), Refused> {
        self.must_be_at(what, expected)?;
        if self.state.is_open() {
            Ok(())
        } else {
            Err(Refused::NotOpen { what, state: self.state.as_str() })
        }
    }

    fn must_be_at(&self, what: &'static str, expected: u32) -> Result<(), Refused> {
        if self.version == expected {
            Ok(())
        } else {
            Err(Refused::Stale { what, expected, actual: self.version })
        }
    }
}
