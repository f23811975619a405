//! Studio as separate processes on PostgreSQL (and Redis, where `STUDIO_TEST_REDIS` names a server):
//! one router, two replicas of each subgraph, one worker. From a fact to a subscriber, and how evenly
//! the two replicas of a subgraph share a load of queries, by their CPU time.

use std::{net::TcpListener, process::Command, time::Duration};

use anyhow::Context;
use futures::future::try_join_all;
use sea_orm_migration::sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use studio_kernel::Env;
use studio_sdk::Client;
use studio_stores::sql::{Database, SqlOptions};
use tempfile::TempDir;

use crate::{
    latency,
    process::{self, Process},
    studio,
};

const SUBGRAPHS: [&str; 5] = ["identity", "controls", "evidence", "documents", "ai"];
const REPLICAS: usize = 2;
/// How long the load that is shared goes on, and how many clients make it.
const LENGTH: Duration = Duration::from_secs(8);
const CLIENTS: usize = 16;

pub(crate) async fn run() -> anyhow::Result<()> {
    let Ok(server) = std::env::var("STUDIO_TEST_POSTGRES") else {
        println!(
            "\nskipped: separate processes (set STUDIO_TEST_POSTGRES, or run it by tests/services)"
        );
        return Ok(());
    };
    let cluster = Cluster::start(&server).await?;
    println!("\nSeparate processes on PostgreSQL:");
    latency::measure(&cluster.client).await?;
    shares(&cluster).await
}

struct Cluster {
    client: Client,
    /// The two replicas of controls.
    controls: Vec<Process>,
    _others: Vec<Process>,
    _folder: TempDir,
}

impl Cluster {
    async fn start(server: &str) -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let sql = database(server).await?;
        let count = SUBGRAPHS.len() * REPLICAS + 2;
        let held =
            (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<Result<Vec<_>, _>>()?;
        let ports = held.iter().map(|held| Ok(held.local_addr()?.port()));
        let ports = ports.collect::<anyhow::Result<Vec<u16>>>()?;
        drop(held);
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let router = url(ports[count - 1]);
        let start = |arguments: &[&str], port: u16, until: &str| {
            let mut command = Command::new(process::studio()?);
            command
                .args(arguments)
                .args(["--listen", &format!("127.0.0.1:{port}")])
                .env("STUDIO_DATA_DIR", folder.path().join(port.to_string()))
                .env("STUDIO_LOG__FILTER", "warn")
                .env("STUDIO_PUBLIC_URL", &router)
                .env("STUDIO_STORES__SQL", &sql)
                .env("STUDIO_STORES__SQL_CONNECTIONS", "4")
                .env("STUDIO_MASTER_KEY", "YmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtYmVuY2gtMzI=");
            if let Ok(redis) = std::env::var("STUDIO_TEST_REDIS") {
                command.env("STUDIO_STORES__REDIS", redis);
            }
            for (subgraph, ports) in SUBGRAPHS.iter().zip(ports.chunks(REPLICAS)) {
                let addresses: Vec<_> =
                    ports.iter().map(|port| format!("\"{}\"", url(*port))).collect();
                let setting = format!("STUDIO_CLUSTER__ADDRESSES__{}", subgraph.to_uppercase());
                command.env(setting, format!("[{}]", addresses.join(",")));
            }
            Process::start(command, until)
        };
        let (mut controls, mut others, mut token) = (Vec::new(), Vec::new(), None);
        for (index, port) in ports.iter().take(SUBGRAPHS.len() * REPLICAS).enumerate() {
            let subgraph = SUBGRAPHS[index / REPLICAS];
            // The first start of identity makes the one-time address.
            let until = if index == 0 { "#setup=" } else { "listens on" };
            let (process, line) = start(&["subgraph", subgraph, "--standby"], *port, until)?;
            if index == 0 {
                token = line.trim().split_once("#setup=").map(|(_, token)| token.to_owned());
            }
            if subgraph == "controls" { controls.push(process) } else { others.push(process) }
        }
        others.push(start(&["worker"], ports[count - 2], "listens on")?.0);
        others.push(start(&["router"], ports[count - 1], "listens on")?.0);
        let client = Client::new(&router)?;
        studio::set_up(&client, &token.context("no token was printed")?).await?;
        Ok(Self { client, controls, _others: others, _folder: folder })
    }
}

/// A database of its own on the server; gives its address.
async fn database(server: &str) -> anyhow::Result<String> {
    let name = format!("bench_{}", Env::system().uuid().to_string().replace('-', ""));
    let (base, _) = server.rsplit_once('/').context("STUDIO_TEST_POSTGRES names no database")?;
    let database = Database::connect(server, SqlOptions::default()).await?;
    database.writer().execute_unprepared(&format!("CREATE DATABASE {name}")).await?;
    database.close().await?;
    Ok(format!("{base}/{name}"))
}

/// Lets clients ask for controls, and tells the CPU time that each replica spent on it.
async fn shares(cluster: &Cluster) -> anyhow::Result<()> {
    let client = &cluster.client;
    let project = studio::project(client, "Shares", "soc2-2017").await?;
    let spent = || cluster.controls.iter().map(Process::cpu_seconds).collect::<Result<Vec<_>, _>>();
    let before = spent()?;
    let began = std::time::Instant::now();
    let asking = (0..CLIENTS).map(|_| async {
        let mut asked = 0_u64;
        while began.elapsed() < LENGTH {
            let text =
                "query($p: ID!) { controls(projectId: $p, first: 50) { nodes { id title } } }";
            client.query_text::<Value>(text, json!({ "p": project })).await?;
            asked += 1;
        }
        anyhow::Ok(asked)
    });
    let asked: u64 = try_join_all(asking).await?.iter().sum();
    let after = spent()?;
    let each: Vec<f64> = after.iter().zip(&before).map(|(after, before)| after - before).collect();
    let most = each.iter().copied().fold(0.0, f64::max);
    let least = each.iter().copied().fold(f64::MAX, f64::min);
    println!("\n## Two replicas of controls under {CLIENTS} clients for {LENGTH:?}\n");
    println!("| queries | CPU s of one | CPU s of the other | least of most |");
    println!("|---|---|---|---|");
    println!("| {asked} | {most:.2} | {least:.2} | {:.2} |", least / most);
    Ok(())
}
