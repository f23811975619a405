//! How a store is opened.

use std::{sync::Arc, time::Duration};

use sea_orm::DbBackend;
use studio_kernel::Env;
use studio_stores::{keyring::Keyring, sql::Database};

use crate::{projection::Projection, signing::CheckpointSigner};

/// How to open a store.
pub struct EventStoreOptions {
    pub(crate) database: Database,
    pub(crate) source: &'static str,
    pub(crate) env: Env,
    pub(crate) inline: Vec<Arc<dyn Projection>>,
    pub(crate) asynchronous: Vec<Arc<dyn Projection>>,
    pub(crate) signer: Option<Arc<dyn CheckpointSigner>>,
    pub(crate) origins: Option<Arc<Keyring>>,
    pub(crate) snapshot_every: u64,
    pub(crate) poll: Duration,
}

impl EventStoreOptions {
    /// A store on a database whose migrations were run. `source` is the subgraph's name.
    pub fn new(database: Database, source: &'static str, env: Env) -> Self {
        // Other processes' appends are seen by looking; on SQLite there is rarely one.
        let poll = if database.backend() == DbBackend::Sqlite { 500 } else { 50 };
        Self {
            database,
            source,
            env,
            inline: Vec::new(),
            asynchronous: Vec::new(),
            signer: None,
            origins: None,
            snapshot_every: 100,
            poll: Duration::from_millis(poll),
        }
    }

    /// Read models that are written in the appending transaction.
    #[must_use]
    pub fn inline(mut self, projections: Vec<Arc<dyn Projection>>) -> Self {
        self.inline = projections;
        self
    }

    /// Read models that follow behind.
    #[must_use]
    pub fn asynchronous(mut self, projections: Vec<Arc<dyn Projection>>) -> Self {
        self.asynchronous = projections;
        self
    }

    /// Signs checkpoints of the log.
    #[must_use]
    pub fn signer(mut self, signer: Arc<dyn CheckpointSigner>) -> Self {
        self.signer = Some(signer);
        self
    }

    /// Seals from where requests came, which is not kept otherwise.
    #[must_use]
    pub fn origins(mut self, keyring: Arc<Keyring>) -> Self {
        self.origins = Some(keyring);
        self
    }

    /// A snapshot every so many events of a stream (default 100, at least 1).
    #[must_use]
    pub fn snapshot_every(mut self, events: u64) -> Self {
        self.snapshot_every = events.max(1);
        self
    }

    /// How often to look for what other processes appended (default 50 ms on PostgreSQL, 500 ms on
    /// SQLite).
    #[must_use]
    pub fn poll(mut self, every: Duration) -> Self {
        self.poll = every;
        self
    }
}
