//! Sends the audit log to another system: each entry at least once, those of one log in their order. How far
//! it came is kept, so that it goes on from there after a stop.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use studio_events::{Election, EventStore, StoreError};
use tokio_util::sync::CancellationToken;

use crate::projections::audit::{self, Row};

/// Entries sent at a time.
const AT_ONCE: u64 = 200;
/// How often to look for more.
const POLL: Duration = Duration::from_secs(1);
/// The pause after a fault; it doubles up to
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// this one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Another system that takes the audit log.
#[async_trait]
pub trait AuditSink: Send + Sync {
    /// Takes some entries, all of them or none that count. An entry may come again, by the same id.
    ///
    /// # Errors
    /// Why it does not take them, for whoever runs the server.
    async fn take(&self, entries: &[Row]) -> Result<(), String>;
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it is not taken: {0}")]
    Sink(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
}

/// Sends what is new whenever this process is elected, until `shutdown`.
pub(crate) async fn keep(
    store: EventStore,
    sink: Arc<dyn AuditSink>,
    election: Election,
    shutdown: CancellationToken,
) {
    loop {
        let term = tokio::select! {
            () = shutdown.cancelled() => return,
            term = election.elected() => term,
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = term.ended().cancelled() => {}
            _never = send(&store, sink.as_ref()) => {}
        }
    }
}

async fn send(store: &EventStore, sink: &dyn AuditSink) {
    let mut pause = FIRST_PAUSE;
    let mut failing = false;
    loop {
        match send_new(store, sink).await {
            Ok(()) => {
                if std::mem::replace(&mut failing, false) {
                    tracing::info!("the audit log is sent again");
                }
                pause = FIRST_PAUSE;
                tokio::time::sleep(POLL).await;
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    tracing::warn!(
                        %error,
                        "the audit log is not sent for now (audit.stream); nothing of it is lost"
                    );
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Sends everything that was not sent.
async fn send_new(store: &EventStore, sink: &dyn AuditSink) -> Result<(), Fault> {
    for log in audit::logs(store).await? {
        let mut after = audit::sent_to(store, &log).await?;
        loop {
            let entries = audit::after(store, &log, after, AT_ONCE).await?;
            let Some(last) = entries.last() else { break };
            sink.take(&entries).await.map_err(Fault::Sink)?;
            after = last.position;
            let tx = store.begin_beside().await?;
            audit::set_sent_to(&tx, &log, after).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}
