//! What an archive says of the logs that it is of, for whoever holds them against it. Only its manifest
//! is read, which is signed.

use std::path::Path;

use studio_events::{SignedCheckpoint, seen::Seen};
use studio_stores::keyring::SigningKey;

use super::{
    archive::{Archive, SIGNATURE},
    check::MOST_SIGNATURE,
    manifest::Manifest,
    signature,
};

/// The manifest of an archive of this installation.
pub(crate) struct Kept {
    of: String,
    manifest: Manifest,
}

impl Kept {
    /// Reads it.
    ///
    /// # Errors
    /// When there is none, or it is of another installation.
    pub(crate) fn read(path: &Path, key: &SigningKey) -> anyhow::Result<Self> {
        let archive = Archive::open(path)?;
        let bytes = archive.manifest()?;
        signature::check(key, &bytes, &archive.read(SIGNATURE, MOST_SIGNATURE)?)?;
        Ok(Self { of: path.display().to_string(), manifest: Manifest::read(&bytes)? })
    }

    /// Where a log ended when the archive was made.
    pub(crate) fn seen(&self, log: &str) -> Option<Seen> {
        let state = self.manifest.logs.iter().find(|state| state.source == log)?;
        Some(Seen {
            by: format!("the archive {} of {}", self.of, self.manifest.made_at),
            position: state.position,
            hash: Some(state.hash),
        })
    }

    /// The signed checkpoints that a log had then.
    pub(crate) fn signed_checkpoints(&self, log: &str) -> &[SignedCheckpoint] {
        let state = self.manifest.logs.iter().find(|state| state.source == log);
        state.map_or(&[], |state| &state.signed_checkpoints)
    }
}
