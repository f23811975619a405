//! Ids, cursors, instants, days and data classes as clients write them: what is taken is written again as it was
//! given, or as the one spelling of the same value.

use studio_kernel::{DataClass, Id, TenantId, Timestamp, id::Kind, kind};
use studio_service::graphql::{PageArgs, decode_cursor, encode_cursor};

fn same<K: Kind>(text: &str) {
    if let Ok(id) = text.parse::<Id<K>>() {
        assert_eq!(id.to_string(), text);
    }
}

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    same::<kind::Organization>(text);
    same::<kind::Project>(text);
    same::<kind::Control>(text);
    same::<kind::Event>(text);
    let _ = serde_json::from_str::<TenantId>(text);
    let _ = serde_json::from_str::<Timestamp>(text);
    if let Ok(instant) = text.parse::<Timestamp>() {
        assert_eq!(instant.to_string().parse(), Ok(instant));
        assert!(instant.day().start() <= instant && instant <= instant.day().end());
    }
    if let Ok(class) = text.parse::<DataClass>() {
        assert!(text.eq_ignore_ascii_case(class.wire()));
        assert_eq!(class.as_str().parse(), Ok(class));
    }
    if let Ok(key) = decode_cursor(text) {
        assert_eq!(encode_cursor(&key), text);
        let page = PageArgs::new(None, Some(text.to_owned())).expect("it was read before");
        assert_eq!(page.after, Some(key));
    }
}
