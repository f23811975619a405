//! What is appended and what was recorded.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use studio_kernel::{
    Actor, Aggregate, DecodeError, DomainEvent, Id, Origin, Principal, Role, TenantId, Timestamp,
    kind,
};

use crate::{
    canonical::{self, CanonicalError},
    error::EncodeError,
    lease::Fence,
};

/// Who caused an event, and in answer to what. Stored with each event of an append.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Who acted.
    pub principal: Principal,
    /// The roles that the actor had then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// The request that brought it, to find it in the logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Id<kind::Request>>,
    /// The event, here or in another log, that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Id<kind::Event>>,
    /// When the fact began to be true, where that is not when it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_from: Option<Timestamp>,
    /// From where the request came, on its way to be sealed: the store does that, and keeps
    /// [`Metadata::origin`].
    #[serde(skip)]
    pub from: Option<Origin>,
    /// The person whose data that is, where it is not whoever acted.
    #[serde(skip)]
    pub person: Option<Id<kind::User>>,
    /// From where the request came, sealed (`Keyring::open_origin` reads it); absent where that is
    /// not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

impl Metadata {
    /// The actor's doing, within their request.
    pub fn by(actor: &Actor) -> Self {
        Self::of(actor.principal.clone(), actor.roles.clone())
            .within(actor.request)
            .acting_from(actor.origin.as_ref().map(Origin::without_agent))
    }

    /// A part of Studio's own doing.
    pub fn system(name: impl Into<String>) -> Self {
        Self::of(Principal::System { name: name.into() }, Vec::new())
    }

    /// The doing of somebody with these roles.
    pub fn of(principal: Principal, roles: Vec<Role>) -> Self {
        Self {
            principal,
            roles,
            request_id: None,
            causation: None,
            effective_from: None,
            from: None,
            person: None,
            origin: None,
        }
    }

    /// With the request that brought it, where one did.
    #[must_use]
    pub fn within(mut self, request: Option<Id<kind::Request>>) -> Self {
        self.request_id = request;
        self
    }

    /// With where the request came from, the program named where it is known.
    #[must_use]
    pub fn acting_from(mut self, origin: Option<Origin>) -> Self {
        self.from = origin;
        self
    }

    /// Says that it was this person who asked, where a part of Studio acts for whoever asks.
    #[must_use]
    pub fn of_person(mut self, person: Id<kind::User>) -> Self {
        self.person = Some(person);
        self
    }

    /// With the event that it answers.
    #[must_use]
    pub fn caused_by(mut self, event: Id<kind::Event>) -> Self {
        self.causation = Some(event);
        self
    }

    /// With the instant at which the fact began to be true.
    #[must_use]
    pub fn effective_from(mut self, at: Timestamp) -> Self {
        self.effective_from = Some(at);
        self
    }
}

/// What the caller believes the stream to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// There is no such stream yet.
    NoStream,
    /// The stream is at exactly this version; 0 means that there is none.
    Version(u64),
    /// Whatever it is.
    Any,
}

impl Expected {
    /// Whether a stream at this version is what was expected.
    pub const fn admits(self, version: u64) -> bool {
        match self {
            Self::NoStream => version == 0,
            Self::Version(expected) => version == expected,
            Self::Any => true,
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStream => f.write_str("no stream"),
            Self::Version(version) => write!(f, "version {version}"),
            Self::Any => f.write_str("any version"),
        }
    }
}

/// One event to be recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct EventData {
    /// The explicit type string.
    pub event_type: Cow<'static, str>,
    /// The version of the payload's shape, from 1.
    pub schema_version: u16,
    /// The payload.
    pub payload: EventPayload,
}

/// A payload on its way to the log: a value, or what became canonical JSON already.
#[derive(Debug, Clone, PartialEq)]
pub struct EventPayload(pub(crate) Form);

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Form {
    Value(Value),
    Canonical(String),
}

impl From<Value> for EventPayload {
    fn from(value: Value) -> Self {
        Self(Form::Value(value))
    }
}

impl EventData {
    /// From a domain event.
    pub fn of<E: DomainEvent>(event: &E) -> Result<Self, EncodeError> {
        let event_type = event.event_type();
        let payload = match canonical::of(&ToPayload(event)) {
            Ok(text) => EventPayload(Form::Canonical(text)),
            // Few things need to become a value first.
            Err(CanonicalError::Serialize(_)) => event
                .to_payload()
                .map_err(|cause| EncodeError::Payload { event_type: event_type.to_owned(), cause })?
                .into(),
            Err(cause) => {
                return Err(EncodeError::Canonical { event_type: event_type.to_owned(), cause });
            }
        };
        Ok(Self {
            event_type: Cow::Borrowed(event_type),
            schema_version: event.schema_version(),
            payload,
        })
    }
}

/// An event that serializes as its payload.
struct ToPayload<'a, E>(&'a E);

impl<E: DomainEvent> Serialize for ToPayload<'_, E> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize_payload(serializer)
    }
}

/// Events for one stream, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct StreamAppend {
    /// `<subgraph>.<thing>`.
    pub stream_type: Cow<'static, str>,
    /// The id of the aggregate, at most 255 bytes.
    pub stream_id: String,
    /// What the stream is believed to be.
    pub expected: Expected,
    /// The events, at least one.
    pub events: Vec<EventData>,
}

impl StreamAppend {
    /// For the stream of an aggregate.
    pub fn of<A: Aggregate>(
        stream_id: impl Into<String>,
        expected: Expected,
        events: Vec<A::Event>,
    ) -> Result<Self, EncodeError> {
        Ok(Self {
            stream_type: Cow::Borrowed(A::STREAM_TYPE),
            stream_id: stream_id.into(),
            expected,
            events: events.iter().map(EventData::of).collect::<Result<_, _>>()?,
        })
    }
}

/// How far a consumer has come, committed together with what it appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerCheckpoint {
    /// The consumer's name, unique in this store.
    pub name: String,
    /// The position in the log of its source. It must be beyond the one on record.
    pub position: i64,
}

/// What is recorded together or not at all.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The organization that everything in it belongs to.
    pub tenant: TenantId,
    /// Who caused it.
    pub metadata: Metadata,
    /// The streams; empty only with a checkpoint.
    pub streams: Vec<StreamAppend>,
    /// How far the consumer has come that appends this.
    pub checkpoint: Option<ConsumerCheckpoint>,
    /// The lease that this is recorded under: refused where another process holds it now.
    pub fence: Option<Fence>,
}

impl Append {
    /// An append to some streams, by an actor or by a part of Studio.
    pub fn new(tenant: TenantId, metadata: Metadata, streams: Vec<StreamAppend>) -> Self {
        Self { tenant, metadata, streams, checkpoint: None, fence: None }
    }
}

/// One event as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// From 1, gapless, in commit order.
    pub position: i64,
    /// Unique in every log.
    pub event_id: Id<kind::Event>,
    /// The organization.
    pub tenant: TenantId,
    /// `<subgraph>.<thing>`.
    pub stream_type: String,
    /// The id of the aggregate.
    pub stream_id: String,
    /// From 1 within the stream, gapless.
    pub stream_version: u64,
    /// The explicit type string.
    pub event_type: String,
    /// The version of the payload's shape.
    pub schema_version: u16,
    /// Canonical JSON (RFC 8785), exactly as it is stored.
    pub payload: String,
    /// Canonical JSON of a [`Metadata`], exactly as it is stored.
    pub metadata: String,
    /// When it was recorded: never before the event at the position before.
    pub recorded_at: Timestamp,
    /// The hash of the event at the position before; zeros at position 1.
    pub prev_hash: [u8; 32],
    /// SHA-256 of `prev_hash` and the canonical JSON of this event (see [`crate::chain`]).
    pub hash: [u8; 32],
}

impl Recorded {
    /// Reads the event, upcasting where its version is old.
    pub fn decode<E: DomainEvent>(&self) -> Result<E, DecodeError> {
        E::decode(&self.event_type, self.schema_version, &self.payload)
    }

    /// Who caused it.
    pub fn metadata(&self) -> Result<Metadata, serde_json::Error> {
        serde_json::from_str(&self.metadata)
    }
}
