//! The text of a document, for search. What comes in is hostile until shown otherwise: sizes are
//! bounded before and after unpacking, the work runs apart from the async threads, and a panic in
//! it is a document without text.
//!
//! PDF is not read: no reader of it that runs within the process is known to us to bound its
//! memory and its recursion on a file made to harm.

mod docx;
mod html;
mod plain;
mod port;

use studio_stores::blobs::ContentHash;

pub(crate) use port::StoredText;

/// The most bytes of a file that text is read from.
pub(crate) const MOST_SOURCE: u64 = 32 * 1024 * 1024;
/// The most bytes of text that are taken from one file.
const MOST_TEXT: usize = 32 * 1024 * 1024;

/// How text is taken from a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Plain,
    Html,
    Docx,
}

fn format(media_type: &str) -> Option<Format> {
    match media_type {
        "text/plain" | "text/markdown" | "text/csv" | "application/json" => Some(Format::Plain),
        "text/html" | "application/xhtml+xml" => Some(Format::Html),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document" => {
            Some(Format::Docx)
        }
        _ => None,
    }
}

/// Whether text can be read from a file of this type and size.
pub(crate) fn can_be_read(media_type: &str, size: u64) -> bool {
    format(media_type).is_some() && size <= MOST_SOURCE
}

/// Why a file gives no text.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoText {
    /// The media type is none that text is read from.
    #[error("no text can be read from this type")]
    Type,
    /// The file, or what it unpacks to, is too large.
    #[error("it holds more than can be read")]
    TooLarge,
    /// The bytes are not those of the type.
    #[error("it is not what its type says: {0}")]
    Malformed(&'static str),
}

/// Takes the text out of a file.
pub(crate) fn extract(media_type: &str, bytes: &[u8]) -> Result<String, NoText> {
    let text = match format(media_type).ok_or(NoText::Type)? {
        Format::Plain => plain::decode(bytes)?,
        Format::Html => html::strip(&plain::decode(bytes)?),
        Format::Docx => docx::text(bytes, MOST_TEXT)?,
    };
    if text.len() > MOST_TEXT { Err(NoText::TooLarge) } else { Ok(text) }
}

/// Whether these bytes are those of the hash.
fn matches(bytes: &[u8], sha256: &str) -> bool {
    ContentHash::of(bytes).to_string() == sha256
}
