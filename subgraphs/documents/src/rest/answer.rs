//! The JSON of documents and versions.

use serde_json::{Value, json};
use studio_entities::documents::{document, version};
use studio_kernel::Timestamp;

/// A document with its versions, the newest first.
pub(super) fn document(row: &document::Model, versions: &[version::Model]) -> Value {
    json!({
        "id": row.id,
        "project": row.project,
        "name": row.name,
        "dataClass": row.data_class.to_ascii_uppercase(),
        "createdAt": Timestamp::from_micros(row.created_at),
        "updatedAt": Timestamp::from_micros(row.updated_at),
        "versionCount": row.newest_number,
        "versions": versions.iter().map(version).collect::<Vec<_>>(),
        "links": { "self": format!("/v1/documents/{}", row.id) },
    })
}

/// One version.
pub(super) fn version(row: &version::Model) -> Value {
    json!({
        "id": row.id,
        "number": row.number,
        "mediaType": row.media_type,
        "sha256": row.sha256,
        "size": row.size,
        "storedAt": Timestamp::from_micros(row.stored_at),
        "uploadedBy": row.uploaded_by,
        "links": { "content": content_path(&row.document, row.number) },
    })
}

/// Where the bytes of a version are.
pub(crate) fn content_path(document: &str, number: i64) -> String {
    format!("/v1/documents/{document}/versions/{number}/content")
}
