//! How an error is told to a person: with its causes, each said once.

/// An error and its causes in one line. Many messages quote their cause, and some errors pass their
/// cause's message on: what was said is not said again.
pub(crate) fn told(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use anyhow::{Context, anyhow};

    use super::*;

    #[derive(Debug)]
    struct Quoting(std::io::Error);

    impl fmt::Display for Quoting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "/a cannot be read: {}. Is it there?", self.0)
        }
    }

    impl std::error::Error for Quoting {
        fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn each_cause_is_told_once() {
        let quoting = Quoting(std::io::Error::other("no such disk"));
        let error = Err::<(), _>(quoting).context("it does not start");
        assert_eq!(
            told(&error.unwrap_err()),
            "it does not start: /a cannot be read: no such disk. Is it there?"
        );
        let plain = anyhow!("no such disk").context("/a cannot be read").context("it ends");
        assert_eq!(told(&plain), "it ends: /a cannot be read: no such disk");
        assert_eq!(told(&anyhow!("alone")), "alone");
    }
}
