//! Mutations by which somebody becomes an actor, and ceases to be one.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use studio_service::graphql::{UserError, actor, gql};
use zeroize::Zeroizing;

use super::{core, organization::Organization, request, user::User};
use crate::{
    commands::{Failure, Given, LoggedIn, NewOrganization, SignedIn},
    projections::{organizations, users},
};

/// The first organization and its owner.
#[derive(InputObject)]
struct SetUpInput {
    /// The token from the address that the server printed at its first start.
    token: String,
    /// What people call the organization, 1 to 200 characters.
    organization_name: String,
    /// What its owner is called, 1 to 200 characters.
    owner_name: String,
    /// What its owner signs in with.
    owner_email: String,
    /// The owner's password: at least 12 characters, and hard to guess.
    password: String,
}

/// What `setUp` did. The owner is signed in.
#[derive(SimpleObject, Default)]
struct SetUpPayload {
    /// The organization that was made.
    organization: Option<Organization>,
    /// Its owner.
    user: Option<User>,
    /// Send it as `Authorization: Bearer …`; valid for some minutes.
    access_token: Option<String>,
    /// Gets the next tokens by `refresh`, once.
    refresh_token: Option<String>,
    /// When the access token ends.
    expires_at: Option<DateTime<Utc>>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Who signs in.
#[derive(InputObject)]
struct LogInInput {
    /// The e-mail address of the account.
    email: String,
    /// Its password.
    password: String,
}

/// The second step of a sign-in.
#[derive(InputObject)]
struct CompleteLogInInput {
    /// What `logIn` answered.
    challenge: String,
    /// The code that the app shows, or a recovery code.
    code: Option<String>,
    /// In its place: what a passkey answered to `passkeyOptions`, as the JSON of
    /// `PublicKeyCredential.toJSON()`.
    passkey: Option<String>,
}

/// What `logIn`, `completeLogIn` or `completePasskeyLogIn` did.
#[derive(SimpleObject, Default)]
pub(super) struct LogInPayload {
    /// Send it as `Authorization: Bearer …`; valid for some minutes.
    access_token: Option<String>,
    /// Gets the next tokens by `refresh`, once.
    refresh_token: Option<String>,
    /// When the access token ends.
    expires_at: Option<DateTime<Utc>>,
    /// Who signed in.
    user: Option<User>,
    /// In the place of all that, where the account has a second factor: send it to `completeLogIn`
    /// within five minutes, with a code or with what a passkey answered. It is a secret, and works once.
    challenge: Option<String>,
    /// With the challenge, where the account has a passkey: what to ask it for, for
    /// `PublicKeyCredential.parseRequestOptionsFromJSON()`.
    passkey_options: Option<String>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

impl LogInPayload {
    async fn of(ctx: &Context<'_>, signed_in: SignedIn) -> async_graphql::Result<Self> {
        Ok(Self {
            user: person(ctx, &signed_in).await?,
            access_token: Some(signed_in.access.token),
            refresh_token: Some(signed_in.refresh.to_string()),
            expires_at: Some(signed_in.access.expires_at.to_datetime()),
            challenge: None,
            passkey_options: None,
            user_errors: Vec::new(),
        })
    }

    /// Of a sign-in that was to be completed.
    pub(super) async fn completed(
        ctx: &Context<'_>,
        done: Result<SignedIn, Failure>,
    ) -> async_graphql::Result<Self> {
        match done {
            Ok(signed_in) => Self::of(ctx, signed_in).await,
            Err(failure) => Ok(Self { user_errors: errors(failure)?, ..Default::default() }),
        }
    }
}

/// The session that goes on.
#[derive(InputObject)]
struct RefreshInput {
    /// The newest refresh token of the session. It works once; a second use ends the session.
    refresh_token: String,
}

/// What `refresh` did.
#[derive(SimpleObject, Default)]
struct RefreshPayload {
    /// Send it as `Authorization: Bearer …`; valid for some minutes.
    access_token: Option<String>,
    /// Gets the next tokens by `refresh`, once.
    refresh_token: Option<String>,
    /// When the access token ends.
    expires_at: Option<DateTime<Utc>>,
    /// Whose session it is.
    user: Option<User>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// What `logOut` did.
#[derive(SimpleObject)]
struct LogOutPayload {
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Mutations about signing in and out.
#[derive(Default)]
pub(super) struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Makes the organization and its owner, with the token that the server printed at its first
    /// start, and signs the owner in. Works once, while no organization exists.
    async fn set_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization and its owner.")] input: SetUpInput,
    ) -> async_graphql::Result<SetUpPayload> {
        let core = core(ctx)?;
        let token = Zeroizing::new(input.token);
        let new = NewOrganization {
            name: input.organization_name,
            owner_name: input.owner_name,
            owner_email: input.owner_email,
            password: Zeroizing::new(input.password),
        };
        match core.set_up(&token, new, request(ctx)).await {
            Ok(signed_in) => {
                let tenant = signed_in.actor.tenant;
                let organization =
                    organizations::find(&core.store, tenant).await.map_err(gql)?.map(Organization);
                let user = person(ctx, &signed_in).await?;
                Ok(SetUpPayload {
                    organization,
                    user,
                    access_token: Some(signed_in.access.token),
                    refresh_token: Some(signed_in.refresh.to_string()),
                    expires_at: Some(signed_in.access.expires_at.to_datetime()),
                    user_errors: Vec::new(),
                })
            }
            Err(failure) => {
                Ok(SetUpPayload { user_errors: errors(failure)?, ..Default::default() })
            }
        }
    }

    /// Signs in with e-mail address and password. Where the account has a second factor, there is a
    /// `challenge` instead of tokens. After repeated wrong passwords or codes the account has to wait
    /// (`RATE_LIMITED`).
    async fn log_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Who signs in.")] input: LogInInput,
    ) -> async_graphql::Result<LogInPayload> {
        let password = Zeroizing::new(input.password);
        match core(ctx)?.log_in(&input.email, &password, request(ctx)).await {
            Ok(LoggedIn::SignedIn(signed_in)) => LogInPayload::of(ctx, *signed_in).await,
            Ok(LoggedIn::Challenged { challenge, passkey_options }) => Ok(LogInPayload {
                challenge: Some(challenge.to_string()),
                passkey_options,
                ..Default::default()
            }),
            Err(failure) => {
                Ok(LogInPayload { user_errors: errors(failure)?, ..Default::default() })
            }
        }
    }

    /// Completes a sign-in with a code of the second factor, each of which works once, or with a passkey.
    async fn complete_log_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The challenge, and what answers it.")] input: CompleteLogInInput,
    ) -> async_graphql::Result<LogInPayload> {
        let challenge = Zeroizing::new(input.challenge);
        let core = core(ctx)?;
        let done = async {
            let given = Given::of(input.code, input.passkey)?;
            core.complete_log_in(&challenge, given.as_ref(), request(ctx)).await
        };
        LogInPayload::completed(ctx, done.await).await
    }

    /// Gets new tokens for a refresh token, which works no more after that.
    async fn refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session that goes on.")] input: RefreshInput,
    ) -> async_graphql::Result<RefreshPayload> {
        let token = Zeroizing::new(input.refresh_token);
        match core(ctx)?.refresh(&token, request(ctx)).await {
            Ok(signed_in) => {
                let user = person(ctx, &signed_in).await?;
                Ok(RefreshPayload {
                    user,
                    access_token: Some(signed_in.access.token),
                    refresh_token: Some(signed_in.refresh.to_string()),
                    expires_at: Some(signed_in.access.expires_at.to_datetime()),
                    user_errors: Vec::new(),
                })
            }
            Err(failure) => {
                Ok(RefreshPayload { user_errors: errors(failure)?, ..Default::default() })
            }
        }
    }

    /// Ends the session that the access token belongs to, at once and everywhere.
    async fn log_out(&self, ctx: &Context<'_>) -> async_graphql::Result<LogOutPayload> {
        let ended = core(ctx)?.log_out(actor(ctx)?, request(ctx)).await;
        let user_errors = ended.err().map(errors).transpose()?.unwrap_or_default();
        Ok(LogOutPayload { user_errors })
    }
}

/// The person who has just proven who they are.
async fn person(ctx: &Context<'_>, signed_in: &SignedIn) -> async_graphql::Result<Option<User>> {
    let Some(user) = signed_in.actor.user_id() else { return Ok(None) };
    let row = users::find(&core(ctx)?.store, signed_in.actor.tenant, user).await.map_err(gql)?;
    Ok(row.map(User))
}

/// What the person can mend; everything else is a top-level error.
pub(super) fn errors(failure: Failure) -> async_graphql::Result<Vec<UserError>> {
    failure.user_errors().map_err(gql)
}
