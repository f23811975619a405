//! One stream as a command sees it: its state, folded from its events, and what is decided on it.

use std::sync::Arc;

use studio_kernel::{Aggregate, TenantId};

use crate::{
    error::{AppendError, EncodeError, ExecuteError, StoreError},
    event::{Append, EventData, Expected, Metadata, Recorded, StreamAppend},
    rows::{self, Slice},
    snapshot::{self, Snapshot},
    store::EventStore,
};

/// Events that loading a stream reads at a time.
const LOAD_PAGE: usize = 1_000;

/// The state of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded<A> {
    /// All its events folded; the default where there is none.
    pub state: A,
    /// The number of its events: 0 means that there is no such stream.
    pub version: u64,
}

/// What a command did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Executed<A> {
    /// The state after it.
    pub state: A,
    /// The version after it.
    pub version: u64,
    /// What was recorded; empty where the decision was that nothing had to happen.
    pub recorded: Vec<Recorded>,
}

impl EventStore {
    /// The state of a stream, from its newest snapshot and the events after it.
    pub async fn load<A: Aggregate>(
        &self,
        tenant: TenantId,
        stream_id: &str,
    ) -> Result<Loaded<A>, StoreError> {
        let kept = snapshot::load::<A>(self.core(), tenant, stream_id).await?;
        let (mut state, mut version) = kept.unwrap_or_default();
        let kept_version = version;
        loop {
            let slice = Slice::Stream {
                tenant,
                stream_type: A::STREAM_TYPE,
                stream_id,
                after_version: version,
            };
            let events = rows::read(self.database().primary(), slice, LOAD_PAGE).await?;
            for event in &events {
                state.apply(&decode::<A>(event)?, event.recorded_at);
            }
            version = events.last().map_or(version, |event| event.stream_version);
            if events.len() < LOAD_PAGE {
                break;
            }
        }
        if version - kept_version >= self.core().snapshot_every {
            self.keep_snapshot(tenant, stream_id, &state, version);
        }
        Ok(Loaded { state, version })
    }

    fn keep_snapshot<A: Aggregate>(
        &self,
        tenant: TenantId,
        stream_id: &str,
        state: &A,
        version: u64,
    ) {
        if let Some(snapshot) = Snapshot::of(tenant, stream_id, state, version) {
            self.offer_snapshot(snapshot);
        }
    }

    /// Load, decide, append. A conflict is decided once more on the newer state. `decide` gets the
    /// state and its version; no events means that nothing has to happen.
    pub async fn execute<A: Aggregate, E>(
        &self,
        tenant: TenantId,
        stream_id: &str,
        metadata: &Metadata,
        mut decide: impl FnMut(&A, u64) -> Result<Vec<A::Event>, E>,
    ) -> Result<Executed<A>, ExecuteError<E>> {
        let mut tries = 0;
        loop {
            let Loaded { mut state, version } =
                self.load::<A>(tenant, stream_id).await.map_err(ExecuteError::Store)?;
            let events = decide(&state, version).map_err(ExecuteError::Refused)?;
            if events.is_empty() {
                return Ok(Executed { state, version, recorded: Vec::new() });
            }
            let stream = stream_append::<A>(stream_id, version, &events)
                .map_err(|error| ExecuteError::Append(error.into()))?;
            let append = Append::new(tenant, metadata.clone(), vec![stream]);
            let recorded = match self.append(append).await {
                Err(AppendError::Conflict { .. }) if tries == 0 => {
                    tries += 1;
                    continue;
                }
                other => other.map_err(ExecuteError::Append)?,
            };
            for (event, recorded) in events.iter().zip(&recorded) {
                state.apply(event, recorded.recorded_at);
            }
            let after = version + events.len() as u64;
            let every = self.core().snapshot_every;
            if after / every != version / every {
                self.keep_snapshot(tenant, stream_id, &state, after);
            }
            return Ok(Executed { state, version: after, recorded });
        }
    }
}

fn decode<A: Aggregate>(event: &Recorded) -> Result<A::Event, StoreError> {
    event
        .decode()
        .map_err(|cause| StoreError::Decode { position: event.position, cause: Arc::new(cause) })
}

fn stream_append<A: Aggregate>(
    stream_id: &str,
    version: u64,
    events: &[A::Event],
) -> Result<StreamAppend, EncodeError> {
    Ok(StreamAppend {
        stream_type: A::STREAM_TYPE.into(),
        stream_id: stream_id.to_owned(),
        expected: Expected::Version(version),
        events: events.iter().map(EventData::of).collect::<Result<_, _>>()?,
    })
}
