//! An evidence item: one for each project and source, with a version for each scan of that source.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, Id, Timestamp, event, events, kind, published::evidence::EvidenceRejected,
};

/// Longest reason of a rejection, in characters.
const MAX_REASON: usize = 1000;

/// A new version of the evidence: one scan, with the hash of its bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EvidenceVersionAdded {
    /// The project.
    pub project: Id<kind::Project>,
    /// The run that brought it.
    pub run: Id<kind::IngestRun>,
    /// The version, from 1.
    pub version: u32,
    /// Which scanner looked at what.
    pub source: String,
    /// SHA-256 of the bytes as they were uploaded.
    pub sha256: String,
    /// Those bytes, counted.
    pub size: u64,
}
event!(EvidenceVersionAdded, "evidence.version.added", 1);

events! {
    /// What happens to an evidence item.
    pub(crate) enum EvidenceEvent { EvidenceVersionAdded, EvidenceRejected }
}

/// One version of an evidence item.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Version {
    /// The run that brought it.
    pub run: Id<kind::IngestRun>,
    /// Whether it was rejected.
    pub rejected: bool,
}

/// The state of an evidence item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Evidence {
    /// The project that it is of; `None` before there is a version.
    pub project: Option<Id<kind::Project>>,
    /// Its versions; version n stands at n - 1.
    pub versions: Vec<Version>,
}

/// Why a version cannot be rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RejectionRefused {
    /// There is no such version.
    #[error("There is no version {given}: the evidence has versions 1 to {newest}.")]
    NoSuchVersion {
        /// The version that was named.
        given: i64,
        /// The newest version.
        newest: usize,
    },
    /// It was rejected before.
    #[error("Version {0} was rejected before.")]
    AlreadyRejected(u32),
    /// Its project is archived.
    #[error("Project {0} is archived and takes no change: restore it first (restoreProject).")]
    Archived(Id<kind::Project>),
    /// The reason is missing or too long.
    #[error("Say why, in 1 to {MAX_REASON} characters.")]
    Reason,
}

impl Evidence {
    /// The version that a new scan gets.
    pub(crate) fn next_version(&self) -> u32 {
        u32::try_from(self.versions.len()).unwrap_or(u32::MAX).saturating_add(1)
    }

    /// Decides on the rejection of a version.
    ///
    /// # Errors
    /// Where the version does not exist or was rejected before, or no reason is given.
    pub(crate) fn reject(
        &self,
        id: Id<kind::Evidence>,
        version: i64,
        reason: &str,
    ) -> Result<EvidenceEvent, RejectionRefused> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > MAX_REASON {
            return Err(RejectionRefused::Reason);
        }
        let no_such =
            RejectionRefused::NoSuchVersion { given: version, newest: self.versions.len() };
        let number = u32::try_from(version).map_err(|_| no_such.clone())?;
        let found = number
            .checked_sub(1)
            .and_then(|index| self.versions.get(index as usize))
            .ok_or(no_such)?;
        if found.rejected {
            return Err(RejectionRefused::AlreadyRejected(number));
        }
        Ok(EvidenceRejected {
            evidence: id,
            evidence_version: number,
            reason: reason.to_owned(),
            project: self.project,
        }
        .into())
    }
}

impl Aggregate for Evidence {
    const STREAM_TYPE: &'static str = "evidence.evidence";
    const STATE_VERSION: u32 = 2;
    type Event = EvidenceEvent;

    fn apply(&mut self, event: &EvidenceEvent, _recorded_at: Timestamp) {
        match event {
            EvidenceEvent::EvidenceVersionAdded(added) => {
                self.project = Some(added.project);
                self.versions.push(Version { run: added.run, rejected: false });
            }
            EvidenceEvent::EvidenceRejected(rejected) => {
                let version = (rejected.evidence_version as usize)
                    .checked_sub(1)
                    .and_then(|index| self.versions.get_mut(index));
                if let Some(version) = version {
                    version.rejected = true;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[test]
    fn a_version_is_rejected_once_and_with_a_reason() {
        let env = Env::system();
        let mut evidence = Evidence::default();
        let id = env.id();
        assert_eq!(evidence.next_version(), 1);
        assert!(matches!(
            evidence.reject(id, 1, "why"),
            Err(RejectionRefused::NoSuchVersion { given: 1, newest: 0 })
        ));
        evidence.versions.push(Version { run: env.id(), rejected: false });
        assert_eq!(evidence.reject(id, 1, "  ").unwrap_err(), RejectionRefused::Reason);
        for bad in [0, -1, 2, i64::MAX] {
            assert!(evidence.reject(id, bad, "why").is_err());
        }
        let event = evidence.reject(id, 1, " forged ").unwrap();
        evidence.apply(&event, env.now());
        assert!(matches!(evidence.reject(id, 1, "why"), Err(RejectionRefused::AlreadyRejected(1))));
    }
}
