//! Which alerts a moment raises and clears. It looks at where things stand and not at how they came
//! there: asked twice, it answers nothing the second time.

use studio_kernel::{Day, Timestamp};

use super::{Alert, AlertId, Condition, ProjectId, ScoreWatch, alerts::within, targets::HUNDRED};
use crate::domain::{
    score::Fixed,
    score_log::{Alarm, Cause, ScoreAlertCleared, ScoreAlertRaised, ScoreEvent, ScoreLog, Values},
};

/// An alert is cleared once the score is back by so many points (or hundredths of coverage), and not
/// before: so a score that sways about the threshold raises it once.
pub const MARGIN: Fixed = Fixed::from_units(Fixed::ONE.units() / 2);

/// A moment at which scores may have moved.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    /// The project.
    pub project: ProjectId,
    /// When.
    pub at: Timestamp,
    /// What moved them; empty where time alone did.
    pub causes: &'a [Cause],
    /// How many causes there were.
    pub cause_count: u32,
}

/// How a score stands to an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    /// Where it is raised.
    There,
    /// Back, but not by the margin.
    Near,
    /// Back.
    Back,
}

/// What is to be recorded together with the scores of a moment, which the log holds already: it takes
/// that in too.
pub fn judge(log: &mut ScoreLog, watch: &ScoreWatch, moment: Moment<'_>) -> Vec<ScoreEvent> {
    let mut events: Vec<ScoreEvent> = Vec::new();
    let gone =
        log.alerts.iter().filter(|(id, alarm)| alarm.raised && !watch.alerts.contains_key(id));
    events.extend(gone.map(|(id, alarm)| cleared(*id, *alarm, moment)));
    for (id, alert) in &watch.alerts {
        let known = log.alerts.get(id).copied();
        let Some((values, highest)) = numbers(log, alert, moment.at.day()) else { continue };
        match (stands(alert.terms.when, &values, highest), known.filter(|alarm| alarm.raised)) {
            (Stands::There, None) => {
                let raising = known.map_or(0, |alarm| alarm.raising) + 1;
                events.push(raised(*id, alert, raising, (&values, highest), moment));
            }
            (Stands::Back, Some(alarm)) => events.push(cleared(*id, alarm, moment)),
            (Stands::There | Stands::Near, Some(_)) | (Stands::Near | Stands::Back, None) => {}
        }
    }
    events.iter().for_each(|event| log.take(event));
    events
}

/// The score that an alert watches, and the highest one within the days that it looks back.
fn numbers(log: &ScoreLog, alert: &Alert, today: Day) -> Option<(Values, Option<Fixed>)> {
    let values = log.newest.get(&alert.framework)?.value?;
    let highest = match alert.terms.when {
        Condition::DropsBy { within_days, .. } => {
            log.highest_since(alert.framework, Day(today.0 - i64::from(within_days)))
        }
        Condition::Below { .. } | Condition::CoverageBelow { .. } => None,
    };
    Some((values, highest))
}

fn stands(when: Condition, values: &Values, highest: Option<Fixed>) -> Stands {
    let plus = |one: Fixed, other: Fixed| Fixed::from_units(one.units() + other.units());
    let less = |one: Fixed, other: Fixed| Fixed::from_units(one.units() - other.units());
    let (there, back) = match when {
        Condition::Below { score } => {
            let back = plus(score, MARGIN).min(HUNDRED);
            (!within(values.lo, score), within(values.lo, back))
        }
        Condition::CoverageBelow { coverage } => {
            let margin = Fixed::from_units(MARGIN.units() / 100);
            let back = plus(coverage, margin).min(Fixed::ONE);
            (!within(values.coverage, coverage), within(values.coverage, back))
        }
        Condition::DropsBy { points, .. } => {
            let lost = less(highest.unwrap_or(values.lo), values.lo);
            let back = less(points, MARGIN).max(Fixed::ZERO);
            (within(lost, points), within(back, lost))
        }
    };
    match (there, back) {
        (true, _) => Stands::There,
        (false, true) => Stands::Back,
        (false, false) => Stands::Near,
    }
}

fn raised(
    id: AlertId,
    alert: &Alert,
    raising: u32,
    (values, highest): (&Values, Option<Fixed>),
    moment: Moment<'_>,
) -> ScoreEvent {
    ScoreAlertRaised {
        alert: id,
        project: moment.project,
        framework: alert.framework,
        name: alert.terms.name.clone(),
        raising,
        at: moment.at,
        lo: values.lo.to_string(),
        coverage: values.coverage.to_string(),
        highest: highest.map(|highest| highest.to_string()),
        causes: moment.causes.to_vec(),
        cause_count: moment.cause_count,
    }
    .into()
}

fn cleared(id: AlertId, alarm: Alarm, moment: Moment<'_>) -> ScoreEvent {
    ScoreAlertCleared {
        alert: id,
        project: moment.project,
        framework: alarm.framework,
        raising: alarm.raising,
        at: moment.at,
    }
    .into()
}
