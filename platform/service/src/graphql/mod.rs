//! GraphQL conventions in one place: the actor of a request, ids, errors, user errors, pages.

mod data_class;
mod instant;
mod page;
mod user_error;

use std::str::FromStr;

use async_graphql::Context;
use studio_kernel::{Actor, Id, id::Kind};

use crate::error::ApiError;
pub use crate::error::gql;
pub use data_class::DataClass;
pub use instant::Instant;
pub use page::{Page, PageArgs, connection, decode_cursor, encode_cursor};
pub use user_error::UserError;

/// The actor of the request, or `UNAUTHENTICATED`.
pub fn actor<'a>(ctx: &Context<'a>) -> async_graphql::Result<&'a Actor> {
    ctx.data_opt::<Actor>().ok_or_else(|| gql(ApiError::unauthenticated()))
}

/// Reads a typed id from what the client sent, or `BAD_REQUEST`.
pub fn id<K: Kind>(given: &async_graphql::ID) -> async_graphql::Result<Id<K>> {
    Id::from_str(given).map_err(gql)
}

/// Writes a typed id for the client.
pub fn wire<K: Kind>(id: Id<K>) -> async_graphql::ID {
    async_graphql::ID(id.to_string())
}
