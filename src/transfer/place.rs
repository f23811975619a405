//! The stores of one installation, opened without the subgraphs that use them.

use std::sync::Arc;

use anyhow::{Context, bail};
use studio_events::transfer::{Filling, Occupancy, occupancy};
use studio_kernel::Env;
use studio_service::{Config, config::BlobsStore};
use studio_stores::{blobs::Blobs, keyring::KeyStore, sql::Database};

use super::manifest::Manifest;
use crate::{
    data_dir::DataDir,
    keyring,
    stores::{self, SUBGRAPHS, Store},
};

/// The stores that a configuration names.
pub(crate) struct Place {
    pub(crate) env: Env,
    pub(crate) keys: Arc<dyn KeyStore>,
    config: Arc<Config>,
    logs: Vec<Store>,
    blobs: Vec<(&'static str, Arc<dyn Blobs>)>,
    /// Held where nobody else may use the data folder meanwhile.
    _data: Option<DataDir>,
}

impl Place {
    /// An installation that is there. `alone` refuses one whose data folder a server uses.
    pub(crate) async fn source(config: Arc<Config>, env: Env, alone: bool) -> anyhow::Result<Self> {
        let embedded = !stores::on_a_server(&config);
        stores::must_be_there(&config)?;
        let folder = config.data_dir.join("blobs");
        if matches!(config.stores.blobs, BlobsStore::Directory) && !folder.exists() {
            bail!("there is no {}: is it the right --data-dir?", folder.display());
        }
        let data = (embedded && alone).then(|| DataDir::open(&config.data_dir)).transpose()?;
        Self::open(config, env, data).await
    }

    /// An installation that is to be filled; its tables are made.
    pub(crate) async fn target(config: Arc<Config>, env: Env) -> anyhow::Result<Self> {
        let data = DataDir::open(&config.data_dir)?;
        let place = Self::open(config, env, Some(data)).await?;
        for (name, database) in &place.logs {
            // One that is used stays as it is: it is about to be refused.
            if !matches!(occupancy(database).await, Ok(Occupancy::InUse { .. })) {
                stores::bring_up_to_date(name, database).await?;
            }
        }
        Ok(place)
    }

    async fn open(config: Arc<Config>, env: Env, data: Option<DataDir>) -> anyhow::Result<Self> {
        let keys = keyring::key_store(&config).await?;
        let logs = stores::open_all(&config, false).await?;
        let mut blobs = Vec::new();
        for name in SUBGRAPHS {
            blobs.push((name, stores::plain_blobs(&config, name, env.clone()).await?));
        }
        Ok(Self { env, keys, config, logs, blobs, _data: data })
    }

    pub(crate) fn is_embedded(&self) -> bool {
        !stores::on_a_server(&self.config)
    }

    pub(crate) fn logs(&self) -> Vec<(&str, &Database)> {
        self.logs.iter().map(|(name, database)| (*name, database)).collect()
    }

    pub(crate) fn log(&self, name: &str) -> anyhow::Result<&Database> {
        let found = self.logs.iter().find(|(own, _)| *own == name);
        Ok(&found.with_context(|| format!("there is no log of {name}"))?.1)
    }

    /// The blobs of a subgraph as they lie there.
    pub(crate) fn blobs(&self, name: &str) -> anyhow::Result<&dyn Blobs> {
        let found = self.blobs.iter().find(|(own, _)| *own == name);
        Ok(found.with_context(|| format!("there are no blobs of {name}"))?.1.as_ref())
    }

    /// Refuses a place in which something is. Answers whether it is fresh; where filling was cut
    /// off, it is not.
    pub(crate) async fn check_vacant(&self) -> anyhow::Result<bool> {
        let (mut fresh, mut in_use) = (true, None);
        for (name, database) in &self.logs {
            match occupancy(database).await? {
                Occupancy::Empty => {}
                Occupancy::HalfFilled => fresh = false,
                Occupancy::InUse { events } => in_use = in_use.or(Some((name, events))),
            }
        }
        // Cut off at its very end, filling leaves logs that are whole beside one that is marked.
        if let Some((name, events)) = in_use.filter(|_| fresh) {
            bail!(
                "the log of {name} is not empty ({events} events): choose a data folder or a \
                 database in which nothing is. Nothing was written"
            );
        }
        if fresh {
            let index = self.config.data_dir.join("ai-index");
            if index.exists() {
                bail!("{} is of another log: remove it, it is made anew", index.display());
            }
            for (name, blobs) in &self.blobs {
                if !blobs.list(None, 1).await?.is_empty() {
                    bail!(
                        "there are blobs of {name} already: choose a place in which nothing is. \
                         Nothing was written"
                    );
                }
            }
        }
        Ok(fresh)
    }

    /// Marks every log, so that none of them opens before all are filled.
    pub(crate) async fn mark(&self, manifest: &Manifest) -> anyhow::Result<()> {
        for log in &manifest.logs {
            Filling::begin(self.log(&log.source)?, log).await?;
        }
        Ok(())
    }

    /// Closes the databases.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        stores::close(self.logs).await
    }
}
