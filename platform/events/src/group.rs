//! One group commit: the lock on the log's head and the wait for the disk are paid once for all
//! the commands that were waiting. Where there are several, each has a savepoint of its own, so that
//! one that fails takes nothing of its neighbours with it.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sea_orm::{ConnectionTrait as _, DatabaseTransaction, TransactionTrait as _};
use studio_kernel::TenantId;

use crate::{
    chain,
    error::{AppendError, NameOwner, StoreError},
    event::{ConsumerCheckpoint, Recorded},
    generations::{self, Checkpoint},
    head,
    insert::insert,
    lease::{self, Fence},
    log::Core,
    names,
    prepare::{DeadLetterChange, Prepared, PreparedStream},
    projection::{Projection, apply_wanted},
    rows::{Head, StreamKey, begin_write, statement},
    signing::{self, SIGN_EVERY, SignedCheckpoint},
};

/// What became of one command.
pub(crate) type Outcome = Result<Vec<Recorded>, AppendError>;

/// An error that ends the whole group: nothing of it is committed.
enum Failure {
    Command(AppendError),
    Group(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Group(error)
    }
}

struct Group<'a> {
    core: &'a Core,
    tx: &'a DatabaseTransaction,
    head: Head,
    versions: HashMap<StreamKey, u64>,
    projections: Vec<(&'a Arc<dyn Projection>, i64)>,
    /// Those that hold until this group is committed.
    fences: Vec<Fence>,
    bytes: String,
}

/// Commits a group of chains of commands. For each chain the outcomes up to the first command that
/// was refused, in the same order, or one error for all.
pub(crate) async fn commit(
    core: &Core,
    chains: Vec<Vec<Prepared>>,
) -> Result<Vec<Vec<Outcome>>, StoreError> {
    let tx = begin_write(core.database.writer()).await?;
    let keys = keys(chains.iter().flatten());
    let (before, versions) = head::lock(&tx, &keys).await?;
    let versions = keys.into_iter().zip(versions).collect();
    let projections = ready_projections(core, &tx, before.position).await?;
    let mut group = Group {
        core,
        tx: &tx,
        head: before,
        versions,
        projections,
        fences: Vec::new(),
        bytes: String::new(),
    };
    let mut outcomes = Vec::with_capacity(chains.len());
    let mut wrote = false;
    let alone = chains.iter().flatten().take(2).count() == 1;
    for chain in chains {
        let mut done = Vec::with_capacity(chain.len());
        for command in chain {
            match group.run(command, alone).await {
                Ok(events) => {
                    wrote = true;
                    done.push(Ok(events));
                }
                Err(Failure::Command(error)) => {
                    done.push(Err(error));
                    break;
                }
                Err(Failure::Group(error)) => return Err(error),
            }
        }
        outcomes.push(done);
    }
    if !wrote {
        tx.rollback().await?;
        return Ok(outcomes);
    }
    let head = group.head;
    if head.position != before.position {
        if !alone {
            head::advance(&tx, &[], &head, moved(&group.projections)).await?;
        }
        sign(core, &tx, &before, &head).await?;
    }
    tx.commit().await?;
    Ok(outcomes)
}

fn moved<'a>(
    projections: &'a [(&'a Arc<dyn Projection>, i64)],
) -> impl Iterator<Item = (&'static str, i64)> + 'a {
    projections.iter().map(|(projection, generation)| (projection.name(), *generation))
}

async fn sign(
    core: &Core,
    tx: &DatabaseTransaction,
    before: &Head,
    head: &Head,
) -> Result<(), StoreError> {
    match &core.signer {
        Some(signer) if before.position / SIGN_EVERY != head.position / SIGN_EVERY => {
            let checkpoint =
                SignedCheckpoint::sign(signer.as_ref(), core.source, head, core.env.now());
            signing::store(tx, &checkpoint).await
        }
        _ => Ok(()),
    }
}

/// The inline projections with their current generations, each brought up to the head: a process
/// that does not know a projection may have appended meanwhile.
async fn ready_projections<'a>(
    core: &'a Core,
    tx: &DatabaseTransaction,
    head: i64,
) -> Result<Vec<(&'a Arc<dyn Projection>, i64)>, StoreError> {
    if core.inline.is_empty() {
        return Ok(Vec::new());
    }
    let rows: HashMap<String, Checkpoint> =
        generations::current(tx).await?.into_iter().map(|row| (row.name.clone(), row)).collect();
    let mut ready = Vec::with_capacity(core.inline.len());
    for projection in &core.inline {
        let mut row = rows
            .get(projection.name())
            .cloned()
            .ok_or_else(|| StoreError::UnknownProjection(projection.name().to_owned()))?;
        while row.position < head {
            row.position = generations::take_page(tx, projection.as_ref(), &row).await?.0;
        }
        core.set_generation(projection.name(), row.generation);
        ready.push((projection, row.generation));
    }
    Ok(ready)
}

/// The streams of these commands, each once.
fn keys<'a>(commands: impl Iterator<Item = &'a Prepared>) -> Vec<StreamKey> {
    let streams = commands.flat_map(|command| {
        command.streams.iter().map(|one| key(command.tenant, &one.stream_type, &one.stream_id))
    });
    streams.collect::<HashSet<_>>().into_iter().collect()
}

fn key(tenant: TenantId, stream_type: &str, stream_id: &str) -> StreamKey {
    StreamKey { tenant, stream_type: stream_type.to_owned(), stream_id: stream_id.to_owned() }
}

impl Group<'_> {
    /// `alone`: what it leaves behind when it fails is rolled back with the whole group, and it moves
    /// the head itself.
    async fn run(&mut self, command: Prepared, alone: bool) -> Result<Vec<Recorded>, Failure> {
        self.check_fence(command.fence.as_ref()).await?;
        let after = self.next_versions(&command).map_err(Failure::Command)?;
        let Prepared { tenant, metadata, streams, checkpoint, dead_letter, events, fence: _ } =
            command;
        let (head, events) = self.number(tenant, &metadata, streams, events);
        let dead_letter = (tenant, dead_letter.as_ref());
        let checkpoint = checkpoint.as_ref();
        if alone {
            let written = self.write(self.tx, &events, Some(&head), checkpoint, dead_letter).await;
            written.map_err(Failure::Command)?;
        } else {
            self.write_apart(&events, checkpoint, dead_letter).await?;
        }
        self.head = head;
        self.versions.extend(after);
        Ok(events)
    }

    /// Refuses what comes from a deposed leader.
    async fn check_fence(&mut self, fence: Option<&Fence>) -> Result<(), Failure> {
        let Some(fence) = fence.filter(|fence| !self.fences.contains(fence)) else {
            return Ok(());
        };
        match lease::check(self.tx, fence).await {
            Ok(()) => {
                self.fences.push(fence.clone());
                Ok(())
            }
            // A statement failed: what is left of the transaction is unknown.
            Err(AppendError::Store(error)) => Err(Failure::Group(error)),
            Err(refused) => Err(Failure::Command(refused)),
        }
    }

    /// The versions that the command's streams will have, if all are what it expected.
    fn next_versions(&self, command: &Prepared) -> Result<HashMap<StreamKey, u64>, AppendError> {
        let mut after: HashMap<StreamKey, u64> = HashMap::with_capacity(command.streams.len());
        for stream in &command.streams {
            let key = key(command.tenant, &stream.stream_type, &stream.stream_id);
            let actual = after.get(&key).or_else(|| self.versions.get(&key)).copied().unwrap_or(0);
            if !stream.expected.admits(actual) {
                return Err(AppendError::Conflict {
                    stream_type: key.stream_type,
                    stream_id: key.stream_id,
                    expected: stream.expected,
                    actual,
                });
            }
            after.insert(key, actual + stream.events.len() as u64);
        }
        Ok(after)
    }

    /// Gives the events their positions, versions, instant and hashes.
    fn number(
        &mut self,
        tenant: TenantId,
        metadata: &str,
        streams: Vec<PreparedStream>,
        count: usize,
    ) -> (Head, Vec<Recorded>) {
        let mut head = self.head;
        head.recorded_at = self.core.env.now().max(head.recorded_at);
        let mut versions: HashMap<StreamKey, u64> = HashMap::with_capacity(streams.len());
        let mut events = Vec::with_capacity(count);
        for stream in streams {
            let key = key(tenant, &stream.stream_type, &stream.stream_id);
            let before = self.versions.get(&key).copied().unwrap_or(0);
            let version = versions.entry(key).or_insert(before);
            for event in stream.events {
                *version += 1;
                head.position += 1;
                let mut recorded = Recorded {
                    position: head.position,
                    event_id: event.event_id,
                    tenant,
                    stream_type: stream.stream_type.to_string(),
                    stream_id: stream.stream_id.clone(),
                    stream_version: *version,
                    event_type: event.event_type.into_owned(),
                    schema_version: event.schema_version,
                    payload: event.payload,
                    metadata: metadata.to_owned(),
                    recorded_at: head.recorded_at,
                    prev_hash: head.hash,
                    hash: head.hash,
                };
                chain::write_canonical(&recorded, &mut self.bytes);
                recorded.hash = chain::link(&head.hash, &self.bytes);
                head.hash = recorded.hash;
                events.push(recorded);
            }
        }
        if events.is_empty() {
            head.recorded_at = self.head.recorded_at;
        }
        (head, events)
    }

    /// Writes within a savepoint.
    async fn write_apart(
        &self,
        events: &[Recorded],
        checkpoint: Option<&ConsumerCheckpoint>,
        dead_letter: (TenantId, Option<&DeadLetterChange>),
    ) -> Result<(), Failure> {
        // Without its savepoint the state of the transaction is unknown: nothing of it may stand.
        let broken = |error| Failure::Group(StoreError::from(error));
        let savepoint = self.tx.begin().await.map_err(broken)?;
        let written = self.write(&savepoint, events, None, checkpoint, dead_letter).await;
        let ended = match &written {
            Ok(()) => savepoint.commit().await,
            Err(_) => savepoint.rollback().await,
        };
        ended.map_err(broken)?;
        written.map_err(Failure::Command)
    }

    /// `head`: where events move it to, unless the end of the group does.
    async fn write(
        &self,
        tx: &DatabaseTransaction,
        events: &[Recorded],
        head: Option<&Head>,
        checkpoint: Option<&ConsumerCheckpoint>,
        (tenant, dead_letter): (TenantId, Option<&DeadLetterChange>),
    ) -> Result<(), AppendError> {
        if let Some(checkpoint) = checkpoint {
            move_checkpoint(tx, checkpoint).await?;
        }
        match head.filter(|_| !events.is_empty()) {
            Some(head) => head::advance(tx, events, head, moved(&self.projections)).await?,
            None => insert(tx, events).await.map_err(StoreError::from)?,
        }
        for (projection, generation) in &self.projections {
            apply_wanted(projection.as_ref(), tx, *generation, events).await.map_err(|cause| {
                AppendError::Projection { name: projection.name().to_owned(), cause }
            })?;
        }
        if let Some(change) = dead_letter {
            crate::dead_letters::write(tx, tenant, change).await?;
        }
        Ok(())
    }
}

/// Moves a consumer's checkpoint forward; one that is already there means that another process was
/// first. A name that is a projection's on record is refused, whoever opened that projection.
async fn move_checkpoint(
    tx: &DatabaseTransaction,
    checkpoint: &ConsumerCheckpoint,
) -> Result<(), AppendError> {
    let sql = "INSERT INTO checkpoints (projection, generation, position, version, state) \
               SELECT $1, 0, CAST($2 AS BIGINT), 0, 'current' WHERE NOT EXISTS \
               (SELECT 1 FROM checkpoints WHERE projection = $1 AND generation <> 0) \
               ON CONFLICT (projection, generation) DO UPDATE SET position = excluded.position \
               WHERE excluded.position > checkpoints.position";
    let values = vec![checkpoint.name.as_str().into(), checkpoint.position.into()];
    let done = tx
        .execute_raw(statement(tx.get_database_backend(), sql, values))
        .await
        .map_err(StoreError::from)?;
    if done.rows_affected() == 1 {
        return Ok(());
    }
    let stored = match generations::current_of(tx, &checkpoint.name).await? {
        Some(row) if row.generation != names::OF_CONSUMERS => {
            return Err(names::taken(&checkpoint.name, NameOwner::Projection).into());
        }
        row => row.map_or(0, |row| row.position),
    };
    Err(AppendError::CheckpointMoved {
        name: checkpoint.name.clone(),
        stored,
        given: checkpoint.position,
    })
}
