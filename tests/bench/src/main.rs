//! Measures Studio. Machines are noisy, so what counts are ratios within one run; the figures and
//! the commands that made them stand in docs/performance.md.

mod access;
mod appends;
mod cluster;
mod gateways;
mod generate;
mod graphql;
mod in_process;
mod ingest;
mod latency;
mod load;
mod organizations;
mod process;
mod scores;
mod studio;
mod through_time;

use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// As in the product.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measure Studio; without a verb, everything.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Subcommand)]
enum Verb {
    /// Access tokens, decisions of the policies and sign-ins, in process
    Access,
    /// Queries through the router beside a handler that returns a constant
    Graphql,
    /// The router beside the gateways of others
    Gateways {
        /// How long each is measured
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Findings per second from a generated file, until every finding can be queried
    Ingest {
        /// How many findings
        #[arg(long, default_value_t = 100_000)]
        findings: usize,
    },
    /// From a fact's recordedAt to the score event at 100 subscribers
    Latency,
    /// Appends per second with 1 and with 64 writers
    Appends,
    /// Separate processes on PostgreSQL: from a fact to a subscriber, and how two replicas share a load
    Cluster,
    /// A full recompute and an incremental one
    Scores {
        /// How many controls
        #[arg(long, default_value_t = 1_000)]
        controls: usize,
    },
    /// A year of a large project, and what is asked of it
    ThroughTime {
        /// How many controls
        #[arg(long, default_value_t = 10_000)]
        controls: usize,
        /// How many events within the year
        #[arg(long, default_value_t = 1_000_000)]
        events: usize,
    },
    /// Many organizations in one process: memory, and what a change and a question cost
    Organizations {
        /// How many of them
        #[arg(long, default_value_t = 200)]
        organizations: usize,
        /// How many controls each has
        #[arg(long, default_value_t = 1_000)]
        controls: usize,
    },
    /// Write a generated OCSF file
    Generate {
        /// How many findings
        #[arg(long, default_value_t = 100_000)]
        findings: usize,
        /// Where to
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Serve one of the measured servers (used by the benchmark itself)
    #[command(hide = true)]
    Serve {
        #[arg(value_enum)]
        server: graphql::Server,
    },
    /// Serve a part of the gateways' benchmark (used by the benchmark itself)
    #[command(hide = true)]
    Part {
        #[command(subcommand)]
        part: gateways::Part,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().verb {
        Some(Verb::Access) => access::run().await,
        Some(Verb::Graphql) => graphql::run().await,
        Some(Verb::Gateways { seconds }) => gateways::run(seconds).await,
        Some(Verb::Ingest { findings }) => ingest::run(findings).await,
        Some(Verb::Latency) => latency::run().await,
        Some(Verb::Appends) => appends::run().await,
        Some(Verb::Cluster) => cluster::run().await,
        Some(Verb::Scores { controls }) => scores::run(controls),
        Some(Verb::ThroughTime { controls, events }) => {
            through_time::run(through_time::Size { controls, events }).await
        }
        Some(Verb::Organizations { organizations, controls }) => {
            organizations::run(organizations, controls).await
        }
        Some(Verb::Generate { findings, file }) => {
            generate::write(&file, findings, generate::Order::ByCheck).map(|_| ())
        }
        Some(Verb::Serve { server }) => graphql::serve(server).await,
        Some(Verb::Part { part }) => gateways::serve(part).await,
        None => {
            access::run().await?;
            graphql::run().await?;
            gateways::run(10).await?;
            ingest::run(100_000).await?;
            latency::run().await?;
            appends::run().await?;
            cluster::run().await?;
            scores::run(1_000)?;
            through_time::run(through_time::Size { controls: 10_000, events: 1_000_000 }).await?;
            organizations::run(200, 1_000).await
        }
    }
}

/// The value below which `share` of the sorted samples lie.
fn percentile<T: Copy>(sorted: &[T], share: f64) -> T {
    let last = sorted.len() - 1;
    sorted[((last as f64) * share).round() as usize]
}
