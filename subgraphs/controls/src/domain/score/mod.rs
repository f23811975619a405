//! The score engine: formula v1, as `docs/scores.md` explains it to people.
//!
//! Pure: facts and an instant in, numbers and their explanation out; no clock, no database. All
//! arithmetic is on whole multiples of 1e-12 ([`Fixed`]), so an incremental score, a full one and
//! a replayed one are the same to the last digit. Unknown is never proven, and nothing that is left
//! undone ever raises `lo`.
//!
//! One file per step: `fact` what goes in, `freshness` rule 1, `tally` rule 2, `exception` rule 3,
//! `control` rule 4, `dependency` rule 5, `requirement` and `inheritance` rule 6, `framework` rules 7
//! and 8, `recompute` their order, `explain` the way back, `loss` what would be left without a control.

use studio_kernel::{Id, kind};

mod apply;
mod compare;
mod control;
mod dependency;
mod difference;
mod evidence;
mod exception;
mod explain;
mod fact;
mod fixed;
mod forecast;
mod formula;
mod framework;
mod freshness;
mod inheritance;
mod loss;
mod mend;
mod model;
mod period;
mod recompute;
mod refusal;
mod requirement;
mod snapshot;
mod tally;
mod value;
mod walk;

pub use compare::{ControlDifference, FrameworkDifference, RequirementDifference, differences};
pub use control::Cap;
pub use dependency::{LimitingPath, PathStep};
pub use difference::Difference;
pub use evidence::{EvidenceHash, EvidenceRef};
pub use exception::{Credit, Excepted, ExceptedFailure, Exception, Place};
pub use explain::{
    ControlContributions, ExplainError, FrameworkContributions, MemberLine, RemovedRequirement,
    RequirementContributions, RequirementLine, RequirementPoints, SummaryLine, TestLine,
};
pub use fact::{
    Fact, Grade, Implementation, Importance, Member, MemberKey, Outcome, Reading, Statement,
    Strength, WeightedRequirement,
};
pub use fixed::{Fixed, FixedError};
pub use forecast::{Course, Passed, Passing, courses};
pub use formula::{FORMULA, UnknownFormula, known};
pub use inheritance::{Hop, Inherited, Mapping, Relation};
pub use loss::{FrameworkLoss, Loss};
pub use mend::NothingToMend;
pub use model::{Model, Touched};
pub use period::{Days, Gap, Held, MOST_DAYS, MemberHeld, least};
pub use recompute::{BeforeHorizon, Changes, ScoreChange};
pub(crate) use refusal::LONGEST_RESOURCE;
pub use refusal::Refusal;
pub use value::{
    ControlScore, Counts, FrameworkScore, FrameworkValue, RequirementScore, Triple, Verdict,
};
pub use walk::{Step, Walk};

/// The version of a serialised [`Model`]: a snapshot of another one is dropped and replayed.
pub const STATE_VERSION: u32 = 3;

/// The id of a framework.
pub type FrameworkId = Id<kind::Framework>;
/// The id of a requirement.
pub type RequirementId = Id<kind::Requirement>;
/// The id of a control.
pub type ControlId = Id<kind::Control>;
/// The id of a control test.
pub type TestId = Id<kind::ControlTest>;
/// The id of a declaration that a requirement does not apply.
pub type NotApplicableId = Id<kind::NotApplicable>;
/// The id of a nonconformity.
pub type NonconformityId = Id<kind::Nonconformity>;
/// The id of an exception.
pub type ExceptionId = Id<kind::RiskException>;
/// The id of a mapping between requirements.
pub type MappingId = Id<kind::ControlMapping>;
/// The id of an evidence item.
pub type EvidenceId = Id<kind::Evidence>;
