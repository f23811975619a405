//! Findings ingested per second, counted only when every finding can be queried, and the most
//! memory that the server held meanwhile.

use std::time::Instant;

use anyhow::ensure;
use serde_json::{Value, json};
use studio_sdk::Upload;

use crate::{
    generate::{self, Order},
    studio,
};

pub(crate) async fn run(findings: usize) -> anyhow::Result<()> {
    println!("\n## Ingest\n");
    println!(
        "| findings | order | MB | mean B | findings/s | MB/s | seconds | CPU seconds | peak MiB | \
         matching |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for order in [Order::ByCheck, Order::Mixed] {
        one(findings, order).await?;
    }
    Ok(())
}

async fn one(findings: usize, order: Order) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("scan.ocsf.json");
    let bytes = generate::write(&file, findings, order)?;
    let studio = studio::start().await?;
    let project = studio::project(&studio.client, "Ingest", "soc2-2017").await?;
    let cpu = studio.process.cpu_seconds()?;

    let began = Instant::now();
    let answer = studio.client.ingest_prowler(&project, Upload::File(&file)).await?;
    ensure!(answer.run["counts"]["new"] == findings, "{}", answer.run);
    let data: Value = studio
        .client
        .query_text(
            "query($project: ID!) { findings(projectId: $project, first: 1) { totalCount } }",
            json!({ "project": project }),
        )
        .await?;
    ensure!(data["findings"]["totalCount"] == findings, "{data}");
    let seconds = began.elapsed().as_secs_f64();

    println!(
        "| {findings} | {order:?} | {} | {} | {:.0} | {:.0} | {seconds:.2} | {:.2} | {:.0} | {} |",
        bytes / 1_000_000,
        bytes / findings as u64,
        findings as f64 / seconds,
        bytes as f64 / 1e6 / seconds,
        studio.process.cpu_seconds()? - cpu,
        studio.process.peak_mib()?,
        answer.run["matching"]["state"].as_str().unwrap_or("?"),
    );
    Ok(())
}
