//! `IngestRun`.

use std::sync::Arc;

use async_graphql::{
    Context, Enum, ID, Object, Result, SimpleObject,
    connection::{Connection, EmptyFields},
    dataloader::DataLoader,
};
use chrono::{DateTime, Utc};
use studio_entities::evidence::run;
use studio_events::EventStore;
use studio_kernel::{Code, TenantId};
use studio_service::{
    ApiError,
    graphql::{PageArgs, connection, gql},
};

use super::{
    cleared,
    evidence::Evidence,
    instant,
    loaders::{MatchingKey, Rows},
    project::Project,
};
use crate::{
    domain::RefusedItem,
    projections::{Matched, Runs},
};

/// A connection of runs.
pub(super) type IngestRunConnection = Connection<String, IngestRun, EmptyFields, EmptyFields>;

/// A person of the identity subgraph.
#[derive(SimpleObject)]
#[graphql(unresolvable = "id")]
pub(super) struct User {
    /// The id, `usr_…`.
    id: ID,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum IngestRunState {
    /// Its findings are being recorded; a run that was cut goes on by itself.
    Recording,
    /// Everything is recorded and published.
    Completed,
}

/// Whether the controls have taken in what the run published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(super) enum MatchingState {
    /// Not all of it yet.
    Pending,
    /// All of it.
    Done,
}

/// What a run brought.
#[derive(SimpleObject)]
pub(super) struct IngestCounts {
    /// Items in the file.
    items: i64,
    /// Findings that were not in the population before.
    new: i64,
    /// Findings that say something else than before.
    changed: i64,
    /// Findings that say what they said before.
    unchanged: i64,
    /// Items older than what was on record, which changed nothing.
    superseded: i64,
    /// Findings that the scan no longer lists.
    gone: i64,
    /// Items that were not taken.
    refused: i64,
}

/// An item that was not taken.
#[derive(SimpleObject)]
pub(super) struct RefusedFinding {
    /// Its number in the file, from 0.
    index: i64,
    /// The scanner's id of the finding, where it could be read.
    uid: Option<String>,
    /// Why, in a sentence.
    reason: String,
}

/// Requirement ids of one framework.
#[derive(SimpleObject)]
pub(super) struct UnmatchedRequirements {
    /// The scanner's name of the framework.
    framework: String,
    /// Ids that match no requirement.
    ids: Vec<String>,
}

/// What the controls made of a run's check results.
#[derive(SimpleObject)]
pub(super) struct IngestMatching {
    /// Whether that is all.
    state: MatchingState,
    /// Tests that were made.
    tests_added: i64,
    /// Requirement ids that match nothing in the frameworks that the project has adopted.
    unmatched: Vec<UnmatchedRequirements>,
}

/// A run that was read for the actor of the request.
#[derive(Clone)]
pub(super) struct IngestRun {
    pub(super) tenant: TenantId,
    pub(super) row: Arc<run::Model>,
}

/// One scan that was brought into a project. The same bytes are one run, however often they come.
#[Object]
impl IngestRun {
    /// The id, `run_…`.
    async fn id(&self) -> ID {
        ID(self.row.id.clone())
    }

    /// How far it is.
    async fn state(&self) -> IngestRunState {
        if self.row.completed_at.is_some() {
            IngestRunState::Completed
        } else {
            IngestRunState::Recording
        }
    }

    /// The project.
    async fn project(&self) -> Project {
        Project::new(self.tenant, self.row.project_id.clone())
    }

    /// The evidence that the scan is a version of; null where you may not read what has its class.
    async fn evidence(&self, ctx: &Context<'_>) -> Result<Option<Evidence>> {
        let (_, clearance) = cleared(ctx, "evidence:run:read", "IngestRun")?;
        Evidence::load(ctx, &clearance, self.row.evidence_id.clone()).await
    }

    /// That version, from 1.
    async fn evidence_version(&self) -> i64 {
        self.row.evidence_version
    }

    /// Which scanner looked at what.
    async fn source(&self) -> &str {
        &self.row.source
    }

    /// SHA-256 of the bytes as they were uploaded, 64 lower-case hexadecimal digits.
    async fn sha256(&self) -> &str {
        &self.row.sha256
    }

    /// What it brought; while it is being recorded, so far.
    async fn counts(&self) -> IngestCounts {
        IngestCounts {
            items: self.row.items,
            new: self.row.new_count,
            changed: self.row.changed,
            unchanged: self.row.unchanged,
            superseded: self.row.superseded,
            gone: self.row.gone,
            refused: self.row.refused,
        }
    }

    /// The first 100 items that were not taken, with the reasons; none where you may not read the evidence,
    /// whose words these are.
    async fn refused(&self, ctx: &Context<'_>) -> Result<Vec<RefusedFinding>> {
        if self.evidence(ctx).await?.is_none() {
            return Ok(Vec::new());
        }
        let items: Vec<RefusedItem> = serde_json::from_str(&self.row.refused_items)
            .map_err(|error| gql(ApiError::internal(error)))?;
        let shown = items.into_iter().map(|item| RefusedFinding {
            index: i64::try_from(item.index).unwrap_or(i64::MAX),
            uid: item.uid,
            reason: item.reason,
        });
        Ok(shown.collect())
    }

    /// What the controls made of its check results.
    async fn matching(&self, ctx: &Context<'_>) -> Result<IngestMatching> {
        let rows = ctx.data::<DataLoader<Rows>>()?;
        let key = MatchingKey(self.tenant, self.row.id.clone());
        let matched = match rows.load_one(key).await.map_err(gql)? {
            Some(row) => {
                Matched::try_from((*row).clone()).map_err(|error| gql(ApiError::internal(error)))?
            }
            None => Matched::default(),
        };
        let done = matched.covers(&self.row);
        Ok(IngestMatching {
            state: if done { MatchingState::Done } else { MatchingState::Pending },
            tests_added: matched.tests_added,
            unmatched: matched
                .unmatched
                .into_iter()
                .map(|(framework, ids)| UnmatchedRequirements {
                    framework,
                    ids: ids.into_iter().collect(),
                })
                .collect(),
        })
    }

    /// Who uploaded it; null where it was no person.
    async fn uploaded_by(&self) -> Option<User> {
        self.row.uploaded_by.clone().map(|id| User { id: ID(id) })
    }

    /// When its recording began.
    async fn started_at(&self) -> DateTime<Utc> {
        instant(self.row.started_at)
    }

    /// When everything was recorded.
    async fn completed_at(&self) -> Option<DateTime<Utc>> {
        self.row.completed_at.map(instant)
    }
}

/// A page of the runs of a project, the newest first.
pub(super) async fn page(
    store: &EventStore,
    tenant: TenantId,
    project: &str,
    page: &PageArgs,
) -> Result<IngestRunConnection> {
    let after = page.after.as_deref().map(|key| {
        key.split_once('/').and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned()))).ok_or_else(
            || {
                gql(ApiError::new(
                    Code::BadRequest,
                    "That cursor is not one of this list: pass endCursor as it came.",
                ))
            },
        )
    });
    let rows =
        Runs::page(store, tenant, project, after.transpose()?, page.limit()).await.map_err(gql)?;
    Ok(connection(
        rows,
        page,
        |row| format!("{}/{}", row.started_at, row.id),
        |row| IngestRun { tenant, row: Arc::new(row) },
    ))
}
