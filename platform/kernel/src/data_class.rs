//! How closely something is kept: the class that people give to a document or to evidence, and that the
//! access policies look at.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A class of data. Each is kept more closely than the one before it.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum DataClass {
    /// Anybody may know it.
    Public,
    /// For the organization: the class of whatever nobody has classified.
    #[default]
    Internal,
    /// For those who work with it.
    Confidential,
    /// For few.
    Restricted,
}

/// Why a text is no class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("that is no data class: take PUBLIC, INTERNAL, CONFIDENTIAL or RESTRICTED")]
pub struct DataClassError;

impl DataClass {
    /// Every class, the least kept first.
    pub const ALL: [Self; 4] = [Self::Public, Self::Internal, Self::Confidential, Self::Restricted];

    /// As rules, rows and events write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Confidential => "confidential",
            Self::Restricted => "restricted",
        }
    }

    /// As the API writes it.
    pub const fn wire(self) -> &'static str {
        match self {
            Self::Public => "PUBLIC",
            Self::Internal => "INTERNAL",
            Self::Confidential => "CONFIDENTIAL",
            Self::Restricted => "RESTRICTED",
        }
    }
}

/// Small and capital letters count alike.
impl FromStr for DataClass {
    type Err = DataClassError;

    fn from_str(text: &str) -> Result<Self, DataClassError> {
        let found = Self::ALL.into_iter().find(|class| class.as_str().eq_ignore_ascii_case(text));
        found.ok_or(DataClassError)
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_class_is_read_as_it_is_written_and_nothing_else_is() {
        for class in DataClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert_eq!(class.to_string().parse(), Ok(class));
            let event = serde_json::to_value(class).unwrap();
            assert_eq!(event, class.as_str(), "rows and events write it alike");
        }
        assert!(DataClass::ALL.is_sorted());
        for none in ["", "secret", " internal", "internal ", "INTERNAL\u{0}", "0"] {
            assert_eq!(none.parse::<DataClass>(), Err(DataClassError), "{none:?}");
        }
    }
}
