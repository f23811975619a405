//! What the scores of a project in memory are watched for: the stream of that, followed as the
//! project's is.

use studio_events::EventStore;
use studio_kernel::Aggregate;
use studio_service::ApiError;

use super::{Key, PAGE};
use crate::domain::{
    score_log::Cause,
    score_watch::{ScoreWatch, ScoreWatchEvent},
};

/// An event of the stream.
pub(super) struct Watching {
    /// The version of the stream at which it stands.
    pub(super) version: u64,
    pub(super) cause: Cause,
    pub(super) event: ScoreWatchEvent,
}

/// The stream up to a version of it.
#[derive(Default)]
pub(super) struct Watched {
    watch: ScoreWatch,
    version: u64,
}

impl Watched {
    /// As of a position of the log.
    pub(super) async fn open(
        store: &EventStore,
        (tenant, project): Key,
        until: i64,
    ) -> Result<Self, ApiError> {
        let (mut watched, stream) = (Self::default(), project.to_string());
        loop {
            let after = watched.version;
            let events =
                store.read_stream(tenant, ScoreWatch::STREAM_TYPE, &stream, after, PAGE).await?;
            let full = events.len() == PAGE;
            for event in events {
                if event.position > until {
                    return Ok(watched);
                }
                let decoded: ScoreWatchEvent = event.decode().map_err(ApiError::internal)?;
                watched.watch.apply(&decoded, event.recorded_at);
                watched.version = event.stream_version;
            }
            if !full {
                return Ok(watched);
            }
        }
    }

    pub(super) fn watch(&self) -> &ScoreWatch {
        &self.watch
    }

    /// Takes in what is not there yet, and names it.
    pub(super) fn take(&mut self, news: Vec<Watching>) -> Vec<Cause> {
        let known = self.version;
        let fresh = news.into_iter().filter(|event| event.version > known);
        fresh
            .map(|Watching { version, cause, event }| {
                self.watch.apply(&event, cause.recorded_at);
                self.version = version;
                cause
            })
            .collect()
    }
}
