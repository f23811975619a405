//! Composing is done by a crate that holds some faults of schemas for impossible, and panics.

use super::CompositionErrors;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What `compose` gives, or what it said when it panicked. Nothing of what it used is used again.
pub(super) fn caught<T>(compose: impl FnOnce() -> T) -> Result<T, CompositionErrors> {
    catch_unwind(AssertUnwindSafe(compose)).map_err(|panicked| {
        let said = panicked
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| panicked.downcast_ref::<&str>().copied())
            .unwrap_or("it does not say why");
        CompositionErrors::one(format!("the subgraphs cannot be composed: {said}"))
    })
}
