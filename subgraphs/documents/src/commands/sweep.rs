//! Bytes that no version names: an upload was cut off between keeping them and recording the
//! version. They go once they are an hour old, so that no upload under way loses its own.

use std::time::Duration;

use studio_events::Election;
use studio_service::ApiError;
use tokio_util::sync::CancellationToken;

use super::Documents;
use crate::projections::documents;

/// Seconds for which unnamed bytes may belong to an upload under way.
const GRACE: i64 = 3_600;
/// How often they are looked for; the first time is at the start.
const EVERY: Duration = Duration::from_secs(3_600);
const PAGE: usize = 500;

impl Documents {
    /// Removes bytes that no version names and that are older than an hour; says how many.
    pub(crate) async fn sweep(&self) -> Result<usize, ApiError> {
        let before = self.env.now().plus_seconds(-GRACE);
        let (mut after, mut removed) = (None, 0);
        loop {
            let page = self.blobs.list(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(removed) };
            after = Some((last.tenant, last.hash));
            for blob in page.iter().filter(|blob| blob.stored_at <= before) {
                if documents::holds(&self.store, blob.tenant, &blob.hash.to_string()).await? {
                    continue;
                }
                let gone = self.blobs.delete(blob.tenant, blob.hash, Some(before)).await;
                removed += usize::from(gone?);
            }
        }
    }

    /// Sweeps now and every hour, whenever this process is elected, until `shutdown`.
    pub(crate) async fn keep_swept(&self, election: &Election, shutdown: &CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            let term = tokio::select! {
                () = shutdown.cancelled() => return,
                term = election.elected() => term,
            };
            // One sweep too many removes nothing that it should not: it needs no fence.
            let swept = async {
                ticks.tick().await;
                self.sweep().await
            };
            let swept = tokio::select! {
                () = shutdown.cancelled() => return,
                () = term.ended().cancelled() => continue,
                swept = swept => swept,
            };
            // A fault is logged where it arises, and the next sweep tries again.
            if let Ok(removed @ 1..) = swept {
                tracing::info!(removed, "removed the bytes of uploads that were cut off");
            }
        }
    }
}
