//! Takes the body of an upload in: to a spool, hashed and sealed, and at the same time through the
//! reader, so that a file that cannot be taken is refused before anything is recorded, and early.
//! The reader notes what the file says, so that it is read once.

use std::{
    collections::BTreeSet,
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

/// Chunks on their way to the reader.
const CHUNKS: usize = 32;
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
        Limits { unpacked: limits.ingest_unpacked, item: limits.ingest_item }
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
        let (sender, receiver) = mpsc::channel::<Bytes>(CHUNKS);
        let reading = tokio::task::spawn_blocking(move || {
            survey(Chunks { receiver, chunk: Bytes::new() }, limits, encoding, owner, notes)
        });
        let mut body = body.into_data_stream();
        let mut spooled = Ok(());
        while let Some(chunk) = body.next().await {
            spooled = match chunk {
                Err(error) => Err(BlobError::Interrupted(io::Error::other(error))),
                Ok(chunk) => match spool.take(chunk.clone()).await {
                    // The reader is gone: it has found a fault.
                    Ok(()) if sender.send(chunk).await.is_err() => break,
                    other => other,
                },
            };
            if spooled.is_err() {
                break;
            }
        }
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
    receiver: mpsc::Receiver<Bytes>,
    chunk: Bytes,
}

impl Read for Chunks {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() {
            match self.receiver.blocking_recv() {
                Some(chunk) => self.chunk = chunk,
                None => return Ok(0),
            }
        }
        let count = buffer.len().min(self.chunk.len());
        self.chunk.copy_to_slice(&mut buffer[..count]);
        Ok(count)
    }
}
