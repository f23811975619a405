//! Nonconformities: what was found to be wrong with a control (formula v1, rule 4). Somebody corrects
//! it, and somebody else verifies that before it is closed (ISO/IEC 27001, 10.2).

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, event, kind};

use super::{
    ControlId, Project, ProjectId, Refused, error::long_reason, events::ProjectEvent,
    review::UserId,
};
use crate::domain::score::Grade;

/// The id of a nonconformity.
pub(crate) type NonconformityId = Id<kind::Nonconformity>;

const WHAT: &str = "nonconformity";

/// Something was found to be wrong with a control.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NonconformityOpened {
    /// The project.
    pub project: Id<kind::Project>,
    /// The nonconformity.
    pub nonconformity: Id<kind::Nonconformity>,
    /// The control.
    pub control: Id<kind::Control>,
    /// How bad it is.
    pub grade: Grade,
    /// What is wrong.
    pub description: String,
    /// What was observed.
    pub observed: String,
    /// The evidence that shows it, if there is some.
    pub evidence: Option<Id<kind::Evidence>>,
    /// Who found it; none where a program did.
    pub opened_by: Option<Id<kind::User>>,
}
event!(NonconformityOpened, "controls.nonconformity.opened", 1);

/// Somebody says that what was wrong is mended. It stays open until that is verified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NonconformityCorrected {
    /// The project.
    pub project: Id<kind::Project>,
    /// The nonconformity.
    pub nonconformity: Id<kind::Nonconformity>,
    /// The control.
    pub control: Id<kind::Control>,
    /// What was done.
    pub correction: String,
    /// Who did it.
    pub corrected_by: Id<kind::User>,
}
event!(NonconformityCorrected, "controls.nonconformity.corrected", 1);

/// Somebody else found that the correction does not do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CorrectionRejected {
    /// The project.
    pub project: Id<kind::Project>,
    /// The nonconformity.
    pub nonconformity: Id<kind::Nonconformity>,
    /// The control.
    pub control: Id<kind::Control>,
    /// Why not.
    pub reason: String,
    /// Who looked at it.
    pub rejected_by: Id<kind::User>,
}
event!(CorrectionRejected, "controls.nonconformity.correction_rejected", 1);

/// Somebody else verified the correction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NonconformityClosed {
    /// The project.
    pub project: Id<kind::Project>,
    /// The nonconformity.
    pub nonconformity: Id<kind::Nonconformity>,
    /// The control.
    pub control: Id<kind::Control>,
    /// How it was verified.
    pub verification: String,
    /// Who verified it.
    pub verified_by: Id<kind::User>,
}
event!(NonconformityClosed, "controls.nonconformity.closed", 1);

/// Where a nonconformity stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum NonconformityState {
    /// It waits for a correction.
    Open,
    /// It waits for somebody who verifies the correction, and caps the control until then.
    Corrected,
    /// It is done with.
    Closed,
}

impl NonconformityState {
    /// As it is written in the read models and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Corrected => "CORRECTED",
            Self::Closed => "CLOSED",
        }
    }
}

/// A nonconformity as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nonconformity {
    /// The control.
    pub control: ControlId,
    /// Where it stands.
    pub state: NonconformityState,
    /// How often that changed: what `expectedVersion` is compared with.
    pub version: u32,
    /// Who corrected it last.
    pub corrected_by: Option<UserId>,
}

/// A nonconformity to be opened.
#[derive(Debug, Clone)]
pub struct NewNonconformity {
    /// The control.
    pub control: ControlId,
    /// How bad it is.
    pub grade: Grade,
    /// What is wrong.
    pub description: String,
    /// What was observed.
    pub observed: String,
    /// The evidence that shows it.
    pub evidence: Option<Id<kind::Evidence>>,
}

impl Project {
    /// Opens a nonconformity.
    pub fn open_nonconformity(
        &self,
        project: ProjectId,
        nonconformity: NonconformityId,
        new: &NewNonconformity,
        by: Option<UserId>,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.live_control(new.control, "controlId")?;
        Ok(vec![
            NonconformityOpened {
                project,
                nonconformity,
                control: new.control,
                grade: new.grade,
                description: long_reason("description", &new.description)?,
                observed: long_reason("observed", &new.observed)?,
                evidence: new.evidence,
                opened_by: by,
            }
            .into(),
        ])
    }

    /// Says what was done about a nonconformity.
    pub fn correct_nonconformity(
        &self,
        project: ProjectId,
        nonconformity: NonconformityId,
        expected: u32,
        correction: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.nonconformity(nonconformity, expected)?;
        known.must_be(NonconformityState::Open)?;
        let (control, correction) = (known.control, long_reason("correction", correction)?);
        Ok(vec![
            NonconformityCorrected {
                project,
                nonconformity,
                control,
                correction,
                corrected_by: by,
            }
            .into(),
        ])
    }

    /// Refuses a correction of somebody else: the nonconformity waits for another one.
    pub fn reject_correction(
        &self,
        project: ProjectId,
        nonconformity: NonconformityId,
        expected: u32,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.corrected_by_another(nonconformity, expected, by)?;
        let (control, reason) = (known.control, long_reason("reason", reason)?);
        Ok(vec![
            CorrectionRejected { project, nonconformity, control, reason, rejected_by: by }.into(),
        ])
    }

    /// Closes a nonconformity whose correction, by somebody else, was verified.
    pub fn close_nonconformity(
        &self,
        project: ProjectId,
        nonconformity: NonconformityId,
        expected: u32,
        verification: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.corrected_by_another(nonconformity, expected, by)?;
        let (control, verification) = (known.control, long_reason("verification", verification)?);
        Ok(vec![
            NonconformityClosed { project, nonconformity, control, verification, verified_by: by }
                .into(),
        ])
    }

    fn nonconformity(&self, id: NonconformityId, expected: u32) -> Result<&Nonconformity, Refused> {
        match self.nonconformities.get(&id) {
            None => Err(Refused::Missing { what: WHAT, id: id.to_string() }),
            Some(known) if known.version != expected => {
                Err(Refused::Stale { what: WHAT, expected, actual: known.version })
            }
            Some(known) => Ok(known),
        }
    }

    fn corrected_by_another(
        &self,
        id: NonconformityId,
        expected: u32,
        by: UserId,
    ) -> Result<&Nonconformity, Refused> {
        let known = self.nonconformity(id, expected)?;
        known.must_be(NonconformityState::Corrected)?;
        match known.corrected_by == Some(by) {
            true => Err(Refused::FourEyes { what: WHAT, did: "corrected" }),
            false => Ok(known),
        }
    }

    pub(super) fn found(&mut self, opened: &NonconformityOpened) {
        let found = Nonconformity {
            control: opened.control,
            state: NonconformityState::Open,
            version: 1,
            corrected_by: None,
        };
        self.nonconformities.insert(opened.nonconformity, found);
    }

    pub(super) fn nonconformity_becomes(
        &mut self,
        id: NonconformityId,
        state: NonconformityState,
        corrected_by: Option<UserId>,
    ) {
        if let Some(known) = self.nonconformities.get_mut(&id) {
            known.state = state;
            known.version += 1;
            known.corrected_by = corrected_by.or(known.corrected_by);
        }
    }
}

impl Nonconformity {
    fn must_be(&self, state: NonconformityState) -> Result<(), Refused> {
        if self.state == state {
            Ok(())
        } else {
            Err(Refused::NotOpen { what: WHAT, state: self.state.as_str() })
        }
    }
}
