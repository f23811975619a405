//! The router beside an oracle: random operations over random data, answered by the router from six
//! subgraphs, and by one async-graphql schema over the same table of data ([`monolith`]).
//!
//! The subgraphs are those of `../correctness`: they execute as the GraphQL specification says, answer
//! from the table, and complain of whatever they may not be asked. The schemas are in `model/`; each
//! seed makes data ([`data`]) with nulls, errors, entities that are lost, and subgraphs that are away,
//! and an operation ([`operations`]). Answers are compared by [`compare`], which says what may differ.
//!
//! `STUDIO_TEST_OPERATIONS` says how many operations are tried, `STUDIO_TEST_SEED` which is the first, and
//! `STUDIO_TEST_FAILURES` after how many failures to end. Each failure is told with its seed and the
//! smallest operation that was found to show it.

#![allow(unreachable_pub, reason = "a test is no library: nothing in it can be reached")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod arguments;
mod compare;
mod data;
mod defer;
#[path = "../correctness/entities.rs"]
mod entities;
#[path = "../correctness/execute.rs"]
mod execute;
#[path = "../correctness/input.rs"]
mod input;
#[path = "../correctness/journal.rs"]
mod journal;
mod merge;
mod model;
mod monolith;
mod operations;
#[path = "../federation/defer/merge.rs"]
mod parts;
mod random;
mod requirements;
mod rewrite;
mod run;
#[path = "../correctness/schema.rs"]
mod schema;
#[path = "../federation/server.rs"]
mod server;
mod shrink;
#[allow(dead_code, reason = "its routes are for one table that stays")]
#[path = "../correctness/subgraph.rs"]
mod subgraph;
mod subgraphs;
#[path = "../correctness/template.rs"]
mod template;
#[path = "../correctness/world.rs"]
mod world;

use std::sync::Arc;

const OPERATIONS: u64 = 1_000;
/// As many as the machine has processors, and no more than are worth their start.
const RUNNERS: u64 = 2;

fn setting(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {text}")),
        Err(_) => default,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_router_answers_as_one_schema_would() {
    let (first, count) =
        (setting("STUDIO_TEST_SEED", 0), setting("STUDIO_TEST_OPERATIONS", OPERATIONS));
    let at_most = setting("STUDIO_TEST_FAILURES", 1) as usize;
    let model = Arc::new(model::Model::new());
    let runners = (0..RUNNERS).map(|number| {
        let model = model.clone();
        tokio::spawn(async move {
            let mut runner = run::Runner::new(&model).await;
            let mut failures = Vec::new();
            let is_own = |seed: &u64| run::world_of(*seed) % RUNNERS == number;
            for seed in (first..first + count).filter(is_own) {
                if let Err(problem) = runner.run(seed).await {
                    failures.push(problem);
                    if failures.len() >= at_most {
                        break;
                    }
                }
            }
            failures
        })
    });
    let runners: Vec<_> = runners.collect();
    let mut failures = Vec::new();
    for runner in runners {
        failures.extend(runner.await.unwrap());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n==========\n\n"));
}
