//! `studio worker`: the consumers, score engines and schedulers of all subgraphs, and nothing that
//! clients ask. It works on stores that other processes share; of several workers one at a time
//! works on each log.

use std::{sync::Arc, time::Duration};

use anyhow::ensure;
use studio_events::Leadership;
use studio_kernel::Env;

use crate::{
    app, assemble, cli,
    process::Process,
    stores::{self, SUBGRAPHS, Stores},
};

/// Runs until the process is asked to stop.
pub(crate) async fn run(arguments: cli::Worker) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(arguments.listen)?);
    studio_service::telemetry::init(&config.log).map_err(anyhow::Error::msg)?;
    crate::panics::to_the_log();
    ensure!(
        stores::on_a_server(&config),
        "a worker shares its stores with other processes: set stores.sql, or run studio serve"
    );
    let process = Process::listen(&config, Duration::ZERO).await?;
    let env = Env::system();
    let stores = Stores::open(config, env.clone(), SUBGRAPHS.len()).await?;
    let assembly = assemble::assemble(
        stores,
        "worker",
        &SUBGRAPHS,
        Leadership::default(),
        process.shutdown.clone(),
    )
    .await?;
    let health = app::counted(process.ready.routes(), app::logs(&assembly.subgraphs));
    let address = process.address;
    let serving = process.serve(health, env, std::future::ready(()));
    println!("Studio's worker listens on http://{address}");
    serving.until_stopped(assembly.close()).await
}
