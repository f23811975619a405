//! The session of the client verbs, kept between runs in a file that only its owner can read.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};
use studio_sdk::{Client, Error, Tokens};

use crate::cli;

#[derive(Serialize, Deserialize)]
struct Session {
    server: String,
    tokens: Tokens,
}

/// A signed-in client of the server that the arguments name, or of the last login's.
pub(super) async fn client(arguments: &cli::Server) -> anyhow::Result<Client> {
    let path = path()?;
    // A refresh token works once: two verbs at a time must not use the same one.
    let _lock = lock(&path)?;
    let sign_in = || anyhow!("sign in first: studio login --email …");
    let text = fs::read(&path).map_err(|_| sign_in())?;
    let session: Session = serde_json::from_slice(&text)
        .with_context(|| format!("{} does not read: sign in again", path.display()))?;
    let same_server = arguments
        .server
        .as_ref()
        .is_none_or(|server| server.trim_end_matches('/') == session.server);
    if !same_server {
        return Err(sign_in());
    }
    let client = Client::new(&session.server)?;
    client.set_tokens(Some(session.tokens));
    // The access token lives for minutes; the refresh token is exchanged at each run.
    client.refresh().await.map_err(|error| match error {
        Error::Input(_) => anyhow::Error::new(error)
            .context("the session has ended: sign in again with studio login"),
        other => other.into(),
    })?;
    save(&client)?;
    Ok(client)
}

/// Waits until no other verb exchanges the session's tokens; held until it is dropped.
fn lock(path: &Path) -> anyhow::Result<fs::File> {
    let lock = path.with_extension("lock");
    let open = || {
        if let Some(parent) = lock.parent() {
            fs::create_dir_all(parent)?;
        }
        let file = fs::File::options().create(true).truncate(false).write(true).open(&lock)?;
        file.lock()?;
        Ok::<_, std::io::Error>(file)
    };
    open().with_context(|| format!("{} cannot be locked", lock.display()))
}

/// Keeps the client's session.
pub(super) fn save(client: &Client) -> anyhow::Result<()> {
    let path = path()?;
    let tokens = client.tokens().context("the client is not signed in")?;
    let session = Session { server: client.url().to_owned(), tokens };
    write_private(&path, &serde_json::to_vec(&session)?)
        .with_context(|| format!("{} cannot be written", path.display()))
}

/// Writes a file that only its owner can read, all of it or nothing.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let beside = path.with_extension("new");
    let mut options = fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(beside, path)
}

fn path() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("STUDIO_SESSION_FILE") {
        return Ok(path.into());
    }
    let configuration = std::env::var_os("XDG_CONFIG_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config")));
    let configuration = configuration
        .context("there is no HOME to keep the session in: set STUDIO_SESSION_FILE")?;
    Ok(configuration.join("studio").join("session.json"))
}
