//! The readers of what comes from outside, open to the fuzz targets and to nobody else: no part of
//! the subgraph's interface.

use crate::{
    domain::{DocumentName, MediaType},
    text,
};

/// The text of a file, if it gives any.
pub fn text(media_type: &str, bytes: &[u8]) -> Option<String> {
    text::extract(media_type, bytes).ok()
}

/// A document's name as it is kept, if it is one.
pub fn name(text: &str) -> Option<String> {
    DocumentName::parse(text).ok().map(|name| name.as_str().to_owned())
}

/// A media type as it is kept, if it is one.
pub fn media_type(text: &str) -> Option<String> {
    MediaType::parse(text).ok().map(|media_type| media_type.as_str().to_owned())
}
