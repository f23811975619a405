//! The store as the rest of Studio sees it.

use std::sync::{Arc, Mutex};

use futures::Stream;
use sea_orm::{DatabaseTransaction, DbBackend};
use studio_kernel::{Env, TenantId, Timestamp};
use studio_stores::sql::Database;
use tokio::{
    sync::{Notify, mpsc, oneshot, watch},
    task::JoinHandle,
};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    asynchronous::{self, ProjectionStatus},
    dead_letters::{self, DeadLetter},
    error::{AppendError, StoreError},
    event::{Append, Recorded},
    generations,
    group::Outcome,
    lease::{self, Lease},
    log::{Core, tail_log},
    names,
    options::EventStoreOptions,
    prepare::{DeadLetterChange, Prepared, prepare},
    rows::{self, Slice},
    signing::{self, SignedCheckpoint},
    snapshot::{self, Snapshot},
    transfer,
    verify::{self, Against, Verified, VerifyError},
    writer::{self, Command, QUEUE},
};

/// The most events that one read answers.
const READ_LIMIT: usize = 10_000;

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
        let append = self.with_origin_sealed(append).await?;
        let prepared = prepare(&self.core().env, append, dead_letter)?;
        let outcome = self.append_chain(vec![prepared]).await?.pop();
        outcome.unwrap_or(Err(AppendError::Store(StoreError::Interrupted)))
    }

    /// Appends one after the other, each by itself, with one wait for the disk. Answers how many
    /// were recorded. From the first that was not, none was: whoever tries that one again by itself
    /// learns why.
    pub(crate) async fn append_in_turn(&self, appends: Vec<Append>) -> usize {
        let env = &self.core().env;
        let mut prepared = Vec::with_capacity(appends.len());
        for append in appends {
            let Ok(append) = self.with_origin_sealed(append).await else { break };
            let Ok(append) = prepare(env, append, None) else { break };
            prepared.push(append);
        }
        let outcomes = self.append_chain(prepared).await.unwrap_or_default();
        outcomes.iter().filter(|outcome| outcome.is_ok()).count()
    }

    /// Seals from where the request came. Nothing is recorded where that cannot be: an audit log with
    /// holes is none.
    async fn with_origin_sealed(&self, mut append: Append) -> Result<Append, StoreError> {
        let metadata = &mut append.metadata;
        if let (Some(from), Some(keyring)) = (metadata.from.take(), &self.core().origins) {
            let person = metadata.person.or(metadata.principal.user_id());
            let from = from.to_string();
            metadata.origin = keyring.seal_origin(append.tenant, person, from.as_bytes()).await?;
        }
        Ok(append)
    }

    /// The outcomes up to the first that was refused.
    async fn append_chain(&self, chain: Vec<Prepared>) -> Result<Vec<Outcome>, StoreError> {
        if chain.is_empty() {
            return Ok(Vec::new());
        }
        let (reply, answer) = oneshot::channel();
        self.send(Command::Append { chain, reply }).await?;
        let outcomes = answer.await.map_err(|_| StoreError::Interrupted)?;
        for last in outcomes.iter().flatten().filter_map(|recorded| recorded.last()) {
            self.database().wrote(last.tenant, last.position);
        }
        Ok(outcomes)
    }

    async fn send(&self, command: Command) -> Result<(), StoreError> {
        self.0.commands.send(command).await.map_err(|_| StoreError::Closed)
    }

    /// Keeps a snapshot when there is time for it: a full queue is none, and the next load tries
    /// again.
    pub(crate) fn offer_snapshot(&self, snapshot: Snapshot) {
        let _kept_or_not = self.0.commands.try_send(Command::Snapshot(snapshot));
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

    /// Begins a transaction for rows that follow from elsewhere than this log, such as what is kept of
    /// other logs. Events and read models of this log are written by appends alone. Nothing else is
    /// written to the embedded database until it ends.
    pub async fn begin_beside(&self) -> Result<DatabaseTransaction, StoreError> {
        rows::begin_write(self.database().writer()).await
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
        let against = Against { key: key.as_deref(), kept, seen: &[] };
        verify::verify(self.database().primary(), self.core().source, against).await
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
