//! Composes an extension where it can do no harm: its schema is a stranger's text, and what reads it may
//! be slow, fail in ways that nobody thought of, or call itself for ever.

use std::time::Duration;

use anyhow::{Context, bail};
use studio_router::{SubgraphSdl, Supergraph, compose_guest};

/// Time for composing one extension.
const TIME: Duration = Duration::from_secs(60);
/// Bytes of the stack: what is nested in a schema is read by functions that call themselves.
const STACK: usize = 64 << 20;

/// The graph with the extension in it.
pub(super) async fn compose(
    hosts: Vec<SubgraphSdl>,
    graph: Supergraph,
    guest: SubgraphSdl,
) -> anyhow::Result<Supergraph> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("compose".to_owned())
        .stack_size(STACK)
        .spawn(move || {
            // Nobody waits any more where it took too long.
            let _late = tell.send(compose_guest(&hosts, &graph, guest));
        })
        .context("a thread for composing does not start")?;
    match tokio::time::timeout(TIME, told).await {
        Ok(Ok(composed)) => composed.context("it does not compose"),
        Ok(Err(_panicked)) => bail!("composing it failed; the log says where"),
        Err(_) => bail!("composing it took longer than {} s", TIME.as_secs()),
    }
}
