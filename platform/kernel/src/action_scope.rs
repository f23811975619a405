//! How far a program may go: patterns of actions, such as `controls:*:read`. A scope only narrows.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, de};

/// Bytes of a scope at most.
const LONGEST: usize = 80;
/// Stands for every name.
const ANY: &str = "*";

/// A pattern of actions: `<subgraph>:<thing>:<verb>`, where each part may be `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct ActionScope(String);

/// Why a text is no scope.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no scope: write an action such as evidence:run:ingest, with * for any of its three \
     parts, as in controls:*:read"
)]
pub struct ActionScopeError(String);

impl ActionScope {
    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it reaches an action.
    pub fn covers(&self, action: &str) -> bool {
        let mut parts = action.split(':');
        let each =
            self.0.split(':').all(|part| parts.next().is_some_and(|it| [ANY, it].contains(&part)));
        each && parts.next().is_none()
    }
}

impl FromStr for ActionScope {
    type Err = ActionScopeError;

    fn from_str(text: &str) -> Result<Self, ActionScopeError> {
        let name = |part: &str| {
            part == ANY
                || !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
        };
        let right =
            text.len() <= LONGEST && text.split(':').count() == 3 && text.split(':').all(name);
        if right {
            Ok(Self(text.to_owned()))
        } else {
            Err(ActionScopeError(text.chars().take(LONGEST).collect()))
        }
    }
}

impl fmt::Display for ActionScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActionScope {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(text: &str) -> ActionScope {
        text.parse().unwrap()
    }

    #[test]
    fn a_scope_reaches_what_it_names() {
        for (pattern, reaches) in [
            ("*:*:*", true),
            ("*:*:read", true),
            ("controls:*:read", true),
            ("controls:control:read", true),
            ("controls:*:update", false),
            ("evidence:*:read", false),
            ("controls:test:*", false),
        ] {
            assert_eq!(scope(pattern).covers("controls:control:read"), reaches, "{pattern}");
        }
        for action in ["", "controls", "controls:control", "controls:control:read:all"] {
            assert!(!scope("*:*:*").covers(action), "{action}");
        }
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        let long = format!("controls:{}:read", "x".repeat(80));
        for bad in ["", "*", "*:*", "*:*:*:*", "a::b", "A:b:c", "controls:c*:read", " *:*:*", &long]
        {
            assert!(bad.parse::<ActionScope>().is_err(), "{bad}");
            assert!(serde_json::from_value::<ActionScope>(bad.into()).is_err(), "{bad}");
        }
    }
}
