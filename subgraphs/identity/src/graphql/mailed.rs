//! Mutations by links in mails.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use studio_service::{
    client_address::ClientAddress,
    graphql::{UserError, actor},
};
use zeroize::Zeroizing;

use super::{account::errors, core, request};
use crate::commands::Failure;

/// Whose password is lost.
#[derive(InputObject)]
struct RequestPasswordResetInput {
    /// The e-mail address of the account.
    email: String,
}

/// What `requestPasswordReset` did: the same whether there is such an account or not.
#[derive(SimpleObject)]
struct RequestPasswordResetPayload {
    /// What to mend; empty when the server will look for the account.
    user_errors: Vec<UserError>,
}

/// Another password by a link from a mail.
#[derive(InputObject)]
struct ResetPasswordInput {
    /// The token from the link. It works once, within 30 minutes.
    token: String,
    /// The new password: at least 12 characters, and hard to guess.
    new_password: String,
}

/// What `resetPassword` did.
#[derive(SimpleObject)]
struct ResetPasswordPayload {
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// What `requestEmailVerification` did.
#[derive(SimpleObject)]
struct RequestEmailVerificationPayload {
    /// What to mend; empty when a mail will come.
    user_errors: Vec<UserError>,
}

/// The proof that an address is its person's.
#[derive(InputObject)]
struct VerifyEmailInput {
    /// The token from the link. It works once, within 24 hours.
    token: String,
}

/// What `verifyEmail` did.
#[derive(SimpleObject)]
struct VerifyEmailPayload {
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

fn told(done: Result<(), Failure>) -> async_graphql::Result<Vec<UserError>> {
    Ok(done.err().map(errors).transpose()?.unwrap_or_default())
}

/// Mutations about what is proven by mail.
#[derive(Default)]
pub(super) struct MailedMutation;

#[Object]
impl MailedMutation {
    /// Sends a link by which a new password can be chosen, if somebody signs in with that address and
    /// a password. The answer is the same if nobody does. After a few mails the address has to wait
    /// (`RATE_LIMITED`).
    async fn request_password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose password is lost.")] input: RequestPasswordResetInput,
    ) -> async_graphql::Result<RequestPasswordResetPayload> {
        let asked = {
            let from = ctx.data_opt::<ClientAddress>().copied();
            core(ctx)?.request_password_reset(&input.email, from, request(ctx)).await
        };
        Ok(RequestPasswordResetPayload { user_errors: told(asked)? })
    }

    /// Gives you another password by a link from a mail, and ends all your sessions. Sign in with it
    /// then, with your second factor if you have one.
    async fn reset_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token, and the new password.")] input: ResetPasswordInput,
    ) -> async_graphql::Result<ResetPasswordPayload> {
        let (token, new) = (Zeroizing::new(input.token), Zeroizing::new(input.new_password));
        let reset = core(ctx)?.reset_password(&token, &new, request(ctx)).await;
        Ok(ResetPasswordPayload { user_errors: told(reset)? })
    }

    /// Sends you a link that shows that your e-mail address is yours. After a few mails you have to
    /// wait (`RATE_LIMITED`).
    async fn request_email_verification(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<RequestEmailVerificationPayload> {
        let asked = core(ctx)?.request_email_verification(actor(ctx)?, request(ctx)).await;
        Ok(RequestEmailVerificationPayload { user_errors: told(asked)? })
    }

    /// Shows by a link from a mail that an e-mail address is its person's.
    async fn verify_email(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The token.")] input: VerifyEmailInput,
    ) -> async_graphql::Result<VerifyEmailPayload> {
        let token = Zeroizing::new(input.token);
        let verified = core(ctx)?.verify_email(&token, request(ctx)).await;
        Ok(VerifyEmailPayload { user_errors: told(verified)? })
    }
}
