//! The session of the client verbs, kept between runs in a file that only its owner can read.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use studio_sdk::{Client, Error, Tokens};

use crate::cli;

#[derive(Serialize, Deserialize)]
struct Session {
    server: String,
    tokens: Tokens,
}

/// A session that was kept. A refresh token works once, so that two verbs at a time must not use the
/// same one: the next verb waits until this is dropped.
pub(super) struct Saved {
    session: Session,
    path: PathBuf,
    _lock: fs::File,
}

impl Saved {
    /// The session of the last login, at the server that the arguments name, if they do.
    pub(super) fn open(arguments: &cli::Server) -> anyhow::Result<Self> {
        let path = path()?;
        let lock = lock(&path)?;
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("nobody is signed in here: run studio login")
            }
            Err(error) => {
                return Err(error).with_context(|| format!("{} cannot be read", path.display()));
            }
        };
        let session: Session = serde_json::from_slice(&text)
            .with_context(|| format!("{} does not read: run studio login again", path.display()))?;
        if let Some(wanted) = arguments.server.as_deref().map(|wanted| wanted.trim_end_matches('/'))
            && wanted != session.server
        {
            bail!(
                "you are signed in to {} and not to {wanted}: run studio login --server {wanted}",
                session.server
            );
        }
        Ok(Self { session, path, _lock: lock })
    }

    /// Where it was signed in.
    pub(super) fn server(&self) -> &str {
        &self.session.server
    }

    /// The file.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A client that goes on with it.
    pub(super) async fn resume(&self) -> anyhow::Result<Client> {
        let client = Client::new(&self.session.server)?;
        client.set_tokens(Some(self.session.tokens.clone()));
        // The access token lives for minutes; the refresh token is exchanged at each run.
        client.refresh().await.map_err(|error| match error {
            Error::Input(_) => anyhow::Error::new(error)
                .context("the session has ended: sign in again with studio login"),
            other => other.into(),
        })?;
        save(&self.path, &client)?;
        Ok(client)
    }

    /// Removes the file.
    pub(super) fn forget(&self) -> anyhow::Result<()> {
        fs::remove_file(&self.path)
            .with_context(|| format!("{} cannot be removed", self.path.display()))
    }
}

/// Whether the server says that the session is over.
pub(super) fn has_ended(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| matches!(cause.downcast_ref(), Some(Error::Input(_))))
}

/// A signed-in client of the server that the arguments name, or of the last login's.
pub(super) async fn client(arguments: &cli::Server) -> anyhow::Result<Client> {
    Saved::open(arguments)?.resume().await
}

/// Waits until no other verb uses the session's tokens; held until it is dropped.
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

/// Keeps the session that the client has begun, in the place of any other. It waits for a verb that
/// is exchanging the tokens of that one, and would keep them in the place of these.
pub(super) fn begin(client: &Client) -> anyhow::Result<()> {
    let path = path()?;
    let _lock = lock(&path)?;
    save(&path, client)
}

/// Keeps the client's session. The caller holds the lock.
fn save(path: &Path, client: &Client) -> anyhow::Result<()> {
    let tokens = client.tokens().context("the client is not signed in")?;
    let session = Session { server: client.url().to_owned(), tokens };
    write_private(path, &serde_json::to_vec(&session)?)
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
