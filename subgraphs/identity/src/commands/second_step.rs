//! The second step of a sign-in: a code or a passkey after the password or a provider's word. A passkey alone takes the same way.

use studio_events::{Append, AppendError, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, AuthnMethod, Id, Principal, TenantId, kind};
use studio_service::ApiError;

use super::{
    Core, Failure, Given, Request, SignedIn,
    factor::{proof_missing, used_up},
    sign_in::Begun,
};
use crate::{
    backoff::Try,
    domain::{
        factor::{Proof, SecondFactor},
        input::Fault,
        session::Session,
        user::User,
    },
    projections::users,
    tokens::{Challenges, FirstFactor},
};

impl Core {
    /// Completes a sign-in with a code or a passkey.
    ///
    /// # Errors
    /// [`Failure::Input`] for a challenge that is over and for what is wrong or was used before;
    /// `RATE_LIMITED` after repeated failures, together with those of the password.
    pub(crate) async fn complete_log_in(
        &self,
        written: &str,
        given: Option<&Given>,
        request: Request,
    ) -> Result<SignedIn, Failure> {
        let challenge = self.challenges.read(written).ok_or_else(challenge_over)?;
        let (tenant, user) = (challenge.tenant, challenge.user);
        let row = users::find(&self.store, tenant, user).await?.ok_or_else(challenge_over)?;
        let (Some(address), Some(password)) = (row.email_hash.clone(), row.password.as_deref())
        else {
            return Err(challenge_over().into());
        };
        if !challenge.holds(password, self.env.now()) {
            return Err(challenge_over().into());
        }
        let given = given.ok_or_else(proof_missing)?;
        let tried = self.backoff.begin(address).await?;
        let roles = users::held(&row)?.at(self.env.now());
        let actor = Actor::user(tenant, user, challenge.session, roles);
        let first = match challenge.first {
            FirstFactor::Password => vec![AuthnMethod::Pwd],
            FirstFactor::Provider => Vec::new(),
        };
        let second = match given {
            Given::Code(_) => vec![AuthnMethod::Otp],
            Given::Passkey(_) => vec![AuthnMethod::Pop, AuthnMethod::Mfa],
        };
        let begun = self.begin_session(actor, [first, second].concat(), None)?;
        let signed = Challenges::to_sign(written).ok_or_else(challenge_over)?;
        self.show(Some(tried), begun, given, &signed, request).await
    }

    /// Begins a session with what is shown of a second factor, or with a passkey alone.
    pub(super) async fn show(
        &self,
        tried: Option<Try<'_>>,
        begun: Begun,
        given: &Given,
        challenge: &[u8],
        request: Request,
    ) -> Result<SignedIn, Failure> {
        let tenant = begun.actor.tenant;
        let Principal::User { user, session } = begun.actor.principal else {
            return Err(ApiError::unauthenticated().into());
        };
        let metadata = request.on_sign_in(Metadata::by(&begun.actor));
        let mut again = true;
        loop {
            let stream = user.to_string();
            let person = self.store.load::<User>(tenant, &stream).await?;
            let factor = &person.state.factor;
            // Taken away meanwhile, or the challenge was answered before, or the person is suspended.
            let started = self.store.load::<Session>(tenant, &session.to_string()).await?.state;
            if !factor.is_on() || started.user.is_some() || !person.state.may_sign_in() {
                return Err(challenge_over().into());
            }
            let proof = self.proof(tenant, user, factor, given, Some(challenge)).await;
            let proof = proof.inspect_err(|_| self.note_wrong(tenant, user, given, &request))?;
            self.refuse_copy(tenant, user, factor, &proof, &request).await?;
            let Some(used) = factor.use_up(user, &proof) else {
                self.note_wrong(tenant, user, given, &request);
                return Err(used_up(&proof).into());
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
        if let Some(tried) = tried {
            self.backoff.was_right(tried).await;
        }
        self.session_begun(begun)
    }

    fn note_wrong(&self, tenant: TenantId, user: Id<kind::User>, given: &Given, request: &Request) {
        let with = match given {
            Given::Code(_) => "code",
            Given::Passkey(_) => "passkey",
        };
        self.note_in_vain(tenant, user, with, request);
    }

    /// Refuses the signature of a passkey of which there is a copy, and records that.
    pub(super) async fn refuse_copy(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        factor: &SecondFactor,
        proof: &Proof,
        request: &Request,
    ) -> Result<(), Failure> {
        if factor.copied(user, proof).is_none() {
            return Ok(());
        }
        self.note_in_vain(tenant, user, "copy_of_a_passkey", request);
        tracing::warn!(%user, "a passkey was shown with a counter that had been used up");
        // Whoever showed it is not known to be the person.
        let metadata = request.on(Metadata::system("identity.sign_in"));
        self.store
            .execute::<User, Failure>(tenant, &user.to_string(), &metadata, |state, _| {
                Ok(state.factor.copied(user, proof).into_iter().collect())
            })
            .await?;
        Err(Fault::new(
            "PASSKEY_COPIED",
            "passkey",
            "There seems to be a copy of this passkey: its counter did not go up. Sign in another way, \
             remove it, and add a new one.",
        )
        .into())
    }
}

fn challenge_over() -> Fault {
    Fault::new(
        "INVALID_CHALLENGE",
        "challenge",
        "That sign-in took too long, or was completed before: begin again.",
    )
}
