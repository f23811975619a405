//! A replica that answers queries, and read-your-writes.

use studio_kernel::{Env, TenantId};

use super::*;
use crate::testing::OwnServers;

struct Setup {
    servers: OwnServers,
    database: Database,
    standby: DatabaseConnection,
    primary_port: i32,
    replica_port: i32,
}

/// A log of our own shape on servers of the test's own.
async fn set_up() -> Option<Setup> {
    let servers = OwnServers::start("postgres", "STUDIO_TEST_POSTGRES")?;
    let url = servers.variable("STUDIO_TEST_POSTGRES");
    let replica_url = servers.variable("STUDIO_TEST_POSTGRES_REPLICA");
    let options = SqlOptions {
        schema: Some("controls".to_owned()),
        replica_url: Some(replica_url.clone()),
        ..SqlOptions::default()
    };
    let database = Database::connect(&url, options).await.unwrap();
    // Before the tables are there, the replica answers nothing.
    assert!(!database.replica_status().unwrap().reachable);
    for sql in [
        "CREATE TABLE log_head (id BIGINT PRIMARY KEY, position BIGINT NOT NULL)",
        "INSERT INTO log_head VALUES (1, 0)",
    ] {
        database.writer().execute_unprepared(sql).await.unwrap();
    }
    let standby = sea_orm::Database::connect(replica_url.as_str()).await.unwrap();
    let (primary_port, replica_port) = (port_of(&url), port_of(&replica_url));
    Some(Setup { servers, database, standby, primary_port, replica_port })
}

impl Setup {
    /// As the event store does it: the read models and the head in one transaction.
    async fn append(&self, tenant: TenantId, position: i64) {
        let sql = format!("UPDATE log_head SET position = {position} WHERE id = 1");
        self.database.writer().execute_unprepared(&sql).await.unwrap();
        self.database.wrote(tenant, position);
    }

    /// Which server answers a query of this organization, and which position it sees.
    async fn asked(&self, tenant: TenantId, seen: Positions) -> (i32, i64) {
        let reader = self.database.reader();
        ReadScope::query(Some(tenant), seen)
            .run(async {
                let port = port(reader).await;
                let position = ask(reader, "SELECT position FROM log_head WHERE id = 1").await;
                (port, position)
            })
            .await
    }

    async fn answered_by_replica(&self, tenant: TenantId, position: i64) {
        let expected = (self.replica_port, position);
        let asked = async || self.asked(tenant, Positions::new()).await == expected;
        eventually("the replica answers", asked).await;
    }

    async fn replay(&self, verb: &str) {
        let sql = format!("SELECT pg_wal_replay_{verb}()");
        self.standby.execute_unprepared(&sql).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_answers_only_what_it_has() {
    let Some(setup) = set_up().await else { return };
    let (ours, theirs): (TenantId, TenantId) = (Env::system().id(), Env::system().id());
    let none = Positions::new;
    setup.append(ours, 5).await;
    setup.answered_by_replica(ours, 5).await;

    // Outside of a query's scope, and in a mutation, the primary answers.
    let reader = setup.database.reader();
    assert_eq!(port(reader).await, setup.primary_port);
    assert_eq!(ReadScope::mutation(None).run(port(reader)).await, setup.primary_port);
    let spawned = ReadScope::query(Some(ours), none());
    let (database, loader) = (setup.database.clone(), async |database: Database| {
        spawn(async move { port(database.reader()).await }).await.unwrap()
    });
    assert_eq!(spawned.run(loader(database)).await, setup.replica_port);

    // While the replica lags, whoever wrote reads from the primary; the others need not.
    setup.replay("pause").await;
    let request = ReadScope::mutation(Some(ours));
    request.run(setup.append(ours, 6)).await;
    assert_eq!(request.wrote().to_string(), "controls=6");
    assert_eq!(setup.asked(ours, none()).await, (setup.primary_port, 6));
    assert_eq!(setup.asked(theirs, none()).await, (setup.replica_port, 5));
    // What was written through another process is known by the token alone.
    assert_eq!(setup.asked(theirs, request.wrote()).await, (setup.primary_port, 6));
    let other_log: Positions = "evidence=99".parse().unwrap();
    assert_eq!(setup.asked(theirs, other_log).await, (setup.replica_port, 5));
    let status = setup.database.replica_status().unwrap();
    assert_eq!((status.reachable, status.position, status.behind), (true, 5, 1));

    // Within a request time does not go back: what began on the primary stays there.
    let scope = ReadScope::query(Some(ours), none());
    let both = scope.run(async {
        assert_eq!(port(reader).await, setup.primary_port);
        setup.replay("resume").await;
        setup.answered_by_replica(theirs, 6).await;
        port(reader).await
    });
    assert_eq!(both.await, setup.primary_port);
    setup.answered_by_replica(ours, 6).await;
    assert_eq!(setup.database.replica_status().unwrap().behind, 0);

    // What moved no log is waited for, too, by everybody: the place in the write-ahead log counts.
    setup.replay("pause").await;
    setup.append(ours, 7).await;
    let rebuilt = "CREATE TABLE rebuilt (x BIGINT)";
    setup.database.writer().execute_unprepared(rebuilt).await.unwrap();
    assert_eq!(setup.asked(theirs, none()).await, (setup.replica_port, 6));
    setup.database.hold_replica();
    assert_eq!(setup.asked(theirs, none()).await, (setup.primary_port, 7));
    setup.replay("resume").await;
    setup.answered_by_replica(theirs, 7).await;
    let scope = ReadScope::query(Some(theirs), none());
    let sql = "SELECT COUNT(*) FROM rebuilt";
    assert_eq!(scope.run(ask::<i64>(reader, sql)).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_query_fails_because_a_replica_is_away() {
    let Some(setup) = set_up().await else { return };
    let tenant: TenantId = Env::system().id();
    setup.append(tenant, 1).await;
    setup.answered_by_replica(tenant, 1).await;
    // Queries run all the while, and each is answered (`ask` unwraps).
    let stop = CancellationToken::new();
    let (asking, database) = (stop.clone(), setup.database.clone());
    let asker = tokio::spawn(async move {
        let mut answered = 0_u64;
        while !asking.is_cancelled() {
            let scope = ReadScope::query(Some(tenant), Positions::new());
            let sql = "SELECT position FROM log_head WHERE id = 1";
            assert!(scope.run(ask::<i64>(database.reader(), sql)).await >= 1);
            answered += 1;
        }
        answered
    });
    setup.servers.services(&["pause", "postgres_replica"]);
    let skipped = async || setup.asked(tenant, Positions::new()).await.0 == setup.primary_port;
    eventually("the primary answers", skipped).await;
    let noticed = async || !setup.database.replica_status().unwrap().reachable;
    eventually("it is noticed", noticed).await;
    setup.append(tenant, 2).await;
    assert_eq!(setup.asked(tenant, Positions::new()).await, (setup.primary_port, 2));
    setup.servers.services(&["resume", "postgres_replica"]);
    setup.answered_by_replica(tenant, 2).await;
    stop.cancel();
    assert!(asker.await.unwrap() > 100);

    // The replica becomes the primary: the old address of it still answers queries.
    setup.servers.services(&["promote", "postgres_replica"]);
    setup.answered_by_replica(tenant, 2).await;
}
