//! Mappings between requirements of two frameworks, and what they leave out.

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use studio_entities::controls::review;
use studio_kernel::{Id, Timestamp, kind};
use studio_service::{
    ApiError,
    graphql::{PageArgs, encode_cursor, gql},
};

use super::{
    enums::{RequirementRelation, ReviewState},
    loaders,
    loaders::there,
    project::Project,
    read,
    references::User,
    requirement::Requirement,
    score,
};
use crate::domain::project::MappingTerms;

/// A mapping between requirements of two frameworks (NIST IR 8477, OSCAL). While it is approved, a
/// requirement without a failure counts as much as the other one proves, as far as the relation
/// carries it.
pub(super) struct ControlMapping(pub(super) review::Model);

impl ControlMapping {
    fn terms(&self) -> Result<MappingTerms> {
        let terms = there(self.0.terms.as_deref(), "mapping's content")?;
        serde_json::from_str(terms).map_err(|error| gql(ApiError::internal(error)))
    }
}

async fn requirement(ctx: &Context<'_>, id: Id<kind::Requirement>) -> Result<Requirement> {
    let row = loaders(ctx)?.requirements(id.to_string()).await?;
    Ok(Requirement(there(row, "requirement")?))
}

/// A mapping between requirements of two frameworks (NIST IR 8477, OSCAL). While it is approved, a
/// requirement without a failure counts as much as the other one proves, as far as the relation
/// carries it.
#[Object]
impl ControlMapping {
    /// The mapping's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// How often its state changed: pass it as expectedVersion.
    async fn version(&self) -> i64 {
        self.0.version
    }

    /// The project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Project> {
        let row = loaders(ctx)?.projects(self.0.project.clone()).await?;
        Ok(Project(there(row, "project")?))
    }

    /// One requirement.
    async fn source(&self, ctx: &Context<'_>) -> Result<Requirement> {
        requirement(ctx, self.terms()?.mapping.source).await
    }

    /// The other one.
    async fn target(&self, ctx: &Context<'_>) -> Result<Requirement> {
        requirement(ctx, self.terms()?.mapping.target).await
    }

    /// What the source is to the target.
    async fn relation(&self) -> Result<RequirementRelation> {
        Ok(self.terms()?.mapping.relation.into())
    }

    /// How much they have in common, from 1 to 10; null where nobody said so.
    async fn strength(&self) -> Result<Option<u8>> {
        Ok(self.terms()?.mapping.strength)
    }

    /// Why it is so.
    async fn rationale(&self) -> &str {
        &self.0.reason
    }

    /// Where it comes from, if not from whoever proposed it.
    async fn provenance(&self) -> Result<Option<String>> {
        Ok(self.terms()?.provenance)
    }

    /// Where it stands.
    async fn state(&self) -> ReviewState {
        ReviewState::of(&self.0.state)
    }

    /// Who proposed it.
    async fn proposed_by(&self) -> User {
        User { id: ID(self.0.proposed_by.clone()) }
    }

    /// When it was proposed.
    async fn proposed_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.proposed_at).to_datetime()
    }

    /// Who approved or refused it: never who proposed it.
    async fn decided_by(&self) -> Option<User> {
        self.0.decided_by.clone().map(|id| User { id: ID(id) })
    }

    /// When it was approved or refused.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Why it was refused.
    async fn decision_reason(&self) -> Option<&str> {
        self.0.decision_reason.as_deref()
    }

    /// Who took it back.
    async fn withdrawn_by(&self) -> Option<User> {
        self.0.ended_by.clone().map(|id| User { id: ID(id) })
    }

    /// When it was taken back.
    async fn withdrawn_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// Why it was taken back.
    async fn withdrawal_reason(&self) -> Option<&str> {
        self.0.end_reason.as_deref()
    }
}

/// The requirements of a framework that apply and to which no mapping leads from another framework.
pub(super) async fn gaps(
    ctx: &Context<'_>,
    project: Id<kind::Project>,
    (from, to): (Id<kind::Framework>, Id<kind::Framework>),
    page: PageArgs,
) -> Result<Connection<String, Requirement>> {
    let start = super::from(&page)?;
    let view = score::view(ctx, project, None, None).await?;
    let gaps: std::collections::HashSet<String> = view
        .model
        .requirements_of(to)
        .into_iter()
        .filter(|score| !view.model.is_mapped(score.requirement, from))
        .map(|score| score.requirement.to_string())
        .collect();
    let order = read(ctx, "controls:framework:read")?;
    let order = order.requirement_order(&to.to_string()).await.map_err(gql)?;
    let found = order.into_iter().filter(|(place, id)| *place > start.after && gaps.contains(id));
    let mut found: Vec<_> = found.take(page.first + 1).collect();
    let more = found.len() > page.first;
    found.truncate(page.first);
    let mut connection = Connection::new(page.after.is_some(), more);
    for (place, id) in found {
        let row = loaders(ctx)?.requirements(id).await?;
        let node = Requirement(there(row, "requirement")?);
        connection.edges.push(Edge::new(encode_cursor(&place.to_string()), node));
    }
    Ok(connection)
}
