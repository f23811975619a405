//! The hash chain: `hash = SHA-256(prev_hash || bytes)`, where `bytes` are the canonical JSON (RFC
//! 8785) of the object with the members `event_id`, `metadata`, `payload`, `position`,
//! `recorded_at` (RFC 3339), `schema_version`, `stream_id`, `stream_type`, `stream_version`,
//! `tenant` and `type`. `payload` and `metadata` are stored as the very bytes that stand in it, so
//! anyone can compute the chain again from a copy of the table.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};

use crate::{canonical::write_text, event::Recorded};

/// The `prev_hash` at position 1.
pub const GENESIS: [u8; 32] = [0; 32];

/// Writes the canonical JSON of an event into `out`, which is emptied first. The members stand in
/// their canonical order here.
pub fn write_canonical(event: &Recorded, out: &mut String) {
    out.clear();
    let _infallible = write!(
        out,
        r#"{{"event_id":"{}","metadata":{},"payload":{},"position":{},"recorded_at":"{}","schema_version":{},"stream_id":"#,
        event.event_id,
        event.metadata,
        event.payload,
        event.position,
        event.recorded_at,
        event.schema_version,
    );
    write_text(&event.stream_id, out);
    out.push_str(r#","stream_type":"#);
    write_text(&event.stream_type, out);
    let _infallible = write!(
        out,
        r#","stream_version":{},"tenant":"{}","type":"#,
        event.stream_version, event.tenant
    );
    write_text(&event.event_type, out);
    out.push('}');
}

/// `SHA-256(prev_hash || bytes)`.
pub fn link(prev_hash: &[u8; 32], bytes: &str) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(prev_hash);
    context.update(bytes.as_bytes());
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use studio_kernel::Timestamp;

    use super::*;

    #[test]
    fn the_bytes_are_canonical_json() {
        let event = Recorded {
            position: 7,
            event_id: format!("evt_{:032x}", 1).parse().unwrap(),
            tenant: format!("org_{:032x}", 2).parse().unwrap(),
            stream_type: "demo.door".into(),
            stream_id: "a \"quoted\"\nname".into(),
            stream_version: 3,
            event_type: "demo.door.opened".into(),
            schema_version: 1,
            payload: r#"{"by":"x"}"#.into(),
            metadata: r#"{"principal":{"kind":"system","name":"demo"}}"#.into(),
            recorded_at: Timestamp::from_micros(1_700_000_000_000_001),
            prev_hash: GENESIS,
            hash: GENESIS,
        };
        let mut bytes = String::new();
        write_canonical(&event, &mut bytes);
        let value: serde_json::Value = serde_json::from_str(&bytes).unwrap();
        assert_eq!(crate::canonical::to_string(&value).unwrap(), bytes);
        assert_eq!(hex::encode(link(&GENESIS, "")), hex::encode(sha256(&GENESIS)));
        assert_ne!(link(&GENESIS, &bytes), link(&[1; 32], &bytes));
    }

    fn sha256(bytes: &[u8]) -> Vec<u8> {
        aws_lc_rs::digest::digest(&SHA256, bytes).as_ref().to_vec()
    }
}
