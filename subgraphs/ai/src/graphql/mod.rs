//! The GraphQL schema of search and answers (DESIGN section 4), one file per entity.

mod answer;
mod hit;
mod mutation;
mod query;
mod stubs;

use std::sync::Arc;

use async_graphql::{EmptySubscription, Schema, SchemaBuilder, SimpleObject};
use studio_service::{GraphQlService, Served};

use crate::commands::Ai;

/// The schema.
pub(crate) fn service(ai: &Arc<Ai>) -> Arc<dyn GraphQlService> {
    let schema = schema().data(ai.clone()).finish();
    Served::new(schema, |request| request)
}

/// The federation SDL, without a store behind it.
pub(crate) fn sdl() -> String {
    Served::new(schema().finish(), |request| request).sdl()
}

fn schema() -> SchemaBuilder<query::Query, mutation::Mutation, EmptySubscription> {
    Schema::build(query::Query, mutation::Mutation, EmptySubscription)
        .enable_federation()
        .enable_subscription_in_federation()
}

/// Where a passage stands in the text of a version.
#[derive(SimpleObject)]
struct Place {
    /// The line that it starts in, from 1.
    start_line: u32,
    /// The line that it ends in.
    end_line: u32,
    /// The byte of the version's text (as UTF-8) that it starts at, from 0: a whole number.
    offset: f64,
}
