//! How one may sign in here.

use async_graphql::{Context, Object, SimpleObject};

use super::core;

/// How one may sign in here, besides with a password.
#[derive(SimpleObject)]
struct SignInOptions {
    /// Whether `requestPasswordReset` works: the server sends mail.
    password_reset: bool,
}

/// The query about it.
#[derive(Default)]
pub(super) struct SignInOptionsQuery;

#[Object]
impl SignInOptionsQuery {
    /// How one may sign in here, besides with a password. For a page that is about to ask for one.
    async fn sign_in_options(&self, ctx: &Context<'_>) -> async_graphql::Result<SignInOptions> {
        Ok(SignInOptions { password_reset: core(ctx)?.sends_mail() })
    }
}
