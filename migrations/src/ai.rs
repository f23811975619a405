//! The store of the ai subgraph.

use sea_orm_migration::prelude::*;

use crate::{events, step};

/// Migrates the store of the ai subgraph.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        events::and_then(vec![
            step("ai_0001_read_models", READ_MODELS),
            step("ai_0002_data_classes", DATA_CLASSES),
        ])
    }
}

const READ_MODELS: &[&str] = &[
    "CREATE TABLE ai_documents (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, document TEXT NOT NULL,
        version TEXT NOT NULL, number BIGINT NOT NULL, name TEXT NOT NULL, project TEXT,
        media_type TEXT NOT NULL, sha256 TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, document))",
    "CREATE TABLE ai_answers (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        answer TEXT NOT NULL, answered_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
];

const DATA_CLASSES: &[&str] = &[
    "ALTER TABLE ai_documents ADD COLUMN data_class TEXT NOT NULL DEFAULT 'internal'",
    "ALTER TABLE ai_documents ADD COLUMN owner TEXT",
];
