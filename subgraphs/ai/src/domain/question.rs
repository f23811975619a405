//! What people may ask.

/// Words to search for, or a question: one to 1,000 characters.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Question(String);

/// Why a text is no question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum QuestionError {
    /// Nothing but white space.
    #[error("There is nothing to look for: write some words.")]
    Empty,
    /// Longer than a question is.
    #[error("The question is longer than {MOST} characters: shorten it.")]
    TooLong,
}

const MOST: usize = 1_000;

impl Question {
    /// Checks the length. Any character may stand in a question: none has a meaning of its own.
    pub(crate) fn parse(text: &str) -> Result<Self, QuestionError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(QuestionError::Empty);
        }
        if text.chars().nth(MOST).is_some() {
            return Err(QuestionError::TooLong);
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_limits() {
        assert!(Question::parse(&"ä".repeat(1_000)).is_ok());
        assert_eq!(Question::parse(&"ä".repeat(1_001)).err(), Some(QuestionError::TooLong));
        assert_eq!(Question::parse(" \n").err(), Some(QuestionError::Empty));
    }
}
