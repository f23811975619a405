//! The second factor: how it is turned on and taken away, and what is shown of it is worth. Passkeys are
//! added and removed in `passkey`; sign-ins are completed in `second_step`.

use std::ops::Deref;

use studio_events::Executed;
use studio_kernel::{Actor, Id, TenantId, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Request, account::Account, users::metadata};
use crate::{
    codes::{Code, TotpSecret},
    domain::{
        SealedValue,
        factor::{Proof, RecoveryCodesRenewed, SecondFactor, TotpRemoved, no_factor, not_begun},
        input::Fault,
        user::{User, UserEvent},
    },
    personal::PersonalError,
    projections::organizations,
};

/// What somebody shows of their second factor.
pub(crate) enum Given {
    /// A code, as it was typed.
    Code(Zeroizing<String>),
    /// The answer of a passkey, as JSON.
    Passkey(Zeroizing<String>),
}

impl Given {
    /// What was given of the two; `None` for neither.
    ///
    /// # Errors
    /// For both.
    pub(crate) fn of(
        code: Option<String>,
        passkey: Option<String>,
    ) -> Result<Option<Self>, Failure> {
        let (code, passkey) = (code.map(Zeroizing::new), passkey.map(Zeroizing::new));
        match (code, passkey) {
            (None, None) => Ok(None),
            (Some(code), None) => Ok(Some(Self::Code(code))),
            (None, Some(passkey)) => Ok(Some(Self::Passkey(passkey))),
            (Some(_), Some(_)) => {
                let message = "Give a code or the answer of a passkey, not both.";
                Err(Fault::new("TWO_PROOFS", "passkey", message).into())
            }
        }
    }
}

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
    /// [`Failure::Input`] for a wrong password, where there is an app, or where nothing is shown of
    /// another second factor; `RATE_LIMITED`.
    pub(crate) async fn begin_totp(
        &self,
        actor: &Actor,
        password: &str,
        given: Option<&Given>,
        request: Request,
    ) -> Result<Enrolment, Failure> {
        let Account { tenant, user, row, .. } = self.own_account(actor).await?;
        let secret = TotpSecret::random(&self.env);
        let sealed = self.people.seal(tenant, user, secret.bytes()).await?;
        self.change_factor(actor, password, given, request, |factor| {
            factor.begin(user, sealed.clone(), "password")
        })
        .await?;
        let organization = organizations::find(&self.store, tenant).await?.map(|row| row.name);
        let issuer = match organization {
            Some(name) => format!("Studio ({name})"),
            None => "Studio".to_owned(),
        };
        let email = self.profile(tenant, &row).await?.map(|profile| profile.email);
        let uri = secret.uri(&issuer, &email.unwrap_or_default());
        Ok(Enrolment { secret: secret.text(), uri })
    }

    /// Turns the app on with a first code, and makes recovery codes where there are none.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong code, or where nothing was begun.
    pub(crate) async fn confirm_totp(
        &self,
        actor: &Actor,
        code: &str,
        request: Request,
    ) -> Result<Option<Shown>, Failure> {
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
        let executed = self
            .store
            .execute::<User, Failure>(tenant, &stream, &metadata(actor, &request), |state, _| {
                let codes = state.factor.recovery_codes_or(&hashes);
                Ok(state.factor.confirm(user, sealed, step, codes)?)
            })
            .await?;
        Ok(executed.state.factor.has_recovery_codes(&hashes).then_some(shown))
    }

    /// Gives the actor new recovery codes in the place of those before.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong password, code or passkey; `RATE_LIMITED`.
    pub(crate) async fn renew_recovery_codes(
        &self,
        actor: &Actor,
        password: &str,
        given: Option<&Given>,
        request: Request,
    ) -> Result<Shown, Failure> {
        let user = actor.user_id().ok_or_else(ApiError::unauthenticated)?;
        let (shown, recovery_codes) = self.new_recovery_codes(user);
        self.change_factor(actor, password, given, request, |factor| {
            if !factor.is_on() {
                return Err(no_factor("code"));
            }
            let recovery_codes = recovery_codes.clone();
            Ok(vec![RecoveryCodesRenewed { user, recovery_codes }.into()])
        })
        .await?;
        Ok(shown)
    }

    /// Takes the actor's app away.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong password, code or passkey; `RATE_LIMITED`.
    pub(crate) async fn remove_totp(
        &self,
        actor: &Actor,
        password: &str,
        given: Option<&Given>,
        request: Request,
    ) -> Result<(), Failure> {
        let user = actor.user_id().ok_or_else(ApiError::unauthenticated)?;
        self.change_factor(actor, password, given, request, |factor| match factor.secret() {
            Some(_) => Ok(vec![TotpRemoved { user }.into()]),
            None => Err(no_factor("code")),
        })
        .await?;
        Ok(())
    }

    /// Changes how the actor signs in, which takes the password, and a code or a passkey where there is a
    /// second factor.
    pub(super) async fn change_factor(
        &self,
        actor: &Actor,
        password: &str,
        given: Option<&Given>,
        request: Request,
        decide: impl Fn(&SecondFactor) -> Result<Vec<UserEvent>, Fault> + Send + Sync,
    ) -> Result<Executed<User>, Failure> {
        let account = self.own_account(actor).await?;
        let mut tried = Some(self.prove(&account, "password", password).await?);
        let Account { tenant, user, .. } = account;
        let stream = user.to_string();
        let state = self.store.load::<User>(tenant, &stream).await?.state;
        let is_on = state.factor.is_on();
        if !is_on && let Some(tried) = tried.take() {
            self.backoff.was_right(tried).await;
        }
        // What is not to be done anyway uses up no code.
        decide(&state.factor)?;
        let proof = match given {
            _ if !is_on => None,
            None => return Err(proof_missing().into()),
            Some(given) => {
                let proof = self.proof(tenant, user, &state.factor, given, None).await?;
                self.refuse_copy(tenant, user, &state.factor, &proof, &request).await?;
                Some(proof)
            }
        };
        let executed = self
            .store
            .execute::<User, Failure>(tenant, &stream, &metadata(actor, &request), |state, _| {
                let mut events = match &proof {
                    Some(proof) => {
                        vec![state.factor.use_up(user, proof).ok_or_else(|| used_up(proof))?]
                    }
                    // It was turned on meanwhile.
                    None if state.factor.is_on() => return Err(proof_missing().into()),
                    None => Vec::new(),
                };
                events.extend(decide(&state.factor)?);
                Ok(events)
            })
            .await?;
        if let Some(tried) = tried {
            self.backoff.was_right(tried).await;
        }
        Ok(executed)
    }

    /// What was shown, as far as secret, hash and signature say. A passkey answers the challenge, or any of
    /// ours where there is none.
    pub(super) async fn proof(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        factor: &SecondFactor,
        given: &Given,
        challenge: Option<&[u8]>,
    ) -> Result<Proof, Failure> {
        let typed = match given {
            Given::Code(code) => Code::read(code),
            Given::Passkey(answer) => {
                let answer = self.passkey_answer(tenant, user, factor, answer, challenge).await?;
                return Ok(Proof::Passkey(answer));
            }
        };
        let proof = match (typed, factor.secret()) {
            (Some(Code::Totp(code)), Some(secret)) => self
                .step_of(tenant, secret, code)
                .await?
                .map(|step| Proof::Totp { secret: secret.clone(), step }),
            (Some(Code::Recovery(code)), _) => {
                Some(Proof::Recovery { code: self.recovery_codes.hash(user, &code) })
            }
            (Some(Code::Totp(_)), None) | (None, _) => None,
        };
        Ok(proof.ok_or_else(wrong_code)?)
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

    pub(super) fn new_recovery_codes(&self, user: Id<kind::User>) -> (Shown, Vec<String>) {
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

/// It is right, and was used before.
pub(super) fn used_up(proof: &Proof) -> Fault {
    match proof {
        Proof::Totp { .. } | Proof::Recovery { .. } => wrong_code(),
        Proof::Passkey(_) => Fault::new(
            "INVALID_PASSKEY",
            "passkey",
            "That challenge was answered before: begin again, and answer the new one.",
        ),
    }
}

pub(super) fn proof_missing() -> Fault {
    Fault::new(
        "SECOND_FACTOR_NEEDED",
        "code",
        "You have a second factor: give a code of your app, a recovery code, or the answer of a passkey.",
    )
}
