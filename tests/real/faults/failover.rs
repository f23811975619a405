//! PostgreSQL fails over: the primary dies and its standby is promoted. It replicates synchronously,
//! as docs/operations.md asks for where nothing may be lost.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use sea_orm_migration::sea_orm::ConnectionTrait;
use studio_stores::sql::{Database, SqlOptions};

use super::{AWAY, servers, survives};
use crate::support::{Installation, Shape, Stores, host, until};

/// A primary and a standby of this test alone, since it leaves them in ruins.
struct Own {
    state: PathBuf,
    environment: String,
}

impl Own {
    fn start() -> Self {
        // Not in a folder that is closed to others: PostgreSQL runs as its own user.
        let state = std::env::temp_dir().join(format!("studio-failover-{}", std::process::id()));
        let environment = services(&state, &["start", "postgres"]);
        Self { state, environment }
    }

    fn variable(&self, name: &str) -> String {
        let line = format!("export {name}=");
        let found = self.environment.lines().find_map(|found| found.strip_prefix(&line));
        found.unwrap().to_owned()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        services(&self.state, &["stop"]);
    }
}

fn services(state: &Path, arguments: &[&str]) -> String {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/services");
    let mut command = Command::new(script);
    let output = command.args(arguments).env("STUDIO_TEST_SERVICES_DIR", state).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tests/services {arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Makes the primary wait for its standby, and waits until that is so.
async fn replicate_synchronously(primary: &str) {
    let database = Database::connect(primary, SqlOptions::default()).await.unwrap();
    let writer = database.writer();
    let setting = "ALTER SYSTEM SET synchronous_standby_names = '*'";
    writer.execute_unprepared(setting).await.unwrap();
    writer.execute_unprepared("SELECT pg_reload_conf()").await.unwrap();
    until("the standby to be synchronous", || async {
        let state = "DO $$ BEGIN ASSERT (SELECT bool_or(sync_state IN ('sync', 'quorum')) \
                     FROM pg_stat_replication); END $$";
        writer.execute_unprepared(state).await.ok()
    })
    .await;
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_standby_takes_over() {
    if !servers() {
        return;
    }
    let own = Own::start();
    let (primary, standby) =
        (own.variable("STUDIO_TEST_POSTGRES"), own.variable("STUDIO_TEST_POSTGRES_REPLICA"));
    replicate_synchronously(&primary).await;
    let stores = Stores::in_database_of(primary).with_standby(host(&standby));
    let installation = Installation::on(Shape::Cluster, Some(stores));
    let fault = "PostgreSQL killed and its standby promoted";
    survives(fault, installation, false, async |_, _| {
        services(&own.state, &["pause", "postgres"]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        services(&own.state, &["promote", "postgres_replica"]);
        // It has no standby of its own yet, and must not wait for one.
        let database = until("the standby to take writes", || async {
            Database::connect(&standby, SqlOptions::default()).await.ok()
        })
        .await;
        let alone = "ALTER SYSTEM RESET synchronous_standby_names";
        database.writer().execute_unprepared(alone).await.unwrap();
        database.writer().execute_unprepared("SELECT pg_reload_conf()").await.unwrap();
        database.close().await.unwrap();
        tokio::time::sleep(AWAY).await;
    })
    .await;
}
