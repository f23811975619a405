//! What endpoints of several subgraphs say of themselves in the same words (OpenAPI 3.1).

use serde_json::{Value, json};

/// An answer that is a problem document.
pub fn problem(description: &str) -> Value {
    json!({
        "description": description,
        "content": { "application/problem+json": {
            "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}

/// What is particular to an endpoint that answers with [`super::attachment`].
#[derive(Debug)]
pub struct Download {
    /// Its name.
    pub operation_id: &'static str,
    /// What it is, in a line.
    pub summary: &'static str,
    /// What else there is to say of it.
    pub description: Option<&'static str>,
    /// The parameter `id` of its path; `number` is that of a version.
    pub id: Value,
    /// The media types that the bytes may have.
    pub media_types: &'static [&'static str],
    /// What stands beside the bytes among its answers: 404, for one.
    pub others: Vec<(&'static str, Value)>,
}

/// The operation `GET …/{id}/versions/{number}/content`.
pub fn download(endpoint: Download) -> Value {
    let bytes = json!({ "schema": { "type": "string", "format": "binary" } });
    let content: serde_json::Map<_, _> =
        endpoint.media_types.iter().map(|kind| ((*kind).to_owned(), bytes.clone())).collect();
    let mut responses = json!({
        "200": {
            "description": "The bytes, as an attachment.",
            "headers": { "ETag": {
                "description": "The SHA-256 of the bytes, in quotes.",
                "schema": { "type": "string" } } },
            "content": content,
        },
        "304": { "description": "You hold these bytes already." },
        "400": problem("The id or the number cannot be right."),
        "401": problem("No valid access token came with the request."),
    });
    for (status, answer) in endpoint.others {
        responses[status] = answer;
    }
    let mut operation = json!({
        "operationId": endpoint.operation_id,
        "summary": endpoint.summary,
    });
    if let Some(description) = endpoint.description {
        operation["description"] = description.into();
    }
    operation["parameters"] = json!([
        endpoint.id,
        { "name": "number", "in": "path", "required": true,
          "description": "The number of the version, from 1.",
          "schema": { "type": "integer", "minimum": 1 } },
        { "name": "If-None-Match", "in": "header",
          "description": "The ETag of bytes that you hold: their SHA-256 in quotes.",
          "schema": { "type": "string" } },
    ]);
    operation["responses"] = responses;
    operation
}
