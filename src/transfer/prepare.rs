//! The stores of an installation that no subgraph has opened.

use std::sync::Arc;

use anyhow::{Context, bail};
use studio_kernel::Env;
use studio_migrations as migrations;
use studio_service::Config;
use studio_stores::sql::Database;

use crate::{
    keyring::{self, MASTER, Masters},
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

/// The master keys that are there. None is made.
pub(super) async fn masters(config: &Config, env: Env) -> anyhow::Result<Masters> {
    if let Some(masters) = keyring::elsewhere(config, env.clone()).await? {
        return Ok(masters);
    }
    match keyring::of_the_folder(config, &env)? {
        Some(master) => Ok(Masters { active: Arc::new(master), former: Vec::new() }),
        None => bail!(
            "there is no master key: set {MASTER} to the one of the installation that the archive \
             came from. Where that one had none set, it is the text of its keyring/master.key, and \
             a copy of that file at the same place in this data folder does as well"
        ),
    }
}
