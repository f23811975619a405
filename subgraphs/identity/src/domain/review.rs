//! A review of access: who has which role in the organization, looked at one by one, and confirmed or
//! removed. What was found and decided stands in the stream of the review, and what is complete never
//! changes again.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Role, Timestamp, event, events, kind};

use super::{SealedValue, input::Fault};

/// Roles of people that one review holds at most: an event has its limit.
pub const MOST: usize = 20_000;

/// A review was begun, of all access that there was then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewStarted {
    /// The review.
    pub review: Id<kind::AccessReview>,
    /// What people call it.
    pub title: String,
    /// Who began it.
    pub by: Id<kind::User>,
    /// What there is to decide: a role of a person each.
    pub items: Vec<Access>,
}
event!(ReviewStarted, "identity.access_review.started", 1);

/// A role that somebody has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Whose.
    pub user: Id<kind::User>,
    /// The role.
    pub role: Role,
    /// The project that it is for; the whole organization where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Id<kind::Project>>,
    /// When it ends by itself, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// The team by which they have it; absent where it is theirs alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Id<kind::Team>>,
}

impl Access {
    /// Whether a decision is about it. One about a team is about all that somebody has by it: they are in the
    /// team, or they are not.
    fn is_that_of(&self, decided: &AccessDecided) -> bool {
        let same = (self.user, self.team) == (decided.user, decided.team);
        let role = (self.role, self.project) == (decided.role, decided.project);
        same && (role || self.team.is_some())
    }
}

/// What is decided of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is right as it is.
    Confirm,
    /// It was taken.
    Remove,
}

/// It was decided whether somebody keeps a role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccessDecided {
    /// The review.
    pub review: Id<kind::AccessReview>,
    /// Whose role.
    pub user: Id<kind::User>,
    /// The role.
    pub role: Role,
    /// The project that it is for; the whole organization where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Id<kind::Project>>,
    /// The team by which they have it: the decision is about all that they have by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<Id<kind::Team>>,
    /// What was decided.
    pub decision: Decision,
    /// By whom.
    pub by: Id<kind::User>,
    /// Why, sealed with the key of the person whose role it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<SealedValue>,
}
event!(AccessDecided, "identity.access_review.decided", 1);

/// Everything was decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewCompleted {
    /// The review.
    pub review: Id<kind::AccessReview>,
    /// By whom.
    pub by: Id<kind::User>,
    /// How many roles were confirmed.
    pub confirmed: u32,
    /// How many were taken.
    pub removed: u32,
}
event!(ReviewCompleted, "identity.access_review.completed", 1);

events! {
    /// What happens to a review of access.
    pub enum ReviewEvent { ReviewStarted, AccessDecided, ReviewCompleted }
}

/// The state of a review.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct AccessReview {
    started: bool,
    completed: bool,
    items: Vec<Item>,
}

/// A role that is looked at.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Item {
    /// The role.
    pub access: Access,
    /// What was decided; `None` while nothing was.
    pub decided: Option<Decided>,
}

/// What was decided of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Decided {
    /// What.
    pub decision: Decision,
    /// By whom.
    pub by: Id<kind::User>,
    /// When.
    pub at: Timestamp,
    /// Why, sealed.
    pub note: Option<SealedValue>,
}

impl AccessReview {
    /// Whether there is such a review.
    pub fn exists(&self) -> bool {
        self.started
    }

    /// Everything that there is to decide, in the order in which it was found.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How much is not decided yet.
    pub fn open(&self) -> usize {
        self.items.iter().filter(|item| item.decided.is_none()).count()
    }

    /// Records a decision. What was taken stays so; what was confirmed can still be taken.
    ///
    /// # Errors
    /// Where the review is complete, or holds no such role.
    pub fn decide(&self, decided: AccessDecided) -> Result<Vec<ReviewEvent>, Fault> {
        self.not_completed()?;
        let item = self.items.iter().find(|item| item.access.is_that_of(&decided));
        let item = item.ok_or_else(|| {
            Fault::new("NO_SUCH_ITEM", "role", "This review holds no such role of that person.")
        })?;
        match item.decided.as_ref().map(|before| (before.decision, decided.decision)) {
            None | Some((Decision::Confirm, Decision::Remove)) => Ok(vec![decided.into()]),
            Some((Decision::Confirm, Decision::Confirm) | (Decision::Remove, Decision::Remove)) => {
                Ok(Vec::new())
            }
            Some((Decision::Remove, Decision::Confirm)) => Err(Fault::new(
                "REMOVED_ALREADY",
                "decision",
                "That role was taken by this review: give it anew with changeRoles.",
            )),
        }
    }

    /// Completes the review.
    ///
    /// # Errors
    /// Where it is complete, or not everything is decided.
    pub fn complete(
        &self,
        review: Id<kind::AccessReview>,
        by: Id<kind::User>,
    ) -> Result<Vec<ReviewEvent>, Fault> {
        self.not_completed()?;
        let open = self.open();
        if open > 0 {
            let message =
                format!("{open} roles are not decided yet: decide each with decideAccess.");
            return Err(Fault::new("UNDECIDED", "reviewId", message));
        }
        let count = |decision| {
            let all = self.items.iter().filter_map(|item| item.decided.as_ref());
            let count = all.filter(|decided| decided.decision == decision).count();
            u32::try_from(count).unwrap_or(u32::MAX)
        };
        let (confirmed, removed) = (count(Decision::Confirm), count(Decision::Remove));
        Ok(vec![ReviewCompleted { review, by, confirmed, removed }.into()])
    }

    fn not_completed(&self) -> Result<(), Fault> {
        if self.completed {
            let message = "This review is complete and changes no more: start another one.";
            return Err(Fault::new("REVIEW_COMPLETED", "reviewId", message));
        }
        Ok(())
    }
}

impl Aggregate for AccessReview {
    const STREAM_TYPE: &'static str = "identity.access_review";
    const STATE_VERSION: u32 = 3;
    type Event = ReviewEvent;

    fn apply(&mut self, event: &ReviewEvent, recorded_at: Timestamp) {
        match event {
            ReviewEvent::ReviewStarted(started) => {
                self.started = true;
                let items = started.items.iter().map(|&access| Item { access, decided: None });
                self.items = items.collect();
            }
            ReviewEvent::AccessDecided(decided) => {
                let found = self.items.iter_mut().filter(|item| item.access.is_that_of(decided));
                for item in found {
                    let AccessDecided { decision, by, ref note, .. } = *decided;
                    let note = note.clone();
                    item.decided = Some(Decided { decision, by, at: recorded_at, note });
                }
            }
            ReviewEvent::ReviewCompleted(_) => self.completed = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[test]
    fn what_is_decided_and_completed_stays_so() {
        let env = Env::system();
        let (review, user, by) = (env.id(), env.id(), env.id());
        let access = |role, project| Access { user, role, project, until: None, team: None };
        let project = Some(env.id());
        let items = vec![
            access(Role::Admin, None),
            access(Role::Viewer, None),
            access(Role::Viewer, project),
        ];
        let mut state = AccessReview::default();
        let apply = |state: &mut AccessReview, events: Vec<ReviewEvent>| {
            events.iter().for_each(|event| state.apply(event, Timestamp::from_micros(1)));
        };
        let started = ReviewStarted { review, title: "Q1".into(), by, items };
        apply(&mut state, vec![started.into()]);
        let decided_in = |project, role, decision| AccessDecided {
            review,
            user,
            role,
            project,
            team: None,
            decision,
            by,
            note: None,
        };
        let decided = |role, decision| decided_in(None, role, decision);
        let code = |result: Result<Vec<ReviewEvent>, Fault>| result.unwrap_err().code;
        assert_eq!(code(state.decide(decided(Role::Owner, Decision::Confirm))), "NO_SUCH_ITEM");
        assert_eq!((state.open(), code(state.complete(review, by))), (3, "UNDECIDED"));
        let elsewhere = decided_in(Some(env.id()), Role::Viewer, Decision::Confirm);
        assert_eq!(code(state.decide(elsewhere)), "NO_SUCH_ITEM");
        let events = state.decide(decided_in(project, Role::Viewer, Decision::Remove)).unwrap();
        apply(&mut state, events);
        assert_eq!(state.open(), 2, "the same role of the organization is another one");
        let events = state.decide(decided(Role::Admin, Decision::Confirm)).unwrap();
        apply(&mut state, events);
        assert!(state.decide(decided(Role::Admin, Decision::Confirm)).unwrap().is_empty());
        let events = state.decide(decided(Role::Admin, Decision::Remove)).unwrap();
        apply(&mut state, events);
        assert_eq!(code(state.decide(decided(Role::Admin, Decision::Confirm))), "REMOVED_ALREADY");
        let events = state.decide(decided(Role::Viewer, Decision::Confirm)).unwrap();
        apply(&mut state, events);
        let events = state.complete(review, by).unwrap();
        let [ReviewEvent::ReviewCompleted(completed)] = &events[..] else { panic!("{events:?}") };
        assert_eq!((completed.confirmed, completed.removed), (1, 2));
        apply(&mut state, events);
        assert_eq!(code(state.complete(review, by)), "REVIEW_COMPLETED");
        assert_eq!(code(state.decide(decided(Role::Viewer, Decision::Remove))), "REVIEW_COMPLETED");
    }
}
