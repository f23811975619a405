//! Checks and encodes an append in the caller's own task, so that the writer has nothing left to do
//! but to number, chain and insert.

use std::borrow::Cow;

use studio_kernel::{Env, Id, TenantId, Timestamp, kind};

use crate::{
    canonical,
    error::EncodeError,
    event::{Append, ConsumerCheckpoint, EventData, Expected, Form, StreamAppend},
    lease::Fence,
};

/// The most events of one append.
pub const MAX_EVENTS: usize = 10_000;
/// The largest payload, in bytes of canonical JSON.
pub const MAX_PAYLOAD: usize = 4 << 20;
/// The longest stream type, stream id, event type or consumer name, in bytes.
pub const MAX_NAME: usize = 255;

/// An append that is ready to be numbered.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) tenant: TenantId,
    pub(crate) metadata: String,
    pub(crate) streams: Vec<PreparedStream>,
    pub(crate) checkpoint: Option<ConsumerCheckpoint>,
    pub(crate) fence: Option<Fence>,
    pub(crate) dead_letter: Option<DeadLetterChange>,
    pub(crate) events: usize,
}

#[derive(Debug)]
pub(crate) struct PreparedStream {
    pub(crate) stream_type: Cow<'static, str>,
    pub(crate) stream_id: String,
    pub(crate) expected: Expected,
    pub(crate) events: Vec<PreparedEvent>,
}

#[derive(Debug)]
pub(crate) struct PreparedEvent {
    pub(crate) event_id: Id<kind::Event>,
    pub(crate) event_type: Cow<'static, str>,
    pub(crate) schema_version: u16,
    pub(crate) payload: String,
}

/// What an append does to the dead letters of a consumer.
#[derive(Debug)]
pub(crate) enum DeadLetterChange {
    /// An event could not be taken in.
    Add {
        consumer: String,
        source: String,
        position: i64,
        event: String,
        error: String,
        attempts: u32,
        recorded_at: Timestamp,
    },
    /// It could not be taken in again either.
    FailedAgain { consumer: String, position: i64, error: String, recorded_at: Timestamp },
    /// It could be taken in after all.
    Resolve { consumer: String, position: i64 },
}

pub(crate) fn prepare(
    env: &Env,
    append: Append,
    dead_letter: Option<DeadLetterChange>,
) -> Result<Prepared, EncodeError> {
    let events = append.streams.iter().map(|stream| stream.events.len()).sum();
    if events == 0 && append.checkpoint.is_none() && dead_letter.is_none() {
        return Err(limit("an append needs at least one event or a checkpoint"));
    }
    if events > MAX_EVENTS {
        return Err(limit(&format!("one append takes at most {MAX_EVENTS} events, not {events}")));
    }
    if let Some(checkpoint) = &append.checkpoint {
        name("consumer", &checkpoint.name)?;
    }
    let metadata = serde_json::to_value(&append.metadata)
        .map_err(|cause| EncodeError::Payload { event_type: "metadata".to_owned(), cause })?;
    Ok(Prepared {
        tenant: append.tenant,
        metadata: canonical_text("metadata", &metadata)?,
        streams: append
            .streams
            .into_iter()
            .map(|stream| prepare_stream(env, stream))
            .collect::<Result<_, _>>()?,
        checkpoint: append.checkpoint,
        fence: append.fence,
        dead_letter,
        events,
    })
}

fn prepare_stream(env: &Env, stream: StreamAppend) -> Result<PreparedStream, EncodeError> {
    name("stream type", &stream.stream_type)?;
    name("stream id", &stream.stream_id)?;
    if stream.events.is_empty() {
        return Err(limit(&format!("no events for the stream {}", stream.stream_id)));
    }
    Ok(PreparedStream {
        stream_type: stream.stream_type,
        stream_id: stream.stream_id,
        expected: stream.expected,
        events: stream
            .events
            .into_iter()
            .map(|event| prepare_event(env, event))
            .collect::<Result<_, _>>()?,
    })
}

fn prepare_event(env: &Env, event: EventData) -> Result<PreparedEvent, EncodeError> {
    name("event type", &event.event_type)?;
    if event.schema_version == 0 {
        return Err(limit(&format!("{}: schema versions count from 1", event.event_type)));
    }
    let payload = match event.payload.0 {
        Form::Canonical(text) => text,
        Form::Value(value) => canonical_text(&event.event_type, &value)?,
    };
    if payload.len() > MAX_PAYLOAD {
        return Err(limit(&format!(
            "a payload of {} has {} bytes, and {MAX_PAYLOAD} is the limit",
            event.event_type,
            payload.len()
        )));
    }
    Ok(PreparedEvent {
        event_id: env.id(),
        event_type: event.event_type,
        schema_version: event.schema_version,
        payload,
    })
}

fn canonical_text(event_type: &str, value: &serde_json::Value) -> Result<String, EncodeError> {
    canonical::to_string(value)
        .map_err(|cause| EncodeError::Canonical { event_type: event_type.to_owned(), cause })
        // PostgreSQL's TEXT holds no zero character; escaped in JSON it is fine.
        .inspect(|text| debug_assert!(!text.contains('\0')))
}

fn name(what: &str, text: &str) -> Result<(), EncodeError> {
    if text.is_empty() || text.len() > MAX_NAME || text.contains('\0') {
        return Err(limit(&format!("a {what} has 1 to {MAX_NAME} bytes and no zero character")));
    }
    Ok(())
}

fn limit(message: &str) -> EncodeError {
    EncodeError::Limit(message.to_owned())
}
