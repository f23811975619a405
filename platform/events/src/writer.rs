//! The one task of a process that appends. It takes whatever waits, commits it as a group, makes
//! the events known and answers. A panic within a group rolls that group back and the task goes on;
//! whoever waited gets [`StoreError::Interrupted`], as they do if the task is ever cut off.

use std::sync::Arc;

use futures::FutureExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use crate::{
    error::{AppendError, StoreError},
    group::{self, Outcome},
    log::Core,
    prepare::Prepared,
    rows::{begin_write, lock_head},
    signing::{self, SignedCheckpoint},
    snapshot::{self, Snapshot},
};

/// Commands that may wait before callers are held back.
pub(crate) const QUEUE: usize = 1_024;
/// A group takes at most so many commands, and
const GROUP_COMMANDS: usize = 512;
/// begins no further command beyond so many events.
const GROUP_EVENTS: usize = 4_096;

pub(crate) enum Command {
    /// One after the other: from the first that is refused on, none.
    Append {
        chain: Vec<Prepared>,
        reply: oneshot::Sender<Vec<Outcome>>,
    },
    /// Kept if it can be: nobody waits for it.
    Snapshot(Snapshot),
    Sign {
        reply: oneshot::Sender<Result<SignedCheckpoint, StoreError>>,
    },
}

pub(crate) async fn run(
    core: Arc<Core>,
    mut commands: mpsc::Receiver<Command>,
    closing: CancellationToken,
) {
    loop {
        let first = tokio::select! {
            biased;
            command = commands.recv() => command,
            () = closing.cancelled() => {
                // Nothing new comes in, and what waits is still committed.
                commands.close();
                commands.recv().await
            }
        };
        let Some(first) = first else { return };
        let mut waiting = Waiting::default();
        waiting.add(first);
        while waiting.has_room() {
            match commands.try_recv() {
                Ok(command) => waiting.add(command),
                Err(_) => break,
            }
        }
        waiting.commit(&core).await;
    }
}

#[derive(Default)]
struct Waiting {
    chains: Vec<Vec<Prepared>>,
    replies: Vec<oneshot::Sender<Vec<Outcome>>>,
    events: usize,
    snapshots: Vec<Snapshot>,
    signatures: Vec<oneshot::Sender<Result<SignedCheckpoint, StoreError>>>,
}

impl Waiting {
    fn add(&mut self, command: Command) {
        match command {
            Command::Append { chain, reply } => {
                self.events += chain.iter().map(|one| one.events).sum::<usize>();
                self.chains.push(chain);
                self.replies.push(reply);
            }
            Command::Snapshot(snapshot) => self.snapshots.push(snapshot),
            Command::Sign { reply } => self.signatures.push(reply),
        }
    }

    fn has_room(&self) -> bool {
        self.chains.len() < GROUP_COMMANDS && self.events < GROUP_EVENTS
    }

    async fn commit(self, core: &Core) {
        if !self.chains.is_empty() {
            let group = std::panic::AssertUnwindSafe(group::commit(core, self.chains));
            let done = group.catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!(source = core.source, "a panic rolled a group of appends back");
                Err(StoreError::Interrupted)
            });
            answer(core, done, self.replies);
        }
        if !self.snapshots.is_empty()
            && let Err(error) = snapshot::save(core, &self.snapshots).await
        {
            tracing::warn!(source = core.source, %error, "snapshots could not be kept");
        }
        for reply in self.signatures {
            // A caller that has gone away needs no answer, here and below.
            let _gone = reply.send(sign(core).await);
        }
    }
}

fn answer(
    core: &Core,
    done: Result<Vec<Vec<Outcome>>, StoreError>,
    replies: Vec<oneshot::Sender<Vec<Outcome>>>,
) {
    match done {
        Ok(outcomes) => {
            let recorded = outcomes.iter().flatten().flatten().flatten();
            core.publish(recorded.map(|event| Arc::new(event.clone())).collect());
            for (reply, outcomes) in replies.into_iter().zip(outcomes) {
                let _gone = reply.send(outcomes);
            }
        }
        Err(error) => {
            for reply in replies {
                let _gone = reply.send(vec![Err(AppendError::Store(error.clone()))]);
            }
        }
    }
}

async fn sign(core: &Core) -> Result<SignedCheckpoint, StoreError> {
    let signer = core.signer.as_ref().ok_or(StoreError::NoSigner)?;
    let tx = begin_write(core.database.writer()).await?;
    let head = lock_head(&tx).await?;
    let checkpoint = SignedCheckpoint::sign(signer.as_ref(), core.source, &head, core.env.now());
    if head.position > 0 {
        signing::store(&tx, &checkpoint).await?;
    }
    tx.commit().await?;
    Ok(checkpoint)
}
