//! `Answer` and its citations.

use async_graphql::{ID, Object};
use chrono::{DateTime, Utc};
use studio_service::graphql::wire;

use super::{
    Place,
    stubs::{Document, DocumentVersion, Project, User},
};
use crate::commands::{GivenAnswer, NOTHING, Quoted};

/// What an answer without a language model says of itself.
const NOTE: &str = "No language model is configured: these are quoted passages found by full-text \
    search (BM25).";

pub(super) struct Answer(pub(super) GivenAnswer);

/// An answer to a question, with the passages that it rests on.
#[Object]
impl Answer {
    /// The id, `ans_…`.
    async fn id(&self) -> ID {
        wire(self.0.answered.answer)
    }

    /// The question; null once the person who asked was erased.
    async fn question(&self) -> Option<&str> {
        self.0.question.as_deref()
    }

    /// The answer in a sentence or two: what was found, or what to do where nothing was.
    async fn text(&self) -> String {
        text(&self.0)
    }

    /// The passages that it rests on, the best first.
    async fn citations(&self) -> Vec<Citation<'_>> {
        self.0.quotes.iter().map(Citation).collect()
    }

    /// How many passages were quoted when the answer was given and can no longer be read.
    async fn unavailable_citations(&self) -> usize {
        self.0.unavailable
    }

    /// The language model that worded the answer, or `none`.
    async fn model(&self) -> &str {
        &self.0.answered.model
    }

    /// How the answer came about.
    async fn note(&self) -> &str {
        NOTE
    }

    /// The project whose documents were asked; null where all were.
    async fn project(&self) -> Option<Project> {
        self.0.answered.project.map(|project| Project { id: wire(project) })
    }

    /// Who asked.
    async fn asked_by(&self) -> User {
        User { id: wire(self.0.answered.asked_by) }
    }

    /// When the answer was given.
    async fn answered_at(&self) -> DateTime<Utc> {
        self.0.answered_at.to_datetime()
    }
}

pub(super) struct Citation<'a>(&'a Quoted);

/// A passage of a document, quoted word for word and checked against the version's hash.
#[Object]
impl Citation<'_> {
    /// The id, `cit_…`.
    async fn id(&self) -> ID {
        wire(self.0.passage.citation)
    }

    /// The document.
    async fn document(&self) -> Document {
        Document { id: wire(self.0.passage.document) }
    }

    /// The version that is quoted.
    async fn version(&self) -> DocumentVersion {
        DocumentVersion { id: wire(self.0.passage.version) }
    }

    /// What the document was called as of that version.
    async fn document_name(&self) -> &str {
        &self.0.passage.name
    }

    /// The number of the version, from 1.
    async fn version_number(&self) -> u32 {
        self.0.passage.number
    }

    /// SHA-256 of the version's bytes, 64 lower-case hexadecimal digits.
    async fn sha256(&self) -> &str {
        &self.0.passage.sha256
    }

    /// The passage, word for word.
    async fn quote(&self) -> &str {
        &self.0.quote
    }

    /// Where it stands.
    async fn place(&self) -> Place {
        Place {
            start_line: self.0.passage.start_line,
            end_line: self.0.passage.end_line,
            offset: self.0.passage.offset as f64,
        }
    }
}

fn text(answer: &GivenAnswer) -> String {
    let Some(best) = answer.quotes.first() else {
        return match answer.unavailable {
            0 => NOTHING.to_owned(),
            n => format!("This answer quoted {n} passages that can no longer be read: ask again."),
        };
    };
    let found = match answer.quotes.len() {
        1 => "One passage speaks of this: it".to_owned(),
        n => format!("{n} passages speak of this. The closest"),
    };
    let Quoted { passage, .. } = best;
    let lines = if passage.start_line == passage.end_line {
        format!("line {}", passage.start_line)
    } else {
        format!("lines {} to {}", passage.start_line, passage.end_line)
    };
    format!("{found} is in \"{}\", version {}, {lines}.", passage.name, passage.number)
}
