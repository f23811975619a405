//! The queries, and how entities are found by their ids.

use std::sync::Arc;

use async_graphql::{
    Context, ID, Object, Result,
    connection::{Connection, Edge, EmptyFields},
};
use studio_kernel::{Code, kind};
use studio_service::{
    ApiError,
    graphql::{Page, PageArgs, actor, encode_cursor, gql, id},
};

use super::{
    answer::Answer,
    hit::{SearchHit, SearchNote},
};
use crate::commands::{Ai, Found};

pub(super) struct Query;

type SearchHits = Connection<String, SearchHit, SearchNote, EmptyFields>;

async fn load(ctx: &Context<'_>, answer: &ID) -> Result<Option<Answer>> {
    let ai = ctx.data::<Arc<Ai>>()?;
    let answer = id::<kind::Answer>(answer)?;
    Ok(ai.answer(actor(ctx)?, answer).await.map_err(gql)?.map(Answer))
}

#[Object]
impl Query {
    /// Passages of the newest versions of documents in which the words stand, the best first. Any
    /// text may be searched for: no character has a meaning of its own.
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to look for, at most 1,000 characters.")] query: String,
        #[graphql(desc = "Only in the documents of this project, `prj_…`.")] project_id: Option<ID>,
        #[graphql(desc = "How many, 1 to 100; 20 if absent.")] first: Option<i32>,
        #[graphql(desc = "The cursor after which to start.")] after: Option<String>,
    ) -> Result<SearchHits> {
        let ai = ctx.data::<Arc<Ai>>()?;
        let project = project_id.as_ref().map(id::<kind::Project>).transpose()?;
        let page = PageArgs::new(first, after)?;
        let offset: usize = page.after.as_deref().map_or(Ok(0), str::parse).map_err(|_| {
            gql(ApiError::new(Code::BadRequest, "That cursor is not one of this list."))
        })?;
        let found = ai.search(actor(ctx)?, &query, project, offset, page.first + 1).await;
        let Found { hits, note } = found.map_err(gql)?;
        let shown = Page::cut(hits, &page);
        let mut connection =
            Connection::with_additional_fields(offset > 0, shown.more, SearchNote { note });
        connection.edges.extend(
            (offset + 1..)
                .zip(shown.rows)
                .map(|(rank, hit)| Edge::new(encode_cursor(&rank.to_string()), SearchHit(hit))),
        );
        Ok(connection)
    }

    /// An answer that was given before; null where there is none of that id that you can see.
    async fn answer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id, `ans_…`.")] id: ID,
    ) -> Result<Option<Answer>> {
        load(ctx, &id).await
    }

    #[graphql(entity)]
    async fn find_answer_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> Result<Option<Answer>> {
        load(ctx, &id).await
    }
}
