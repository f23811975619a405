//! `studio verify` on servers changes nothing there, and needs no right to.

use std::{
    collections::{BTreeMap, HashMap},
    process::Command,
};

use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend, Statement};
use studio_stores::{
    blobs::Blobs,
    sql::{Database, SqlOptions},
};

use crate::{
    services::variable,
    support::{Installation, Shape, World, store},
    verify::{bucket, flip},
};

/// What there is in a database besides rows: by number, so that what was made anew shows, too.
const THINGS: &str = "SELECT md5(string_agg(thing, ',' ORDER BY thing)) FROM (
    SELECT concat_ws(' ', 'schema', oid, nspname) FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
    UNION ALL SELECT concat_ws(' ', 'relation', oid, relname, relfilenode) FROM pg_class
    UNION ALL SELECT concat_ws(' ', 'column', attrelid, attname, atttypid) FROM pg_attribute
    UNION ALL SELECT concat_ws(' ', 'constraint', oid) FROM pg_constraint
    UNION ALL SELECT concat_ws(' ', 'trigger', oid, tgenabled) FROM pg_trigger
    UNION ALL SELECT concat_ws(' ', 'function', oid, md5(prosrc)) FROM pg_proc) AS things (thing)";
/// Every table of an installation.
const TABLES: &str = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";

async fn texts(database: &Database, sql: &str) -> Vec<Option<String>> {
    let asked = Statement::from_string(DbBackend::Postgres, sql);
    let rows = database.writer().query_all_raw(asked).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

/// Everything in the database: by the name of each table which rows there are, where they lie and
/// which transaction wrote them, so that a row that was written again as it was shows, too.
async fn rows(database: &Database) -> BTreeMap<String, Option<String>> {
    let mut found = BTreeMap::new();
    for table in texts(database, TABLES).await.into_iter().flatten() {
        let all = format!(
            "SELECT md5(string_agg(concat_ws(' ', one.ctid, one.xmin, one), ',' ORDER BY one.ctid)) \
             FROM {table} one"
        );
        found.insert(table, texts(database, &all).await.remove(0));
    }
    found.insert("things".to_owned(), texts(database, THINGS).await.remove(0));
    found
}

/// Everything below the installation's prefix in the bucket: the objects with their instants, all their
/// versions, and uploads that were begun.
fn objects(settings: &HashMap<&str, String>) -> [String; 3] {
    let of = |name: &str| settings[&*format!("STUDIO_STORES__S3__{name}")].clone();
    let (address, prefix) = (format!("{}/{}", of("ENDPOINT"), of("BUCKET")), of("PREFIX"));
    ["list-type=2", "versions=", "uploads="].map(|what| {
        // As the signature orders them.
        let mut query = [format!("prefix={prefix}%2F"), what.to_owned()];
        query.sort();
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "--max-time", "10"])
            .args(["--aws-sigv4", "aws:amz:us-east-1:s3", "--user"])
            .arg(format!("{}:{}", of("ACCESS_KEY"), of("SECRET_KEY")))
            .arg(format!("{address}?{}", query.join("&")))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{what}: {said}");
        let listed = String::from_utf8(output.stdout).unwrap();
        assert!(listed.contains("<IsTruncated>false</IsTruncated>"), "{listed}");
        listed
    })
}

/// A role that may read what is in the installation's database and nothing else; gives its address.
async fn reader(database: &Database, sql: &str) -> String {
    let (server, name) = sql.rsplit_once('/').unwrap();
    let (_, host) = server.rsplit_once('@').unwrap();
    let role = format!("{name}_reader");
    let schemas = "SELECT nspname::text FROM pg_namespace
        WHERE nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'";
    let mut grants = vec![
        format!("CREATE ROLE {role} LOGIN"),
        format!("REVOKE ALL ON DATABASE {name} FROM PUBLIC"),
        format!("GRANT CONNECT ON DATABASE {name} TO {role}"),
    ];
    for schema in texts(database, schemas).await.into_iter().flatten() {
        grants.push(format!("REVOKE ALL ON SCHEMA {schema} FROM PUBLIC"));
        grants.push(format!("GRANT USAGE ON SCHEMA {schema} TO {role}"));
        grants.push(format!("GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {role}"));
    }
    for sql in grants {
        database.writer().execute_unprepared(&sql).await.unwrap();
    }
    format!("postgres://{role}@{host}/{name}")
}

/// Runs `studio verify` with these settings on top; it must find all well.
fn verify_with(installation: &Installation, settings: &[(&str, String)]) {
    let mut command = installation.command(&["verify"]);
    command.envs(settings.iter().map(|(name, value)| (name, value)));
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("evidence: 1 blobs as recorded, "), "{said}");
    assert!(said.contains("documents: 1 blobs as recorded, "), "{said}");
}

#[tokio::test]
async fn servers_are_as_they_were() {
    let Some(key) = variable("STUDIO_TEST_S3_READER_ACCESS_KEY") else { return };
    let Some(secret) = variable("STUDIO_TEST_S3_READER_SECRET_KEY") else { return };
    if variable("STUDIO_TEST_POSTGRES").is_none() {
        return;
    }
    let installation = Installation::of(Shape::OneProcess);
    let (server, client) = installation.set_up().await;
    World::make(&installation, &client).await;
    server.stop();
    let settings: HashMap<&str, String> = installation.settings().into_iter().collect();
    let sql = &settings["STUDIO_STORES__SQL"];
    let database = Database::connect(sql, SqlOptions::default()).await.unwrap();

    // With every right.
    let before = (rows(&database).await, objects(&settings));
    assert!(before.0.len() > 20 && before.1[0].matches("<Contents>").count() == 2, "{before:?}");
    verify_with(&installation, &[]);
    assert_eq!((rows(&database).await, objects(&settings)), before);

    // With the right to read alone; what it does not include is refused.
    let reads = [
        ("STUDIO_STORES__SQL", reader(&database, sql).await),
        ("STUDIO_STORES__S3__ACCESS_KEY", key),
        ("STUDIO_STORES__S3__SECRET_KEY", secret),
    ];
    let before = (rows(&database).await, objects(&settings));
    verify_with(&installation, &reads);
    assert_eq!((rows(&database).await, objects(&settings)), before);
    let restricted: HashMap<&str, String> = settings.clone().into_iter().chain(reads).collect();
    let as_reader = Database::connect(&restricted["STUDIO_STORES__SQL"], SqlOptions::default());
    let as_reader = as_reader.await.unwrap();
    for change in ["UPDATE evidence.log_head SET position = position", "CREATE TEMP TABLE t ()"] {
        let refused = as_reader.writer().execute_unprepared(change).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{refused}");
    }
    as_reader.close().await.unwrap();
    let spool = tempfile::tempdir().unwrap();
    let blobs = bucket(&restricted, "evidence", spool.path()).await;
    let blob = blobs.list(None, 2).await.unwrap()[0];
    assert!(blobs.delete(blob.tenant, blob.hash, None).await.is_err());

    // What is compared tells what is written, were it only the same once more.
    let evidence = store(&installation, "evidence").await;
    let again = "UPDATE checkpoints SET position = position";
    evidence.writer().execute_unprepared(again).await.unwrap();
    evidence.close().await.unwrap();
    flip(&bucket(&settings, "evidence", spool.path()).await, blob).await;
    let after = (rows(&database).await, objects(&settings));
    assert!(after.0["evidence.checkpoints"] != before.0["evidence.checkpoints"]);
    assert!(after.0["evidence.events"] == before.0["evidence.events"]);
    assert!(after.1[0] != before.1[0]);
    database.close().await.unwrap();
}
