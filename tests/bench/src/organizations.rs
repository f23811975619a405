//! Many organizations in one process: how much memory their scores take, what a change and a question cost
//! of those in memory and of those that rest.

use std::time::{Duration, Instant};

use anyhow::Context;

use crate::in_process::{Controls, Made};

const TURNS: usize = 400;

pub(crate) async fn run(count: usize, controls: usize) -> anyhow::Result<()> {
    anyhow::ensure!(count > 1 && controls > 0, "give two organizations at least, and a control");
    let folder = tempfile::tempdir()?;
    let subgraph = Controls::open(folder.path()).await?;
    let before = resident()?;
    let mut made = Vec::new();
    for _ in 0..count {
        let one = subgraph.project(controls).await?;
        let results = (0..controls).map(|number| subgraph.result(&one, number)).collect();
        subgraph.append(&one, results).await?;
        subgraph.ask(&one, LIVE).await?;
        made.push(one);
    }
    println!("\n## Scores of {count} organizations of {controls} controls in one process\n");
    println!("| of | p50 ms | p99 ms |");
    println!("|---|---|---|");
    // One after the other, so that each was out of use for as long as can be.
    let questions = turns(&subgraph, |turn| (&made[turn % count], None)).await?;
    tell("a live score, of whoever was out of use for the longest", questions);
    let changes = turns(&subgraph, |turn| (&made[turn % count], Some(turn))).await?;
    tell("a change until its score, of the same", changes);
    let questions = turns(&subgraph, |_| (&made[0], None)).await?;
    tell("a live score, of one in use", questions);
    let changes = turns(&subgraph, |turn| (&made[0], Some(turn))).await?;
    tell("a change until its score, of the same", changes);
    let mib = |bytes: u64| bytes / (1024 * 1024);
    println!("\nResident: {} MiB before, {} MiB at most.", mib(before), mib(peak()?));
    subgraph.close().await;
    Ok(())
}

const LIVE: &str = "score(frameworkId: $f) { lo }";

/// Asks, each time somebody, after a change of theirs where one is numbered.
async fn turns<'a>(
    subgraph: &Controls,
    whom: impl Fn(usize) -> (&'a Made, Option<usize>),
) -> anyhow::Result<Vec<Duration>> {
    let mut samples = Vec::with_capacity(TURNS);
    for turn in 0..TURNS {
        let (one, number) = whom(turn);
        let began = Instant::now();
        if let Some(number) = number {
            let result = subgraph.result(one, number);
            subgraph.append(one, vec![result]).await?;
        }
        subgraph.ask(one, LIVE).await?;
        samples.push(began.elapsed());
    }
    samples.sort_unstable();
    Ok(samples)
}

fn tell(name: &str, sorted: Vec<Duration>) {
    let [p50, p99] = [0.5, 0.99].map(|share| crate::percentile(&sorted, share).as_secs_f64() * 1e3);
    println!("| {name} | {p50:.1} | {p99:.1} |");
}

/// Bytes of this process in memory.
fn resident() -> anyhow::Result<u64> {
    of_status("VmRSS:")
}

/// The most that it ever had there.
fn peak() -> anyhow::Result<u64> {
    of_status("VmHWM:")
}

fn of_status(field: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")
        .context("this is measured on Linux, where /proc/self/status tells")?;
    let line = status.lines().find_map(|line| line.strip_prefix(field));
    let kib = line.and_then(|line| line.split_whitespace().next()).context("no such field")?;
    Ok(kib.parse::<u64>()? * 1024)
}
