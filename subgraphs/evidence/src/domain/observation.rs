//! What one batch of a scan says, and how it compares with what is on record.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, Timestamp, kind};

/// What a finding says of its resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum FindingStatus {
    /// The resource passes.
    Pass,
    /// The resource fails.
    Fail,
    /// A person must look: nothing is known.
    Manual,
    /// Muted in the scanner: neither pass nor fail.
    Muted,
    /// The check did not run to its end: nothing is known.
    Error,
}

impl FindingStatus {
    /// All of them.
    pub(crate) const ALL: [Self; 5] =
        [Self::Pass, Self::Fail, Self::Manual, Self::Muted, Self::Error];

    /// The spelling in events and tables.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Manual => "MANUAL",
            Self::Muted => "MUTED",
            Self::Error => "ERROR",
        }
    }

    /// The status of that spelling.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// 0 pass, 1 unknown, 2 fail: where several findings of a check are about one resource, the
    /// greatest stands for it.
    pub(crate) const fn standing(self) -> i16 {
        match self {
            Self::Pass => 0,
            Self::Manual | Self::Muted | Self::Error => 1,
            Self::Fail => 2,
        }
    }
}

/// A resource, as a finding names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObservedAsset {
    /// The asset.
    pub id: Id<kind::Asset>,
    /// Its id with the provider, for example an ARN.
    pub uid: String,
    /// Its name.
    pub name: String,
    /// Its type with the provider.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its region.
    pub region: String,
}

/// A finding that is new, or says something else than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObservedFinding {
    /// The finding.
    pub id: Id<kind::Finding>,
    /// The scanner's id of it.
    pub uid: String,
    /// The result.
    pub status: FindingStatus,
    /// Lower case.
    pub severity: String,
    /// What the scanner says about the result.
    pub message: String,
    /// The resources; the first is the one that the result is about. Never empty.
    pub assets: Vec<ObservedAsset>,
}

/// What a scan says of one check in one account and region at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObservedGroup {
    /// The scanner's id of the check.
    pub check: String,
    /// The cloud account.
    pub account: String,
    /// The region, or `global`.
    pub region: String,
    /// When the scanner observed it.
    pub at: Timestamp,
    /// Findings that are new, or came back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<ObservedFinding>,
    /// Findings that say something else than before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<ObservedFinding>,
    /// Findings that say what they said before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unchanged: Vec<Id<kind::Finding>>,
}

/// What the scanner says about one of its checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObservedCheck {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Lower case.
    pub severity: String,
    /// The requirement ids that it is evidence for, by the scanner's name of the framework.
    pub requirements: BTreeMap<String, Vec<String>>,
}

/// An item of a scan that was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RefusedItem {
    /// Its number in the file, from 0.
    pub index: u64,
    /// Where it begins, in bytes of the unpacked file.
    pub offset: u64,
    /// The scanner's id of the finding, where it could be read.
    pub uid: Option<String>,
    /// Why, in a sentence.
    pub reason: String,
}

/// What is on record of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Whether it is in the population now.
    pub present: bool,
    /// The fingerprint of what it says.
    pub content: i64,
    /// The newest instant at which it was observed.
    pub last_seen: Timestamp,
    /// The run that observed it then.
    pub last_run: Id<kind::IngestRun>,
}

/// How an observation compares with what is on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Not in the population until now.
    New,
    /// There, and says something else now.
    Changed,
    /// There, and says the same.
    Unchanged,
    /// Something newer is on record: an older observation never overrides it.
    Superseded,
    /// This run has brought a finding of that id before.
    Duplicate,
}

/// Compares an observation of `run` at the instant `at` with what is on record. `newest` is the
/// instant of the newest complete scan of the check in that account and region: what it did not
/// list is gone, and an older scan does not bring it back.
pub(crate) fn classify(
    known: Option<&Known>,
    newest: Option<Timestamp>,
    run: Id<kind::IngestRun>,
    at: Timestamp,
    content: i64,
) -> Class {
    match known {
        Some(known) if known.last_run == run => Class::Duplicate,
        Some(known) if known.last_seen > at => Class::Superseded,
        _ if newest.is_some_and(|newest| newest > at) => Class::Superseded,
        Some(known) if known.present && known.content == content => Class::Unchanged,
        Some(known) if known.present => Class::Changed,
        _ => Class::New,
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[test]
    fn an_older_observation_never_overrides() {
        let env = Env::system();
        let (run, other) = (env.id(), env.id());
        let at = |micros| Timestamp::from_micros(micros);
        let known = |present, last_run| Known { present, content: 7, last_seen: at(10), last_run };
        let there = known(true, other);
        let gone = known(false, other);
        let own = known(true, run);
        for (known, newest, instant, content, expected) in [
            (None, None, 5, 7, Class::New),
            (None, Some(at(9)), 5, 7, Class::Superseded),
            (None, Some(at(5)), 5, 7, Class::New),
            (Some(&there), Some(at(10)), 11, 7, Class::Unchanged),
            (Some(&there), Some(at(10)), 10, 8, Class::Changed),
            (Some(&there), Some(at(10)), 9, 8, Class::Superseded),
            (Some(&gone), Some(at(12)), 11, 7, Class::Superseded),
            (Some(&gone), Some(at(12)), 12, 7, Class::New),
            (Some(&own), None, 10, 7, Class::Duplicate),
        ] {
            assert_eq!(classify(known, newest, run, at(instant), content), expected);
        }
    }

    #[test]
    fn spellings_come_back() {
        for status in FindingStatus::ALL {
            assert_eq!(FindingStatus::parse(status.as_str()), Some(status));
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }
}
