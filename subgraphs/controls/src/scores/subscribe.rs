//! The streams behind `scoreChanged` and `scoreAlerts`: what was recorded of scores, by its place in
//! the log. They skip and repeat nothing, whichever cursor they start from.

use std::sync::Arc;

use futures::{
    Stream, StreamExt,
    stream::{self, BoxStream},
};
use sea_orm::DbErr;
use studio_access::Resource;
use studio_events::Recorded;
use studio_kernel::{Actor, Aggregate, Code, Id, Payload, Timestamp, kind};
use studio_service::ApiError;

use crate::{
    app::App,
    domain::score_log::{ScoreAlertCleared, ScoreAlertRaised, ScoreChanged, ScoreEvent, ScoreLog},
    projections::read::Read,
};

/// Something that was recorded of a score, and where it stands.
#[derive(Clone)]
pub(crate) struct Told<T> {
    /// Its place in the log, which is the cursor.
    pub(crate) position: i64,
    /// When it was recorded.
    pub(crate) recorded_at: Timestamp,
    /// What it is.
    pub(crate) event: T,
}

/// What is followed.
struct Followed {
    actor: Actor,
    project: Id<kind::Project>,
    /// The types of its events.
    types: &'static [&'static str],
    /// The policy is asked for this with each event anew.
    action: &'static str,
}

/// The changes of a project's scores after a position; without one, the newest recorded score of each
/// framework and then the changes.
pub(crate) async fn changes(
    app: Arc<App>,
    actor: Actor,
    project: Id<kind::Project>,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<Told<ScoreChanged>, ApiError>> + Send + 'static, ApiError> {
    let (read, of) = (Read::new(&app.store, actor.tenant), project.to_string());
    let newest = async move { read.newest_scores(&of).await };
    let types = &[ScoreChanged::TYPE];
    let followed = Followed { actor, project, types, action: "controls:score:read" };
    Ok(follow(app, followed, after, newest).await?.filter_map(|told| async {
        only(told, |event| match event {
            ScoreEvent::ScoreChanged(changed) => Some(changed),
            ScoreEvent::ScoreAlertRaised(_) | ScoreEvent::ScoreAlertCleared(_) => None,
        })
    }))
}

/// The alerts of a project that are raised and cleared after a position; without one, those that are
/// raised now and then what comes.
pub(crate) async fn alerts(
    app: Arc<App>,
    actor: Actor,
    project: Id<kind::Project>,
    after: Option<i64>,
) -> Result<impl Stream<Item = Result<Told<ScoreEvent>, ApiError>> + Send + 'static, ApiError> {
    let (read, of) = (Read::new(&app.store, actor.tenant), project.to_string());
    let raised = async move { read.raised_alerts(&of).await };
    let types = &[ScoreAlertRaised::TYPE, ScoreAlertCleared::TYPE];
    follow(app, Followed { actor, project, types, action: "controls:alert:read" }, after, raised)
        .await
}

/// What stands is asked for once it is known where the changes begin, so that nothing falls between.
async fn follow(
    app: Arc<App>,
    followed: Followed,
    after: Option<i64>,
    standing: impl Future<Output = Result<Vec<i64>, DbErr>>,
) -> Result<impl Stream<Item = Result<Told<ScoreEvent>, ApiError>> + Send + 'static, ApiError> {
    // The cursor may be of a change that another process has shown already.
    let head = app.store.newest().await?;
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
            for position in standing.await? {
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
    let stream_id = followed.project.to_string();
    Ok(recorded.filter_map(move |event| {
        let told = match event {
            Ok(event) if !followed.is(&event, &stream_id) => None,
            Ok(event) => Some(followed.allowed(&app, &event).and_then(|()| decode(&event))),
            Err(error) => Some(Err(error.into())),
        };
        futures::future::ready(told)
    }))
}

impl Followed {
    fn is(&self, event: &Recorded, stream_id: &str) -> bool {
        event.stream_type == ScoreLog::STREAM_TYPE
            && self.types.contains(&&*event.event_type)
            && event.tenant == self.actor.tenant
            && event.stream_id == stream_id
    }

    fn allowed(&self, app: &App, event: &Recorded) -> Result<(), ApiError> {
        let resource =
            Resource::one("Project", self.project, event.tenant).of_project(self.project);
        app.require(&self.actor, self.action, &resource)
    }
}

fn decode(event: &Recorded) -> Result<Told<ScoreEvent>, ApiError> {
    let decoded = event.decode().map_err(ApiError::internal)?;
    Ok(Told { position: event.position, recorded_at: event.recorded_at, event: decoded })
}

fn only<T>(
    told: Result<Told<ScoreEvent>, ApiError>,
    of: impl FnOnce(ScoreEvent) -> Option<T>,
) -> Option<Result<Told<T>, ApiError>> {
    match told {
        Ok(Told { position, recorded_at, event }) => {
            of(event).map(|event| Ok(Told { position, recorded_at, event }))
        }
        Err(error) => Some(Err(error)),
    }
}
