//! `studio verify`: walks the hash chain of every log. It reads only, so it may run beside a
//! server that uses the same data folder.

use anyhow::{Context, bail};
use studio_events::verify::verify;
use studio_kernel::Env;
use studio_stores::sql::{Database, SqlOptions};

use crate::{cli::Settings, keyring};

const LOGS: [&str; 5] = ["identity", "controls", "evidence", "documents", "ai"];

/// Verifies each log and fails on the first broken link.
pub(crate) async fn run(settings: Settings) -> anyhow::Result<()> {
    let config = settings.load(None)?;
    let missing = LOGS.iter().find(|name| !config.data_dir.join(format!("{name}.db")).exists());
    if let Some(name) = missing {
        bail!("{} holds no log of {name}: is it the right --data-dir?", config.data_dir.display());
    }
    let keyring = keyring::open(&config.data_dir.join("keyring"), Env::system()).await?;
    let key = keyring.signing_key("checkpoints").await?;
    let mut broken = Vec::new();
    for name in LOGS {
        let file = config.data_dir.join(format!("{name}.db"));
        let database =
            Database::connect(&format!("sqlite://{}", file.display()), SqlOptions::default())
                .await
                .with_context(|| format!("the store of {name} does not open"))?;
        match verify(database.reader(), name, Some(key.public_key()), &[]).await {
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
