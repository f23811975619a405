//! The keyring (DESIGN section 3): a master key wraps data keys, one per organization and one per
//! person, and the keys that sign. Everything that Studio encrypts is encrypted by it.
//!
//! Invariants: no key is stored unwrapped or shown by `Debug`; a destroyed key is never made again
//! under its name; replacing the master key rewrites keys, never data.

#[cfg(test)]
mod contract;
mod data_key;
mod directory_store;
mod error;
mod files;
mod kms;
mod master;
mod month;
mod name;
mod origins;
mod sealed;
mod series;
mod signing;
mod sql_store;
mod store;
mod watch;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use studio_kernel::{Env, Id, TenantId, Timestamp, kind};
use zeroize::Zeroizing;

pub use data_key::DataKey;
pub use directory_store::DirectoryKeyStore;
pub use error::KeyringError;
pub use kms::{KmsMaster, KmsOptions};
pub use master::{LocalMaster, MasterKey};
pub use month::{Month, MonthError};
pub use name::{KeyName, KeyNameError};
pub use sealed::Sealed;
pub use series::DatedKey;
pub use signing::{IndexKey, SigningKey, verify_signature};
pub use sql_store::SqlKeyStore;
pub use store::{KeyRecord, KeyStore, Material};

/// Unwrapped keys kept in memory at most; a full cache starts over.
const CACHED: usize = 10_000;
/// How long a process may go on reading with a key that another one destroyed, while the key store
/// does not tell (see [`watch`], which makes it seconds where it does).
const CACHED_SECONDS: i64 = 300;

struct Cached {
    key: Arc<DataKey>,
    until: Timestamp,
}

/// All keys of a process.
pub struct Keyring {
    masters: RwLock<Masters>,
    store: Arc<dyn KeyStore>,
    env: Env,
    cache: Mutex<HashMap<KeyName, Cached>>,
    /// Held while a key is loaded, made, destroyed or wrapped anew, so that a key that is being
    /// destroyed does not slip back into the cache.
    changing: tokio::sync::Mutex<()>,
    watch: watch::Watch,
}

struct Masters {
    active: Arc<dyn MasterKey>,
    /// Those that some keys may still be wrapped by.
    earlier: Vec<Arc<dyn MasterKey>>,
}

impl Keyring {
    /// A keyring over a master key and a key store. `earlier` holds former master keys while a
    /// rotation is not finished.
    pub fn new(
        master: Arc<dyn MasterKey>,
        earlier: Vec<Arc<dyn MasterKey>>,
        store: Arc<dyn KeyStore>,
        env: Env,
    ) -> Self {
        Self {
            masters: RwLock::new(Masters { active: master, earlier }),
            store,
            env,
            cache: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            watch: watch::Watch::default(),
        }
    }

    /// As [`Keyring::new`], once it is known that the master key, or an earlier one, is the one that
    /// wraps what is in the store. For a key store that several processes share; nothing is made
    /// here but at the first use of each key.
    ///
    /// # Errors
    /// [`KeyringError::OtherMaster`] when it is another one.
    pub async fn open(
        master: Arc<dyn MasterKey>,
        earlier: Vec<Arc<dyn MasterKey>>,
        store: Arc<dyn KeyStore>,
        env: Env,
    ) -> Result<Self, KeyringError> {
        let keyring = Self::new(master, earlier, store, env);
        // Found out at the start rather than at the first sign-in.
        for name in keyring.store.names().await? {
            match keyring.material(&name).await {
                Ok(_) => break,
                Err(KeyringError::Destroyed(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(keyring)
    }

    /// Wraps every key by `next` from now on. Data is not touched. Where several processes share
    /// the key store, each needs `next` first, as the active one beside the former.
    ///
    /// # Errors
    /// When a key does not unwrap; those before it are wrapped by `next` and stay usable.
    pub async fn rotate_master(&self, next: Arc<dyn MasterKey>) -> Result<(), KeyringError> {
        let _changing = self.changing.lock().await;
        {
            let mut masters = self.masters.write().unwrap_or_else(PoisonError::into_inner);
            let former = std::mem::replace(&mut masters.active, next.clone());
            masters.earlier.push(former);
        }
        for name in self.store.names().await? {
            let Some(mut record) = self.store.get(&name).await? else { continue };
            let Material::Wrapped { master, .. } = &record.material else { continue };
            if master == next.id() {
                continue;
            }
            let key = self.unwrap(&record).await?;
            record.material = self.wrap(&name, &key).await?;
            self.store.replace(record).await?;
        }
        let mut masters = self.masters.write().unwrap_or_else(PoisonError::into_inner);
        masters.earlier.clear();
        Ok(())
    }

    /// The data key of an organization, made at its first use. Its content's context should name
    /// what is sealed, for example `blob sha256:…`.
    ///
    /// # Errors
    /// [`KeyringError`] from the store or the master key.
    pub async fn tenant_key(&self, tenant: TenantId) -> Result<Arc<DataKey>, KeyringError> {
        self.data_key(&KeyName::Tenant(tenant)).await
    }

    /// The data key of an organization, where there is one: for reading, which makes no key.
    ///
    /// # Errors
    /// [`KeyringError::Destroyed`], and from the store or the master key.
    pub async fn existing_tenant_key(
        &self,
        tenant: TenantId,
    ) -> Result<Option<Arc<DataKey>>, KeyringError> {
        let name = KeyName::Tenant(tenant);
        self.notice_destroyed().await;
        if let Some(key) = self.cached(&name) {
            return Ok(Some(key));
        }
        let _changing = self.changing.lock().await;
        self.load(&name).await
    }

    /// Encrypts personal data with the key of that person, made at its first use.
    ///
    /// # Errors
    /// [`KeyringError::Destroyed`] for a person who was erased.
    pub async fn seal_person(
        &self,
        tenant: TenantId,
        person: Id<kind::User>,
        bytes: &[u8],
    ) -> Result<Sealed, KeyringError> {
        let name = KeyName::Person(tenant, person);
        let key = self.data_key(&name).await?;
        // Nothing more is written for a person whom any process has erased, cached key or not.
        if let Some(KeyRecord { material: Material::Destroyed { .. }, .. }) =
            self.store.get(&name).await?
        {
            self.lock_cache().remove(&name);
            return Err(KeyringError::Destroyed(name));
        }
        Sealed::seal(&name, &key, bytes)
    }

    /// Decrypts personal data of that organization; `None` once the person was erased.
    ///
    /// # Errors
    /// [`KeyringError::Corrupt`] when the value was changed or belongs to another organization.
    pub async fn open_person(
        &self,
        tenant: TenantId,
        sealed: &Sealed,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        match sealed.key() {
            KeyName::Person(owner, _) if *owner == tenant => {}
            other => return Err(KeyringError::Corrupt(other.clone())),
        }
        match self.existing_data_key(sealed.key()).await? {
            Some(key) => sealed.open(&key).map(Some),
            None => Ok(None),
        }
    }

    /// A data key for reading, which makes none. A key that was never here is as gone as a destroyed one: a
    /// log was restored without its key store.
    async fn existing_data_key(
        &self,
        name: &KeyName,
    ) -> Result<Option<Arc<DataKey>>, KeyringError> {
        self.notice_destroyed().await;
        if let Some(key) = self.cached(name) {
            return Ok(Some(key));
        }
        let _changing = self.changing.lock().await;
        match self.load(name).await {
            Err(KeyringError::Destroyed(_)) => Ok(None),
            loaded => loaded,
        }
    }

    /// Erases a person: destroys the key and remembers that it is gone. Repeating changes nothing.
    ///
    /// # Errors
    /// [`KeyringError::Store`]; the key may then still exist.
    pub async fn destroy_person(
        &self,
        tenant: TenantId,
        person: Id<kind::User>,
    ) -> Result<(), KeyringError> {
        let name = KeyName::Person(tenant, person);
        let _changing = self.changing.lock().await;
        let now = self.env.now();
        let created_at = match self.store.get(&name).await? {
            Some(KeyRecord { material: Material::Destroyed { .. }, .. }) => return Ok(()),
            Some(record) => record.created_at,
            None => now,
        };
        let material = Material::Destroyed { at: now };
        self.store.replace(KeyRecord { name: name.clone(), created_at, material }).await?;
        self.lock_cache().remove(&name);
        Ok(())
    }

    /// The signing key for a purpose (`tokens`, `checkpoints`), made at its first use. `purpose`
    /// is a word of lower-case letters, digits and underscores.
    ///
    /// # Errors
    /// [`KeyringError`] from the store or the master key.
    pub async fn signing_key(&self, purpose: &str) -> Result<SigningKey, KeyringError> {
        SigningKey::from_seed(&self.named(KeyName::Signing(purpose.to_owned())).await?)
    }

    /// The signing key for a purpose that is there already: for checking signatures, which makes no
    /// key.
    ///
    /// # Errors
    /// [`KeyringError::Missing`], and from the store or the master key.
    pub async fn existing_signing_key(&self, purpose: &str) -> Result<SigningKey, KeyringError> {
        let name = KeyName::Signing(purpose.to_owned());
        let seed = self.material(&name).await?;
        let missing = || KeyringError::Missing(format!("the keyring holds no key {name}"));
        SigningKey::from_seed(&seed.ok_or_else(missing)?)
    }

    /// The key for keyed hashes for a purpose (`email`), made at its first use.
    ///
    /// # Errors
    /// [`KeyringError`] from the store or the master key.
    pub async fn index_key(&self, purpose: &str) -> Result<IndexKey, KeyringError> {
        Ok(IndexKey::new(&self.named(KeyName::Index(purpose.to_owned())).await?))
    }

    async fn named(&self, name: KeyName) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        // Only what reads back is a name; a purpose with a slash would be a path.
        if name.to_string().parse::<KeyName>().as_ref() != Ok(&name) {
            return Err(KeyringError::Store(format!("\"{name}\" cannot name a key")));
        }
        let _changing = self.changing.lock().await;
        self.make(&name).await
    }

    async fn data_key(&self, name: &KeyName) -> Result<Arc<DataKey>, KeyringError> {
        self.notice_destroyed().await;
        if let Some(key) = self.cached(name) {
            return Ok(key);
        }
        let _changing = self.changing.lock().await;
        match self.load(name).await? {
            Some(key) => Ok(key),
            None => {
                let bytes = self.make(name).await?;
                self.remember(name, &bytes)
            }
        }
    }

    /// Loads a data key into the cache; `None` where there is none.
    async fn load(&self, name: &KeyName) -> Result<Option<Arc<DataKey>>, KeyringError> {
        match self.material(name).await? {
            Some(bytes) => self.remember(name, &bytes).map(Some),
            None => Ok(None),
        }
    }

    fn remember(&self, name: &KeyName, bytes: &[u8]) -> Result<Arc<DataKey>, KeyringError> {
        let key = Arc::new(DataKey::new(bytes, self.env.clone())?);
        let until = self.env.now().plus_seconds(CACHED_SECONDS);
        let mut cache = self.lock_cache();
        if cache.len() >= CACHED {
            cache.clear();
        }
        cache.insert(name.clone(), Cached { key: key.clone(), until });
        Ok(key)
    }

    /// The unwrapped bytes, made and stored where the name is new.
    async fn make(&self, name: &KeyName) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        if let Some(bytes) = self.material(name).await? {
            return Ok(bytes);
        }
        let bytes = Zeroizing::new(self.env.bytes::<{ data_key::KEY_LEN }>());
        let record = KeyRecord {
            name: name.clone(),
            created_at: self.env.now(),
            material: self.wrap(name, &*bytes).await?,
        };
        // Another process may have been first: what stands in the store counts.
        self.unwrap(&self.store.create(record).await?).await
    }

    async fn material(&self, name: &KeyName) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        match self.store.get(name).await? {
            Some(record) => self.unwrap(&record).await.map(Some),
            None => Ok(None),
        }
    }

    async fn wrap(&self, name: &KeyName, key: &[u8]) -> Result<Material, KeyringError> {
        let master = self.masters.read().unwrap_or_else(PoisonError::into_inner).active.clone();
        let wrapped = master.wrap(&wrap_context(name), key).await?;
        Ok(Material::Wrapped { master: master.id().to_owned(), wrapped: STANDARD.encode(wrapped) })
    }

    async fn unwrap(&self, record: &KeyRecord) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let corrupt = || KeyringError::Corrupt(record.name.clone());
        let (id, wrapped) = match &record.material {
            Material::Wrapped { master, wrapped } => (master, wrapped),
            Material::Destroyed { .. } => {
                return Err(KeyringError::Destroyed(record.name.clone()));
            }
        };
        let master = {
            let masters = self.masters.read().unwrap_or_else(PoisonError::into_inner);
            std::iter::once(&masters.active)
                .chain(&masters.earlier)
                .find(|master| master.id() == id)
                .cloned()
        };
        let master = master.ok_or_else(|| KeyringError::OtherMaster {
            name: record.name.clone(),
            master: id.clone(),
        })?;
        let wrapped = STANDARD.decode(wrapped).map_err(|_| corrupt())?;
        match master.unwrap(&wrap_context(&record.name), &wrapped).await {
            Err(KeyringError::Crypto) => Err(corrupt()),
            other => other,
        }
    }

    fn cached(&self, name: &KeyName) -> Option<Arc<DataKey>> {
        let now = self.env.now();
        self.lock_cache().get(name).filter(|entry| entry.until > now).map(|entry| entry.key.clone())
    }

    fn lock_cache(&self) -> std::sync::MutexGuard<'_, HashMap<KeyName, Cached>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Binds a wrapped key to its name: a file that is renamed does not open.
fn wrap_context(name: &KeyName) -> Vec<u8> {
    format!("studio key v1 {name}").into_bytes()
}

impl std::fmt::Debug for Keyring {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keyring").finish_non_exhaustive()
    }
}
