//! What the scores of a project would be after changes that nobody has made. Each change is decided
//! by the same rules as the mutation of its name and becomes the same events, which go over the same
//! bridge into a copy of the model: so a simulation and what comes of the real changes cannot differ.

mod departures;

use std::sync::Arc;

pub use departures::Departure;
use studio_kernel::{Aggregate, Id, Timestamp, kind};

use super::{
    project::{
        Catalogs, ControlChange, NewIds, NewMapping, NewTest, Project, Refused, TestChange,
        TestResult, UserId,
        events::{EvidenceDiscounted, ProjectEvent},
        facts,
    },
    score::{
        BeforeHorizon, ControlId, EvidenceId, Fact, FrameworkDifference, Implementation, Model,
        NothingToMend, Outcome, RequirementId, Strength, TestId, differences,
    },
};

/// The most changes that one simulation takes.
pub const MOST_CHANGES: usize = 100;

/// The reason of what is supposed to happen, where one has to be given.
const REASON: &str = "simulated";

/// One thing that is supposed to happen.
#[derive(Debug, Clone)]
pub enum Change {
    /// A control is implemented so far.
    Implement(ControlId, Implementation),
    /// A control is retired.
    Retire(ControlId),
    /// A control gets a test, and where it is one by hand, perhaps its first result.
    AddTest(NewTest, Option<Outcome>),
    /// A test weighs otherwise, or passes of it last longer or shorter.
    ChangeTest(TestId, TestChange),
    /// A test is retired.
    RemoveTest(TestId),
    /// Somebody does a manual test, and another one signs a pass off where that has to be.
    Result(TestId, Outcome),
    /// What fails a check is mended, in one account or region where these are named, and scanned again.
    Mend {
        /// The check.
        check: String,
        /// The account.
        account: Option<String>,
        /// The region.
        region: Option<String>,
    },
    /// A control rests on another one.
    Depend(ControlId, ControlId, Strength),
    /// A control no longer rests on another one.
    Undepend(ControlId, ControlId),
    /// A control becomes a member of a requirement.
    Map(NewMapping),
    /// A control is no longer a member of a requirement.
    Unmap(RequirementId, ControlId),
    /// A version of an evidence item is rejected.
    Reject(EvidenceId, u32),
    /// Two people decide something.
    Depart(Departure),
    /// Nothing happens until then.
    Pass(Timestamp),
}

/// Why a change cannot be simulated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlikely {
    /// The mutation would refuse it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// A result by hand for a test that counts a scanner's.
    #[error("only a test by hand takes a result: leave check or outcome out")]
    OutcomeOfCheck,
    /// A check without results.
    #[error(
        "no result of check \"{0}\" counts there: take check, account and region from the tests of a contribution"
    )]
    NoResults(String),
    /// A check that everything passes.
    #[error("no resource fails check \"{0}\" there: nothing is to be fixed")]
    NothingFails(String),
    /// Evidence that no result rests on.
    #[error("no result of this project rests on version {1} of evidence {0}")]
    UnknownEvidence(EvidenceId, u32),
    /// The model has forgotten what counted then.
    #[error(transparent)]
    Horizon(#[from] BeforeHorizon),
    /// An instant that is over.
    #[error("time passes from {now} on, and {until} is before that: give a later instant")]
    Over {
        /// The instant of the simulation.
        now: Timestamp,
        /// The instant asked for.
        until: Timestamp,
    },
}

impl Unlikely {
    /// The stable code of the user error.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.code(),
            Self::OutcomeOfCheck => "NOT_MANUAL",
            Self::NoResults(_) | Self::UnknownEvidence(..) => "NOT_FOUND",
            Self::NothingFails(_) => "NOT_THERE",
            Self::Horizon(_) | Self::Over { .. } => "INVALID",
        }
    }

    /// The field of the change that is meant.
    pub const fn field(&self) -> &'static str {
        match self {
            Self::Refused(refused) => refused.field(),
            Self::OutcomeOfCheck => "outcome",
            Self::NoResults(_) | Self::NothingFails(_) => "check",
            Self::UnknownEvidence(..) => "evidenceId",
            Self::Horizon(_) | Self::Over { .. } => "until",
        }
    }
}

/// A project to which things are supposed to happen, one after the other.
pub struct Simulation {
    id: Id<kind::Project>,
    project: Project,
    before: Arc<Model>,
    after: Model,
    at: Timestamp,
}

/// What comes of a simulation.
pub struct Outcomes {
    /// The instant at which the last change is judged.
    pub at: Timestamp,
    /// What differs.
    pub frameworks: Vec<FrameworkDifference>,
}

impl Simulation {
    /// Begins with a project as it is, and its model as of `at`.
    pub fn new(id: Id<kind::Project>, project: Project, model: Arc<Model>, at: Timestamp) -> Self {
        let after = Model::clone(&model);
        Self { id, project, before: model, after, at }
    }

    /// The project as it is after the changes so far.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Supposes a change. One that is refused leaves everything as it was.
    ///
    /// # Errors
    /// What the person who supposes it can mend.
    pub fn suppose(
        &mut self,
        change: &Change,
        catalogs: &Catalogs,
        ids: &mut impl NewIds,
        fresh: Id<kind::ControlDependency>,
    ) -> Result<(), Unlikely> {
        let (id, project) = (self.id, &self.project);
        let events = match change {
            Change::Implement(control, implementation) => {
                let change =
                    ControlChange { implementation: Some(*implementation), ..Default::default() };
                project.update_control(id, *control, self.version_of(*control), &change)?
            }
            Change::Retire(control) => {
                project.retire_control(id, *control, self.version_of(*control), REASON)?
            }
            Change::AddTest(new, None) => project.add_test(id, new, ids)?,
            Change::AddTest(new, Some(outcome)) => {
                return self.add_tested(new, *outcome, ids, fresh);
            }
            Change::ChangeTest(test, change) => {
                project.change_test(id, *test, self.version_of_test(*test), change)?
            }
            Change::RemoveTest(test) => {
                project.live_test(*test, "testId")?;
                project.retire_test(id, *test, self.version_of_test(*test), REASON)?
            }
            Change::Result(test, outcome) => return self.tested(*test, *outcome, fresh),
            Change::Mend { check, account, region } => {
                return self.mend(check, account.as_deref(), region.as_deref());
            }
            Change::Depend(control, on, strength) => {
                project.depend(id, *control, *on, *strength, fresh)?
            }
            Change::Undepend(control, on) => project.undepend(id, *control, *on)?,
            Change::Map(new) => project.map(id, new, catalogs, ids)?,
            Change::Unmap(requirement, control) => project.unmap(id, *requirement, *control)?,
            Change::Reject(evidence, version) => vec![self.rejection(*evidence, *version)?],
            Change::Depart(departure) => return self.depart(departure, fresh),
            Change::Pass(until) => return self.pass(*until),
        };
        self.happen(&events)
    }

    /// What differs after all of it.
    ///
    /// # Errors
    /// Never where the model counts what the beginning of the simulation needs: its instant only moves
    /// on.
    pub fn outcomes(mut self) -> Result<Outcomes, BeforeHorizon> {
        self.after.recompute(self.at)?;
        Ok(Outcomes { at: self.at, frameworks: differences(&self.before, &self.after) })
    }

    /// Nobody else changes what is supposed: the version seen is always the newest.
    fn version_of(&self, control: ControlId) -> u32 {
        self.project.controls.get(&control).map_or(0, |control| control.version)
    }

    fn version_of_test(&self, test: TestId) -> u32 {
        self.project.tests.get(&test).map_or(0, |test| test.version)
    }

    /// A test by hand is done now. A pass that has to be signed off is, at once, by somebody else.
    fn tested(
        &mut self,
        test: TestId,
        outcome: Outcome,
        fresh: Id<kind::ControlDependency>,
    ) -> Result<(), Unlikely> {
        let at = self.at;
        let result = TestResult {
            test,
            outcome,
            effective_from: at,
            effective_to: None,
            collected_at: at,
            note: None,
            evidence: Vec::new(),
        };
        let id = Id::from_uuid(fresh.uuid());
        let by: UserId = Id::from_uuid(fresh.uuid());
        let recorded = self.project.record_result(self.id, id, &result, Some(by))?;
        self.happen(&recorded)?;
        if !self.project.results.contains_key(&id) {
            return Ok(());
        }
        let other: UserId = Id::from_uuid(self.id.uuid());
        let signed = self.project.sign_off_result(self.id, id, 1, other)?;
        self.happen(&signed)
    }

    fn happen(&mut self, events: &[ProjectEvent]) -> Result<(), Unlikely> {
        let mut known = Vec::new();
        for event in events {
            known.extend(
                facts(event, self.at)
                    .map_err(|refusal| Refused::Value { field: "changes", refusal })?,
            );
        }
        for event in events {
            self.project.apply(event, self.at);
        }
        self.count(&known);
        Ok(())
    }

    fn count(&mut self, facts: &[Fact]) {
        for fact in facts {
            self.after.apply(fact);
        }
    }

    fn add_tested(
        &mut self,
        new: &NewTest,
        outcome: Outcome,
        ids: &mut impl NewIds,
        fresh: Id<kind::ControlDependency>,
    ) -> Result<(), Unlikely> {
        if new.check.is_some() {
            return Err(Unlikely::OutcomeOfCheck);
        }
        let events = self.project.add_test(self.id, new, ids)?;
        let added = events.iter().find_map(|event| match event {
            ProjectEvent::ControlTestAdded(added) => Some(added.test),
            _ => None,
        });
        self.happen(&events)?;
        added.map_or(Ok(()), |test| self.tested(test, outcome, fresh))
    }

    fn mend(
        &mut self,
        check: &str,
        account: Option<&str>,
        region: Option<&str>,
    ) -> Result<(), Unlikely> {
        let mended = self.after.mended(check, account, region, self.at);
        let mended = mended.map_err(|nothing| match nothing {
            NothingToMend::NoResults => Unlikely::NoResults(check.to_owned()),
            NothingToMend::NothingFails => Unlikely::NothingFails(check.to_owned()),
        })?;
        self.count(&mended);
        Ok(())
    }

    fn rejection(&self, evidence: EvidenceId, version: u32) -> Result<ProjectEvent, Unlikely> {
        if !self.after.rests_on(evidence, version) {
            return Err(Unlikely::UnknownEvidence(evidence, version));
        }
        let discounted = EvidenceDiscounted {
            project: self.id,
            evidence,
            evidence_version: version,
            reason: REASON.to_owned(),
            source_position: 0,
        };
        Ok(discounted.into())
    }

    fn pass(&mut self, until: Timestamp) -> Result<(), Unlikely> {
        if until < self.at {
            return Err(Unlikely::Over { now: self.at, until });
        }
        self.at = until;
        Ok(())
    }
}
