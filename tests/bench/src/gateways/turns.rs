//! Our router and Hive Router by turns. A machine may become slower and faster while a table is made, and
//! these two are too near each other for that.

use std::time::Duration;

use super::{
    CONNECTIONS, DASHBOARD, ONE_FIELD, Shop, request,
    servers::{Gateway, Other, first_answer, start},
};
use crate::load;

const TURNS: usize = 7;

/// What one turn took.
struct Turn {
    /// CPU milliseconds per request.
    cpu: f64,
    per_second: f64,
}

/// Measures both for so long in each turn and prints a table; says so where Hive Router is not there.
pub(super) async fn run(shop: &Shop, length: Duration) -> anyhow::Result<()> {
    println!("\nBy turns, {TURNS} of {length:?} each:\n");
    let (supergraph, logs) = (shop.supergraph(), shop.folder.path());
    let body = request(DASHBOARD);
    let theirs = match Other::HiveRouter.start(&supergraph, false, &body, logs).await {
        Ok(gateway) => gateway,
        Err(reason) => {
            println!("skipped: {reason:#}");
            return Ok(());
        }
    };
    let gateways = [("ours", start(&["router"], Some(&supergraph))?), ("Hive Router", theirs)];
    println!("| query | gateway | CPU ms/request: least | median | most | requests/s: median |");
    println!("|---|---|---|---|---|---|");
    for (asked, query) in [("nested", DASHBOARD), ("one field", ONE_FIELD)] {
        let mut turns = [Vec::with_capacity(TURNS), Vec::with_capacity(TURNS)];
        for _ in 0..TURNS {
            for ((_, gateway), turns) in gateways.iter().zip(&mut turns) {
                turns.push(turn(gateway, query, length).await?);
            }
        }
        for ((label, _), mut turns) in gateways.iter().zip(turns) {
            turns.sort_by(|one, other| one.per_second.total_cmp(&other.per_second));
            let rate = turns[TURNS / 2].per_second;
            turns.sort_by(|one, other| one.cpu.total_cmp(&other.cpu));
            let [least, median, most] = [0, TURNS / 2, TURNS - 1].map(|at| turns[at].cpu);
            println!("| {asked} | {label} | {least:.3} | {median:.3} | {most:.3} | {rate:.0} |");
        }
    }
    Ok(())
}

async fn turn(gateway: &Gateway, query: &str, length: Duration) -> anyhow::Result<Turn> {
    let body = request(query);
    let size = first_answer(&gateway.url, &body).await?.len();
    let before = gateway.process.cpu_seconds()?;
    let measured = load::run(&gateway.url, &body, size, CONNECTIONS, length).await?;
    let cpu = (gateway.process.cpu_seconds()? - before) * 1000.0 / measured.requests as f64;
    Ok(Turn { cpu, per_second: measured.per_second() })
}
