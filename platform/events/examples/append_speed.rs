//! How fast one process appends to a SQLite file in the directory given (or a PostgreSQL address):
//! `cargo run --release -p studio-events --example append_speed -- /some/directory`.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm_migration::MigratorTrait as _;
use serde_json::json;
use studio_events::{
    Append, EventData, EventStore, EventStoreOptions, Expected, Metadata, StreamAppend,
};
use studio_kernel::{Env, TenantId};
use studio_stores::sql::{Database, SqlOptions};

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const LASTS: Duration = Duration::from_secs(5);

fn append(tenant: TenantId, stream: String, events: usize) -> Append {
    let data = |n| EventData {
        event_type: "bench.finding.recorded".into(),
        schema_version: 1,
        payload: json!({
            "check": "iam_root_mfa_enabled", "number": n, "status": "FAIL", "severity": "high",
            "resource": "arn:aws:iam::123456789012:user/somebody-with-a-rather-long-name",
            "account": "123456789012", "region": "eu-central-1", "muted": false,
            "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        })
        .into(),
    };
    let streams = vec![StreamAppend {
        stream_type: "bench.finding".into(),
        stream_id: stream,
        expected: Expected::Any,
        events: (0..events).map(data).collect(),
    }];
    Append::new(tenant, Metadata::system("bench"), streams)
}

async fn measure(store: &EventStore, writers: usize, events: usize) -> Answer<()> {
    let appends = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (store, appends) = (store.clone(), Arc::clone(&appends));
            let tenant = store.env().id();
            tokio::spawn(async move {
                while begun.elapsed() < LASTS {
                    store.append(append(tenant, format!("stream-{writer}"), events)).await?;
                    appends.fetch_add(1, Ordering::Relaxed);
                }
                Answer::Ok(())
            })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let rate = appends.load(Ordering::Relaxed) as f64 / seconds;
    println!(
        "{writers:3} writers x {events:3} events: {rate:8.0} appends/s, {:8.0} events/s",
        rate * events as f64
    );
    Ok(())
}

#[tokio::main]
async fn main() -> Answer<()> {
    let place = std::env::args().nth(1).ok_or("name a directory or a postgres:// address")?;
    let (url, schema) = if place.starts_with("postgres") {
        (place, Some("append_speed".to_owned()))
    } else {
        (format!("sqlite://{place}/append_speed.db"), None)
    };
    let options = SqlOptions { schema, ..SqlOptions::default() };
    let database = Database::connect(&url, options).await?;
    studio_migrations::events::Migrator::up(database.writer(), None).await?;
    let options = EventStoreOptions::new(database, "bench", Env::system());
    let store = EventStore::open(options).await?;
    for (writers, events) in [(1, 1), (64, 1), (1, 500), (4, 500)] {
        measure(&store, writers, events).await?;
    }
    let begun = Instant::now();
    let verified = store.verify().await?;
    let seconds = begun.elapsed().as_secs_f64();
    println!("verified {} events in {seconds:.1} s", verified.events);
    store.shutdown().await;
    Ok(())
}
