//! Reviews of access: who has what, decided one by one. What is removed is taken in the append that
//! records the decision.

use studio_access::Resource;
use studio_events::{Append, AppendError, Expected, StreamAppend};
use studio_kernel::{Actor, Id, Role, TenantId, kind};
use studio_service::ApiError;

use super::{
    Core, Failure, Request, RoleChanges,
    roles::{RANK, last_owner, rank},
    users::metadata,
};
use crate::{
    domain::{
        input::{self, Fault},
        review::{Access, AccessDecided, AccessReview, Decision, MOST, ReviewStarted},
        user::User,
    },
    projections::{
        read_id,
        reviews::{self, Row},
        users,
    },
};

/// People read at a time.
const PAGE: u64 = 1_000;
/// Characters of a note at most.
const LONGEST_NOTE: usize = 2_000;

/// What is decided of whose role.
pub(crate) struct DecideAccess {
    /// The review.
    pub review: Id<kind::AccessReview>,
    /// Whose role.
    pub user: Id<kind::User>,
    /// The role.
    pub role: Role,
    /// The project that it is for; the whole organization where there is none.
    pub project: Option<Id<kind::Project>>,
    /// The team by which they have it, where they do.
    pub team: Option<Id<kind::Team>>,
    /// What.
    pub decision: Decision,
    /// Why.
    pub note: Option<String>,
}

impl Core {
    /// Begins a review of all access that there is now.
    ///
    /// # Errors
    /// `FORBIDDEN`; [`Failure::Input`] for a title that will not do.
    pub(crate) async fn start_access_review(
        &self,
        actor: &Actor,
        title: &str,
        request: Request,
    ) -> Result<Id<kind::AccessReview>, Failure> {
        let (tenant, by) = self.may_review(actor).await?;
        let title = input::name("title", title)?;
        let items = self.all_access(actor).await?;
        if items.len() > MOST {
            let message = format!("There are more than {MOST} roles of people to look at.");
            return Err(Fault::new("TOO_MANY_ITEMS", "title", message).into());
        }
        let review = self.env.id();
        let started = ReviewStarted { review, title, by, items };
        let stream = StreamAppend::of::<AccessReview>(
            review.to_string(),
            Expected::NoStream,
            vec![started.into()],
        )?;
        self.store.append(Append::new(tenant, metadata(actor, &request), vec![stream])).await?;
        Ok(review)
    }

    /// Every role of everybody in the actor's organization.
    async fn all_access(&self, actor: &Actor) -> Result<Vec<Access>, Failure> {
        let people = Resource::any("User", actor.tenant);
        let scope = self.policy.require(actor, "identity:user:read", &people)?;
        let (mut items, mut after) = (Vec::new(), None::<String>);
        loop {
            let rows = users::page(&self.store, scope, after.as_deref(), PAGE).await?;
            let now = self.env.now();
            for row in &rows {
                let user = read_id(&row.id)?;
                let held = users::held(row)?;
                let access =
                    |role, project, until| Access { user, role, project, until, team: None };
                items.extend(held.always.iter().map(|&role| access(role, None, None)));
                let timed = held
                    .until
                    .iter()
                    .filter(|it| now < it.until && !held.always.contains(&it.role));
                items.extend(timed.map(|it| access(it.role, None, Some(it.until))));
                let there = held.projects.iter().filter(|it| it.counts(now));
                items.extend(there.map(|it| access(it.role, Some(it.project), it.until)));
                items.extend(
                    held.teams.iter().map(|it| Access {
                        team: Some(it.team),
                        ..access(it.role, it.project, None)
                    }),
                );
            }
            match rows.last() {
                Some(last) if items.len() <= MOST => after = Some(last.id.clone()),
                _ => return Ok(items),
            }
        }
    }

    /// Decides whether somebody keeps a role; what is removed is taken at once.
    ///
    /// # Errors
    /// `FORBIDDEN`, also for an owner's role where the actor is none; `NOT_FOUND`; [`Failure::Input`] for
    /// what the review does not hold, the last owner, and a note that is too long.
    pub(crate) async fn decide_access(
        &self,
        actor: &Actor,
        asked: DecideAccess,
        request: Request,
    ) -> Result<(), Failure> {
        self.with_roles_held(self.decide_access_now(actor, &asked, request)).await
    }

    async fn decide_access_now(
        &self,
        actor: &Actor,
        asked: &DecideAccess,
        request: Request,
    ) -> Result<(), Failure> {
        let (tenant, by) = self.may_review(actor).await?;
        let actor = &self.as_of_now(actor).await?;
        let &DecideAccess { review, user, role, project, team, decision, .. } = asked;
        let note = match asked.note.as_deref().map(str::trim).filter(|note| !note.is_empty()) {
            Some(note) if note.chars().count() > LONGEST_NOTE => {
                let message = format!("A note has at most {LONGEST_NOTE} characters.");
                return Err(Fault::new("INVALID_NOTE", "note", message).into());
            }
            note => note,
        };
        let one_owner = users::has_one_owner(&self.store, tenant).await?;
        let mut again = true;
        loop {
            let looked_at = self.store.load::<AccessReview>(tenant, &review.to_string()).await?;
            if !looked_at.state.exists() {
                return Err(ApiError::not_found("access review", review).into());
            }
            let person = self.store.load::<User>(tenant, &user.to_string()).await?;
            // Also of whoever was an owner when the review was begun, and is none any more.
            let held = looked_at.state.items().iter().map(|item| item.access);
            let then: Vec<Role> = held.filter(|it| it.user == user).map(|it| it.role).collect();
            let resource = Resource::one("User", user, tenant)
                .owned_by(user)
                .with(RANK, rank(&[person.state.roles(), &then]));
            let _all = self.policy.require(actor, "identity:user:update", &resource)?;
            let sealed = match note {
                // Nobody is left to whom it could belong, once they were erased.
                Some(note) if person.state.exists() => {
                    Some(self.people.seal(tenant, user, note.as_bytes()).await?)
                }
                _ => None,
            };
            let note = sealed;
            let decided = AccessDecided { review, user, role, project, team, decision, by, note };
            let events = looked_at.state.decide(decided)?;
            if events.is_empty() {
                return Ok(());
            }
            let expected = Expected::Version(looked_at.version);
            let mut streams =
                vec![StreamAppend::of::<AccessReview>(review.to_string(), expected, events)?];
            let now = self.env.now();
            let mut changes = RoleChanges::default();
            match (decision, team, project) {
                (Decision::Confirm, _, _) => {}
                (Decision::Remove, Some(team), _) => {
                    let (left, followed) = self.leave_team(tenant, team, user).await?;
                    streams.extend(left);
                    changes = followed;
                }
                (Decision::Remove, None, Some(project)) => {
                    let taken = person.state.lose_in_project(user, project, role, now);
                    streams.extend(changes.add(user, person, taken)?);
                }
                (Decision::Remove, None, None) => {
                    let taken = person.state.lose(user, role, now);
                    if one_owner && role == Role::Owner && !taken.is_empty() {
                        return Err(last_owner().into());
                    }
                    streams.extend(changes.add(user, person, taken)?);
                }
            }
            let append = Append::new(tenant, metadata(actor, &request), streams);
            match self.store.append(append).await {
                Err(AppendError::Conflict { .. }) if std::mem::take(&mut again) => continue,
                Err(error) => return Err(error.into()),
                Ok(recorded) => {
                    self.roles_followed(changes, &recorded);
                    return Ok(());
                }
            }
        }
    }

    /// Completes a review of which everything is decided.
    ///
    /// # Errors
    /// `FORBIDDEN`; `NOT_FOUND`; [`Failure::Input`] where something is not decided.
    pub(crate) async fn complete_access_review(
        &self,
        actor: &Actor,
        review: Id<kind::AccessReview>,
        request: Request,
    ) -> Result<(), Failure> {
        let (tenant, by) = self.may_review(actor).await?;
        let stream = review.to_string();
        self.store
            .execute::<AccessReview, Failure>(
                tenant,
                &stream,
                &metadata(actor, &request),
                |state, _| {
                    if !state.exists() {
                        return Err(ApiError::not_found("access review", review).into());
                    }
                    Ok(state.complete(review, by)?)
                },
            )
            .await?;
        Ok(())
    }

    /// Reviews of the actor's organization, newest first, after an id.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub(crate) async fn access_reviews(
        &self,
        actor: &Actor,
        after: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Row>, Failure> {
        let tenant = self.may_see_reviews(actor)?;
        Ok(reviews::page(&self.store, tenant, after, limit).await?)
    }

    /// One review of the actor's organization.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub(crate) async fn access_review(
        &self,
        actor: &Actor,
        review: Id<kind::AccessReview>,
    ) -> Result<Option<Row>, Failure> {
        let tenant = self.may_see_reviews(actor)?;
        Ok(reviews::find(&self.store, tenant, review).await?)
    }

    /// Whoever sees what everybody did sees what was reviewed of it.
    fn may_see_reviews(&self, actor: &Actor) -> Result<TenantId, Failure> {
        let resource = Resource::any("AccessReview", actor.tenant);
        Ok(self.policy.require(actor, "identity:audit:read", &resource)?.tenant())
    }

    /// Whoever gives and takes roles reviews them.
    async fn may_review(&self, actor: &Actor) -> Result<(TenantId, Id<kind::User>), Failure> {
        let actor = self.as_of_now(actor).await?;
        let by = actor.user_id().ok_or_else(ApiError::unauthenticated)?;
        let resource = Resource::any("User", actor.tenant).with(RANK, rank(&[]));
        let scope = self.policy.require(&actor, "identity:user:update", &resource)?;
        Ok((scope.tenant(), by))
    }
}
