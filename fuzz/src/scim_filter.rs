//! Filters and paths of SCIM: what reads is written in one way that reads the same, and whatever it asks of
//! a resource has an answer.

use std::sync::LazyLock;

use serde_json::{Value, json};
use studio_identity::scim::{attributes::Resource, filter::Filter, patch::Path};

static SHOWN: LazyLock<Value> = LazyLock::new(|| {
    json!({
        "id": "usr_1", "userName": "ada@example.org", "active": true, "displayName": "Ada",
        "name": { "familyName": "Lovelace" },
        "emails": [{ "value": "ada@example.org", "type": "work", "primary": true }, { "type": "home" }],
        "members": [{ "value": "usr_1" }],
        "meta": { "created": "2026-03-01T09:00:00Z" },
    })
});

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(filter) = Filter::parse(text) {
        let written = filter.to_string();
        // What is written in full may be longer than what was: that is the only fault it may have.
        match Filter::parse(&written) {
            Ok(read) => assert_eq!(read, filter, "{written}"),
            Err(error) => assert!(written.len() > text.len(), "{written}: {error}"),
        }
        let shown = SHOWN.as_object().expect("it is one");
        for resource in Resource::ALL {
            let checked = filter.check(resource).is_ok();
            let matches = filter.matches(resource, shown);
            let not = Filter::Not(Box::new(filter.clone()));
            assert_eq!(not.check(resource).is_ok(), checked);
            assert_eq!(not.matches(resource, shown), !matches);
        }
    }
    if let Ok(path) = Path::parse(text) {
        let written = path.to_string();
        match Path::parse(&written) {
            Ok(read) => assert_eq!(read, path, "{written}"),
            Err(error) => assert!(written.len() > text.len(), "{written}: {error}"),
        }
    }
}
