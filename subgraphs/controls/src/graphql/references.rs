//! Types of other subgraphs, by reference.

use async_graphql::{Context, ID, Object, Result, SimpleObject, connection::Connection};
use studio_service::graphql::{PageArgs, connection};

use super::{from, project::Project, read};

/// A person.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub(super) struct User {
    /// The person's id.
    pub(super) id: ID,
}

/// Something that proves something: a scan, a document, a record.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub(super) struct Evidence {
    /// The evidence's id.
    pub(super) id: ID,
}

/// A company or another organization: everything in Studio belongs to exactly one.
pub(super) struct Organization {
    pub(super) id: ID,
}

/// A company or another organization: everything in Studio belongs to exactly one.
#[Object]
impl Organization {
    /// The organization's id.
    async fn id(&self) -> &ID {
        &self.id
    }

    /// The organization's projects, the oldest first.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(default = false, desc = "Whether archived projects are listed too.")]
        include_archived: bool,
    ) -> Result<Connection<String, Project>> {
        projects(ctx, first, after, include_archived).await
    }
}

/// The projects of the actor's organization.
pub(super) async fn projects(
    ctx: &Context<'_>,
    first: Option<i32>,
    after: Option<String>,
    include_archived: bool,
) -> Result<Connection<String, Project>> {
    let page = PageArgs::new(first, after)?;
    let rows = read(ctx, "controls:project:read")?
        .projects(include_archived, from(&page)?)
        .await
        .map_err(studio_service::graphql::gql)?;
    Ok(connection(rows, &page, |row| row.ordinal.to_string(), Project))
}
