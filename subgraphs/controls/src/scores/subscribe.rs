//! The stream behind `scoreChanged`: recorded score changes by their place in the log. It skips and
//! repeats nothing, whichever cursor it starts from.

use std::sync::Arc;

use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use studio_access::Resource;
use studio_events::Recorded;
use studio_kernel::{Actor, Aggregate, Code, Id, Payload, Timestamp, kind};
use studio_service::ApiError;

use crate::{
    app::App,
    domain::score_log::{ScoreChanged, ScoreEvent, ScoreLog},
    projections::read::Read,
};

/// A recorded change and where it stands.
#[derive(Clone)]
pub(crate) struct Change {
    /// Its place in the log, which is the cursor.
    pub(crate) position: i64,
    /// When it was recorded.
    pub(crate) recorded_at: Timestamp,
    /// What moved.
    pub(crate) changed: ScoreChanged,
}

/// The changes of a project after a position; without one, the newest recorded score of each
/// framework and then the changes. The policy is asked for each of them anew.
pub(crate) async fn changes(
    app: Arc<App>,
    actor: Actor,
    project: Id<kind::Project>,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<Change, ApiError>> + Send + 'static, ApiError> {
    // The cursor may be of a change that another process has shown already.
    let head = app.store.newest().await?;
    let read = Read::new(&app.store, actor.tenant);
    let mut first = Vec::new();
    let start = match after {
        Some(position) if position > head || position < 0 => {
            return Err(ApiError::new(
                Code::BadRequest,
                "That cursor is beyond the end of the log: subscribe without after.",
            ));
        }
        Some(position) => position,
        None => {
            for position in read.newest_scores(&project.to_string()).await? {
                // What was recorded meanwhile comes with the changes.
                if position <= head {
                    first.extend(app.store.read(position - 1, 1).await?);
                }
            }
            head
        }
    };
    let tail: BoxStream<'static, _> = app.store.tail(start).boxed();
    let recorded = stream::iter(first.into_iter().map(|event| Ok(Arc::new(event)))).chain(tail);
    let stream_id = project.to_string();
    Ok(recorded.filter_map(move |event| {
        let change = match event {
            Ok(event) if !is_score(&event, &actor, &stream_id) => None,
            Ok(event) => Some(allowed(&app, &actor, &event, project).and_then(|()| decode(&event))),
            Err(error) => Some(Err(error.into())),
        };
        futures::future::ready(change)
    }))
}

fn is_score(event: &Recorded, actor: &Actor, stream_id: &str) -> bool {
    event.stream_type == ScoreLog::STREAM_TYPE
        && event.event_type == ScoreChanged::TYPE
        && event.tenant == actor.tenant
        && event.stream_id == stream_id
}

fn allowed(
    app: &App,
    actor: &Actor,
    event: &Recorded,
    project: Id<kind::Project>,
) -> Result<(), ApiError> {
    let resource = Resource::one("Project", project, event.tenant).of_project(project);
    app.require(actor, "controls:score:read", &resource)
}

fn decode(event: &Recorded) -> Result<Change, ApiError> {
    let ScoreEvent::ScoreChanged(changed) = event.decode().map_err(ApiError::internal)?;
    Ok(Change { position: event.position, recorded_at: event.recorded_at, changed })
}
