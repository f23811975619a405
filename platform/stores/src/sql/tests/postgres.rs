//! PostgreSQL: TLS, passwords, limits.

use std::{path::PathBuf, time::Duration};

use super::*;
use crate::testing::variable;

fn guarded() -> Option<(String, SqlOptions)> {
    let url = variable("STUDIO_TEST_POSTGRES_TLS")?;
    let ca_file = Some(PathBuf::from(variable("STUDIO_TEST_POSTGRES_CA")?));
    Some((url, SqlOptions { ca_file, ..SqlOptions::default() }))
}

async fn refusal(url: &str, options: SqlOptions) -> String {
    let said = Database::connect(url, options).await.unwrap_err().to_string();
    assert!(!said.contains("horse"), "{said}");
    said
}

#[tokio::test]
async fn speaks_tls_to_a_server_whose_certificate_it_can_check() {
    let Some((url, options)) = guarded() else { return };
    let schema = Some(format!("test_{}", studio_kernel::Env::system().uuid().simple()));
    let options = SqlOptions { schema, ..options };
    let database = Database::connect(&url, options.clone()).await.unwrap();
    for connection in [database.writer(), database.primary()] {
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        assert!(ask::<bool>(connection, sql).await);
    }
    // A user that may make nothing more than its schema, which is there already now.
    Database::connect(&url, options.clone()).await.unwrap().close().await.unwrap();
    database.writer().execute_unprepared("CREATE TABLE t (x BIGINT)").await.unwrap();
    let schema: String = ask(database.writer(), "SELECT current_schema()::text").await;
    assert_eq!(Some(schema), options.schema);
    database.close().await.unwrap();
}

#[tokio::test]
async fn says_why_it_is_not_let_in() {
    let Some((url, options)) = guarded() else { return };
    let said = refusal(&url.replace("correct-horse", "wrong-horse"), options.clone()).await;
    assert!(
        said.contains("password authentication failed") && said.contains("localhost"),
        "{said}"
    );
    let no_tls = format!("{url}?sslmode=disable");
    let said = refusal(&no_tls, options.clone()).await;
    assert!(said.contains("pg_hba.conf rejects connection"), "{said}");
    let stranger = SqlOptions { ca_file: None, ..options.clone() };
    let said = refusal(&format!("{url}?sslmode=verify-full"), stranger).await;
    assert!(said.to_lowercase().contains("certificate"), "{said}");
    let missing = SqlOptions { ca_file: Some(PathBuf::from("/no/such/file")), ..options };
    let said = refusal(&url, missing).await;
    assert!(said.contains("/no/such/file") && said.contains("stores.sql_ca_file"), "{said}");
}

#[tokio::test]
async fn counts_connections_before_the_server_refuses_them() {
    let options = SqlOptions::default().with_connections(9);
    assert_eq!((options.reader_connections, options.writer_connections), (5, 4));
    let least = SqlOptions::default().with_connections(0);
    assert_eq!(
        (least.reader_connections, least.writer_connections, least.connections()),
        (1, 1, 3)
    );
    let Some(url) = variable("STUDIO_TEST_POSTGRES") else { return };
    let database = Database::connect(&url, least.clone()).await.unwrap();
    let allowed = 200 - 3;
    database.check_connections(allowed).await.unwrap();
    let said = database.check_connections(allowed + 1).await.unwrap_err().to_string();
    assert!(said.contains("want 198") && said.contains("gives 197"), "{said}");
    assert!(said.contains("stores.sql_connections"), "{said}");
}

#[tokio::test]
async fn ends_a_query_that_takes_too_long() {
    let Some(url) = variable("STUDIO_TEST_POSTGRES") else { return };
    let statement_timeout = Duration::from_millis(100);
    let options = SqlOptions { statement_timeout, ..SqlOptions::default() };
    let database = Database::connect(&url, options).await.unwrap();
    let slow = "SELECT 1 FROM pg_sleep(60)";
    let error = database.reader().execute_unprepared(slow).await.unwrap_err();
    assert!(error.to_string().contains("statement timeout"), "{error}");
    // A migration may take longer than a query.
    let longer = "SELECT 1 FROM pg_sleep(0.3)";
    database.writer().execute_unprepared(longer).await.unwrap();
}

#[tokio::test]
async fn names_what_is_wrong_with_an_address() {
    let quick = SqlOptions { acquire_timeout: Duration::from_secs(1), ..SqlOptions::default() };
    for url in ["postgres://a:b:c/db", "postgres://host:99999/db", "postgres:db"] {
        let said = refusal(url, quick.clone()).await;
        assert!(said.contains("is no database address"), "{url}: {said}");
    }
    let said = refusal("postgres://u:wrong-horse@127.0.0.1:1,127.0.0.1:2/db", quick).await;
    assert!(said.contains("127.0.0.1:1,127.0.0.1:2/db cannot be opened"), "{said}");
}
