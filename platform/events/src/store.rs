//! The store as the rest of Studio sees it.

use std::sync::{Arc, Mutex};

use futures::Stream;
use sea_orm::DbBackend;
use studio_kernel::{Aggregate, Env, TenantId, Timestamp};
use studio_stores::sql::Database;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    asynchronous::{self, ProjectionStatus},
    dead_letters::{self, DeadLetter},
    error::{AppendError, EncodeError, ExecuteError, StoreError},
    event::{Append, EventData, Expected, Metadata, Recorded, StreamAppend},
    generations,
    lease::{self, Lease},
    log::{Core, tail_log},
    names,
    options::EventStoreOptions,
    prepare::{DeadLetterChange, prepare},
    rows::{self, Slice},
    signing::{self, SignedCheckpoint},
    snapshot::{self, Snapshot},
    transfer,
    verify::{self, Verified, VerifyError},
    writer::{self, Command, QUEUE},
};

/// The most events that one read answers.
const READ_LIMIT: usize = 10_000;
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

/// An open event store. Cheap to clone; the last clone that is dropped lets the writer finish what
/// waits and stops the other tasks.
#[derive(Clone)]
pub struct EventStore(Arc<Inner>);

struct Inner {
    core: Arc<Core>,
    commands: mpsc::Sender<Command>,
    closing: CancellationToken,
    nudge: Arc<Notify>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    rebuilding: tokio::sync::Mutex<()>,
    _stop_with_last_clone: DropGuard,
}

impl EventStore {
    /// Opens a store: brings its projections up to date and starts its tasks. The migrations must
    /// have been run.
    pub async fn open(options: EventStoreOptions) -> Result<Self, StoreError> {
        transfer::refuse_half_filled(options.database.writer()).await?;
        if options.database.backend() == DbBackend::Sqlite {
            lease::end_all(&options.database).await?;
        }
        let head = rows::read_head(options.database.primary()).await?.position;
        let poll = options.poll;
        let core = Arc::new(Core::new(options, head));
        generations::prepare(&core).await?;
        let (commands, waiting) = mpsc::channel(QUEUE);
        let closing = CancellationToken::new();
        let nudge = Arc::new(Notify::new());
        let mut tasks = vec![
            tokio::spawn(writer::run(Arc::clone(&core), waiting, closing.clone())),
            tokio::spawn(tail_log(Arc::clone(&core), Arc::clone(&nudge), poll)),
        ];
        for index in 0..core.asynchronous.len() {
            tasks.push(tokio::spawn(asynchronous::run(Arc::clone(&core), index)));
        }
        let stop = core.cancel.clone().drop_guard();
        Ok(Self(Arc::new(Inner {
            core,
            commands,
            closing,
            nudge,
            tasks: Mutex::new(tasks),
            rebuilding: tokio::sync::Mutex::new(()),
            _stop_with_last_clone: stop,
        })))
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

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
            // A full queue is no time for housekeeping: the next load tries again.
            let _kept_or_not = self.0.commands.try_send(Command::Snapshot(snapshot));
        }
    }

    /// Records events, all or none, and answers them as recorded once they are safe on disk.
    pub async fn append(&self, append: Append) -> Result<Vec<Recorded>, AppendError> {
        self.append_with(append, None).await
    }

    pub(crate) async fn append_with(
        &self,
        append: Append,
        dead_letter: Option<DeadLetterChange>,
    ) -> Result<Vec<Recorded>, AppendError> {
        if let Some(checkpoint) = &append.checkpoint {
            names::free_for_consumer(self.core(), &checkpoint.name)?;
        }
        let prepared = prepare(&self.core().env, append, dead_letter)?;
        let (reply, answer) = oneshot::channel();
        self.send(Command::Append { prepared, reply }).await?;
        let recorded = answer.await.unwrap_or(Err(AppendError::Store(StoreError::Interrupted)))?;
        if let Some(last) = recorded.last() {
            self.database().wrote(last.tenant, last.position);
        }
        Ok(recorded)
    }

    async fn send(&self, command: Command) -> Result<(), StoreError> {
        self.0.commands.send(command).await.map_err(|_| StoreError::Closed)
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

    /// Events after a position, of every organization: at most `limit` and never more than 10,000.
    pub async fn read(&self, after: i64, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.slice(Slice::All { after }, limit).await
    }

    /// Events of one organization after a position.
    pub async fn read_tenant(
        &self,
        tenant: TenantId,
        after: i64,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.slice(Slice::Tenant { tenant, after }, limit).await
    }

    /// Events of one stream after a version.
    pub async fn read_stream(
        &self,
        tenant: TenantId,
        stream_type: &str,
        stream_id: &str,
        after_version: u64,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        let slice = Slice::Stream { tenant, stream_type, stream_id, after_version };
        self.slice(slice, limit).await
    }

    async fn slice(&self, slice: Slice<'_>, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        rows::read(self.database().primary(), slice, limit.min(READ_LIMIT)).await
    }

    /// Takes a lease of that name if no process holds it, for `ttl` at a time. It is renewed until
    /// it is dropped; appends that carry its [`Lease::fence`] are refused once another process has
    /// taken it.
    pub async fn try_lease(
        &self,
        name: &str,
        ttl: std::time::Duration,
    ) -> Result<Option<Lease>, StoreError> {
        lease::acquire(self, name, ttl).await.map(Result::ok)
    }

    /// The newest committed position, whichever process appended it: everything that was answered
    /// before this was asked is at or before it. The embedded database is appended to by this
    /// process alone.
    pub async fn newest(&self) -> Result<i64, StoreError> {
        if self.database().backend() != DbBackend::Sqlite {
            self.core().catch_up_ring().await?;
        }
        Ok(self.head())
    }

    /// The newest committed position that this process knows of, 0 for an empty log.
    pub fn head(&self) -> i64 {
        *self.core().head.borrow()
    }

    /// Changes whenever the head does.
    pub fn wake(&self) -> watch::Receiver<i64> {
        self.core().head.subscribe()
    }

    /// Looks for other processes' appends now, not only at the next poll: for the bus, whose
    /// messages may be lost.
    pub fn nudge(&self) {
        self.0.nudge.notify_one();
    }

    /// Every event after a position, those of the future included. It ends only after an error, of
    /// which [`StoreError::Closed`] is one.
    pub fn tail(
        &self,
        after: i64,
    ) -> impl Stream<Item = Result<Arc<Recorded>, StoreError>> + Send + 'static {
        crate::tail::tail(Arc::clone(self.core()), after)
    }

    /// The last position recorded at or before an instant, 0 if there is none.
    pub async fn position_as_of(&self, at: Timestamp) -> Result<i64, StoreError> {
        rows::position_as_of(self.database().primary(), at).await
    }

    /// Walks the whole log and names the first broken link, if there is one.
    pub async fn verify(&self) -> Result<Verified, VerifyError> {
        self.verify_against(&[]).await
    }

    /// Walks the whole log, and holds it also against signed checkpoints kept elsewhere.
    pub async fn verify_against(&self, kept: &[SignedCheckpoint]) -> Result<Verified, VerifyError> {
        let key = self.core().signer.as_ref().map(|signer| signer.public_key());
        verify::verify(self.database().primary(), self.core().source, key.as_deref(), kept).await
    }

    /// Signs the log as it is now, and keeps the statement in the store, too.
    pub async fn sign_checkpoint(&self) -> Result<SignedCheckpoint, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(Command::Sign { reply }).await?;
        answer.await.unwrap_or(Err(StoreError::Interrupted))
    }

    /// The signed checkpoints in the store, to be kept elsewhere.
    pub async fn signed_checkpoints(&self) -> Result<Vec<SignedCheckpoint>, StoreError> {
        signing::stored(self.database().primary()).await
    }

    /// The generation of a projection's rows that is to be read. A name that was not given to
    /// [`EventStore::open`] has generation 0, which holds no rows.
    pub fn generation(&self, name: &str) -> i64 {
        self.core().generation(name).unwrap_or(0)
    }

    /// Builds a read model anew from the first event, beside the one that is read, and swaps it in.
    /// Answers the new generation. Reads and appends go on meanwhile.
    pub async fn rebuild(&self, name: &str) -> Result<i64, StoreError> {
        let _one_at_a_time = self.0.rebuilding.lock().await;
        let projection = self
            .core()
            .projections()
            .find(|projection| projection.name() == name)
            .ok_or_else(|| StoreError::UnknownProjection(name.to_owned()))?;
        generations::rebuild(self.core(), projection.as_ref()).await
    }

    /// Drops all snapshots; streams are replayed until new ones are made.
    pub async fn drop_snapshots(&self) -> Result<(), StoreError> {
        snapshot::drop_all(self.core()).await
    }

    /// Every projection, how far it has come and what holds it up.
    pub fn projections(&self) -> Vec<ProjectionStatus> {
        let inline = self.core().inline.iter().map(|projection| ProjectionStatus {
            name: projection.name(),
            generation: self.generation(projection.name()),
            position: self.head(),
            failure: None,
        });
        let behind = self.core().asynchronous.iter().map(|(projection, progress)| {
            let failure =
                progress.failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
            ProjectionStatus {
                name: projection.name(),
                generation: self.generation(projection.name()),
                position: *progress.position.borrow(),
                failure,
            }
        });
        inline.chain(behind).collect()
    }

    /// Waits until an asynchronous projection has taken in the event at a position; an inline one
    /// always has.
    pub async fn projected(&self, name: &str, position: i64) -> Result<(), StoreError> {
        let found = self.core().asynchronous.iter().find(|(behind, _)| behind.name() == name);
        let Some((_, progress)) = found else {
            return match self.core().inline.iter().any(|inline| inline.name() == name) {
                true => Ok(()),
                false => Err(StoreError::UnknownProjection(name.to_owned())),
            };
        };
        let mut reached = progress.position.subscribe();
        tokio::select! {
            () = self.core().cancel.cancelled() => Err(StoreError::Closed),
            _ = reached.wait_for(|reached| *reached >= position) => {
                // It was written without moving the log.
                self.database().hold_replica();
                Ok(())
            }
        }
    }

    /// How far a consumer or an asynchronous projection has come, 0 if it has not begun.
    pub async fn checkpoint(&self, name: &str) -> Result<i64, StoreError> {
        generations::position(self.database().primary(), name).await
    }

    /// The oldest dead letters of a consumer after a position, at most `limit`.
    pub async fn dead_letters(
        &self,
        consumer: &str,
        after: i64,
        limit: u64,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        dead_letters::read(self.core(), consumer, after, limit).await
    }

    /// How many dead letters there are, of every consumer.
    pub async fn count_dead_letters(&self) -> Result<u64, StoreError> {
        dead_letters::count(self.core()).await
    }

    /// The database, for queries.
    pub fn database(&self) -> &Database {
        &self.core().database
    }

    /// The subgraph's name.
    pub fn source(&self) -> &'static str {
        self.core().source
    }

    /// The clock and randomness that the store was opened with.
    pub fn env(&self) -> &Env {
        &self.core().env
    }

    /// Commits what waits, refuses what comes, and ends all tasks. The database stays open.
    pub async fn shutdown(&self) {
        self.0.closing.cancel();
        let tasks = std::mem::take(
            &mut *self.0.tasks.lock().unwrap_or_else(|poisoned| poisoned.into_inner()),
        );
        let mut tasks = tasks.into_iter();
        if let Some(writer) = tasks.next() {
            report(writer.await);
        }
        self.core().cancel.cancel();
        for task in tasks {
            report(task.await);
        }
    }
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a task of the event store ended badly");
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
