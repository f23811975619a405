//! A closed-loop load: so many connections, each sends its next request when the last is answered.

use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use axum::{
    body::Bytes,
    http::{HeaderValue, Request, Uri, header},
};
use futures::future::try_join_all;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

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
///
/// The cores are shared with the server that is measured, so a connection is no more than that: no
/// pool, and no task beside the one that waits for the answer.
pub(crate) async fn run(
    url: &str,
    body: &str,
    expected: usize,
    connections: usize,
    length: Duration,
) -> anyhow::Result<Measured> {
    let url: Uri = url.parse()?;
    let authority = url.authority().context("an address with a host")?;
    let host = HeaderValue::from_str(authority.as_str())?;
    let body = Bytes::copy_from_slice(body.as_bytes());
    let (url, host, body) = (&url, &host, &body);
    let began = Instant::now();
    let clients = (0..connections).map(|_| async move {
        let socket = TcpStream::connect(authority.as_str()).await?;
        socket.set_nodelay(true)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(socket)).await?;
        let asking = async move {
            let mut latencies = Vec::new();
            while began.elapsed() < length {
                let sent = Instant::now();
                let mut request = Request::post(url.path()).body(Full::new(body.clone()))?;
                request.headers_mut().insert(header::HOST, host.clone());
                let json = HeaderValue::from_static("application/json");
                request.headers_mut().insert(header::CONTENT_TYPE, json);
                sender.ready().await?;
                let answer = sender.send_request(request).await?.into_body();
                let answer = answer.collect().await?.to_bytes();
                ensure!(
                    answer.len() == expected,
                    "{} bytes instead of {expected}: {}",
                    answer.len(),
                    String::from_utf8_lossy(&answer[..answer.len().min(300)])
                );
                latencies.push(sent.elapsed());
            }
            // What ends the connection, too.
            drop(sender);
            Ok(latencies)
        };
        let (latencies, _) = futures::future::join(asking, connection).await;
        latencies
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
