//! What every log tells the audit log of each of its events, the unpublished ones too: who did what to
//! what, and of the event's data those fields alone that its subgraph declares safe to show. No
//! personal data, no secret, no text of a document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    actor::{Principal, Role},
    event,
    id::{Id, kind},
    time::Timestamp,
};

/// One event of a log, for the audit log. When it was recorded, of which organization it is, its id
/// and its position stand in the [`CloudEvent`](super::CloudEvent) round it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditRecord {
    /// The type of the event as it is recorded, for example `identity.user.roles_changed`.
    pub action: String,
    /// How it ended.
    #[serde(default)]
    pub outcome: AuditOutcome,
    /// How often it happened.
    #[serde(default = "once")]
    pub times: u32,
    /// What it was done to.
    pub target: AuditTarget,
    /// Who did it.
    pub principal: Principal,
    /// The roles that they had then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Role>,
    /// The request that brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<Id<kind::Request>>,
    /// The event, in whichever log, that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation: Option<Id<kind::Event>>,
    /// From where the request came, sealed for identity to open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// The fields that may be shown, as the event holds them.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shown: BTreeMap<String, Value>,
    /// The names of those fields that tell how the target is from then on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<String>,
}
event!(AuditRecord, "audit.event.recorded", 1);

const fn once() -> u32 {
    1
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditTarget {
    /// `<subgraph>.<thing>`, for example `controls.control`.
    pub kind: String,
    /// The id.
    pub id: String,
}

/// Something that changed nothing and is told all the same. What happens often is counted together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Noticed {
    /// What it was about; without an id where it was about several things, or none in particular.
    pub target: AuditTarget,
    /// What else there is to say: ids, hashes, and words from small sets.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub about: BTreeMap<String, String>,
    /// How often it happened, at least once.
    pub times: u32,
    /// When it happened first,
    pub first: Timestamp,
    /// and last.
    pub last: Timestamp,
}

/// The access policies refused somebody an action, which `about` names as `denied`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActionDenied(pub Noticed);
event!(ActionDenied, "access.action.denied", 1);

/// Kept bytes were handed out to somebody.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ContentExported(pub Noticed);
event!(ContentExported, "access.content.exported", 1);

/// Somebody tried in vain to sign in to an account, which is the target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SignInFailed(pub Noticed);
event!(SignInFailed, "identity.sign_in.failed", 1);

/// How something ended that was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// It was done.
    #[default]
    Succeeded,
    /// The policies refused it.
    Denied,
    /// It was tried in vain.
    Failed,
}

impl AuditOutcome {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }

    /// The outcome that is written so.
    pub fn parse(name: &str) -> Option<Self> {
        let all = [Self::Succeeded, Self::Denied, Self::Failed];
        all.into_iter().find(|outcome| outcome.as_str() == name)
    }
}
