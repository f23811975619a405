use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};

use super::*;

mod failover;
mod postgres;
mod replica;

/// One value, by a query that a replica may answer.
async fn ask<T: sea_orm::TryGetable>(connection: &impl ConnectionTrait, sql: &str) -> T {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}

/// Which server answers.
async fn port(connection: &impl ConnectionTrait) -> i32 {
    ask(connection, "SELECT inet_server_port()").await
}

/// The port in an address.
fn port_of(url: &str) -> i32 {
    url.rsplit_once(':').unwrap().1.split('/').next().unwrap().parse().unwrap()
}

/// Tries until it succeeds, for at most 60 seconds.
async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect(what);
}

fn in_directory(directory: &tempfile::TempDir) -> String {
    format!("sqlite://{}", directory.path().join("store.db").display())
}

async fn pragma(connection: &impl ConnectionTrait, name: &str) -> String {
    let statement = Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {name}"));
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index::<String>(0)
        .or_else(|_| row.try_get_by_index::<i64>(0).map(|n| n.to_string()))
        .unwrap()
}

#[tokio::test]
async fn sqlite_commits_durably_and_readers_cannot_write() {
    let directory = tempfile::tempdir().unwrap();
    let database =
        Database::connect(&in_directory(&directory), SqlOptions::default()).await.unwrap();
    assert_eq!(pragma(database.writer(), "journal_mode").await, "wal");
    assert_eq!(pragma(database.writer(), "synchronous").await, "2");
    assert_eq!(pragma(database.writer(), "foreign_keys").await, "1");
    database.writer().execute_unprepared("CREATE TABLE t (x BIGINT)").await.unwrap();
    let refused = database.reader().execute_unprepared("INSERT INTO t VALUES (1)").await;
    assert!(refused.unwrap_err().to_string().contains("readonly"));
    database.close().await.unwrap();
}

#[tokio::test]
async fn refuses_what_it_cannot_open() {
    let says = async |url: &str, options: SqlOptions| {
        Database::connect(url, options).await.unwrap_err().to_string()
    };
    let mysql = says("mysql://root:secret@host/db", SqlOptions::default()).await;
    assert!(mysql.contains("mysql://host/db") && !mysql.contains("secret"), "{mysql}");
    assert!(says("sqlite::memory:", SqlOptions::default()).await.contains("must be a file"));
    let missing = says("sqlite:///no/such/directory/x.db", SqlOptions::default()).await;
    assert!(missing.contains("/no/such/directory/x.db"), "{missing}");
    let options = SqlOptions {
        schema: Some("a\"; DROP".to_owned()),
        acquire_timeout: Duration::from_millis(200),
        ..SqlOptions::default()
    };
    let schema = says("postgres://u:secret@127.0.0.1:1/db", options.clone()).await;
    assert!(schema.contains("cannot name a PostgreSQL schema"), "{schema}");
    let options = SqlOptions { schema: None, ..options };
    let down = says("postgres://u:secret@127.0.0.1:1/db", options).await;
    assert!(down.contains("127.0.0.1:1/db") && !down.contains("secret"), "{down}");
}
