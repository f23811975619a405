//! One event as a line of text: a JSON object with every stored column. `payload` and `metadata`
//! are strings that hold the stored text byte for byte, `recorded_at` is in microseconds since the
//! epoch, and the hashes are hexadecimal.

use std::io::{BufRead, Read as _};

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, TenantId, Timestamp, kind};

use crate::{event::Recorded, hexadecimal, verify::Walk};

use super::{LogState, TransferError};

/// The longest line, in bytes: a payload of the largest size with every character escaped, and room.
pub const MAX_LINE: u64 = 16 << 20;
/// Bytes of lines after which a batch ends.
const BATCH_BYTES: usize = 8 << 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    position: i64,
    event_id: Id<kind::Event>,
    tenant: TenantId,
    #[serde(borrow)]
    stream_type: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    stream_id: std::borrow::Cow<'a, str>,
    stream_version: u64,
    #[serde(borrow, rename = "type")]
    event_type: std::borrow::Cow<'a, str>,
    schema_version: u16,
    #[serde(borrow)]
    payload: std::borrow::Cow<'a, str>,
    #[serde(borrow)]
    metadata: std::borrow::Cow<'a, str>,
    recorded_at: i64,
    #[serde(with = "hexadecimal")]
    prev_hash: [u8; 32],
    #[serde(with = "hexadecimal")]
    hash: [u8; 32],
}

/// Appends the line of an event to `out`, with the line feed that ends it.
///
/// # Errors
/// When it does not serialize, which nothing that was recorded has a reason to.
pub fn write_line(event: &Recorded, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let line = Line {
        position: event.position,
        event_id: event.event_id,
        tenant: event.tenant,
        stream_type: (&event.stream_type).into(),
        stream_id: (&event.stream_id).into(),
        stream_version: event.stream_version,
        event_type: (&event.event_type).into(),
        schema_version: event.schema_version,
        payload: (&event.payload).into(),
        metadata: (&event.metadata).into(),
        recorded_at: event.recorded_at.micros(),
        prev_hash: event.prev_hash,
        hash: event.hash,
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.push(b'\n');
    Ok(())
}

fn read_line(text: &[u8]) -> Result<Recorded, String> {
    let line: Line<'_> = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let recorded_at = Timestamp::from_micros(line.recorded_at);
    if recorded_at.micros() != line.recorded_at {
        return Err("recorded_at is not an instant".to_owned());
    }
    Ok(Recorded {
        position: line.position,
        event_id: line.event_id,
        tenant: line.tenant,
        stream_type: line.stream_type.into_owned(),
        stream_id: line.stream_id.into_owned(),
        stream_version: line.stream_version,
        event_type: line.event_type.into_owned(),
        schema_version: line.schema_version,
        payload: line.payload.into_owned(),
        metadata: line.metadata.into_owned(),
        recorded_at,
        prev_hash: line.prev_hash,
        hash: line.hash,
    })
}

/// Reads the lines of a log and holds them against what is said of it: no position is missing,
/// every hash is right, and the last one is the head's.
pub struct Lines<R> {
    input: R,
    state: LogState,
    walk: Walk,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// The lines that `input` gives are to be those of the log that `state` describes.
    pub fn new(input: R, state: LogState) -> Self {
        let walk = state.walk();
        Self { input, state, walk, line: Vec::new() }
    }

    /// The next events, at most `limit`, in order; none once all were read, and then everything was
    /// right.
    ///
    /// # Errors
    /// [`TransferError`] with the first line that is not what was recorded.
    pub fn next(&mut self, limit: usize) -> Result<Vec<Recorded>, TransferError> {
        let mut events = Vec::new();
        let mut bytes = 0;
        while events.len() < limit && bytes < BATCH_BYTES {
            let Some(event) = self.event()? else { break };
            bytes += self.line.len();
            events.push(event);
        }
        if events.is_empty() && limit > 0 {
            self.state.check_end(&self.walk)?;
        }
        Ok(events)
    }

    fn event(&mut self) -> Result<Option<Recorded>, TransferError> {
        self.line.clear();
        let read = (&mut self.input).take(MAX_LINE).read_until(b'\n', &mut self.line);
        if read.map_err(|error| self.wrong(error.to_string()))? == 0 {
            return Ok(None);
        }
        if self.line.pop() != Some(b'\n') {
            return Err(self.wrong("it was cut off, or is too long".to_owned()));
        }
        let event = read_line(&self.line).map_err(|cause| self.wrong(cause))?;
        self.walk.step(&event).map_err(|error| TransferError::of(&self.state.source, error))?;
        if event.position > self.state.position {
            return Err(TransferError::End {
                source_log: self.state.source.clone(),
                found: event.position,
                expected: self.state.position,
            });
        }
        Ok(Some(event))
    }

    fn wrong(&self, cause: String) -> TransferError {
        let line = self.walk.position() + 1;
        TransferError::Line { source_log: self.state.source.clone(), line, cause }
    }
}
