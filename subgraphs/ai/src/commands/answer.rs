//! Reading an answer again. The quotes come from the documents each time, and are shown only where
//! they are, byte for byte, what was quoted.

use studio_kernel::{Actor, Id, TenantId, Timestamp, kind};
use studio_service::ApiError;
use studio_stores::{blobs::ContentHash, keyring::Sealed};

use super::{ANSWER, Ai, texts::Texts};
use crate::{
    domain::{CitedPassage, QuestionAnswered},
    projections::{answers, documents},
};

/// An answer, as it can be shown now.
pub(crate) struct GivenAnswer {
    pub(crate) answered: QuestionAnswered,
    pub(crate) answered_at: Timestamp,
    /// `None` once the person who asked was erased.
    pub(crate) question: Option<String>,
    /// The best first.
    pub(crate) quotes: Vec<Quoted>,
    /// How many passages were quoted and can no longer be read.
    pub(crate) unavailable: usize,
}

/// A passage word for word.
pub(crate) struct Quoted {
    pub(crate) passage: CitedPassage,
    pub(crate) quote: String,
}

impl Ai {
    /// One answer, or `None` where there is none of that id in the actor's organization. Whoever sees single
    /// projects alone reads the answers from their documents and those to own questions, and everybody of each
    /// what is quoted from documents that they read.
    pub(crate) async fn answer(
        &self,
        actor: &Actor,
        id: Id<kind::Answer>,
    ) -> Result<Option<GivenAnswer>, ApiError> {
        let clearance = self.clearance(actor, ANSWER, "Answer", None)?;
        let tenant = clearance.tenant();
        let Some((answered, answered_at)) = answers::one(&self.store, tenant, id).await? else {
            return Ok(None);
        };
        let mut cited = answered.citations.clone();
        if clearance.is_confined() {
            let of_theirs = answered.project.is_some_and(|it| clearance.reaches(&it.to_string()));
            if !of_theirs && Some(answered.asked_by) != actor.user_id() {
                return Ok(None);
            }
        }
        if clearance.parts().is_some() {
            let seen = documents::read_by(&self.store, &clearance, &cited).await?;
            cited.retain(|passage| seen.contains(&passage.document));
        }
        let question = self.question(tenant, &answered).await?;
        let quotes = self.quotes(tenant, &cited).await?;
        let unavailable = answered.citations.len() - quotes.len();
        Ok(Some(GivenAnswer { answered, answered_at, question, quotes, unavailable }))
    }

    async fn question(
        &self,
        tenant: TenantId,
        answered: &QuestionAnswered,
    ) -> Result<Option<String>, ApiError> {
        let sealed: Sealed =
            serde_json::from_value(answered.question.0.clone()).map_err(ApiError::internal)?;
        let opened = self.keyring.open_person(tenant, &sealed).await;
        let Some(bytes) = opened? else { return Ok(None) };
        String::from_utf8(bytes.to_vec()).map(Some).map_err(ApiError::internal)
    }

    async fn quotes(
        &self,
        tenant: TenantId,
        passages: &[CitedPassage],
    ) -> Result<Vec<Quoted>, ApiError> {
        let mut texts = Texts::of(self.text.as_ref(), tenant);
        let mut quotes = Vec::new();
        for passage in passages {
            let quote = texts.slice(passage.version, passage.offset, passage.length).await?;
            if let Some(quote) = quote.filter(|quote| is(quote, &passage.quote_sha256)) {
                quotes.push(Quoted { passage: passage.clone(), quote: quote.to_owned() });
            }
        }
        Ok(quotes)
    }
}

fn is(quote: &str, sha256: &str) -> bool {
    ContentHash::of(quote.as_bytes()).to_string() == sha256
}
