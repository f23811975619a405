//! Passkeys: how one is added and removed, and how somebody signs in with one, with or without a password.

use studio_events::{AppendError, ExecuteError};
use studio_kernel::{Actor, AuthnMethod, Id, TenantId, kind};
use studio_service::ApiError;
use zeroize::Zeroizing;

use super::{Core, Failure, Given, Request, Shown, SignedIn, account::Account, users::metadata};
use crate::{
    domain::{
        factor::{SecondFactor, no_factor},
        input::{self, Fault},
        passkey::{Answer, Begun, PasskeyAdded, PasskeyRemoved, no_passkey_begun},
        user::User,
    },
    personal::{KeptPasskey, PersonalError},
    projections::{passkeys, read_id, users},
    tokens::{Challenges, PASSKEY_SECONDS, sha256},
    webauthn::{
        Asked, Assertion, Person, PublicKey, Refused, Registration, RelyingParty, creation_options,
        request_options,
    },
};

/// A passkey that was added.
pub(crate) struct AddedPasskey {
    /// Which.
    pub id: Id<kind::Passkey>,
    /// The recovery codes, where there were none before.
    pub codes: Option<Shown>,
}

impl Core {
    /// Asks for a new passkey of the actor: the options for their browser. Nothing is asked for at a sign-in
    /// before it is confirmed.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong password, where nothing is shown of a second factor that there is,
    /// and where there are as many as there may be; `RATE_LIMITED`.
    pub(crate) async fn begin_passkey(
        &self,
        actor: &Actor,
        password: &str,
        given: Option<&Given>,
        request: Request,
    ) -> Result<String, Failure> {
        let Account { tenant, user, row, .. } = self.own_account(actor).await?;
        let party = self.relying_party("password")?;
        let challenge = self.env.bytes::<32>();
        let until = self.env.now().plus_seconds(PASSKEY_SECONDS);
        let begun = Begun { challenge: sha256(&challenge), until };
        let executed = self
            .change_factor(actor, password, given, request, |factor| {
                Ok(vec![factor.passkeys.begin(user, begun.clone(), "password")?])
            })
            .await?;
        let mut has = Vec::new();
        for passkey in executed.state.factor.passkeys.all() {
            if let Some(kept) = self.people.open_passkey(tenant, &passkey.credential).await? {
                has.push((kept.credential, kept.transports));
            }
        }
        let profile = self.profile(tenant, &row).await?.ok_or_else(ApiError::unauthenticated)?;
        let handle = handle(tenant, user);
        let person = Person { handle: &handle, email: &profile.email, name: &profile.name };
        let asked = Asked { challenge: &challenge, seconds: PASSKEY_SECONDS };
        Ok(creation_options(party, person, asked, &has).to_string())
    }

    /// Adds a passkey that answers what was asked for, and makes recovery codes where there are none.
    ///
    /// # Errors
    /// [`Failure::Input`] where nothing was begun, and for an answer or a name that is not right.
    pub(crate) async fn confirm_passkey(
        &self,
        actor: &Actor,
        answer: &str,
        name: &str,
        request: Request,
    ) -> Result<AddedPasskey, Failure> {
        let Account { tenant, user, .. } = self.own_account(actor).await?;
        let party = self.relying_party("passkey")?;
        let name = input::name("name", name)?;
        let stream = user.to_string();
        let state = self.store.load::<User>(tenant, &stream).await?.state;
        let begun = state.factor.passkeys.begun().ok_or_else(no_passkey_begun)?;
        let registration = Registration::read(answer).map_err(refused)?;
        let challenge = registration.challenge().map_err(refused)?;
        if sha256(&challenge) != begun.challenge || begun.until <= self.env.now() {
            return Err(no_passkey_begun().into());
        }
        let new = registration.check(party, &challenge).map_err(refused)?;
        let hash = self.people.credential_hash(&new.id);
        if passkeys::by_credential(&self.store, &hash).await?.is_some() {
            return Err(taken().into());
        }
        let kept =
            KeptPasskey { name, credential: new.id, key: new.key, transports: new.transports };
        let credential = self.people.seal_passkey(tenant, user, &kept).await?;
        let (shown, hashes) = self.new_recovery_codes(user);
        let passkey = self.env.id();
        let executed = self
            .store
            .execute::<User, Failure>(tenant, &stream, &metadata(actor, &request), |state, _| {
                let added = PasskeyAdded {
                    user,
                    passkey,
                    credential: credential.clone(),
                    sign_count: new.sign_count,
                    recovery_codes: state.factor.recovery_codes_or(&hashes),
                };
                Ok(state.factor.passkeys.add(begun, added)?)
            })
            .await;
        let executed = match executed {
            // The unique index holds it against two that come at once.
            Err(ExecuteError::Append(AppendError::Projection { .. }))
                if passkeys::by_credential(&self.store, &hash).await?.is_some() =>
            {
                return Err(taken().into());
            }
            other => other?,
        };
        let codes = executed.state.factor.has_recovery_codes(&hashes).then_some(shown);
        Ok(AddedPasskey { id: passkey, codes })
    }

    /// Takes a passkey of the actor away.
    ///
    /// # Errors
    /// [`Failure::Input`] for a wrong password, code or passkey, and where there is no such passkey;
    /// `RATE_LIMITED`.
    pub(crate) async fn remove_passkey(
        &self,
        actor: &Actor,
        passkey: Id<kind::Passkey>,
        password: &str,
        given: Option<&Given>,
        request: Request,
    ) -> Result<(), Failure> {
        let user = actor.user_id().ok_or_else(ApiError::unauthenticated)?;
        self.change_factor(actor, password, given, request, |factor| {
            if !factor.is_on() {
                return Err(no_factor("passkeyId"));
            }
            match factor.passkeys.get(passkey) {
                Some(_) => Ok(vec![PasskeyRemoved { user, passkey }.into()]),
                None => Err(Fault::new(
                    "NO_SUCH_PASSKEY",
                    "passkeyId",
                    "You have no such passkey (any more): me { passkeys } lists yours.",
                )),
            }
        })
        .await?;
        Ok(())
    }

    /// Asks for an answer of any passkey: the options for a browser.
    ///
    /// # Errors
    /// Where there are no passkeys at this address.
    pub(crate) fn begin_passkey_log_in(&self) -> Result<String, Failure> {
        let challenge = self.passkey_challenges.make();
        let asked = Asked { challenge: &challenge, seconds: PASSKEY_SECONDS };
        Ok(request_options(self.relying_party("passkey")?, asked).to_string())
    }

    /// Signs in with a passkey alone.
    ///
    /// # Errors
    /// [`Failure::Input`] for an answer that is not right.
    pub(crate) async fn complete_passkey_log_in(
        &self,
        answer: &str,
        request: Request,
    ) -> Result<SignedIn, Failure> {
        self.relying_party("passkey")?;
        let assertion = Assertion::read(answer).map_err(refused)?;
        let signed = assertion.challenge().map_err(refused)?;
        let challenge = self.passkey_challenges.read(&signed).ok_or_else(too_late)?;
        let hash = self.people.credential_hash(&assertion.credential);
        let Some(row) = passkeys::by_credential(&self.store, &hash).await? else {
            tracing::info!("a sign-in failed: nobody has that passkey");
            studio_service::error::count_anonymous_refusal();
            return Err(unknown().into());
        };
        let (tenant, user) = (read_id(&row.tenant)?, read_id(&row.user)?);
        // Whoever was not named must be named by the passkey (section 7.2, step 6).
        if assertion.user_handle.as_deref() != Some(&handle(tenant, user)[..]) {
            return Err(unknown().into());
        }
        let person = users::find(&self.store, tenant, user).await?;
        let there = |row: &users::Row| row.erased_at.is_none() && row.suspended_at.is_none();
        let person = person.filter(there).ok_or_else(unknown)?;
        let session = self.passkey_challenges.session(challenge, tenant, user);
        let roles = users::held(&person)?.at(self.env.now());
        let actor = Actor::user(tenant, user, session, roles);
        let begun = self.begin_session(actor, vec![AuthnMethod::Pop, AuthnMethod::Mfa], None)?;
        let given = Given::Passkey(Zeroizing::new(answer.to_owned()));
        self.show(None, begun, &given, &signed, request).await
    }

    /// What to ask a browser for in the second step of a sign-in; `None` for who has no passkey.
    pub(super) fn second_step_options(
        &self,
        factor: &SecondFactor,
        challenge: &str,
    ) -> Option<String> {
        let party = self.relying_party.as_ref().filter(|_| !factor.passkeys.all().is_empty())?;
        let challenge = Challenges::to_sign(challenge)?;
        let asked = Asked { challenge: &challenge, seconds: PASSKEY_SECONDS };
        Some(request_options(party, asked).to_string())
    }

    /// What a passkey of the person signed: the challenge, or any of ours where there is none.
    pub(super) async fn passkey_answer(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        factor: &SecondFactor,
        answer: &str,
        challenge: Option<&[u8]>,
    ) -> Result<Answer, Failure> {
        let party = self.relying_party("passkey")?;
        let assertion = Assertion::read(answer).map_err(refused)?;
        let challenge = match challenge {
            Some(challenge) => challenge.to_vec(),
            None => {
                let signed = assertion.challenge().map_err(refused)?;
                self.passkey_challenges.read(&signed).ok_or_else(too_late)?;
                signed
            }
        };
        let hash = self.people.credential_hash(&assertion.credential);
        let row = passkeys::by_credential(&self.store, &hash).await?;
        let theirs =
            |row: &passkeys::Row| row.tenant == tenant.to_string() && row.user == user.to_string();
        let row = row.filter(theirs).ok_or_else(unknown)?;
        let told = assertion.user_handle.as_deref();
        if told.is_some_and(|told| told != handle(tenant, user)) {
            return Err(unknown().into());
        }
        let passkey = read_id(&row.id)?;
        let sealed = &factor.passkeys.get(passkey).ok_or_else(unknown)?.credential;
        let kept = self.people.open_passkey(tenant, sealed).await?.ok_or_else(unknown)?;
        let key = PublicKey::read(&kept.key).map_err(|_| PersonalError::Shape(row.id.clone()))?;
        let sign_count = assertion.check(party, &key, &challenge).map_err(refused)?;
        Ok(Answer { passkey, sign_count, challenge: sha256(&challenge) })
    }

    fn relying_party(&self, field: &'static str) -> Result<&RelyingParty, Fault> {
        self.relying_party.as_ref().ok_or_else(|| {
            Fault::new(
                "PASSKEYS_UNAVAILABLE",
                field,
                "Browsers make passkeys for servers with a name and https:// alone: whoever runs this \
                 server sets public_url to such an address.",
            )
        })
    }
}

/// What a passkey says of whose it is: nothing personal, and told apart over all organizations.
fn handle(tenant: TenantId, user: Id<kind::User>) -> [u8; 32] {
    let mut handle = [0; 32];
    handle[..16].copy_from_slice(tenant.uuid().as_bytes());
    handle[16..].copy_from_slice(user.uuid().as_bytes());
    handle
}

fn refused(why: Refused) -> Fault {
    tracing::info!(%why, "the answer of a passkey was refused");
    Fault::new("INVALID_PASSKEY", "passkey", format!("That passkey was not accepted: {why}."))
}

fn unknown() -> Fault {
    Fault::new(
        "UNKNOWN_PASSKEY",
        "passkey",
        "This server does not know that passkey (any more): sign in another way, and add it anew.",
    )
}

fn too_late() -> Fault {
    Fault::new(
        "INVALID_PASSKEY",
        "passkey",
        "That took too long, or answers what this server did not ask: begin again.",
    )
}

fn taken() -> Fault {
    Fault::new("PASSKEY_TAKEN", "passkey", "This passkey is known already: use another.")
}
