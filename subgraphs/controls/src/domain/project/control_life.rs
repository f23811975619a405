//! What becomes of a control besides its changes: it is looked at again at a cadence, and one that was
//! retired may come back. A review that is late moves no score (formula v1 knows of none).

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, event, kind};

use super::{
    Catalogs, Control, ControlId, NewIds, Project, ProjectId, Refused,
    error::{long, long_reason},
    events::ProjectEvent,
    review::UserId,
};
use crate::domain::score::{Implementation, Statement};

const LONGEST_NOTE: usize = 2_000;
/// Once in ten years is the least that can be called a cadence.
const LONGEST_CADENCE_DAYS: u32 = 3_660;

/// A control that was retired is in force again, as planned: whether it is still in place has to be said
/// anew.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlReinstated {
    /// The project.
    pub project: Id<kind::Project>,
    /// The control.
    pub control: Id<kind::Control>,
    /// Why.
    pub reason: String,
}
event!(ControlReinstated, "controls.control.reinstated", 1);

/// Somebody looked at a control and found it right as it is stated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ControlReviewed {
    /// The project.
    pub project: Id<kind::Project>,
    /// The control.
    pub control: Id<kind::Control>,
    /// What they saw; empty where they said nothing.
    pub note: String,
    /// Who did.
    pub reviewed_by: Id<kind::User>,
}
event!(ControlReviewed, "controls.control.reviewed", 1);

impl ControlReinstated {
    /// What it tells the score engine.
    pub(super) fn statement(&self) -> Statement {
        let (control, implementation) = (self.control, Implementation::Planned);
        Statement::ControlStated { control, implementation, retired: false }
    }
}

/// A cadence of reviews, in days.
pub(super) fn cadence(days: Option<u32>) -> Result<Option<u32>, Refused> {
    match days {
        Some(days) if !(1..=LONGEST_CADENCE_DAYS).contains(&days) => {
            Err(Refused::Cadence { most: LONGEST_CADENCE_DAYS })
        }
        days => Ok(days),
    }
}

impl Project {
    /// Takes a retired control into force again, with tests of the checks that were met and name its
    /// requirements.
    pub fn reinstate_control(
        &self,
        project: ProjectId,
        control: ControlId,
        expected: u32,
        reason: &str,
        catalogs: &Catalogs,
        ids: &mut impl NewIds,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let unknown = Refused::UnknownControl { field: "id", id: control };
        let known = self.controls.get(&control).ok_or(unknown)?;
        known.must_be_at(expected)?;
        if !known.retired {
            return Err(Refused::InForce(control));
        }
        let reason = long_reason("reason", reason)?;
        let reinstated = ControlReinstated { project, control, reason };
        self.with_tests(project, vec![reinstated.into()], catalogs, ids)
    }

    /// Confirms that a control is right as it is stated.
    pub fn review_control(
        &self,
        project: ProjectId,
        control: ControlId,
        expected: u32,
        note: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.at_version(control, expected)?;
        let note = long("note", note, LONGEST_NOTE)?;
        Ok(vec![ControlReviewed { project, control, note, reviewed_by: by }.into()])
    }

    pub(super) fn reinstated(&mut self, id: ControlId) {
        if let Some(control) = self.controls.get_mut(&id) {
            control.retired = false;
            control.stated.implementation = Implementation::Planned;
            control.version += 1;
        }
    }
}

impl Control {
    pub(super) fn must_be_at(&self, expected: u32) -> Result<(), Refused> {
        if self.version == expected {
            Ok(())
        } else {
            Err(Refused::Stale { what: "control", expected, actual: self.version })
        }
    }
}
