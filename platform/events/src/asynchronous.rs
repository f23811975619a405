//! The tasks behind asynchronous projections. One that fails is not skipped over: it waits, with
//! growing pauses, and says why through [`ProjectionStatus`], until it succeeds or the program that
//! runs it is mended and started again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::FutureExt as _;
use tokio::sync::watch;

use crate::{
    error::{ProjectionError, StoreError},
    generations,
    log::Core,
    projection::Projection,
    rows::begin_write,
};

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How far a projection has come, and what holds it up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectionStatus {
    /// Its name.
    pub name: &'static str,
    /// The generation that is read.
    pub generation: i64,
    /// The last position taken in by an asynchronous projection; the head for an inline one.
    pub position: i64,
    /// Why its last attempt failed, while it does.
    pub failure: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) position: watch::Sender<i64>,
    pub(crate) failure: Mutex<Option<String>>,
}

impl Default for Progress {
    fn default() -> Self {
        Self { position: watch::Sender::new(0), failure: Mutex::new(None) }
    }
}

impl Progress {
    fn fail(&self, why: Option<String>) {
        *self.failure.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = why;
    }
}

/// Runs the projection at `index` until the store closes.
pub(crate) async fn run(core: Arc<Core>, index: usize) {
    let Some((projection, progress)) = core.asynchronous.get(index) else { return };
    let mut head = core.head.subscribe();
    let mut pause = FIRST_PAUSE;
    loop {
        let page = std::panic::AssertUnwindSafe(take_page(&core, projection.as_ref()));
        let taken = tokio::select! {
            () = core.cancel.cancelled() => return,
            taken = page.catch_unwind() => taken.unwrap_or_else(|_| Err(panicked(projection.name()))),
        };
        match taken {
            Ok((position, at_end)) => {
                pause = FIRST_PAUSE;
                progress.fail(None);
                progress.position.send_if_modified(|known| {
                    let moved = position != *known;
                    *known = position;
                    moved
                });
                if !at_end {
                    continue;
                }
                tokio::select! {
                    () = core.cancel.cancelled() => return,
                    _ = head.wait_for(|newest| *newest > position) => {}
                }
            }
            Err(error) => {
                tracing::error!(projection = projection.name(), %error, "a projection stands still");
                progress.fail(Some(error.to_string()));
                tokio::select! {
                    () = core.cancel.cancelled() => return,
                    () = tokio::time::sleep(pause) => {}
                }
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn panicked(name: &str) -> StoreError {
    StoreError::Projection {
        name: name.to_owned(),
        cause: Arc::new(ProjectionError::other("it panicked")),
    }
}

async fn take_page(core: &Core, projection: &dyn Projection) -> Result<(i64, bool), StoreError> {
    let tx = begin_write(core.database.writer()).await?;
    let Some(row) = generations::lock_current(&tx, projection.name()).await? else {
        tx.rollback().await?;
        return Ok((0, false));
    };
    let (position, at_end) = generations::take_page(&tx, projection, &row).await?;
    if position == row.position {
        tx.rollback().await?;
    } else {
        tx.commit().await?;
    }
    core.set_generation(projection.name(), row.generation);
    Ok((position, at_end))
}
