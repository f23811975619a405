//! Exceptions (formula v1, rule 3): somebody proposes that a failure be excepted for a time, with a
//! reason and perhaps a control that makes up for it; another person approves it; it expires by the
//! clock or is revoked before.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, Timestamp, event, kind};

use super::{
    ControlId, Project, ProjectId, Refused,
    error::long_reason,
    events::ProjectEvent,
    review::{Review, ReviewState, UserId},
};
use crate::domain::score::{Excepted, Exception, ExceptionId, Fact, Refusal, Statement};

const WHAT: &str = "exception";
/// An exception is not for ever: somebody has to look at it again within a year.
const LONGEST_DAYS: i64 = 366;

/// Somebody proposed an exception. It counts once it is approved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExceptionProposed {
    /// The project.
    pub project: Id<kind::Project>,
    /// The exception.
    pub exception: Id<kind::RiskException>,
    /// What it says.
    pub terms: ExceptionTerms,
    /// Why.
    pub reason: String,
    /// Who proposed it.
    pub proposed_by: Id<kind::User>,
}
event!(ExceptionProposed, "controls.exception.proposed", 1);

/// What an exception says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExceptionTerms {
    /// The failure.
    pub on: Excepted,
    /// The control that makes up for it; none where the risk is accepted alone.
    pub compensating: Option<Id<kind::Control>>,
    /// From when on it does not hold any more.
    pub expires_at: Timestamp,
}

/// Another person approved an exception: it holds from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExceptionApproved {
    /// The project.
    pub project: Id<kind::Project>,
    /// The exception.
    pub exception: Id<kind::RiskException>,
    /// What it says, as it was proposed.
    pub terms: ExceptionTerms,
    /// Who approved it.
    pub approved_by: Id<kind::User>,
}
event!(ExceptionApproved, "controls.exception.approved", 1);

/// Another person refused an exception.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExceptionRejected {
    /// The project.
    pub project: Id<kind::Project>,
    /// The exception.
    pub exception: Id<kind::RiskException>,
    /// Why.
    pub reason: String,
    /// Who refused it.
    pub rejected_by: Id<kind::User>,
}
event!(ExceptionRejected, "controls.exception.rejected", 1);

/// An exception was ended before its time, or taken back before it was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExceptionRevoked {
    /// The project.
    pub project: Id<kind::Project>,
    /// The exception.
    pub exception: Id<kind::RiskException>,
    /// Why.
    pub reason: String,
    /// Who ended it.
    pub revoked_by: Id<kind::User>,
}
event!(ExceptionRevoked, "controls.exception.revoked", 1);

impl ExceptionTerms {
    /// What it tells the score engine, once it is approved.
    pub(super) fn approved(&self, at: Timestamp) -> Exception {
        Exception {
            on: self.on.clone(),
            compensating: self.compensating,
            from: at,
            // A log whose clock ran ahead may hold an approval after the end: it never held.
            until: self.expires_at.max(at),
        }
    }
}

/// An exception as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskException {
    /// What it says.
    pub terms: ExceptionTerms,
    /// How it is reviewed.
    pub review: Review,
}

impl Project {
    /// Proposes an exception.
    pub fn propose_exception(
        &self,
        project: ProjectId,
        exception: ExceptionId,
        terms: &ExceptionTerms,
        reason: &str,
        (by, now): (UserId, Timestamp),
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.must_exist(project, "projectId")?;
        self.must_be_tested(&terms.on)?;
        if let Some(control) = terms.compensating {
            self.must_make_up_for(control, &terms.on)?;
        }
        if terms.expires_at <= now || terms.expires_at > now.plus_days(LONGEST_DAYS) {
            return Err(Refused::Expiry { at: terms.expires_at, most: LONGEST_DAYS });
        }
        let stated = terms.approved(now);
        Fact::new(Statement::ExceptionStated { exception, stated }).map_err(|refusal| {
            let field = match refusal {
                Refusal::Places(_) => "places",
                _ => "resource",
            };
            Refused::Value { field, refusal }
        })?;
        let (terms, reason) = (terms.clone(), long_reason("reason", reason)?);
        Ok(vec![ExceptionProposed { project, exception, terms, reason, proposed_by: by }.into()])
    }

    /// Approves an exception that somebody else proposed.
    pub fn approve_exception(
        &self,
        project: ProjectId,
        exception: ExceptionId,
        expected: u32,
        (by, now): (UserId, Timestamp),
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.exception(exception)?;
        known.review.may_be_decided(WHAT, expected, by)?;
        if known.terms.expires_at <= now {
            return Err(Refused::Expired(known.terms.expires_at));
        }
        if let Some(control) = known.terms.compensating {
            self.live_control(control, "id")?;
        }
        let terms = known.terms.clone();
        Ok(vec![ExceptionApproved { project, exception, terms, approved_by: by }.into()])
    }

    /// Refuses an exception that somebody else proposed.
    pub fn reject_exception(
        &self,
        project: ProjectId,
        exception: ExceptionId,
        expected: u32,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.exception(exception)?.review.may_be_decided(WHAT, expected, by)?;
        let reason = long_reason("reason", reason)?;
        Ok(vec![ExceptionRejected { project, exception, reason, rejected_by: by }.into()])
    }

    /// Ends an exception before its time.
    pub fn revoke_exception(
        &self,
        project: ProjectId,
        exception: ExceptionId,
        expected: u32,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        self.exception(exception)?.review.may_end(WHAT, expected)?;
        let reason = long_reason("reason", reason)?;
        Ok(vec![ExceptionRevoked { project, exception, reason, revoked_by: by }.into()])
    }

    fn exception(&self, id: ExceptionId) -> Result<&RiskException, Refused> {
        let missing = || Refused::Missing { what: WHAT, id: id.to_string() };
        self.exceptions.get(&id).ok_or_else(missing)
    }

    /// Refuses an exception on what no control is tested by.
    fn must_be_tested(&self, on: &Excepted) -> Result<(), Refused> {
        match on {
            Excepted::Manual { test } => {
                let known = self.live_test(*test, "testId")?;
                if let Some(check) = &known.check {
                    return Err(Refused::OfACheck(check.clone()));
                }
                self.live_control(known.control, "testId").map(|_| ())
            }
            Excepted::Resource { check, .. } => {
                let tested =
                    |control: &super::Control| !control.retired && control.checks.contains(check);
                match self.controls.values().any(tested) {
                    true => Ok(()),
                    false => Err(Refused::UnknownCheck(check.clone())),
                }
            }
        }
    }

    /// Refuses a control that fails with what it is to make up for.
    fn must_make_up_for(&self, id: ControlId, on: &Excepted) -> Result<(), Refused> {
        let control = self.live_control(id, "compensatingControlId")?;
        let same = match on {
            Excepted::Manual { test } => self.tests.get(test).is_some_and(|it| it.control == id),
            Excepted::Resource { check, .. } => control.checks.contains(check),
        };
        if same { Err(Refused::CompensatesItself(id)) } else { Ok(()) }
    }

    pub(super) fn exception_proposed(&mut self, proposed: &ExceptionProposed) {
        let (terms, review) = (proposed.terms.clone(), Review::proposed(proposed.proposed_by));
        self.exceptions.insert(proposed.exception, RiskException { terms, review });
    }

    pub(super) fn exception_becomes(&mut self, id: ExceptionId, state: ReviewState) {
        if let Some(exception) = self.exceptions.get_mut(&id) {
            exception.review.becomes(state);
        }
    }
}
