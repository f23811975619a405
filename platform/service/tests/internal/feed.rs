//! The feed over HTTP says what the feed in process says, whatever happens to the servers.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{Router, body::Body, response::IntoResponse, routing::get};
use futures::StreamExt;
use serde_json::json;
use studio_events::{
    ConsumerHandle, ConsumerOptions, Election, EventData, EventFeed, EventStore, Expected,
    FeedError, Handler, HandlerError, Reaction, StreamAppend, run_consumer,
};
use studio_kernel::{
    Principal,
    published::{CloudEvent, audit::AuditRecord},
};
use studio_service::feed::HttpFeed;
use tokio_util::sync::CancellationToken;

use crate::support::{NAME, Server, World, dead_address, open};

/// Reads a feed to its end in pages of so many events.
async fn all(feed: &dyn EventFeed, limit: usize) -> Vec<CloudEvent> {
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let page = feed.read(after, limit).await.unwrap();
        assert!(page.events.len() <= limit);
        if page.scanned_to == after {
            return events;
        }
        after = page.scanned_to;
        events.extend(page.events);
    }
}

#[tokio::test]
async fn it_gives_what_the_log_gives() {
    let world = World::new().await;
    let server = world.serve().await;
    let feed = HttpFeed::new(world.client(&[&server.url]).await);
    assert_eq!(feed.source(), NAME);
    assert_eq!(feed.head().await.unwrap(), 0);
    let tenant = world.env.id();
    for n in 0..50 {
        world.project(tenant, &format!("naïve \"{n}\" 😀")).await;
    }
    // Pages end where they would grow too long, not only where they hold enough events.
    for _ in 0..5 {
        world.project(tenant, &"\"".repeat(1_900_000)).await;
    }
    assert_eq!(feed.head().await.unwrap(), 55);
    let expected = all(&*world.feed(), 100).await;
    assert_eq!(expected.len(), 55);
    for limit in [7, 100, 100_000] {
        assert_eq!(all(&*feed, limit).await, expected);
    }
    let page = feed.read(50, 100).await.unwrap();
    assert_eq!((page.events.len(), page.scanned_to), (2, 52));
    server.stop().await;
}

#[tokio::test]
async fn the_audit_feed_tells_of_every_event_and_shows_what_is_declared() {
    let world = World::new().await;
    let server = world.serve().await;
    let feed = HttpFeed::audit(world.client(&[&server.url]).await);
    let tenant = world.env.id();
    world.project(tenant, "a name that nobody may see").await;
    world.unpublished(tenant, "a secret").await;
    assert_eq!(feed.head().await.unwrap(), 2);
    let told = all(&*feed, 1).await;
    assert_eq!(told, all(&*world.audit(), 100).await);
    assert_eq!(all(&*world.feed(), 100).await.len(), 1, "what is published is no more than before");
    let records: Vec<AuditRecord> =
        told.iter().map(|event| event.read().unwrap().unwrap()).collect();
    let project = &told[0].subject;
    assert_eq!(records[0].action, "controls.project.created");
    assert_eq!(records[0].shown, BTreeMap::from([("project".to_owned(), json!(project))]));
    assert_eq!(records[0].target.id, *project);
    assert_eq!(records[0].principal, Principal::System { name: "test".to_owned() });
    assert_eq!((records[1].action.as_str(), records[1].shown.len()), ("controls.kept.quiet", 0));
    let text = serde_json::to_string(&told).unwrap();
    assert!(!text.contains("nobody may see") && !text.contains("a secret"), "{text}");
    server.stop().await;
}

#[tokio::test]
async fn a_page_without_end_is_refused() {
    let world = World::new().await;
    let endless = async || {
        let chunk = axum::body::Bytes::from(vec![b' '; 1 << 20]);
        let chunks = futures::stream::iter(0..).map(move |_| Ok::<_, String>(chunk.clone()));
        Body::from_stream(chunks).into_response()
    };
    let long = async || vec![b' '; (16 << 20) + 1].into_response();
    for routes in [
        Router::new().route("/internal/feed", get(endless)),
        Router::new().route("/internal/feed", get(long)),
    ] {
        let server = Server::start(routes, CancellationToken::new(), None).await;
        let feed = HttpFeed::new(world.client(&[&server.url]).await);
        let error = feed.read(0, 10).await.unwrap_err();
        assert!(matches!(error, FeedError::Unreachable { .. }));
        assert!(error.to_string().contains("more than 16777216 bytes"), "{error}");
        server.kill().await;
    }
}

#[tokio::test]
async fn nonsense_is_refused() {
    let world = World::new().await;
    let nonsense = async || r#"{"events": [], "scannedTo": 3}"#;
    let routes = Router::new()
        .route("/internal/feed", get(nonsense))
        .route("/internal/feed/head", get(nonsense));
    let server = Server::start(routes, CancellationToken::new(), None).await;
    let feed = HttpFeed::new(world.client(&[&server.url]).await);
    assert!(feed.read(4, 10).await.unwrap_err().to_string().contains("a page that goes back"));
    assert!(feed.head().await.unwrap_err().to_string().contains("no position"));
    let url = server.url.clone();
    server.kill().await;
    // A connection that is kept may go on; a new one finds nobody.
    let feed = HttpFeed::new(world.client(&[&url]).await);
    let error = feed.head().await.unwrap_err().to_string();
    assert!(error.contains("controls cannot be reached") && error.contains("refused"), "{error}");
}

/// Notes each project in a log of its own.
struct Notes;

#[async_trait]
impl Handler for Notes {
    async fn handle(&self, event: &CloudEvent) -> Result<Reaction, HandlerError> {
        let stream = StreamAppend {
            stream_type: "test.note".into(),
            stream_id: event.subject.clone(),
            expected: Expected::Any,
            events: vec![EventData {
                event_type: "test.note.taken".into(),
                schema_version: 1,
                payload: serde_json::json!({ "position": event.position }).into(),
            }],
        };
        Ok(Reaction::to(event, "test", vec![stream]))
    }
}

/// No poll of the consumer's own: it moves when the feed wakes it, or not at all.
fn options() -> ConsumerOptions {
    ConsumerOptions {
        page: 3,
        poll: Duration::from_secs(3_600),
        longest_pause: Duration::from_millis(50),
        ..ConsumerOptions::default()
    }
}

fn consume(notes: &EventStore, feed: Arc<HttpFeed>) -> ConsumerHandle {
    let (election, cancel) = (Election::unopposed(), CancellationToken::new());
    run_consumer(notes.clone(), feed, "notes", Arc::new(Notes), options(), election, cancel)
        .unwrap()
}

async fn noted(notes: &EventStore) -> Vec<i64> {
    let log = notes.read(0, 1_000).await.unwrap();
    log.iter()
        .map(|event| {
            let payload: serde_json::Value = serde_json::from_str(&event.payload).unwrap();
            payload["position"].as_i64().unwrap()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_is_woken_and_survives_restarts() {
    let world = World::new().await;
    let notes = open(&world.directory, "notes", &world.env).await;
    let mut server = world.serve().await;
    let address = server.address;
    let feed = HttpFeed::new(world.client(&[&server.url]).await);
    let consumer = consume(&notes, feed);
    let tenant = world.env.id();
    for round in 0..6 {
        for n in 0..10 {
            world.project(tenant, &format!("{round}.{n}")).await;
        }
        if round % 2 == 0 {
            // What is published while nobody serves it comes afterwards.
            if round == 2 {
                server.stop().await
            } else {
                server.kill().await
            }
            for n in 10..13 {
                world.project(tenant, &format!("{round}.{n}")).await;
            }
            let shutdown = CancellationToken::new();
            let routes = world.routes(Router::new(), shutdown.clone()).await;
            server = Server::start(routes, shutdown, Some(address)).await;
        }
        consumer.caught_up_to(world.store.head()).await.unwrap();
        // At the head, and woken by nothing but an append.
        world.project(tenant, "one more").await;
        consumer.caught_up_to(world.store.head()).await.unwrap();
    }
    assert_eq!(noted(&notes).await, (1..=world.store.head()).collect::<Vec<_>>());
    consumer.stop().await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_replica_of_two_is_enough() {
    let world = World::new().await;
    let notes = open(&world.directory, "notes", &world.env).await;
    let (one, two) = (world.serve().await, world.serve().await);
    let feed = HttpFeed::new(world.client(&[&dead_address().await, &one.url, &two.url]).await);
    let consumer = consume(&notes, feed.clone());
    let tenant = world.env.id();
    let publish = async |count: usize| {
        for n in 0..count {
            world.project(tenant, &n.to_string()).await;
        }
        assert_eq!(feed.head().await.unwrap(), world.store.head());
        consumer.caught_up_to(world.store.head()).await.unwrap();
    };
    publish(10).await;
    one.kill().await;
    publish(10).await;
    assert_eq!(noted(&notes).await, (1..=20).collect::<Vec<_>>());
    consumer.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_keeps_nobody_waiting() {
    let world = World::new().await;
    let server = world.serve().await;
    let client = world.client(&[&server.url]).await;
    let patience = Duration::from_secs(20);
    let query = [("beyond", "0".to_owned()), ("wait", "20000".to_owned())];
    let waiting =
        tokio::spawn(async move { client.get("/internal/feed/head", &query, 100, patience).await });
    // The stop may come before or after the question: an answer or a closed door, never a wait.
    let stopped = tokio::time::timeout(patience / 2, server.stop()).await;
    assert!(stopped.is_ok(), "the server waits for whoever waits for an event");
    if let Ok(body) = waiting.await.unwrap() {
        assert_eq!(body.bytes, br#"{"head":0}"#);
    }
}
