//! Passkeys, and the mutations by which people add and remove them and sign in with them. What goes to a
//! browser and comes back is JSON text as Web Authentication Level 3 has it (sections 5.1.8 to 5.1.10):
//! browsers read and write it by themselves, and so do the systems of phones.

use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use studio_kernel::Timestamp;
use studio_service::graphql::{UserError, actor, gql, id};
use zeroize::Zeroizing;

use super::{
    account::{LogInPayload, errors},
    core,
    factor::shown,
    request,
};
use crate::{
    commands::{AddedPasskey, Given},
    personal::{PersonalError, sealed_from_row},
    projections::{
        passkeys::{self, Row},
        read_id,
    },
};

/// A key pair by which a person signs in (Web Authentication): its private half is in a device or a
/// password manager of theirs.
pub(super) struct Passkey(pub Row);

/// A key pair by which a person signs in (Web Authentication): its private half is in a device or a
/// password manager of theirs.
#[Object]
impl Passkey {
    /// The id, `psk_…`.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// What the person calls it; null once the person was erased.
    async fn name(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let core = core(ctx)?;
        let open = async {
            let tenant =
                read_id(&self.0.tenant).map_err(|_| PersonalError::Shape(self.0.id.clone()))?;
            core.people.open_passkey(tenant, &sealed_from_row(&self.0.credential)?).await
        };
        Ok(open.await.map_err(gql)?.map(|kept| kept.name))
    }

    /// When it was added.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// When it was last used; null while it was not.
    async fn used_at(&self) -> Option<DateTime<Utc>> {
        self.0.used_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// When somebody last showed a copy of it, and was refused; null while nobody did. Remove it then.
    async fn copied_at(&self) -> Option<DateTime<Utc>> {
        self.0.copied_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }
}

/// Who wants a passkey.
#[derive(InputObject)]
struct BeginPasskeyRegistrationInput {
    /// Your password.
    password: String,
    /// A code of your app or a recovery code, where you have a second factor already,
    code: Option<String>,
    /// or what a passkey that you have answered to `beginPasskeyLogIn`.
    passkey: Option<String>,
}

/// What to ask a browser for.
#[derive(SimpleObject, Default)]
struct PasskeyOptionsPayload {
    /// JSON for `PublicKeyCredential.parseCreationOptionsFromJSON()` at a registration, and for
    /// `parseRequestOptionsFromJSON()` at a sign-in. It holds for five minutes.
    options: Option<String>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// A new passkey.
#[derive(InputObject)]
struct ConfirmPasskeyRegistrationInput {
    /// What it answered: the JSON of `PublicKeyCredential.toJSON()`, at most 16 KiB.
    passkey: String,
    /// What to call it, 1 to 200 characters, for example after the device that holds it.
    name: String,
}

/// What `confirmPasskeyRegistration` did.
#[derive(SimpleObject, Default)]
struct ConfirmPasskeyRegistrationPayload {
    /// The passkey that was added.
    passkey: Option<Passkey>,
    /// Ten codes that take the place of app and passkeys, each once. Keep them on paper: they are shown
    /// once. Null where you have some already.
    recovery_codes: Option<Vec<String>>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Which passkey shall count no more.
#[derive(InputObject)]
struct RemovePasskeyInput {
    /// Which.
    passkey_id: ID,
    /// Your password.
    password: String,
    /// A code of your app, or a recovery code;
    code: Option<String>,
    /// in its place, what a passkey answered to `beginPasskeyLogIn`.
    passkey: Option<String>,
}

/// What `removePasskey` did.
#[derive(SimpleObject)]
struct RemovePasskeyPayload {
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Who signs in with a passkey.
#[derive(InputObject)]
struct CompletePasskeyLogInInput {
    /// What it answered: the JSON of `PublicKeyCredential.toJSON()`, at most 16 KiB.
    passkey: String,
}

/// Mutations about passkeys.
#[derive(Default)]
pub(super) struct PasskeyMutation;

#[Object]
impl PasskeyMutation {
    /// Asks for a new passkey of yours. `confirmPasskeyRegistration` adds it.
    async fn begin_passkey_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Your password, and your second factor if you have one.")]
        input: BeginPasskeyRegistrationInput,
    ) -> async_graphql::Result<PasskeyOptionsPayload> {
        let password = Zeroizing::new(input.password);
        let (core, actor) = (core(ctx)?, actor(ctx)?);
        let begun = async {
            let given = Given::of(input.code, input.passkey)?;
            core.begin_passkey(actor, &password, given.as_ref(), request(ctx)).await
        };
        PasskeyOptionsPayload::of(begun.await)
    }

    /// Adds the passkey. From now on you sign in with it alone, and each sign-in with your password asks
    /// for it, or for a code. Answers recovery codes, once, if it is your first second factor.
    async fn confirm_passkey_registration(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The passkey, and a name for it.")] input: ConfirmPasskeyRegistrationInput,
    ) -> async_graphql::Result<ConfirmPasskeyRegistrationPayload> {
        let ConfirmPasskeyRegistrationInput { passkey, name } = input;
        let (core, actor) = (core(ctx)?, actor(ctx)?);
        match core.confirm_passkey(actor, &passkey, &name, request(ctx)).await {
            Ok(AddedPasskey { id, codes }) => {
                let user = actor.user_id();
                let mut rows = match user {
                    Some(user) => {
                        passkeys::of(&core.store, actor.tenant, user).await.map_err(gql)?
                    }
                    None => Vec::new(),
                };
                rows.retain(|row| row.id == id.to_string());
                Ok(ConfirmPasskeyRegistrationPayload {
                    passkey: rows.pop().map(Passkey),
                    recovery_codes: codes.map(shown),
                    user_errors: Vec::new(),
                })
            }
            Err(failure) => Ok(ConfirmPasskeyRegistrationPayload {
                user_errors: errors(failure)?,
                ..Default::default()
            }),
        }
    }

    /// Takes a passkey of yours away; with the recovery codes, where it was the last second factor.
    async fn remove_passkey(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which, your password, and a code or a passkey.")]
        input: RemovePasskeyInput,
    ) -> async_graphql::Result<RemovePasskeyPayload> {
        let password = Zeroizing::new(input.password);
        let passkey = id(&input.passkey_id)?;
        let (core, actor) = (core(ctx)?, actor(ctx)?);
        let removed = async {
            let given = Given::of(input.code, input.passkey)?;
            core.remove_passkey(actor, passkey, &password, given.as_ref(), request(ctx)).await
        };
        let user_errors = removed.await.err().map(errors).transpose()?.unwrap_or_default();
        Ok(RemovePasskeyPayload { user_errors })
    }

    /// Asks for an answer of any passkey for this server: to sign in by `completePasskeyLogIn`, or to change
    /// how you sign in.
    async fn begin_passkey_log_in(
        &self,
        ctx: &Context<'_>,
    ) -> async_graphql::Result<PasskeyOptionsPayload> {
        PasskeyOptionsPayload::of(core(ctx)?.begin_passkey_log_in())
    }

    /// Signs in with a passkey alone, without address and password. It counts as more than one factor.
    async fn complete_passkey_log_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What a passkey answered.")] input: CompletePasskeyLogInInput,
    ) -> async_graphql::Result<LogInPayload> {
        let done = core(ctx)?.complete_passkey_log_in(&input.passkey, request(ctx)).await;
        LogInPayload::completed(ctx, done).await
    }
}

impl PasskeyOptionsPayload {
    fn of(asked: Result<String, crate::commands::Failure>) -> async_graphql::Result<Self> {
        Ok(match asked {
            Ok(options) => Self { options: Some(options), user_errors: Vec::new() },
            Err(failure) => Self { options: None, user_errors: errors(failure)? },
        })
    }
}
