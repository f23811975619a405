//! `studio subgraph NAME`: one subgraph, for routers and subgraphs that run elsewhere. Everything it
//! serves but its health and its metrics wants a statement of who calls that only a process with the
//! same keyring can sign.

mod graphql;

use std::sync::Arc;

use anyhow::{Context, ensure};
use axum::{Router, middleware};
use studio_events::Leadership;
use studio_kernel::Env;
use studio_service::internal::{Gate, InternalRoutes, InternalVerifier, internal_routes, require};
use tokio_util::sync::CancellationToken;

use crate::{
    app,
    assemble::{self, Running},
    cli,
    process::Process,
    serve,
    stores::{self, SUBGRAPHS, Stores},
};

/// Runs until the process is asked to stop.
pub(crate) async fn run(arguments: cli::Subgraph) -> anyhow::Result<()> {
    let config = Arc::new(arguments.settings.load(arguments.listen)?);
    studio_service::telemetry::init(&config.log).map_err(anyhow::Error::msg)?;
    crate::panics::to_the_log();
    let name = SUBGRAPHS
        .into_iter()
        .find(|name| *name == arguments.name)
        .with_context(|| format!("there is no subgraph \"{}\"", arguments.name))?;
    ensure!(
        stores::on_a_server(&config),
        "a subgraph by itself shares its keys with other processes: set stores.sql, or run studio \
         serve"
    );
    let url = config.public_url.clone().context(
        "set public_url to the address at which people reach the router: tokens are made for it",
    )?;
    let env = Env::system();
    let process = Process::listen(&config, config.cluster.notice()).await?;
    let shutdown = process.shutdown.clone();
    let leadership = if arguments.standby { Leadership::Never } else { Leadership::default() };
    let stores = Stores::open(config, env.clone(), 1).await?;
    let verifier = InternalVerifier::from_keyring(&stores.keyring, env.clone()).await?;
    let assembly = assemble::assemble(stores, name, &[name], leadership, shutdown.clone()).await?;
    let parts = assembly
        .subgraphs
        .iter()
        .map(|subgraph| served(subgraph, &verifier, &shutdown))
        .fold(process.ready.routes(), Router::merge);
    let setup = assembly.identity.as_ref().and_then(|identity| identity.setup_token());
    let address = process.address;
    let app = app::counted(parts, app::logs(&assembly.subgraphs));
    let serving = process.serve(app, env, std::future::ready(()));
    println!("Studio's {name} listens on http://{address}");
    serve::print_setup(setup, &url);
    serving.until_stopped(assembly.close()).await
}

/// GraphQL and REST for what clients ask through a router, and the feed for other subgraphs.
fn served(subgraph: &Running, verifier: &InternalVerifier, shutdown: &CancellationToken) -> Router {
    let gate = Gate::requests(verifier.clone(), subgraph.name);
    let for_clients = graphql::routes(subgraph.graphql.clone(), shutdown.clone())
        .merge(subgraph.routes.clone())
        .layer(middleware::from_fn_with_state(gate, require));
    let for_others = internal_routes(InternalRoutes {
        name: subgraph.name,
        feed: subgraph.feed.clone(),
        audit: subgraph.audit.clone(),
        others: subgraph.internal.clone(),
        verifier: verifier.clone(),
        shutdown: shutdown.clone(),
    });
    for_clients.merge(for_others)
}
