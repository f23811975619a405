//! The signature of a manifest: made with the key of the installation's keyring that also signs
//! checkpoints of its logs. The manifest has the hash of every file, so that nobody without the
//! keyring can change an archive, or make one, unseen.

use anyhow::{Context, bail};
use studio_stores::{
    blobs::ContentHash,
    keyring::{KeyName, KeyStore, Keyring, SigningKey, verify_signature},
};

const PURPOSE: &str = "checkpoints";

/// The key that signs, which an installation makes at its first start.
pub(crate) async fn key(keyring: &Keyring, store: &dyn KeyStore) -> anyhow::Result<SigningKey> {
    // Asked for by the keyring, a missing key would be made.
    if store.get(&KeyName::Signing(PURPOSE.to_owned())).await?.is_none() {
        bail!("the keyring has no key for signed checkpoints");
    }
    Ok(keyring.signing_key(PURPOSE).await?)
}

/// The text of the file beside the manifest.
pub(crate) fn sign(key: &SigningKey, manifest: &[u8]) -> String {
    format!("{}\n", hex::encode(key.sign(&message(manifest))))
}

/// Whether the text is the signature of this manifest by this key.
pub(crate) fn check(key: &SigningKey, manifest: &[u8], text: &[u8]) -> anyhow::Result<()> {
    let signature = hex::decode(text.trim_ascii_end()).context("manifest.sig is no signature")?;
    if verify_signature(key.public_key(), &message(manifest), &signature) {
        return Ok(());
    }
    bail!(
        "manifest.json is not signed by the keyring of this installation: the archive was changed, \
         or is of another installation"
    )
}

/// No signed checkpoint of a log begins like this.
fn message(manifest: &[u8]) -> Vec<u8> {
    format!("studio archive v1 {}", ContentHash::of(manifest)).into_bytes()
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[tokio::test]
    async fn only_what_was_signed_passes() {
        let folder = tempfile::tempdir().unwrap();
        let keyring = Keyring::embedded(folder.path(), Env::system()).await.unwrap();
        let ours = keyring.signing_key(PURPOSE).await.unwrap();
        let other = keyring.signing_key("tokens").await.unwrap();
        let text = sign(&ours, b"manifest");
        check(&ours, b"manifest", text.as_bytes()).unwrap();
        assert!(check(&ours, b"manifesto", text.as_bytes()).is_err());
        assert!(check(&other, b"manifest", text.as_bytes()).is_err());
        assert!(check(&ours, b"manifest", b"").is_err());
        assert!(check(&ours, b"manifest", b"no hexadecimal").is_err());
    }
}
