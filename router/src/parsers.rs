//! The readers of what comes from outside, open to the fuzz targets and to nobody else: no part of
//! the router's interface.

use crate::data::{Arena, JsonError, KeyTable};
use bytes::Bytes;
use std::sync::Arc;

pub use crate::{
    discover::introspected_sdl,
    serve::websocket::exchange as websocket,
    transport::{sse::decoded as server_sent_events, websocket::kind_of as subgraph_message},
};

/// Why an answer of a subgraph was not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// It is nested deeper than the limit.
    Nested,
    /// Anything else.
    Other(String),
}

/// Reads a subgraph's answer and writes it again.
pub fn answer(bytes: &[u8]) -> Result<Vec<u8>, NoAnswer> {
    let mut arena = Arena::new(Arc::new(KeyTable::new()));
    let id = arena.read_json(Bytes::copy_from_slice(bytes)).map_err(|error| match error {
        JsonError::Depth => NoAnswer::Nested,
        other => NoAnswer::Other(other.to_string()),
    })?;
    let mut out = Vec::new();
    arena.write(id, &mut out);
    Ok(out)
}
