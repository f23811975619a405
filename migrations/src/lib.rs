//! The migrations of every store, one module per subgraph, each with a `Migrator` of its own: the
//! event tables, which all stores share ([`events::migrations`]), and then its read models. The key
//! store ([`keyring`]) has neither log nor read models.
//!
//! A module adds itself like this, and never changes a migration that was released (expand, then
//! contract in a later release). Read-model tables carry `generation` in their primary key.
//!
//! ```
//! use sea_orm_migration::prelude::*;
//! use studio_migrations::{events, step};
//!
//! /// Migrates the store of the demo subgraph.
//! pub struct Migrator;
//!
//! #[async_trait::async_trait]
//! impl MigratorTrait for Migrator {
//!     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
//!         events::and_then(vec![step("demo_0001_doors", &[
//!             "CREATE TABLE doors (
//!                 generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
//!                 opened_at BIGINT NOT NULL, PRIMARY KEY (generation, tenant, id))",
//!         ])])
//!     }
//! }
//! ```

use sea_orm_migration::prelude::*;

pub mod ai;
pub mod controls;
pub mod documents;
pub mod events;
pub mod evidence;
pub mod identity;
pub mod keyring;

/// A migration that runs the same statements on SQLite and PostgreSQL. Types that both know:
/// `BIGINT` (integers, timestamps in microseconds, booleans as 0 and 1), `TEXT`,
/// `DOUBLE PRECISION`.
pub fn step(name: &'static str, statements: &'static [&'static str]) -> Box<dyn MigrationTrait> {
    Box::new(Step { name, sqlite: statements, postgres: statements })
}

/// A migration whose statements differ between SQLite and PostgreSQL.
pub fn step_by_backend(
    name: &'static str,
    sqlite: &'static [&'static str],
    postgres: &'static [&'static str],
) -> Box<dyn MigrationTrait> {
    Box::new(Step { name, sqlite, postgres })
}

struct Step {
    name: &'static str,
    sqlite: &'static [&'static str],
    postgres: &'static [&'static str],
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let connection = manager.get_connection();
        let statements = match connection.get_database_backend() {
            sea_orm::DbBackend::Sqlite => self.sqlite,
            _ => self.postgres,
        };
        for statement in statements {
            connection.execute_unprepared(statement).await?;
        }
        Ok(())
    }

    /// One transaction on both backends: a migration that was cut off leaves nothing behind.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
