//! Uploaded files of any content under any type that text is read from: the text is bounded, and
//! nothing but text or a refusal comes out. The first byte chooses the type.

use studio_documents::parsers;

const TYPES: [&str; 4] = [
    "text/html",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "text/plain",
    "application/json",
];

pub fn check(bytes: &[u8]) {
    let Some((first, file)) = bytes.split_first() else { return };
    let media_type = TYPES[usize::from(*first) % TYPES.len()];
    if let Some(text) = parsers::text(media_type, file) {
        assert!(text.len() <= 32 << 20);
        if *first % 4 == 0 {
            // UTF-16 and Windows-1252 grow to three bytes for each at most.
            assert!(text.len() <= 4 * file.len(), "stripping tags adds nothing");
        }
    }
    if let Ok(text) = std::str::from_utf8(file) {
        if let Some(name) = parsers::name(text) {
            assert!(!name.is_empty() && !name.contains(['/', '\\', '\0']));
            assert_eq!(parsers::name(&name).as_deref(), Some(&*name));
        }
        if let Some(media_type) = parsers::media_type(text) {
            assert_eq!(parsers::media_type(&media_type).as_deref(), Some(&*media_type));
        }
    }
}
