//! The mutation by which people change their password.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use studio_service::graphql::{UserError, actor};
use zeroize::Zeroizing;

use super::{account::errors, core, request};

/// Another password for the person who asks.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The password as it is.
    current_password: String,
    /// The one to take its place: at least 12 characters, and hard to guess.
    new_password: String,
}

/// What `changePassword` did.
#[derive(SimpleObject)]
struct ChangePasswordPayload {
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// The mutation about the own password.
#[derive(Default)]
pub(super) struct PasswordMutation;

#[Object]
impl PasswordMutation {
    /// Gives you another password, and ends your other sessions. After repeated wrong passwords the
    /// account has to wait (`RATE_LIMITED`).
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The password as it is, and as it will be.")] input: ChangePasswordInput,
    ) -> async_graphql::Result<ChangePasswordPayload> {
        let current = Zeroizing::new(input.current_password);
        let new = Zeroizing::new(input.new_password);
        let changed = core(ctx)?.change_password(actor(ctx)?, current, new, request(ctx)).await;
        let user_errors = changed.err().map(errors).transpose()?.unwrap_or_default();
        Ok(ChangePasswordPayload { user_errors })
    }
}
