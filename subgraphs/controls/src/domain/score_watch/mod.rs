//! What people watch the scores of a project for: the targets that they set, and the alerts that tell
//! them. A stream of its own beside the project's, which alone replays the scores: nothing in here is
//! a fact of a score.

mod alerts;
mod judge;
mod refused;
mod targets;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, events, kind};

pub use alerts::{
    Alert, AlertTerms, Condition, ScoreAlertAcknowledged, ScoreAlertChanged, ScoreAlertCreated,
    ScoreAlertRemoved,
};
pub use judge::{MARGIN, Moment, judge};
pub use refused::Refused;
pub use targets::{ScoreTargetRemoved, ScoreTargetSet, Target, TargetTerms};

use super::project::Project;

pub(crate) type AlertId = Id<kind::ScoreAlert>;
pub(crate) type FrameworkId = Id<kind::Framework>;
pub(crate) type ProjectId = Id<kind::Project>;
pub(crate) type UserId = Id<kind::User>;

events! {
    /// What happens to what a project's scores are watched for.
    pub enum ScoreWatchEvent {
        ScoreTargetSet, ScoreTargetRemoved,
        ScoreAlertCreated, ScoreAlertChanged, ScoreAlertRemoved, ScoreAlertAcknowledged,
    }
}

/// What a project's scores are watched for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScoreWatch {
    /// The target of each framework that has one.
    pub targets: BTreeMap<FrameworkId, Target>,
    /// The alerts.
    pub alerts: BTreeMap<AlertId, Alert>,
}

impl Aggregate for ScoreWatch {
    const STREAM_TYPE: &'static str = "controls.score_watch";
    const STATE_VERSION: u32 = 1;
    type Event = ScoreWatchEvent;

    fn apply(&mut self, event: &ScoreWatchEvent, _recorded_at: Timestamp) {
        match event {
            ScoreWatchEvent::ScoreTargetSet(set) => self.target_set(set),
            ScoreWatchEvent::ScoreTargetRemoved(removed) => {
                self.targets.remove(&removed.framework);
            }
            ScoreWatchEvent::ScoreAlertCreated(created) => self.alert_created(created),
            ScoreWatchEvent::ScoreAlertChanged(changed) => self.alert_changed(changed),
            ScoreWatchEvent::ScoreAlertRemoved(removed) => {
                self.alerts.remove(&removed.alert);
            }
            ScoreWatchEvent::ScoreAlertAcknowledged(it) => {
                if let Some(alert) = self.alerts.get_mut(&it.alert) {
                    alert.acknowledged = it.raising;
                }
            }
        }
    }
}

/// Only what has a score can be watched.
fn must_be_adopted(project: &Project, framework: FrameworkId) -> Result<(), Refused> {
    match project.frameworks.contains_key(&framework) {
        true => Ok(()),
        false => Err(Refused::NotAdopted(framework)),
    }
}

#[cfg(test)]
mod tests;
