//! The shapes in which the same product runs, and the servers that two of them need.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use sea_orm_migration::sea_orm::ConnectionTrait;
use studio_stores::sql::{Database, SqlOptions};

/// How an installation runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One process, everything in its data folder.
    Embedded,
    /// One process, everything on servers.
    OneProcess,
    /// Routers, subgraphs and workers as processes of their own, two of each, on the same servers.
    Cluster,
}

impl Shape {
    /// The one that `STUDIO_TEST_SHAPE` names; embedded where it is unset.
    pub(crate) fn chosen() -> Self {
        match std::env::var("STUDIO_TEST_SHAPE").as_deref() {
            Err(_) | Ok("embedded") => Self::Embedded,
            Ok("one-process") => Self::OneProcess,
            Ok("cluster") => Self::Cluster,
            Ok(other) => panic!("STUDIO_TEST_SHAPE is {other}: embedded, one-process or cluster"),
        }
    }
}

/// What an installation has on the servers: a database of its own, and its own names on the others.
pub(crate) struct Stores {
    name: String,
    pub(super) sql: String,
}

impl Stores {
    /// On the servers of the environment.
    pub(crate) fn empty() -> Self {
        Self::in_database_of(required("STUDIO_TEST_POSTGRES"))
    }

    /// Makes the database on this PostgreSQL; the rest is as in the environment.
    pub(crate) fn in_database_of(server: String) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let name = format!("studio_{}_{number}", std::process::id());
        let (base, _) = server.rsplit_once('/').unwrap();
        let sql = format!("{base}/{name}");
        let create = format!("CREATE DATABASE {name}");
        // The caller may stand in a runtime, where nothing can be waited for.
        let made = std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            runtime.block_on(async {
                let database = Database::connect(&server, SqlOptions::default()).await.unwrap();
                database.writer().execute_unprepared(&create).await.unwrap();
                database.close().await.unwrap();
            });
        });
        made.join().unwrap();
        Self { name, sql }
    }

    /// The same with a standby, which may become the primary, at `HOST:PORT`.
    #[allow(dead_code, reason = "the tests of faults, which need real servers, use it")]
    pub(crate) fn with_standby(mut self, host: &str) -> Self {
        let (base, database) = self.sql.rsplit_once('/').unwrap();
        self.sql = format!("{base},{host}/{database}");
        self
    }

    /// The same database on this server, which is a copy of the one that it was made on.
    #[allow(dead_code, reason = "the tests of a standby, which need real servers, use it")]
    pub(crate) fn at(&self, server: &str) -> String {
        let (base, _) = server.rsplit_once('/').unwrap();
        format!("{base}/{}", self.name)
    }

    /// Its own name on the servers.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The settings that point to them.
    pub(crate) fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("STUDIO_STORES__SQL", self.sql.clone()),
            ("STUDIO_STORES__SQL_CONNECTIONS", "4".to_owned()),
            ("STUDIO_MASTER_KEY", MASTER_KEY.to_owned()),
        ];
        // Servers that a run has not started are left out; `make test-real` starts all of them.
        if let Ok(redis) = std::env::var("STUDIO_TEST_REDIS") {
            settings.push(("STUDIO_STORES__REDIS", redis));
            settings.push(("STUDIO_STORES__REDIS_PREFIX", self.name.clone()));
        }
        if let Ok(bolt) = std::env::var("STUDIO_TEST_BOLT") {
            settings.push(("STUDIO_STORES__GRAPH", format!("{bolt}?name={}", self.name)));
        }
        if let Ok(endpoint) = std::env::var("STUDIO_TEST_S3_ENDPOINT") {
            settings.extend([
                ("STUDIO_STORES__BLOBS", "s3".to_owned()),
                ("STUDIO_STORES__S3__ENDPOINT", endpoint),
                ("STUDIO_STORES__S3__BUCKET", required("STUDIO_TEST_S3_BUCKET")),
                ("STUDIO_STORES__S3__PREFIX", self.name.clone()),
                ("STUDIO_STORES__S3__ACCESS_KEY", required("STUDIO_TEST_S3_ACCESS_KEY")),
                ("STUDIO_STORES__S3__SECRET_KEY", required("STUDIO_TEST_S3_SECRET_KEY")),
            ]);
        }
        settings
    }
}

/// 32 bytes, as good for tests as any.
pub(crate) const MASTER_KEY: &str = "c3R1ZGlvLXRlc3RzLW1hc3Rlci1rZXktMzItYnl0ZXM=";

pub(super) fn required(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run it by tests/services"))
}
