//! Appends per second into the event store, with 1 and with 64 writers, and of large appends: on a
//! SQLite file, and on PostgreSQL (where `STUDIO_TEST_POSTGRES` names a server) beside plain INSERTs
//! of rows of the same size by as many clients in transactions of the same size.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use sea_orm_migration::{
    MigratorTrait,
    sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait, Value},
};
use serde_json::json;
use studio_events::{
    Append, EventData, EventStore, EventStoreOptions, Expected, Metadata, StreamAppend,
};
use studio_kernel::{Actor, Env, TenantId, kind};
use studio_stores::sql::{Database, SqlOptions};

const LENGTH: Duration = Duration::from_secs(5);
/// Writers, and events of each append.
const LOADS: [(usize, usize); 3] = [(1, 1), (64, 1), (1, 500)];
/// Connections of the plain writers. More than the server has cores make it slower.
const CONNECTIONS: u32 = 16;

pub(crate) async fn run() -> anyhow::Result<()> {
    println!("\n## Appends: SQLite file, synchronous=FULL, payload 300 B, {LENGTH:?} each\n");
    println!("| writers | events per append | appends/s | events/s | times one writer |");
    println!("|---|---|---|---|---|");
    let mut one = None;
    for (writers, events) in LOADS {
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}", folder.path().join("bench.db").display());
        let database = Database::connect(&url, SqlOptions::default()).await?;
        let rate = appends(database, writers, events).await?;
        let base = *one.get_or_insert(rate);
        println!(
            "| {writers} | {events} | {rate:.0} | {:.0} | {:.1} |",
            rate * events as f64,
            rate / base
        );
    }
    let Ok(server) = std::env::var("STUDIO_TEST_POSTGRES") else {
        println!("\nskipped: PostgreSQL (set STUDIO_TEST_POSTGRES, or run it by tests/services)");
        return Ok(());
    };
    println!("\n## Appends: PostgreSQL beside plain INSERTs, payload 300 B, {LENGTH:?} each\n");
    println!("| clients | rows per transaction | appends/s | plain INSERTs/s | of plain |");
    println!("|---|---|---|---|---|");
    for (writers, events) in LOADS {
        let plain = inserts(open(&server, "bench_plain").await?, writers, events).await?;
        let rate = appends(open(&server, "bench_log").await?, writers, events).await?;
        println!("| {writers} | {events} | {rate:.0} | {plain:.0} | {:.2} |", rate / plain);
    }
    Ok(())
}

/// An empty schema on the server.
async fn open(server: &str, schema: &str) -> anyhow::Result<Database> {
    let options = || SqlOptions {
        schema: Some(schema.to_owned()),
        writer_connections: CONNECTIONS,
        ..SqlOptions::default()
    };
    let database = Database::connect(server, options()).await?;
    database.writer().execute_unprepared(&format!("DROP SCHEMA \"{schema}\" CASCADE")).await?;
    database.close().await?;
    Ok(Database::connect(server, options()).await?)
}

async fn appends(database: Database, writers: usize, events: usize) -> anyhow::Result<f64> {
    studio_migrations::ai::Migrator::up(database.writer(), None).await?;
    let env = Env::system();
    let options = EventStoreOptions::new(database, "ai", env.clone());
    let store = EventStore::open(options).await?;
    let tenant: TenantId = env.id::<kind::Organization>();
    let appending = store.clone();
    let rate = rate(writers, move |writer| {
        let (store, env) = (appending.clone(), env.clone());
        async move {
            let event = EventData {
                event_type: "bench.thing.happened".into(),
                schema_version: 1,
                payload: json!({ "writer": writer, "note": "x".repeat(260) }).into(),
            };
            let append = Append {
                tenant,
                metadata: Metadata::by(&Actor::system(tenant, "bench")),
                streams: vec![StreamAppend {
                    stream_type: "bench.thing".into(),
                    stream_id: env.uuid().to_string(),
                    expected: Expected::NoStream,
                    events: vec![event; events],
                }],
                checkpoint: None,
                fence: None,
            };
            store.append(append).await?;
            Ok(())
        }
    })
    .await?;
    store.shutdown().await;
    Ok(rate)
}

/// The rows of an event, without what makes a log of them: no chain, no index but the key.
const PLAIN: &str =
    "CREATE TABLE plain (position BIGSERIAL PRIMARY KEY, event_id TEXT, tenant TEXT,
    stream_type TEXT, stream_id TEXT, stream_version BIGINT, type TEXT, schema_version BIGINT,
    payload TEXT, metadata TEXT, recorded_at BIGINT, prev_hash BYTEA, hash BYTEA)";

async fn inserts(database: Database, writers: usize, rows: usize) -> anyhow::Result<f64> {
    database.writer().execute_unprepared(PLAIN).await?;
    let env = Env::system();
    let places: Vec<String> = (0..rows)
        .map(|row| {
            let places: Vec<String> =
                (1..=12).map(|column| format!("${}", row * 12 + column)).collect();
            format!("({})", places.join(", "))
        })
        .collect();
    let sql: Arc<str> = format!(
        "INSERT INTO plain (event_id, tenant, stream_type, stream_id, stream_version, type, \
         schema_version, payload, metadata, recorded_at, prev_hash, hash) VALUES {}",
        places.join(", ")
    )
    .into();
    let tenant = env.id::<kind::Organization>().to_string();
    let inserting = database.clone();
    let rate = rate(writers, move |writer| {
        let (database, env, sql) = (inserting.clone(), env.clone(), sql.clone());
        let tenant = tenant.clone();
        async move {
            let payload = json!({ "writer": writer, "note": "x".repeat(260) }).to_string();
            let metadata = json!({ "principal": { "kind": "system", "name": "bench" } });
            let stream = env.uuid().to_string();
            let values = (0..rows).flat_map(|row| -> [Value; 12] {
                [
                    env.uuid().to_string().into(),
                    tenant.clone().into(),
                    "bench.thing".into(),
                    stream.clone().into(),
                    (row as i64 + 1).into(),
                    "bench.thing.happened".into(),
                    1_i64.into(),
                    payload.clone().into(),
                    metadata.to_string().into(),
                    env.now().micros().into(),
                    vec![0_u8; 32].into(),
                    vec![0_u8; 32].into(),
                ]
            });
            let transaction = database.writer().begin().await?;
            let insert = Statement::from_sql_and_values(DbBackend::Postgres, &*sql, values);
            transaction.execute_raw(insert).await?;
            transaction.commit().await?;
            Ok(())
        }
    })
    .await?;
    database.close().await?;
    Ok(rate)
}

/// How often a second so many writers do something, one after the other each.
async fn rate<F>(
    writers: usize,
    once: impl Fn(usize) -> F + Clone + Send + 'static,
) -> anyhow::Result<f64>
where
    F: Future<Output = anyhow::Result<()>> + Send,
{
    let began = Instant::now();
    let mut running = tokio::task::JoinSet::new();
    for writer in 0..writers {
        let once = once.clone();
        running.spawn(async move {
            let mut times = 0_usize;
            while began.elapsed() < LENGTH {
                once(writer).await?;
                times += 1;
            }
            anyhow::Ok(times)
        });
    }
    let mut times = 0;
    while let Some(done) = running.join_next().await {
        times += done??;
    }
    Ok(times as f64 / began.elapsed().as_secs_f64())
}
