//! What is left over when a process was killed: runs that were cut go on, and kept bytes that no
//! run rests on are removed. One process sees to it. A run that another one is at grows from look to
//! look and is left alone; should it only have been slow, both go on, and the log lets one of them
//! be first at each step.

use std::{collections::HashMap, time::Duration};

use sea_orm::DbBackend;
use studio_events::{Election, Metadata, Term};
use studio_kernel::Id;

use super::Core;
use crate::{
    domain::Run,
    error::EvidenceError,
    projections::{RunRow, Runs},
};

/// Kept bytes that no run rests on are spared so many days: a run may be about to begin in
/// another process.
const SPARED_DAYS: i64 = 1;
/// Blobs of one look.
const PAGE: usize = 500;
/// A run that did not grow for so long was cut.
const STALLED: Duration = Duration::from_secs(5);

/// A run at the last look.
struct Seen {
    version: u64,
    /// Whether it could not go on from there.
    failed: bool,
}

impl Core {
    /// Brings runs that were cut to their end, whenever this process is elected.
    pub(crate) async fn keep_resumed(&self, election: &Election) {
        loop {
            let term = election.elected().await;
            tokio::select! {
                () = term.ended().cancelled() => {}
                () = self.resume(&term) => return,
            }
        }
    }

    /// Looks for runs that were cut again and again. Ends when the process is to end.
    async fn resume(&self, term: &Term) {
        // How far each run had come at the last look. The process that an embedded database had
        // before is gone: whatever it began was cut.
        let mut looked_at: Option<HashMap<String, Seen>> = None;
        let embedded = self.store.database().backend() == DbBackend::Sqlite;
        let mut swept = false;
        loop {
            match self.look(&mut looked_at, embedded).await {
                Ok(()) => {}
                Err(EvidenceError::Stopping) => return,
                Err(error) => tracing::error!(%error, "runs that were cut cannot be looked up"),
            }
            if !std::mem::replace(&mut swept, true)
                && let Err(error) = self.sweep().await
            {
                tracing::warn!(%error, "orphaned scans are not removed");
            }
            tokio::select! {
                () = term.ended().cancelled() => return,
                () = tokio::time::sleep(STALLED) => {}
            }
        }
    }

    /// Takes up every run that stands where it stood at the last look.
    async fn look(
        &self,
        looked_at: &mut Option<HashMap<String, Seen>>,
        embedded: bool,
    ) -> Result<(), EvidenceError> {
        let before = looked_at.take();
        let first = before.is_none();
        let before = before.unwrap_or_default();
        let mut now = HashMap::new();
        for row in Runs::unfinished(&self.store).await? {
            let version = self.version(&row).await?;
            let seen = before.get(&row.id).filter(|seen| seen.version == version);
            let cut = seen.is_some() || (first && embedded);
            let failed = seen.is_some_and(|seen| seen.failed);
            if !cut || failed {
                now.insert(row.id, Seen { version, failed });
                continue;
            }
            match self.resume_one(&row).await {
                Ok(()) => tracing::info!(run = row.id, "a run that was cut is complete now"),
                Err(EvidenceError::Stopping) => return Err(EvidenceError::Stopping),
                // What is for good is said once: it is tried again when it has grown, or by the next
                // to be elected. Anything else, such as a store that is away, with the next look.
                Err(error) => {
                    tracing::error!(run = row.id, %error, "a run that was cut does not go on");
                    let version = self.version(&row).await?;
                    now.insert(row.id, Seen { version, failed: error.is_for_good() });
                }
            }
        }
        *looked_at = Some(now);
        Ok(())
    }

    async fn version(&self, row: &RunRow) -> Result<u64, EvidenceError> {
        let broken = |error: studio_kernel::IdError| EvidenceError::Broken(error.to_string());
        let tenant: Id<_> = row.tenant.parse().map_err(broken)?;
        Ok(self.store.load::<Run>(tenant, &row.id).await?.version)
    }

    async fn resume_one(&self, row: &RunRow) -> Result<(), EvidenceError> {
        let broken = |error: studio_kernel::IdError| EvidenceError::Broken(error.to_string());
        let tenant: Id<_> = row.tenant.parse().map_err(broken)?;
        let run: Id<_> = row.id.parse().map_err(broken)?;
        let project: Id<_> = row.project_id.parse().map_err(broken)?;
        let metadata = Metadata::system("evidence.resume");
        self.alone(tenant, project, self.drive(tenant, run, &metadata, None)).await
    }

    /// Removes kept bytes that no run rests on: the process was killed before the run began.
    async fn sweep(&self) -> Result<(), EvidenceError> {
        let spared = self.store.env().now().plus_days(-SPARED_DAYS);
        let mut after = None;
        loop {
            let page = self.blobs.list(after, PAGE).await?;
            for blob in &page {
                self.go_on()?;
                if blob.stored_at > spared {
                    continue;
                }
                if !Runs::rests_on(&self.store, blob.tenant, &blob.hash.to_string()).await? {
                    self.blobs.delete(blob.tenant, blob.hash, Some(spared)).await?;
                }
            }
            match page.last() {
                Some(last) => after = Some((last.tenant, last.hash)),
                None => return Ok(()),
            }
        }
    }
}
