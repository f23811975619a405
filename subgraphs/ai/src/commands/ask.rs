//! Answering a question with passages of the documents, word for word, and recording which.

use studio_events::{Append, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, Code, Id, TenantId, kind};
use studio_service::ApiError;
use studio_stores::blobs::ContentHash;

use super::{ANSWER, Ai, search::NO_WORDS, texts::Texts};
use crate::{
    domain::{Answer, CitedPassage, Question, QuestionAnswered, QuestionError, SealedQuestion},
    index::{Hit, Looked, Wanted},
};

/// The most passages that an answer quotes.
const MOST: usize = 5;
/// A passage is quoted if its score is at least this share of the best one's.
const CLOSE: f32 = 0.5;

/// What is asked.
pub(crate) struct Asked {
    pub(crate) question: String,
    /// Only the documents of this project.
    pub(crate) project: Option<Id<kind::Project>>,
}

/// What is wrong with a question, for the person who asked it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// Empty or too long.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// Nothing but the most common words.
    #[error("{NO_WORDS}")]
    NoWords,
}

impl Ai {
    /// Answers a question; the id under which the answer can be read again.
    pub(crate) async fn ask(
        &self,
        actor: &Actor,
        asked: Asked,
    ) -> Result<Result<Id<kind::Answer>, Refused>, ApiError> {
        let clearance = self.clearance(actor, ANSWER, "Answer", asked.project)?;
        let tenant = clearance.tenant();
        let Some(asked_by) = actor.user_id() else {
            return Err(ApiError::new(Code::Forbidden, "Only people ask questions."));
        };
        let question = match Question::parse(&asked.question) {
            Ok(question) => question,
            Err(error) => return Ok(Err(error.into())),
        };
        self.settle().await;
        let wanted = Wanted {
            clearance,
            project: asked.project,
            question: question.clone(),
            offset: 0,
            limit: MOST,
        };
        let hits = match self.look(wanted).await? {
            Looked::NoWords => return Ok(Err(Refused::NoWords)),
            Looked::Hits(hits) => hits,
        };
        let sealed =
            self.keyring.seal_person(tenant, asked_by, question.as_str().as_bytes()).await?;
        let answered = QuestionAnswered {
            answer: self.env.id(),
            asked_by,
            project: asked.project,
            question: SealedQuestion(serde_json::to_value(sealed).map_err(ApiError::internal)?),
            citations: self.cite(tenant, hits).await?,
            model: "none".to_owned(),
        };
        let id = answered.answer;
        let stream =
            StreamAppend::of::<Answer>(id.to_string(), Expected::NoStream, vec![answered.into()])
                .map_err(ApiError::internal)?;
        self.store.append(Append::new(tenant, Metadata::by(actor), vec![stream])).await?;
        Ok(Ok(id))
    }

    /// The hits that are close to the best, each compared with the text of its version.
    async fn cite(&self, tenant: TenantId, hits: Vec<Hit>) -> Result<Vec<CitedPassage>, ApiError> {
        let enough = hits.first().map_or(0.0, |best| best.score * CLOSE);
        let mut texts = Texts::of(self.text.as_ref(), tenant);
        let mut cited = Vec::new();
        for hit in hits.into_iter().filter(|hit| hit.score >= enough) {
            let length = hit.text.len() as u64;
            if texts.slice(hit.version, hit.offset, length).await? != Some(&hit.text) {
                tracing::warn!(%tenant, version = %hit.version, "a passage is no longer there");
                // The index reads it again; where that queue is full, the next question will do.
                let _full = self.doubts.try_send((tenant, hit.document));
                continue;
            }
            cited.push(CitedPassage {
                citation: self.env.id(),
                document: hit.document,
                version: hit.version,
                number: hit.number,
                name: hit.name,
                sha256: hit.sha256,
                start_line: hit.start_line,
                end_line: hit.end_line,
                offset: hit.offset,
                length,
                quote_sha256: ContentHash::of(hit.text.as_bytes()).to_string(),
            });
        }
        Ok(cited)
    }
}
