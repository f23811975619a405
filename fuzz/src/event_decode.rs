//! Stored payloads and metadata of any content: reading them never panics, and what has a canonical
//! form reads back as the same canonical form. The first two bytes are the schema version.

use studio_events::{Metadata, canonical};
use studio_kernel::{
    Payload as _,
    published::{CloudEvent, controls, documents, evidence},
};

pub fn check(bytes: &[u8]) {
    let Some((version, text)) = bytes.split_first_chunk::<2>() else { return };
    let version = u16::from_le_bytes(*version);
    let Ok(text) = std::str::from_utf8(text) else { return };
    let _ = evidence::CheckResultsRecorded::decode(version, text);
    let _ = evidence::EvidenceRejected::decode(version, text);
    let _ = controls::CheckResultsMatched::decode(version, text);
    let _ = controls::ScoreAlertRaised::decode(version, text);
    let _ = controls::ScoreAlertCleared::decode(version, text);
    let _ = controls::ControlTestAdded::decode(version, text);
    let _ = controls::ControlTestRuleSet::decode(version, text);
    let _ = controls::ProjectCreated::decode(version, text);
    let _ = controls::ProjectRenamed::decode(version, text);
    let _ = controls::ProjectArchived::decode(version, text);
    let _ = controls::ProjectRestored::decode(version, text);
    let _ = documents::DocumentVersionStored::decode(version, text);
    let _ = documents::DocumentClassified::decode(version, text);
    let _ = serde_json::from_str::<Metadata>(text);
    let _ = serde_json::from_str::<CloudEvent>(text);
    let Ok(value) = serde_json::from_str::<serde_json::Value>(text) else { return };
    let Ok(once) = canonical::to_string(&value) else { return };
    let again: serde_json::Value = serde_json::from_str(&once).expect("canonical JSON is JSON");
    // -0 and whole doubles may change their Rust type on the way, never their spelling.
    if let Ok(twice) = canonical::to_string(&again) {
        assert_eq!(once, twice);
    }
}
