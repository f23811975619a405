//! What people type in, checked. Each fault names the field and says what to do.

/// One thing about the input that the person can mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// A stable code, upper case with underscores.
    pub code: &'static str,
    /// The field of `input`.
    pub field: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Fault {
    /// A fault of a field.
    pub fn new(code: &'static str, field: &'static str, message: impl Into<String>) -> Self {
        Self { code, field, message: message.into() }
    }
}

/// Characters of a name at most.
const LONGEST_NAME: usize = 200;
/// Octets of an e-mail address at most (RFC 5321, section 4.5.3.1.3, without the brackets).
const LONGEST_EMAIL: usize = 254;
/// Characters of a password at least.
const SHORTEST_PASSWORD: usize = 12;
/// Bytes of a password at most: hashing must not be a way to keep the server busy.
pub const LONGEST_PASSWORD: usize = 1024;

/// A name without the blanks around it: 1 to 200 characters, none of them a control character.
pub fn name(field: &'static str, given: &str) -> Result<String, Fault> {
    let name = given.trim();
    let fault = |message: String| Err(Fault::new("INVALID_NAME", field, message));
    if name.is_empty() {
        return fault("Give a name.".into());
    }
    if name.chars().count() > LONGEST_NAME {
        return fault(format!("A name has at most {LONGEST_NAME} characters."));
    }
    if name.chars().any(char::is_control) {
        return fault("A name has no control characters: write it on one line.".into());
    }
    Ok(name.to_owned())
}

/// An e-mail address without the blanks around it. Whether it exists, only a letter to it shows;
/// here it must have one `@` with something before it and a domain after it.
pub fn email(field: &'static str, given: &str) -> Result<String, Fault> {
    let email = given.trim();
    let right = email.len() <= LONGEST_EMAIL
        && !email.chars().any(|c| c.is_control() || c.is_whitespace())
        && email.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && !domain.is_empty()
                && !domain.contains('@')
                && domain.split('.').all(|label| !label.is_empty())
        });
    if !right {
        return Err(Fault::new(
            "INVALID_EMAIL",
            field,
            "That is no e-mail address: write it as name@example.com.",
        ));
    }
    Ok(email.to_owned())
}

/// The form in which e-mail addresses are compared: two spellings that differ in case only are one
/// account, as people expect.
pub fn canonical_email(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Refuses a password that is too short or too long. Whether it could be guessed is judged elsewhere:
/// there are no rules of composition (NIST SP 800-63B, section 5.1.1.2).
pub fn password(field: &'static str, given: &str) -> Result<(), Fault> {
    let fault = |message: String| Err(Fault::new("WEAK_PASSWORD", field, message));
    if given.chars().count() < SHORTEST_PASSWORD {
        return fault(format!(
            "A password has at least {SHORTEST_PASSWORD} characters. Several words that only you \
             would put together are good."
        ));
    }
    if given.len() > LONGEST_PASSWORD {
        return fault(format!("A password has at most {LONGEST_PASSWORD} bytes."));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name("name", "  Ada Lovelace "), Ok("Ada Lovelace".into()));
        assert!(name("name", &"x".repeat(200)).is_ok());
        for bad in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert_eq!(name("name", bad).unwrap_err().code, "INVALID_NAME");
        }
    }

    #[test]
    fn emails() {
        for good in ["a@b", " owner@demo.example ", "o'neill+x@sub.example.org", "ü@ex.org"] {
            assert!(email("email", good).is_ok(), "{good}");
        }
        let long = format!("{}@example.org", "x".repeat(65));
        for bad in ["", "@", "a@", "@b", "a@b@c", "a b@c", "a@b..c", "a@.b", "a@b\n", &long] {
            // A trailing line break is a blank around it, and is cut off.
            if bad == "a@b\n" {
                assert_eq!(email("email", bad), Ok("a@b".into()));
            } else {
                assert_eq!(email("email", bad).unwrap_err().code, "INVALID_EMAIL", "{bad}");
            }
        }
        assert_eq!(canonical_email(" Owner@Demo.Example"), "owner@demo.example");
    }

    #[test]
    fn passwords() {
        assert!(password("password", "correct horse").is_ok());
        assert!(password("password", "ünïcödé wörds").is_ok());
        for bad in ["", "short", "elevenchars", &"abcd".repeat(257)] {
            let fault = password("password", bad).unwrap_err();
            assert_eq!(fault.code, "WEAK_PASSWORD");
            assert!(bad.is_empty() || !fault.message.contains(bad), "no password in a message");
        }
    }
}
