//! Sends the audit log to another system: each entry at least once, those of one log in their order. How far
//! it came is kept, so that it goes on from there after a stop.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use serde_json::{Map, Value};
use studio_events::{Election, StoreError};
use studio_kernel::Origin;
use studio_service::ApiError;
use tokio_util::sync::CancellationToken;

use crate::{
    commands::Core,
    projections::audit::{self, Row},
};

/// Entries sent at a time.
const AT_ONCE: u64 = 200;
/// How often to look for more.
const POLL: Duration = Duration::from_secs(1);
/// The pause after a fault; it doubles up to
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// this one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// An entry, with what is told of it besides.
pub struct AuditTold {
    /// The entry.
    pub row: Row,
    /// From where the request came, where that is known.
    pub origin: Option<Origin>,
    /// What the target was before, by the names of the entry's fields.
    pub before: Map<String, Value>,
}

/// Another system that takes the audit log.
#[async_trait]
pub trait AuditSink: Send + Sync {
    /// Takes some entries, all of them or none that count. An entry may come again, by the same id.
    ///
    /// # Errors
    /// Why it does not take them, for whoever runs the server.
    async fn take(&self, entries: &[AuditTold]) -> Result<(), String>;
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it is not taken: {0}")]
    Sink(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
}

/// Sends what is new whenever this process is elected, until `shutdown`.
pub(crate) async fn keep(
    core: Arc<Core>,
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
            _never = send(&core, sink.as_ref()) => {}
        }
    }
}

async fn send(core: &Core, sink: &dyn AuditSink) {
    let mut pause = FIRST_PAUSE;
    let mut failing = false;
    loop {
        match send_new(core, sink).await {
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
async fn send_new(core: &Core, sink: &dyn AuditSink) -> Result<(), Fault> {
    let store = &core.store;
    for log in audit::logs(store).await? {
        let mut after = audit::sent_to(store, &log).await?;
        loop {
            let entries = audit::after(store, &log, after, AT_ONCE).await?;
            let Some(last) = entries.last() else { break };
            let read_to = last.position;
            let mut told = Vec::with_capacity(entries.len());
            for row in entries {
                let (origin, before) =
                    (core.audit_origin(&row).await?, core.audit_before(&row).await?);
                told.push(AuditTold { row, origin, before });
            }
            sink.take(&told).await.map_err(Fault::Sink)?;
            after = read_to;
            let tx = store.begin_beside().await?;
            audit::set_sent_to(&tx, &log, after).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}
