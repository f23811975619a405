//! Our router beside the gateways of others: the same supergraph, the same subgraphs in processes of
//! their own, and one nested query that asks them seven times and repeats entities.

mod servers;
mod subgraphs;
mod turns;

pub(crate) use servers::{Part, serve};

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;

use crate::{load, percentile};
use servers::{Gateway, Other, first_answer, in_process, start, start_counted, supergraph};
use subgraphs::Subgraph;

const DASHBOARD: &str = include_str!("../../gateways/dashboard.graphql");
const ONE_FIELD: &str = "{ me { name } }";
const CONNECTIONS: usize = 50;

/// The subgraphs that run, and the supergraph that says where.
struct Shop {
    subgraphs: Vec<Gateway>,
    folder: TempDir,
}

impl Shop {
    /// With subgraphs that remember their answers, or make each anew.
    fn open(remember: bool) -> anyhow::Result<Self> {
        let remember: &[&str] = if remember { &["--remember"] } else { &[] };
        let subgraphs: Vec<Gateway> = Subgraph::ALL
            .iter()
            .map(|subgraph| start(&[&["subgraph", subgraph.name()], remember].concat(), None))
            .collect::<anyhow::Result<_>>()?;
        let folder = tempfile::tempdir()?;
        let urls = subgraphs.iter().map(|subgraph| subgraph.url.as_str());
        std::fs::write(folder.path().join("supergraph.graphql"), supergraph(urls))?;
        Ok(Self { subgraphs, folder })
    }

    fn supergraph(&self) -> PathBuf {
        self.folder.path().join("supergraph.graphql")
    }

    /// How often the subgraphs were asked.
    async fn asked(&self) -> anyhow::Result<usize> {
        let mut asked = 0;
        for subgraph in &self.subgraphs {
            let url = subgraph.url.replace("/graphql", "/asked");
            asked += reqwest::get(url).await?.text().await?.parse::<usize>()?;
        }
        Ok(asked)
    }

    /// CPU seconds of all subgraphs.
    fn cpu_seconds(&self) -> anyhow::Result<f64> {
        self.subgraphs.iter().map(|subgraph| subgraph.process.cpu_seconds()).sum()
    }
}

fn request(query: &str) -> String {
    serde_json::json!({ "query": query }).to_string()
}

/// How many objects, lists and leaves an answer holds.
fn values(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(values).sum(),
        Value::Object(fields) => fields.values().map(values).sum(),
        _ => 0,
    }
}

/// Measures each for so many seconds and prints tables.
pub(crate) async fn run(seconds: u64) -> anyhow::Result<()> {
    let length = Duration::from_secs(seconds);
    println!("\n## Gateways: {CONNECTIONS} connections, {length:?} each\n");
    let shop = Shop::open(true)?;
    let mut table = Table::new(&shop, length).await?;
    table.ours("ours", &["router"]).await?;
    table.ours("ours, sharing subgraphs' answers", &["router", "--share", "requests"]).await?;
    table.ours("ours, sharing all", &["router", "--share", "all"]).await?;
    for (label, other, share) in [
        ("Hive Router", Other::HiveRouter, false),
        ("Hive Router, sharing all", Other::HiveRouter, true),
        ("Hive Gateway, Rust runtime", Other::Hive, false),
        ("Apollo Gateway", Other::Apollo, false),
        ("Hive Gateway, Rust runtime, sharing all", Other::Hive, true),
    ] {
        table.other(label, (other, share), DASHBOARD).await?;
    }
    let gateway = start(&["router"], Some(&shop.supergraph()))?;
    table.measure("ours, one field", &gateway, ONE_FIELD).await?;
    drop(gateway);
    table.other("Hive Router, one field", (Other::HiveRouter, false), ONE_FIELD).await?;
    allocations(&shop.supergraph(), &table.expected).await?;
    turns::run(&shop, length / 4).await?;
    drop(shop);

    println!("\nWith subgraphs that make each answer anew:\n");
    let shop = Shop::open(false)?;
    let mut table = Table::new(&shop, length).await?;
    table.ours("ours, over HTTP", &["router"]).await?;
    table.ours("ours, in process", &["router", "--in-process"]).await?;
    plan_time(&table.expected).await
}

struct Table<'a> {
    shop: &'a Shop,
    length: Duration,
    /// The data that all gateways have to give for the nested query.
    expected: Value,
    /// Requests per second and CPU per request of what comes first.
    first_rate: Option<f64>,
    first_cpu: Option<f64>,
}

impl Table<'_> {
    /// Says what is asked, and begins the table.
    async fn new(shop: &Shop, length: Duration) -> anyhow::Result<Table<'_>> {
        let gateway = start(&["router"], Some(&shop.supergraph()))?;
        let before = shop.asked().await?;
        let answer = first_answer(&gateway.url, &request(DASHBOARD)).await?;
        let asked = shop.asked().await? - before;
        let expected: Value = serde_json::from_str(&answer)?;
        let (bytes, values) = (answer.len(), values(&expected["data"]));
        println!(
            "The answer has {bytes} B and {values} values; ours asks subgraphs {asked} times.\n"
        );
        println!(
            "| gateway | requests/s | of first | p50 ms | p99 ms | p99/p50 | CPU ms/request | times first | peak MiB | subgraphs asked per request | CPU ms/request of subgraphs |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|");
        let expected = expected["data"].clone();
        Ok(Table { shop, length, expected, first_rate: None, first_cpu: None })
    }

    async fn ours(&mut self, label: &str, arguments: &[&str]) -> anyhow::Result<()> {
        let gateway = start(arguments, Some(&self.shop.supergraph()))?;
        self.measure(label, &gateway, DASHBOARD).await
    }

    /// A gateway of others, sharing or not, as far as it is there.
    async fn other(
        &mut self,
        label: &str,
        (other, share): (Other, bool),
        query: &str,
    ) -> anyhow::Result<()> {
        let logs = self.shop.folder.path();
        match other.start(&self.shop.supergraph(), share, &request(query), logs).await {
            Ok(gateway) => self.measure(label, &gateway, query).await?,
            Err(reason) => println!("| {label} | skipped: {reason:#} |"),
        }
        Ok(())
    }

    async fn measure(&mut self, label: &str, gateway: &Gateway, query: &str) -> anyhow::Result<()> {
        let body = request(query);
        let answer = first_answer(&gateway.url, &body).await?;
        if query == DASHBOARD {
            let given: Value = serde_json::from_str(&answer)?;
            ensure!(
                given["data"] == self.expected,
                "{label} answers something else: {answer:.500}"
            );
        }
        let url = gateway.url.as_str();
        // Node.js compiles what is used much, which takes a while.
        load::run(url, &body, answer.len(), CONNECTIONS, self.length / 3).await?;
        let asked = self.shop.asked().await?;
        let subgraphs = self.shop.cpu_seconds()?;
        let before = gateway.process.cpu_seconds()?;
        let measured = load::run(url, &body, answer.len(), CONNECTIONS, self.length).await?;
        let requests = measured.requests as f64;
        let cpu = (gateway.process.cpu_seconds()? - before) * 1000.0 / requests;
        let subgraphs = (self.shop.cpu_seconds()? - subgraphs) * 1000.0 / requests;
        let asked = (self.shop.asked().await? - asked) as f64 / requests;
        let rate = measured.per_second();
        let first_rate = *self.first_rate.get_or_insert(rate);
        let first_cpu = *self.first_cpu.get_or_insert(cpu);
        let (p50, p99) = (measured.p50.as_secs_f64() * 1000.0, measured.p99.as_secs_f64() * 1000.0);
        println!(
            "| {label} | {rate:.0} | {:.3} | {p50:.2} | {p99:.2} | {:.2} | {cpu:.3} | {:.1} | {:.0} | {asked:.2} | {subgraphs:.3} |",
            rate / first_rate,
            p99 / p50,
            cpu / first_cpu,
            gateway.process.peak_mib()?,
        );
        Ok(())
    }
}

/// What the first request with a document costs more than the second: it is parsed, validated and
/// planned.
async fn plan_time(expected: &Value) -> anyhow::Result<()> {
    const DOCUMENTS: usize = 100;
    let router = in_process()?;
    let mut more = Vec::with_capacity(DOCUMENTS);
    for number in 0..DOCUMENTS {
        let query = DASHBOARD.replacen("Dashboard", &format!("Dashboard{number}"), 1);
        let mut took = [Duration::ZERO; 2];
        for took in &mut took {
            let request = studio_router::GraphqlRequest::new(query.as_str());
            let began = Instant::now();
            let answer = router.execute(request, studio_router::Caller::default()).await;
            *took = began.elapsed();
            ensure!(answer.json()["data"] == *expected, "in process it answers something else");
        }
        more.push(took[0].saturating_sub(took[1]));
    }
    more.sort_unstable();
    let ms = |share| percentile(&more, share).as_secs_f64() * 1000.0;
    println!(
        "\nPreparing the nested query (parse, validate, plan): p50 {:.2} ms, p99 {:.2} ms.",
        ms(0.5),
        ms(0.99)
    );
    Ok(())
}

/// How much memory our router asks for to answer one request.
async fn allocations(supergraph: &Path, expected: &Value) -> anyhow::Result<()> {
    const LENGTH: Duration = Duration::from_secs(2);
    let gateway = start_counted(supergraph)?;
    println!("\n| query | allocations/request | KiB/request |\n|---|---|---|");
    for (label, query, expected) in
        [("nested", DASHBOARD, Some(expected)), ("one field", ONE_FIELD, None)]
    {
        let body = request(query);
        let answer = first_answer(&gateway.url, &body).await?;
        if let Some(expected) = expected {
            let given: Value = serde_json::from_str(&answer)?;
            ensure!(given["data"] == *expected, "it answers something else: {answer:.500}");
        }
        load::run(&gateway.url, &body, answer.len(), CONNECTIONS, LENGTH).await?;
        let before = allocated(&gateway.url).await?;
        let measured = load::run(&gateway.url, &body, answer.len(), CONNECTIONS, LENGTH).await?;
        let after = allocated(&gateway.url).await?;
        let per_request = |index: usize| (after[index] - before[index]) / measured.requests as f64;
        println!("| {label} | {:.0} | {:.1} |", per_request(0), per_request(1) / 1024.0);
    }
    Ok(())
}

/// How often and how many bytes the router has asked for so far.
async fn allocated(url: &str) -> anyhow::Result<[f64; 2]> {
    let text = reqwest::get(url.replace("/graphql", "/allocated")).await?.text().await?;
    let (count, bytes) = text.split_once(' ').context("two numbers")?;
    Ok([count.parse()?, bytes.parse()?])
}
