//! The stores of an installation that no subgraph has opened.

use std::sync::Arc;

use anyhow::{Context, bail};
use studio_kernel::Env;
use studio_migrations as migrations;
use studio_service::Config;
use studio_stores::{
    keyring::{LocalMaster, MasterKey},
    sql::Database,
};

use crate::{
    keyring::{self, MASTER},
    stores::migrate,
};

/// Makes the tables of a subgraph's store, or brings them up to date.
pub(super) async fn bring_up_to_date(name: &str, database: &Database) -> anyhow::Result<()> {
    let done = match name {
        "identity" => migrate::<migrations::identity::Migrator>(database).await,
        "controls" => migrate::<migrations::controls::Migrator>(database).await,
        "evidence" => migrate::<migrations::evidence::Migrator>(database).await,
        "documents" => migrate::<migrations::documents::Migrator>(database).await,
        _ => migrate::<migrations::ai::Migrator>(database).await,
    };
    done.with_context(|| format!("the store of {name} cannot be brought up to date"))
}

/// The master key that is there. None is made.
pub(super) async fn master(config: &Config, env: Env) -> anyhow::Result<Arc<dyn MasterKey>> {
    let opened = match keyring::master()? {
        Some(text) => LocalMaster::from_base64(&text, MASTER, env).map(Some),
        None => LocalMaster::read_file(&config.data_dir.join("keyring").join("master.key"), env),
    };
    match opened.context("the master key cannot be read")? {
        Some(master) => Ok(Arc::new(master)),
        None => bail!(
            "there is no master key: set {MASTER} to the one of the installation that the archive \
             came from. Where that one had none set, it is the text of its keyring/master.key, and \
             a copy of that file at the same place in this data folder does as well"
        ),
    }
}
