//! What a key is called: part of a file's name, of a sealed value and of the associated data that
//! binds the two.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use studio_kernel::{Id, TenantId, kind};

use super::month::Month;

/// Names one key of the keyring.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum KeyName {
    /// Encrypts what an organization stores: secrets, blobs.
    Tenant(TenantId),
    /// Encrypts the personal data of one person in one organization; destroying it erases them.
    Person(TenantId, Id<kind::User>),
    /// Encrypts from where requests of an organization came, in one month; destroying it ends how long
    /// that is kept.
    Origins(TenantId, Month),
    /// Signs (Ed25519), by purpose, for example `tokens`.
    Signing(String),
    /// Makes keyed hashes to look values up by, by purpose, for example `email`.
    Index(String),
}

/// A text that names no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" does not name a key")]
pub struct KeyNameError(String);

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenant(tenant) => write!(f, "tenant.{tenant}"),
            Self::Person(tenant, person) => write!(f, "person.{tenant}.{person}"),
            Self::Origins(tenant, month) => write!(f, "origins.{tenant}.{month}"),
            Self::Signing(purpose) => write!(f, "signing.{purpose}"),
            Self::Index(purpose) => write!(f, "index.{purpose}"),
        }
    }
}

impl FromStr for KeyName {
    type Err = KeyNameError;

    fn from_str(text: &str) -> Result<Self, KeyNameError> {
        let refuse = || KeyNameError(text.chars().take(96).collect());
        let (class, rest) = text.split_once('.').ok_or_else(refuse)?;
        match class {
            "tenant" => rest.parse().map(Self::Tenant).map_err(|_| refuse()),
            "person" => {
                let (tenant, person) = rest.split_once('.').ok_or_else(refuse)?;
                match (tenant.parse(), person.parse()) {
                    (Ok(tenant), Ok(person)) => Ok(Self::Person(tenant, person)),
                    _ => Err(refuse()),
                }
            }
            "origins" => {
                let (tenant, month) = rest.split_once('.').ok_or_else(refuse)?;
                match (tenant.parse(), month.parse()) {
                    (Ok(tenant), Ok(month)) => Ok(Self::Origins(tenant, month)),
                    _ => Err(refuse()),
                }
            }
            "signing" if is_purpose(rest) => Ok(Self::Signing(rest.to_owned())),
            "index" if is_purpose(rest) => Ok(Self::Index(rest.to_owned())),
            _ => Err(refuse()),
        }
    }
}

/// A purpose is a word, so that it can stand in a file's name on every system.
fn is_purpose(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

impl Serialize for KeyName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        std::borrow::Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_come_back_and_paths_are_no_names() {
        let org = "org_01930000000070008000000000000001".parse().unwrap();
        let user = "usr_01930000000070008000000000000002".parse().unwrap();
        for name in [
            KeyName::Tenant(org),
            KeyName::Person(org, user),
            KeyName::Origins(org, "2026-02".parse().unwrap()),
            KeyName::Signing("tokens".into()),
            KeyName::Index("email".into()),
        ] {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
        for bad in [
            "",
            "tenant",
            "tenant.x",
            "signing.",
            "signing.../etc",
            "index.A",
            "person.org_1",
            "origins.org_01930000000070008000000000000001",
            "origins.org_01930000000070008000000000000001.2026-13",
        ] {
            assert!(bad.parse::<KeyName>().is_err(), "{bad}");
        }
    }
}
