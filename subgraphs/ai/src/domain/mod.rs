//! What was learned of documents, the answers that were given, and how text is cut into passages:
//! state and decisions, without I/O.

mod answer;
mod indexed;
mod passage;
mod question;

pub(crate) use answer::{Answer, AnswerEvent, CitedPassage, QuestionAnswered, SealedQuestion};
pub(crate) use indexed::{DocumentClassNoted, IndexedDocument, IndexedEvent};
pub(crate) use passage::passages;
pub(crate) use question::{Question, QuestionError};
