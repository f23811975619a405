//! The whole of an archive, before anything of it is used.

use anyhow::{Context, bail};
use studio_stores::keyring::SigningKey;

use super::{
    archive::{Archive, BLOB_LIST, SIGNATURE, log_path},
    blobs, consumers, logs,
    manifest::{Kind, Manifest},
    signature,
};
use crate::stores::SUBGRAPHS;

/// A signature is 128 digits.
pub(crate) const MOST_SIGNATURE: u64 = 1_024;

/// The versions in the manifest, before it is known who wrote it.
pub(crate) fn versions(archive: &Archive) -> anyhow::Result<Kind> {
    Ok(Manifest::read(&archive.manifest()?)?.kind)
}

/// Reads every file, and fails at the first that is not what the installation of this key wrote.
pub(crate) fn whole(archive: &Archive, key: &SigningKey) -> anyhow::Result<Manifest> {
    let bytes = archive.manifest()?;
    signature::check(key, &bytes, &archive.read(SIGNATURE, MOST_SIGNATURE)?)?;
    let manifest = Manifest::read(&bytes)?;
    let named: Vec<&str> = manifest.logs.iter().map(|log| log.source.as_str()).collect();
    if named != SUBGRAPHS {
        bail!(
            "the archive holds the logs {}, and this Studio has {}",
            named.join(", "),
            SUBGRAPHS.join(", ")
        );
    }
    for entry in &manifest.files {
        archive.check(&entry.path, entry.bytes, entry.sha256)?;
    }
    for path in SUBGRAPHS.map(log_path).iter().map(String::as_str).chain([BLOB_LIST]) {
        manifest.file(path)?;
    }
    for log in &manifest.logs {
        log.check_signatures(key.public_key())?;
        logs::check(archive, &manifest, log)?;
    }
    consumers::check(&manifest.logs).context("the archive is of no single moment")?;
    blobs::check(archive, &manifest)?;
    Ok(manifest)
}
