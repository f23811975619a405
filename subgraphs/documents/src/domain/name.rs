//! The name of a document, as people see it and as a download is called.

/// A name that is safe to show and to save a file under: one line, no path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DocumentName(String);

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NameError {
    /// Nothing but white space.
    #[error("the name is empty: pass for example name=Access%20policy.pdf")]
    Empty,
    /// Longer than a file name can be.
    #[error("the name is longer than {MOST} bytes: shorten it")]
    TooLong,
    /// Parts of a path.
    #[error("the name holds a path: pass the name alone, without / and \\")]
    Path,
    /// Characters that change how the text around them reads.
    #[error(
        "the name holds control characters or marks that reverse the reading order: leave them out"
    )]
    Control,
}

/// The longest file name of common file systems, in bytes.
const MOST: usize = 255;

impl DocumentName {
    /// Checks a name; white space at its ends is dropped.
    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        let name = text.trim();
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        if name.len() > MOST {
            return Err(NameError::TooLong);
        }
        if name.contains(['/', '\\']) || name == "." || name == ".." {
            return Err(NameError::Path);
        }
        if name.chars().any(deceives) {
            return Err(NameError::Control);
        }
        Ok(Self(name.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, line separators and the bidirectional controls with which a name can show
/// another ending than it has (Unicode Technical Report 36, section 2.6).
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{2028}' | '\u{2029}' | '\u{200E}' | '\u{200F}' | '\u{061C}' | '\u{FEFF}'
            | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_and_refuses_the_rest() {
        for good in ["Zugriffsrichtlinie – Entwurf.md", " a ", "..a", "政策.pdf"] {
            assert_eq!(DocumentName::parse(good).unwrap().as_str(), good.trim());
        }
        for (bad, why) in [
            ("", NameError::Empty),
            (" \t ", NameError::Empty),
            (&"x".repeat(256), NameError::TooLong),
            ("../../etc/passwd", NameError::Path),
            ("..", NameError::Path),
            ("C:\\x", NameError::Path),
            ("a\nb", NameError::Control),
            ("a\0b", NameError::Control),
            ("invoice\u{202E}fdp.exe", NameError::Control),
        ] {
            assert_eq!(DocumentName::parse(bad), Err(why), "{bad:?}");
        }
    }
}
