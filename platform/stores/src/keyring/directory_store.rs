//! The embedded key store: a file per key.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{KeyName, KeyRecord, KeyStore, KeyringError, Material, master::sync_directory};

/// One file per key in a directory (mode 0700) that one process uses: the embedded default.
#[derive(Debug, Clone)]
pub struct DirectoryKeyStore {
    directory: PathBuf,
    /// Held while it is looked at what stands and something is put in its place.
    replacing: Arc<Mutex<()>>,
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
        let store = Self { directory: directory.into(), replacing: Arc::default() };
        make_private_directory(&store.directory)
            .map_err(|error| store.failed(&store.directory, error))?;
        Ok(store)
    }

    /// Opens a directory that is there.
    ///
    /// # Errors
    /// [`KeyringError::Missing`] with the path, where it is not; none is made.
    pub fn existing(directory: impl Into<PathBuf>) -> Result<Self, KeyringError> {
        let store = Self { directory: directory.into(), replacing: Arc::default() };
        match fs::metadata(&store.directory) {
            Ok(found) if found.is_dir() => Ok(store),
            Ok(_) => Err(store.failed(&store.directory, "is no directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(KeyringError::Missing(
                format!("there are no keys in {}", store.directory.display()),
            )),
            Err(error) => Err(store.failed(&store.directory, error)),
        }
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
            sync_directory(&self.directory)?;
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

    async fn replace(&self, record: KeyRecord) -> Result<KeyRecord, KeyringError> {
        self.blocking(move |store| {
            let _replacing = store.replacing.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(standing) = store.read(&record.name)?
                && matches!(standing.material, Material::Destroyed { .. })
            {
                return Ok(standing);
            }
            store.write(&record, true)?;
            Ok(record)
        })
        .await
    }

    async fn names(&self) -> Result<Vec<KeyName>, KeyringError> {
        self.blocking(Self::list).await
    }

    async fn destroyed(&self) -> Result<Option<u64>, KeyringError> {
        Ok(None)
    }
}
