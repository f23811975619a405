//! The tables of the event store, the same in every store (DESIGN section 3). Events can be added
//! and never changed or removed: triggers refuse it.

use sea_orm_migration::prelude::*;

use crate::{step, step_by_backend};

/// The event tables alone.
pub fn migrations() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        step_by_backend("events_0001_log", SQLITE_LOG, POSTGRES_LOG),
        step_by_backend("events_0002_leases", SQLITE_LEASES, POSTGRES_LEASES),
        step("events_0003_redrive", REDRIVE),
        step_by_backend("events_0004_tree", SQLITE_TREE, POSTGRES_TREE),
    ]
}

/// The event tables, and then a store's own migrations.
pub fn and_then(own: Vec<Box<dyn MigrationTrait>>) -> Vec<Box<dyn MigrationTrait>> {
    let mut all = migrations();
    all.extend(own);
    all
}

/// Migrates a store that holds nothing but the event tables.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        migrations()
    }
}

// `INTEGER PRIMARY KEY` is SQLite's row id: a position costs no index of its own, and the index by
// tenant ends in it.
const SQLITE_LOG: &[&str] = &[
    "CREATE TABLE events (
        position INTEGER PRIMARY KEY,
        event_id TEXT NOT NULL,
        tenant TEXT NOT NULL,
        stream_type TEXT NOT NULL,
        stream_id TEXT NOT NULL,
        stream_version BIGINT NOT NULL,
        type TEXT NOT NULL,
        schema_version BIGINT NOT NULL,
        payload TEXT NOT NULL,
        metadata TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        prev_hash BLOB NOT NULL,
        hash BLOB NOT NULL
    )",
    "CREATE UNIQUE INDEX events_by_id ON events (event_id)",
    "CREATE UNIQUE INDEX events_by_stream
        ON events (tenant, stream_type, stream_id, stream_version)",
    "CREATE INDEX events_by_tenant ON events (tenant)",
    "CREATE INDEX events_by_time ON events (recorded_at)",
    "CREATE TRIGGER events_refuse_update BEFORE UPDATE ON events
        BEGIN SELECT RAISE(ABORT, 'recorded events are never changed'); END",
    "CREATE TRIGGER events_refuse_delete BEFORE DELETE ON events
        BEGIN SELECT RAISE(ABORT, 'recorded events are never deleted'); END",
    "CREATE TABLE log_head (
        id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
        position BIGINT NOT NULL,
        hash BLOB NOT NULL,
        recorded_at BIGINT NOT NULL
    )",
    "INSERT INTO log_head (id, position, hash, recorded_at) VALUES (1, 0, zeroblob(32), 0)",
    "CREATE TABLE snapshots (
        tenant TEXT NOT NULL,
        stream_type TEXT NOT NULL,
        stream_id TEXT NOT NULL,
        stream_version BIGINT NOT NULL,
        state_version BIGINT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (tenant, stream_type, stream_id)
    )",
    "CREATE TABLE checkpoints (
        projection TEXT NOT NULL,
        generation BIGINT NOT NULL,
        position BIGINT NOT NULL,
        version BIGINT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('current', 'building', 'retired')),
        PRIMARY KEY (projection, generation)
    )",
    "CREATE TABLE dead_letters (
        consumer TEXT NOT NULL,
        source TEXT NOT NULL,
        position BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        error TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL,
        PRIMARY KEY (consumer, position)
    )",
    "CREATE TABLE log_checkpoints (
        position INTEGER PRIMARY KEY,
        hash BLOB NOT NULL,
        signed_at BIGINT NOT NULL,
        public_key BLOB NOT NULL,
        signature BLOB NOT NULL
    )",
];

// The names in streams and ids are compared as bytes (`COLLATE "C"`), as SQLite does.
const POSTGRES_LOG: &[&str] = &[
    r#"CREATE TABLE events (
        position BIGINT PRIMARY KEY,
        event_id TEXT COLLATE "C" NOT NULL,
        tenant TEXT COLLATE "C" NOT NULL,
        stream_type TEXT COLLATE "C" NOT NULL,
        stream_id TEXT COLLATE "C" NOT NULL,
        stream_version BIGINT NOT NULL,
        type TEXT COLLATE "C" NOT NULL,
        schema_version BIGINT NOT NULL,
        payload TEXT NOT NULL,
        metadata TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        prev_hash BYTEA NOT NULL,
        hash BYTEA NOT NULL
    )"#,
    "CREATE UNIQUE INDEX events_by_id ON events (event_id)",
    "CREATE UNIQUE INDEX events_by_stream
        ON events (tenant, stream_type, stream_id, stream_version)",
    "CREATE INDEX events_by_tenant ON events (tenant, position)",
    "CREATE INDEX events_by_time ON events (recorded_at, position)",
    "CREATE FUNCTION events_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'recorded events are never changed or deleted'; END $$",
    "CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON events
        FOR EACH STATEMENT EXECUTE FUNCTION events_refuse_change()",
    "CREATE TABLE log_head (
        id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
        position BIGINT NOT NULL,
        hash BYTEA NOT NULL,
        recorded_at BIGINT NOT NULL
    )",
    r"INSERT INTO log_head (id, position, hash, recorded_at)
        VALUES (1, 0, decode(repeat('00', 32), 'hex'), 0)",
    r#"CREATE TABLE snapshots (
        tenant TEXT COLLATE "C" NOT NULL,
        stream_type TEXT COLLATE "C" NOT NULL,
        stream_id TEXT COLLATE "C" NOT NULL,
        stream_version BIGINT NOT NULL,
        state_version BIGINT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (tenant, stream_type, stream_id)
    )"#,
    "CREATE TABLE checkpoints (
        projection TEXT NOT NULL,
        generation BIGINT NOT NULL,
        position BIGINT NOT NULL,
        version BIGINT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('current', 'building', 'retired')),
        PRIMARY KEY (projection, generation)
    )",
    "CREATE TABLE dead_letters (
        consumer TEXT NOT NULL,
        source TEXT NOT NULL,
        position BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        error TEXT NOT NULL,
        attempts BIGINT NOT NULL,
        recorded_at BIGINT NOT NULL,
        PRIMARY KEY (consumer, position)
    )",
    "CREATE TABLE log_checkpoints (
        position BIGINT PRIMARY KEY,
        hash BYTEA NOT NULL,
        signed_at BIGINT NOT NULL,
        public_key BYTEA NOT NULL,
        signature BYTEA NOT NULL
    )",
];

// Times are microseconds: `ttl` for how long a lease is taken, `expires_at` by the database's clock.
const SQLITE_LEASES: &[&str] = &["CREATE TABLE leases (
        name TEXT NOT NULL PRIMARY KEY,
        holder TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        ttl BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )"];

const POSTGRES_LEASES: &[&str] = &[r#"CREATE TABLE leases (
        name TEXT COLLATE "C" NOT NULL PRIMARY KEY,
        holder TEXT NOT NULL,
        epoch BIGINT NOT NULL,
        ttl BIGINT NOT NULL,
        expires_at BIGINT NOT NULL
    )"#];

// 1 where somebody wants the consumer to take the event again.
const REDRIVE: &[&str] = &["ALTER TABLE dead_letters ADD COLUMN redrive BIGINT NOT NULL DEFAULT 0"];

// The Merkle tree over the log, at every eighth level, and the heads of it that were signed.
const SQLITE_TREE: &[&str] = &[
    "CREATE TABLE log_tree (
        level BIGINT NOT NULL,
        idx BIGINT NOT NULL,
        hash BLOB NOT NULL,
        PRIMARY KEY (level, idx)
    ) WITHOUT ROWID",
    "CREATE TABLE log_tree_heads (
        size INTEGER PRIMARY KEY,
        public_key BLOB NOT NULL,
        note TEXT NOT NULL
    )",
];

const POSTGRES_TREE: &[&str] = &[
    "CREATE TABLE log_tree (
        level BIGINT NOT NULL,
        idx BIGINT NOT NULL,
        hash BYTEA NOT NULL,
        PRIMARY KEY (level, idx)
    )",
    "CREATE TABLE log_tree_heads (
        size BIGINT PRIMARY KEY,
        public_key BYTEA NOT NULL,
        note TEXT NOT NULL
    )",
];
