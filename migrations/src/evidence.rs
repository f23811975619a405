//! The store of the evidence subgraph.

use sea_orm_migration::prelude::*;

use crate::{events, step};

/// Migrates the store of the evidence subgraph.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        events::and_then(vec![
            step("evidence_0001_read_models", READ_MODELS),
            step("evidence_0002_archived_projects", ARCHIVED_PROJECTS),
            step("evidence_0003_data_classes", DATA_CLASSES),
            step("evidence_0004_code_tests", CODE_TESTS),
        ])
    }
}

const READ_MODELS: &[&str] = &[
    "CREATE TABLE projects (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE TABLE ingest_runs (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project_id TEXT NOT NULL, evidence_id TEXT NOT NULL, evidence_version BIGINT NOT NULL,
        source TEXT NOT NULL, sha256 TEXT NOT NULL, size BIGINT NOT NULL, completed_at BIGINT,
        started_at BIGINT NOT NULL, uploaded_by TEXT, items BIGINT NOT NULL,
        new_count BIGINT NOT NULL, changed BIGINT NOT NULL, unchanged BIGINT NOT NULL,
        superseded BIGINT NOT NULL, gone BIGINT NOT NULL, refused BIGINT NOT NULL,
        refused_items TEXT NOT NULL, results_events BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE TABLE run_matchings (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, run_id TEXT NOT NULL,
        pages BIGINT NOT NULL, tests_added BIGINT NOT NULL, unmatched TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, run_id))",
    "CREATE TABLE evidence_items (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project_id TEXT NOT NULL, source TEXT NOT NULL, newest_version BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE TABLE evidence_versions (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, evidence_id TEXT NOT NULL,
        version BIGINT NOT NULL, run_id TEXT NOT NULL, sha256 TEXT NOT NULL,
        size BIGINT NOT NULL, recorded_at BIGINT NOT NULL, rejected_at BIGINT,
        rejected_reason TEXT,
        PRIMARY KEY (generation, tenant, evidence_id, version))",
    "CREATE TABLE findings (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project_id TEXT NOT NULL, uid TEXT NOT NULL, check_id TEXT NOT NULL,
        account TEXT NOT NULL, region TEXT NOT NULL, status TEXT NOT NULL,
        standing BIGINT NOT NULL, severity TEXT NOT NULL, message TEXT NOT NULL,
        asset_id TEXT NOT NULL, resource_uid TEXT NOT NULL, content BIGINT NOT NULL,
        first_seen BIGINT NOT NULL, last_seen BIGINT NOT NULL, last_run_id TEXT NOT NULL,
        present BIGINT NOT NULL, published_failing BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE TABLE assets (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project_id TEXT NOT NULL, uid TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
        account TEXT NOT NULL, region TEXT NOT NULL, first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE TABLE checks (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, project_id TEXT NOT NULL,
        check_id TEXT NOT NULL, title TEXT NOT NULL, severity TEXT NOT NULL,
        requirements TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, project_id, check_id))",
    "CREATE TABLE check_summaries (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, project_id TEXT NOT NULL,
        check_id TEXT NOT NULL, account TEXT NOT NULL, region TEXT NOT NULL,
        population BIGINT NOT NULL, passed BIGINT NOT NULL, failed BIGINT NOT NULL,
        unknown_count BIGINT NOT NULL, effective_from BIGINT NOT NULL,
        evidence_id TEXT NOT NULL, evidence_version BIGINT NOT NULL, run_id TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, project_id, check_id, account, region))",
    "CREATE TABLE control_checks (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, control_id TEXT NOT NULL,
        check_id TEXT NOT NULL, project_id TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, control_id, check_id))",
    "CREATE INDEX ingest_runs_by_project ON ingest_runs (generation, tenant, project_id, id)",
    "CREATE INDEX ingest_runs_unfinished ON ingest_runs (generation, completed_at)",
    "CREATE INDEX evidence_items_by_project ON evidence_items (generation, tenant, project_id, id)",
    "CREATE INDEX findings_by_check ON findings (generation, project_id, check_id, id)",
    "CREATE INDEX findings_by_asset ON findings (generation, asset_id)",
    "CREATE INDEX assets_by_project ON assets (generation, project_id, id)",
    "CREATE INDEX control_checks_by_check ON control_checks (generation, tenant, project_id, check_id)",
];

const ARCHIVED_PROJECTS: &[&str] =
    &["ALTER TABLE projects ADD COLUMN archived BIGINT NOT NULL DEFAULT 0"];

// Runs are rows of another projection, whose generation is its own.
const DATA_CLASSES: &[&str] = &[
    "ALTER TABLE evidence_items ADD COLUMN data_class TEXT NOT NULL DEFAULT 'internal'",
    "ALTER TABLE evidence_items ADD COLUMN class_version BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE evidence_items ADD COLUMN owner TEXT",
    "UPDATE evidence_items SET owner = (SELECT MAX(run.uploaded_by) FROM ingest_runs run
        WHERE run.tenant = evidence_items.tenant AND run.evidence_id = evidence_items.id
          AND run.evidence_version = 1)",
];

/// Rules, what they said last, and when the evidence was collected that they look at.
const CODE_TESTS: &[&str] = &[
    "ALTER TABLE evidence_versions ADD COLUMN collected_at BIGINT",
    "CREATE TABLE code_tests (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project_id TEXT NOT NULL, evidence_name TEXT NOT NULL, evaluated_rule BIGINT,
        evidence_id TEXT, evidence_version BIGINT, collected_at BIGINT, evaluated_at BIGINT,
        error TEXT, results TEXT,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX code_tests_by_name
        ON code_tests (generation, tenant, project_id, evidence_name, id)",
];
