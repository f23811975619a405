//! A master key that a key management service holds, by the protocol of AWS KMS. Keys are wrapped
//! and unwrapped there, so the master key never leaves it.

use async_trait::async_trait;
use aws_sdk_kms::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
};
use zeroize::Zeroizing;

use super::{KeyringError, MasterKey};
use crate::AwsAccess;

#[cfg(test)]
mod tests;

/// Which key of which service.
#[derive(Debug, Clone)]
pub struct KmsOptions {
    /// Where the service is and who is asking.
    pub access: AwsAccess,
    /// The key: its id, its ARN, or an alias. It must be symmetric (`SYMMETRIC_DEFAULT`).
    pub key: String,
    /// The section of the configuration that these options come from, for messages.
    pub section: &'static str,
}

/// A master key in a key management service.
pub struct KmsMaster {
    client: Client,
    /// The key's ARN, which stays when an alias moves on.
    arn: String,
    id: String,
    address: String,
    section: &'static str,
}

/// What a wrapped key is bound to, as the service's audit log shows it.
const CONTEXT: &str = "studio";

impl KmsMaster {
    /// Asks the service for the key.
    ///
    /// # Errors
    /// [`KeyringError::Master`] with the setting to look at: the service refuses, or has no such key
    /// that can be used; [`KeyringError::Away`] likewise where it does not answer.
    pub async fn connect(options: KmsOptions) -> Result<Self, KeyringError> {
        let section = options.section;
        let config = options.access.load().await.map_err(|error| {
            KeyringError::Master(format!("{section}.{} {}", error.setting, error.what))
        })?;
        let address = options.access.address("kms");
        let mut master = Self {
            client: Client::new(&config),
            arn: String::new(),
            id: String::new(),
            address,
            section,
        };
        let described = master.client.describe_key().key_id(&options.key).send().await;
        let described = described.map_err(|error| master.failed(&error))?;
        let key = described.key_metadata().filter(|key| key.enabled()).ok_or_else(|| {
            KeyringError::Master(format!(
                "the key {} at {} is not enabled: enable it, or name another one in {section}.key",
                options.key, master.address
            ))
        })?;
        master.arn = key.arn().unwrap_or(key.key_id()).to_owned();
        master.id = format!("kms {}", master.arn);
        Ok(master)
    }

    fn failed<E>(&self, error: &SdkError<E, HttpResponse>) -> KeyringError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let section = self.section;
        let (said, setting) = match error.as_service_error() {
            Some(service) => {
                let told: Vec<_> =
                    [service.code(), service.message()].into_iter().flatten().collect();
                let of_key = matches!(service.code(), Some("NotFoundException"));
                (told.join(": "), if of_key { "key" } else { "access_key" })
            }
            None => (crate::aws::innermost(error), "endpoint"),
        };
        let told = format!(
            "the key management service at {} failed ({said}): check that it runs, and that \
             {section}.{setting} is right",
            self.address
        );
        let busy = error.code() == Some("ThrottlingException");
        if busy || crate::aws::may_answer_later(error) {
            KeyringError::Away(told)
        } else {
            KeyringError::Master(told)
        }
    }
}

/// The bytes that a wrapped key is bound to, as text.
fn text(context: &[u8]) -> String {
    String::from_utf8_lossy(context).into_owned()
}

#[async_trait]
impl MasterKey for KmsMaster {
    fn id(&self) -> &str {
        &self.id
    }

    async fn wrap(&self, context: &[u8], key: &[u8]) -> Result<Vec<u8>, KeyringError> {
        let answer = self
            .client
            .encrypt()
            .key_id(&self.arn)
            .encryption_context(CONTEXT, text(context))
            .plaintext(Blob::new(key))
            .send()
            .await
            .map_err(|error| self.failed(&error))?;
        answer.ciphertext_blob.map(Blob::into_inner).ok_or(KeyringError::Crypto)
    }

    async fn unwrap(
        &self,
        context: &[u8],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyringError> {
        let answer = self
            .client
            .decrypt()
            .key_id(&self.arn)
            .encryption_context(CONTEXT, text(context))
            .ciphertext_blob(Blob::new(wrapped))
            .send()
            .await
            .map_err(|error| {
                let code = error.as_service_error().and_then(ProvideErrorMetadata::code);
                match code {
                    Some("InvalidCiphertextException" | "IncorrectKeyException") => {
                        KeyringError::Crypto
                    }
                    _ => self.failed(&error),
                }
            })?;
        let key = answer.plaintext.map(Blob::into_inner).ok_or(KeyringError::Crypto)?;
        Ok(Zeroizing::new(key))
    }
}

impl std::fmt::Debug for KmsMaster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KmsMaster").field("id", &self.id).finish_non_exhaustive()
    }
}
