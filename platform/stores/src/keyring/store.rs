//! Where wrapped keys lie: apart from the logs and their backups, so that restoring a log brings
//! no erased person back.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use studio_kernel::Timestamp;

use super::{KeyringError, name::KeyName};

/// A key at rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRecord {
    /// Which key.
    pub name: KeyName,
    /// When it was made.
    pub created_at: Timestamp,
    /// The key, or the fact that it is gone.
    pub material: Material,
}

/// What is left of a key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Material {
    /// It can be used.
    Wrapped {
        /// The id of the master key that wraps it.
        master: String,
        /// The wrapped key, base64.
        wrapped: String,
    },
    /// It was destroyed, and is never made again under this name.
    Destroyed {
        /// When.
        at: Timestamp,
    },
}

impl std::fmt::Debug for Material {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Wrapped { master, .. } => write!(f, "Wrapped {{ master: {master}, .. }}"),
            Self::Destroyed { at } => write!(f, "Destroyed {{ at: {at} }}"),
        }
    }
}

/// Keeps wrapped keys. What a call has returned for survives a power failure.
#[async_trait]
pub trait KeyStore: Send + Sync + 'static {
    /// The record of that name.
    async fn get(&self, name: &KeyName) -> Result<Option<KeyRecord>, KeyringError>;
    /// Adds the record unless one of that name exists, and gives the one that stands.
    async fn create(&self, record: KeyRecord) -> Result<KeyRecord, KeyringError>;
    /// Puts the record in the place of the one of that name; nothing of the old one stays.
    async fn replace(&self, record: KeyRecord) -> Result<(), KeyringError>;
    /// The names of all records, destroyed ones too.
    async fn names(&self) -> Result<Vec<KeyName>, KeyringError>;
}

/// One file per key in a directory (mode 0700) that one process uses: the embedded default.
#[derive(Debug, Clone)]
pub struct DirectoryKeyStore {
    directory: PathBuf,
}

const SUFFIX: &str = ".json";
/// A record is a few hundred bytes; what is longer is not one.
const MOST_BYTES: u64 = 16 * 1024;

impl DirectoryKeyStore {
    /// Opens the directory, and makes it at the first start.
    ///
    /// # Errors
    /// [`KeyringError::Store`] with the path.
    pub fn open(directory: impl Into<PathBuf>) -> Result<Self, KeyringError> {
        let store = Self { directory: directory.into() };
        make_private_directory(&store.directory)
            .map_err(|error| store.failed(&store.directory, error))?;
        Ok(store)
    }

    fn path(&self, name: &KeyName) -> PathBuf {
        self.directory.join(format!("{name}{SUFFIX}"))
    }

    fn failed(&self, path: &Path, error: impl std::fmt::Display) -> KeyringError {
        KeyringError::Store(format!("{}: {error}", path.display()))
    }

    fn read(&self, name: &KeyName) -> Result<Option<KeyRecord>, KeyringError> {
        let path = self.path(name);
        let length = match fs::metadata(&path) {
            Ok(metadata) => metadata.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed(&path, error)),
        };
        if length > MOST_BYTES {
            return Err(self.failed(&path, "is too long to be a key"));
        }
        let text = fs::read(&path).map_err(|error| self.failed(&path, error))?;
        let record: KeyRecord =
            serde_json::from_slice(&text).map_err(|error| self.failed(&path, error))?;
        if record.name != *name {
            return Err(self.failed(&path, format!("holds the key {}", record.name)));
        }
        Ok(Some(record))
    }

    /// Writes beside, syncs, then renames: the record is whole or absent.
    fn write(&self, record: &KeyRecord, replace: bool) -> Result<bool, KeyringError> {
        let path = self.path(&record.name);
        let attempt = || -> io::Result<bool> {
            let text = serde_json::to_vec(record)?;
            let mut file = tempfile::NamedTempFile::new_in(&self.directory)?;
            file.write_all(&text)?;
            file.as_file().sync_all()?;
            if replace {
                file.persist(&path).map_err(|error| error.error)?;
            } else if let Err(error) = file.persist_noclobber(&path) {
                return match error.error.kind() {
                    io::ErrorKind::AlreadyExists => Ok(false),
                    _ => Err(error.error),
                };
            }
            super::master::sync_directory(&self.directory)?;
            Ok(true)
        };
        attempt().map_err(|error| self.failed(&path, error))
    }

    fn list(&self) -> Result<Vec<KeyName>, KeyringError> {
        let mut names = Vec::new();
        let failed = |error: io::Error| self.failed(&self.directory, error);
        for entry in fs::read_dir(&self.directory).map_err(failed)? {
            let file = entry.map_err(failed)?.file_name();
            // Other files are the leavings of a write that was cut short.
            if let Some(name) = file.to_str().and_then(|file| file.strip_suffix(SUFFIX)) {
                names.push(name.parse().map_err(|error| self.failed(&self.directory, error))?);
            }
        }
        Ok(names)
    }

    /// Files block: they are read and written beside the async threads.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, KeyringError> + Send + 'static,
    ) -> Result<T, KeyringError> {
        let store = self.clone();
        tokio::task::spawn_blocking(move || work(&store))
            .await
            .map_err(|error| KeyringError::Store(error.to_string()))?
    }
}

/// Makes a directory, with its parents, that only its owner can enter.
pub(super) fn make_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[async_trait]
impl KeyStore for DirectoryKeyStore {
    async fn get(&self, name: &KeyName) -> Result<Option<KeyRecord>, KeyringError> {
        let name = name.clone();
        self.blocking(move |store| store.read(&name)).await
    }

    async fn create(&self, record: KeyRecord) -> Result<KeyRecord, KeyringError> {
        self.blocking(move |store| {
            if store.write(&record, false)? {
                return Ok(record);
            }
            let name = record.name;
            store.read(&name)?.ok_or_else(|| store.failed(&store.path(&name), "vanished"))
        })
        .await
    }

    async fn replace(&self, record: KeyRecord) -> Result<(), KeyringError> {
        self.blocking(move |store| store.write(&record, true).map(|_| ())).await
    }

    async fn names(&self) -> Result<Vec<KeyName>, KeyringError> {
        self.blocking(Self::list).await
    }
}
