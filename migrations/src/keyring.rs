//! The table of the key store: wrapped keys, and the fact that one was destroyed.
//!
//! The database itself holds that a destroyed key stays destroyed and that no key is deleted, as a
//! key that is missing would be made anew. What a destroyed key was wrapped as is overwritten soon:
//! PostgreSQL vacuums the table at each change, SQLite overwrites it when it is told to.

use sea_orm_migration::prelude::*;

use crate::step_by_backend;

/// Migrates the key store.
pub struct Migrator;

const TABLE: &str = "CREATE TABLE keys (
    name TEXT NOT NULL PRIMARY KEY,
    created_at BIGINT NOT NULL,
    master TEXT,
    wrapped TEXT,
    destroyed_at BIGINT,
    CHECK ((master IS NULL) = (destroyed_at IS NOT NULL)),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL)))";
const DESTROYED: &str =
    "CREATE INDEX keys_destroyed ON keys (destroyed_at) WHERE destroyed_at IS NOT NULL";

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![step_by_backend(
            "keyring_0001_keys",
            &[
                TABLE,
                DESTROYED,
                "CREATE TRIGGER keys_stay_destroyed BEFORE UPDATE ON keys
                    WHEN OLD.destroyed_at IS NOT NULL
                    BEGIN SELECT RAISE(ABORT, 'a destroyed key stays destroyed'); END",
                "CREATE TRIGGER keys_refuse_delete BEFORE DELETE ON keys
                    BEGIN SELECT RAISE(ABORT, 'keys are destroyed, never deleted'); END",
            ],
            &[
                TABLE,
                DESTROYED,
                "ALTER TABLE keys SET (
                    autovacuum_vacuum_threshold = 0, autovacuum_vacuum_scale_factor = 0)",
                "CREATE FUNCTION keys_refuse_change() RETURNS trigger LANGUAGE plpgsql AS
                    $$ BEGIN RAISE EXCEPTION
                        'a destroyed key stays destroyed, and no key is deleted'; END $$",
                "CREATE TRIGGER keys_stay_destroyed BEFORE UPDATE ON keys FOR EACH ROW
                    WHEN (OLD.destroyed_at IS NOT NULL) EXECUTE FUNCTION keys_refuse_change()",
                "CREATE TRIGGER keys_refuse_delete BEFORE DELETE OR TRUNCATE ON keys
                    FOR EACH STATEMENT EXECUTE FUNCTION keys_refuse_change()",
            ],
        )]
    }
}
