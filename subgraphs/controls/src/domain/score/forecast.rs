//! What time alone does to one framework's score: which thing of the clock moves it, when, and by how
//! much. Things that are due at one instant have their turn one after the other, exceptions first, so
//! that each is told apart and all add up. What several of them share falls to the one whose turn it is.

use std::collections::{BTreeMap, BTreeSet};

use studio_kernel::Timestamp;

use super::{
    BeforeHorizon, ControlId, ExceptionId, TestId,
    difference::Difference,
    model::{Due, Model},
    walk::{Step, Walk},
};

/// Something that time alone does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Passing {
    /// The passes of a test grow old (rule 1).
    Fading(TestId),
    /// What is known of a test already becomes true: a result that is dated ahead, or an exception.
    TakingEffect(TestId),
    /// An exception ends (rule 3).
    ExceptionEnding(ExceptionId),
    /// A nonconformity of a control is open from then on, or closed.
    NonconformityMoving(ControlId),
}

/// What one thing did to the score at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The thing.
    pub thing: Passing,
    /// What it did.
    pub step: Step,
}

/// All that one thing does to the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Course {
    /// The thing.
    pub thing: Passing,
    /// When it moves the score first.
    pub from: Timestamp,
    /// When it moves the score last.
    pub to: Timestamp,
    /// What it adds, from first to last.
    pub difference: Difference,
}

/// What each thing does, those that begin first before the others. Together they add up to what all
/// moves do.
pub fn courses(moves: &[Passed]) -> Vec<Course> {
    let mut courses: BTreeMap<Passing, Course> = BTreeMap::new();
    for Passed { thing, step } in moves {
        let (at, added) = (step.at, step.difference());
        courses
            .entry(*thing)
            .and_modify(|course| {
                course.to = at;
                course.difference = course.difference.plus(added);
            })
            .or_insert(Course { thing: *thing, from: at, to: at, difference: added });
    }
    let mut courses: Vec<Course> = courses.into_values().collect();
    // Stable: among equals the order of the things stays.
    courses.sort_by_key(|course| course.from);
    courses
}

impl Walk {
    /// Lets time pass up to an instant as [`pass`](Walk::pass) does, and tells apart what moved the
    /// score.
    ///
    /// # Errors
    /// None but for an instant that is before the last one.
    pub fn foresee(&mut self, until: Timestamp) -> Result<Vec<Passed>, BeforeHorizon> {
        let mut moves = Vec::new();
        while let Some(due) = self.model.next_change().filter(|due| *due <= until) {
            let now = self.model.at().unwrap_or(due);
            let at = due.max(now);
            for exception in self.model.ending(at, now) {
                let reached = self.model.end_exception(exception, now);
                self.model.pending.tests.extend(reached);
                self.model.recompute(now)?;
                self.moved(Passing::ExceptionEnding(exception), at, &mut moves);
            }
            for (due, thing) in self.model.due(at, now) {
                self.model.recompute_due(due, at);
                self.moved(thing, at, &mut moves);
            }
            // The calendar ends somewhere, and an agenda with it.
            if self.model.next_change().is_some_and(|next| next <= now) {
                break;
            }
        }
        self.model.recompute(until)?;
        Ok(moves)
    }

    fn moved(&mut self, thing: Passing, at: Timestamp, moves: &mut Vec<Passed>) {
        let step = self.step(at);
        if step.is_one() {
            moves.push(Passed { thing, step });
        }
    }
}

impl Model {
    /// The tests that are on the agenda by `at`.
    fn due_tests(&self, at: Timestamp) -> impl Iterator<Item = TestId> {
        let due = self.agenda.iter().take_while(move |due| due.0 <= at);
        due.filter_map(|due| match due.1 {
            Due::Test(test) => Some(test),
            Due::Control(_) => None,
        })
    }

    /// The exceptions that hold at `now` and end by `at`.
    fn ending(&self, at: Timestamp, now: Timestamp) -> BTreeSet<ExceptionId> {
        self.due_tests(at)
            .filter_map(|test| self.tests.get(&test))
            .flat_map(|test| self.exceptions_on(test))
            .filter(|(_, exception)| exception.holds(now) && exception.until <= at)
            .map(|(id, _)| id)
            .collect()
    }

    /// What is on the agenda by `at`, and what of it happens after `now`.
    fn due(&self, at: Timestamp, now: Timestamp) -> Vec<((Timestamp, Due), Passing)> {
        let due = self.agenda.iter().take_while(|due| due.0 <= at);
        due.map(|due| {
            let thing = match due.1 {
                Due::Control(control) => Passing::NonconformityMoving(control),
                Due::Test(test) if self.takes_effect(test, at, now) => Passing::TakingEffect(test),
                Due::Test(test) => Passing::Fading(test),
            };
            (*due, thing)
        })
        .collect()
    }

    /// Whether something that is known of a test becomes true after `now` and by `at`.
    fn takes_effect(&self, test: TestId, at: Timestamp, now: Timestamp) -> bool {
        let Some(test) = self.tests.get(&test) else { return false };
        let mut series = self.series_of(test);
        let mut exceptions = self.exceptions_on(test);
        series.any(|(_, _, series)| series.next_after(now).is_some_and(|next| next <= at))
            || exceptions.any(|(_, exception)| exception.from > now && exception.from <= at)
    }
}
