//! Reviews of access.

use async_graphql::{
    Context, Enum, ID, InputObject, Object, SimpleObject,
    connection::{Connection, EmptyFields},
};
use chrono::{DateTime, Utc};
use studio_kernel::{Id, Role, TenantId, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, UserError, actor, connection, gql, id},
};

use super::{
    RoleName,
    account::errors,
    core, request,
    stubs::Project,
    user::{self, User},
};
use crate::{
    commands::{DecideAccess, Failure},
    domain::review::{AccessReview as State, Decision, Item},
    projections::{read_id, reviews::Row},
};

/// A look at everybody's access: who has which role, and whether they shall keep it.
pub(super) struct AccessReview(Row);

/// A look at everybody's access: who has which role, and whether they shall keep it.
#[Object]
impl AccessReview {
    /// The id, `arv_…`.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What people call it.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// When it was begun: it holds the access that there was then.
    async fn started_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.started_at).to_datetime()
    }

    /// Who began it.
    async fn started_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        user::find(ctx, read_id(&self.0.started_by).map_err(gql)?).await
    }

    /// When it was completed: nothing of it changes after that. Null while it was not.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.0.completed_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Who completed it.
    async fn completed_by(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        match &self.0.completed_by {
            Some(by) => user::find(ctx, read_id(by).map_err(gql)?).await,
            None => Ok(None),
        }
    }

    /// How many roles are not decided yet.
    async fn open(&self, ctx: &Context<'_>) -> async_graphql::Result<i32> {
        let (_, state) = self.state(ctx).await?;
        Ok(i32::try_from(state.open()).unwrap_or(i32::MAX))
    }

    /// The roles that it looks at, by person in the order in which they were added.
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, AccessReviewItem, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        let from = match page.after.as_deref().map(str::parse::<usize>) {
            None => 0,
            Some(Ok(number)) => number.saturating_add(1),
            Some(Err(_)) => {
                let message = "That cursor is not one of this list: pass endCursor as it came.";
                return Err(gql(ApiError::new(studio_kernel::Code::BadRequest, message)));
            }
        };
        let (tenant, state) = self.state(ctx).await?;
        let limit = usize::try_from(page.limit()).unwrap_or(usize::MAX);
        let items = state.items().iter().enumerate().skip(from).take(limit);
        let rows = items.map(|(number, item)| (number, item.clone())).collect();
        let wrap = |(_, item): (usize, Item)| AccessReviewItem { tenant, item };
        Ok(connection(rows, &page, |(number, _): &(usize, Item)| number.to_string(), wrap))
    }
}

impl AccessReview {
    /// What it holds and what was decided, from the log.
    async fn state(&self, ctx: &Context<'_>) -> async_graphql::Result<(TenantId, State)> {
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        let loaded = core(ctx)?.store.load::<State>(tenant, &self.0.id).await.map_err(gql)?;
        Ok((tenant, loaded.state))
    }
}

/// A role of a person, in a review.
pub(super) struct AccessReviewItem {
    tenant: TenantId,
    item: Item,
}

/// A role of a person, in a review.
#[Object]
impl AccessReviewItem {
    /// Whose role it is: the id, `usr_…`, which stays when the person is erased.
    async fn user_id(&self) -> ID {
        ID(self.item.access.user.to_string())
    }

    /// Whose role it is.
    async fn user(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<User>> {
        user::find(ctx, self.item.access.user).await
    }

    /// The role.
    async fn role(&self) -> RoleName {
        self.item.access.role.into()
    }

    /// The id of the project that the role is for, `prj_…`; null for the whole organization.
    async fn project_id(&self) -> Option<ID> {
        self.item.access.project.map(|project| ID(project.to_string()))
    }

    /// The project that the role is for; null for the whole organization, and where there is none of that id
    /// that you can see.
    async fn project(&self) -> Option<Project> {
        self.item.access.project.map(Project::of)
    }

    /// The id of the team by which they have it, `tea_…`; null where it is theirs alone.
    async fn team_id(&self) -> Option<ID> {
        self.item.access.team.map(|team| ID(team.to_string()))
    }

    /// When it ended by itself, as it was when the review was begun; null where it had no end.
    async fn until(&self) -> Option<DateTime<Utc>> {
        self.item.access.until.map(Timestamp::to_datetime)
    }

    /// What was decided; null while nothing was.
    async fn decision(&self) -> Option<AccessDecision> {
        self.item.decided.as_ref().map(|decided| decided.decision.into())
    }

    /// When it was decided.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.item.decided.as_ref().map(|decided| decided.at.to_datetime())
    }

    /// Who decided it: the id, `usr_…`.
    async fn decided_by(&self) -> Option<ID> {
        self.item.decided.as_ref().map(|decided| ID(decided.by.to_string()))
    }

    /// Why; null where nothing was said, and once the person was erased.
    async fn note(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let Some(note) = self.item.decided.as_ref().and_then(|decided| decided.note.as_ref())
        else {
            return Ok(None);
        };
        let opened = core(ctx)?.people.open(self.tenant, note).await.map_err(gql)?;
        opened
            .map(|bytes| String::from_utf8(bytes.to_vec()))
            .transpose()
            .map_err(|error| gql(ApiError::internal(error)))
    }
}

/// What is decided of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Decision")]
enum AccessDecision {
    /// It is right as it is.
    Confirm,
    /// It is taken, at once.
    Remove,
}

/// A review to begin.
#[derive(InputObject)]
struct StartAccessReviewInput {
    /// What to call it, 1 to 200 characters, such as "First quarter of 2026".
    title: String,
}

/// A decision.
#[derive(InputObject)]
struct DecideAccessInput {
    /// The review, `arv_…`.
    review_id: ID,
    /// Whose role, `usr_…`.
    user_id: ID,
    /// The role.
    role: RoleName,
    /// The project that the role is for, `prj_…`; left out for one of the whole organization.
    project_id: Option<ID>,
    /// The team by which they have it, `tea_…`; left out where it is theirs alone. The decision is about all that
    /// they have by the team: removed, they are not in it any more.
    team_id: Option<ID>,
    /// Whether they keep it. What was removed stays so; what was confirmed can still be removed.
    decision: AccessDecision,
    /// Why, at most 2,000 characters.
    note: Option<String>,
}

/// A review to complete.
#[derive(InputObject)]
struct CompleteAccessReviewInput {
    /// The review, `arv_…`.
    review_id: ID,
}

/// What `startAccessReview`, `decideAccess` or `completeAccessReview` did.
#[derive(SimpleObject)]
struct AccessReviewPayload {
    /// The review.
    review: Option<AccessReview>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

impl AccessReviewPayload {
    async fn of(
        ctx: &Context<'_>,
        done: Result<Id<kind::AccessReview>, Failure>,
    ) -> async_graphql::Result<Self> {
        Ok(match done {
            Ok(review) => Self { review: find(ctx, review).await?, user_errors: Vec::new() },
            Err(failure) => Self { review: None, user_errors: errors(failure)? },
        })
    }
}

async fn find(
    ctx: &Context<'_>,
    review: Id<kind::AccessReview>,
) -> async_graphql::Result<Option<AccessReview>> {
    let row = core(ctx)?.access_review(actor(ctx)?, review).await;
    Ok(row.map_err(plain)?.map(AccessReview))
}

/// A query has no input that somebody could mend.
fn plain(failure: Failure) -> async_graphql::Error {
    match failure {
        Failure::Api(error) => gql(error),
        Failure::Input(faults) => gql(ApiError::internal(format!("{faults:?}"))),
    }
}

/// Queries about reviews of access.
#[derive(Default)]
pub(super) struct ReviewQuery;

#[Object]
impl ReviewQuery {
    /// Reviews of access in your organization, newest first. For owners, admins and auditors.
    async fn access_reviews(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many to show, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> async_graphql::Result<Connection<String, AccessReview, EmptyFields, EmptyFields>> {
        let page = PageArgs::new(first, after)?;
        let after = page.after.as_deref();
        let rows = core(ctx)?.access_reviews(actor(ctx)?, after, page.limit()).await;
        Ok(connection(rows.map_err(plain)?, &page, |row| row.id.clone(), AccessReview))
    }

    /// One review of access; null where there is none of that id. For owners, admins and auditors.
    async fn access_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `arv_…`.")] id: ID,
    ) -> async_graphql::Result<Option<AccessReview>> {
        find(ctx, self::id(&id)?).await
    }
}

/// Mutations about reviews of access.
#[derive(Default)]
pub(super) struct ReviewMutation;

#[Object]
impl ReviewMutation {
    /// Begins a review of all access in your organization as it is now. For owners and admins.
    async fn start_access_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The review.")] input: StartAccessReviewInput,
    ) -> async_graphql::Result<AccessReviewPayload> {
        let core = core(ctx)?;
        let done = core.start_access_review(actor(ctx)?, &input.title, request(ctx)).await;
        AccessReviewPayload::of(ctx, done).await
    }

    /// Decides whether somebody keeps a role. What is removed is taken at once, for where they are signed in
    /// too. Only an owner decides about owners.
    async fn decide_access(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose role, and what of it.")] input: DecideAccessInput,
    ) -> async_graphql::Result<AccessReviewPayload> {
        let review = id(&input.review_id)?;
        let asked = DecideAccess {
            review,
            user: id(&input.user_id)?,
            role: Role::from(input.role),
            project: input.project_id.as_ref().map(id).transpose()?,
            team: input.team_id.as_ref().map(id).transpose()?,
            decision: Decision::from(input.decision),
            note: input.note,
        };
        let done = core(ctx)?.decide_access(actor(ctx)?, asked, request(ctx)).await;
        AccessReviewPayload::of(ctx, done.map(|()| review)).await
    }

    /// Completes a review of which everything is decided: nothing of it changes after that.
    async fn complete_access_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which.")] input: CompleteAccessReviewInput,
    ) -> async_graphql::Result<AccessReviewPayload> {
        let review = id(&input.review_id)?;
        let done = core(ctx)?.complete_access_review(actor(ctx)?, review, request(ctx)).await;
        AccessReviewPayload::of(ctx, done.map(|()| review)).await
    }
}
