//! `GET /metrics`: what a Prometheus server scrapes (text exposition format 0.0.4). Counts and
//! durations only: no name, id or address of anybody.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use axum::{
    extract::{Request, State},
    http::header,
    middleware::Next,
    response::{IntoResponse, Response},
};
use studio_events::EventStore;

/// Upper bounds of the duration buckets, in seconds.
const BUCKETS: [f64; 8] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0, 60.0];
/// What a request is counted under: the first part of its path that matches.
const SURFACES: [(&str, &str); 4] =
    [("/graphql", "graphql"), ("/v1/", "rest"), ("/health", "health"), ("/", "pages")];

/// The counters of this process, and the logs whose positions are told.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    surfaces: [Surface; SURFACES.len()],
    logs: Vec<(&'static str, EventStore)>,
}

#[derive(Default)]
struct Surface {
    /// Answers by the first digit of their status, 1 to 5.
    by_class: [AtomicU64; 5],
    /// Answers by bucket, each counted once; the last is for what is slower than all bounds.
    by_bucket: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

impl Metrics {
    /// Counters at zero.
    pub(crate) fn new(logs: Vec<(&'static str, EventStore)>) -> Self {
        Self(Arc::new(Inner { surfaces: Default::default(), logs }))
    }

    fn count(&self, path: &str, status: u16, seconds: f64) {
        let found =
            SURFACES.iter().zip(&self.0.surfaces).find(|((part, _), _)| path.starts_with(part));
        let Some((_, surface)) = found else { return };
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        surface.by_class[class].fetch_add(1, Relaxed);
        let bucket = BUCKETS.iter().position(|bound| seconds <= *bound).unwrap_or(BUCKETS.len());
        surface.by_bucket[bucket].fetch_add(1, Relaxed);
        surface.micros.fetch_add((seconds * 1e6) as u64, Relaxed);
    }

    async fn text(&self) -> Result<String, std::fmt::Error> {
        let mut dead = Vec::new();
        for (name, store) in &self.0.logs {
            match store.count_dead_letters().await {
                Ok(count) => dead.push((*name, count)),
                // The other figures are wanted all the more.
                Err(error) => tracing::warn!(log = name, %error, "dead letters are not counted"),
            }
        }
        let mut text = String::new();
        writeln!(text, "# HELP studio_http_responses_total Answers by surface and status class.")?;
        writeln!(text, "# TYPE studio_http_responses_total counter")?;
        for ((_, name), surface) in SURFACES.iter().zip(&self.0.surfaces) {
            for (class, count) in (1..).zip(&surface.by_class) {
                writeln!(
                    text,
                    "studio_http_responses_total{{surface=\"{name}\",class=\"{class}xx\"}} {}",
                    count.load(Relaxed)
                )?;
            }
        }
        let histogram = "studio_http_response_seconds";
        writeln!(text, "# HELP {histogram} Time to the first byte of an answer.")?;
        writeln!(text, "# TYPE {histogram} histogram")?;
        for ((_, name), surface) in SURFACES.iter().zip(&self.0.surfaces) {
            let mut sum = 0;
            for (bucket, count) in surface.by_bucket.iter().enumerate() {
                sum += count.load(Relaxed);
                let bound = BUCKETS.get(bucket).map_or("+Inf".to_owned(), f64::to_string);
                writeln!(text, "{histogram}_bucket{{surface=\"{name}\",le=\"{bound}\"}} {sum}")?;
            }
            let seconds = surface.micros.load(Relaxed) as f64 / 1e6;
            writeln!(text, "{histogram}_sum{{surface=\"{name}\"}} {seconds}")?;
            writeln!(text, "{histogram}_count{{surface=\"{name}\"}} {sum}")?;
        }
        let refusals = "studio_anonymous_refusals_total";
        writeln!(text, "# HELP {refusals} Refusals of whoever is nobody known.")?;
        writeln!(text, "# TYPE {refusals} counter")?;
        writeln!(text, "{refusals} {}", studio_service::error::anonymous_refusals())?;
        writeln!(text, "# HELP studio_log_position The newest position of each log.")?;
        writeln!(text, "# TYPE studio_log_position gauge")?;
        for (name, store) in &self.0.logs {
            writeln!(text, "studio_log_position{{log=\"{name}\"}} {}", store.head())?;
        }
        writeln!(text, "# HELP studio_dead_letters Events that a consumer gave up on.")?;
        writeln!(text, "# TYPE studio_dead_letters gauge")?;
        for (name, count) in dead {
            writeln!(text, "studio_dead_letters{{log=\"{name}\"}} {count}")?;
        }
        Ok(text)
    }
}

/// Counts a request once its answer begins.
pub(crate) async fn count(
    State(metrics): State<Metrics>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    let began = Instant::now();
    let response = next.run(request).await;
    metrics.count(&path, response.status().as_u16(), began.elapsed().as_secs_f64());
    response
}

/// Answers `GET /metrics`.
pub(crate) async fn show(State(metrics): State<Metrics>) -> Response {
    match metrics.text().await {
        Ok(text) => ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => studio_service::ApiError::internal(error).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn buckets_add_up_and_nothing_is_counted_twice() {
        let metrics = Metrics::new(Vec::new());
        metrics.count("/graphql", 200, 0.004);
        metrics.count("/graphql/ws", 101, 90.0);
        metrics.count("/v1/documents", 404, 0.2);
        let text = metrics.text().await.unwrap();
        for line in [
            "studio_http_responses_total{surface=\"graphql\",class=\"2xx\"} 1",
            "studio_http_responses_total{surface=\"rest\",class=\"4xx\"} 1",
            "studio_http_response_seconds_bucket{surface=\"graphql\",le=\"0.005\"} 1",
            "studio_http_response_seconds_bucket{surface=\"graphql\",le=\"60\"} 1",
            "studio_http_response_seconds_bucket{surface=\"graphql\",le=\"+Inf\"} 2",
            "studio_http_response_seconds_count{surface=\"pages\"} 0",
        ] {
            assert!(text.lines().any(|there| there == line), "{line} is not in\n{text}");
        }
    }
}
