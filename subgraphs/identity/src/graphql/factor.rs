//! The second factor, and the mutations that turn its app on and take it away.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use studio_kernel::Timestamp;
use studio_service::graphql::{UserError, actor};
use zeroize::Zeroizing;

use super::{account::errors, core, request};
use crate::{
    commands::{Failure, Given, Shown},
    projections::factors::Row,
};

/// An app that shows one-time codes (TOTP, RFC 6238), passkeys, and recovery codes for when all of them
/// are gone.
pub(super) struct SecondFactor(pub Row);

/// An app that shows one-time codes (TOTP, RFC 6238), passkeys, and recovery codes for when all of them
/// are gone.
#[Object]
impl SecondFactor {
    /// When the first of them was turned on.
    async fn confirmed_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.confirmed_at).to_datetime()
    }

    /// Whether there is an app.
    async fn app(&self) -> bool {
        self.0.app > 0
    }

    /// When a code or a passkey was last used.
    async fn used_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.used_at).to_datetime()
    }

    /// How many recovery codes are left. Get new ones by `renewRecoveryCodes` before there are none.
    async fn recovery_codes_left(&self) -> i32 {
        i32::try_from(self.0.recovery_codes).unwrap_or(i32::MAX)
    }
}

/// Who wants an app to show codes.
#[derive(InputObject)]
struct BeginTotpInput {
    /// Your password.
    password: String,
    /// A recovery code, where you have a second factor already,
    code: Option<String>,
    /// or what a passkey answered to `beginPasskeyLogIn`.
    passkey: Option<String>,
}

/// What `beginTotp` made. Nothing is asked for at a sign-in before `confirmTotp`.
#[derive(SimpleObject, Default)]
struct BeginTotpPayload {
    /// The secret for the app, in Base32, to be typed. It is shown once.
    secret: Option<String>,
    /// The same as an `otpauth://` address: show it as a QR code, which apps read.
    uri: Option<String>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// The first code of an app.
#[derive(InputObject)]
struct ConfirmTotpInput {
    /// The six digits that the app shows.
    code: String,
}

/// New recovery codes.
#[derive(SimpleObject, Default)]
struct RecoveryCodesPayload {
    /// Ten codes that take the place of app and passkeys, each once. Keep them on paper: they are shown
    /// once. Null where you have some already.
    recovery_codes: Option<Vec<String>>,
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Who wants other recovery codes.
#[derive(InputObject)]
struct RenewRecoveryCodesInput {
    /// Your password.
    password: String,
    /// The code that the app shows, or a recovery code;
    code: Option<String>,
    /// in its place, what a passkey answered to `beginPasskeyLogIn`.
    passkey: Option<String>,
}

/// Who wants the app to count no more.
#[derive(InputObject)]
struct RemoveTotpInput {
    /// Your password.
    password: String,
    /// The code that the app shows, or a recovery code;
    code: Option<String>,
    /// in its place, what a passkey answered to `beginPasskeyLogIn`.
    passkey: Option<String>,
}

/// What `removeTotp` did.
#[derive(SimpleObject)]
struct RemoveTotpPayload {
    /// What to mend; empty when it worked.
    user_errors: Vec<UserError>,
}

/// Mutations about the own second factor.
#[derive(Default)]
pub(super) struct FactorMutation;

#[Object]
impl FactorMutation {
    /// Makes a secret for an app that shows one-time codes. `confirmTotp` turns it on.
    async fn begin_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Your password.")] input: BeginTotpInput,
    ) -> async_graphql::Result<BeginTotpPayload> {
        let password = Zeroizing::new(input.password);
        let (core, actor) = (core(ctx)?, actor(ctx)?);
        let begun = async {
            let given = Given::of(input.code, input.passkey)?;
            core.begin_totp(actor, &password, given.as_ref(), request(ctx)).await
        };
        Ok(match begun.await {
            Ok(enrolment) => BeginTotpPayload {
                secret: Some(enrolment.secret.to_string()),
                uri: Some(enrolment.uri.to_string()),
                user_errors: Vec::new(),
            },
            Err(failure) => {
                BeginTotpPayload { user_errors: errors(failure)?, ..Default::default() }
            }
        })
    }

    /// Turns the app on with its first code: from now on each sign-in with a password asks for one.
    /// Answers recovery codes, once.
    async fn confirm_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first code.")] input: ConfirmTotpInput,
    ) -> async_graphql::Result<RecoveryCodesPayload> {
        let code = Zeroizing::new(input.code);
        let confirmed = core(ctx)?.confirm_totp(actor(ctx)?, &code, request(ctx)).await;
        RecoveryCodesPayload::of(confirmed)
    }

    /// Makes new recovery codes. Those before work no more.
    async fn renew_recovery_codes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Your password and a code.")] input: RenewRecoveryCodesInput,
    ) -> async_graphql::Result<RecoveryCodesPayload> {
        let password = Zeroizing::new(input.password);
        let (core, actor) = (core(ctx)?, actor(ctx)?);
        let renewed = async {
            let given = Given::of(input.code, input.passkey)?;
            core.renew_recovery_codes(actor, &password, given.as_ref(), request(ctx)).await
        };
        RecoveryCodesPayload::of(renewed.await.map(Some))
    }

    /// Takes your app away; with the recovery codes, where you have no passkey.
    async fn remove_totp(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Your password and a code.")] input: RemoveTotpInput,
    ) -> async_graphql::Result<RemoveTotpPayload> {
        let password = Zeroizing::new(input.password);
        let (core, actor) = (core(ctx)?, actor(ctx)?);
        let removed = async {
            let given = Given::of(input.code, input.passkey)?;
            core.remove_totp(actor, &password, given.as_ref(), request(ctx)).await
        };
        let user_errors = removed.await.err().map(errors).transpose()?.unwrap_or_default();
        Ok(RemoveTotpPayload { user_errors })
    }
}

impl RecoveryCodesPayload {
    fn of(made: Result<Option<Shown>, Failure>) -> async_graphql::Result<Self> {
        Ok(match made {
            Ok(codes) => Self { recovery_codes: codes.map(shown), user_errors: Vec::new() },
            Err(failure) => Self { recovery_codes: None, user_errors: errors(failure)? },
        })
    }
}

/// The texts of recovery codes.
pub(super) fn shown(Shown(codes): Shown) -> Vec<String> {
    codes.iter().map(|code| code.to_string()).collect()
}
