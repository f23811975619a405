//! The mutations.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use studio_service::{
    ApiError,
    graphql::{UserError, actor, gql},
};

use super::answer::Answer;
use crate::{
    commands::{Ai, Asked, Refused},
    domain::QuestionError,
};

pub(super) struct Mutation;

/// A question.
#[derive(InputObject)]
struct AskInput {
    /// The question, at most 1,000 characters.
    question: String,
    /// Only the documents of this project are asked, `prj_…`.
    project_id: Option<ID>,
}

/// What became of it.
#[derive(SimpleObject)]
struct AskPayload {
    /// The answer, if the input was right.
    answer: Option<Answer>,
    /// What you can mend; empty where there is an answer.
    user_errors: Vec<UserError>,
}

#[Object]
impl Mutation {
    /// Asks the documents a question. The answer is recorded and can be read again by its id.
    async fn ask(&self, ctx: &Context<'_>, input: AskInput) -> Result<AskPayload> {
        let ai = ctx.data::<Arc<Ai>>()?;
        let actor = actor(ctx)?;
        let project = match input.project_id.as_ref().map(|id| id.parse()).transpose() {
            Ok(project) => project,
            Err(error) => {
                let error: studio_kernel::IdError = error;
                return Ok(refuse("INVALID_ID", "projectId", error.to_string()));
            }
        };
        let asked = Asked { question: input.question, project };
        match ai.ask(actor, asked).await.map_err(gql)? {
            Ok(id) => {
                let answer = ai.answer(actor, id).await.map_err(gql)?;
                let missing = || gql(ApiError::internal(format!("{id} was recorded and is gone")));
                let answer = Some(Answer(answer.ok_or_else(missing)?));
                Ok(AskPayload { answer, user_errors: Vec::new() })
            }
            Err(refused) => {
                let code = match refused {
                    Refused::Question(QuestionError::Empty) => "EMPTY",
                    Refused::Question(QuestionError::TooLong) => "TOO_LONG",
                    Refused::NoWords => "NO_WORDS",
                };
                Ok(refuse(code, "question", refused.to_string()))
            }
        }
    }
}

fn refuse(code: &str, field: &str, message: String) -> AskPayload {
    AskPayload { answer: None, user_errors: vec![UserError::field(code, field, message)] }
}
