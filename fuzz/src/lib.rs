//! What every reader of outside data must hold, one module for each: a function that takes any
//! bytes and panics where it does not.
//!
//! The fuzz targets (`fuzz_targets/`) look for bytes that make one panic; `tests/embedded` feeds
//! each the seeds that are checked in (`seeds/`), with whatever was once found among them.

pub mod app_request;
pub mod audit_file;
pub mod browser_answer;
pub mod catalog;
pub mod client_events;
pub mod document_text;
pub mod event_decode;
pub mod graphql_request;
pub mod json_evidence;
pub mod keyring;
pub mod names;
pub mod ocsf;
pub mod oscal;
pub mod passages;
pub mod passkey;
pub mod rule;
pub mod scan_bytes;
pub mod scim_body;
pub mod scim_filter;
pub mod subgraph_answer;
pub mod subgraph_events;
pub mod subgraph_schema;
pub mod websocket;

mod router;

/// A target: its name, which is that of its seeds' folder, and what it holds.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("app_request", app_request::check),
    ("audit_file", audit_file::check),
    ("browser_answer", browser_answer::check),
    ("catalog", catalog::check),
    ("client_events", client_events::check),
    ("document_text", document_text::check),
    ("event_decode", event_decode::check),
    ("graphql_request", graphql_request::check),
    ("json_evidence", json_evidence::check),
    ("keyring", keyring::check),
    ("names", names::check),
    ("ocsf", ocsf::check),
    ("oscal", oscal::check),
    ("passages", passages::check),
    ("passkey", passkey::check),
    ("rule", rule::check),
    ("scan_bytes", scan_bytes::check),
    ("scim_body", scim_body::check),
    ("scim_filter", scim_filter::check),
    ("subgraph_answer", subgraph_answer::check),
    ("subgraph_events", subgraph_events::check),
    ("subgraph_schema", subgraph_schema::check),
    ("websocket", websocket::check),
];
