//! The inputs of mutations of tests and their results.

use async_graphql::{ID, InputObject, MaybeUndefined};

use super::enums::{AssessmentMethod, SignOff};

/// A change of a test. What is left out stays as it is.
#[derive(InputObject)]
pub(super) struct ChangeTestInput {
    /// The test.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// What it looks at, in a line of at most 300 characters.
    pub(super) title: Option<String>,
    /// How an assessor goes about it; null for what nobody said. A scanner's check is TEST.
    pub(super) method: MaybeUndefined<AssessmentMethod>,
    /// What to do, in at most 20000 characters; null clears it.
    pub(super) procedure: MaybeUndefined<String>,
    /// Whether a pass has to be signed off, of a manual test. NONE is for those who may sign off.
    pub(super) sign_off: Option<SignOff>,
    /// Its weight among the tests of the control, 1 to 1000.
    pub(super) weight: Option<u32>,
    /// Whether the control counts at most 0.49 until this test is decided and has no failure.
    pub(super) key: Option<bool>,
    /// Days for which a pass counts in full, at least 1.
    pub(super) validity_days: Option<u32>,
}

/// A test to be retired.
#[derive(InputObject)]
pub(super) struct RetireTestInput {
    /// The test.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Why, in at most 2000 characters.
    pub(super) reason: String,
}

/// A pass that somebody else recorded, to be signed off.
#[derive(InputObject)]
pub(super) struct SignOffTestResultInput {
    /// The result.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
}

/// A pass that somebody else recorded, to be refused.
#[derive(InputObject)]
pub(super) struct RejectTestResultInput {
    /// The result.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Why, in at most 2000 characters.
    pub(super) reason: String,
}
