//! The master key: it wraps the other keys and nothing else, and never leaves its holder.

use std::{
    fmt,
    fs::File,
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use studio_kernel::Env;
use zeroize::Zeroizing;

use super::{
    KeyringError,
    data_key::{DataKey, KEY_LEN},
};

/// Holds a master key: a local one ([`LocalMaster`]), or a key management service.
#[async_trait]
pub trait MasterKey: Send + Sync + 'static {
    /// Tells this key from others, and gives nothing of it away.
    fn id(&self) -> &str;
    /// Wraps a key; `context` must be given again to unwrap it.
    async fn wrap(&self, context: &[u8], key: &[u8]) -> Result<Vec<u8>, KeyringError>;
    /// Unwraps what [`MasterKey::wrap`] made.
    async fn unwrap(
        &self,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError>;
}

/// A master key of 32 bytes in this process's memory.
pub struct LocalMaster {
    id: String,
    key: DataKey,
}

impl LocalMaster {
    /// From the bytes themselves.
    ///
    /// # Errors
    /// [`KeyringError::Master`] unless there are 32.
    pub fn from_bytes(bytes: &[u8], env: Env) -> Result<Self, KeyringError> {
        if bytes.len() != KEY_LEN {
            return Err(KeyringError::Master(format!(
                "the master key has {} bytes: it must have {KEY_LEN}",
                bytes.len()
            )));
        }
        let mac = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let id = hex::encode(&hmac::sign(&mac, b"studio master key id").as_ref()[..8]);
        Ok(Self { id, key: DataKey::new(bytes, env)? })
    }

    /// From base64 text, as a file or an environment variable holds it; `origin` names that in
    /// messages.
    ///
    /// # Errors
    /// [`KeyringError::Master`] unless it is the base64 of 32 bytes.
    pub fn from_base64(text: &str, origin: &str, env: Env) -> Result<Self, KeyringError> {
        let bytes = STANDARD.decode(text.trim()).map(Zeroizing::new).map_err(|_| {
            KeyringError::Master(format!(
                "{origin} does not hold a master key: it must be the base64 of {KEY_LEN} bytes, \
                 as \"openssl rand -base64 {KEY_LEN}\" prints them"
            ))
        })?;
        Self::from_bytes(&bytes, env)
            .map_err(|error| KeyringError::Master(format!("{origin}: {error}")))
    }

    /// Reads the key from a file that only its owner can read; `None` where there is no file.
    ///
    /// # Errors
    /// [`KeyringError::Master`] when others may read it or its content is no key.
    pub fn read_file(path: &Path, env: Env) -> Result<Option<Self>, KeyringError> {
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(in_file(path, error)),
        };
        refuse_if_shared(path, &file)?;
        let mut text = Zeroizing::new(String::new());
        // The limit keeps a wrong path (a device, a huge file) from filling the memory.
        (&mut file).take(4096).read_to_string(&mut text).map_err(|error| in_file(path, error))?;
        Self::from_base64(&text, &path.display().to_string(), env).map(Some)
    }

    /// Makes a new key and writes it to a file that does not exist yet, mode 0600.
    ///
    /// # Errors
    /// [`KeyringError::Master`] when the file exists or cannot be written.
    pub fn create_file(path: &Path, env: &Env) -> Result<Self, KeyringError> {
        let bytes = Zeroizing::new(env.bytes::<KEY_LEN>());
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(*bytes)));
        write_new(path, text.as_bytes()).map_err(|error| in_file(path, error))?;
        Self::from_bytes(&*bytes, env.clone())
    }
}

/// Writes a file that nobody else can read and that is whole or absent, whenever the power fails.
fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let directory = parent(path);
    // tempfile makes it with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(&directory)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    file.persist_noclobber(path).map_err(|error| error.error)?;
    sync_directory(&directory)
}

pub(super) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Makes renames and new names in the directory last.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(directory)?.sync_all()?;
    }
    Ok(())
}

#[cfg(unix)]
fn refuse_if_shared(path: &Path, file: &File) -> Result<(), KeyringError> {
    use std::os::unix::fs::MetadataExt;
    let mode = file.metadata().map_err(|error| in_file(path, error))?.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyringError::Master(format!(
            "{} can be read by others (mode {mode:03o}): whoever read it can decrypt everything. \
             Run \"chmod 600\" on it, and rotate the master key if somebody may have",
            path.display()
        )));
    }
    Ok(())
}

#[cfg(not(unix))]
fn refuse_if_shared(_: &Path, _: &File) -> Result<(), KeyringError> {
    Ok(())
}

fn in_file(path: &Path, error: io::Error) -> KeyringError {
    KeyringError::Master(format!("the master key file {}: {error}", path.display()))
}

#[async_trait]
impl MasterKey for LocalMaster {
    fn id(&self) -> &str {
        &self.id
    }

    async fn wrap(&self, context: &[u8], key: &[u8]) -> Result<Vec<u8>, KeyringError> {
        self.key.seal(context, key)
    }

    async fn unwrap(
        &self,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        self.key.open(context, wrapped)
    }
}

impl fmt::Debug for LocalMaster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalMaster").field("id", &self.id).finish_non_exhaustive()
    }
}
