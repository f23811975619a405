//! A closed-loop load: so many connections, each sends its next request when the last is answered.

use std::time::{Duration, Instant};

use anyhow::ensure;
use futures::future::try_join_all;

/// What a load measured.
pub(crate) struct Measured {
    pub(crate) requests: usize,
    pub(crate) seconds: f64,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

impl Measured {
    pub(crate) fn per_second(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

/// Sends `body` to `url` over `connections` connections for `length`; each answer must have
/// `expected` bytes.
pub(crate) async fn run(
    url: &str,
    body: &str,
    expected: usize,
    connections: usize,
    length: Duration,
) -> anyhow::Result<Measured> {
    let began = Instant::now();
    let clients = (0..connections).map(|_| async move {
        let http = reqwest::Client::builder().pool_max_idle_per_host(1).build()?;
        let mut latencies = Vec::new();
        while began.elapsed() < length {
            let sent = Instant::now();
            let request =
                http.post(url).header("content-type", "application/json").body(body.to_owned());
            let answer = request.send().await?.bytes().await?;
            ensure!(
                answer.len() == expected,
                "{} bytes instead of {expected}: {}",
                answer.len(),
                String::from_utf8_lossy(&answer[..answer.len().min(300)])
            );
            latencies.push(sent.elapsed());
        }
        Ok(latencies)
    });
    let mut latencies: Vec<Duration> = try_join_all(clients).await?.into_iter().flatten().collect();
    let seconds = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    Ok(Measured {
        requests: latencies.len(),
        seconds,
        p50: crate::percentile(&latencies, 0.5),
        p99: crate::percentile(&latencies, 0.99),
    })
}
