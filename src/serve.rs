//! `studio serve`: everything in one process.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use studio_kernel::Env;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{app, assemble, cli, demo, gateway};

/// How long open requests may take to end once the process was asked to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// Runs until the process is asked to stop.
pub(crate) async fn run(arguments: cli::Serve) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(arguments.listen)?);
    studio_service::telemetry::init(&config.log).map_err(anyhow::Error::msg)?;
    let shutdown = CancellationToken::new();
    let env = Env::system();

    let listener = TcpListener::bind(config.listen).await.with_context(|| {
        format!("{} cannot be listened on: choose another with --listen", config.listen)
    })?;
    let address = listener.local_addr()?;
    let url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));

    let assembly = assemble::assemble(config.clone(), env.clone(), shutdown.clone()).await?;
    let verifier = assembly.identity.verifier();
    let router = gateway::build(&assembly.subgraphs, verifier.clone(), env, &config.limits)?;
    let app = app::app(router, &assembly.subgraphs, verifier);

    let stopped = shutdown.clone();
    let server = tokio::spawn(async move {
        axum::serve(listener, app).with_graceful_shutdown(stopped.cancelled_owned()).await
    });

    println!("Studio listens on {url}");
    let setup = assembly.identity.setup_token();
    if arguments.demo {
        // The demo is made by the same calls that any client would make.
        let local = format!("http://{address}");
        tokio::select! {
            made = demo::seed(&local, &url, &config.data_dir, setup) => made.context("the demo's data could not be made")?,
            () = stop_signal() => shutdown.cancel(),
        }
    } else if let Some(token) = setup {
        println!("Set up your organization: {url}/#setup={token}");
        println!("The address works once, until an organization exists.");
    }

    tokio::select! {
        () = stop_signal() => {}
        () = shutdown.cancelled() => {}
    }
    println!("Stopping …");
    shutdown.cancel();
    // Subscriptions may stay open for ever, so waiting for clients has an end.
    let drained = tokio::time::timeout(DRAIN, server).await;
    assembly.close().await;
    match drained {
        Ok(ended) => ended?.context("the server failed"),
        Err(_still_open) => Ok(()),
    }
}

/// Ends when the process is asked to stop: Ctrl-C or SIGTERM.
pub(crate) async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut terminate) => tokio::select! {
                _ = terminate.recv() => {}
                () = wait_for_ctrl_c() => {}
            },
            Err(error) => {
                tracing::warn!(%error, "SIGTERM cannot be caught; Ctrl-C still works");
                wait_for_ctrl_c().await;
            }
        }
    }
    #[cfg(not(unix))]
    wait_for_ctrl_c().await;
}

async fn wait_for_ctrl_c() {
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "Ctrl-C cannot be caught");
        std::future::pending::<()>().await;
    }
}
