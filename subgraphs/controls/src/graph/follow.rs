//! Feeds the graph. It goes on from where the graph says it is, or from the start of the log where
//! the graph is empty, of another log, or of another version. Somebody else may feed the same graph:
//! a batch that does not fit is not applied, and this process goes on from where the graph is then.

use std::time::Duration;

use studio_events::{Recorded, StoreError};
use studio_kernel::{Aggregate, TenantId};
use studio_stores::graph::{Applied, Batch, Change, GraphError, Mark, State};
use tokio_util::sync::CancellationToken;

use super::{
    Graphs, VERSION,
    fold::{self, FoldError, Key, Shapes},
    shape::Shape,
};
use crate::domain::project::Project;

/// Events that become one batch.
const PAGE: usize = 500;
/// Projects that are kept at hand.
const KEPT: usize = 256;
/// How long to wait after the first fault; doubled with each further one in a row.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What holds the feeding up.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error(transparent)]
    Log(#[from] StoreError),
    #[error(transparent)]
    Graph(#[from] GraphError),
    #[error("event {position} cannot be taken in: {cause}")]
    Event { position: i64, cause: FoldError },
    #[error("the event store is closed")]
    Closed,
}

/// Runs until it is cancelled. After a fault it takes up where the graph is.
pub(crate) async fn run(graphs: Graphs, shutdown: CancellationToken) {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let fault = tokio::select! {
            () = shutdown.cancelled() => return,
            fault = follow(&graphs, &mut pause) => fault,
        };
        match fault {
            Fault::Closed => return,
            fault => tracing::error!(error = %fault, "the graph is not fed for now"),
        }
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(pause) => pause = (pause * 2).min(LONGEST_PAUSE),
        }
    }
}

/// Follows the log for as long as nothing goes wrong.
async fn follow(graphs: &Graphs, pause: &mut Duration) -> Fault {
    let mut wake = graphs.0.store.wake();
    let mut follower = match Follower::start(graphs).await {
        Ok(follower) => follower,
        Err(fault) => return fault,
    };
    loop {
        wake.borrow_and_update();
        if let Err(fault) = follower.catch_up().await {
            return fault;
        }
        *pause = SHORTEST_PAUSE;
        if wake.changed().await.is_err() {
            return Fault::Closed;
        }
    }
}

struct Follower<'a> {
    graphs: &'a Graphs,
    /// Where the graph is; `None` at the start.
    at: Option<Mark>,
    /// Projects as they are there.
    shapes: Shapes,
}

impl<'a> Follower<'a> {
    async fn start(graphs: &'a Graphs) -> Result<Self, Fault> {
        let mut follower = Self { graphs, at: None, shapes: Shapes::new() };
        let state = graphs.0.graph.state().await?;
        follower.take_up(state).await?;
        Ok(follower)
    }

    fn position(&self) -> i64 {
        self.at.as_ref().map_or(0, |mark| mark.position)
    }

    /// Goes on from where the graph is, which is emptied first where it is of no use.
    async fn take_up(&mut self, state: State) -> Result<(), Fault> {
        self.shapes.clear();
        self.at = match state {
            State::Empty => None,
            State::At(mark) if self.is_of_this_log(&mark).await? => Some(mark),
            State::At(mark) => {
                tracing::info!(
                    version = mark.version,
                    position = mark.position,
                    "the graph is of another log or version: it is made anew"
                );
                self.empty().await?;
                None
            }
            State::Clearing => {
                self.empty().await?;
                None
            }
        };
        self.graphs.reach(self.position());
        Ok(())
    }

    async fn empty(&self) -> Result<(), Fault> {
        self.graphs.reach(-1);
        Ok(self.graphs.0.graph.clear().await?)
    }

    async fn is_of_this_log(&self, mark: &Mark) -> Result<bool, Fault> {
        if mark.version != VERSION {
            return Ok(false);
        }
        let there = self.graphs.0.store.read(mark.position - 1, 1).await?;
        Ok(there
            .first()
            .is_some_and(|event| event.position == mark.position && event.hash == mark.hash))
    }

    /// Takes in all that is committed by now.
    async fn catch_up(&mut self) -> Result<(), Fault> {
        loop {
            let events = self.graphs.0.store.read(self.position(), PAGE).await?;
            let Some(last) = events.last() else { return Ok(()) };
            let mark = Mark { version: VERSION, position: last.position, hash: last.hash };
            let mut changes = Vec::new();
            for event in &events {
                self.take(event, &mut changes).await?;
            }
            let batch = Batch { after: self.at.clone(), mark: mark.clone(), changes };
            match self.graphs.0.graph.apply(&batch).await? {
                Applied::Yes => {
                    self.at = Some(mark);
                    self.graphs.reach(self.position());
                    if self.shapes.len() > KEPT {
                        self.shapes.clear();
                    }
                }
                Applied::No(elsewhere) => self.take_up(elsewhere).await?,
            }
        }
    }

    /// The changes of one event.
    async fn take(
        &mut self,
        event: &Recorded,
        changes: &mut Vec<(TenantId, Change)>,
    ) -> Result<(), Fault> {
        let wrong = |cause| Fault::Event { position: event.position, cause };
        let found = match fold::project_of(event).map_err(wrong)? {
            None => fold::framework(event).map_err(wrong)?,
            Some(key) => {
                let mut shape = match self.shapes.remove(&key) {
                    Some(shape) => shape,
                    None => self.before(key, event).await?,
                };
                let found = fold::project(event, &mut shape).map_err(wrong)?;
                self.shapes.insert(key, shape);
                found
            }
        };
        changes.extend(found.into_iter().map(|change| (event.tenant, change)));
        Ok(())
    }

    /// A project as it was before an event.
    async fn before(&self, (tenant, project): Key, event: &Recorded) -> Result<Shape, Fault> {
        let mut shape = Shape::default();
        let mut version = 0;
        let stream = project.to_string();
        while version + 1 < event.stream_version {
            let store = &self.graphs.0.store;
            let earlier =
                store.read_stream(tenant, Project::STREAM_TYPE, &stream, version, PAGE).await?;
            let earlier: Vec<_> = earlier
                .into_iter()
                .take_while(|earlier| earlier.stream_version < event.stream_version)
                .collect();
            let Some(last) = earlier.last() else { break };
            version = last.stream_version;
            for earlier in &earlier {
                fold::project(earlier, &mut shape)
                    .map_err(|cause| Fault::Event { position: earlier.position, cause })?;
            }
        }
        Ok(shape)
    }
}
