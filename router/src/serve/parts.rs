//! The parts of one answer as `multipart/mixed` (RFC 2046, section 5.1; GraphQL over HTTP's proposal
//! "Incremental Delivery over HTTP").

use super::stream::{DELIMITER, END, Framing, part};
use crate::incremental::Format;

const HEAD: &[u8] = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n";

/// How the parts stand in a body.
pub(super) fn framing(format: Format) -> Framing {
    Framing {
        kind: match format {
            Format::Current => "multipart/mixed; boundary=\"graphql\"; incrementalSpec=v0.2",
            Format::Legacy => "multipart/mixed; boundary=\"graphql\"; deferSpec=20220824",
        },
        begin: DELIMITER,
        frame: |json| part(HEAD, &[json]),
        idle: part(HEAD, &[b"{\"hasNext\":true}"]),
        end: END,
    }
}
