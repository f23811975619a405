//! What a subgraph answers over HTTP: JSON is taken where a standard parser takes it, and goes out
//! as it came in.

use serde_json::Value;
use studio_router::parsers::{self, NoAnswer};

pub fn check(bytes: &[u8]) {
    // What is ignored is not looked at, text that is no UTF-8 included.
    let standard = std::str::from_utf8(bytes).is_ok()
        && serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
    match parsers::answer(bytes) {
        Ok(written) => {
            assert!(standard, "a standard parser refuses it");
            // Unpaired surrogates are read only when they are looked at; numbers beyond f64 too.
            if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
                let again: Value = serde_json::from_slice(&written).expect("it is written as JSON");
                assert_eq!(again, value);
            }
        }
        Err(NoAnswer::Nested) => {}
        // A key with half of a surrogate pair is no text.
        Err(NoAnswer::Other(why)) => assert!(!standard || is_no_text(bytes), "{why}"),
    }
}

/// Whether there are escapes that a parser refuses when it looks at them.
fn is_no_text(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|two| two == b"\\u") && serde_json::from_slice::<Value>(bytes).is_err()
}
