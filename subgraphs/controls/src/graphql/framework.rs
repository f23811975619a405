//! Frameworks.

use async_graphql::{
    Context, ID, Object, Result, SimpleObject,
    connection::{Connection, Edge},
};
use chrono::{DateTime, Utc};
use studio_entities::controls::framework;
use studio_kernel::Timestamp;
use studio_service::graphql::{Page, PageArgs, connection, encode_cursor, gql};

use super::{
    enums::Importance, from, loaders, loaders::there, project::Project, read,
    requirement::Requirement,
};
use crate::domain::catalog::{self, SHIPPED};

/// A framework that ships with Studio.
#[derive(SimpleObject)]
pub(super) struct BuiltinFramework {
    /// What importFramework takes as `builtin`.
    id: String,
    /// As people know it.
    name: String,
    /// The publisher's edition.
    version: String,
    /// How many requirements it has.
    requirement_count: usize,
}

/// The frameworks that ship with Studio.
pub(super) fn builtin() -> Vec<BuiltinFramework> {
    SHIPPED
        .iter()
        .filter_map(|shipped| {
            let read = catalog::read(shipped.document, usize::MAX).ok()?;
            Some(BuiltinFramework {
                id: shipped.id.to_owned(),
                name: read.name,
                version: read.version,
                requirement_count: read.requirements.len(),
            })
        })
        .collect()
}

/// A framework that the organization has imported: a catalog or a baseline.
pub(super) struct Framework(pub(super) framework::Model);

/// A framework that the organization has imported: a catalog or a baseline.
#[Object]
impl Framework {
    /// The framework's id.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// As people know it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The publisher's edition.
    async fn version(&self) -> &str {
        &self.0.version
    }

    /// Which rule matches the requirement ids in scans: `nist-800-53`, `soc2`, `iso27001` …;
    /// `other` where none does.
    async fn family(&self) -> &str {
        &self.0.family
    }

    /// Who publishes it.
    async fn publisher(&self) -> Option<&str> {
        self.0.publisher.as_deref()
    }

    /// Whose texts these are: show it wherever the framework is shown.
    async fn notice(&self) -> Option<&str> {
        self.0.notice.as_deref()
    }

    /// SHA-256 of the document that it was imported from.
    async fn sha256(&self) -> &str {
        &self.0.sha256
    }

    /// When it was imported.
    async fn imported_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.imported_at).to_datetime()
    }

    /// How many requirements it has.
    async fn requirement_count(&self) -> i64 {
        self.0.requirement_count
    }

    /// Its requirements, in the publisher's order.
    async fn requirements(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
        #[graphql(desc = "Only those of this importance.")] importance: Option<Importance>,
    ) -> Result<Connection<String, Requirement>> {
        let page = PageArgs::new(first, after)?;
        let importance = importance.map(Importance::name);
        let rows = read(ctx, "controls:framework:read")?
            .requirements(&self.0.id, importance, from(&page)?)
            .await
            .map_err(gql)?;
        Ok(connection(rows, &page, |row| row.ordinal.to_string(), Requirement))
    }

    /// The projects that have adopted it, in the order of adoption.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, 1 to 100; 20 by default.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<Connection<String, Project>> {
        let page = PageArgs::new(first, after)?;
        let rows = read(ctx, "controls:project:read")?
            .adopters(&self.0.id, from(&page)?)
            .await
            .map_err(gql)?;
        let cut = Page::cut(rows, &page);
        let mut projects = Connection::new(page.after.is_some(), cut.more);
        for row in cut.rows {
            let project = there(loaders(ctx)?.projects(row.project).await?, "project")?;
            let cursor = encode_cursor(&row.ordinal.to_string());
            projects.edges.push(Edge::new(cursor, Project(project)));
        }
        Ok(projects)
    }
}
