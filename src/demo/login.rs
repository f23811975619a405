//! The demo's account, kept beside its data so that a second start can show it again.

use std::{fs, io::ErrorKind, path::Path};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use studio_kernel::{Env, Timestamp};
use studio_sdk::Client;

use crate::client::write_private;

/// Who signs in to the demo, and how far its data has come.
#[derive(Serialize, Deserialize)]
pub(super) struct Login {
    pub(super) url: String,
    pub(super) email: String,
    pub(super) password: String,
    /// The time of the first scan: an interrupted start makes the same scan again.
    pub(super) scanned_at: Timestamp,
    /// Whether everything was made.
    pub(super) complete: bool,
}

impl Login {
    /// A new account with the password from `STUDIO_DEMO_PASSWORD`, or a random one.
    pub(super) fn new(url: &str, env: &Env) -> Self {
        let random = || {
            let digits: String = env.bytes::<10>().iter().map(|b| format!("{b:02x}")).collect();
            format!("demo-{digits}")
        };
        let password = std::env::var("STUDIO_DEMO_PASSWORD").unwrap_or_else(|_| random());
        Self {
            url: url.to_owned(),
            email: "owner@demo.example".to_owned(),
            password,
            scanned_at: env.now(),
            complete: false,
        }
    }

    /// A signed-in client of the demo.
    pub(super) async fn client(&self) -> anyhow::Result<Client> {
        let client = Client::new(&self.url)?;
        client.log_in(&self.email, &self.password).await?;
        Ok(client)
    }

    pub(super) fn save(&self, data_dir: &Path) -> anyhow::Result<()> {
        let path = data_dir.join(FILE);
        write_private(&path, &serde_json::to_vec_pretty(self)?)
            .with_context(|| format!("{} cannot be written", path.display()))
    }
}

const FILE: &str = "demo.json";

/// The account of the demo in that folder, if it holds one.
pub(super) fn read(data_dir: &Path) -> anyhow::Result<Option<Login>> {
    let path = data_dir.join(FILE);
    match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text)
            .map(Some)
            .with_context(|| format!("{} does not read", path.display())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}
