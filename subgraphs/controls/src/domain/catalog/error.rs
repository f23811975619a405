//! Why a catalog cannot be read.

/// A catalog that cannot be read, in words for the person who sent it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogError {
    /// The document is longer than is allowed.
    #[error(
        "the document has {size} bytes and at most {limit} are read: raise limits.catalog, or \
         import a baseline instead of the whole catalog"
    )]
    TooLarge {
        /// Bytes that came.
        size: usize,
        /// Bytes that may come.
        limit: usize,
    },
    /// Something at one place is wrong.
    #[error("at {}: {fault}; {advice}", if .pointer.is_empty() { "the top" } else { .pointer })]
    At {
        /// The place, as a JSON pointer (RFC 6901); empty for the whole document.
        pointer: String,
        /// What is wrong.
        fault: String,
        /// What to do.
        advice: String,
    },
}

impl CatalogError {
    pub(crate) fn at(
        pointer: impl Into<String>,
        fault: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self::At { pointer: pointer.into(), fault: fault.into(), advice: advice.into() }
    }
}
