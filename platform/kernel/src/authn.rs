//! How and when a person proved who they are.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;

/// A way to prove who one is, by its name in RFC 8176, section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthnMethod {
    /// Something known: a password.
    Pwd,
    /// Something held: what makes one-time codes (RFC 6238), or a list of them.
    Otp,
    /// Something held: a private key, whose possession was proven by a signature (a passkey).
    Pop,
    /// More than one factor in one step: what holds the key asked for a PIN, a finger or a face before
    /// it signed.
    Mfa,
}

impl AuthnMethod {
    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pwd => "pwd",
            Self::Otp => "otp",
            Self::Pop => "pop",
            Self::Mfa => "mfa",
        }
    }

    /// The method of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "pwd" => Some(Self::Pwd),
            "otp" => Some(Self::Otp),
            "pop" => Some(Self::Pop),
            "mfa" => Some(Self::Mfa),
            _ => None,
        }
    }
}

/// A sign-in: what a session began with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Authn {
    /// When.
    pub at: Timestamp,
    /// By what, sorted and without repetition.
    pub methods: Vec<AuthnMethod>,
}

impl Authn {
    /// At that time, by these methods.
    pub fn new(at: Timestamp, mut methods: Vec<AuthnMethod>) -> Self {
        methods.sort_unstable();
        methods.dedup();
        Self { at, methods }
    }

    /// Whether there was more than one factor: each method is one, but for the one that says so itself.
    pub fn multi_factor(&self) -> bool {
        self.methods.len() > 1 || self.methods.contains(&AuthnMethod::Mfa)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_rfc_everywhere() {
        use AuthnMethod::{Mfa, Otp, Pop, Pwd};
        for method in [Pwd, Otp, Pop, Mfa] {
            assert_eq!(AuthnMethod::parse(method.as_str()), Some(method));
            let json = serde_json::to_value(method).unwrap();
            assert_eq!(json, method.as_str());
        }
        assert_eq!(AuthnMethod::parse("sms"), None);
    }

    #[test]
    fn one_factor_twice_is_one() {
        use AuthnMethod::{Mfa, Otp, Pop, Pwd};
        let at = Timestamp::from_micros(0);
        assert!(!Authn::new(at, vec![Pwd, Pwd]).multi_factor());
        assert!(!Authn::new(at, vec![Pop]).multi_factor());
        assert!(Authn::new(at, vec![Mfa, Pop]).multi_factor());
        assert!(Authn::new(at, vec![Otp, Pwd]).multi_factor());
        assert_eq!(Authn::new(at, vec![Otp, Pwd]), Authn::new(at, vec![Pwd, Otp, Pwd]));
    }
}
