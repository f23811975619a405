//! What changes nothing and belongs into the log all the same: refusals, sign-ins in vain, and bytes
//! that were handed out. The first of its kind is recorded at once; what follows in the next minute is
//! counted and recorded together at its end, and what goes on is recorded ever less often, down to
//! once an hour. So nobody can fill the log, nor the memory of this process, by asking again and again.
//!
//! What was noted is recorded some moments later, by a task of its own: whoever is killed between the
//! two loses it, and a process that is asked to end does not.

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use studio_access::{Resource, Witness};
use studio_events::{Append, EventData, EventStore, Expected, Metadata, StreamAppend};
use studio_kernel::{
    Actor, Code, Env, Id, Origin, Payload, Principal, Role, TenantId, Timestamp, kind,
    published::audit::{ActionDenied, AuditTarget, ContentExported, Noticed, SignInFailed},
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::ApiError;

/// Kinds of notices that are counted at a time, in each log.
const MOST: usize = 10_000;
/// Refusals and sign-ins in vain that one process records in one hour, in each log: those beyond are
/// counted until the next.
const AN_HOUR: u32 = 1_000;
/// How long is counted after the first;
const SHORTEST: i64 = 60;
/// and in the end.
const LONGEST: i64 = 3_600;
/// How often it is looked for counts that are due.
const LOOK: Duration = Duration::from_secs(1);

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The policies refused an action.
    Denied,
    /// Somebody tried in vain to sign in.
    SignInFailed,
    /// Bytes were handed out.
    Exported,
}

impl Notice {
    fn event(self, noticed: Noticed) -> Result<EventData, serde_json::Error> {
        fn of<P: Payload>(payload: &P) -> Result<EventData, serde_json::Error> {
            Ok(EventData {
                event_type: P::TYPE.into(),
                schema_version: P::VERSION,
                payload: serde_json::to_value(payload)?.into(),
            })
        }
        match self {
            Self::Denied => of(&ActionDenied(noticed)),
            Self::SignInFailed => of(&SignInFailed(noticed)),
            Self::Exported => of(&ContentExported(noticed)),
        }
    }
}

/// There is too much to count: what was to be noted is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much happens at once to be noted")]
pub struct Overflow;

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    principal: Principal,
    notice: Notice,
    kind: String,
    about: BTreeMap<String, String>,
}

/// What was counted of it.
#[derive(Debug, Clone)]
struct Count {
    roles: Vec<Role>,
    /// The request of the first, and from where it came.
    request: Option<Id<kind::Request>>,
    origin: Option<Origin>,
    /// The id of the thing, where it was the same each time.
    id: String,
    /// Since the last was recorded.
    times: u32,
    first: Timestamp,
    last: Timestamp,
    /// When it is to be recorded,
    due: Timestamp,
    /// and how many seconds after that again.
    seconds: i64,
}

#[derive(Default)]
struct Kept {
    counts: HashMap<Key, Count>,
    /// Of the hour that began then, so many were recorded.
    hour: Option<Timestamp>,
    recorded: u32,
}

/// Notices for one log.
pub struct Notices {
    env: Env,
    kept: Mutex<Kept>,
    noted: Notify,
}

impl Notices {
    /// None so far.
    pub fn new(env: Env) -> Arc<Self> {
        Arc::new(Self { env, kept: Mutex::default(), noted: Notify::new() })
    }

    /// Notes that something happened to the target. `about` holds ids, hashes and words from small
    /// sets, and is the same for what is to be counted together.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn note(
        &self,
        actor: &Actor,
        notice: Notice,
        target: AuditTarget,
        about: BTreeMap<String, String>,
    ) -> Result<(), Overflow> {
        let AuditTarget { kind, id } = target;
        let request = actor.request;
        let (tenant, principal) = (actor.tenant, actor.principal.clone());
        let key = Key { tenant, principal, notice, kind, about };
        let now = self.env.now();
        let mut kept = self.kept();
        if let Some(count) = kept.counts.get_mut(&key) {
            if count.times == 0 {
                (count.id, count.first, count.request) = (id, now, request);
                count.origin = actor.origin.clone();
            } else if count.id != id {
                count.id.clear();
            }
            count.times = count.times.saturating_add(1);
            count.last = now;
            return Ok(());
        }
        if kept.counts.len() >= MOST {
            tracing::warn!(?notice, "too much happens at once to be noted");
            return Err(Overflow);
        }
        let roles = actor.roles.clone();
        let origin = actor.origin.clone();
        let (times, seconds) = (1, 0);
        let count =
            Count { roles, request, origin, id, times, first: now, last: now, due: now, seconds };
        kept.counts.insert(key, count);
        drop(kept);
        self.noted.notify_one();
        Ok(())
    }

    /// Notes that somebody gets kept bytes: version `number` of a thing. What cannot be noted is not
    /// handed out.
    ///
    /// # Errors
    /// `SUBGRAPH_UNAVAILABLE` where too much happens at once.
    pub fn exported(
        &self,
        actor: &Actor,
        target: AuditTarget,
        (number, sha256): (u32, &str),
    ) -> Result<(), ApiError> {
        let about = BTreeMap::from([
            ("id".to_owned(), target.id.clone()),
            ("version".to_owned(), number.to_string()),
            ("sha256".to_owned(), sha256.to_owned()),
        ]);
        self.note(actor, Notice::Exported, target, about).map_err(|Overflow| {
            let message = "Too much is being downloaded at once: try again in a minute.";
            ApiError::new(Code::SubgraphUnavailable, message)
        })
    }

    /// Records what is due, until `ended`, and then the rest.
    pub async fn keep(self: Arc<Self>, store: EventStore, ended: CancellationToken) {
        loop {
            let any = !self.kept().counts.is_empty();
            tokio::select! {
                () = ended.cancelled() => break,
                () = self.noted.notified() => {}
                () = tokio::time::sleep(LOOK), if any => {}
            }
            let due = self.due(self.env.now());
            self.record(&store, due).await;
        }
        let rest = self.due(Timestamp::from_micros(i64::MAX));
        self.record(&store, rest).await;
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes out what is to be recorded at an instant.
    fn due(&self, at: Timestamp) -> Vec<(Key, Count)> {
        let now = self.env.now();
        let mut kept = self.kept();
        let kept = &mut *kept;
        if kept.hour.is_none_or(|began| now >= began.plus_seconds(3_600)) {
            (kept.hour, kept.recorded) = (Some(now), 0);
        }
        // Where nothing more came, it is over.
        kept.counts.retain(|_, count| count.due > at || count.times > 0);
        let mut due = Vec::new();
        for (key, count) in kept.counts.iter_mut().filter(|(_, count)| count.due <= at) {
            if key.notice != Notice::Exported {
                if kept.recorded >= AN_HOUR {
                    continue;
                }
                kept.recorded += 1;
            }
            due.push((key.clone(), count.clone()));
            count.times = 0;
            count.seconds = (count.seconds * 2).clamp(SHORTEST, LONGEST);
            count.due = now.plus_seconds(count.seconds);
        }
        due
    }

    async fn record(&self, store: &EventStore, due: Vec<(Key, Count)>) {
        for (key, count) in due {
            let append = match append(store.source(), &key, &count) {
                Ok(append) => append,
                Err(error) => {
                    tracing::error!(%error, notice = ?key.notice, "a notice cannot be written");
                    continue;
                }
            };
            if let Err(error) = store.append(append).await {
                tracing::error!(%error, notice = ?key.notice, "a notice is not recorded for now");
                self.put_back(key, count);
            }
        }
    }

    /// Counts again what could not be recorded.
    fn put_back(&self, key: Key, taken: Count) {
        let mut kept = self.kept();
        if let Some(count) = kept.counts.get_mut(&key) {
            if count.times == 0 {
                count.last = taken.last;
            }
            count.times = count.times.saturating_add(taken.times);
            count.first = taken.first;
        }
    }
}

fn append(log: &str, key: &Key, count: &Count) -> Result<Append, serde_json::Error> {
    let noticed = Noticed {
        target: AuditTarget { kind: key.kind.clone(), id: count.id.clone() },
        about: key.about.clone(),
        times: count.times,
        first: count.first,
        last: count.last,
    };
    let stream = StreamAppend {
        stream_type: format!("{log}.notices").into(),
        stream_id: key.principal.on_record(),
        expected: Expected::Any,
        events: vec![key.notice.event(noticed)?],
    };
    let metadata = Metadata::of(key.principal.clone(), count.roles.clone())
        .within(count.request)
        .acting_from(count.origin.clone());
    Ok(Append::new(key.tenant, metadata, vec![stream]))
}

/// The notices of the logs of this process, by the names of their subgraphs.
#[derive(Clone)]
pub struct Refusals {
    notices: BTreeMap<&'static str, Arc<Notices>>,
    env: Env,
}

impl Refusals {
    /// For these subgraphs.
    pub fn new(names: &[&'static str], env: &Env) -> Self {
        let notices = names.iter().map(|name| (*name, Notices::new(env.clone()))).collect();
        Self { notices, env: env.clone() }
    }

    /// Those of one subgraph; of one that is not here, none that anybody else sees.
    pub fn of(&self, subgraph: &str) -> Arc<Notices> {
        self.notices.get(subgraph).cloned().unwrap_or_else(|| Notices::new(self.env.clone()))
    }
}

impl Witness for Refusals {
    /// A refusal stands in the log of the subgraph that the action is of.
    fn refused(&self, actor: &Actor, action: &'static str, resource: &Resource) {
        let subgraph = action.split(':').next().unwrap_or_default();
        let Some(notices) = self.notices.get(subgraph) else { return };
        let id = resource.id.clone().unwrap_or_default();
        let target = AuditTarget { kind: resource.kind.to_owned(), id };
        let about = BTreeMap::from([("denied".to_owned(), action.to_owned())]);
        // What overflows was warned of.
        let _noted_or_not = notices.note(actor, Notice::Denied, target, about);
    }
}
