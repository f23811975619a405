//! PostgreSQL fails over: the primary dies and its standby is promoted. It replicates synchronously,
//! as docs/operations.md asks for where nothing may be lost.

use std::time::Duration;

use sea_orm_migration::sea_orm::ConnectionTrait;
use studio_stores::sql::{Database, SqlOptions};

use super::{AWAY, survives};
use crate::{
    services::OwnServers,
    support::{Installation, Shape, Stores, host, until},
};

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
    let Some(own) = OwnServers::start("postgres", "STUDIO_TEST_POSTGRES") else { return };
    let (primary, standby) =
        (own.variable("STUDIO_TEST_POSTGRES"), own.variable("STUDIO_TEST_POSTGRES_REPLICA"));
    replicate_synchronously(&primary).await;
    let stores = Stores::in_database_of(primary).with_standby(host(&standby));
    let installation = Installation::on(Shape::Cluster, Some(stores));
    let fault = "PostgreSQL killed and its standby promoted";
    survives(fault, installation, false, async |_, _| {
        own.services(&["pause", "postgres"]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        own.services(&["promote", "postgres_replica"]);
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
