//! Damage done to an installation that no server uses, as somebody with the passwords could do it, and
//! what `studio verify` says of it.

use std::process::Output;

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};
use studio_stores::sql::{Database, SqlOptions};

use super::Installation;

/// Runs `studio verify`: whether all is well, and everything that it says.
pub(crate) fn verify(installation: &Installation, more: &[&str]) -> (bool, String) {
    let (status, said) = verify_status(installation, more);
    (status == Some(0), said)
}

/// The same with the status that it ends with.
pub(crate) fn verify_status(installation: &Installation, more: &[&str]) -> (Option<i32>, String) {
    let arguments: Vec<&str> = ["verify"].iter().chain(more).copied().collect();
    let Output { status, stdout, stderr } = installation.command(&arguments).output().unwrap();
    let said = [stdout, stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(!said.contains("panicked"), "{said}");
    (status.code(), said)
}

/// The store of a subgraph, in the data folder or on the server.
pub(crate) async fn store(installation: &Installation, name: &str) -> Database {
    let (url, schema) = match &installation.stores {
        Some(stores) => (stores.sql.clone(), Some(name.to_owned())),
        None => {
            (format!("sqlite://{}", installation.path().join(format!("{name}.db")).display()), None)
        }
    };
    Database::connect(&url, SqlOptions { schema, ..SqlOptions::default() }).await.unwrap()
}

/// A number that a query gives.
pub(crate) async fn number(database: &Database, sql: &str) -> i64 {
    let writer = database.writer();
    let statement = Statement::from_string(writer.get_database_backend(), sql);
    writer.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

/// Removes every event after a position, and all that its own store knows of them: what is left looks
/// whole by itself.
pub(crate) async fn cut_off(database: &Database, position: i64) {
    let drops: &[&str] = match database.backend() {
        DbBackend::Sqlite => {
            &["DROP TRIGGER events_refuse_update", "DROP TRIGGER events_refuse_delete"]
        }
        _ => &["DROP TRIGGER events_refuse_change ON events"],
    };
    let rest = [
        format!("DELETE FROM events WHERE position > {position}"),
        format!(
            "UPDATE log_head SET position = {position}, \
             hash = (SELECT hash FROM events WHERE position = {position}), \
             recorded_at = (SELECT recorded_at FROM events WHERE position = {position})"
        ),
        format!("DELETE FROM log_checkpoints WHERE position > {position}"),
        format!("UPDATE checkpoints SET position = {position} WHERE generation > 0"),
        "DELETE FROM snapshots".to_owned(),
    ];
    for sql in drops.iter().copied().chain(rest.iter().map(String::as_str)) {
        database.writer().execute_unprepared(sql).await.unwrap();
    }
}
