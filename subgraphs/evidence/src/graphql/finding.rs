//! `Finding`.

use std::sync::Arc;

use async_graphql::{
    Context, Enum, ID, Object, Result,
    connection::{Connection, Edge, EmptyFields},
    dataloader::DataLoader,
};
use chrono::{DateTime, Utc};
use studio_access::Clearance;
use studio_entities::evidence::finding;
use studio_events::EventStore;
use studio_kernel::{Code, TenantId};
use studio_service::{
    ApiError,
    graphql::{Page, PageArgs, encode_cursor, gql},
};

use super::{
    asset::Asset,
    ingest_run::IngestRun,
    instant,
    loaders::{AssetKey, CheckKey, Rows, RunKey},
    project::Project,
};
use crate::{
    commands::Core,
    domain,
    projections::{Findings, FindingsFilter},
};

/// A connection of findings.
pub(super) type FindingConnection = Connection<String, Finding, FindingTotals, EmptyFields>;

/// What a connection of findings says beside its page. Counted only where it is asked for.
pub(super) struct FindingTotals {
    clearance: Clearance,
    /// `None`: there can be no findings.
    filter: Option<FindingsFilter>,
}

#[Object]
impl FindingTotals {
    /// How many findings there are on all pages, of those that you may read.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i64> {
        let Some(filter) = &self.filter else { return Ok(0) };
        let store = &ctx.data::<Core>()?.store;
        let total = Findings::count(store, &self.clearance, filter).await.map_err(gql)?;
        Ok(i64::try_from(total).unwrap_or(i64::MAX))
    }
}

/// What a finding says of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::FindingStatus")]
pub(super) enum FindingStatus {
    /// The resource passes.
    Pass,
    /// The resource fails.
    Fail,
    /// A person must look: nothing is known.
    Manual,
    /// Muted in the scanner: neither pass nor fail.
    Muted,
    /// The check did not run to its end: nothing is known.
    Error,
}

/// How bad a failure would be, in the scanner's view.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum Severity {
    /// Worth knowing.
    Informational,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
    /// The scanner says nothing.
    Unknown,
}

impl Severity {
    const ALL: [(Self, &'static str); 6] = [
        (Self::Informational, "informational"),
        (Self::Low, "low"),
        (Self::Medium, "medium"),
        (Self::High, "high"),
        (Self::Critical, "critical"),
        (Self::Unknown, "unknown"),
    ];

    fn parse(text: &str) -> Self {
        let found = Self::ALL.iter().find(|(_, name)| *name == text);
        found.map_or(Self::Unknown, |(severity, _)| *severity)
    }

    /// The spelling in the read models.
    pub(super) fn as_str(self) -> &'static str {
        let found = Self::ALL.iter().find(|(severity, _)| *severity == self);
        found.map_or("unknown", |(_, name)| name)
    }
}

/// A finding that was read for the actor of the request.
#[derive(Clone)]
pub(super) struct Finding {
    pub(super) tenant: TenantId,
    pub(super) row: Arc<finding::Model>,
}

/// The newest result of one check for one resource.
#[Object]
impl Finding {
    /// The id, `fnd_…`.
    async fn id(&self) -> ID {
        ID(self.row.id.clone())
    }

    /// The scanner's id of the finding, the same in every scan.
    async fn uid(&self) -> &str {
        &self.row.uid
    }

    /// The project that it is about.
    async fn project(&self) -> Project {
        Project::new(self.tenant, self.row.project_id.clone())
    }

    /// The scanner's id of the check.
    async fn check(&self) -> &str {
        &self.row.check_id
    }

    /// What the check looks at, in the scanner's words.
    async fn title(&self, ctx: &Context<'_>) -> Result<String> {
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let row = &self.row;
        let key = CheckKey(self.tenant, row.project_id.clone(), row.check_id.clone());
        let check = rows.load_one(key).await.map_err(gql)?;
        Ok(check.map_or_else(|| row.check_id.clone(), |check| check.title.clone()))
    }

    /// The result.
    async fn status(&self) -> FindingStatus {
        // The read model holds nothing else.
        domain::FindingStatus::parse(&self.row.status)
            .unwrap_or(domain::FindingStatus::Error)
            .into()
    }

    /// How bad a failure would be.
    async fn severity(&self) -> Severity {
        Severity::parse(&self.row.severity)
    }

    /// What the scanner says about the result.
    async fn message(&self) -> &str {
        &self.row.message
    }

    /// The cloud account.
    async fn account(&self) -> &str {
        &self.row.account
    }

    /// The region, or `global`.
    async fn region(&self) -> &str {
        &self.row.region
    }

    /// The resource that the result is about.
    async fn asset(&self, ctx: &Context<'_>) -> Result<Option<Asset>> {
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let key = AssetKey(self.tenant, self.row.asset_id.clone());
        let row = rows.load_one(key).await.map_err(gql)?;
        Ok(row.map(|row| Asset { tenant: self.tenant, row }))
    }

    /// Whether the newest scan still lists it. Lists hold only those that it does.
    async fn present(&self) -> bool {
        self.row.present == 1
    }

    /// When it was first observed.
    async fn first_seen(&self) -> DateTime<Utc> {
        instant(self.row.first_seen)
    }

    /// The newest instant at which it was observed.
    async fn last_seen(&self) -> DateTime<Utc> {
        instant(self.row.last_seen)
    }

    /// The run that observed it then.
    async fn last_run(&self, ctx: &Context<'_>) -> Result<Option<IngestRun>> {
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let key = RunKey(self.tenant, self.row.last_run_id.clone());
        let row = rows.load_one(key).await.map_err(gql)?;
        Ok(row.map(|row| IngestRun { tenant: self.tenant, row }))
    }
}

/// A connection without findings.
pub(super) fn none(clearance: Clearance, page: &PageArgs) -> FindingConnection {
    let totals = FindingTotals { clearance, filter: None };
    Connection::with_additional_fields(page.after.is_some(), false, totals)
}

/// A page of the findings that are in the population, as far as the clearance reaches.
pub(super) async fn page(
    store: &EventStore,
    clearance: Clearance,
    filter: FindingsFilter,
    page: &PageArgs,
) -> Result<FindingConnection> {
    // The key of a row is its check and its id; an id holds no slash.
    let after = page.after.as_deref().map(|key| match key.rsplit_once('/') {
        Some((check, id)) => Ok((check.to_owned(), id.to_owned())),
        None => Err(gql(ApiError::new(
            Code::BadRequest,
            "That cursor is not one of this list: pass endCursor as it came.",
        ))),
    });
    let tenant = clearance.tenant();
    let rows = Findings::page(store, &clearance, &filter, after.transpose()?, page.limit())
        .await
        .map_err(gql)?;
    let shown = Page::cut(rows, page);
    let totals = FindingTotals { clearance, filter: Some(filter) };
    let mut connection =
        Connection::with_additional_fields(page.after.is_some(), shown.more, totals);
    connection.edges.extend(shown.rows.into_iter().map(|row| {
        let cursor = encode_cursor(&format!("{}/{}", row.check_id, row.id));
        Edge::new(cursor, Finding { tenant, row: Arc::new(row) })
    }));
    Ok(connection)
}
