//! The store of the documents subgraph.

use sea_orm_migration::prelude::*;

use crate::{events, step};

/// Migrates the store of the documents subgraph.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        events::and_then(vec![
            step("documents_0001_read_models", READ_MODELS),
            step("documents_0002_archived_projects", ARCHIVED_PROJECTS),
            step("documents_0003_data_classes", DATA_CLASSES),
        ])
    }
}

const READ_MODELS: &[&str] = &[
    "CREATE TABLE documents (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project TEXT NOT NULL, name TEXT NOT NULL, newest_number BIGINT NOT NULL,
        created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX documents_by_project ON documents (generation, tenant, project, id)",
    "CREATE TABLE document_versions (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        document TEXT NOT NULL, number BIGINT NOT NULL, media_type TEXT NOT NULL,
        sha256 TEXT NOT NULL, size BIGINT NOT NULL, stored_at BIGINT NOT NULL, uploaded_by TEXT,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE UNIQUE INDEX document_versions_by_number
        ON document_versions (generation, tenant, document, number)",
    "CREATE INDEX document_versions_by_hash ON document_versions (generation, tenant, sha256)",
    "CREATE TABLE document_controls (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, document TEXT NOT NULL,
        control TEXT NOT NULL, linked_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, document, control))",
    "CREATE INDEX document_controls_by_control
        ON document_controls (generation, tenant, control, document)",
    "CREATE TABLE document_projects (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
];

const ARCHIVED_PROJECTS: &[&str] =
    &["ALTER TABLE document_projects ADD COLUMN archived BIGINT NOT NULL DEFAULT 0"];

const DATA_CLASSES: &[&str] = &[
    "ALTER TABLE documents ADD COLUMN data_class TEXT NOT NULL DEFAULT 'internal'",
    "ALTER TABLE documents ADD COLUMN class_version BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE documents ADD COLUMN owner TEXT",
    "UPDATE documents SET owner = (SELECT v.uploaded_by FROM document_versions v
        WHERE v.generation = documents.generation AND v.tenant = documents.tenant
          AND v.document = documents.id AND v.number = 1)",
];
