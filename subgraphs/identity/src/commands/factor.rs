//! The second factor: how it is turned on and taken away, and the second step of a sign-in.

use std::ops::Deref;

use studio_events::{Append, AppendError, Expected, StreamAppend};
use studio_kernel::{Actor, AuthnMethod, Id, TenantId, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Request, SignedIn, account::Account, users::metadata};
use crate::{
    backoff::Try,
    codes::{Code, TotpSecret},
    domain::{
        SealedValue,
        factor::{Proof, RecoveryCodesRenewed, SecondFactor, TotpRemoved, no_factor, not_begun},
        input::Fault,
        session::Session,
        user::{User, UserEvent},
    },
    personal::PersonalError,
    projections::{
        organizations,
        users::{self, read_roles},
    },
    tokens::{Challenge, FirstFactor},
};

/// What an app is given once.
pub(crate) struct Enrolment {
    /// The secret in Base32, to be typed.
    pub secret: Zeroizing<String>,
    /// The same in the address that a QR code holds.
    pub uri: Zeroizing<String>,
}

/// Recovery codes as they are shown, once.
pub(crate) struct Shown(pub Vec<Zeroizing<String>>);

impl Core {
    /// Makes a secret for the actor's app. Nothing is asked for before a code confirms it.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong password, or where there is a second factor; `RATE_LIMITED`.
    pub(crate) async fn begin_totp(
        &self,
        actor: &Actor,
        password: &str,
        request: Request,
    ) -> Result<Enrolment, Failure> {
        let account = self.own_account(actor).await?;
        let tried = self.prove(&account, "password", password).await?;
        self.backoff.was_right(tried).await;
        let Account { tenant, user, .. } = account;
        let secret = TotpSecret::random(&self.env);
        let sealed = self.people.seal(tenant, user, secret.bytes()).await?;
        self.store
            .execute::<User, Failure>(
                tenant,
                &user.to_string(),
                &metadata(actor, request),
                |state, _| Ok(state.factor.begin(user, sealed.clone(), "password")?),
            )
            .await?;
        let organization = organizations::find(&self.store, tenant).await?.map(|row| row.name);
        let issuer = match organization {
            Some(name) => format!("Studio ({name})"),
            None => "Studio".to_owned(),
        };
        let email = self.profile(tenant, &account.row).await?.map(|profile| profile.email);
        let uri = secret.uri(&issuer, &email.unwrap_or_default());
        Ok(Enrolment { secret: secret.text(), uri })
    }

    /// Turns the second factor on with a first code, and makes recovery codes.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong code, or where nothing was begun.
    pub(crate) async fn confirm_totp(
        &self,
        actor: &Actor,
        code: &str,
        request: Request,
    ) -> Result<Shown, Failure> {
        let Account { tenant, user, .. } = self.own_account(actor).await?;
        let stream = user.to_string();
        let state = self.store.load::<User>(tenant, &stream).await?.state;
        let sealed = state.factor.begun().ok_or_else(not_begun)?;
        let step = match Code::read(code) {
            Some(Code::Totp(code)) => self.step_of(tenant, sealed, code).await?,
            Some(Code::Recovery(_)) | None => None,
        };
        let step = step.ok_or_else(wrong_code)?;
        let (shown, hashes) = self.new_recovery_codes(user);
        self.store
            .execute::<User, Failure>(tenant, &stream, &metadata(actor, request), |state, _| {
                Ok(state.factor.confirm(user, sealed, step, hashes.clone())?)
            })
            .await?;
        Ok(shown)
    }

    /// Gives the actor new recovery codes in the place of those before.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong password or code; `RATE_LIMITED`.
    pub(crate) async fn renew_recovery_codes(
        &self,
        actor: &Actor,
        password: &str,
        code: &str,
        request: Request,
    ) -> Result<Shown, Failure> {
        let user = actor.user_id().ok_or_else(ApiError::unauthenticated)?;
        let (shown, recovery_codes) = self.new_recovery_codes(user);
        let renewed = RecoveryCodesRenewed { user, recovery_codes };
        self.change_factor(actor, password, code, renewed.into(), request).await?;
        Ok(shown)
    }

    /// Takes the actor's second factor away.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong password or code; `RATE_LIMITED`.
    pub(crate) async fn remove_totp(
        &self,
        actor: &Actor,
        password: &str,
        code: &str,
        request: Request,
    ) -> Result<(), Failure> {
        let user = actor.user_id().ok_or_else(ApiError::unauthenticated)?;
        self.change_factor(actor, password, code, TotpRemoved { user }.into(), request).await
    }

    /// Changes the second factor, which takes the password and a code.
    async fn change_factor(
        &self,
        actor: &Actor,
        password: &str,
        code: &str,
        change: UserEvent,
        request: Request,
    ) -> Result<(), Failure> {
        let account = self.own_account(actor).await?;
        let tried = self.prove(&account, "password", password).await?;
        let Account { tenant, user, .. } = account;
        let stream = user.to_string();
        let state = self.store.load::<User>(tenant, &stream).await?.state;
        if state.factor.secret().is_none() {
            self.backoff.was_right(tried).await;
            return Err(no_factor("code").into());
        }
        let proof = self.proof(tenant, user, &state.factor, code).await?.ok_or_else(wrong_code)?;
        self.store
            .execute::<User, Failure>(tenant, &stream, &metadata(actor, request), |state, _| {
                let used = state.factor.use_up(user, &proof).ok_or_else(wrong_code)?;
                Ok(vec![used, change.clone()])
            })
            .await?;
        self.backoff.was_right(tried).await;
        Ok(())
    }

    /// Completes a sign-in with a code of the second factor.
    ///
    /// # Errors
    /// [`Failure::Input`] for a challenge that is over and for a code that is wrong or was used before;
    /// `RATE_LIMITED` after repeated failures, together with those of the password.
    pub(crate) async fn complete_log_in(
        &self,
        challenge: &str,
        code: &str,
        request: Request,
    ) -> Result<SignedIn, Failure> {
        let challenge = self.challenges.read(challenge).ok_or_else(challenge_over)?;
        let (tenant, user) = (challenge.tenant, challenge.user);
        let row = users::find(&self.store, tenant, user).await?.ok_or_else(challenge_over)?;
        let (Some(address), Some(password)) = (row.email_hash.clone(), row.password.as_deref())
        else {
            return Err(challenge_over().into());
        };
        if !challenge.holds(password, self.env.now()) {
            return Err(challenge_over().into());
        }
        let tried = self.backoff.begin(address).await?;
        let actor = Actor::user(tenant, user, challenge.session, read_roles(&row.roles));
        self.use_code(tried, actor, &challenge, code, request).await
    }

    async fn use_code(
        &self,
        tried: Try<'_>,
        actor: Actor,
        challenge: &Challenge,
        code: &str,
        request: Request,
    ) -> Result<SignedIn, Failure> {
        let session = challenge.session;
        let tenant = actor.tenant;
        let user = actor.user_id().ok_or_else(ApiError::unauthenticated)?;
        let methods = match challenge.first {
            FirstFactor::Password => vec![AuthnMethod::Pwd, AuthnMethod::Otp],
            FirstFactor::Provider => vec![AuthnMethod::Otp],
        };
        let begun = self.begin_session(actor, methods, None)?;
        let metadata = metadata(&begun.actor, request);
        let mut again = true;
        loop {
            let stream = user.to_string();
            let person = self.store.load::<User>(tenant, &stream).await?;
            let factor = &person.state.factor;
            // Taken away meanwhile, or the challenge was answered before.
            let started = self.store.load::<Session>(tenant, &session.to_string()).await?.state;
            if factor.secret().is_none() || started.user.is_some() {
                return Err(challenge_over().into());
            }
            let proof = self.proof(tenant, user, factor, code).await?;
            let Some(used) = proof.and_then(|proof| factor.use_up(user, &proof)) else {
                self.note_in_vain(tenant, user, "code", request);
                return Err(wrong_code().into());
            };
            let expected = Expected::Version(person.version);
            let used = StreamAppend::of::<User>(stream, expected, vec![used])?;
            let streams = vec![used, begun.stream.clone()];
            match self.store.append(Append::new(tenant, metadata.clone(), streams)).await {
                // Another answer was faster: what it used up, this one cannot.
                Err(AppendError::Conflict { .. }) if std::mem::take(&mut again) => {}
                Err(error) => return Err(error.into()),
                Ok(_) => break,
            }
        }
        self.backoff.was_right(tried).await;
        self.session_begun(begun)
    }

    /// What the code is worth: `None` where it is no right one.
    async fn proof(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        factor: &SecondFactor,
        code: &str,
    ) -> Result<Option<Proof>, Failure> {
        let Some(secret) = factor.secret() else { return Ok(None) };
        Ok(match Code::read(code) {
            Some(Code::Totp(code)) => self
                .step_of(tenant, secret, code)
                .await?
                .map(|step| Proof::Totp { secret: secret.clone(), step }),
            Some(Code::Recovery(code)) => {
                Some(Proof::Recovery { code: self.recovery_codes.hash(user, &code) })
            }
            None => None,
        })
    }

    async fn step_of(
        &self,
        tenant: TenantId,
        sealed: &SealedValue,
        code: u32,
    ) -> Result<Option<u64>, Failure> {
        // Nothing once the person was erased.
        let Some(bytes) = self.people.open(tenant, sealed).await? else { return Ok(None) };
        let secret = TotpSecret::from_bytes(&bytes)
            .ok_or_else(|| PersonalError::Shape("a second factor".to_owned()))?;
        Ok(secret.step_of(code, self.env.now()))
    }

    fn new_recovery_codes(&self, user: Id<kind::User>) -> (Shown, Vec<String>) {
        let shown = self.recovery_codes.make();
        let hash = |code: &Zeroizing<String>| self.recovery_codes.hash(user, code.deref());
        let hashes = shown.iter().map(hash).collect();
        (Shown(shown), hashes)
    }
}

fn wrong_code() -> Fault {
    Fault::new(
        "INVALID_CODE",
        "code",
        "That code is not right, or was used before: take the next one that the app shows, or a recovery \
         code that you have not used.",
    )
}

fn challenge_over() -> Fault {
    Fault::new(
        "INVALID_CHALLENGE",
        "challenge",
        "That sign-in took too long, or was completed before: begin again with your password.",
    )
}
