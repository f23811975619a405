//! Takes the body of an upload in: to a spool, hashed and sealed, and at the same time through the
//! reader, so that a file that cannot be taken is refused before anything is recorded, and early.
//! The reader notes what the file says, so that it is read once.

use std::{
    collections::{BTreeSet, VecDeque},
    io::{self, Read},
    time::Duration,
};

use axum::body::Body;
use bytes::{Buf, Bytes};
use futures::{Stream, StreamExt};
use studio_stores::blobs::{BlobError, Spooled};
use tokio::sync::mpsc;

use super::{
    Core,
    batch::{self, Owner},
    notes::{Notes, Taking},
};
use crate::{
    error::{EvidenceError, too_large},
    ocsf::{Item, Limits, Reader},
};

/// Bytes that are gathered before the reader gets them: what is handed over by each thread to the
/// next costs the same, however small the pieces are in which a body comes.
const GATHER: usize = 256 * 1024;
/// Gathered pieces on their way to the reader.
const AHEAD: usize = 4;
/// What is read of a refused body before the answer, so that the client sees the answer and no
/// broken connection.
const DRAIN: u64 = 64 * 1024 * 1024;
const DRAIN_FOR: Duration = Duration::from_secs(10);
/// Accounts and providers that are told apart; with more, a scan is of many.
const TOLD_APART: usize = 2;

/// How the sender says that the body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// It says nothing: gzip is known by its first bytes.
    Unsaid,
    /// `Content-Encoding: gzip`.
    Gzip,
}

/// What a whole file holds.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// Items.
    pub(super) items: u64,
    /// Items that can be taken.
    pub(super) good: u64,
    /// The first that cannot.
    first_refused: Option<(u64, String)>,
    providers: BTreeSet<String>,
    accounts: BTreeSet<String>,
}

/// A file that can be taken, spooled.
pub(super) struct Uploaded {
    pub(super) spooled: Spooled,
    pub(super) survey: Survey,
    pub(super) notes: Notes,
}

impl Survey {
    fn see(&mut self, item: &Item<'_>) {
        self.items += 1;
        match &item.finding {
            Ok(finding) => {
                self.good += 1;
                note(&mut self.providers, &finding.provider);
                note(&mut self.accounts, &finding.account);
            }
            Err(refusal) if self.first_refused.is_none() => {
                self.first_refused = Some((item.index, refusal.reason.clone()));
            }
            Err(_) => {}
        }
    }

    /// Which scanner looked at what: one evidence item for each.
    pub(super) fn source(&self) -> String {
        let one = |names: &BTreeSet<String>, many: &str| match names.first() {
            Some(name) if names.len() == 1 => name.clone(),
            _ => many.to_owned(),
        };
        format!(
            "prowler/{}/{}",
            one(&self.providers, "several-providers"),
            one(&self.accounts, "several-accounts")
        )
    }
}

/// Reads the whole file, keeping nothing of it but counts and notes.
fn survey(
    source: impl Read,
    limits: Limits,
    encoding: Encoding,
    owner: Owner,
    mut notes: Taking,
) -> Result<(Survey, Taking), EvidenceError> {
    let reader = Reader::new(source, limits, encoding == Encoding::Gzip)?;
    let mut survey = Survey::default();
    let see = |item: &Item<'_>| survey.see(item);
    batch::read(reader, owner, 0, see, |batch| notes.note(&batch).map(|()| true))?;
    match (&survey.first_refused, survey.good) {
        (_, 1..) => Ok((survey, notes)),
        (None, _) => Err(EvidenceError::NothingToTake(
            "the file holds no findings: nothing was scanned, so nothing is recorded".to_owned(),
        )),
        (Some((index, reason)), _) => Err(EvidenceError::NothingToTake(format!(
            "no item of the file can be taken; item {index}, for one: {reason}"
        ))),
    }
}

fn note(names: &mut BTreeSet<String>, name: &str) {
    if names.len() < TOLD_APART && !names.contains(name) {
        names.insert(name.to_owned());
    }
}

impl Core {
    pub(super) fn limits(&self) -> Limits {
        let limits = &self.config.limits;
        let latest = self.store.env().now().latest_elsewhere();
        Limits { unpacked: limits.ingest_unpacked, item: limits.ingest_item, latest }
    }

    /// Takes the whole body in. On an error nothing of it is left.
    pub(super) async fn take_in(
        &self,
        body: Body,
        encoding: Encoding,
        owner: Owner,
    ) -> Result<Uploaded, EvidenceError> {
        let limit = self.config.limits.ingest_body;
        let limits = self.limits();
        let mut spool = self.blobs.spool_for(owner.tenant, limit).await?;
        let notes = Taking::new(self.blobs.spool_for(owner.tenant, u64::MAX).await?);
        let (sender, receiver) = mpsc::channel::<Vec<Bytes>>(AHEAD);
        let reading = tokio::task::spawn_blocking(move || {
            let source = Chunks { receiver, chunks: VecDeque::new() };
            survey(source, limits, encoding, owner, notes)
        });
        let mut body = body.into_data_stream();
        let spooled = async {
            let (mut gathered, mut size) = (Vec::new(), 0);
            while let Some(chunk) = body.next().await {
                let chunk =
                    chunk.map_err(|error| BlobError::Interrupted(io::Error::other(error)))?;
                spool.take(chunk.clone()).await?;
                size += chunk.len();
                gathered.push(chunk);
                if size >= GATHER {
                    size = 0;
                    if sender.send(std::mem::take(&mut gathered)).await.is_err() {
                        // The reader is gone: it has found a fault.
                        return Ok(());
                    }
                }
            }
            // The same, and it says so itself.
            let _heard = sender.send(gathered).await;
            Ok(())
        }
        .await;
        drop(sender);
        let survey = reading.await.map_err(|error| EvidenceError::Broken(error.to_string()))?;
        if let Err(error) = spooled {
            let gone = matches!(error, BlobError::Interrupted(_));
            if !gone {
                drain(&mut body).await;
            }
            return Err(match error {
                BlobError::TooLarge { limit } => too_large(limit).into(),
                other => other.into(),
            });
        }
        match survey {
            Ok((survey, notes)) => {
                let notes = notes.finish().await?;
                Ok(Uploaded { spooled: spool.finish().await?, survey, notes })
            }
            Err(error) => {
                drain(&mut body).await;
                Err(error)
            }
        }
    }

    /// Passes over a body that is not wanted.
    pub(crate) async fn turn_away(body: Body) {
        drain(&mut body.into_data_stream()).await;
    }
}

async fn drain(body: &mut (impl Stream<Item = Result<Bytes, axum::Error>> + Unpin)) {
    let all = async {
        let mut left = DRAIN;
        while let Some(Ok(chunk)) = body.next().await {
            left = left.saturating_sub(chunk.len() as u64);
            if left == 0 {
                break;
            }
        }
    };
    // A client that goes on too long, or too slowly, loses the connection.
    let _drained_or_not = tokio::time::timeout(DRAIN_FOR, all).await;
}

/// Reads, in a thread that may block, what a task sends.
struct Chunks {
    receiver: mpsc::Receiver<Vec<Bytes>>,
    chunks: VecDeque<Bytes>,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.chunks.front_mut() {
                Some(chunk) => {
                    let count = chunk.len().min(buffer.len() - filled);
                    chunk.copy_to_slice(&mut buffer[filled..filled + count]);
                    filled += count;
                    if chunk.is_empty() {
                        self.chunks.pop_front();
                    }
                }
                None if filled > 0 => break,
                None => match self.receiver.blocking_recv() {
                    Some(chunks) => self.chunks.extend(chunks),
                    None => break,
                },
            }
        }
        Ok(filled)
    }
}
