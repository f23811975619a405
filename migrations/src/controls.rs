//! The store of the controls subgraph: its read models. Booleans are 0 and 1; instants are
//! microseconds since the epoch; `ordinal` orders rows as they came into being.

use sea_orm_migration::prelude::*;

use crate::{events, step, step_by_backend};

/// Migrates the store of the controls subgraph.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        events::and_then(vec![
            step("controls_0001_read_models", READ_MODELS),
            step("controls_0002_project_life", PROJECT_LIFE),
            step("controls_0003_departures", DEPARTURES),
            step("controls_0004_score_history", SCORE_HISTORY),
            step("controls_0005_model_snapshots", MODEL_SNAPSHOTS),
            step("controls_0006_score_watches", SCORE_WATCHES),
            step("controls_0007_test_rules", TEST_RULES),
            step("controls_0008_test_results", TEST_RESULTS),
            step("controls_0009_control_life", CONTROL_LIFE),
            step_by_backend("controls_0010_sort_keys", SORT_KEYS, SORT_KEYS_POSTGRES),
        ])
    }
}

const READ_MODELS: &[&str] = &[
    "CREATE TABLE controls_projects (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        name TEXT NOT NULL, created_by TEXT, created_at BIGINT NOT NULL, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_projects_order ON controls_projects (generation, tenant, ordinal)",
    "CREATE TABLE controls_frameworks (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        sha256 TEXT NOT NULL, family TEXT NOT NULL, name TEXT NOT NULL, version TEXT NOT NULL,
        publisher TEXT, notice TEXT, requirement_count BIGINT NOT NULL,
        imported_at BIGINT NOT NULL, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_frameworks_order ON controls_frameworks (generation, tenant, ordinal)",
    "CREATE INDEX controls_frameworks_sha ON controls_frameworks (generation, tenant, sha256)",
    "CREATE TABLE controls_requirements (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        framework TEXT NOT NULL, code TEXT NOT NULL, label TEXT NOT NULL, title TEXT NOT NULL,
        body TEXT NOT NULL, group_title TEXT NOT NULL, importance TEXT NOT NULL,
        ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_requirements_order
        ON controls_requirements (generation, tenant, framework, ordinal)",
    "CREATE TABLE controls_adoptions (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, project TEXT NOT NULL,
        framework TEXT NOT NULL, adopted_at BIGINT NOT NULL, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, project, framework))",
    "CREATE INDEX controls_adoptions_framework
        ON controls_adoptions (generation, tenant, framework, ordinal)",
    "CREATE TABLE controls_controls (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project TEXT NOT NULL, code TEXT NOT NULL, title TEXT NOT NULL, description TEXT NOT NULL,
        implementation TEXT NOT NULL, owner TEXT, retired BIGINT NOT NULL,
        version BIGINT NOT NULL, created_at BIGINT NOT NULL, updated_at BIGINT NOT NULL,
        ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_controls_order
        ON controls_controls (generation, tenant, project, ordinal)",
    "CREATE TABLE controls_members (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, project TEXT NOT NULL,
        requirement TEXT NOT NULL, control TEXT NOT NULL, any_of TEXT NOT NULL,
        share BIGINT NOT NULL, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, project, requirement, control, any_of))",
    "CREATE INDEX controls_members_control
        ON controls_members (generation, tenant, control, ordinal)",
    "CREATE TABLE controls_tests (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project TEXT NOT NULL, control TEXT NOT NULL, title TEXT NOT NULL, check_id TEXT,
        weight BIGINT NOT NULL, is_key BIGINT NOT NULL, validity_days BIGINT NOT NULL,
        created_at BIGINT NOT NULL, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_tests_order ON controls_tests (generation, tenant, control, ordinal)",
    "CREATE TABLE controls_dependencies (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project TEXT NOT NULL, control TEXT NOT NULL, depends_on TEXT NOT NULL,
        strength TEXT NOT NULL, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_dependencies_control
        ON controls_dependencies (generation, tenant, control, ordinal)",
    "CREATE INDEX controls_dependencies_on
        ON controls_dependencies (generation, tenant, depends_on, ordinal)",
    "CREATE TABLE controls_scores (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, project TEXT NOT NULL,
        framework TEXT NOT NULL, position BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, project, framework))",
    "CREATE TABLE controls_evidence_uses (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, evidence TEXT NOT NULL,
        project TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, evidence, project))",
];

const PROJECT_LIFE: &[&str] = &[
    "ALTER TABLE controls_projects ADD COLUMN name_key TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE controls_projects ADD COLUMN version BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE controls_projects ADD COLUMN archived_at BIGINT",
    "CREATE INDEX controls_projects_name ON controls_projects (generation, tenant, name_key)",
];

/// What departs from the rule, by the decision of people.
const DEPARTURES: &[&str] = &[
    "CREATE TABLE controls_reviews (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        kind TEXT NOT NULL, project TEXT NOT NULL, requirement TEXT, terms TEXT,
        reason TEXT NOT NULL, state TEXT NOT NULL, version BIGINT NOT NULL,
        proposed_by TEXT NOT NULL, proposed_at BIGINT NOT NULL,
        decided_by TEXT, decided_at BIGINT, decision_reason TEXT,
        ended_by TEXT, ended_at BIGINT, end_reason TEXT, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_reviews_order
        ON controls_reviews (generation, tenant, project, kind, ordinal)",
    "CREATE TABLE controls_nonconformities (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project TEXT NOT NULL, control TEXT NOT NULL, grade TEXT NOT NULL,
        description TEXT NOT NULL, observed TEXT NOT NULL, evidence TEXT,
        state TEXT NOT NULL, version BIGINT NOT NULL, opened_by TEXT, opened_at BIGINT NOT NULL,
        correction TEXT, corrected_by TEXT, corrected_at BIGINT,
        rejection TEXT, rejected_by TEXT, rejected_at BIGINT,
        verification TEXT, verified_by TEXT, closed_at BIGINT, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_nonconformities_order
        ON controls_nonconformities (generation, tenant, project, ordinal)",
    "CREATE INDEX controls_nonconformities_control
        ON controls_nonconformities (generation, tenant, control, ordinal)",
];

// The primary key leads to what was live at an instant: the last row that is not after it.
const SCORE_HISTORY: &[&str] = &["CREATE TABLE controls_score_history (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, project TEXT NOT NULL,
        framework TEXT NOT NULL, at BIGINT NOT NULL, position BIGINT NOT NULL,
        numbers TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, project, framework, at, position))"];

const MODEL_SNAPSHOTS: &[&str] = &["CREATE TABLE controls_model_snapshots (
        tenant TEXT NOT NULL, project TEXT NOT NULL, version BIGINT NOT NULL,
        position BIGINT NOT NULL, hash TEXT NOT NULL, horizon BIGINT, state_version BIGINT NOT NULL,
        state TEXT NOT NULL,
        PRIMARY KEY (tenant, project, version))"];

/// What scores are watched for.
const SCORE_WATCHES: &[&str] = &[
    "CREATE TABLE controls_score_targets (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, project TEXT NOT NULL,
        framework TEXT NOT NULL, terms TEXT NOT NULL, version BIGINT NOT NULL,
        set_by TEXT, set_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, project, framework))",
    "CREATE TABLE controls_score_alerts (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project TEXT NOT NULL, framework TEXT NOT NULL, terms TEXT NOT NULL,
        version BIGINT NOT NULL, created_by TEXT, created_at BIGINT NOT NULL,
        state TEXT NOT NULL, raising BIGINT NOT NULL, raised_position BIGINT,
        cleared_at BIGINT, acknowledged BIGINT NOT NULL,
        acknowledged_by TEXT, acknowledged_at BIGINT, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_score_alerts_order
        ON controls_score_alerts (generation, tenant, project, ordinal)",
];

/// Tests as code.
const TEST_RULES: &[&str] = &[
    "ALTER TABLE controls_tests ADD COLUMN rule_version BIGINT",
    "CREATE TABLE controls_test_rules (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project TEXT NOT NULL, test TEXT NOT NULL, version BIGINT NOT NULL,
        evidence_name TEXT NOT NULL, source TEXT NOT NULL, cases TEXT NOT NULL,
        written_by TEXT, written_at BIGINT NOT NULL, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_test_rules_order
        ON controls_test_rules (generation, tenant, test, ordinal)",
];

/// Tests that change and end, and what comes out of those done by hand.
const TEST_RESULTS: &[&str] = &[
    "ALTER TABLE controls_tests ADD COLUMN method TEXT",
    "ALTER TABLE controls_tests ADD COLUMN procedure TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE controls_tests ADD COLUMN sign_off BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE controls_tests ADD COLUMN version BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE controls_tests ADD COLUMN retired_at BIGINT",
    "ALTER TABLE controls_tests ADD COLUMN retirement TEXT",
    "CREATE TABLE controls_test_results (
        generation BIGINT NOT NULL, tenant TEXT NOT NULL, id TEXT NOT NULL,
        project TEXT NOT NULL, test TEXT NOT NULL, outcome TEXT NOT NULL, note TEXT,
        evidence TEXT NOT NULL, effective_from BIGINT NOT NULL, effective_to BIGINT,
        state TEXT NOT NULL, version BIGINT NOT NULL,
        recorded_by TEXT, recorded_at BIGINT NOT NULL,
        decided_by TEXT, decided_at BIGINT, rejection TEXT, ordinal BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id))",
    "CREATE INDEX controls_test_results_order
        ON controls_test_results (generation, tenant, test, ordinal)",
    "CREATE INDEX controls_test_results_state
        ON controls_test_results (generation, tenant, project, state, ordinal)",
];

/// What is said of controls besides, and the keys that they are found and sorted by.
const CONTROL_LIFE: &[&str] = &[
    "ALTER TABLE controls_controls ADD COLUMN scope TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE controls_controls ADD COLUMN review_every_days BIGINT",
    "ALTER TABLE controls_controls ADD COLUMN reviewed_at BIGINT",
    "ALTER TABLE controls_controls ADD COLUMN reviewed_by TEXT",
    "ALTER TABLE controls_controls ADD COLUMN review_note TEXT",
    "ALTER TABLE controls_controls ADD COLUMN next_review_at BIGINT",
    "ALTER TABLE controls_controls ADD COLUMN search_text TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX controls_controls_updated
        ON controls_controls (generation, tenant, project, updated_at, ordinal)",
    "CREATE INDEX controls_controls_review
        ON controls_controls (generation, tenant, project, next_review_at)",
];

const SORT_KEYS: &[&str] = &[
    "ALTER TABLE controls_controls ADD COLUMN code_key TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE controls_controls ADD COLUMN title_key TEXT NOT NULL DEFAULT ''",
    "CREATE INDEX controls_controls_code
        ON controls_controls (generation, tenant, project, code_key, ordinal)",
    "CREATE INDEX controls_controls_title
        ON controls_controls (generation, tenant, project, title_key, ordinal)",
];

// By their bytes, as SQLite sorts: the collation of a server would sort otherwise.
const SORT_KEYS_POSTGRES: &[&str] = &[
    "ALTER TABLE controls_controls ADD COLUMN code_key TEXT COLLATE \"C\" NOT NULL DEFAULT ''",
    "ALTER TABLE controls_controls ADD COLUMN title_key TEXT COLLATE \"C\" NOT NULL DEFAULT ''",
    "CREATE INDEX controls_controls_code
        ON controls_controls (generation, tenant, project, code_key, ordinal)",
    "CREATE INDEX controls_controls_title
        ON controls_controls (generation, tenant, project, title_key, ordinal)",
];
