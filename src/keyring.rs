//! Opens the keyring of a data folder: with the master key from `STUDIO_MASTER_KEY` where it is
//! set, else with the one in the folder.

use std::path::Path;

use anyhow::Context;
use studio_kernel::Env;
use studio_stores::keyring::Keyring;

const MASTER: &str = "STUDIO_MASTER_KEY";

/// The keyring in `directory`, made at the first start.
pub(crate) async fn open(directory: &Path, env: Env) -> anyhow::Result<Keyring> {
    let keyring = match std::env::var(MASTER) {
        Ok(master) => Keyring::with_master_text(directory, &master, MASTER, env).await,
        Err(std::env::VarError::NotPresent) => Keyring::embedded(directory, env).await,
        Err(error) => return Err(error).context(MASTER),
    };
    keyring.context("the keyring does not open")
}
