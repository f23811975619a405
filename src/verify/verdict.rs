//! What a verification comes to: what is wrong, which is proven, apart from what could not be looked at,
//! of which nothing is known.

use anyhow::anyhow;

/// The status that the process ends with where nothing was found wrong, and not everything was
/// looked at. One that found something wrong ends with 1, as every command that fails.
pub(crate) const NOT_VERIFIED: u8 = 3;

/// Not everything could be looked at.
#[derive(Debug)]
pub(crate) struct NotVerified(pub(crate) String);

impl std::fmt::Display for NotVerified {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NotVerified {}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    /// Whose logs were changed or cut.
    pub(super) broken: Vec<&'static str>,
    /// Blobs that are missing or changed.
    pub(super) damaged: u64,
    /// What could not be looked at, to be put into a sentence.
    unchecked: Vec<String>,
}

impl Verdict {
    /// Notes that something could not be looked at, once.
    pub(super) fn unchecked(&mut self, what: String) {
        if !self.unchecked.contains(&what) {
            self.unchecked.push(what);
        }
    }

    /// Fails where something is wrong or unknown, and says what to do.
    pub(super) fn told(self) -> anyhow::Result<()> {
        let logs = self.broken.join(", ");
        let wrong = match (self.broken.is_empty(), self.damaged) {
            (true, 0) => None,
            (false, 0) => {
                Some(format!("the log of {logs} was changed or cut: restore it from a backup"))
            }
            (true, damaged) => Some(format!(
                "{damaged} blobs are missing or changed: bring them back from a backup, or send the \
                 same bytes again"
            )),
            (false, damaged) => Some(format!(
                "the log of {logs} was changed or cut, and {damaged} blobs are missing or changed: \
                 restore them from a backup"
            )),
        };
        let unchecked = self.unchecked.join(", ");
        let again = "mend what is said above and verify again";
        match (wrong, self.unchecked.is_empty()) {
            (None, true) => Ok(()),
            (Some(wrong), true) => Err(anyhow!(wrong)),
            (Some(wrong), false) => {
                Err(anyhow!("{wrong}; besides, {unchecked} could not be checked: {again}"))
            }
            (None, false) => Err(NotVerified(format!(
                "nothing was found wrong, but {unchecked} could not be checked: {again}"
            ))
            .into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_counts_for_more_than_what_is_unknown() {
        assert!(Verdict::default().told().is_ok());
        let mut verdict = Verdict::default();
        verdict.unchecked("the log of ai".to_owned());
        verdict.unchecked("the log of ai".to_owned());
        let error = verdict.told().unwrap_err();
        assert!(error.is::<NotVerified>());
        assert_eq!(error.to_string().matches("the log of ai").count(), 1, "{error}");
        let mut verdict = Verdict { damaged: 2, ..Verdict::default() };
        verdict.unchecked("the log of ai".to_owned());
        let error = verdict.told().unwrap_err();
        assert!(!error.is::<NotVerified>());
        let told = error.to_string();
        assert!(told.contains("2 blobs are missing") && told.contains("the log of ai"), "{told}");
    }
}
