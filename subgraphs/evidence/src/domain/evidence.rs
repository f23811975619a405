//! An evidence item: one for each project and source, with a version for each scan of that source.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, DataClass, Id, Timestamp, event, events, kind, published::evidence::EvidenceRejected,
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
    /// How closely the evidence is kept, as of this version.
    #[serde(default)]
    pub data_class: DataClass,
    /// What is said of JSON that was handed in; `None` for a scan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_in: Option<HandedIn>,
}
event!(EvidenceVersionAdded, "evidence.version.added", 1);

/// JSON that was handed in under a name, for rules to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct HandedIn {
    /// The name.
    pub name: String,
    /// When it was collected: since then what it says is true.
    pub collected_at: Timestamp,
}

impl HandedIn {
    /// The source of the evidence of a name.
    pub(crate) fn source(name: &str) -> String {
        format!("json/{name}")
    }
}

/// The evidence got another data class, with all its versions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DataClassSet {
    /// The project.
    pub project: Option<Id<kind::Project>>,
    /// The class from now on.
    pub data_class: DataClass,
}
event!(DataClassSet, "evidence.evidence.classified", 1);

events! {
    /// What happens to an evidence item.
    pub(crate) enum EvidenceEvent { EvidenceVersionAdded, EvidenceRejected, DataClassSet }
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
    /// How closely it is kept.
    pub data_class: DataClass,
    /// How often its class was set: what `expectedVersion` is compared with.
    pub class_version: u32,
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

/// Why evidence cannot be classified.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClassificationRefused {
    /// Its project is archived.
    #[error("Project {0} is archived and takes no change: restore it first (restoreProject).")]
    Archived(Id<kind::Project>),
    /// Somebody else was first.
    #[error(
        "The evidence's class is at version {actual}, and you expected {expected}: somebody set it; \
         load it again and decide again."
    )]
    Stale {
        /// What was expected.
        expected: u32,
        /// What it is.
        actual: u32,
    },
}

impl Evidence {
    /// Decides on a class for the evidence; the one that it has changes nothing.
    ///
    /// # Errors
    /// Where its class was set more or less often than is expected.
    pub(crate) fn classify(
        &self,
        data_class: DataClass,
        expected: u32,
    ) -> Result<Option<EvidenceEvent>, ClassificationRefused> {
        let actual = self.class_version;
        if expected != actual {
            return Err(ClassificationRefused::Stale { expected, actual });
        }
        let classified = DataClassSet { project: self.project, data_class };
        Ok((data_class != self.data_class).then(|| classified.into()))
    }

    /// What becomes of its class by a scan that is to be kept that closely: no scan lowers it.
    pub(crate) fn raise(&self, asked: Option<DataClass>) -> Option<EvidenceEvent> {
        let data_class =
            asked.filter(|class| !self.versions.is_empty() && *class > self.data_class)?;
        Some(DataClassSet { project: self.project, data_class }.into())
    }

    /// Its class once a scan is there that is to be kept that closely.
    pub(crate) fn class_with(&self, asked: Option<DataClass>) -> DataClass {
        match asked {
            Some(class) if self.versions.is_empty() => class,
            Some(class) => class.max(self.data_class),
            None => self.data_class,
        }
    }

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
    const STATE_VERSION: u32 = 3;
    type Event = EvidenceEvent;

    fn apply(&mut self, event: &EvidenceEvent, _recorded_at: Timestamp) {
        match event {
            EvidenceEvent::EvidenceVersionAdded(added) => {
                self.project = Some(added.project);
                if self.versions.is_empty() {
                    (self.data_class, self.class_version) = (added.data_class, 1);
                }
                self.versions.push(Version { run: added.run, rejected: false });
            }
            EvidenceEvent::DataClassSet(classified) => {
                self.data_class = classified.data_class;
                self.class_version += 1;
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

    #[test]
    fn a_class_is_set_by_whoever_has_seen_it_and_a_scan_only_raises_it() {
        let env = Env::system();
        let mut evidence = Evidence::default();
        assert!(evidence.raise(Some(DataClass::Restricted)).is_none(), "the first has it itself");
        assert_eq!(evidence.class_with(None), DataClass::Internal);
        let added = EvidenceVersionAdded {
            project: env.id(),
            run: env.id(),
            version: 1,
            source: "prowler/aws/1".to_owned(),
            sha256: String::new(),
            size: 1,
            data_class: evidence.class_with(Some(DataClass::Public)),
            handed_in: None,
        };
        evidence.apply(&added.into(), env.now());
        assert_eq!((evidence.data_class, evidence.class_version), (DataClass::Public, 1));
        assert_eq!(evidence.class_with(None), DataClass::Public);
        for lower in [None, Some(DataClass::Public)] {
            assert!(evidence.raise(lower).is_none());
        }
        let raised = evidence.raise(Some(DataClass::Confidential)).unwrap();
        evidence.apply(&raised, env.now());
        assert_eq!(evidence.class_with(Some(DataClass::Internal)), DataClass::Confidential);
        let stale = ClassificationRefused::Stale { expected: 1, actual: 2 };
        assert_eq!(evidence.classify(DataClass::Public, 1).unwrap_err(), stale);
        assert!(evidence.classify(DataClass::Confidential, 2).unwrap().is_none());
        let lowered = evidence.classify(DataClass::Public, 2).unwrap().unwrap();
        evidence.apply(&lowered, env.now());
        assert_eq!((evidence.data_class, evidence.class_version), (DataClass::Public, 3));
    }
}
