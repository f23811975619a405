//! What somebody who is not signed in is told about the set-up, so that a page need not ask for what
//! the server will refuse.

use async_graphql::{Context, Enum, Object};
use studio_service::graphql::gql;
use zeroize::Zeroizing;

use super::core;
use crate::commands;

/// How far the server is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "commands::SetUpState")]
enum SetUpState {
    /// No organization exists yet: the token that was given makes the first one, or none was given.
    Open,
    /// No organization exists yet, and the token that was given is not the one that the server
    /// printed.
    WrongToken,
    /// An organization exists: sign in. No token works any more.
    Done,
}

/// Queries about the set-up.
#[derive(Default)]
pub(super) struct SetUpQuery;

#[Object]
impl SetUpQuery {
    /// Whether the server still waits for its first organization. Everybody may ask; `setUp` tells
    /// as much to whoever tries.
    async fn set_up_state(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token of the one-time address, if you have one.")] token: Option<
            String,
        >,
    ) -> async_graphql::Result<SetUpState> {
        let token = token.map(Zeroizing::new);
        let state = core(ctx)?.set_up_state(token.as_ref().map(|token| token.as_str())).await;
        Ok(state.map_err(gql)?.into())
    }
}
