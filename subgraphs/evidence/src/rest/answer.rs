//! The JSON of an ingest run.

use serde_json::{Value, json};
use studio_kernel::{Id, TenantId, Timestamp, kind};
use studio_service::ApiError;

use super::content_path;
use crate::{
    commands::Core,
    domain::RefusedItem,
    projections::{Matched, Matchings, Runs},
};

/// The run and its project, or `None` where the organization has none of that id.
pub(super) async fn run(
    core: &Core,
    tenant: TenantId,
    id: Id<kind::IngestRun>,
) -> Result<Option<(String, Value)>, ApiError> {
    let ids = [id.to_string()];
    let Some(row) = Runs::of(&core.store, tenant, &ids).await?.pop() else { return Ok(None) };
    let matched = match Matchings::of(&core.store, tenant, &ids).await?.pop() {
        Some(matched) => Matched::try_from(matched).map_err(ApiError::internal)?,
        None => Matched::default(),
    };
    let refused: Vec<RefusedItem> =
        serde_json::from_str(&row.refused_items).map_err(ApiError::internal)?;
    let done = matched.covers(&row);
    let answer = json!({
        "id": row.id,
        "state": if row.completed_at.is_some() { "COMPLETED" } else { "RECORDING" },
        "project": row.project_id,
        "source": row.source,
        "evidence": {
            "id": row.evidence_id,
            "version": row.evidence_version,
            "sha256": row.sha256,
            "links": { "content": content_path(&row.evidence_id, row.evidence_version) },
        },
        "counts": {
            "items": row.items,
            "new": row.new_count,
            "changed": row.changed,
            "unchanged": row.unchanged,
            "superseded": row.superseded,
            "gone": row.gone,
            "refused": row.refused,
        },
        "refused": refused,
        "matching": {
            "state": if done { "done" } else { "pending" },
            "unmatched": matched.unmatched,
            "testsAdded": matched.tests_added,
        },
        "startedAt": Timestamp::from_micros(row.started_at),
        "completedAt": row.completed_at.map(Timestamp::from_micros),
        "links": { "self": format!("/v1/ingest/runs/{}", row.id) },
    });
    Ok(Some((row.project_id, answer)))
}
