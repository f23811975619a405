//! Typed ids: a prefix that names the type and a UUIDv7 (RFC 9562), `ctl_0193…` on the wire.
//!
//! The UUID is written as 32 lower-case hexadecimal digits, so that an id can be copied with one
//! double click. Two ids of different kinds are different Rust types and never parse as each other.

use std::{fmt, marker::PhantomData, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// What an id names. Implemented by the empty types in [`kind`].
pub trait Kind: Send + Sync + 'static {
    /// The part before the underscore, for example `ctl`.
    const PREFIX: &'static str;
    /// The GraphQL type that the id belongs to, for messages.
    const NAME: &'static str;
}

/// The id of one `K`.
pub struct Id<K: Kind>(Uuid, PhantomData<fn() -> K>);

/// The organization that owns a row: every row, event and loader is bound to exactly one.
pub type TenantId = Id<kind::Organization>;

/// Why a text is not an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{given}\" is not the id of a {expected}: it should read {prefix}_ and 32 hexadecimal digits"
)]
pub struct IdError {
    /// What was given, shortened to 64 characters.
    pub given: String,
    /// The type that was expected.
    pub expected: &'static str,
    /// The prefix that was expected.
    pub prefix: &'static str,
}

impl<K: Kind> Id<K> {
    /// Wraps an existing UUID.
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid, PhantomData)
    }

    /// The UUID without its prefix.
    pub const fn uuid(&self) -> Uuid {
        self.0
    }
}

impl<K: Kind> Clone for Id<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K: Kind> Copy for Id<K> {}
impl<K: Kind> PartialEq for Id<K> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<K: Kind> Eq for Id<K> {}
impl<K: Kind> PartialOrd for Id<K> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<K: Kind> Ord for Id<K> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.cmp(&other.0)
    }
}
impl<K: Kind> std::hash::Hash for Id<K> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", K::PREFIX, self.0.simple())
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<K: Kind> FromStr for Id<K> {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let refuse = || IdError {
            given: text.chars().take(64).collect(),
            expected: K::NAME,
            prefix: K::PREFIX,
        };
        let digits = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .ok_or_else(refuse)?;
        if digits.len() != 32 || digits.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(refuse());
        }
        Uuid::try_parse(digits).map(Self::from_uuid).map_err(|_| refuse())
    }
}

impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl<K: Kind> schemars::JsonSchema for Id<K> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("{}Id", K::NAME).into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": format!("^{}_[0-9a-f]{{32}}$", K::PREFIX),
        })
    }
}

/// One empty type for each thing that has an id.
pub mod kind {
    macro_rules! kinds {
        ($($name:ident $prefix:literal),* $(,)?) => {$(
            #[doc = concat!("Ids of a `", stringify!($name), "` start with `", $prefix, "_`.")]
            pub enum $name {}
            impl super::Kind for $name {
                const PREFIX: &'static str = $prefix;
                const NAME: &'static str = stringify!($name);
            }
        )*
            #[cfg(test)]
            pub(super) const PREFIXES: &[&str] = &[$($prefix),*];
        };
    }

    kinds! {
        Event "evt", Request "req",
        Organization "org", User "usr", Session "ses", Passkey "psk", ApiKey "key",
        OAuthClient "cli", AppGrant "grt", AccessToken "tok", AccessReview "arv",
        Directory "dir", DirectoryGroup "grp", Invitation "inv", Team "tea",
        Project "prj", Framework "frw", Requirement "rqm", Control "ctl", ControlTest "tst",
        TestResult "tsr", ControlDependency "dep", Score "scr",
        NotApplicable "nap", Nonconformity "ncf", RiskException "exc",
        ControlMapping "map", ScoreAlert "sal",
        Evidence "evd", Finding "fnd", Asset "ast", IngestRun "run",
        Document "doc", DocumentVersion "dvr",
        Answer "ans", Citation "cit",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type ControlId = Id<kind::Control>;

    #[test]
    fn reads_back_what_it_writes() {
        let id = ControlId::from_uuid(Uuid::from_u128(0x0193_0000_0000_7000_8000_0000_0000_0001));
        assert_eq!(id.to_string(), "ctl_01930000000070008000000000000001");
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn refuses_another_kind_and_other_spellings() {
        for bad in [
            "",
            "ctl_",
            "evd_01930000000070008000000000000001",
            "ctl_0193000000007000800000000000000",
            "ctl_01930000-0000-7000-8000-000000000001",
            "ctl_0193000000007000800000000000000A",
            "CTL_01930000000070008000000000000001",
        ] {
            let error = bad.parse::<ControlId>().unwrap_err();
            assert!(error.to_string().contains("ctl_ and 32"), "{error}");
        }
    }

    #[test]
    fn no_prefix_stands_for_two_kinds() {
        let mut prefixes = kind::PREFIXES.to_vec();
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(prefixes.len(), kind::PREFIXES.len());
    }
}
