//! `studio verify`: walks the hash chain of every log. It reads only, so it may run beside a
//! server that uses the same data folder.

use anyhow::bail;
use studio_events::verify::verify;
use studio_kernel::Env;

use crate::{
    cli::Settings,
    keyring,
    stores::{self, SUBGRAPHS},
};

/// Verifies each log and fails on the first broken link.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let config = settings.load(None)?;
    let missing = SUBGRAPHS.iter().find(|name| !stores::file(&config, name).exists());
    if let Some(name) = missing.filter(|_| !stores::on_a_server(&config)) {
        bail!("{} holds no log of {name}: is it the right --data-dir?", config.data_dir.display());
    }
    let keyring = keyring::open(&config, Env::system()).await?;
    let key = keyring.signing_key("checkpoints").await?;
    let mut broken = Vec::new();
    for name in SUBGRAPHS {
        let database = stores::database(&config, name).await?;
        match verify(database.primary(), name, Some(key.public_key()), &[]).await {
            Ok(verified) => println!(
                "{name}: {} events, {} signed checkpoints, newest hash {}",
                verified.events,
                verified.checkpoints,
                verified.hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
            ),
            Err(error) => {
                println!("{name}: BROKEN: {error}");
                broken.push(name);
            }
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    bail!("the log of {} was changed or cut: restore it from a backup", broken.join(", "))
}
