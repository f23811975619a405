//! Tries to sign in are counted for all replicas together.

use std::time::Instant;

use futures::future::join_all;
use studio_sdk::Client;

use crate::{
    services::variable,
    support::{EMAIL, Installation, PASSWORD, Shape},
};

/// How many seconds after the first ones each further try is free.
const EACH: u64 = 12;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_replica_is_no_second_chance() {
    if variable("STUDIO_TEST_REDIS").is_none() {
        return;
    }
    let installation = Installation::of(Shape::Cluster);
    let (server, _) = installation.set_up().await;
    let started = Instant::now();
    // The routers send them to both replicas of identity in turn.
    let guesses = server.urls.iter().flat_map(|url| (0..10).map(move |number| (url, number)));
    let guesses = guesses.map(|(url, number)| async move {
        let client = Client::new(url).unwrap();
        let error = client.log_in(EMAIL, &format!("wrong password {number}")).await.unwrap_err();
        match error.code() {
            Some("RATE_LIMITED") => false,
            Some("INVALID_CREDENTIALS") => true,
            _ => panic!("{error}"),
        }
    });
    let tried = join_all(guesses).await.into_iter().filter(|tried| *tried).count();
    let more = usize::try_from(started.elapsed().as_secs() / EACH).unwrap();
    assert!((5..=5 + more).contains(&tried), "{tried} passwords were tried, {more} later ones");
    for url in &server.urls {
        let client = Client::new(url).unwrap();
        let refused = client.log_in(EMAIL, PASSWORD).await;
        // Unless the machine is so slow that one is free again.
        if started.elapsed().as_secs() < EACH {
            assert_eq!(refused.unwrap_err().code(), Some("RATE_LIMITED"));
        }
    }
    server.stop();
}
