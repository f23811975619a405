//! One framework's score from one instant to a later one, step by step: what each event and each day
//! moved. The steps add up, because each begins where the one before it ended.

use studio_kernel::Timestamp;

use super::{
    BeforeHorizon, FrameworkId, Model, difference::Difference, fact::Fact, value::FrameworkScore,
};

/// A step of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// When it moved; of several changes by the clock within one day, the last.
    pub at: Timestamp,
    /// The score before; `None` while the framework is not adopted.
    pub before: Option<FrameworkScore>,
    /// The score after.
    pub after: Option<FrameworkScore>,
}

impl Step {
    /// What is added to the score before.
    pub fn difference(&self) -> Difference {
        Difference::between(self.before.as_ref(), self.after.as_ref())
    }

    pub(super) fn is_one(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => !before.same_numbers(after),
            (before, after) => before.is_some() != after.is_some(),
        }
    }
}

/// A model that is led through time.
pub struct Walk {
    pub(super) model: Model,
    framework: FrameworkId,
    score: Option<FrameworkScore>,
}

impl Walk {
    /// Begins at an instant that is not before the model's last one.
    ///
    /// # Errors
    /// A model that has forgotten what counted then.
    pub fn new(
        mut model: Model,
        framework: FrameworkId,
        at: Timestamp,
    ) -> Result<Self, BeforeHorizon> {
        model.recompute(at)?;
        let score = model.framework(framework);
        Ok(Self { model, framework, score })
    }

    /// The score as it is.
    pub fn score(&self) -> Option<FrameworkScore> {
        self.score
    }

    /// Lets time pass up to an instant, and tells each day on which that moved the score.
    ///
    /// # Errors
    /// None but for an instant that is before the last one.
    pub fn pass(&mut self, until: Timestamp) -> Result<Vec<Step>, BeforeHorizon> {
        let mut days: Vec<Step> = Vec::new();
        while let Some(due) = self.model.next_change().filter(|due| *due <= until) {
            // What was due before the last recompute is due now.
            let at = self.model.at().map_or(due, |last| last.max(due));
            self.model.recompute(at)?;
            let step = self.step(at);
            match days.last_mut().filter(|last| last.at.day() == at.day()) {
                Some(last) => (last.at, last.after) = (step.at, step.after),
                None => days.push(step),
            }
            // The calendar ends somewhere, and an agenda with it.
            if self.model.next_change().is_some_and(|next| next <= at) {
                break;
            }
        }
        self.model.recompute(until)?;
        days.retain(Step::is_one);
        Ok(days)
    }

    /// Takes the facts of an event in that was recorded at an instant, and tells whether it moved the
    /// score. Time has to have passed up to then.
    ///
    /// # Errors
    /// None but for an instant that is before the last one.
    pub fn take(&mut self, facts: &[Fact], at: Timestamp) -> Result<Option<Step>, BeforeHorizon> {
        for fact in facts {
            self.model.apply(fact);
        }
        self.model.recompute(at)?;
        Ok(Some(self.step(at)).filter(Step::is_one))
    }

    pub(super) fn step(&mut self, at: Timestamp) -> Step {
        let after = self.model.framework(self.framework);
        Step { at, before: std::mem::replace(&mut self.score, after), after }
    }
}
