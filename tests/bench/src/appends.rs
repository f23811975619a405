//! Appends per second into the event store on a SQLite file, with 1 and with 64 writers, and of
//! large appends.

use std::time::{Duration, Instant};

use sea_orm_migration::MigratorTrait;
use serde_json::json;
use studio_events::{
    Append, EventData, EventStore, EventStoreOptions, Expected, Metadata, StreamAppend,
};
use studio_kernel::{Actor, Env, TenantId, kind};
use studio_stores::sql::{Database, SqlOptions};

const LENGTH: Duration = Duration::from_secs(5);

pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## Appends: SQLite file, synchronous=FULL, payload 300 B, {LENGTH:?} each\n");
    println!("| writers | events per append | appends/s | events/s | times one writer |");
    println!("|---|---|---|---|---|");
    let mut one = None;
    for (writers, events) in [(1, 1), (64, 1), (1, 500)] {
        let rate = measure(writers, events).await?;
        let base = *one.get_or_insert(rate);
        println!(
            "| {writers} | {events} | {rate:.0} | {:.0} | {:.1} |",
            rate * events as f64,
            rate / base
        );
    }
    Ok(())
}

async fn measure(writers: usize, events: usize) -> anyhow::Result<f64> {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite://{}", folder.path().join("bench.db").display());
    let database = Database::connect(&url, SqlOptions::default()).await?;
    studio_migrations::ai::Migrator::up(database.writer(), None).await?;
    let env = Env::system();
    let options = EventStoreOptions::new(database, "ai", env.clone());
    let store = EventStore::open(options).await?;
    let tenant: TenantId = env.id::<kind::Organization>();

    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let (store, env) = (store.clone(), env.clone());
        running.spawn(async move {
            let actor = Actor::system(tenant, "bench");
            let mut appends = 0_usize;
            while began.elapsed() < LENGTH {
                let event = EventData {
                    event_type: "bench.thing.happened".into(),
                    schema_version: 1,
                    payload: json!({ "writer": writer, "note": "x".repeat(260) }),
                };
                let append = Append {
                    tenant,
                    metadata: Metadata::by(&actor),
                    streams: vec![StreamAppend {
                        stream_type: "bench.thing".into(),
                        stream_id: env.uuid().to_string(),
                        expected: Expected::NoStream,
                        events: vec![event; events],
                    }],
                    checkpoint: None,
                };
                store.append(append).await?;
                appends += 1;
            }
            anyhow::Ok(appends)
        });
    }
    let mut appends = 0;
    while let Some(done) = running.join_next().await {
        appends += done??;
    }
    let rate = appends as f64 / began.elapsed().as_secs_f64();
    store.shutdown().await;
    Ok(rate)
}
