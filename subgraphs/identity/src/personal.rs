//! Personal data on its way in and out: sealed with the key of its person before it reaches an
//! event, opened only for whoever may see it.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use studio_kernel::{Id, Origin, TenantId, kind};
use studio_service::ApiError;
use studio_stores::keyring::{IndexKey, Keyring, KeyringError, Sealed};
use zeroize::Zeroizing;

use crate::{
    domain::{SealedValue, input::canonical_email},
    scim::document::Document,
};

/// What is known of a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Profile {
    /// What they are called.
    pub name: String,
    /// Where they get mail, and what they sign in with.
    pub email: String,
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Profile(..)")
    }
}

/// What is kept of a passkey: it tells people apart, and so it is personal.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct KeptPasskey {
    /// What the person calls it.
    pub name: String,
    /// By what the authenticator knows it, base64url.
    #[serde(with = "base64url")]
    pub credential: Vec<u8>,
    /// The public key (COSE_Key), base64url.
    #[serde(with = "base64url")]
    pub key: Vec<u8>,
    /// How browsers reach the authenticator.
    #[serde(default)]
    pub transports: Vec<String>,
}

impl fmt::Debug for KeptPasskey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeptPasskey(..)")
    }
}

mod base64url {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&URL_SAFE_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        URL_SAFE_NO_PAD.decode(text).map_err(|_| D::Error::custom("not base64url"))
    }
}

/// What a provider of identity calls a person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// The provider's address (`iss`).
    pub issuer: String,
    /// What it calls the person (`sub`).
    pub subject: String,
}

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject(..)")
    }
}

/// Why a sealed value cannot be used. The messages hold nothing of its content.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PersonalError {
    /// The keyring refused.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// What was sealed has another shape than this version writes.
    #[error("a sealed value of {0} does not have the expected shape")]
    Shape(String),
}

impl From<PersonalError> for ApiError {
    fn from(error: PersonalError) -> Self {
        match error {
            PersonalError::Keyring(error) => error.into(),
            PersonalError::Shape(_) => Self::internal(error),
        }
    }
}

/// Seals and opens what belongs to people.
pub(crate) struct People {
    keyring: Arc<Keyring>,
    emails: IndexKey,
    credentials: IndexKey,
    subjects: IndexKey,
    directories: IndexKey,
}

impl People {
    /// Over a keyring.
    ///
    /// # Errors
    /// When the keys for e-mail addresses, credential ids, subjects and names in directories cannot be had.
    pub(crate) async fn new(keyring: Arc<Keyring>) -> Result<Self, KeyringError> {
        let emails = keyring.index_key("email").await?;
        let credentials = keyring.index_key("credential").await?;
        let subjects = keyring.index_key("subject").await?;
        let directories = keyring.index_key("directory").await?;
        Ok(Self { keyring, emails, credentials, subjects, directories })
    }

    /// The keyed hash by which an e-mail address is found, however it is spelt.
    pub(crate) fn email_hash(&self, email: &str) -> String {
        self.emails.digest(canonical_email(email).as_bytes())
    }

    /// The keyed hash by which a passkey is found.
    pub(crate) fn credential_hash(&self, id: &[u8]) -> String {
        self.credentials.digest(id)
    }

    /// Seals what is kept of a passkey.
    pub(crate) async fn seal_passkey(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        kept: &KeptPasskey,
    ) -> Result<SealedValue, PersonalError> {
        self.seal_json(tenant, user, kept).await
    }

    /// The keyed hash by which a person is found by what a provider calls them.
    pub(crate) fn subject_hash(&self, subject: &Subject) -> String {
        // With its length before it, so that no part of the one can pass for a part of the other.
        let Subject { issuer, subject } = subject;
        self.subjects.digest(format!("{}:{issuer}{subject}", issuer.len()).as_bytes())
    }

    /// The keyed hash by which a person is found by what a directory calls them (`userName`, in whatever
    /// case, or `externalId`).
    pub(crate) fn directory_hash(
        &self,
        directory: Id<kind::Directory>,
        attribute: &str,
        value: &str,
    ) -> String {
        // Neither the id nor the name of an attribute holds a stroke.
        self.directories.digest(format!("{directory}/{attribute}/{value}").as_bytes())
    }

    /// Seals what a directory says of a person.
    pub(crate) async fn seal_record(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        record: &Document,
    ) -> Result<SealedValue, PersonalError> {
        self.seal_json(tenant, user, record).await
    }

    /// Opens what a directory says of a person; `None` once they were erased.
    pub(crate) async fn open_record(
        &self,
        tenant: TenantId,
        sealed: &SealedValue,
    ) -> Result<Option<Document>, PersonalError> {
        self.open_json(tenant, sealed).await
    }

    /// Seals what a provider calls a person.
    pub(crate) async fn seal_subject(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        subject: &Subject,
    ) -> Result<SealedValue, PersonalError> {
        self.seal_json(tenant, user, subject).await
    }

    /// Opens what is kept of a passkey; `None` once the person was erased.
    pub(crate) async fn open_passkey(
        &self,
        tenant: TenantId,
        sealed: &SealedValue,
    ) -> Result<Option<KeptPasskey>, PersonalError> {
        self.open_json(tenant, sealed).await
    }

    /// Opens what a provider calls a person; `None` once they were erased.
    pub(crate) async fn open_subject(
        &self,
        tenant: TenantId,
        sealed: &SealedValue,
    ) -> Result<Option<Subject>, PersonalError> {
        self.open_json(tenant, sealed).await
    }

    /// Seals a profile.
    pub(crate) async fn seal_profile(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        profile: &Profile,
    ) -> Result<SealedValue, PersonalError> {
        self.seal_json(tenant, user, profile).await
    }

    async fn seal_json<T: Serialize + Sync>(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        value: &T,
    ) -> Result<SealedValue, PersonalError> {
        let bytes = serde_json::to_vec(value)
            .map(Zeroizing::new)
            .map_err(|_| PersonalError::Shape(user.to_string()))?;
        self.seal(tenant, user, &bytes).await
    }

    async fn open_json<T: DeserializeOwned>(
        &self,
        tenant: TenantId,
        sealed: &SealedValue,
    ) -> Result<Option<T>, PersonalError> {
        let Some(bytes) = self.open(tenant, sealed).await? else { return Ok(None) };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|_| PersonalError::Shape(tenant.to_string()))
    }

    /// Seals bytes that belong to a person.
    pub(crate) async fn seal(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        bytes: &[u8],
    ) -> Result<SealedValue, PersonalError> {
        let sealed = self.keyring.seal_person(tenant, user, bytes).await?;
        serde_json::to_value(sealed)
            .map(SealedValue)
            .map_err(|_| PersonalError::Shape(user.to_string()))
    }

    /// Opens a profile; `None` once the person was erased.
    pub(crate) async fn open_profile(
        &self,
        tenant: TenantId,
        sealed: &SealedValue,
    ) -> Result<Option<Profile>, PersonalError> {
        self.open_json(tenant, sealed).await
    }

    /// Opens an e-mail address that was sealed by itself; `None` once its person was erased.
    pub(crate) async fn open_address(
        &self,
        tenant: TenantId,
        sealed: &SealedValue,
    ) -> Result<Option<String>, PersonalError> {
        let Some(bytes) = self.open(tenant, sealed).await? else { return Ok(None) };
        String::from_utf8(bytes.to_vec())
            .map(Some)
            .map_err(|_| PersonalError::Shape(tenant.to_string()))
    }

    /// Opens bytes that belong to a person; `None` once the person was erased.
    pub(crate) async fn open(
        &self,
        tenant: TenantId,
        sealed: &SealedValue,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, PersonalError> {
        let sealed =
            Sealed::deserialize(&sealed.0).map_err(|_| PersonalError::Shape(tenant.to_string()))?;
        Ok(self.keyring.open_person(tenant, &sealed).await?)
    }

    /// From where a request came; `None` once the person was erased, or that is not kept any more.
    pub(crate) async fn open_origin(
        &self,
        tenant: TenantId,
        sealed: &str,
    ) -> Result<Option<Origin>, PersonalError> {
        let Some(bytes) = self.keyring.open_origin(tenant, sealed).await? else { return Ok(None) };
        let text = std::str::from_utf8(&bytes).ok();
        let origin = text.and_then(|text| text.parse().ok());
        origin.map(Some).ok_or_else(|| PersonalError::Shape("an origin".to_owned()))
    }

    /// Destroys the person's key, and with it everything that was sealed with it, wherever copies
    /// of it lie.
    pub(crate) async fn erase(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
    ) -> Result<(), PersonalError> {
        Ok(self.keyring.destroy_person(tenant, user).await?)
    }
}

/// A sealed value as it stands in a row.
pub(crate) fn sealed_from_row(text: &str) -> Result<SealedValue, PersonalError> {
    serde_json::from_str(text)
        .map(SealedValue)
        .map_err(|_| PersonalError::Shape("a row".to_owned()))
}
