//! The store of the identity subgraph.

use sea_orm_migration::prelude::*;

use crate::{events, step};

/// Migrates the store of the identity subgraph.
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        events::and_then(vec![
            step("identity_0001_people", PEOPLE),
            step("identity_0002_second_factors", SECOND_FACTORS),
            step("identity_0003_audit_log", AUDIT_LOG),
            step("identity_0004_audit_stream", AUDIT_STREAM),
            step("identity_0005_passkeys", PASSKEYS),
            step("identity_0006_roles_until", ROLES_UNTIL),
            step("identity_0007_verified_addresses", VERIFIED_ADDRESSES),
            step("identity_0008_logins", LOGINS),
            step("identity_0009_access_reviews", ACCESS_REVIEWS),
            step("identity_0010_api_keys", API_KEYS),
            step("identity_0011_oauth_clients", OAUTH_CLIENTS),
            step("identity_0012_origins", ORIGINS),
            step("identity_0013_directories", DIRECTORIES),
            step("identity_0014_apps", APPS),
            step("identity_0015_project_roles", PROJECT_ROLES),
            step("identity_0016_invitations", INVITATIONS),
            step("identity_0017_organization_states", ORGANIZATION_STATES),
            step("identity_0018_teams", TEAMS),
        ])
    }
}

// An e-mail address signs in to one account of the installation, so its hash is unique over all
// organizations. The column "user" is quoted: PostgreSQL reserves the word.
const PEOPLE: &[&str] = &[
    "CREATE TABLE identity_organizations (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        name TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant)
    )",
    "CREATE TABLE identity_users (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        email_hash TEXT,
        profile TEXT,
        password TEXT,
        roles TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        erased_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )",
    "CREATE UNIQUE INDEX identity_users_by_email ON identity_users (generation, email_hash)",
    r#"CREATE TABLE identity_sessions (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        "user" TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        refreshed_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        ended_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )"#,
    r#"CREATE INDEX identity_sessions_by_user ON identity_sessions (generation, tenant, "user", id)"#,
    "CREATE TABLE identity_set_up (
        generation BIGINT NOT NULL,
        id BIGINT NOT NULL CHECK (id = 1),
        tenant TEXT NOT NULL,
        completed_at BIGINT,
        PRIMARY KEY (generation, id)
    )",
];

// Sessions from before say nothing of how they began.
const SECOND_FACTORS: &[&str] = &[
    r#"CREATE TABLE identity_factors (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        "user" TEXT NOT NULL,
        confirmed_at BIGINT NOT NULL,
        used_at BIGINT NOT NULL,
        recovery_codes BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, "user")
    )"#,
    "ALTER TABLE identity_sessions ADD COLUMN methods TEXT NOT NULL DEFAULT ''",
];

const VERIFIED_ADDRESSES: &[&str] =
    &["ALTER TABLE identity_users ADD COLUMN email_verified_at BIGINT"];

// Whoever a provider calls so is one person of the installation.
const LOGINS: &[&str] = &[
    r#"CREATE TABLE identity_logins (
        generation BIGINT NOT NULL,
        subject_hash TEXT NOT NULL,
        tenant TEXT NOT NULL,
        "user" TEXT NOT NULL,
        provider TEXT NOT NULL,
        linked_at BIGINT NOT NULL,
        PRIMARY KEY (generation, subject_hash)
    )"#,
    r#"CREATE INDEX identity_logins_by_user ON identity_logins (generation, tenant, "user")"#,
];

// No read model of this store's log: it is filled from all of them, and has no generations. Whoever
// empties both tables has it filled again.
const AUDIT_LOG: &[&str] = &[
    "CREATE TABLE identity_audit_entries (
        log TEXT NOT NULL,
        position BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        event TEXT NOT NULL,
        recorded_at BIGINT NOT NULL,
        action TEXT NOT NULL,
        outcome TEXT NOT NULL,
        times BIGINT NOT NULL,
        target_kind TEXT NOT NULL,
        target TEXT NOT NULL,
        actor TEXT NOT NULL,
        session TEXT,
        roles TEXT NOT NULL,
        request TEXT,
        cause TEXT,
        shown TEXT NOT NULL,
        PRIMARY KEY (log, position)
    )",
    "CREATE INDEX identity_audit_entries_by_time
        ON identity_audit_entries (tenant, recorded_at, log, position)",
    "CREATE INDEX identity_audit_entries_by_actor
        ON identity_audit_entries (tenant, actor, recorded_at, log, position)",
    "CREATE INDEX identity_audit_entries_by_target
        ON identity_audit_entries (tenant, target, recorded_at, log, position)",
    "CREATE TABLE identity_audit_positions (
        log TEXT NOT NULL PRIMARY KEY,
        position BIGINT NOT NULL
    )",
];

const AUDIT_STREAM: &[&str] = &["CREATE TABLE identity_audit_sent (
        log TEXT NOT NULL PRIMARY KEY,
        position BIGINT NOT NULL
    )"];
// Second factors from before are apps. A credential id is of one account of the installation, so its hash
// is unique over all organizations.
const PASSKEYS: &[&str] = &[
    "ALTER TABLE identity_factors ADD COLUMN app BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE identity_factors ADD COLUMN passkeys BIGINT NOT NULL DEFAULT 0",
    r#"CREATE TABLE identity_passkeys (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        "user" TEXT NOT NULL,
        credential_hash TEXT NOT NULL,
        credential TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        used_at BIGINT,
        copied_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )"#,
    "CREATE UNIQUE INDEX identity_passkeys_by_credential
        ON identity_passkeys (generation, credential_hash)",
    r#"CREATE INDEX identity_passkeys_by_user ON identity_passkeys (generation, tenant, "user", id)"#,
];

const ROLES_UNTIL: &[&str] =
    &["ALTER TABLE identity_users ADD COLUMN roles_until TEXT NOT NULL DEFAULT ''"];

const ACCESS_REVIEWS: &[&str] = &["CREATE TABLE identity_access_reviews (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        title TEXT NOT NULL,
        started_by TEXT NOT NULL,
        started_at BIGINT NOT NULL,
        completed_by TEXT,
        completed_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )"];

// When a key was last used is in no log, and has no generations.
const API_KEYS: &[&str] = &[
    r#"CREATE TABLE identity_api_keys (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        "user" TEXT NOT NULL,
        name TEXT NOT NULL,
        scopes TEXT NOT NULL,
        secret_hash TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        revoked_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )"#,
    r#"CREATE INDEX identity_api_keys_by_user ON identity_api_keys (generation, tenant, "user", id)"#,
    "CREATE TABLE identity_api_key_uses (
        tenant TEXT NOT NULL,
        key TEXT NOT NULL,
        used_at BIGINT NOT NULL,
        PRIMARY KEY (tenant, key)
    )",
    "ALTER TABLE identity_audit_entries ADD COLUMN credential TEXT",
];

// What was recorded before says neither.
const ORIGINS: &[&str] = &[
    "ALTER TABLE identity_audit_entries ADD COLUMN state TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE identity_audit_entries ADD COLUMN origin TEXT",
    "ALTER TABLE identity_sessions ADD COLUMN origin TEXT",
];

const ORGANIZATION_STATES: &[&str] =
    &["ALTER TABLE identity_organizations ADD COLUMN state TEXT NOT NULL DEFAULT 'active'"];

const PROJECT_ROLES: &[&str] =
    &["ALTER TABLE identity_users ADD COLUMN project_roles TEXT NOT NULL DEFAULT ''"];

const TEAMS: &[&str] = &[
    "ALTER TABLE identity_users ADD COLUMN team_roles TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE identity_teams (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        roles TEXT NOT NULL,
        version BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id)
    )",
    "CREATE UNIQUE INDEX identity_teams_by_name ON identity_teams (generation, tenant, name_key)",
    r#"CREATE TABLE identity_team_members (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        team TEXT NOT NULL,
        "user" TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, team, "user")
    )"#,
    r#"CREATE INDEX identity_team_members_by_user
        ON identity_team_members (generation, tenant, "user")"#,
];

const INVITATIONS: &[&str] = &[
    "CREATE TABLE identity_invitations (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        email_hash TEXT,
        email TEXT,
        roles TEXT NOT NULL,
        project TEXT,
        roles_until BIGINT,
        invited_by TEXT NOT NULL,
        invited_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        mailed_at BIGINT,
        accepted_at BIGINT,
        revoked_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )",
    "CREATE INDEX identity_invitations_by_email
        ON identity_invitations (generation, tenant, email_hash)",
];

const OAUTH_CLIENTS: &[&str] = &[
    "CREATE TABLE identity_oauth_clients (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        name TEXT NOT NULL,
        roles TEXT NOT NULL,
        scopes TEXT NOT NULL,
        secret_hash TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        revoked_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )",
    "CREATE TABLE identity_revoked_tokens (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        expires_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id)
    )",
];

// A directory knows a person by one name, and a group by one name. When its token was last used stands with
// the uses of keys.
const DIRECTORIES: &[&str] = &[
    "ALTER TABLE identity_users ADD COLUMN suspended_at BIGINT",
    "CREATE TABLE identity_directories (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        version BIGINT NOT NULL,
        name TEXT NOT NULL,
        settings TEXT NOT NULL,
        secret_hash TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        expires_at BIGINT,
        disconnected_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )",
    r#"CREATE TABLE identity_directory_people (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        "user" TEXT NOT NULL,
        directory TEXT NOT NULL,
        user_name_hash TEXT NOT NULL,
        external_id_hash TEXT,
        record TEXT NOT NULL,
        active BIGINT NOT NULL,
        version BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        modified_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, "user")
    )"#,
    "CREATE UNIQUE INDEX identity_directory_people_by_name
        ON identity_directory_people (generation, tenant, directory, user_name_hash)",
    "CREATE INDEX identity_directory_people_by_external_id
        ON identity_directory_people (generation, tenant, directory, external_id_hash)",
    r#"CREATE INDEX identity_directory_people_by_directory
        ON identity_directory_people (generation, tenant, directory, "user")"#,
    "CREATE TABLE identity_directory_groups (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        directory TEXT NOT NULL,
        display_name TEXT NOT NULL,
        name_key TEXT NOT NULL,
        external_id TEXT,
        version BIGINT NOT NULL,
        created_at BIGINT NOT NULL,
        modified_at BIGINT NOT NULL,
        PRIMARY KEY (generation, tenant, id)
    )",
    "CREATE UNIQUE INDEX identity_directory_groups_by_name
        ON identity_directory_groups (generation, tenant, directory, name_key)",
    r#"CREATE TABLE identity_directory_members (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        "group" TEXT NOT NULL,
        "user" TEXT NOT NULL,
        PRIMARY KEY (generation, tenant, "group", "user")
    )"#,
    r#"CREATE INDEX identity_directory_members_by_user
        ON identity_directory_members (generation, tenant, "user")"#,
];

// Programs from before sign in by themselves.
const APPS: &[&str] = &[
    "ALTER TABLE identity_oauth_clients
        ADD COLUMN grant_types TEXT NOT NULL DEFAULT 'client_credentials'",
    "ALTER TABLE identity_oauth_clients ADD COLUMN redirect_uris TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE identity_oauth_clients ADD COLUMN created_by TEXT",
    r#"CREATE TABLE identity_app_grants (
        generation BIGINT NOT NULL,
        tenant TEXT NOT NULL,
        id TEXT NOT NULL,
        "user" TEXT NOT NULL,
        client TEXT NOT NULL,
        reach TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        used_at BIGINT,
        expires_at BIGINT NOT NULL,
        ended_at BIGINT,
        PRIMARY KEY (generation, tenant, id)
    )"#,
    r#"CREATE INDEX identity_app_grants_by_user
        ON identity_app_grants (generation, tenant, "user", client, id)"#,
    "CREATE INDEX identity_app_grants_by_client
        ON identity_app_grants (generation, tenant, client, id)",
];
