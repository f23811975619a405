//! Access tokens and API keys as they are checked, in identity's own process and in others (`remote`).

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use crate::{
    domain::reach::{AboutScope, Reach},
    projections::api_keys::read_scopes,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use studio_events::EventFeed;
use studio_kernel::{
    ActionScope, Actor, Code, Env, Id, Principal, Timestamp, kind,
    published::identity::{OrganizationState, RolesHeld},
};
use tokio::sync::Notify;

use super::{
    KnownClient,
    access::{AUDIENCE, AnyClaims, AppClaims, ClientClaims, IdClaims},
    api_key::{self, Presented},
    checked::Checked,
    directory,
    keys::TokenKeys,
    live::LiveSessions,
};

/// What an app may do that was allowed to know who its person is.
const TELL_WHO: &str = "identity:userinfo:read";
/// A token of ours has a few hundred bytes.
const LONGEST: usize = 8 * 1024;
/// How long the check of a token waits for what it has to know of identity's log.
const PATIENCE: Duration = Duration::from_secs(2);
/// How far the clocks of two servers may be apart before a fresh token is refused, in seconds.
const CLOCK_SKEW: i64 = 5;

/// Why a token is refused. The client learns what to do, and not which check it failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// It is no token of this server: malformed, changed, signed by another key or otherwise than
    /// by EdDSA, or meant for another server.
    #[error("That access token is not valid here: sign in again.")]
    Invalid,
    /// Its time is over.
    #[error("That access token has expired: get a new one by refresh.")]
    Expired,
    /// Its session was ended.
    #[error("That session is over: sign in again.")]
    SessionOver,
    /// The access of its program was taken away, or the token was given back.
    #[error("That access token was revoked: get a new one from the token endpoint.")]
    ClientOver,
    /// What its person allowed the app has ended, or the access of the app was taken away.
    #[error("That access token was revoked: ask the person again, at the authorization endpoint.")]
    AppOver,
    /// It is an API key that does not hold, for one answer to every cause.
    #[error(
        "That API key does not hold: it was not copied whole, has expired or was revoked. Make a new \
         one by createApiKey."
    )]
    Key,
    /// The organization is suspended.
    #[error("The organization is suspended here: ask whoever runs the server.")]
    Suspended,
    /// It is the token of a directory.
    #[error("That is the token of a directory: it opens /scim/v2 alone.")]
    Directory,
}

impl TokenError {
    /// Always `UNAUTHENTICATED`.
    pub const fn code(self) -> Code {
        Code::Unauthenticated
    }
}

/// A token that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who asks.
    pub actor: Actor,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// Checks access tokens and API keys without I/O. Cheap to clone.
#[derive(Clone)]
pub struct TokenVerifier(Arc<Inner>);

struct Inner {
    keys: RwLock<Keys>,
    checked: Checked,
    /// Told of a token that names a key which is not known here.
    unknown_key: Notify,
    validation: Validation,
    sessions: Arc<LiveSessions>,
    /// Identity's log, which says how far the sessions must be known.
    feed: Arc<dyn EventFeed>,
    env: Env,
}

/// The keys that sign access tokens, by their ids.
pub(super) type Keys = BTreeMap<String, DecodingKey>;

impl TokenVerifier {
    /// Accepts tokens of that issuer (the server's public address) signed by one of the keys, as they
    /// are now. The sessions are kept by whoever follows `feed`.
    pub(crate) fn new(
        keys: &TokenKeys,
        issuer: &str,
        sessions: Arc<LiveSessions>,
        feed: Arc<dyn EventFeed>,
        env: Env,
    ) -> Self {
        Self::with_keys(keys.current().verifying.clone(), issuer, sessions, feed, env)
    }

    pub(super) fn with_keys(
        keys: Keys,
        issuer: &str,
        sessions: Arc<LiveSessions>,
        feed: Arc<dyn EventFeed>,
        env: Env,
    ) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // The library reads the system's clock; `check` compares with ours.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let unknown_key = Notify::new();
        let keys = RwLock::new(keys);
        let checked = Checked::new();
        Self(Arc::new(Inner { keys, checked, unknown_key, validation, sessions, feed, env }))
    }

    /// Goes by the keys as they are now.
    pub(crate) fn take(&self, keys: &TokenKeys) {
        self.set_keys(keys.current().verifying.clone());
    }

    pub(super) fn set_keys(&self, keys: Keys) {
        let mut current = self.0.keys.write().unwrap_or_else(PoisonError::into_inner);
        *current = keys;
        // Under the lock, so that no token of a key that is gone is remembered after this.
        self.0.checked.clear();
    }

    /// Waits for a token that names a key which is not known here.
    pub(super) async fn unknown_key(&self) {
        self.0.unknown_key.notified().await;
    }

    /// As [`TokenVerifier::verify`]. A session or key of which nothing is known here may have been
    /// made a moment ago by another process: then this waits until everything that identity has
    /// recorded by now is known.
    ///
    /// # Errors
    /// [`TokenError`], for the client as it is.
    pub async fn verify_newest(&self, token: &str) -> Result<Actor, TokenError> {
        if token.starts_with(api_key::PREFIX) {
            let presented = Presented::read(token).ok_or(TokenError::Key)?;
            if !self.0.sessions.keys.knows(presented.key) {
                self.catch_up().await;
            }
            return self.key(&presented).map(|verified| verified.actor);
        }
        if token.starts_with(directory::PREFIX) {
            return Err(TokenError::Directory);
        }
        let claims = self.claims(token)?;
        let known = match &claims {
            AnyClaims::Session(claims) => self.0.sessions.knows(claims.sid),
            AnyClaims::Client(claims) => self.0.sessions.clients.knows(claims.sub),
            AnyClaims::App(claims) => self.0.sessions.grants.knows(claims.grant, self.0.env.now()),
        };
        if !known {
            self.catch_up().await;
        }
        self.live(claims).map(|verified| verified.actor)
    }

    /// The program of that id, also one that was let in a moment ago by another process.
    pub(crate) async fn known_client(
        &self,
        client: Id<kind::OAuthClient>,
    ) -> Option<Arc<KnownClient>> {
        if !self.0.sessions.clients.knows(client) {
            self.catch_up().await;
        }
        self.0.sessions.clients.find(client)
    }

    /// The program of that id and secret, also one that was let in a moment ago by another process.
    pub(crate) async fn client(
        &self,
        client: Id<kind::OAuthClient>,
        secret: &str,
    ) -> Option<Arc<KnownClient>> {
        if !self.0.sessions.clients.knows(client) {
            self.catch_up().await;
        }
        let found = self.0.sessions.clients.check(client, secret)?;
        let state = self.0.sessions.organizations.state(found.tenant);
        (state != OrganizationState::Suspended).then_some(found)
    }

    /// What the token of a program says, if it holds.
    pub(crate) fn client_token(&self, token: &str) -> Option<ClientClaims> {
        match self.claims(token).ok()? {
            AnyClaims::Client(claims) => {
                self.0.sessions.clients.of_token(claims.sub, claims.jti).map(|_holds| claims)
            }
            AnyClaims::Session(_) | AnyClaims::App(_) => None,
        }
    }

    /// What the token of an app says, if it holds.
    pub(crate) async fn app_token(&self, token: &str) -> Option<(AppClaims, Actor)> {
        let AnyClaims::App(claims) = self.claims(token).ok()? else { return None };
        let actor = self.verify_newest(token).await.ok()?;
        Some((claims, actor))
    }

    /// Who an ID token is of that this server gave to an app. It may have run out since: it says who was
    /// signed in, and lets nobody in.
    pub(crate) fn id_token(
        &self,
        token: &str,
        app: Id<kind::OAuthClient>,
    ) -> Option<Id<kind::User>> {
        if token.len() > LONGEST {
            return None;
        }
        let mut validation = self.0.validation.clone();
        validation.set_audience(&[app]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let header = jsonwebtoken::decode_header(token).ok()?;
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        let key = keys.get(&header.kid?)?;
        let decoded = jsonwebtoken::decode::<IdClaims>(token, key, &validation).ok()?;
        Some(decoded.claims.sub)
    }

    /// Waits until everything that identity has recorded by now is known, for a while.
    async fn catch_up(&self) {
        let caught_up = async {
            match self.0.feed.head().await {
                Ok(head) => self.0.sessions.caught_up_to(head).await,
                Err(error) => tracing::warn!(%error, "new sessions are not known here"),
            }
        };
        if tokio::time::timeout(PATIENCE, caught_up).await.is_err() {
            tracing::warn!("identity's log is not followed: new sessions are not known here");
        }
    }

    /// Who the token (without `Bearer`) says is asking.
    ///
    /// # Errors
    /// [`TokenError`], for the client as it is.
    pub fn verify(&self, token: &str) -> Result<Actor, TokenError> {
        self.check(token).map(|verified| verified.actor)
    }

    /// As [`TokenVerifier::verify`], and until when.
    ///
    /// # Errors
    /// [`TokenError`], for the client as it is.
    pub fn check(&self, token: &str) -> Result<Verified, TokenError> {
        if token.starts_with(api_key::PREFIX) {
            return self.key(&Presented::read(token).ok_or(TokenError::Key)?);
        }
        self.live(self.claims(token)?)
    }

    /// What the token says, its signature and its time checked.
    fn claims(&self, token: &str) -> Result<AnyClaims, TokenError> {
        if token.len() > LONGEST {
            return Err(TokenError::Invalid);
        }
        let claims = {
            let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
            self.0.checked.get(token, || self.signed(token, &keys))?
        };
        let now = self.0.env.now();
        let (from, until) = claims.span();
        if now >= instant(until) {
            return Err(TokenError::Expired);
        }
        if now.plus_seconds(CLOCK_SKEW) < instant(from) {
            return Err(TokenError::Invalid);
        }
        Ok(claims)
    }

    /// What the token says, its signature checked.
    fn signed(&self, token: &str, keys: &Keys) -> Result<AnyClaims, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let Some(key) = keys.get(&header.kid.ok_or(TokenError::Invalid)?) else {
            self.0.unknown_key.notify_one();
            return Err(TokenError::Invalid);
        };
        jsonwebtoken::decode::<AnyClaims>(token, key, &self.0.validation)
            .map(|token| token.claims)
            .map_err(|_| TokenError::Invalid)
    }

    /// Who acts by a key: its person, with what they may do now.
    fn key(&self, presented: &Presented<'_>) -> Result<Verified, TokenError> {
        let now = self.0.env.now();
        let keys = &self.0.sessions.keys;
        let key = keys.check(presented, now).ok_or(TokenError::Key)?;
        if self.0.sessions.is_suspended(key.user) {
            return Err(TokenError::Key);
        }
        keys.used(&key, now);
        let held = self.0.sessions.held_by(key.user).unwrap_or_default();
        self.admit(key.actor().holding(&held, now), key.expires_at)
    }

    /// Lets in whoever has shown who they are, as far as the state of their organization goes.
    fn admit(&self, mut actor: Actor, expires_at: Timestamp) -> Result<Verified, TokenError> {
        let state = self.0.sessions.organizations.state(actor.tenant);
        if state == OrganizationState::Suspended {
            return Err(TokenError::Suspended);
        }
        actor.read_only = state == OrganizationState::Archived;
        Ok(Verified { actor, expires_at })
    }

    fn live(&self, claims: AnyClaims) -> Result<Verified, TokenError> {
        let claims = match claims {
            AnyClaims::Session(claims) => claims,
            AnyClaims::Client(claims) => return self.live_client(&claims),
            AnyClaims::App(claims) => return self.live_app(&claims),
        };
        let sessions = &self.0.sessions;
        if !sessions.is_live(claims.sid, self.0.env.now()) || sessions.is_suspended(claims.sub) {
            return Err(TokenError::SessionOver);
        }
        // The token says what its person could do when it was made.
        let authn = claims.authn();
        let actor = Actor::user(claims.org, claims.sub, claims.sid, claims.roles).signed_in(authn);
        let actor = match self.0.sessions.held_by(claims.sub) {
            Some(held) => actor.holding(&held, self.0.env.now()),
            None => actor,
        };
        self.admit(actor, instant(claims.exp))
    }

    /// An actor who was verified, as they may act once everything up to a position of identity's
    /// log is known, or `None` where the session is over: whoever has seen that a session ended, or
    /// that roles were changed, is not served by what was before.
    pub async fn as_of(&self, actor: Actor, position: i64) -> Option<Actor> {
        let caught_up = self.0.sessions.caught_up_to(position);
        if tokio::time::timeout(PATIENCE, caught_up).await.is_err() {
            tracing::warn!("identity's log is not followed: ended sessions are not known here");
        }
        self.now(actor)
    }

    /// An actor who was verified once, as they may act now: with the roles that they have now, or
    /// `None` where the session is over. For connections that outlive a request.
    pub fn now(&self, actor: Actor) -> Option<Actor> {
        if !self.is_live(&actor) {
            return None;
        }
        let read_only = self.is_archived(&actor);
        Some(match self.held(&actor) {
            Some(held) => Actor { read_only, ..actor.holding(&held, self.0.env.now()) },
            None => Actor { read_only, ..actor },
        })
    }

    /// Whether an actor who was verified once may still act as they did: the session was not ended
    /// and has not run out, and the roles are the same. For long-lived subscriptions, before each
    /// event. The access token itself may have expired meanwhile: the session is what counts.
    pub fn still_valid(&self, actor: &Actor) -> bool {
        let now = self.0.env.now();
        let same = |held: RolesHeld| {
            held.at(now) == actor.roles && held.in_projects(now) == actor.projects
        };
        let same_state = self.is_archived(actor) == actor.read_only;
        self.is_live(actor) && same_state && self.held(actor).is_none_or(same)
    }

    fn is_archived(&self, actor: &Actor) -> bool {
        self.0.sessions.organizations.state(actor.tenant) == OrganizationState::Archived
    }

    fn is_live(&self, actor: &Actor) -> bool {
        let state = self.0.sessions.organizations.state(actor.tenant);
        if state == OrganizationState::Suspended {
            return false;
        }
        if actor.user_id().is_some_and(|user| self.0.sessions.is_suspended(user)) {
            return false;
        }
        match &actor.principal {
            Principal::User { session, .. } => self.0.sessions.is_live(*session, self.0.env.now()),
            Principal::ApiKey { key, .. } => self.0.sessions.keys.is_live(*key, self.0.env.now()),
            Principal::App { client, grant, .. } => {
                let sessions = &self.0.sessions;
                sessions.grants.find(*grant, self.0.env.now()).is_some()
                    && sessions.clients.find(*client).is_some()
            }
            Principal::Client { client, token } => {
                self.0.sessions.clients.of_token(*client, *token).is_some()
            }
            // It is known by its token alone, each time anew.
            Principal::Directory { .. } => false,
            Principal::System { .. } => true,
        }
    }

    fn held(&self, actor: &Actor) -> Option<RolesHeld> {
        self.0.sessions.held_by(actor.user_id()?)
    }
}

impl TokenVerifier {
    /// A program acts with the roles that it has, as far as its token goes.
    fn live_client(&self, claims: &ClientClaims) -> Result<Verified, TokenError> {
        let known = self.0.sessions.clients.of_token(claims.sub, claims.jti);
        let known = known.filter(|known| known.tenant == claims.org);
        let known = known.ok_or(TokenError::ClientOver)?;
        let principal = Principal::Client { client: claims.sub, token: claims.jti };
        let scopes = read_scopes(&claims.scope);
        let actor = Actor::program(known.tenant, principal, known.roles.clone(), scopes);
        self.admit(actor, instant(claims.exp))
    }

    /// An app acts with the roles that its person has now, as far as its token goes.
    fn live_app(&self, claims: &AppClaims) -> Result<Verified, TokenError> {
        let (sessions, now) = (&self.0.sessions, self.0.env.now());
        let known = sessions.grants.find(claims.grant, now).ok_or(TokenError::AppOver)?;
        let same = known.tenant == claims.org
            && known.user == claims.sub
            && known.client == claims.client_id;
        let gone = sessions.clients.find(claims.client_id).is_none();
        if !same || gone || sessions.is_suspended(claims.sub) {
            return Err(TokenError::AppOver);
        }
        let (user, client, grant) = (claims.sub, claims.client_id, claims.grant);
        let held = sessions.held_by(user).unwrap_or_default();
        let mut scopes = read_scopes(&claims.scope);
        if Reach::read(&claims.scope).tells(AboutScope::Openid) {
            scopes.extend(TELL_WHO.parse::<ActionScope>());
        }
        let principal = Principal::App { user, client, grant };
        let actor = Actor::program(known.tenant, principal, Vec::new(), scopes);
        self.admit(actor.holding(&held, now), instant(claims.exp))
    }
}

impl std::fmt::Debug for TokenVerifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let keys = self.0.keys.read().unwrap_or_else(PoisonError::into_inner);
        f.debug_struct("TokenVerifier")
            .field("keys", &keys.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_micros(0).plus_seconds(seconds)
}
