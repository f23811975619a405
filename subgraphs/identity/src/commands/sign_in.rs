//! How somebody becomes an actor: a password, or a refresh token. (By a passkey: `passkey`.)

use std::collections::BTreeMap;

use studio_events::{Append, Expected, Metadata, StreamAppend};
use studio_kernel::{
    Actor, Authn, AuthnMethod, Code, Id, Principal, Role, TenantId, Timestamp, kind,
    published::audit::AuditTarget,
};
use studio_service::{ApiError, notices::Notice};
use zeroize::Zeroizing;

use super::{Core, Failure, Request};
use crate::{
    backoff::Refused,
    domain::{
        input::Fault,
        session::{EndReason, Presented, Session, SessionOver, SessionStarted},
        user::User,
    },
    personal::{PersonalError, sealed_from_row},
    projections::{read_id, sessions, users},
    tokens::{AccessToken, Challenge, RefreshToken},
};

/// What a right password leads to.
pub(crate) enum LoggedIn {
    /// A session.
    SignedIn(Box<SignedIn>),
    /// A second factor is asked for.
    Challenged {
        /// What a code or a passkey answers.
        challenge: Zeroizing<String>,
        /// What to ask a browser for, where there is a passkey.
        passkey_options: Option<String>,
    },
}

/// Somebody who is signed in now.
pub(crate) struct SignedIn {
    /// Who it is.
    pub actor: Actor,
    /// Proves it for some minutes.
    pub access: AccessToken,
    /// Gets the next access token, once.
    pub refresh: Zeroizing<String>,
}

/// A session that is about to be recorded.
pub(super) struct Begun {
    /// Whose it is, signed in.
    pub(super) actor: Actor,
    /// What records it.
    pub(super) stream: StreamAppend,
    session: Id<kind::Session>,
    refresh: RefreshToken,
    expires_at: Timestamp,
}

impl Core {
    /// Signs in with a password, or asks for the second factor. Unknown addresses and wrong passwords
    /// take the same work and get the same answer, which says nothing of a second factor.
    ///
    /// # Errors
    /// [`Failure::Input`] where the two do not belong together; `RATE_LIMITED` after repeated
    /// failures, at whichever replicas.
    pub(crate) async fn log_in(
        &self,
        email: &str,
        password: &str,
        request: Request,
    ) -> Result<LoggedIn, Failure> {
        let account = self.people.email_hash(email);
        self.backoff.admits(request.origin()).await?;
        let tried = self.backoff.begin(account.clone()).await?;
        let row = users::by_email(&self.store, &account).await?;
        let known = match &row {
            Some(row) => self.password_hash(row).await?,
            None => None,
        };
        let right = self.passwords.verify(password, known).await?;
        if !right {
            self.backoff.was_wrong(request.origin()).await?;
        }
        let row = match row {
            Some(row) if right => row,
            Some(row) => {
                self.note_in_vain(read_id(&row.tenant)?, read_id(&row.id)?, "password", &request);
                return Err(wrong_credentials().into());
            }
            None => {
                tracing::info!("a sign-in failed: nobody has that address");
                studio_service::error::count_anonymous_refusal();
                return Err(wrong_credentials().into());
            }
        };
        let (tenant, user) = (read_id(&row.tenant)?, read_id(&row.id)?);
        let person = self.store.load::<User>(tenant, &row.id).await?.state;
        if !person.may_sign_in() {
            // In the words of a wrong password: whether it was right is not told.
            self.note_in_vain(tenant, user, "password", &request);
            return Err(wrong_credentials().into());
        }
        if person.factor.is_on() {
            // The try goes on counting until a code is right as well: the password alone must not give
            // whoever knows it new tries at the codes.
            let session = self.env.id();
            let password = row.password.as_deref().unwrap_or_default();
            let challenge = Challenge::new(tenant, user, session, password, self.env.now());
            let challenge = self.challenges.write(&challenge);
            let passkey_options = self.second_step_options(&person.factor, &challenge);
            return Ok(LoggedIn::Challenged { challenge, passkey_options });
        }
        self.backoff.was_right(tried).await;
        let roles = users::held(&row)?.at(self.env.now());
        self.start_session(tenant, user, roles, request).await.map(Box::new).map(LoggedIn::SignedIn)
    }

    /// Notes a try at an account that was in vain. Recorded later by somebody else: how long it takes
    /// to answer says nothing of whether there is such an account.
    pub(super) fn note_in_vain(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        with: &str,
        request: &Request,
    ) {
        tracing::info!(%user, with, "a sign-in failed");
        let nobody = request.by(Actor::system(tenant, "identity.sign_in"));
        let target = AuditTarget { kind: "identity.user".to_owned(), id: user.to_string() };
        let about = BTreeMap::from([
            ("user".to_owned(), user.to_string()),
            ("with".to_owned(), with.to_owned()),
        ]);
        // What overflows was warned of.
        let _noted_or_not = self.notices.note(&nobody, Notice::SignInFailed, target, about);
    }

    /// The hash of the person's password; `None` once they were erased.
    pub(super) async fn password_hash(
        &self,
        row: &users::Row,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        let Some(sealed) = &row.password else { return Ok(None) };
        let tenant = read_id(&row.tenant)?;
        let opened = self.people.open(tenant, &sealed_from_row(sealed)?).await?;
        opened
            .map(|bytes| {
                let text = std::str::from_utf8(&bytes)
                    .map_err(|_| PersonalError::Shape(row.id.clone()))?;
                Ok(Zeroizing::new(text.to_owned()))
            })
            .transpose()
    }

    /// Starts a session for a person who has shown the password.
    pub(super) async fn start_session(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        roles: Vec<Role>,
        request: Request,
    ) -> Result<SignedIn, Failure> {
        let actor = Actor::user(tenant, user, self.env.id(), roles);
        let begun = self.begin_session(actor, vec![AuthnMethod::Pwd], None)?;
        let metadata = request.on_sign_in(Metadata::by(&begun.actor));
        self.store.append(Append::new(tenant, metadata, vec![begun.stream.clone()])).await?;
        self.session_begun(begun)
    }

    /// A session of the actor, to be recorded; a `provider` may have vouched for them.
    pub(super) fn begin_session(
        &self,
        actor: Actor,
        methods: Vec<AuthnMethod>,
        provider: Option<String>,
    ) -> Result<Begun, Failure> {
        let Principal::User { user, session } = actor.principal else {
            return Err(ApiError::unauthenticated().into());
        };
        self.lets_in(actor.tenant)?;
        let now = self.env.now();
        let refresh = self.refresh_tokens.make(actor.tenant, session, 0);
        let expires_at = now.plus_seconds(self.session_seconds);
        let authn = Some(Authn::new(now, methods));
        let token_hash = refresh.hash();
        let began = authn.clone();
        let started =
            SessionStarted { session, user, token_hash, expires_at, authn: began, provider };
        let stream = StreamAppend::of::<Session>(
            session.to_string(),
            Expected::NoStream,
            vec![started.into()],
        )?;
        Ok(Begun { actor: actor.signed_in(authn), session, refresh, expires_at, stream })
    }

    /// The tokens of a session that was recorded.
    pub(super) fn session_begun(&self, begun: Begun) -> Result<SignedIn, Failure> {
        self.sessions.live(begun.session, begun.expires_at, self.env.now());
        self.signed_in(begun.actor, &begun.refresh)
    }

    /// Replaces a refresh token. One that comes a second time ends its session: somebody holds a
    /// copy, and it is not known who.
    ///
    /// # Errors
    /// [`Failure::Input`] for a token that does not work, with one answer for every cause.
    pub(crate) async fn refresh(&self, token: &str, request: Request) -> Result<SignedIn, Failure> {
        let presented = self.refresh_tokens.read(token).ok_or_else(invalid_refresh_token)?;
        let RefreshToken { tenant, number, .. } = presented;
        let session: Id<kind::Session> = presented.of();
        let hash = presented.hash();
        let next = self.refresh_tokens.make(tenant, session, number.saturating_add(1));
        let expires_at = self.env.now().plus_seconds(self.session_seconds);
        let row = sessions::find(&self.store, tenant, session).await?;
        let user = read_id(&row.ok_or_else(invalid_refresh_token)?.user)?;
        let metadata = Metadata::system("identity.refresh").of_person(user);
        let metadata = request.on_sign_in(metadata);
        let executed = self
            .store
            .execute::<Session, Failure>(tenant, &session.to_string(), &metadata, |state, _| {
                let presented = Presented { number, token_hash: &hash };
                state
                    .refresh(session, presented, next.hash(), self.env.now(), expires_at)
                    .map_err(|SessionOver| invalid_refresh_token().into())
            })
            .await?;
        if executed.state.ended.is_some() {
            self.sessions.ended(session, self.env.now());
            tracing::warn!(%session, "a refresh token was used twice: its session was ended");
            return Err(invalid_refresh_token().into());
        }
        let user = executed.state.user.ok_or_else(invalid_refresh_token)?;
        let row = users::find(&self.store, tenant, user).await?;
        let Some(row) = row.filter(|row| row.erased_at.is_none()) else {
            self.end_session(tenant, session, EndReason::UserErased, &metadata).await?;
            return Err(invalid_refresh_token().into());
        };
        self.lets_in(tenant)?;
        if row.suspended_at.is_some() {
            self.end_session(tenant, session, EndReason::UserSuspended, &metadata).await?;
            return Err(invalid_refresh_token().into());
        }
        self.sessions.live(session, expires_at, self.env.now());
        // The roles as they are now: a change reaches a session with its next access token.
        let roles = users::held(&row)?.at(self.env.now());
        let actor = Actor::user(tenant, user, session, roles).signed_in(executed.state.authn);
        self.signed_in(actor, &next)
    }

    pub(super) fn signed_in(
        &self,
        actor: Actor,
        refresh: &RefreshToken,
    ) -> Result<SignedIn, Failure> {
        let access = self.issuer.issue(&actor)?;
        Ok(SignedIn { actor, access, refresh: self.refresh_tokens.write(refresh) })
    }
}

fn wrong_credentials() -> Fault {
    Fault::new(
        "INVALID_CREDENTIALS",
        "password",
        "That e-mail address and password do not belong together. Check both and try again.",
    )
}

fn invalid_refresh_token() -> Fault {
    Fault::new(
        "INVALID_REFRESH_TOKEN",
        "refreshToken",
        "That refresh token does not work (any more): sign in again.",
    )
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self::Api(match refused {
            Refused::TooMany(wait) => {
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                let message = format!(
                    "Too many wrong tries for that account: try again in {seconds} seconds."
                );
                ApiError::new(Code::RateLimited, message)
            }
            Refused::TooManyFromThere(wait) => {
                let message = format!(
                    "Too many wrong passwords came from your network: try again in {} seconds.",
                    wait.as_secs()
                );
                ApiError::new(Code::RateLimited, message)
            }
            Refused::Limits(error) => ApiError::internal(error),
        })
    }
}
