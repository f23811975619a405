//! How far an app goes: what it may learn of its person, and what it may do for them.

use std::fmt;

use serde::{Deserialize, Serialize};
use studio_kernel::ActionScope;

/// What an app may learn of the person (OpenID Connect Core 1.0, section 5.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AboutScope {
    /// Who they are: their id, and how they signed in.
    Openid,
    /// What they are called.
    Profile,
    /// Their e-mail address.
    Email,
}

impl AboutScope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Openid, Self::Profile, Self::Email];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Openid => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
        }
    }

    /// The scope of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }
}

/// How far an app goes: what it may learn of its person, and what it may do for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    /// What it may learn, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<AboutScope>,
    /// What it may do, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<ActionScope>,
}

impl Reach {
    /// Whether all of the other is within this one. A pattern within a pattern reads as an action does.
    pub fn covers(&self, other: &Self) -> bool {
        other.about.iter().all(|about| self.about.contains(about))
            && other
                .scopes
                .iter()
                .all(|scope| self.scopes.iter().any(|own| own.covers(scope.as_str())))
    }

    /// Whether the app may learn that of its person.
    pub fn tells(&self, about: AboutScope) -> bool {
        self.about.contains(&about)
    }

    /// As tokens and rows have it: separated by spaces. What does not read is left out.
    pub fn read(text: &str) -> Self {
        let words = || text.split(' ').filter(|word| !word.is_empty());
        let mut about: Vec<_> = words().filter_map(AboutScope::parse).collect();
        let mut scopes: Vec<ActionScope> = words().filter_map(|word| word.parse().ok()).collect();
        about.sort_unstable();
        about.dedup();
        scopes.sort_unstable();
        scopes.dedup();
        Self { about, scopes }
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = self.about.iter().map(|about| about.as_str());
        let words: Vec<_> = about.chain(self.scopes.iter().map(ActionScope::as_str)).collect();
        f.write_str(&words.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reach_is_read_as_it_was_written_and_covers_what_is_narrower() {
        let whole = Reach::read("profile openid controls:*:read evidence:run:ingest");
        assert_eq!(whole.to_string(), "openid profile controls:*:read evidence:run:ingest");
        assert_eq!(Reach::read(&whole.to_string()), whole);
        assert_eq!(Reach::read(""), Reach::default());
        for narrower in ["", "openid", "controls:control:read", "profile evidence:run:ingest"] {
            assert!(whole.covers(&Reach::read(narrower)), "{narrower}");
        }
        for wider in ["email", "*:*:read", "controls:*:*", "evidence:run:*", "openid ai:*:read"] {
            assert!(!whole.covers(&Reach::read(wider)), "{wider}");
        }
    }
}
