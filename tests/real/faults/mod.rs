//! What the product does when a part of it fails: an installation of two routers, two replicas of
//! each subgraph and two workers, on real servers, with writers and subscribers at work. After each
//! fault nothing that was acknowledged is lost or there twice, every subscriber has every score
//! change after going on from its cursor, the logs verify, the scores are those of a full replay,
//! and what failed meanwhile failed with a documented code.
//!
//! The servers are shared with no other test meanwhile: `make test-real` runs these by themselves.

mod checks;
mod clock;
mod cuts;
mod disk;
mod failover;
mod load;
mod scans;
mod table;

use std::time::Duration;

use crate::{
    services::{services, variable},
    support::{Installation, Server, Shape, until},
};
use checks::Scene;
use load::Done;
use table::Row;

/// How long the load goes on while a part is away, and after it is back.
const AWAY: Duration = Duration::from_secs(3);

/// Whether the real servers are there; says so where they are not.
fn servers() -> bool {
    variable("STUDIO_TEST_POSTGRES").is_some()
}

/// The same of the cluster on the shared servers.
async fn a_cluster_survives(fault: &str, strike: impl AsyncFnOnce(&mut Server)) -> Option<Done> {
    if !servers() {
        return None;
    }
    let installation = Installation::of(Shape::Cluster);
    let strike = async |server: &mut Server, _: &Scene| strike(server).await;
    Some(survives(fault, installation, false, strike).await)
}

/// Lets the load run, does something to the installation in the middle of it, and checks everything.
async fn survives(
    fault: &str,
    installation: Installation,
    clocks_jump: bool,
    strike: impl AsyncFnOnce(&mut Server, &Scene),
) -> Done {
    let (mut server, client) = installation.set_up().await;
    let mut scene = Scene::prepare(client).await;
    scene.clocks_jump = clocks_jump;
    let load = load::begin(&server.urls, &scene);
    tokio::time::sleep(AWAY / 2).await;
    strike(&mut server, &scene).await;
    tokio::time::sleep(AWAY).await;
    if clocks_jump {
        scene.sign_in().await;
    }
    let done = load.finish().await;
    let checked = checks::all(&scene, &server, &done).await;
    server.stop();
    let verified = installation.run(&["verify"]);
    assert_eq!(verified.lines().filter(|line| line.contains(" events, ")).count(), 5, "{verified}");
    table::note(&Row::of(fault, &done, &checked));
    done
}

/// Kills one process, waits, and starts it again.
async fn kill_and_restart(server: &mut Server, name: &str) {
    server.kill_one(name);
    tokio::time::sleep(AWAY).await;
    server.start_one(name);
}

/// Takes a server away and brings it back with its data.
async fn pause_and_resume(name: &str) {
    services(&["pause", name]);
    tokio::time::sleep(AWAY).await;
    services(&["resume", name]);
}

macro_rules! faults {
    ($($(#[$doc:meta])* $test:ident($fault:literal, $strike:expr);)*) => {
        $(
            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                a_cluster_survives($fault, $strike).await;
            }
        )*
    };
}

faults! {
    a_router_is_killed("SIGKILL of a router", async |server| {
        kill_and_restart(server, "router-0").await;
    });
    an_identity_replica_is_killed("SIGKILL of a replica of identity", async |server| {
        kill_and_restart(server, "identity-0").await;
    });
    a_controls_replica_is_killed("SIGKILL of a replica of controls", async |server| {
        kill_and_restart(server, "controls-0").await;
    });
    an_evidence_replica_is_killed("SIGKILL of a replica of evidence", async |server| {
        kill_and_restart(server, "evidence-0").await;
    });
    a_documents_replica_is_killed("SIGKILL of a replica of documents", async |server| {
        kill_and_restart(server, "documents-0").await;
    });
    an_ai_replica_is_killed("SIGKILL of a replica of ai", async |server| {
        kill_and_restart(server, "ai-0").await;
    });
    both_workers_are_killed("SIGKILL of one worker and then of the other", async |server| {
        kill_and_restart(server, "worker-0").await;
        kill_and_restart(server, "worker-1").await;
    });
    every_process_is_restarted_in_turn("Rolling restart (SIGTERM) of every process", async |server| {
        for name in server.names() {
            server.stop_one(&name);
            server.start_one(&name);
        }
    });
    postgres_is_away("PostgreSQL killed and started again", async |_| {
        pause_and_resume("postgres").await;
    });
    redis_is_away("Redis killed and started again", async |_| {
        pause_and_resume("redis").await;
    });
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s3_is_away() {
    let fault = "The S3 server killed and started again";
    let done = a_cluster_survives(fault, async |_| pause_and_resume("s3").await).await;
    assert!(done.is_none_or(|done| !done.failures.is_empty()), "no upload has noticed it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bolt_is_away() {
    if !servers() {
        return;
    }
    let fault = "The Bolt server killed and started again";
    survives(fault, Installation::of(Shape::Cluster), false, async |_, scene| {
        services(&["pause", "bolt"]);
        until("a question that notices it", async || {
            let code = scene.impact(&scene.client).await.err()?.code()?.to_owned();
            assert_eq!(code, "SUBGRAPH_UNAVAILABLE");
            Some(())
        })
        .await;
        tokio::time::sleep(AWAY).await;
        services(&["resume", "bolt"]);
        until("an answer of the graph", async || scene.impact(&scene.client).await.ok()).await;
    })
    .await;
}
