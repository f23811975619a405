//! What can go wrong with keys. No message holds anything of a key.

use super::name::KeyName;

/// Why the keyring cannot do something.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The master key cannot be used; the sentence says why and what to do.
    #[error("{0}")]
    Master(String),
    /// The key store cannot be read or written.
    #[error("the key store: {0}")]
    Store(String),
    /// The key store's database, or the service that holds the master key, cannot be reached for
    /// now.
    #[error("{0}")]
    Away(String),
    /// A keyring that was to be there is not, or lacks a key that every one has.
    #[error("{0}: bring the keyring back from where its copies are")]
    Missing(String),
    /// A key is wrapped by a master key that is not there.
    #[error(
        "the key {name} is wrapped by the master key {master}, which is not the one given: \
         bring that master key back"
    )]
    OtherMaster {
        /// The key.
        name: KeyName,
        /// The id of the master key that wraps it.
        master: String,
    },
    /// A stored key or sealed value was changed.
    #[error("{0} or something sealed with it was changed or damaged: restore the key store")]
    Corrupt(KeyName),
    /// The key was destroyed: what it sealed is gone, and nothing more can be sealed with it.
    #[error("the key {0} was destroyed")]
    Destroyed(KeyName),
    /// An envelope does not open, or the cryptographic library refused.
    #[error("an encrypted value does not open with this key")]
    Crypto,
}
