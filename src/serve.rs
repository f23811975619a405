//! `studio serve`: everything in one process.

use std::{sync::Arc, time::Duration};

use anyhow::Context;
use studio_events::Leadership;
use studio_kernel::Env;

use crate::{
    app, assemble, cli, demo,
    extensions::Extensions,
    gateway, panics,
    process::{Process, stop_signal},
    stores::{SUBGRAPHS, Stores},
};

/// Runs until the process is asked to stop.
pub(crate) async fn run(arguments: cli::Serve) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(arguments.listen)?);
    studio_service::telemetry::init(&config.log).map_err(anyhow::Error::msg)?;
    panics::to_the_log();
    let env = Env::system();
    let process = Process::listen(&config, Duration::ZERO).await?;
    let (address, shutdown) = (process.address, process.shutdown.clone());
    let url = config.public_url.clone().unwrap_or_else(|| format!("http://{address}"));

    let stores = Stores::open(config.clone(), env.clone(), SUBGRAPHS.len()).await?;
    let assembly =
        assemble::assemble(stores, "serve", &SUBGRAPHS, Leadership::default(), shutdown.clone())
            .await?;
    let identity = assembly.identity.as_ref().context("identity is missing")?;
    let verifier = identity.verifier();
    let setup = identity.setup_token();
    let (router, own) = gateway::in_process(
        &assembly.subgraphs,
        verifier.clone(),
        env.clone(),
        &config.limits,
        &process,
    )?;
    let (settings, policy) = (config.extensions.clone(), assembly.policy.clone());
    let extensions =
        Extensions::begin(router.clone(), own, settings, policy, verifier.clone()).await;
    let settings = arguments.settings.clone();
    tokio::spawn(extensions.follow(settings, shutdown.clone()));
    let app = app::whole(router.clone(), &assembly.subgraphs, verifier, config.proxies);
    let serving = process.serve(app, env, async move { router.drained().await });

    match &config.public_url {
        Some(url) => println!("Studio listens on http://{address}, and is reached by {url}"),
        None => println!("Studio listens on {url}"),
    }
    if arguments.demo {
        // The demo is made by the same calls that any client would make.
        let local = format!("http://{address}");
        tokio::select! {
            made = demo::seed(&local, &url, &config.data_dir, setup) => made.context("the demo's data could not be made")?,
            () = stop_signal() => shutdown.cancel(),
        }
    } else {
        print_setup(setup, &url);
    }
    serving.until_stopped(assembly.close()).await
}

/// Shows the one-time address, while no organization exists.
pub(crate) fn print_setup(token: Option<String>, url: &str) {
    if let Some(token) = token {
        println!("Set up your organization: {url}/#setup={token}");
        println!("The address works once, until an organization exists.");
    }
}
