//! `manifest.json`: what an archive holds, and the hash of everything in it.

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use studio_events::transfer::LogState;
use studio_kernel::Timestamp;
use studio_stores::blobs::ContentHash;

/// The version of the archive's format that this Studio writes and reads.
const FORMAT: u32 = 1;
/// This Studio.
const STUDIO: &str = env!("CARGO_PKG_VERSION");

/// What is in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    /// The version of the format.
    pub(crate) format: u32,
    /// What the archive is for.
    pub(crate) kind: Kind,
    /// The version of Studio that wrote it.
    pub(crate) studio: String,
    /// When the logs were cut.
    pub(crate) made_at: Timestamp,
    /// Every log, without its events.
    pub(crate) logs: Vec<LogState>,
    /// What is in `blobs/`, all together.
    pub(crate) blobs: Totals,
    /// Every other file, but this one and its signature.
    pub(crate) files: Vec<FileEntry>,
}

/// What an archive is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// To move an installation: it holds the wrapped keys.
    Export,
    /// To bring an installation back: its keys are kept apart, so that no erased person comes back.
    Backup,
}

/// Many files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Totals {
    pub(crate) count: u64,
    pub(crate) bytes: u64,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FileEntry {
    /// Its path within the archive. It is only ever compared, never opened as it stands here.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) sha256: ContentHash,
}

impl Manifest {
    /// Of an archive that this Studio writes.
    pub(crate) fn new(kind: Kind, made_at: Timestamp, logs: Vec<LogState>) -> Self {
        Self {
            format: FORMAT,
            kind,
            studio: STUDIO.to_owned(),
            made_at,
            logs,
            blobs: Totals::default(),
            files: Vec::new(),
        }
    }

    /// Reads it; one of another format, or of a newer Studio, is refused.
    pub(crate) fn read(bytes: &[u8]) -> anyhow::Result<Self> {
        #[derive(Deserialize)]
        struct Versions {
            format: u32,
            studio: String,
        }
        let versions: Versions =
            serde_json::from_slice(bytes).context("manifest.json is no manifest of an archive")?;
        if versions.format != FORMAT {
            bail!(
                "the archive has format {}, and this Studio reads format {FORMAT}: use the Studio \
                 that wrote it ({})",
                versions.format,
                printable(&versions.studio)
            );
        }
        if numbers(&versions.studio).is_none_or(|wrote| Some(wrote) > numbers(STUDIO)) {
            bail!(
                "the archive was written by Studio {}, and this is {STUDIO}: upgrade first",
                printable(&versions.studio)
            );
        }
        serde_json::from_slice(bytes).context("manifest.json does not read")
    }

    /// What is said of the file at this path.
    pub(crate) fn file(&self, path: &str) -> anyhow::Result<&FileEntry> {
        self.files
            .iter()
            .find(|entry| entry.path == path)
            .with_context(|| format!("manifest.json does not name {path}"))
    }
}

fn numbers(version: &str) -> Option<[u64; 3]> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_formats_and_newer_writers_are_refused() {
        let manifest = Manifest::new(Kind::Backup, Timestamp::from_micros(1), Vec::new());
        let read = |manifest: &Manifest| Manifest::read(&serde_json::to_vec(manifest).unwrap());
        assert_eq!(read(&manifest).unwrap(), manifest);
        let other = Manifest { format: 2, ..manifest.clone() };
        assert!(read(&other).unwrap_err().to_string().contains("has format 2"));
        for studio in ["99.0.0", "0.1", "new", "0.1.0.0", ""] {
            let newer = Manifest { studio: studio.to_owned(), ..manifest.clone() };
            assert!(read(&newer).unwrap_err().to_string().contains("upgrade first"), "{studio}");
        }
        assert!(Manifest::read(b"{}").is_err());
    }
}
