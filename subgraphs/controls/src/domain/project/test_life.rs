//! How a test is done (NIST SP 800-53A: it examines, interviews or tests), what it weighs, and its end.
//! A test that is retired leaves the value of its control, for better or worse: that is somebody's act,
//! with a reason, and stands in the log like any other.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, event, kind};

use super::{
    ControlId, Project, ProjectId, Refused, Test, TestId,
    controls::{LONGEST_TITLE, refuse},
    error::{line, long, long_reason},
    events::ProjectEvent,
};
use crate::domain::score::{Fixed, Statement};

/// What a test is called in messages.
const WHAT: &str = "test";
const LONGEST_PROCEDURE: usize = 20_000;

/// How an assessor goes about a test (NIST SP 800-53A, 2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Method {
    /// By looking at documents, records and mechanisms.
    Examine,
    /// By asking people.
    Interview,
    /// By trying whether it does what it should.
    Test,
}

impl Method {
    /// As it is written in the read models and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Examine => "EXAMINE",
            Self::Interview => "INTERVIEW",
            Self::Test => "TEST",
        }
    }
}

/// How a test is done by hand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assessment {
    /// By which method; none where nobody said.
    pub method: Option<Method>,
    /// What to do, in full; empty where nobody said.
    pub procedure: String,
    /// Whether a pass counts only once another person has signed it off.
    pub sign_off: bool,
}

impl Assessment {
    /// As it is recorded, or why it cannot be so of a test of this check.
    fn read(&self, check: Option<&str>) -> Result<Self, Refused> {
        if check.is_some() {
            if self.method.is_some_and(|method| method != Method::Test) {
                return Err(Refused::NotByHand { field: "method" });
            }
            if self.sign_off {
                return Err(Refused::NotByHand { field: "signOff" });
            }
        }
        let procedure = long("procedure", &self.procedure, LONGEST_PROCEDURE)?;
        Ok(Self { procedure, ..*self })
    }
}

/// What is said of a test and may change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestText {
    /// What it looks at, in a line.
    pub title: String,
    /// How it is done.
    pub assessment: Assessment,
    /// Its share in the control's value, more than 0.
    pub weight: u32,
    /// Whether it caps the control.
    pub key: bool,
    /// Days for which a pass counts in full.
    pub validity_days: u32,
}

/// A test was changed: this is all that is said of it now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestChanged {
    /// The project.
    pub project: Id<kind::Project>,
    /// The test.
    pub test: Id<kind::ControlTest>,
    /// The control that it tests.
    pub control: Id<kind::Control>,
    /// The scanner's check whose results it counts, as before.
    pub check: Option<String>,
    /// What it is now.
    pub stated: TestText,
}
event!(TestChanged, "controls.test.changed", 1);

/// A test is no longer done: it counts for nothing any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TestRetired {
    /// The project.
    pub project: Id<kind::Project>,
    /// The test.
    pub test: Id<kind::ControlTest>,
    /// The control that it tested.
    pub control: Id<kind::Control>,
    /// The scanner's check whose results it counted.
    pub check: Option<String>,
    /// Why.
    pub reason: String,
}
event!(TestRetired, "controls.test.retired", 1);

impl TestChanged {
    /// What it tells the score engine.
    pub(super) fn statement(&self) -> Statement {
        let weight = i64::from(self.stated.weight).saturating_mul(Fixed::ONE.units());
        Statement::TestStated {
            test: self.test,
            control: self.control,
            weight: Fixed::from_units(weight),
            key: self.stated.key,
            validity_days: self.stated.validity_days,
            check: self.check.clone(),
        }
    }
}

/// What is to change; `None` leaves as it is.
#[derive(Debug, Clone, Default)]
pub struct TestChange {
    /// What it looks at, in a line.
    pub title: Option<String>,
    /// By which method; `Some(None)` for none.
    pub method: Option<Option<Method>>,
    /// What to do, in full.
    pub procedure: Option<String>,
    /// Whether a pass has to be signed off.
    pub sign_off: Option<bool>,
    /// Its share in the control's value.
    pub weight: Option<u32>,
    /// Whether it caps the control.
    pub key: Option<bool>,
    /// Days for which a pass counts in full.
    pub validity_days: Option<u32>,
}

impl Project {
    /// Says how a test that was just added is done, where that is said at all: of its title and
    /// numbers its event says enough.
    pub(super) fn how_it_is_done(
        project: ProjectId,
        (test, control): (TestId, ControlId),
        check: Option<&str>,
        stated: TestText,
    ) -> Result<Option<ProjectEvent>, Refused> {
        let assessment = stated.assessment.read(check)?;
        if assessment == Assessment::default() {
            return Ok(None);
        }
        let (check, stated) = (check.map(str::to_owned), TestText { assessment, ..stated });
        Ok(Some(TestChanged { project, test, control, check, stated }.into()))
    }

    /// Changes a test.
    pub fn change_test(
        &self,
        project: ProjectId,
        test: TestId,
        expected: u32,
        change: &TestChange,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.test_at(test, expected)?;
        let mut stated = known.stated.clone();
        if let Some(title) = &change.title {
            stated.title = line("title", title, LONGEST_TITLE)?;
        }
        stated.weight = change.weight.unwrap_or(stated.weight);
        stated.key = change.key.unwrap_or(stated.key);
        stated.validity_days = change.validity_days.unwrap_or(stated.validity_days);
        let before = known.stated.assessment.clone();
        stated.assessment = Assessment {
            method: change.method.unwrap_or(before.method),
            procedure: change.procedure.clone().unwrap_or(before.procedure),
            sign_off: change.sign_off.unwrap_or(before.sign_off),
        }
        .read(known.check.as_deref())?;
        if stated == known.stated {
            return Ok(Vec::new());
        }
        let (control, check) = (known.control, known.check.clone());
        let weighs = stated.weight > 0 && stated.weight <= 1000;
        let changed = ProjectEvent::from(TestChanged { project, test, control, check, stated });
        refuse(if weighs { "validityDays" } else { "weight" }, &changed)?;
        Ok(vec![changed])
    }

    /// Retires a test.
    pub fn retire_test(
        &self,
        project: ProjectId,
        test: TestId,
        expected: u32,
        reason: &str,
    ) -> Result<Vec<ProjectEvent>, Refused> {
        let known = self.test_at(test, expected)?;
        let (control, check) = (known.control, known.check.clone());
        let reason = long_reason("reason", reason)?;
        Ok(vec![TestRetired { project, test, control, check, reason }.into()])
    }

    /// A test that is done. `field` is the field of the input that names it.
    pub fn live_test(&self, id: TestId, field: &'static str) -> Result<&Test, Refused> {
        match self.tests.get(&id) {
            None => Err(Refused::UnknownTest { field, id }),
            Some(test) if test.retired => Err(Refused::TestRetired { field, id }),
            Some(test) => Ok(test),
        }
    }

    fn test_at(&self, id: TestId, expected: u32) -> Result<&Test, Refused> {
        let known = self.live_test(id, "id")?;
        self.live_control(known.control, "id")?;
        if known.version == expected {
            Ok(known)
        } else {
            Err(Refused::Stale { what: WHAT, expected, actual: known.version })
        }
    }

    pub(super) fn test_added(&mut self, added: &super::events::ControlTestAdded) {
        if let (Some(control), Some(check)) = (self.controls.get_mut(&added.control), &added.check)
        {
            control.retired_checks.remove(check);
            control.checks.insert(check.clone());
        }
        let stated = TestText {
            title: added.title.clone(),
            assessment: Assessment::default(),
            weight: added.weight,
            key: added.key,
            validity_days: added.validity_days,
        };
        let (control, check) = (added.control, added.check.clone());
        let test = Test { control, check, rule: None, version: 1, stated, retired: false };
        self.tests.insert(added.test, test);
    }

    pub(super) fn test_changed(&mut self, changed: &TestChanged) {
        if let Some(test) = self.tests.get_mut(&changed.test) {
            test.stated = changed.stated.clone();
            test.version += 1;
        }
    }

    pub(super) fn test_retired(&mut self, retired: &TestRetired) {
        if let Some(test) = self.tests.get_mut(&retired.test) {
            test.retired = true;
            test.version += 1;
        }
        if let (Some(control), Some(check)) =
            (self.controls.get_mut(&retired.control), &retired.check)
        {
            control.checks.remove(check);
            control.retired_checks.insert(check.clone());
        }
    }
}
