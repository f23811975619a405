//! The inputs of mutations.

use async_graphql::{ID, InputObject, MaybeUndefined};
use studio_service::graphql::Instant;

use super::enums::{
    AdoptControls, AssessmentMethod, DependencyStrength, ImplementationState, SignOff, TestOutcome,
};

/// A project to be created.
#[derive(InputObject)]
pub(super) struct CreateProjectInput {
    /// Its name, 1 to 120 characters on one line. Blanks around it are taken away. No other project
    /// of the organization may have it that is in use; small and capital letters count alike.
    pub(super) name: String,
}

/// A project to be renamed.
#[derive(InputObject)]
pub(super) struct RenameProjectInput {
    /// The project.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Its name from now on, by the rules of createProject.
    pub(super) name: String,
}

/// A project to be archived.
#[derive(InputObject)]
pub(super) struct ArchiveProjectInput {
    /// The project.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
}

/// A project to be restored.
#[derive(InputObject)]
pub(super) struct RestoreProjectInput {
    /// The project.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Another name for it, where its own has been given to another project meanwhile.
    pub(super) name: Option<String>,
}

/// A framework to be imported: give exactly one of the two.
#[derive(InputObject)]
pub(super) struct ImportFrameworkInput {
    /// The text of an OSCAL 1.x catalog or resolved baseline, or of a studio-catalog/1, as JSON.
    pub(super) document: Option<String>,
    /// The id of a framework that ships with Studio: see builtinFrameworks.
    pub(super) builtin: Option<String>,
}

/// A framework to be adopted.
#[derive(InputObject)]
pub(super) struct AdoptFrameworkInput {
    /// The project.
    pub(super) project_id: ID,
    /// The framework.
    pub(super) framework_id: ID,
    /// Which controls are made.
    #[graphql(default_with = "AdoptControls::OnePerRequirement")]
    pub(super) controls: AdoptControls,
    /// The state of the controls that are made.
    #[graphql(default_with = "ImplementationState::Planned")]
    pub(super) implementation: ImplementationState,
}

/// A control to be stated.
#[derive(InputObject)]
pub(super) struct CreateControlInput {
    /// The project.
    pub(super) project_id: ID,
    /// Its short name, unique in the project, 1 to 64 characters.
    pub(super) code: String,
    /// What it is, in a line of at most 300 characters.
    pub(super) title: String,
    /// What it is, in full.
    #[graphql(default)]
    pub(super) description: Option<String>,
    /// How far it is in place.
    #[graphql(default_with = "ImplementationState::Planned")]
    pub(super) implementation: ImplementationState,
    /// Who answers for it.
    pub(super) owner_id: Option<ID>,
    /// What it covers, systems, places or people, in at most 2000 characters.
    pub(super) scope: Option<String>,
    /// After how many days somebody has to look at it again, 1 to 3660.
    pub(super) review_every_days: Option<u32>,
    /// The requirements that it is a member of, each with share 1.
    pub(super) requirement_ids: Option<Vec<ID>>,
}

/// A change of a control. What is left out stays as it is.
#[derive(InputObject)]
pub(super) struct UpdateControlInput {
    /// The control.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// What it is, in a line of at most 300 characters.
    pub(super) title: Option<String>,
    /// What it is, in full; null clears it.
    pub(super) description: MaybeUndefined<String>,
    /// How far it is in place.
    pub(super) implementation: Option<ImplementationState>,
    /// Who answers for it; null for nobody.
    pub(super) owner_id: MaybeUndefined<ID>,
    /// What it covers; null clears it.
    pub(super) scope: MaybeUndefined<String>,
    /// After how many days somebody has to look at it again, 1 to 3660; null for never.
    pub(super) review_every_days: MaybeUndefined<u32>,
}

/// A retired control to be taken into force again.
#[derive(InputObject)]
pub(super) struct ReinstateControlInput {
    /// The control.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Why, in at most 2000 characters.
    pub(super) reason: String,
}

/// A control that was looked at and found right.
#[derive(InputObject)]
pub(super) struct ReviewControlInput {
    /// The control.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is recorded.
    pub(super) expected_version: u32,
    /// What you saw, in at most 2000 characters.
    pub(super) note: Option<String>,
}

/// A control to be retired.
#[derive(InputObject)]
pub(super) struct RetireControlInput {
    /// The control.
    pub(super) id: ID,
    /// The version that you have seen: of another one, nothing is changed.
    pub(super) expected_version: u32,
    /// Why, in a line.
    pub(super) reason: String,
}

/// A membership to be stated; the same control and requirement again replaces the share.
#[derive(InputObject)]
pub(super) struct MapRequirementInput {
    /// The project.
    pub(super) project_id: ID,
    /// The requirement, of a framework that the project has adopted.
    pub(super) requirement_id: ID,
    /// The control.
    pub(super) control_id: ID,
    /// The share of the requirement that it covers, more than 0; of the group, where one is named.
    #[graphql(default = 1.0)]
    pub(super) share: f64,
    /// The name of an any-of group: of its controls the best counts.
    pub(super) any_of: Option<String>,
}

/// A membership to be ended.
#[derive(InputObject)]
pub(super) struct UnmapRequirementInput {
    /// The project.
    pub(super) project_id: ID,
    /// The requirement.
    pub(super) requirement_id: ID,
    /// The control.
    pub(super) control_id: ID,
}

/// A test to be added.
#[derive(InputObject)]
pub(super) struct AddTestInput {
    /// The control.
    pub(super) control_id: ID,
    /// What it looks at, in a line.
    pub(super) title: String,
    /// The scanner's id of the check whose results it counts; leave out for a manual test.
    pub(super) check: Option<String>,
    /// Its weight among the tests of the control, 1 to 1000.
    #[graphql(default = 1)]
    pub(super) weight: u32,
    /// Whether the control counts at most 0.49 until this test is decided and has no failure.
    #[graphql(default = false)]
    pub(super) key: bool,
    /// Days for which a pass counts in full, at least 1.
    #[graphql(default = 30)]
    pub(super) validity_days: u32,
    /// How an assessor goes about it (NIST SP 800-53A). A scanner's check is TEST.
    pub(super) method: Option<AssessmentMethod>,
    /// What to do, in at most 20000 characters.
    pub(super) procedure: Option<String>,
    /// Whether a pass counts only once another person has signed it off, of a manual test.
    #[graphql(default_with = "SignOff::None")]
    pub(super) sign_off: SignOff,
}

/// The result of a manual test.
#[derive(InputObject)]
pub(super) struct RecordTestResultInput {
    /// The test.
    pub(super) test_id: ID,
    /// What came out.
    pub(super) outcome: TestOutcome,
    /// Since when it is true; by default, now. More than ten minutes ahead of the server's clock is
    /// refused.
    pub(super) effective_from: Option<Instant>,
    /// Until when it was true, where that is known: a pass grows old from then on, but never from
    /// later than the day on which it was recorded.
    pub(super) effective_to: Option<Instant>,
    /// What was seen, in at most 2000 characters. Personal data does not belong here.
    pub(super) note: Option<String>,
    /// Evidence of the project that shows it, at most 50.
    pub(super) evidence_ids: Option<Vec<ID>>,
}

/// A dependency to be stated; the same controls again replace the strength.
#[derive(InputObject)]
pub(super) struct AddDependencyInput {
    /// The control that rests on another one.
    pub(super) control_id: ID,
    /// The control that it rests on.
    pub(super) depends_on_id: ID,
    /// How strongly.
    #[graphql(default_with = "DependencyStrength::Full")]
    pub(super) strength: DependencyStrength,
}

/// A dependency to be ended.
#[derive(InputObject)]
pub(super) struct RemoveDependencyInput {
    /// The control that rests on another one.
    pub(super) control_id: ID,
    /// The control that it rests on.
    pub(super) depends_on_id: ID,
}
