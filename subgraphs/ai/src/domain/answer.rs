//! An answer: which passages were quoted, by their places and hashes. The text of documents stays
//! with the documents, and the question is encrypted with the key of the person who asked, so that
//! both can be erased while the log stays whole.

use std::fmt;

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, event, events, kind};

/// The question, encrypted with the key of the person who asked.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct SealedQuestion(pub(crate) serde_json::Value);

impl fmt::Debug for SealedQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedQuestion(..)")
    }
}

/// A question was answered with quoted passages, or with none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QuestionAnswered {
    pub(crate) answer: Id<kind::Answer>,
    pub(crate) asked_by: Id<kind::User>,
    /// The project whose documents were asked; all of them where it is absent.
    pub(crate) project: Option<Id<kind::Project>>,
    pub(crate) question: SealedQuestion,
    /// The best first.
    pub(crate) citations: Vec<CitedPassage>,
    /// The language model that worded the answer, or `none`.
    pub(crate) model: String,
}
event!(QuestionAnswered, "ai.question.answered", 1);

/// Where a quoted passage stands. Offset and length are bytes of the version's text as UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CitedPassage {
    pub(crate) citation: Id<kind::Citation>,
    pub(crate) document: Id<kind::Document>,
    pub(crate) version: Id<kind::DocumentVersion>,
    pub(crate) number: u32,
    /// What the document was called as of the version.
    pub(crate) name: String,
    /// SHA-256 of the version's bytes.
    pub(crate) sha256: String,
    pub(crate) start_line: u32,
    pub(crate) end_line: u32,
    pub(crate) offset: u64,
    pub(crate) length: u64,
    /// SHA-256 of the quoted text.
    pub(crate) quote_sha256: String,
}

events! {
    /// What happens to an answer.
    pub(crate) enum AnswerEvent { QuestionAnswered }
}

/// Whether the answer was given.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Answer {
    given: bool,
}

impl Aggregate for Answer {
    const STREAM_TYPE: &'static str = "ai.answer";
    const STATE_VERSION: u32 = 1;
    type Event = AnswerEvent;

    fn apply(&mut self, event: &AnswerEvent, _recorded_at: Timestamp) {
        match event {
            AnswerEvent::QuestionAnswered(_) => self.given = true,
        }
    }
}
