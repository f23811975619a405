//! The full-text index: BM25 over passages, kept in a directory by tantivy. It is derived from the
//! log and the documents' text: it can be deleted at any time and is built again.
//!
//! What always holds: every search goes through [`search`], which binds it to one organization,
//! also in its scores; only the newest version of a document is in the index; the index knows up
//! to which position of the log it is built, and is thrown away where the log says otherwise.

mod fields;
mod files;
mod follow;
mod search;
mod statistics;

pub(crate) use files::{IndexError, SearchIndex};
pub(crate) use follow::{Follower, Key};
pub(crate) use search::{Hit, Looked, Wanted};
