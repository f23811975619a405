//! The JSON of an ingest run.

use serde_json::{Value, json};
use studio_access::Clearance;
use studio_kernel::{Id, TenantId, Timestamp, kind};
use studio_service::ApiError;

use super::content_path;
use crate::{
    commands::Core,
    domain::RefusedItem,
    projections::{EvidenceItems, Matched, Matchings, Runs},
};

/// The run and its project, or `None` where the organization has none of that id. What was not taken is told
/// where the clearance reaches the evidence, whose words these are; without one to whoever has just sent it.
pub(super) async fn run(
    core: &Core,
    tenant: TenantId,
    id: Id<kind::IngestRun>,
    clearance: Option<&Clearance>,
) -> Result<Option<(String, Value)>, ApiError> {
    let ids = [id.to_string()];
    let Some(row) = Runs::of(&core.store, tenant, &ids).await?.pop() else { return Ok(None) };
    let matched = match Matchings::of(&core.store, tenant, &ids).await?.pop() {
        Some(matched) => Matched::try_from(matched).map_err(ApiError::internal)?,
        None => Matched::default(),
    };
    let evidence = EvidenceItems::of(&core.store, tenant, std::slice::from_ref(&row.evidence_id));
    let evidence = evidence.await?.pop();
    let evidence = evidence.ok_or_else(|| {
        ApiError::internal(format!("{} of {} is missing", row.evidence_id, row.id))
    })?;
    let told = clearance.is_none_or(|clearance| EvidenceItems::reads(clearance, &evidence));
    let refused: Vec<RefusedItem> = match told {
        true => serde_json::from_str(&row.refused_items).map_err(ApiError::internal)?,
        false => Vec::new(),
    };
    let done = matched.covers(&row);
    let answer = json!({
        "id": row.id,
        "state": if row.completed_at.is_some() { "COMPLETED" } else { "RECORDING" },
        "project": row.project_id,
        "source": row.source,
        "evidence": {
            "id": row.evidence_id,
            "version": row.evidence_version,
            "dataClass": evidence.data_class.to_ascii_uppercase(),
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
