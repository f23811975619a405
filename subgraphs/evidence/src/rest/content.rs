//! `GET /v1/evidence/{id}/versions/{number}/content`: the scan as it was uploaded, packed or not. Its
//! SHA-256 is the one that the version and every explanation show, so that anybody who may see the
//! evidence can check it.

use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use studio_kernel::{Actor, Id, kind, published::audit::AuditTarget};
use studio_service::{
    ApiError,
    rest::{Kept, Path, attachment, unchanged, version_number},
};
use studio_stores::blobs::{BlobError, ContentHash};
use tokio::io::{AsyncBufReadExt, BufReader};

use super::signed_in;
use crate::{
    commands::{Core, READ},
    ocsf::is_packed,
    projections::EvidenceItems,
};

pub(super) async fn content(
    State(core): State<Core>,
    actor: Option<Extension<Actor>>,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let actor = signed_in(actor)?;
    let clearance = core.clearance(&actor, READ, "Evidence")?;
    let tenant = clearance.tenant();
    let id: Id<kind::Evidence> = id.parse()?;
    let number = version_number(&number)?;
    let item = EvidenceItems::of(&core.store, tenant, &[id.to_string()]).await?.pop();
    if !item.is_some_and(|item| EvidenceItems::reads(&clearance, &item)) {
        return Err(ApiError::not_found("evidence", id));
    }
    let versions = EvidenceItems::versions(&core.store, tenant, &[id.to_string()]).await?;
    let version = versions.iter().find(|version| version.version == i64::from(number));
    let version = version.ok_or_else(|| ApiError::not_found("version", number))?;
    if let Some(unchanged) = unchanged(&headers, &version.sha256)? {
        return Ok(unchanged);
    }
    let name: ContentHash = version.sha256.parse().map_err(ApiError::internal)?;
    let mut reader = BufReader::new(core.blobs.open(tenant, name).await?);
    let (media_type, ending) = match version.collected_at {
        Some(_) => ("application/json", "json"),
        None => form(reader.fill_buf().await.map_err(BlobError::of_reading)?),
    };
    let kept = Kept {
        sha256: &version.sha256,
        size: version.size,
        media_type,
        name: &format!("{id}-v{number}.{ending}"),
    };
    let target = AuditTarget { kind: "evidence.evidence".to_owned(), id: id.to_string() };
    core.notices.exported(&actor, target, (number, version.sha256.as_str()))?;
    attachment(&kept, reader)
}

/// The media type of a scan that begins so, and the ending of its name.
fn form(beginning: &[u8]) -> (&'static str, &'static str) {
    if is_packed(beginning) {
        return ("application/gzip", "ocsf.json.gz");
    }
    match beginning.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => ("application/x-ndjson", "ocsf.ndjson"),
        _ => ("application/json", "ocsf.json"),
    }
}

/// Where the bytes of a version are.
pub(crate) fn content_path(evidence: &str, number: i64) -> String {
    format!("/v1/evidence/{evidence}/versions/{number}/content")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_told_by_the_beginning() {
        for (beginning, ending) in [
            (&b"\x1f\x8b\x08"[..], "ocsf.json.gz"),
            (b"\n [{", "ocsf.json"),
            (b"{\"class_uid\"", "ocsf.ndjson"),
        ] {
            assert_eq!(form(beginning).1, ending);
        }
    }
}
