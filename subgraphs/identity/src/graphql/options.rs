//! How one may sign in here.

use async_graphql::{Context, Object, SimpleObject};

use super::core;

/// How one may sign in here, besides with a password.
#[derive(SimpleObject)]
struct SignInOptions {
    /// Whether `requestPasswordReset` works: the server sends mail.
    password_reset: bool,
    /// The providers of identity by which one may sign in, in the order of the settings.
    providers: Vec<SignInProvider>,
}

/// A provider of identity.
#[derive(SimpleObject)]
struct SignInProvider {
    /// What it is called in addresses.
    name: String,
    /// What people know it as.
    label: String,
    /// Where a browser begins, on this server: `/login/oidc/…`.
    path: String,
}

/// The query about it.
#[derive(Default)]
pub(super) struct SignInOptionsQuery;

#[Object]
impl SignInOptionsQuery {
    /// How one may sign in here, besides with a password. For a page that is about to ask for one.
    async fn sign_in_options(&self, ctx: &Context<'_>) -> async_graphql::Result<SignInOptions> {
        let core = core(ctx)?;
        let providers = core.oidc.settings().map(|provider| SignInProvider {
            name: provider.name.clone(),
            label: provider.shown().to_owned(),
            path: format!("/login/oidc/{}", provider.name),
        });
        Ok(SignInOptions { password_reset: core.sends_mail(), providers: providers.collect() })
    }
}
