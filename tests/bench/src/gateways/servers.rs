//! What is measured, each as a process of its own: the subgraphs, our router, and the gateways of
//! others that run on Node.js.

use std::{
    net::TcpListener as Port,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use clap::{Subcommand, ValueEnum};
use studio_router::{Router, ShareInFlight, serve};
use tokio::net::TcpListener;

use super::subgraphs::Subgraph;
use crate::process::Process;

const TEMPLATE: &str = include_str!("../../gateways/supergraph.graphql");
/// The folder of the `node_modules` that `tests/services` with `gateways` installs.
const MODULES: &str = "STUDIO_TEST_GATEWAYS";
/// The program that `tests/services` with `hive_router` builds.
const HIVE_ROUTER: &str = "STUDIO_TEST_HIVE_ROUTER";
/// The file of the supergraph.
pub(super) const SUPERGRAPH: &str = "BENCH_SUPERGRAPH";
/// How long a gateway may take to answer its first request.
const PATIENCE: Duration = Duration::from_secs(60);

/// A part of the benchmark that runs as a process of its own.
#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Part {
    /// A subgraph
    Subgraph {
        #[arg(value_enum)]
        name: Subgraph,
        /// Whether it answers a question that it was asked before as it did then
        #[arg(long)]
        remember: bool,
    },
    /// Our router
    Router {
        /// With the subgraphs in the same process
        #[arg(long)]
        in_process: bool,
        /// Which reads share one answer while they are under way
        #[arg(long, value_enum)]
        share: Option<Share>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Share {
    Requests,
    All,
}

/// Serves a part and prints where.
pub(crate) async fn serve(part: Part) -> anyhow::Result<()> {
    let app = match part {
        Part::Subgraph { name, remember } => name.routes(remember),
        Part::Router { in_process: true, .. } => serve::routes(in_process()?),
        Part::Router { in_process: false, share } => {
            let file = std::env::var(SUPERGRAPH).with_context(|| format!("{SUPERGRAPH} is set"))?;
            let share = ShareInFlight {
                subgraph_requests: share.is_some(),
                queries: matches!(share, Some(Share::All)),
            };
            let router = Router::builder().supergraph(std::fs::read_to_string(file)?);
            serve::routes(router.share_in_flight(share).build()?)
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listens on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, app).await?)
}

/// Our router with the subgraphs in the same process.
pub(super) fn in_process() -> anyhow::Result<Arc<Router>> {
    let mut router = Router::builder().supergraph(TEMPLATE);
    for subgraph in Subgraph::ALL {
        router = router.subgraph(subgraph.name(), Arc::new(subgraph.in_process()));
    }
    router.build().context("the router starts")
}

/// The supergraph with the addresses of the subgraphs, which come in the order of [`Subgraph::ALL`].
pub(super) fn supergraph<'a>(urls: impl Iterator<Item = &'a str>) -> String {
    Subgraph::ALL.iter().zip(urls).fold(TEMPLATE.to_owned(), |sdl, (subgraph, url)| {
        sdl.replace(&format!("<{}>", subgraph.name()), url)
    })
}

/// A gateway that runs.
pub(super) struct Gateway {
    pub(super) process: Process,
    pub(super) url: String,
}

/// Starts a part of this program.
pub(super) fn start(arguments: &[&str], supergraph: Option<&Path>) -> anyhow::Result<Gateway> {
    begin(std::env::current_exe()?, &[&["part"], arguments].concat(), supergraph)
}

/// Starts our router in the program that counts its allocations.
pub(super) fn start_counted(supergraph: &Path) -> anyhow::Result<Gateway> {
    let program = std::env::current_exe()?.with_file_name("studio-bench-counted");
    begin(program, &[], Some(supergraph))
}

fn begin(program: PathBuf, arguments: &[&str], file: Option<&Path>) -> anyhow::Result<Gateway> {
    let mut command = Command::new(program);
    command.args(arguments);
    if let Some(file) = file {
        command.env(SUPERGRAPH, file);
    }
    let (process, line) = Process::start(command, "listens on ")?;
    let url = line.split("listens on ").nth(1).unwrap_or_default().trim();
    Ok(Gateway { process, url: format!("{url}/graphql") })
}

/// A gateway of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    /// Hive Router, which is in Rust.
    HiveRouter,
    /// Hive Gateway with the planner and executor of Hive Router.
    Hive,
    Apollo,
}

impl Other {
    /// Starts it over the subgraphs of `supergraph` and waits until it answers `body`.
    ///
    /// # Errors
    /// It is not installed, or does not start: then its last words are the reason.
    pub(super) async fn start(
        self,
        supergraph: &Path,
        share: bool,
        body: &str,
        logs: &Path,
    ) -> anyhow::Result<Gateway> {
        let (variable, service) = match self {
            Other::HiveRouter => (HIVE_ROUTER, "hive_router"),
            Other::Hive | Other::Apollo => (MODULES, "gateways"),
        };
        let installed: PathBuf = std::env::var_os(variable)
            .with_context(|| {
                format!("{variable} is not set; run it by tests/services with {service} --")
            })?
            .into();
        // A port that was free a moment ago: neither says which one it takes by itself.
        let port = Port::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("gateways");
        let mut command = match self {
            Other::HiveRouter => Command::new(&installed),
            Other::Hive | Other::Apollo => Command::new("node"),
        };
        match self {
            Other::HiveRouter => {
                let settings = if share { "hive-router-sharing.yaml" } else { "hive-router.yaml" };
                command.env("ROUTER_CONFIG_FILE_PATH", ours.join(settings));
                command.envs([("HOST", "127.0.0.1"), ("PORT", &port), ("LOG_LEVEL", "warn")]);
                command.env("SUPERGRAPH_FILE_PATH", supergraph);
            }
            Other::Hive => {
                command.arg(installed.join("node_modules/@graphql-hive/gateway/dist/bin.js"));
                command.arg("supergraph").arg(supergraph).arg("--hive-router-runtime");
                command.arg("--config-path").arg(ours.join("hive.config.mjs"));
                command.args(["--host", "127.0.0.1", "--port", &port]);
                // By itself it uses one core.
                let cores = std::thread::available_parallelism()?;
                command.args(["--fork", &cores.to_string()]);
            }
            Other::Apollo => {
                ensure!(!share, "it does not share the answers of requests under way");
                command.arg(ours.join("apollo.cjs"));
            }
        }
        command
            .env("NODE_ENV", "production")
            .env("NODE_PATH", installed.join("node_modules"))
            .env("BENCH_SHARE", if share { "1" } else { "0" })
            .env("BENCH_PORT", &port)
            .env(SUPERGRAPH, supergraph);
        let log = logs.join(format!("{self:?}-{share}.log"));
        let mut process = Process::spawn(command, &log)?;
        let url = format!("http://127.0.0.1:{port}/graphql");
        let began = Instant::now();
        loop {
            if first_answer(&url, body).await.is_ok() {
                let said = std::fs::read_to_string(&log)?;
                // Where that package is not there, it goes on without and says so.
                let as_meant = self != Other::Hive
                    || said.contains("Using Hive Router Runtime")
                        && !said.contains("Could not load");
                ensure!(as_meant, "it runs without the Rust runtime");
                return Ok(Gateway { process, url });
            }
            if process.has_ended()? || began.elapsed() > PATIENCE {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                let end = said.char_indices().rev().nth(300).map_or(0, |(at, _)| at);
                bail!("it does not start: {}", said[end..].trim().replace('\n', " "));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}

/// The answer to one request, which has to have data and no errors.
pub(super) async fn first_answer(url: &str, body: &str) -> anyhow::Result<String> {
    let request = reqwest::Client::new().post(url).header("content-type", "application/json");
    let answer = request.body(body.to_owned()).send().await?.text().await?;
    let json: serde_json::Value = serde_json::from_str(&answer)?;
    ensure!(json["data"].is_object() && json["errors"].is_null(), "{answer:.300}");
    Ok(answer)
}
