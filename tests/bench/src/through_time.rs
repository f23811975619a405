//! Scores through time: a year of one large project, and then what is asked of it: the score as of any
//! instant, its history by day, a diff of a day, the coverage of a year.

use std::{collections::BTreeMap, time::Instant};

use anyhow::bail;
use studio_kernel::Timestamp;

use crate::in_process::{APPEND, Controls, Made};

/// How large the project is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) controls: usize,
    pub(crate) events: usize,
}

const DAYS: usize = 365;

pub(crate) async fn run(size: Size) -> anyhow::Result<()> {
    if size.controls == 0 || size.events < DAYS {
        bail!("give at least one control and {DAYS} events");
    }
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let subgraph = Controls::open(folder.path()).await?;
    let start = subgraph.env.now();
    let made = subgraph.project(size.controls).await?;
    let year = Year { subgraph, made, start };
    year.live(size).await?;
    println!(
        "\n## Scores through time: {} controls, {} events over a year\n",
        size.controls, size.events
    );
    println!("Recorded and followed in {:.0} s.\n", began.elapsed().as_secs_f64());
    println!("| question | p50 ms | p99 ms |");
    println!("|---|---|---|");
    year.measure("the live score", 200, |_| "score(frameworkId: $f) { lo }".to_owned()).await?;
    year.measure("asOf, at any instant", 40, |turn| {
        let at = year.start.plus_days(((turn * 97) % DAYS) as i64).plus_seconds(12_345);
        format!("score(frameworkId: $f, asOf: \"{at}\") {{ lo }}")
    })
    .await?;
    year.measure("history of a year by day, four pages", 40, |_| {
        let page = |name: usize| {
            let from = year.start.plus_days(name as i64 * 92);
            let to = year.start.plus_days(((name + 1) * 92).min(DAYS) as i64);
            format!(
                "p{name}: scoreHistory(frameworkId: $f, from: \"{from}\", to: \"{to}\", first: 100) {{
                    nodes {{ at score {{ lo hi }} }} }}"
            )
        };
        (0..4).map(page).collect::<Vec<_>>().join(" ")
    })
    .await?;
    year.measure("diff of a day", 10, |turn| {
        let from = year.start.plus_days(((turn * 97) % (DAYS - 1)) as i64);
        let to = from.plus_days(1);
        format!(
            "scoreDiff(frameworkId: $f, from: \"{from}\", to: \"{to}\") {{ difference {{ lo }}
                moves(first: 100) {{ nodes {{ kind difference {{ lo }} }} }} }}"
        )
    })
    .await?;
    year.measure("coverage of a year, of a control", 5, |_| {
        let to = year.start.plus_days(DAYS as i64);
        format!(
            "controls(first: 1) {{ nodes {{ periodCoverage(from: \"{}\", to: \"{to}\") {{
                covered }} }} }}",
            year.start
        )
    })
    .await?;
    year.measure("impact of the control that a tenth rests on", 40, |_| {
        "controls(first: 1) { nodes { impact {
            frameworks { nodes { before { lo } after { lo } loses { lo hi } } }
            requirements { nodes { weight loses { lo } } } controls { nodes { weight loses { lo } } } } } }"
            .to_owned()
    })
    .await?;
    year.measure("single points of failure, and gaps", 5, |_| {
        "singlePointsOfFailure(frameworkId: $f) { nodes { requirementCount loses { lo } } }
         coverageGaps(frameworkId: $f) { nodes { reason } }"
            .to_owned()
    })
    .await?;
    year.subgraph.close().await;
    Ok(())
}

struct Year {
    subgraph: Controls,
    made: Made,
    start: Timestamp,
}

impl Year {
    /// Lives through the year: every control has a test by hand, which is done again and again.
    async fn live(&self, size: Size) -> anyhow::Result<()> {
        let of_a_day = size.events.div_ceil(DAYS);
        let mut done = 0;
        for day in 0..DAYS {
            let mut left = of_a_day.min(size.events - done);
            while left > 0 {
                let count = left.min(APPEND);
                let events =
                    (done..done + count).map(|number| self.subgraph.result(&self.made, number));
                let events = events.collect();
                self.subgraph.append(&self.made, events).await?;
                (done, left) = (done + count, left - count);
            }
            self.subgraph.clock.set(self.start.plus_days(day as i64 + 1));
            // The live score answers when everything is taken in: no day is left behind.
            self.subgraph.ask(&self.made, "score(frameworkId: $f) { lo }").await?;
        }
        Ok(())
    }

    async fn measure(
        &self,
        name: &str,
        turns: usize,
        of_project: impl Fn(usize) -> String,
    ) -> anyhow::Result<()> {
        let mut samples = Vec::with_capacity(turns);
        let mut answers = BTreeMap::new();
        for turn in 0..turns {
            let question = of_project(turn);
            let began = Instant::now();
            let answer = self.subgraph.ask(&self.made, &question).await?;
            samples.push(began.elapsed());
            // The same question has the same answer.
            let known = answers.entry(question).or_insert_with(|| answer.clone());
            if *known != answer {
                bail!("{name}: two answers to one question: {known} and {answer}");
            }
        }
        samples.sort_unstable();
        let [p50, p99] =
            [0.5, 0.99].map(|share| crate::percentile(&samples, share).as_secs_f64() * 1e3);
        println!("| {name} | {p50:.1} | {p99:.1} |");
        Ok(())
    }
}
