//! The keyring of one process, in files: the wrapped keys, and the master key beside them unless it
//! comes from elsewhere.

use std::{path::Path, sync::Arc};

use studio_kernel::Env;

use super::{DirectoryKeyStore, KeyStore, Keyring, KeyringError, LocalMaster, MasterKey, master};

const MASTER_FILE: &str = "master.key";
/// The new master key while a rotation is under way.
const NEXT_FILE: &str = "master.key.next";

impl Keyring {
    /// The embedded default: `directory/master.key`, made at the first start, and
    /// `directory/keys/`. A rotation that was cut short is finished first.
    ///
    /// # Errors
    /// When others can read the master key, or when it is missing while keys exist.
    pub async fn embedded(directory: &Path, env: Env) -> Result<Self, KeyringError> {
        let store = DirectoryKeyStore::open(directory.join("keys"))?;
        let path = directory.join(MASTER_FILE);
        let next = LocalMaster::read_file(&directory.join(NEXT_FILE), env.clone())?;
        let master = match LocalMaster::read_file(&path, env.clone())? {
            Some(master) => master,
            None if store.names().await?.is_empty() => LocalMaster::create_file(&path, &env)?,
            None => {
                return Err(KeyringError::Master(format!(
                    "{} is missing, while {} holds keys that only it opens: bring it back from \
                     where you keep it safe",
                    path.display(),
                    directory.join("keys").display()
                )));
            }
        };
        let keyring = Self::new(Arc::new(master), Vec::new(), Arc::new(store), env);
        if let Some(next) = next {
            keyring.finish_file_rotation(directory, next).await?;
        }
        Ok(keyring)
    }

    /// As [`Keyring::embedded`] has left it; nothing is made, and a rotation that was cut short stays
    /// so: either master key opens what it wraps.
    ///
    /// # Errors
    /// [`KeyringError::Missing`] where there is none, and when others can read the master key.
    pub fn existing(directory: &Path, env: Env) -> Result<Self, KeyringError> {
        let store = DirectoryKeyStore::existing(directory.join("keys"))?;
        let path = directory.join(MASTER_FILE);
        let next = LocalMaster::read_file(&directory.join(NEXT_FILE), env.clone())?;
        let master = LocalMaster::read_file(&path, env.clone())?.ok_or_else(|| {
            KeyringError::Missing(format!("there is no master key in {}", path.display()))
        })?;
        let next = next.map(|next| Arc::new(next) as Arc<dyn MasterKey>);
        Ok(Self::new(Arc::new(master), next.into_iter().collect(), Arc::new(store), env))
    }

    /// Replaces the master key of [`Keyring::embedded`] by a new one. Survives a crash at any
    /// point: the next start finishes it.
    ///
    /// # Errors
    /// When a file cannot be written or a key does not unwrap; the old master key stays then.
    pub async fn rotate_file_master(&self, directory: &Path) -> Result<(), KeyringError> {
        let next = LocalMaster::create_file(&directory.join(NEXT_FILE), &self.env)?;
        self.finish_file_rotation(directory, next).await
    }

    async fn finish_file_rotation(
        &self,
        directory: &Path,
        next: LocalMaster,
    ) -> Result<(), KeyringError> {
        self.rotate_master(Arc::new(next)).await?;
        let failed = |error: std::io::Error| KeyringError::Master(error.to_string());
        std::fs::rename(directory.join(NEXT_FILE), directory.join(MASTER_FILE)).map_err(failed)?;
        master::sync_directory(directory).map_err(failed)
    }
}
