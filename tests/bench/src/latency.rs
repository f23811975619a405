//! From a fact's recordedAt to the score event at a subscriber, with 100 subscribers over SSE.

use std::time::Duration;

use anyhow::Context;
use futures::{StreamExt, future::join_all};
use studio_kernel::{Env, Timestamp};
use studio_sdk::{
    Client,
    operations::{
        AddTest, Controls, RecordTestResult, ScoreChanged, add_test, controls, record_test_result,
        score_changed,
    },
};
use tokio::sync::mpsc;

use crate::studio;

const SUBSCRIBERS: usize = 100;
const FACTS: usize = 100;

pub(crate) async fn run() -> anyhow::Result<()> {
    let studio = studio::start().await?;
    measure(&studio.client).await
}

/// Measures at the server that the client is signed in to.
pub(crate) async fn measure(client: &Client) -> anyhow::Result<()> {
    let project = studio::project(client, "Latency", "soc2-2017").await?;
    let test = manual_test(client, &project).await?;

    let (sender, mut received) = mpsc::unbounded_channel();
    let subscriptions = join_all((0..SUBSCRIBERS).map(|_| subscribe(client, &project))).await;
    for subscription in subscriptions {
        let mut changes = subscription?;
        let sender = sender.clone();
        tokio::spawn(async move {
            let env = Env::system();
            // The first answer is the present score.
            changes.next().await;
            while let Some(Ok(change)) = changes.next().await {
                let fact =
                    change.score_changed.causes.first().map(|cause| cause.recorded_at.clone());
                if sender.send((fact, env.now())).is_err() {
                    return;
                }
            }
        });
    }
    // Each has its first answer before the facts begin.
    tokio::time::sleep(Duration::from_secs(2)).await;

    let mut latencies = Vec::with_capacity(SUBSCRIBERS * FACTS);
    for fact in 0..FACTS {
        use record_test_result::TestOutcome::{FAILED, PASSED};
        let input = record_test_result::RecordTestResultInput {
            test_id: test.clone(),
            outcome: if fact % 2 == 0 { PASSED } else { FAILED },
            effective_from: None,
            effective_to: None,
            note: None,
            evidence_ids: None,
        };
        client.query::<RecordTestResult>(record_test_result::Variables { input }).await?;
        for _ in 0..SUBSCRIBERS {
            let wait = tokio::time::timeout(Duration::from_secs(30), received.recv());
            let (recorded_at, arrived) = wait.await?.context("a subscriber ended")?;
            let recorded_at: Timestamp = recorded_at.context("a cause")?.parse()?;
            latencies.push((arrived.micros() - recorded_at.micros()) as f64 / 1000.0);
        }
    }
    latencies.sort_unstable_by(f64::total_cmp);
    println!("\n## Fact to subscriber: {SUBSCRIBERS} subscribers, {FACTS} facts\n");
    println!("| p50 ms | p99 ms | most ms |");
    println!("|---|---|---|");
    println!(
        "| {:.1} | {:.1} | {:.1} |",
        crate::percentile(&latencies, 0.5),
        crate::percentile(&latencies, 0.99),
        crate::percentile(&latencies, 1.0),
    );
    Ok(())
}

async fn manual_test(client: &Client, project: &str) -> anyhow::Result<String> {
    let variables = controls::Variables { project_id: project.to_owned(), first: 1, after: None };
    let controls = client.query::<Controls>(variables).await?.controls;
    let control = controls.nodes.first().context("a control")?.id.clone();
    let input = add_test::AddTestInput {
        control_id: control,
        title: "Measured".to_owned(),
        check: None,
        weight: 1,
        key: false,
        validity_days: 30,
        method: None,
        procedure: None,
        sign_off: add_test::SignOff::NONE,
    };
    let added = client.query::<AddTest>(add_test::Variables { input }).await?;
    Ok(added.add_test.test.context("a test")?.id)
}

type Changes =
    futures::stream::BoxStream<'static, Result<score_changed::ResponseData, studio_sdk::Error>>;

async fn subscribe(client: &Client, project: &str) -> anyhow::Result<Changes> {
    let variables = score_changed::Variables { project_id: project.to_owned(), after: None };
    Ok(client.subscribe::<ScoreChanged>(variables).await?.boxed())
}
