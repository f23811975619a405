//! Several servers, one of which takes writes.

use super::*;
use crate::testing::{OwnServers, variable};

fn both(servers: &OwnServers) -> (String, i32, i32) {
    let primary = servers.variable("STUDIO_TEST_POSTGRES");
    let (primary, replica) =
        (port_of(&primary), port_of(&servers.variable("STUDIO_TEST_POSTGRES_REPLICA")));
    // The standby stands first: the order is no promise.
    let url = format!("postgres://studio@127.0.0.1:{replica},127.0.0.1:{primary}/studio");
    (url, primary, replica)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn follows_the_primary_to_another_server() {
    let Some(servers) = OwnServers::start("postgres", "STUDIO_TEST_POSTGRES") else { return };
    let (url, old, new) = both(&servers);
    let options =
        SqlOptions { reader_connections: 3, writer_connections: 3, ..SqlOptions::default() };
    let database = Database::connect(&url, options).await.unwrap();
    assert_eq!((port(database.writer()).await, port(database.primary()).await), (old, old));
    database.writer().execute_unprepared("CREATE TABLE kept (x BIGINT)").await.unwrap();
    database.writer().execute_unprepared("INSERT INTO kept VALUES (1)").await.unwrap();
    let standby = servers.variable("STUDIO_TEST_POSTGRES_REPLICA");
    let alone = Database::connect(&standby, SqlOptions::default()).await;
    let said = alone.unwrap_err().to_string();
    assert!(said.contains("is a standby") && said.contains("stores.sql"), "{said}");
    let caught_up = async || {
        let url = servers.variable("STUDIO_TEST_POSTGRES_REPLICA");
        let standby = sea_orm::Database::connect(url).await.unwrap();
        let sql = "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'kept'";
        ask::<i64>(&standby, sql).await == 1
            && ask::<i64>(&standby, "SELECT COUNT(*) FROM kept").await == 1
    };
    eventually("the standby has what was written", caught_up).await;

    // Every connection of both pools is in use and then idle when the primary dies.
    let held = futures::future::join_all((0..3).map(|_| port(database.writer()))).await;
    assert_eq!(held, [old, old, old]);
    servers.services(&["pause", "postgres"]);
    servers.services(&["promote", "postgres_replica"]);
    let write =
        async || database.writer().execute_unprepared("INSERT INTO kept VALUES (2)").await.is_ok();
    eventually("writes go to the new primary", write).await;
    assert_eq!(port(database.writer()).await, new);
    assert_eq!(port(database.primary()).await, new);

    // The old one comes back and takes itself for the primary: nobody goes there any more.
    servers.services(&["resume", "postgres"]);
    for _ in 0..50 {
        let ports = futures::future::join(port(database.writer()), port(database.reader())).await;
        assert_eq!(ports, (new, new));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(ask::<i64>(database.reader(), "SELECT COUNT(*) FROM kept").await >= 2);
    database.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn goes_on_after_its_only_server_was_restarted() {
    let Some(servers) = OwnServers::start("postgres", "STUDIO_TEST_POSTGRES") else { return };
    let url = servers.variable("STUDIO_TEST_POSTGRES");
    let options = SqlOptions { acquire_timeout: Duration::from_secs(2), ..SqlOptions::default() };
    let database = Database::connect(&url, options.clone()).await.unwrap();
    futures::future::join_all((0..4).map(|_| port(database.writer()))).await;
    servers.services(&["pause", "postgres"]);
    assert!(database.writer().execute_unprepared("SELECT 1").await.is_err());
    let said = Database::connect(&url, options).await.unwrap_err().to_string();
    assert!(said.contains("cannot be opened"), "{said}");
    servers.services(&["resume", "postgres"]);
    let works = async || database.writer().execute_unprepared("SELECT 1").await.is_ok();
    eventually("the pool works again", works).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn takes_no_replica_of_another_primary() {
    let Some(shared) = variable("STUDIO_TEST_POSTGRES") else { return };
    let Some(servers) = OwnServers::start("postgres", "STUDIO_TEST_POSTGRES") else { return };
    let replica_url = Some(servers.variable("STUDIO_TEST_POSTGRES_REPLICA"));
    let options = SqlOptions { replica_url, ..SqlOptions::default() };
    let said = Database::connect(&shared, options).await.unwrap_err().to_string();
    assert!(said.contains("is no copy of") && said.contains("stores.sql_replica"), "{said}");
}
