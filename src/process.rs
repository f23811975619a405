//! How a server process begins and ends, whatever its role: it listens before it opens anything, so
//! that a taken address is told at once; it is ready once it can answer, and gives whatever it is
//! asked an id; asked to stop, it first says that it is not ready, lets its callers notice, and then
//! lets the requests under way end; asked a second time, it ends at once. Subscriptions, which would
//! go on for ever, are ended by whoever serves them (the router, the subgraph's own GraphQL) when
//! `shutdown` is cancelled.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::Context;
use axum::{Router, http::StatusCode, middleware, routing::get};
use studio_kernel::{Env, kind};
use studio_router::serve::{RequestIds, identify};
use studio_service::Config;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

/// Time for the server to see that nothing is under way, however short requests are waited for.
const LOOK: Duration = Duration::from_millis(500);

/// Whether the process takes requests. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Ready(Arc<AtomicBool>);

impl Ready {
    /// What `GET /health/ready` answers.
    pub(crate) fn state(&self) -> Result<(), String> {
        if self.0.load(Relaxed) { Ok(()) } else { Err("the process is stopping".to_owned()) }
    }

    /// `/health/live` and `/health/ready`, for processes without a router.
    pub(crate) fn routes(&self) -> Router {
        let ready = self.clone();
        Router::new().route("/health/live", get(|| async { "live" })).route(
            "/health/ready",
            get(move || async move {
                match ready.state() {
                    Ok(()) => (StatusCode::OK, "ready".to_owned()),
                    Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason),
                }
            }),
        )
    }
}

/// A process that listens.
pub(crate) struct Process {
    listener: TcpListener,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Cancelled when everything is to end.
    pub(crate) shutdown: CancellationToken,
    /// Whether it takes requests.
    pub(crate) ready: Ready,
    /// How long callers get to notice that it is not ready any more.
    notice: Duration,
    /// How long requests under way get to end.
    drain: Duration,
}

impl Process {
    /// Takes the configured address.
    pub(crate) async fn listen(config: &Config, notice: Duration) -> anyhow::Result<Self> {
        let listen = config.listen;
        let listener = TcpListener::bind(listen).await.with_context(|| {
            format!("{listen} cannot be listened on: choose another with --listen")
        })?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            shutdown: CancellationToken::new(),
            ready: Ready(Arc::new(AtomicBool::new(true))),
            notice,
            drain: config.drain(),
        })
    }

    /// Serves from now on, and from now on hears when it is asked to stop: whoever had an answer may ask.
    /// `drained` ends when what has outgrown its request has ended too:
    /// WebSockets.
    pub(crate) fn serve(
        self,
        app: Router,
        env: Env,
        drained: impl Future<Output = ()> + Send + 'static,
    ) -> Serving {
        let ids: RequestIds = Arc::new(move || env.id::<kind::Request>().to_string());
        let app = app.layer(middleware::from_fn_with_state(ids, identify));
        let Self { listener, shutdown, ready, notice, drain, .. } = self;
        let (stopped, signals) = (shutdown.clone(), Signals::listen());
        let server = tokio::spawn(async move {
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            let requests = axum::serve(listener, app);
            requests.with_graceful_shutdown(stopped.cancelled_owned()).await?;
            drained.await;
            Ok(())
        });
        Serving { signals, serving: Stoppable { server, shutdown, ready, notice, drain } }
    }
}

/// A process that serves.
pub(crate) struct Serving {
    signals: Signals,
    serving: Stoppable,
}

impl Serving {
    /// Waits until it is asked to stop, stops, and lets `close` end what runs behind. Asked again
    /// meanwhile, the process ends as if it was killed, which the stores are made for.
    pub(crate) async fn until_stopped(self, close: impl Future<Output = ()>) -> anyhow::Result<()> {
        let Self { mut signals, serving } = self;
        tokio::select! {
            _ = signals.next() => {}
            () = serving.shutdown.cancelled() => {}
        }
        tokio::select! {
            ended = serving.stop(close) => ended,
            status = signals.next() => {
                eprintln!("Asked again to stop: what was under way is cut off.");
                std::process::exit(status)
            }
        }
    }
}

/// What is to be stopped.
struct Stoppable {
    server: JoinHandle<std::io::Result<()>>,
    shutdown: CancellationToken,
    ready: Ready,
    notice: Duration,
    drain: Duration,
}

impl Stoppable {
    async fn stop(self, close: impl Future<Output = ()>) -> anyhow::Result<()> {
        println!("Stopping …");
        self.ready.0.store(false, Relaxed);
        if !self.shutdown.is_cancelled() {
            tokio::time::sleep(self.notice).await;
        }
        self.shutdown.cancel();
        let drained = tokio::time::timeout(self.drain.max(LOOK), self.server).await;
        if drained.is_err() {
            let seconds = self.drain.as_secs();
            tracing::warn!(
                drain_seconds = seconds,
                "requests are still under way: they are cut off"
            );
        }
        close.await;
        match drained {
            Ok(ended) => ended?.context("the server failed"),
            Err(_still_open) => Ok(()),
        }
    }
}

/// Ends when the process is asked to stop: Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() {
    Signals::listen().next().await;
}

/// What asks the process to stop, each once, from the moment that it is listened for.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        let listen = |kind, name| match signal(kind) {
            Ok(signal) => Some(signal),
            Err(error) => {
                tracing::warn!(%error, "{name} cannot be caught");
                None
            }
        };
        Self {
            interrupt: listen(SignalKind::interrupt(), "Ctrl-C"),
            terminate: listen(SignalKind::terminate(), "SIGTERM"),
        }
    }

    /// Waits for the next one, and gives the status that a shell shows for a process that it ends.
    async fn next(&mut self) -> i32 {
        async fn of(signal: &mut Option<tokio::signal::unix::Signal>) {
            let Some(signal) = signal else { return std::future::pending().await };
            if signal.recv().await.is_none() {
                std::future::pending().await
            }
        }
        tokio::select! {
            () = of(&mut self.interrupt) => 130,
            () = of(&mut self.terminate) => 143,
        }
    }
}

/// What asks the process to stop.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    /// Waits for the next Ctrl-C, and gives the status that a shell shows for it.
    async fn next(&mut self) -> i32 {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C cannot be caught");
            std::future::pending::<()>().await;
        }
        130
    }
}
