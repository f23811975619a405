//! What comes out of tests by hand. Where a test asks for it, a pass counts only once another person
//! has signed it off (four eyes); what is no pass counts at once, so that waiting leaves no score too
//! high. A pass that is signed off is as old as it was: it counts by the times of its recording.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, Timestamp, event, kind};

use super::{
    Project, ProjectId, Refused, TestId,
    controls::refuse,
    error::{long, long_reason},
    events::ProjectEvent,
    review::{Review, ReviewState, UserId},
};
use crate::domain::score::{Outcome, Statement};

/// The id of a result.
pub(crate) type TestResultId = Id<kind::TestResult>;

/// What a result is called in messages.
const WHAT: &str = "result";
const LONGEST_NOTE: usize = 2_000;
const MOST_EVIDENCE: usize = 50;

/// Somebody carried a manual test out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestResultRecorded {
    /// The project.
    pub project: Id<kind::Project>,
    /// The test.
    pub test: Id<kind::ControlTest>,
    /// What came out.
    pub outcome: Outcome,
    /// Since when it is true.
    pub effective_from: Timestamp,
    /// Until when it was true, where that is known.
    pub effective_to: Option<Timestamp>,
    /// When it was entered.
    pub collected_at: Timestamp,
    /// The result's id. Older logs have none: there it has the digits of the event's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Id<kind::TestResult>>,
    /// What was seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The evidence that shows it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<Id<kind::Evidence>>,
    /// Of a pass that counts only once another person has signed it off: who recorded it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub awaits_other_than: Option<Id<kind::User>>,
}
event!(TestResultRecorded, "controls.test.result_recorded", 1);

/// Another person signed a pass off: it counts from now on, by the times of its recording.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestResultSignedOff {
    /// The project.
    pub project: Id<kind::Project>,
    /// The test.
    pub test: Id<kind::ControlTest>,
    /// The result.
    pub result: Id<kind::TestResult>,
    /// Since when it is true.
    pub effective_from: Timestamp,
    /// Until when it was true, where that is known.
    pub effective_to: Option<Timestamp>,
    /// When it was entered.
    pub collected_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// Who signed it off.
    pub signed_by: Id<kind::User>,
}
event!(TestResultSignedOff, "controls.test.result_signed_off", 1);

/// Another person refused a pass: it never counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestResultRejected {
    /// The project.
    pub project: Id<kind::Project>,
    /// The test.
    pub test: Id<kind::ControlTest>,
    /// The result.
    pub result: Id<kind::TestResult>,
    /// Why.
    pub reason: String,
    /// Who refused it.
    pub rejected_by: Id<kind::User>,
}
event!(TestResultRejected, "controls.test.result_rejected", 1);

impl TestResultRecorded {
    /// What it tells the score engine, unless it has to be signed off first.
    pub(super) fn statement(&self, recorded_at: Timestamp) -> Option<Statement> {
        let counted = Statement::ManualResult {
            test: self.test,
            outcome: self.outcome,
            effective_from: self.effective_from,
            effective_to: self.effective_to,
            collected_at: self.collected_at,
            recorded_at,
            evidence: None,
        };
        self.awaits_other_than.is_none().then_some(counted)
    }
}

impl TestResultSignedOff {
    /// What it tells the score engine.
    pub(super) fn statement(&self) -> Statement {
        Statement::ManualResult {
            test: self.test,
            outcome: Outcome::Passed,
            effective_from: self.effective_from,
            effective_to: self.effective_to,
            collected_at: self.collected_at,
            recorded_at: self.recorded_at,
            evidence: None,
        }
    }
}

/// A pass that has to be signed off, or had to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedResult {
    /// The test.
    pub test: TestId,
    /// Since when it is true.
    pub effective_from: Timestamp,
    /// Until when it was true.
    pub effective_to: Option<Timestamp>,
    /// When it was entered.
    pub collected_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// How it is reviewed.
    pub review: Review,
}

/// The result of a manual test.
#[derive(Debug, Clone)]
pub struct TestResult {
    /// The test.
    pub test: TestId,
    /// What came out.
    pub outcome: Outcome,
    /// Since when it is true.
    pub effective_from: Timestamp,
    /// Until when it was true.
    pub effective_to: Option<Timestamp>,
    /// When it was entered.
    pub collected_at: Timestamp,
    /// What was seen.
    pub note: Option<String>,
    /// The evidence that shows it.
    pub evidence: Vec<Id<kind::Evidence>>,
}

impl Project {
    /// Records the result of a manual test. A pass that has to be signed off must be a person's, for
    /// another person has to be another one.
    pub fn record_result(
        &self,
        project: ProjectId,
        id: TestResultId,
        result: &TestResult,
        by: Option<UserId>,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let test = self.live_test(result.test, "testId")?;
        if let Some(check) = &test.check {
            return Err(Refused::NotManual(check.clone()));
        }
        self.live_control(test.control, "testId")?;
        // Once it came true, it would stand before whatever was found until then.
        if result.effective_from > result.collected_at.latest_elsewhere() {
            return Err(Refused::Ahead(result.effective_from));
        }
        if result.evidence.len() > MOST_EVIDENCE {
            return Err(Refused::Many { field: "evidenceIds", most: MOST_EVIDENCE });
        }
        let note =
            result.note.as_deref().map(|note| long("note", note, LONGEST_NOTE)).transpose()?;
        let mut recorded = TestResultRecorded {
            project,
            test: result.test,
            outcome: result.outcome,
            effective_from: result.effective_from,
            effective_to: result.effective_to,
            collected_at: result.collected_at,
            result: Some(id),
            note: note.filter(|note| !note.is_empty()),
            evidence: result.evidence.clone(),
            awaits_other_than: None,
        };
        refuse("effectiveTo", &recorded.clone().into())?;
        if test.stated.assessment.sign_off && result.outcome == Outcome::Passed {
            recorded.awaits_other_than = Some(by.ok_or(Refused::NotAPerson { field: "testId" })?);
        }
        Ok(vec![recorded.into()])
    }

    /// Signs a pass off that somebody else recorded.
    pub fn sign_off_result(
        &self,
        project: ProjectId,
        result: TestResultId,
        expected: u32,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.recorded_by_another(result, expected, by)?;
        let test = self.live_test(known.test, "id")?;
        self.live_control(test.control, "id")?;
        let signed = TestResultSignedOff {
            project,
            test: known.test,
            result,
            effective_from: known.effective_from,
            effective_to: known.effective_to,
            collected_at: known.collected_at,
            recorded_at: known.recorded_at,
            signed_by: by,
        };
        Ok(vec![signed.into()])
    }

    /// Refuses a pass that somebody else recorded.
    pub fn reject_result(
        &self,
        project: ProjectId,
        result: TestResultId,
        expected: u32,
        reason: &str,
        by: UserId,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let test = self.recorded_by_another(result, expected, by)?.test;
        let reason = long_reason("reason", reason)?;
        Ok(vec![TestResultRejected { project, test, result, reason, rejected_by: by }.into()])
    }

    fn recorded_by_another(
        &self,
        id: TestResultId,
        expected: u32,
        by: UserId,
    ) -> Result<&SignedResult, Refused> {
        let missing = || Refused::NothingToSign(id);
        let known = self.results.get(&id).ok_or_else(missing)?;
        known.review.may_be_decided_by(by, (WHAT, "recorded"), expected)?;
        Ok(known)
    }

    pub(super) fn result_recorded(&mut self, recorded: &TestResultRecorded, at: Timestamp) {
        if let (Some(id), Some(by)) = (recorded.result, recorded.awaits_other_than) {
            let result = SignedResult {
                test: recorded.test,
                effective_from: recorded.effective_from,
                effective_to: recorded.effective_to,
                collected_at: recorded.collected_at,
                recorded_at: at,
                review: Review::proposed(by),
            };
            self.results.insert(id, result);
        }
    }

    pub(super) fn result_becomes(&mut self, id: TestResultId, state: ReviewState) {
        if let Some(result) = self.results.get_mut(&id) {
            result.review.becomes(state);
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{DomainEvent, Payload};

    use super::*;
    use crate::domain::project::facts;

    fn id<K: studio_kernel::id::Kind>(number: u32) -> Id<K> {
        format!("{}_{number:032x}", K::PREFIX).parse().unwrap()
    }

    /// As logs from before there were notes and sign-offs have it.
    const OLD: &str = r#"{"project":"prj_00000000000000000000000000000001","test":"tst_00000000000000000000000000000002","outcome":"PASSED","effective_from":"2026-03-01T12:00:00Z","effective_to":null,"collected_at":"2026-03-01T12:00:00Z"}"#;

    #[test]
    fn a_result_of_an_older_log_reads_counts_and_is_written_as_it_was() {
        let event = ProjectEvent::decode(TestResultRecorded::TYPE, 1, OLD).unwrap();
        assert_eq!(facts(&event, Timestamp::default()).unwrap().len(), 1);
        let written: serde_json::Value = event.to_payload().unwrap();
        assert_eq!(written, serde_json::from_str::<serde_json::Value>(OLD).unwrap());
        let mut project = Project::default();
        project.result_recorded(&serde_json::from_str(OLD).unwrap(), Timestamp::default());
        assert!(project.results.is_empty(), "nobody has to sign it off");
    }

    #[test]
    fn a_pass_that_waits_tells_nothing_and_its_sign_off_tells_its_own_times() {
        let mut recorded: TestResultRecorded = serde_json::from_str(OLD).unwrap();
        let (result, by, other) = (id(3), id::<kind::User>(4), id::<kind::User>(5));
        (recorded.result, recorded.awaits_other_than) = (Some(result), Some(by));
        let day = |days| Timestamp::default().plus_days(days);
        let event = ProjectEvent::from(recorded.clone());
        assert_eq!(facts(&event, day(9)).unwrap(), []);
        let mut project = Project::default();
        let control = id(6);
        let text = super::super::ControlText {
            title: String::new(),
            description: String::new(),
            implementation: crate::domain::score::Implementation::Implemented,
            owner: None,
            scope: String::new(),
            review_every_days: None,
        };
        project.controls.insert(control, super::super::Control::new(String::new(), text));
        let added = super::super::events::ControlTestAdded {
            test: recorded.test,
            control,
            project: recorded.project,
            check: None,
            title: String::new(),
            weight: 1,
            key: false,
            validity_days: 30,
        };
        project.test_added(&added);
        project.result_recorded(&recorded, day(9));
        let own = project.sign_off_result(recorded.project, result, 1, by);
        assert_eq!(own.unwrap_err(), Refused::FourEyes { what: WHAT, did: "recorded" });
        let signed = project.sign_off_result(recorded.project, result, 1, other).unwrap();
        let facts = facts(&signed[0], day(40)).unwrap();
        let Statement::ManualResult { recorded_at, collected_at, .. } = facts[0].statement() else {
            panic!("{facts:?}")
        };
        assert_eq!((*recorded_at, *collected_at), (day(9), recorded.collected_at));
        let unknown = project.sign_off_result(recorded.project, id(7), 1, other);
        assert_eq!(unknown.unwrap_err(), Refused::NothingToSign(id(7)));
        project.result_becomes(result, ReviewState::Rejected);
        let late = project.reject_result(recorded.project, result, 2, "x", other);
        assert_eq!(late.unwrap_err(), Refused::NotOpen { what: WHAT, state: "REJECTED" });
    }
}
