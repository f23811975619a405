//! Codes of a second factor: those that an app computes from the time, and those that stand on paper
//! for when the app is gone.

mod base32;
mod recovery;
mod totp;

pub(crate) use recovery::RecoveryCodes;
pub(crate) use totp::TotpSecret;

/// Characters of a code at most, however it is grouped.
const LONGEST: usize = 64;

/// A code as it was typed.
pub(crate) enum Code {
    /// Six digits.
    Totp(u32),
    /// The characters of a recovery code, without what groups them.
    Recovery(String),
}

impl Code {
    /// Reads what somebody typed, with blanks, dashes and small letters; `None` for what is no code.
    pub(crate) fn read(typed: &str) -> Option<Self> {
        if typed.len() > LONGEST {
            return None;
        }
        let plain: String = typed
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let digits = plain.bytes().all(|byte| byte.is_ascii_digit());
        if digits && plain.len() == totp::DIGITS {
            return plain.parse().ok().map(Self::Totp);
        }
        recovery::well_formed(&plain).then_some(Self::Recovery(plain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_people_type_them() {
        for typed in ["012345", " 012 345\n", "012-345"] {
            assert!(matches!(Code::read(typed), Some(Code::Totp(12_345))), "{typed}");
        }
        for typed in ["ABCDEFGH2345", "abcd-efgh-2345", " abcd efgh 2345 "] {
            let read = Code::read(typed);
            assert!(
                matches!(read, Some(Code::Recovery(code)) if code == "ABCDEFGH2345"),
                "{typed}"
            );
        }
        let long = " ".repeat(100) + "012345";
        for typed in ["", "12345", "1234567", "１２３４５６", "abcd-efgh-2341", "abcd-efgh", &long]
        {
            assert!(Code::read(typed).is_none(), "{typed}");
        }
    }
}
