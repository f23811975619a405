//! JSON that is handed in as evidence: what is taken reads alike by every reader, and a refusal says
//! something.

use studio_rego::{LONGEST_JSON, read_json};

pub fn check(bytes: &[u8]) {
    match read_json(bytes) {
        Ok(text) => {
            assert!(text.len() <= LONGEST_JSON && text.as_bytes() == bytes);
            let value: serde_json::Value = serde_json::from_str(text).expect("what is taken reads");
            let written = serde_json::to_vec(&value).expect("a value can be written");
            assert!(read_json(&written).is_ok(), "no key was there twice");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
