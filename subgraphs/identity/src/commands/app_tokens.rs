//! The tokens that apps get by what people allowed them.

use studio_events::{AppendError, ExecuteError, Metadata};
use studio_kernel::{Id, Principal, TenantId, Timestamp, kind, published::identity::GrantType};
use zeroize::Zeroizing;

use super::{Core, Failure, Request};
use crate::{
    domain::{
        app_grant::{
            AppAllowed, AppGrant, AppGrantEvent, GrantEndReason, GrantOver, PresentedCode,
            PresentedToken,
        },
        reach::{AboutScope, Reach},
        session::Session,
    },
    tokens::{AccessToken, KnownClient, KnownGrant, challenge_of},
};

/// How often another use of the same code or token may come first: the first uses it up, and the second ends
/// it all.
const MOST_BEATEN: usize = 4;

/// What an app gets.
pub(crate) struct AppIssued {
    pub(crate) access: AccessToken,
    /// How far the access token goes.
    pub(crate) reach: Reach,
    /// Gets the next access token, once; where the app was registered for that.
    pub(crate) refresh: Option<Zeroizing<String>>,
    /// Who signed in, where the app asked for it.
    pub(crate) id_token: Option<String>,
}

/// A code with what was sent along.
pub(crate) struct CodeShown<'a> {
    pub(crate) code: &'a str,
    pub(crate) redirect_uri: &'a str,
    pub(crate) verifier: &'a str,
}

/// Why an app gets no token.
pub(crate) enum NotIssued {
    /// The code or the refresh token works no more, or never did for that app.
    Over,
    /// It asked for more than was allowed.
    Beyond,
    /// Something else.
    Failed(Failure),
}

impl<E: Into<Failure>> From<E> for NotIssued {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Core {
    /// Exchanges a code for tokens. One that comes a second time ends all that it led to.
    ///
    /// # Errors
    /// [`NotIssued::Over`] with one answer for every cause.
    pub(crate) async fn redeem_code(
        &self,
        client: &KnownClient,
        shown: CodeShown<'_>,
        request: Request,
    ) -> Result<AppIssued, NotIssued> {
        let code = self.app_tokens.codes.read(shown.code).ok_or(NotIssued::Over)?;
        let (tenant, grant): (_, Id<kind::AppGrant>) = (code.tenant, code.of());
        let allowed = self.allowed(tenant, grant).await?;
        let challenge = challenge_of(shown.verifier).unwrap_or_default();
        let now = self.env.now();
        let next = client
            .gets(GrantType::RefreshToken)
            .then(|| self.app_tokens.refresh.make(tenant, grant, 0));
        let seconds = if next.is_some() { self.session_seconds } else { self.issuer.seconds() };
        let expires_at = now.plus_seconds(seconds);
        let (code_hash, token_hash) = (code.hash(), next.as_ref().map(|next| next.hash()));
        // Whoever signed out meanwhile has not stayed for the app either.
        let session = self.store.load::<Session>(tenant, &allowed.session.to_string()).await?;
        let signed_out = session.state.ended.is_some();
        self.decide(tenant, &allowed, request, |state| {
            let presented = PresentedCode {
                client: client.client,
                code_hash: &code_hash,
                redirect_uri: shown.redirect_uri,
                challenge: &challenge,
            };
            let events = state.redeem(grant, presented, token_hash.clone(), now, expires_at)?;
            let redeemed = matches!(events[..], [AppGrantEvent::AppCodeRedeemed(_)]);
            if redeemed && signed_out { Err(GrantOver) } else { Ok(events) }
        })
        .await?;
        let reach = allowed.reach.clone();
        let access = self.grow(tenant, &allowed, &reach, expires_at)?;
        let id_token = match reach.tells(AboutScope::Openid) {
            true => Some(self.issuer.issue_id_token(&allowed, &access)?),
            false => None,
        };
        let refresh = next.map(|next| self.app_tokens.refresh.write(&next));
        Ok(AppIssued { access, reach, refresh, id_token })
    }

    /// Replaces a refresh token of an app. One that comes a second time ends all that it led to. The access
    /// token goes as far as was allowed, or as is asked for within that.
    ///
    /// # Errors
    /// [`NotIssued::Over`] with one answer for every cause; [`NotIssued::Beyond`].
    pub(crate) async fn refresh_app(
        &self,
        client: &KnownClient,
        token: &str,
        asked: Option<Reach>,
        request: Request,
    ) -> Result<AppIssued, NotIssued> {
        let presented = self.app_tokens.refresh.read(token).ok_or(NotIssued::Over)?;
        let (tenant, grant): (_, Id<kind::AppGrant>) = (presented.tenant, presented.of());
        let allowed = self.allowed(tenant, grant).await?;
        if allowed.client == client.client
            && asked.as_ref().is_some_and(|asked| !allowed.reach.covers(asked))
        {
            return Err(NotIssued::Beyond);
        }
        let now = self.env.now();
        let expires_at = now.plus_seconds(self.session_seconds);
        let next = self.app_tokens.refresh.make(tenant, grant, presented.number.saturating_add(1));
        let hash = presented.hash();
        self.decide(tenant, &allowed, request, |state| {
            let number = presented.number;
            let presented = PresentedToken { client: client.client, number, token_hash: &hash };
            state.refresh(grant, presented, next.hash(), now, expires_at)
        })
        .await?;
        let reach = asked.unwrap_or_else(|| allowed.reach.clone());
        let access = self.grow(tenant, &allowed, &reach, expires_at)?;
        let refresh = Some(self.app_tokens.refresh.write(&next));
        Ok(AppIssued { access, reach, refresh, id_token: None })
    }

    /// What was allowed, whoever asks.
    async fn allowed(
        &self,
        tenant: TenantId,
        grant: Id<kind::AppGrant>,
    ) -> Result<AppAllowed, NotIssued> {
        let loaded = self.store.load::<AppGrant>(tenant, &grant.to_string()).await?;
        let allowed = loaded.state.allowed.ok_or(NotIssued::Over)?;
        // Nothing is done for somebody who was suspended.
        let closed = self.lets_in(tenant).is_err();
        match closed || self.sessions.is_suspended(allowed.user) {
            true => Err(NotIssued::Over),
            false => Ok(allowed),
        }
    }

    /// Records what is decided, as the doing of the app.
    async fn decide<F>(
        &self,
        tenant: TenantId,
        allowed: &AppAllowed,
        request: Request,
        decide: F,
    ) -> Result<(), NotIssued>
    where
        F: Fn(&AppGrant) -> Result<Vec<AppGrantEvent>, GrantOver> + Send + Sync,
    {
        let metadata = self.by_app(allowed, &request);
        let stream = allowed.grant.to_string();
        let mut beaten = 0;
        let executed = loop {
            let decided = self
                .store
                .execute::<AppGrant, GrantOver>(tenant, &stream, &metadata, |state, _| {
                    decide(state)
                })
                .await;
            match decided {
                Ok(executed) => break executed,
                Err(ExecuteError::Refused(GrantOver)) => return Err(NotIssued::Over),
                // Somebody else came with the same at the same moment: what that led to decides.
                Err(ExecuteError::Append(AppendError::Conflict { .. })) if beaten < MOST_BEATEN => {
                    beaten += 1;
                }
                Err(ExecuteError::Append(error)) => return Err(error.into()),
                Err(ExecuteError::Store(error)) => return Err(error.into()),
            }
        };
        if executed.state.ended.is_some() {
            self.sessions.grants.ended(allowed.grant, self.env.now());
            let (grant, client) = (allowed.grant, allowed.client);
            tracing::warn!(%grant, %client, "a code or token of an app was used twice: all of it was ended");
            return Err(NotIssued::Over);
        }
        Ok(())
    }

    fn by_app(&self, allowed: &AppAllowed, request: &Request) -> Metadata {
        let AppAllowed { user, client, grant, .. } = *allowed;
        let held = self.sessions.held_by(user);
        let roles = held.map(|held| held.at(self.env.now()));
        let principal = Principal::App { user, client, grant };
        request.on(Metadata::of(principal, roles.unwrap_or_else(|| allowed.roles.clone())))
    }

    /// An access token for what was allowed, which lasts until then.
    fn grow(
        &self,
        tenant: TenantId,
        allowed: &AppAllowed,
        reach: &Reach,
        expires_at: Timestamp,
    ) -> Result<AccessToken, NotIssued> {
        let AppAllowed { grant, user, client, .. } = *allowed;
        // From before everything that may have changed them since, so that this is heard.
        self.sessions.roles_were(user, allowed.roles.clone(), 0);
        let known = KnownGrant { grant, tenant, user, client, expires_at };
        self.sessions.grants.add(known, self.env.now());
        Ok(self.issuer.issue_to_app(allowed, tenant, self.env.id(), reach)?)
    }

    /// What a refresh token is for that the app holds and that works, and when it all runs out.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn held_by_app(
        &self,
        client: &KnownClient,
        token: &str,
    ) -> Result<Option<(AppAllowed, Timestamp)>, Failure> {
        let Some(presented) = self.app_tokens.refresh.read(token) else { return Ok(None) };
        let grant: Id<kind::AppGrant> = presented.of();
        let loaded = self.store.load::<AppGrant>(presented.tenant, &grant.to_string()).await?;
        let (hash, number) = (presented.hash(), presented.number);
        let shown = PresentedToken { client: client.client, number, token_hash: &hash };
        let state = loaded.state;
        let (holds, until) = (state.holds(shown, self.env.now()), state.expires_at());
        Ok(state.allowed.filter(|_| holds).map(|allowed| (allowed, until)))
    }

    /// Ends what a person allowed an app, which gives it back (RFC 7009).
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn give_back(
        &self,
        tenant: TenantId,
        grant: Id<kind::AppGrant>,
        request: Request,
    ) -> Result<(), Failure> {
        let loaded = self.store.load::<AppGrant>(tenant, &grant.to_string()).await?;
        let Some(allowed) = loaded.state.allowed else { return Ok(()) };
        let metadata = self.by_app(&allowed, &request);
        self.end_grant(tenant, grant, GrantEndReason::GivenBack, &metadata).await
    }
}
