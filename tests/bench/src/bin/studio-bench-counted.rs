//! The router with an allocator that counts. Counting costs time, so it is a program of its own that
//! only `studio-bench gateways` starts.

use std::alloc::System;

use anyhow::Context;
use axum::routing::get;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The router at `/graphql`; at `/allocated`, how often memory was asked for and how many bytes. What
/// is made larger in place counts as asked for once more.
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let file = std::env::var("BENCH_SUPERGRAPH").context("BENCH_SUPERGRAPH is set")?;
    let router = studio_router::Router::builder().supergraph(std::fs::read_to_string(file)?);
    let allocated = || async {
        let so_far = ALLOCATOR.stats();
        let count = so_far.allocations + so_far.reallocations;
        format!("{count} {}", so_far.bytes_allocated)
    };
    let app = studio_router::serve::routes(router.build()?).route("/allocated", get(allocated));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listens on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}
