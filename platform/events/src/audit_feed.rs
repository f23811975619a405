//! What a log tells the audit log: every event, whether it is published or not, with who caused it,
//! and of its data the fields that are declared safe to show. What is not declared never leaves.

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;
use studio_kernel::{
    DecodeError, Payload,
    published::{
        CloudEvent,
        audit::{
            ActionDenied, AuditOutcome, AuditRecord, AuditTarget, ContentExported, Noticed,
            SignInFailed,
        },
        cloud_event_type,
    },
};
use tokio::sync::watch;

use crate::{
    event::{Metadata, Recorded},
    feed::{EventFeed, FeedError, FeedPage, cloud_event, read, scan},
    store::EventStore,
};

/// Bytes of JSON that one shown field has at most: a longer one is left out.
const LONGEST: usize = 1_024;

/// What may be shown of one type of event: ids, numbers, states and hashes; never what somebody is
/// called, a secret, or a text that somebody wrote.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    recorded: &'static str,
    fields: &'static [&'static str],
    about: Option<&'static str>,
    state: &'static [&'static str],
    read: fn(u16, &str) -> Result<Value, DecodeError>,
}

impl Shown {
    /// These fields of the payload: `name`, or `outer.name` for a field within another, which is shown
    /// as `name`.
    pub const fn of<P: Payload>(fields: &'static [&'static str]) -> Self {
        Self { recorded: P::TYPE, fields, about: None, state: &[], read: read::<P> }
    }

    /// Says which field holds the id of what the event is about, where that is not the stream.
    #[must_use]
    pub const fn about(mut self, field: &'static str) -> Self {
        self.about = Some(field);
        self
    }

    /// Says which of the fields, by the names that they are shown as, tell how the thing is from then on:
    /// of these the audit log can tell what they were before.
    #[must_use]
    pub const fn state(mut self, names: &'static [&'static str]) -> Self {
        self.state = names;
        self
    }

    /// Adds the fields, and what the event is about.
    fn tell(
        &self,
        log: &str,
        event: &Recorded,
        record: &mut AuditRecord,
    ) -> Result<(), DecodeError> {
        let payload = (self.read)(event.schema_version, &event.payload)?;
        let shown = self.fields.iter().filter_map(|path| {
            let value = find(&payload, path)?;
            let name = path.rsplit('.').next().unwrap_or(path);
            showable(value).then(|| (name.to_owned(), value.clone()))
        });
        record.shown.extend(shown);
        record.state = self.state.iter().map(|name| (*name).to_owned()).collect();
        if let Some(field) = self.about
            && let Some(id) = find(&payload, field).and_then(Value::as_str)
        {
            record.target = AuditTarget { kind: format!("{log}.{field}"), id: id.to_owned() };
        }
        Ok(())
    }
}

/// An event that does not read is told without its fields, so that nothing after it waits for it.
fn unread(event: &Recorded, error: &DecodeError) {
    tracing::warn!(position = event.position, %error, "an event is audited without its fields");
}

/// What is told of what changed nothing, and how it ended.
fn noticed(event: &Recorded) -> Option<(AuditOutcome, Result<Noticed, DecodeError>)> {
    let (version, payload) = (event.schema_version, event.payload.as_str());
    Some(match event.event_type.as_str() {
        ActionDenied::TYPE => {
            (AuditOutcome::Denied, ActionDenied::decode(version, payload).map(|it| it.0))
        }
        SignInFailed::TYPE => {
            (AuditOutcome::Failed, SignInFailed::decode(version, payload).map(|it| it.0))
        }
        ContentExported::TYPE => {
            (AuditOutcome::Succeeded, ContentExported::decode(version, payload).map(|it| it.0))
        }
        _ => return None,
    })
}

fn tell(noticed: Noticed, record: &mut AuditRecord) {
    let Noticed { target, about, times, first, last } = noticed;
    record.target = target;
    record.times = times;
    record.shown.extend(about.into_iter().map(|(name, value)| (name, value.into())));
    if times > 1 {
        let instants = [("first", first), ("last", last)];
        record.shown.extend(instants.map(|(name, at)| (name.to_owned(), at.to_string().into())));
    }
}

fn find<'a>(payload: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(payload, |value, name| value.get(name))
}

/// A plain value, or a list of such or of objects of such, that is not too long.
fn showable(value: &Value) -> bool {
    let plain = |value: &Value| !value.is_object() && !value.is_array();
    let item = |value: &Value| {
        plain(value) || value.as_object().is_some_and(|fields| fields.values().all(plain))
    };
    let flat = plain(value) || value.as_array().is_some_and(|items| items.iter().all(item));
    flat && !value.is_null() && value.to_string().len() <= LONGEST
}

/// The audit feed of a store in this process: [`AuditRecord`]s as the data of CloudEvents.
#[derive(Clone)]
pub struct AuditFeed {
    store: EventStore,
    shown: &'static [Shown],
}

impl AuditFeed {
    /// All events, with these fields.
    pub fn new(store: EventStore, shown: &'static [Shown]) -> Self {
        Self { store, shown }
    }

    fn record(&self, event: &Recorded) -> Result<Option<CloudEvent>, FeedError> {
        let wrong = |cause: serde_json::Error| FeedError::Event {
            position: event.position,
            cause: Box::new(cause),
        };
        let Metadata { principal, roles, request_id, causation, origin, .. } =
            event.metadata().map_err(wrong)?;
        let mut record = AuditRecord {
            action: event.event_type.clone(),
            outcome: AuditOutcome::Succeeded,
            times: 1,
            target: AuditTarget { kind: event.stream_type.clone(), id: event.stream_id.clone() },
            principal,
            roles,
            request_id,
            causation,
            origin,
            shown: BTreeMap::new(),
            state: Vec::new(),
        };
        if let Some((outcome, noticed)) = noticed(event) {
            record.outcome = outcome;
            match noticed {
                Ok(noticed) => tell(noticed, &mut record),
                Err(error) => unread(event, &error),
            }
        }
        let declared = self.shown.iter().find(|shown| shown.recorded == event.event_type);
        if let Some(declared) = declared {
            match declared.tell(self.store.source(), event, &mut record) {
                Ok(()) => {}
                Err(error) => unread(event, &error),
            }
        }
        let data = serde_json::to_value(record).map_err(wrong)?;
        let event_type = cloud_event_type::<AuditRecord>();
        Ok(Some(cloud_event(self.store.source(), event, event_type, data)))
    }
}

#[async_trait]
impl EventFeed for AuditFeed {
    fn source(&self) -> &str {
        self.store.source()
    }

    async fn read(&self, after: i64, limit: usize) -> Result<FeedPage, FeedError> {
        scan(&self.store, after, limit, |event| self.record(event)).await
    }

    fn wake(&self) -> watch::Receiver<i64> {
        self.store.wake()
    }

    async fn head(&self) -> Result<i64, FeedError> {
        Ok(self.store.newest().await?)
    }
}
