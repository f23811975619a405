//! Carries wake-ups between the processes that share a log: what this one appends is told on the bus,
//! and what is heard there makes it look at once. A message that is lost costs time, nothing else:
//! every process looks by itself, too.

use std::{collections::HashMap, sync::Arc};

use futures::{StreamExt, stream};
use studio_events::EventStore;
use studio_stores::bus::{Bus, Wake};
use tokio_util::sync::CancellationToken;

/// Runs until `shutdown`.
pub(crate) async fn carry(
    bus: Arc<dyn Bus>,
    logs: Vec<(&'static str, EventStore)>,
    shutdown: CancellationToken,
) {
    let grown = logs.iter().map(|(name, store)| {
        let name = *name;
        stream::unfold(store.wake(), |mut wake| async move {
            wake.changed().await.ok()?;
            let position = *wake.borrow_and_update();
            Some((position, wake))
        })
        .map(move |position| (name, position))
        .boxed()
    });
    let mut grown = stream::select_all(grown);
    let mut heard = bus.subscribe();
    // What was heard need not be told again.
    let mut known: HashMap<&str, i64> = HashMap::new();
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            Some((name, position)) = grown.next() => {
                let known = known.entry(name).or_insert(0);
                if position > *known {
                    *known = position;
                    bus.publish(name, position);
                }
            }
            Some(wake) = heard.next() => match wake {
                Wake::Grown { log, position } => {
                    if let Some((name, store)) = logs.iter().find(|(name, _)| *name == log) {
                        let known = known.entry(name).or_insert(0);
                        *known = position.max(*known);
                        store.nudge();
                    }
                }
                Wake::LookAnew => logs.iter().for_each(|(_, store)| store.nudge()),
            },
            else => return,
        }
    }
}
