//! The GraphQL schema of documents (DESIGN section 4), one file per entity.

mod control;
mod document;
mod loaders;
mod mutation;
mod query;
mod stubs;
mod version;

use std::sync::Arc;

use async_graphql::{EmptySubscription, Schema, SchemaBuilder};
use studio_service::{GraphQlService, Served};

use crate::commands::Documents;

/// The schema, with loaders made anew for each request.
pub(crate) fn service(documents: &Arc<Documents>) -> Arc<dyn GraphQlService> {
    let schema = schema().data(documents.clone()).finish();
    let documents = documents.clone();
    Served::new(schema, move |request| loaders::prepare(&documents, request))
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
