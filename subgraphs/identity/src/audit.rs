//! Fills the audit log: reads what every log tells of its events, its own too, and adds an entry for
//! each, together with how far it has come. It goes on from there after a stop, and from the start
//! where there is nothing yet.

use std::{sync::Arc, time::Duration};

use studio_events::{Election, EventFeed, EventStore, FeedError, StoreError};
use studio_kernel::published::audit::AuditRecord;
use tokio_util::sync::CancellationToken;

use crate::projections::audit;

/// Events asked for at a time.
const PAGE: usize = 500;
/// How long what was just recorded may wait for more, which then goes with it into one transaction.
const GATHER: Duration = Duration::from_millis(200);
/// How often to look without being woken.
const POLL: Duration = Duration::from_secs(5);
/// The pause after a fault; it doubles up to
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// this one.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What holds it up.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Feed(#[from] FeedError),
    #[error("the event at position {position} tells nothing of itself: {cause}")]
    Record { position: i64, cause: String },
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
}

/// Follows all the logs whenever this process is elected, until `shutdown`.
pub(crate) async fn keep(
    store: EventStore,
    feeds: Vec<Arc<dyn EventFeed>>,
    election: Election,
    shutdown: CancellationToken,
) {
    loop {
        let term = tokio::select! {
            () = shutdown.cancelled() => return,
            term = election.elected() => term,
        };
        // An entry that another process adds too is the same one: it needs no fence.
        let following = feeds.iter().map(|feed| follow(&store, feed.as_ref()));
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = term.ended().cancelled() => {}
            _never = futures::future::join_all(following) => {}
        }
    }
}

async fn follow(store: &EventStore, feed: &dyn EventFeed) {
    let mut wake = feed.wake();
    let mut position = None;
    let mut pause = FIRST_PAUSE;
    let mut failing = false;
    loop {
        wake.borrow_and_update();
        match catch_up(store, feed, &mut position).await {
            Ok(()) => {
                failing = false;
                pause = FIRST_PAUSE;
                let woken = async {
                    if wake.changed().await.is_err() {
                        std::future::pending::<()>().await;
                    }
                    tokio::time::sleep(GATHER).await;
                };
                tokio::select! {
                    () = woken => {}
                    () = tokio::time::sleep(POLL) => {}
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    let log = feed.source();
                    tracing::warn!(log, %error, "the audit log does not follow for now");
                }
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// Takes in everything up to the end of the log.
async fn catch_up(
    store: &EventStore,
    feed: &dyn EventFeed,
    position: &mut Option<i64>,
) -> Result<(), Fault> {
    let log = feed.source();
    let mut after = match *position {
        Some(position) => position,
        None => audit::position(store, log).await?,
    };
    loop {
        let page = feed.read(after, PAGE).await?;
        if page.scanned_to <= after {
            *position = Some(after);
            return Ok(());
        }
        let mut entries = Vec::with_capacity(page.events.len());
        for event in &page.events {
            let wrong = |cause: String| Fault::Record { position: event.position, cause };
            let record = match event.read::<AuditRecord>() {
                Some(record) => record.map_err(|error| wrong(error.to_string()))?,
                None => return Err(wrong(format!("it is a {}", event.event_type))),
            };
            entries.push(audit::entry(log, event, record)?);
        }
        let tx = store.begin_beside().await?;
        audit::add(&tx, log, entries, page.scanned_to).await?;
        tx.commit().await?;
        after = page.scanned_to;
        *position = Some(after);
    }
}
