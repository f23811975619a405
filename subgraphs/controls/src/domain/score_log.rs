//! The scores that were live: one [`ScoreChanged`] for each framework whose numbers moved with a
//! committed batch of facts, or with the clock; and with it the alerts that it raised or cleared.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
pub use studio_kernel::published::controls::{
    ScoreAlertCleared, ScoreAlertRaised, ScoreCause as Cause,
};
use studio_kernel::{Aggregate, Day, Id, Timestamp, event, events, kind};

use super::score::{Counts, Fixed, FrameworkScore, FrameworkValue};

/// An alert looks at most so many days back.
pub const MOST_DAYS_BACK: u32 = 90;

/// At most so many causes are listed with a change; all of them are counted.
pub const MOST_CAUSES: usize = 100;

/// The numbers of a framework's score moved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreChanged {
    /// The project.
    pub project: Id<kind::Project>,
    /// The framework.
    pub framework: Id<kind::Framework>,
    /// What was known: every fact that was recorded by then is counted.
    pub as_of: Timestamp,
    /// The instant at which freshness was judged.
    pub at: Timestamp,
    /// The position of the log up to which every fact is counted.
    pub through: i64,
    /// What it is now.
    pub now: ScoreNumbers,
    /// What it was before; `None` for the first score.
    pub before: Option<ScoreNumbers>,
    /// What moved it, in the order of the log; empty where the clock alone did.
    pub causes: Vec<Cause>,
    /// How many causes there were.
    pub cause_count: u32,
}
event!(ScoreChanged, "controls.score.changed", 1);

/// The numbers of a score, exact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScoreNumbers {
    /// The version of the formula.
    pub formula: u16,
    /// Proven, possible and decided; `None` where nothing applies.
    pub value: Option<Values>,
    /// Requirements that are satisfied.
    pub satisfied: u32,
    /// Requirements that are known not to be.
    pub other_than_satisfied: u32,
    /// Requirements of which that is not known.
    pub undetermined: u32,
}

/// The three numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// Proven, in points from 0 to 100.
    pub lo: Fixed,
    /// Still possible, in points.
    pub hi: Fixed,
    /// Decided, from 0 to 1.
    pub coverage: Fixed,
}

impl From<&FrameworkScore> for ScoreNumbers {
    fn from(score: &FrameworkScore) -> Self {
        Self {
            formula: score.formula,
            value: score.value.as_ref().map(|value| Values {
                lo: value.lo,
                hi: value.hi,
                coverage: value.coverage,
            }),
            satisfied: score.counts.satisfied,
            other_than_satisfied: score.counts.other_than_satisfied,
            undetermined: score.counts.undetermined,
        }
    }
}

impl ScoreNumbers {
    /// As the engine gives it, to be shown.
    pub fn shown(&self, framework: Id<kind::Framework>, at: Timestamp) -> FrameworkScore {
        FrameworkScore {
            framework,
            formula: self.formula,
            at,
            value: self.value.map(|value| FrameworkValue {
                lo: value.lo,
                hi: value.hi,
                coverage: value.coverage,
            }),
            counts: Counts {
                satisfied: self.satisfied,
                other_than_satisfied: self.other_than_satisfied,
                undetermined: self.undetermined,
            },
        }
    }
}

events! {
    /// What happens to the scores of a project.
    pub enum ScoreEvent { ScoreChanged, ScoreAlertRaised, ScoreAlertCleared }
}

/// The newest recorded score of each framework of a project, and what alerts have to know of those
/// before it.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ScoreLog {
    /// By framework.
    pub newest: BTreeMap<Id<kind::Framework>, ScoreNumbers>,
    /// The latest instant at which any of them was judged.
    pub at: Option<Timestamp>,
    /// The position of the log up to which every fact is counted in them.
    pub through: i64,
    /// Of each framework and UTC day, the most points proven that gave way to another score on that day.
    pub highest: BTreeMap<Id<kind::Framework>, BTreeMap<Day, Fixed>>,
    /// The alerts that were ever raised.
    pub alerts: BTreeMap<Id<kind::ScoreAlert>, Alarm>,
}

/// Where an alert stands that was raised once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// The framework whose score it is.
    pub framework: Id<kind::Framework>,
    /// How often it was raised.
    pub raising: u32,
    /// Whether it is raised now.
    pub raised: bool,
}

impl Aggregate for ScoreLog {
    const STREAM_TYPE: &'static str = "controls.score";
    const STATE_VERSION: u32 = 2;
    type Event = ScoreEvent;

    fn apply(&mut self, event: &ScoreEvent, _recorded_at: Timestamp) {
        self.take(event);
    }
}

impl ScoreLog {
    /// Takes an event in.
    pub fn take(&mut self, event: &ScoreEvent) {
        match event {
            ScoreEvent::ScoreChanged(changed) => self.changed(changed),
            ScoreEvent::ScoreAlertRaised(it) => {
                let raised = Alarm { framework: it.framework, raising: it.raising, raised: true };
                self.alerts.insert(it.alert, raised);
            }
            ScoreEvent::ScoreAlertCleared(it) => {
                if let Some(alarm) = self.alerts.get_mut(&it.alert) {
                    alarm.raised = false;
                }
            }
        }
    }

    /// The most points of a framework that were proven on any UTC day from `since` on, if there is a
    /// score.
    pub fn highest_since(&self, framework: Id<kind::Framework>, since: Day) -> Option<Fixed> {
        let now = self.newest.get(&framework)?.value?.lo;
        let days = self.highest.get(&framework).into_iter().flat_map(|days| days.range(since..));
        Some(days.map(|(_, lo)| *lo).fold(now, Fixed::max))
    }

    fn changed(&mut self, changed: &ScoreChanged) {
        let gave_way = changed.before.as_ref().and_then(|before| before.value);
        if let Some(value) = gave_way {
            let today = changed.at.day();
            let days = self.highest.entry(changed.framework).or_default();
            let highest = days.entry(today).or_insert(value.lo);
            *highest = value.lo.max(*highest);
            let oldest = Day(today.0 - i64::from(MOST_DAYS_BACK));
            days.retain(|day, _| *day >= oldest);
        }
        self.newest.insert(changed.framework, changed.now.clone());
        self.at = self.at.max(Some(changed.at));
        self.through = self.through.max(changed.through);
    }
}
