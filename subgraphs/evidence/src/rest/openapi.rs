//! What `/v1/openapi.json` says of the ingest endpoints (OpenAPI 3.1).

use serde_json::{Value, json};
use studio_service::rest::{self, data_class_schema, problem};

/// `paths` and `components` of the ingest endpoints, to be merged into the whole.
pub fn openapi() -> Value {
    let run = |description: &str| {
        json!({
            "description": description,
            "content": { "application/json": {
                "schema": { "$ref": "#/components/schemas/IngestRun" } } },
        })
    };
    let unauthenticated = problem("No valid access token came with the request.");
    let ingest = json!({
        "operationId": "ingestProwler",
        "summary": "Bring a Prowler scan into a project",
        "description": "The body is the OCSF JSON that Prowler writes with -M json-ocsf: an array \
            of Detection Findings (class_uid 2004), or one such object per line; packed with gzip \
            or not. The file is checked whole before anything is recorded. The same bytes in the \
            same project are one run: sending them again changes nothing, and completes a run \
            that was cut.",
        "parameters": [
            { "name": "project", "in": "query", "required": true,
              "description": "The project that the scan is about.",
              "schema": { "type": "string", "pattern": "^prj_[0-9a-f]{32}$" } },
            { "name": "wait", "in": "query",
              "description": "Seconds to wait for the controls to take the results in.",
              "schema": { "type": "integer", "minimum": 0, "maximum": 60, "default": 10 } },
            { "name": "dataClass", "in": "query",
              "description": "How closely the evidence is kept, with what is found in it; INTERNAL \
                for new evidence. Of evidence that is there, a higher class becomes its class and a \
                lower one does not: classifyEvidence lowers it.",
              "schema": data_class_schema() },
            { "name": "Content-Encoding", "in": "header",
              "description": "Where it says gzip, a body that is no gzip is refused. Gzip is \
                known by its first bytes too.",
              "schema": { "type": "string", "enum": ["gzip", "identity"] } },
        ],
        "requestBody": { "required": true, "content": {
            "application/json": { "schema": { "type": "array", "items": { "type": "object" } } },
            "application/x-ndjson": { "schema": { "type": "string" } },
            "application/gzip": { "schema": { "type": "string", "format": "binary" } },
        } },
        "responses": {
            "201": run("The scan was recorded."),
            "200": run("These bytes were brought into the project before."),
            "400": problem("The file is broken, holds no finding that can be taken, or a \
                parameter cannot be right; nothing was kept."),
            "401": unauthenticated,
            "403": problem("You may not bring scans in."),
            "404": problem("There is no such project that you can see; nothing was kept."),
            "409": problem("The project is archived; nothing was recorded."),
            "413": problem("The file is larger than limits.ingest_body, or than \
                limits.ingest_unpacked once it is unpacked; nothing was kept."),
        },
    });
    json!({
        "paths": {
            "/v1/ingest/prowler": { "post": ingest },
            "/v1/ingest/json/{name}": { "post": hand_in(&run) },
            "/v1/ingest/runs/{id}": { "get": {
                "operationId": "getIngestRun",
                "summary": "A run, as it stands now",
                "parameters": [{ "name": "id", "in": "path", "required": true,
                    "description": "The run.", "schema": {
                        "$ref": "#/components/schemas/IngestRunId" } }],
                "responses": {
                    "200": run("The run."),
                    "400": problem("The id is not the id of a run."),
                    "401": unauthenticated,
                    "404": problem("There is no such run that you can see."),
                },
            } },
            "/v1/evidence/{id}/versions/{number}/content": { "get": download() },
        },
        "components": { "schemas": schemas() },
    })
}

fn hand_in(run: &impl Fn(&str) -> Value) -> Value {
    json!({
        "operationId": "handInEvidence",
        "summary": "Hand JSON in under a name, for rules to look at",
        "description": "The body is one JSON document of at most 4 MiB, in UTF-8, in which no object \
            has a key twice. It becomes a new version of the project's evidence of that name, and every \
            test whose rule reads that name looks at it. The same bytes with the same collectedAt are \
            one version.",
        "parameters": [
            { "name": "name", "in": "path", "required": true,
              "description": "The name: what tests call evidenceName.",
              "schema": { "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,63}$" } },
            { "name": "project", "in": "query", "required": true,
              "description": "The project that the evidence is of.",
              "schema": { "type": "string", "pattern": "^prj_[0-9a-f]{32}$" } },
            { "name": "collectedAt", "in": "query",
              "description": "When it was collected: since then what it says is true. By default, now; \
                more than ten minutes ahead of the server's clock is refused. Rules do not look at \
                evidence that is older than what they looked at last.",
              "schema": { "type": "string", "format": "date-time" } },
            { "name": "dataClass", "in": "query",
              "description": "How closely the evidence is kept; INTERNAL for new evidence. A lower class \
                than it has does not become its class.",
              "schema": data_class_schema() },
        ],
        "requestBody": { "required": true, "content": { "application/json": { "schema": {} } } },
        "responses": {
            "201": run("The evidence was recorded."),
            "200": run("These bytes were handed in as of that instant before."),
            "400": problem("The body is no JSON that can be taken, or a parameter cannot be right; \
                nothing was kept."),
            "401": problem("No valid access token came with the request."),
            "403": problem("You may not bring evidence in."),
            "404": problem("There is no such project that you can see; nothing was kept."),
            "409": problem("The project is archived; nothing was recorded."),
            "413": problem("The body is larger than 4 MiB; nothing was kept."),
        },
    })
}

fn download() -> Value {
    rest::download(rest::Download {
        operation_id: "downloadEvidence",
        summary: "The bytes of a version of evidence, as they were uploaded",
        description: Some(
            "Packed with gzip where they were uploaded so: their SHA-256 is the sha256 of the \
             version, of the run that brought it, and of every explanation that names it.",
        ),
        id: json!({ "name": "id", "in": "path", "required": true, "description": "The evidence.",
            "schema": { "type": "string", "pattern": "^evd_[0-9a-f]{32}$" } }),
        media_types: &["application/json", "application/x-ndjson", "application/gzip"],
        others: vec![
            (
                "404",
                problem("There is no such evidence that you can see, or no such version of it."),
            ),
            ("500", problem("The bytes are missing in the store, or damaged.")),
        ],
    })
}

fn schemas() -> Value {
    let counts = [
        ("items", "Items in the file."),
        ("new", "Findings that were not in the population before."),
        ("changed", "Findings that say something else than before."),
        ("unchanged", "Findings that say what they said before."),
        ("superseded", "Items older than what was on record, which changed nothing."),
        ("gone", "Findings that the scan no longer lists."),
        ("refused", "Items that were not taken."),
    ]
    .into_iter()
    .map(|(name, description)| {
        (name.to_owned(), json!({ "type": "integer", "minimum": 0, "description": description }))
    })
    .collect::<serde_json::Map<_, _>>();
    let sha256 = json!({ "type": "string", "pattern": "^[0-9a-f]{64}$",
        "description": "SHA-256 of the bytes as they were uploaded." });
    json!({
        "IngestRunId": { "type": "string", "pattern": "^run_[0-9a-f]{32}$" },
        "IngestRun": {
            "type": "object",
            "required": ["id", "state", "project", "source", "evidence", "counts", "refused",
                "matching", "startedAt", "links"],
            "properties": {
                "id": { "$ref": "#/components/schemas/IngestRunId" },
                "state": { "type": "string", "enum": ["RECORDING", "COMPLETED"] },
                "project": { "type": "string", "pattern": "^prj_[0-9a-f]{32}$" },
                "source": { "type": "string",
                    "description": "Which scanner looked at what.",
                    "examples": ["prowler/aws/123456789012"] },
                "evidence": { "type": "object", "properties": {
                    "id": { "type": "string", "pattern": "^evd_[0-9a-f]{32}$" },
                    "version": { "type": "integer", "minimum": 1 },
                    "dataClass": data_class_schema(),
                    "sha256": sha256,
                    "links": { "type": "object",
                        "properties": { "content": { "type": "string" } } },
                } },
                "counts": { "type": "object", "properties": counts },
                "refused": { "type": "array", "maxItems": 100,
                    "description": "The first items that were not taken.",
                    "items": { "type": "object", "properties": {
                        "index": { "type": "integer", "description": "From 0." },
                        "offset": { "type": "integer",
                            "description": "Where it begins, in bytes of the unpacked file." },
                        "uid": { "type": ["string", "null"] },
                        "reason": { "type": "string" },
                    } } },
                "matching": { "type": "object", "properties": {
                    "state": { "type": "string", "enum": ["done", "pending"] },
                    "unmatched": { "type": "object",
                        "description": "Requirement ids that match nothing in the frameworks \
                            that the project has adopted, by the scanner's name of the framework.",
                        "additionalProperties": {
                            "type": "array", "items": { "type": "string" } } },
                    "testsAdded": { "type": "integer", "minimum": 0 },
                } },
                "startedAt": { "type": "string", "format": "date-time" },
                "completedAt": { "type": ["string", "null"], "format": "date-time" },
                "links": { "type": "object", "properties": { "self": { "type": "string" } } },
            },
        },
    })
}
