//! What `/v1/openapi.json` says of the documents endpoints (OpenAPI 3.1).

use serde_json::{Value, json};
use studio_service::rest::{self, data_class_schema, problem};

/// `paths` and `components` of the documents endpoints, to be merged into the whole.
pub fn openapi() -> Value {
    let id = json!({
        "name": "id", "in": "path", "required": true,
        "description": "The document.", "schema": { "$ref": "#/components/schemas/DocumentId" },
    });
    let unauthenticated = problem("No valid access token came with the request.");
    let not_found = problem("Nothing of that id is visible to you.");
    let upload = json!({
        "operationId": "uploadDocument",
        "summary": "Upload a document, or a new version of one",
        "description": "The body is the bytes of the document. The Content-Type is kept; where it \
            says nothing, the ending of the name decides. The same bytes as the newest version \
            make no new version.",
        "parameters": [
            { "name": "project", "in": "query", "required": true,
              "description": "The project that the document belongs to.",
              "schema": { "type": "string", "pattern": "^prj_[0-9a-f]{32}$" } },
            { "name": "name", "in": "query",
              "description": "What the document is called, without a path; required for a new \
                document. With document, a new name.",
              "schema": { "type": "string", "minLength": 1, "maxLength": 255 } },
            { "name": "document", "in": "query",
              "description": "The document that gets a new version.",
              "schema": { "$ref": "#/components/schemas/DocumentId" } },
            { "name": "dataClass", "in": "query",
              "description": "How closely the document is kept; INTERNAL for a new one. With \
                document, a higher class becomes the document's and a lower one does not: \
                classifyDocument lowers it.",
              "schema": data_class_schema() },
        ],
        "requestBody": {
            "required": true,
            "content": { "*/*": { "schema": { "type": "string", "format": "binary" } } },
        },
        "responses": {
            "201": { "description": "A version was stored.", "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/UploadedDocument" } } } },
            "200": { "description": "The newest version holds these bytes already.",
                "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/UploadedDocument" } } } },
            "400": problem("The body is empty or broke off, or a parameter cannot be right."),
            "401": unauthenticated,
            "403": problem("You may not upload documents."),
            "404": not_found,
            "409": problem("The project is archived, or somebody else changed the document at the \
                same moment; no version was recorded, and bytes that no version names are removed \
                after an hour or two."),
            "413": problem("The body is larger than limits.document; nothing was kept."),
        },
    });
    let download = rest::download(rest::Download {
        operation_id: "downloadDocument",
        summary: "The bytes of a version, as they were uploaded",
        description: None,
        id: id.clone(),
        media_types: &["*/*"],
        others: vec![("404", not_found.clone())],
    });
    json!({
        "paths": {
            "/v1/documents": { "post": upload },
            "/v1/documents/{id}": { "get": {
                "operationId": "getDocument",
                "summary": "A document and its newest 100 versions",
                "parameters": [id],
                "responses": {
                    "200": { "description": "The document.", "content": { "application/json": {
                        "schema": { "$ref": "#/components/schemas/Document" } } } },
                    "400": problem("The id is not the id of a document."),
                    "401": unauthenticated,
                    "404": not_found,
                },
            } },
            "/v1/documents/{id}/versions/{number}/content": { "get": download },
        },
        "components": { "schemas": schemas() },
    })
}

fn schemas() -> Value {
    let time = json!({ "type": "string", "format": "date-time" });
    let version = json!({ "$ref": "#/components/schemas/DocumentVersion" });
    json!({
        "DocumentId": { "type": "string", "pattern": "^doc_[0-9a-f]{32}$" },
        "DocumentVersion": {
            "type": "object",
            "required": ["id", "number", "mediaType", "sha256", "size", "storedAt", "links"],
            "properties": {
                "id": { "type": "string", "pattern": "^dvr_[0-9a-f]{32}$" },
                "number": { "type": "integer", "minimum": 1 },
                "mediaType": { "type": "string" },
                "sha256": { "type": "string", "pattern": "^[0-9a-f]{64}$" },
                "size": { "type": "integer", "minimum": 1, "description": "Bytes." },
                "storedAt": time,
                "uploadedBy": { "type": ["string", "null"], "pattern": "^usr_[0-9a-f]{32}$" },
                "links": { "type": "object", "properties": { "content": { "type": "string" } } },
            },
        },
        "Document": {
            "type": "object",
            "required": ["id", "project", "name", "dataClass", "createdAt", "updatedAt", "versionCount",
                "versions", "links"],
            "properties": {
                "id": { "$ref": "#/components/schemas/DocumentId" },
                "project": { "type": "string", "pattern": "^prj_[0-9a-f]{32}$" },
                "name": { "type": "string" },
                "dataClass": data_class_schema(),
                "createdAt": time,
                "updatedAt": time,
                "versionCount": { "type": "integer", "minimum": 1 },
                "versions": { "type": "array", "maxItems": 100, "items": version,
                    "description": "The newest first." },
                "links": { "type": "object", "properties": { "self": { "type": "string" } } },
            },
        },
        "UploadedDocument": {
            "type": "object",
            "required": ["document", "version", "changed", "message"],
            "properties": {
                "document": {
                    "type": "object",
                    "required": ["id", "project", "name", "dataClass", "links"],
                    "properties": {
                        "id": { "$ref": "#/components/schemas/DocumentId" },
                        "project": { "type": "string", "pattern": "^prj_[0-9a-f]{32}$" },
                        "name": { "type": "string" },
                        "dataClass": data_class_schema(),
                        "links": { "type": "object",
                            "properties": { "self": { "type": "string" } } },
                    },
                },
                "version": version,
                "changed": { "type": "boolean",
                    "description": "Whether a version was made." },
                "message": { "type": "string" },
            },
        },
    })
}
