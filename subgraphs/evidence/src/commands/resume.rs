//! What is left over when the process starts: runs that were cut go on, and kept bytes that no run
//! rests on are removed.

use studio_events::Metadata;
use studio_kernel::Id;

use super::Core;
use crate::{
    error::EvidenceError,
    projections::{RunRow, Runs},
};

/// Kept bytes that no run rests on are spared so many days: a run may be about to begin in
/// another process.
const SPARED_DAYS: i64 = 1;
/// Blobs of one look.
const PAGE: usize = 500;

impl Core {
    /// Brings every run that was cut to its end, one after the other.
    pub(crate) async fn resume(&self) {
        let unfinished = match Runs::unfinished(&self.store).await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                tracing::error!(%error, "runs that were cut cannot be looked up");
                return;
            }
        };
        for row in unfinished {
            match self.resume_one(&row).await {
                Ok(()) => tracing::info!(run = row.id, "a run that was cut is complete now"),
                Err(EvidenceError::Stopping) => return,
                Err(error) => {
                    tracing::error!(run = row.id, %error, "a run that was cut does not go on");
                }
            }
        }
        if let Err(error) = self.sweep().await {
            tracing::warn!(%error, "orphaned scans are not removed");
        }
    }

    async fn resume_one(&self, row: &RunRow) -> Result<(), EvidenceError> {
        let broken = |error: studio_kernel::IdError| EvidenceError::Broken(error.to_string());
        let tenant: Id<_> = row.tenant.parse().map_err(broken)?;
        let run: Id<_> = row.id.parse().map_err(broken)?;
        let project: Id<_> = row.project_id.parse().map_err(broken)?;
        let metadata = Metadata::system("evidence.resume");
        self.alone(tenant, project, self.drive(tenant, run, &metadata)).await
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
