//! Searching the documents' text.

use studio_kernel::{Actor, Code, Id, kind};
use studio_service::ApiError;

use super::{Ai, SEARCH};
use crate::{
    domain::Question,
    index::{Hit, IndexError, Looked, Wanted},
};

/// What a person is told where nothing was found.
pub(crate) const NOTHING: &str = "No passage of the documents holds these words. Ask in other \
    words, or upload documents that speak of it (plain text, Markdown, CSV, JSON, HTML or Word).";
/// What a person is told where the question holds no words.
pub(super) const NO_WORDS: &str = "The question holds no words to look for but the most common \
    ones: name what it is about.";

/// How deep a person may page: beyond it, other words lead further.
const DEEPEST: usize = 1_000;

/// One page of hits.
pub(crate) struct Found {
    /// The best first, at most as many as were asked for.
    pub(crate) hits: Vec<Hit>,
    /// What to do where there is none.
    pub(crate) note: Option<String>,
}

impl Ai {
    /// Searches; `limit` hits after the first `offset`.
    pub(crate) async fn search(
        &self,
        actor: &Actor,
        query: &str,
        project: Option<Id<kind::Project>>,
        offset: usize,
        limit: usize,
    ) -> Result<Found, ApiError> {
        let clearance = self.clearance(actor, SEARCH, "Search", project)?;
        let bad = |message: &str| ApiError::new(Code::BadRequest, message);
        let question = Question::parse(query).map_err(|error| bad(&error.to_string()))?;
        if offset > DEEPEST {
            return Err(bad("That is too far down: search with more words instead."));
        }
        self.settle().await;
        match self.look(Wanted { clearance, project, question, offset, limit }).await? {
            Looked::NoWords => Err(bad(NO_WORDS)),
            Looked::Hits(hits) => {
                let nothing = hits.is_empty() && offset == 0;
                Ok(Found { hits, note: nothing.then(|| NOTHING.to_owned()) })
            }
        }
    }

    /// Runs the search where it may block.
    pub(super) async fn look(&self, wanted: Wanted) -> Result<Looked, ApiError> {
        let index = self.index.clone();
        tokio::task::spawn_blocking(move || index.search(&wanted))
            .await
            .map_err(IndexError::Broken)
            .and_then(|result| result)
            .map_err(ApiError::internal)
    }
}
