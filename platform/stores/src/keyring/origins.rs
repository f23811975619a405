//! From where requests came, sealed for as long as that is kept: with the key of the person whose
//! request it was, and on top with the key of the organization for that month. Erasing the person ends it for
//! them; destroying the key of a month ends it for everybody, and no stored byte changes.

use base64::{Engine, engine::general_purpose::STANDARD};
use studio_kernel::{Id, TenantId, Timestamp, kind};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Keyring, KeyringError, Material, Month, name::KeyName, store::KeyRecord};

/// What the sealed bytes begin with where nobody's key is beneath,
const PLAIN: u8 = 0;
/// and where that of the person is whose id follows.
const OF_PERSON: u8 = 1;

impl Keyring {
    /// Seals from where a request came that was made by, or for, `person`. The text names the month. `None` where the person was
    /// erased, of whom nothing is kept any more, or the key of this month is destroyed.
    ///
    /// # Errors
    /// [`KeyringError`] from the store or the master key.
    pub async fn seal_origin(
        &self,
        tenant: TenantId,
        person: Option<Id<kind::User>>,
        origin: &[u8],
    ) -> Result<Option<String>, KeyringError> {
        let mut content = Zeroizing::new(Vec::with_capacity(origin.len() + 64));
        match person {
            Some(person) => {
                let name = KeyName::Person(tenant, person);
                let Some(key) = present(self.data_key(&name).await)? else { return Ok(None) };
                content.push(OF_PERSON);
                content.extend_from_slice(person.uuid().as_bytes());
                content.extend(key.seal(&context(&name), origin)?);
            }
            None => {
                content.push(PLAIN);
                content.extend_from_slice(origin);
            }
        }
        let month = Month::of(self.env.now());
        let name = KeyName::Origins(tenant, month);
        let Some(key) = present(self.data_key(&name).await)? else { return Ok(None) };
        let sealed = key.seal(&context(&name), &content)?;
        Ok(Some(format!("{month}.{}", STANDARD.encode(sealed))))
    }

    /// Opens what [`Keyring::seal_origin`] sealed for the same organization; `None` once the key of the
    /// month or of the person is destroyed.
    ///
    /// # Errors
    /// [`KeyringError::Corrupt`] when the text was changed or belongs to another organization, and from
    /// the store or the master key.
    pub async fn open_origin(
        &self,
        tenant: TenantId,
        sealed: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringError> {
        let foreign = || KeyringError::Corrupt(KeyName::Tenant(tenant));
        let (month, sealed) = sealed.split_once('.').ok_or_else(foreign)?;
        let name = KeyName::Origins(tenant, month.parse().map_err(|_| foreign())?);
        let corrupt = || KeyringError::Corrupt(name.clone());
        let sealed = STANDARD.decode(sealed).map_err(|_| corrupt())?;
        let Some(key) = self.existing_data_key(&name).await? else { return Ok(None) };
        let content = key.open(&context(&name), &sealed).map_err(|_| corrupt())?;
        match content.split_first() {
            Some((&PLAIN, origin)) => Ok(Some(Zeroizing::new(origin.to_vec()))),
            Some((&OF_PERSON, rest)) => {
                let (person, sealed) = rest.split_first_chunk().ok_or_else(corrupt)?;
                let name = KeyName::Person(tenant, Id::from_uuid(Uuid::from_bytes(*person)));
                let Some(key) = self.existing_data_key(&name).await? else { return Ok(None) };
                let opened = key.open(&context(&name), sealed);
                opened.map(Some).map_err(|_| KeyringError::Corrupt(name))
            }
            _ => Err(corrupt()),
        }
    }

    /// Destroys the keys of all months, of every organization, that ended before that of `until` began, and
    /// says how many they were. Repeating it changes nothing.
    ///
    /// # Errors
    /// [`KeyringError::Store`]; some of them may then be destroyed.
    pub async fn destroy_origins(&self, until: Timestamp) -> Result<usize, KeyringError> {
        let first_kept = Month::of(until);
        let _changing = self.changing.lock().await;
        let mut destroyed = 0;
        for name in self.store.names().await? {
            if !matches!(&name, KeyName::Origins(_, month) if *month < first_kept) {
                continue;
            }
            let Some(record) = self.store.get(&name).await? else { continue };
            if matches!(record.material, Material::Destroyed { .. }) {
                continue;
            }
            let material = Material::Destroyed { at: self.env.now() };
            self.store.replace(KeyRecord { material, ..record }).await?;
            self.lock_cache().remove(&name);
            destroyed += 1;
        }
        Ok(destroyed)
    }
}

/// A destroyed key is no fault here.
fn present<T>(key: Result<T, KeyringError>) -> Result<Option<T>, KeyringError> {
    match key {
        Ok(key) => Ok(Some(key)),
        Err(KeyringError::Destroyed(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

fn context(name: &KeyName) -> Vec<u8> {
    format!("studio origin v1 {name}").into_bytes()
}
