//! Alerts: when people want to be told about a score.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, event, kind};

use super::{
    AlertId, FrameworkId, ProjectId, Refused, ScoreWatch, ScoreWatchEvent, UserId, must_be_adopted,
    targets::{HUNDRED, range},
};
use crate::domain::{
    project::Project,
    score::Fixed,
    score_log::{MOST_DAYS_BACK, ScoreLog},
};

const WHAT: &str = "alert";
/// The most characters of a name.
const LONGEST_NAME: usize = 200;
/// The most alerts of a project: each is looked at whenever a score moves.
const MOST_ALERTS: usize = 100;
/// What no reader sees, in units.
const TOLERANCE: i64 = 1_000;

/// An alert was set on a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreAlertCreated {
    /// The project.
    pub project: Id<kind::Project>,
    /// The alert.
    pub alert: Id<kind::ScoreAlert>,
    /// The framework whose score it watches.
    pub framework: Id<kind::Framework>,
    /// What it watches for.
    pub terms: AlertTerms,
    /// Who set it; none where a program did.
    pub created_by: Option<Id<kind::User>>,
}
event!(ScoreAlertCreated, "controls.score_alert.created", 1);

/// An alert watches for something else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreAlertChanged {
    /// The project.
    pub project: Id<kind::Project>,
    /// The alert.
    pub alert: Id<kind::ScoreAlert>,
    /// What it watches for now.
    pub terms: AlertTerms,
    /// Who changed it; none where a program did.
    pub changed_by: Option<Id<kind::User>>,
}
event!(ScoreAlertChanged, "controls.score_alert.changed", 1);

/// An alert is no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreAlertRemoved {
    /// The project.
    pub project: Id<kind::Project>,
    /// The alert.
    pub alert: Id<kind::ScoreAlert>,
    /// Who removed it; none where a program did.
    pub removed_by: Option<Id<kind::User>>,
}
event!(ScoreAlertRemoved, "controls.score_alert.removed", 1);

/// Somebody has seen that an alert was raised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreAlertAcknowledged {
    /// The project.
    pub project: Id<kind::Project>,
    /// The alert.
    pub alert: Id<kind::ScoreAlert>,
    /// The how many-th time that it was raised they have seen.
    pub raising: u32,
    /// Who.
    pub acknowledged_by: Id<kind::User>,
}
event!(ScoreAlertAcknowledged, "controls.score_alert.acknowledged", 1);

/// What is said of an alert and may change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertTerms {
    /// Its name.
    pub name: String,
    /// When it is raised.
    pub when: Condition,
}

/// When an alert is raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Condition {
    /// Less is proven.
    Below {
        /// Than so many points.
        score: Fixed,
    },
    /// Less is decided.
    CoverageBelow {
        /// Than this share of the weight.
        coverage: Fixed,
    },
    /// So much less is proven than at some time within the last days.
    #[serde(rename_all = "camelCase")]
    DropsBy {
        /// So many points or more.
        points: Fixed,
        /// Today and so many UTC days before it.
        within_days: u32,
    },
}

impl Condition {
    fn checked(self) -> Result<Self, Refused> {
        match self {
            Self::Below { score } => range("when", score, HUNDRED, "100")?,
            Self::CoverageBelow { coverage } => range("when", coverage, Fixed::ONE, "1")?,
            Self::DropsBy { points, within_days } => {
                range("when", points, HUNDRED, "100")?;
                if !(1..=MOST_DAYS_BACK).contains(&within_days) {
                    return Err(Refused::Days(within_days));
                }
            }
        }
        Ok(self)
    }
}

impl AlertTerms {
    fn checked(self) -> Result<Self, Refused> {
        let name = self.name.trim();
        let length = name.chars().count();
        if length == 0 || length > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Refused::Name { most: LONGEST_NAME });
        }
        Ok(Self { name: name.to_owned(), when: self.when.checked()? })
    }
}

/// Whether a number is at least another one, as far as a reader sees.
pub(super) fn within(number: Fixed, least: Fixed) -> bool {
    number.units() + TOLERANCE >= least.units()
}

/// An alert as it is now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The framework whose score it watches.
    pub framework: FrameworkId,
    /// How often it was stated: what `expectedVersion` is compared with.
    pub version: u32,
    /// What it watches for.
    pub terms: AlertTerms,
    /// The last time that it was raised which somebody has seen; 0 for none.
    pub acknowledged: u32,
}

impl ScoreWatch {
    /// Sets an alert on the score of a framework.
    pub fn create_alert(
        &self,
        of: (&Project, ProjectId, FrameworkId),
        alert: AlertId,
        terms: AlertTerms,
        by: Option<UserId>,
    ) -> Result<Vec<ScoreWatchEvent>, Refused> {
        let (state, project, framework) = of;
        must_be_adopted(state, framework)?;
        if self.alerts.len() >= MOST_ALERTS {
            return Err(Refused::TooMany(self.alerts.len()));
        }
        let terms = terms.checked()?;
        Ok(vec![ScoreAlertCreated { project, alert, framework, terms, created_by: by }.into()])
    }

    /// Lets an alert watch for something else.
    pub fn change_alert(
        &self,
        project: ProjectId,
        alert: AlertId,
        expected: u32,
        terms: AlertTerms,
        by: Option<UserId>,
    ) -> Result<Vec<ScoreWatchEvent>, Refused> {
        let known = self.alert(alert, expected)?;
        let terms = terms.checked()?;
        if known.terms == terms {
            return Ok(Vec::new());
        }
        Ok(vec![ScoreAlertChanged { project, alert, terms, changed_by: by }.into()])
    }

    /// Removes an alert.
    pub fn remove_alert(
        &self,
        project: ProjectId,
        alert: AlertId,
        expected: u32,
        by: Option<UserId>,
    ) -> Result<Vec<ScoreWatchEvent>, Refused> {
        self.alert(alert, expected)?;
        Ok(vec![ScoreAlertRemoved { project, alert, removed_by: by }.into()])
    }

    /// Says that somebody has seen that an alert was raised. It stays raised until the score is back.
    pub fn acknowledge_alert(
        &self,
        project: ProjectId,
        alert: AlertId,
        raising: u32,
        log: &ScoreLog,
        by: UserId,
    ) -> Result<Vec<ScoreWatchEvent>, Refused> {
        let known = self.alerts.get(&alert).ok_or(Refused::NoAlert(alert))?;
        let raised = log.alerts.get(&alert).filter(|alarm| alarm.raised);
        if raised.is_none_or(|alarm| alarm.raising != raising) {
            return Err(Refused::NotRaised { given: raising });
        }
        if known.acknowledged == raising {
            return Err(Refused::Acknowledged);
        }
        Ok(vec![ScoreAlertAcknowledged { project, alert, raising, acknowledged_by: by }.into()])
    }

    fn alert(&self, alert: AlertId, expected: u32) -> Result<&Alert, Refused> {
        match self.alerts.get(&alert) {
            None => Err(Refused::NoAlert(alert)),
            Some(known) if known.version != expected => {
                Err(Refused::Stale { what: WHAT, expected, actual: known.version })
            }
            Some(known) => Ok(known),
        }
    }

    pub(super) fn alert_created(&mut self, created: &ScoreAlertCreated) {
        let alert = Alert {
            framework: created.framework,
            version: 1,
            terms: created.terms.clone(),
            acknowledged: 0,
        };
        self.alerts.insert(created.alert, alert);
    }

    pub(super) fn alert_changed(&mut self, changed: &ScoreAlertChanged) {
        if let Some(alert) = self.alerts.get_mut(&changed.alert) {
            alert.terms = changed.terms.clone();
            alert.version += 1;
        }
    }
}
