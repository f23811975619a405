//! Apps that act for people: what they ask, and what people allow and end.

use std::collections::BTreeMap;

use studio_access::Resource;
use studio_events::{Append, AppendError, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, Id, Principal, TenantId, Timestamp, kind};
use studio_service::ApiError;
use url::form_urlencoded;

use super::{Core, Failure, Request, users::metadata};
use crate::{
    domain::{
        app_grant::{AppAllowed, AppGrant, GrantEndReason},
        authorization::{Asked, Problem, WayBack},
        command::COMMAND,
        input::Fault,
        reach::Reach,
        redirect_uri,
    },
    personal::sealed_from_row,
    projections::{app_grants, oauth_clients, read_id, users},
    tokens::{KnownGrant, SealedRequest},
};

/// Seconds for which a code works (RFC 6749, section 4.1.2, allows ten minutes).
pub(super) const CODE_SECONDS: i64 = 60;
/// How often one person's leave for one app may go on beside itself, on their several devices.
const MOST: usize = 20;
const SECOND: i64 = 1_000_000;

/// What stands between a request and its answer, for whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestState {
    /// It was never made here, took too long, or its app has no access any more.
    Over,
    /// The person has to sign in, or to do so anew.
    SignIn,
    /// The app belongs to another organization than the person.
    Elsewhere,
    /// The person has to be asked.
    Consent,
    /// The person allowed all of it before.
    Ready,
}

/// A request as it is shown.
pub(crate) struct ShownRequest {
    pub(crate) state: RequestState,
    /// `None` where it is over.
    pub(crate) request: Option<SealedRequest>,
    /// The app, for those whom it may be shown to.
    pub(crate) app: Option<oauth_clients::Row>,
}

/// Why an app gets no code (OpenID Connect Core 1.0, section 3.1.2.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declined {
    /// The person said no.
    AccessDenied,
    /// Nobody is signed in, and nothing is to be asked.
    LoginRequired,
    /// The person would have to be asked, and nothing is to be.
    ConsentRequired,
}

impl Declined {
    const fn as_str(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
        }
    }
}

/// An app that a person has allowed something.
pub(crate) struct AllowedApp {
    pub(crate) client: String,
    pub(crate) name: String,
    /// All that was allowed.
    pub(crate) reach: Reach,
    pub(crate) allowed_at: Timestamp,
    pub(crate) used_at: Option<Timestamp>,
}

impl Core {
    /// The address that leads an answer back to its app. Each names this server (RFC 9207), so that no
    /// other can pass its own off as ours.
    pub(crate) fn answer(
        &self,
        redirect_uri: &str,
        state: Option<&str>,
        pairs: &[(&str, &str)],
    ) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(pairs);
        if let Some(state) = state {
            query.append_pair("state", state);
        }
        query.append_pair("iss", self.issuer.issuer());
        let joint = if redirect_uri.contains('?') { '&' } else { '?' };
        format!("{redirect_uri}{joint}{}", query.finish())
    }

    /// Seals a request that was checked, of an app and its organization, for the page that shows it to the
    /// person.
    ///
    /// # Errors
    /// [`Problem`] where it is too long for an address.
    pub(crate) fn seal_request(
        &self,
        app: (Id<kind::OAuthClient>, Option<TenantId>),
        way: &WayBack,
        asked: Asked,
        user: Option<Id<kind::User>>,
    ) -> Result<String, Problem> {
        let at = self.env.now();
        // Tokens say when somebody signed in by the second.
        let second = Timestamp::from_micros(at.micros().div_euclid(SECOND) * SECOND);
        let by_age = asked.max_age.map(|age| second.plus_seconds(-i64::from(age)));
        let request = SealedRequest {
            tenant: app.1,
            client: app.0,
            grant: self.env.id(),
            redirect_uri: way.redirect_uri.clone(),
            state: way.state.clone(),
            reach: asked.reach,
            challenge: asked.challenge,
            nonce: asked.nonce,
            silent: asked.prompt.none,
            ask: asked.prompt.consent,
            signed_in_since: if asked.prompt.login { Some(second) } else { by_age },
            login_hint: asked.login_hint,
            user,
            at,
        };
        let sealed = self.requests.seal(&request);
        sealed.ok_or_else(|| Problem::new("invalid_request", "The request is too long."))
    }

    /// What stands between a request and its answer. A stranger learns whether to sign in.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn app_request(
        &self,
        actor: Option<&Actor>,
        text: &str,
    ) -> Result<ShownRequest, ApiError> {
        let shown = |state, request| ShownRequest { state, request, app: None };
        let Some(request) = self.open_request(text).await else {
            return Ok(shown(RequestState::Over, None));
        };
        let Some((actor, user)) = actor.and_then(person) else {
            return Ok(shown(RequestState::SignIn, Some(request)));
        };
        if request.tenant.is_some_and(|its| its != actor.tenant) {
            return Ok(shown(RequestState::Elsewhere, Some(request)));
        }
        let resource = Resource::any("App", actor.tenant).owned_by(user);
        let tenant = self.policy.require(actor, "identity:app:allow", &resource)?.tenant();
        // The command is no program of the organization.
        let app = match request.tenant {
            Some(_) => oauth_clients::find(&self.store, tenant, request.client).await?,
            None => None,
        };
        let state = if !is_signed_in_for(&request, actor, user) {
            RequestState::SignIn
        } else if self.is_remembered(tenant, &request, user).await? {
            RequestState::Ready
        } else {
            RequestState::Consent
        };
        Ok(ShownRequest { state, request: Some(request), app })
    }

    /// Opens a request whose app has access, also one that was let in a moment ago by another process.
    async fn open_request(&self, text: &str) -> Option<SealedRequest> {
        let request = self.requests.open(text)?;
        if request.client == COMMAND {
            return Some(request);
        }
        self.verifier.known_client(request.client).await.is_some().then_some(request)
    }

    /// Whether the person allowed all of it before, and nobody else can have taken the place of the app.
    async fn is_remembered(
        &self,
        tenant: TenantId,
        request: &SealedRequest,
        user: Id<kind::User>,
    ) -> Result<bool, ApiError> {
        if request.ask || !redirect_uri::is_assured(&request.redirect_uri) {
            return Ok(false);
        }
        let client = Some(request.client);
        let rows = app_grants::of_user(&self.store, tenant, user, client).await?;
        Ok(rows.iter().any(|row| Reach::read(&row.reach).covers(&request.reach)))
    }

    /// Lets an app act for the actor, as far as its request goes, or the command on their computer sign in as
    /// them; answers where to go on, with a code for it. `consent` says that they were asked just now.
    ///
    /// # Errors
    /// `FORBIDDEN`, also to programs; `NOT_FOUND` for an app of another organization; [`Failure::Input`]
    /// where the request is over, or something has to be asked before.
    pub(crate) async fn allow_app(
        &self,
        actor: &Actor,
        text: &str,
        consent: bool,
        request: Request,
    ) -> Result<String, Failure> {
        // What the person may do is recorded with it, and must not change meanwhile.
        self.with_roles_held(self.allow_app_now(actor, text, consent, request)).await
    }

    async fn allow_app_now(
        &self,
        actor: &Actor,
        text: &str,
        consent: bool,
        request: Request,
    ) -> Result<String, Failure> {
        let actor = &self.as_of_now(actor).await?;
        let mut resource = Resource::any("App", actor.tenant);
        resource.owner = actor.user_id();
        let tenant = self.policy.require(actor, "identity:app:allow", &resource)?.tenant();
        let Principal::User { user, session } = actor.principal else {
            return Err(ApiError::unauthenticated().into());
        };
        let asked = self.open_request(text).await.ok_or_else(request_over)?;
        if asked.tenant.is_some_and(|its| its != tenant) {
            return Err(ApiError::not_found("program", asked.client).into());
        }
        if !is_signed_in_for(&asked, actor, user) {
            let message = "The app wants you to sign in anew, or as somebody else: do, and go on.";
            return Err(Fault::new("SIGN_IN_AGAIN", "request", message).into());
        }
        if !(consent && !asked.silent || self.is_remembered(tenant, &asked, user).await?) {
            let message = "You have not allowed the app all of that yet: look at it, and allow it.";
            return Err(Fault::new("CONSENT_NEEDED", "consent", message).into());
        }
        let metadata = metadata(actor, &request);
        if asked.client == COMMAND {
            return self.offer_session(actor, (user, session), asked, metadata).await;
        }
        self.make_room(tenant, user, asked.client, &metadata).await?;
        let now = self.env.now();
        let code = self.app_tokens.codes.make(tenant, asked.grant, 0);
        let expires_at = now.plus_seconds(CODE_SECONDS);
        let (grant, client) = (asked.grant, asked.client);
        let allowed = AppAllowed {
            grant,
            client,
            user,
            session,
            roles: actor.roles.clone(),
            reach: asked.reach,
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge,
            code_hash: code.hash(),
            nonce: asked.nonce,
            authn: actor.authn.clone(),
            expires_at,
        };
        let stream = StreamAppend::of::<AppGrant>(
            grant.to_string(),
            Expected::NoStream,
            vec![allowed.into()],
        )?;
        let recorded = match self.store.append(Append::new(tenant, metadata, vec![stream])).await {
            Err(AppendError::Conflict { .. }) => return Err(request_over().into()),
            recorded => recorded?,
        };
        let position = recorded.last().map_or(0, |newest| newest.position);
        self.sessions.roles_were(user, actor.roles.clone(), position);
        self.sessions.grants.add(KnownGrant { grant, tenant, user, client, expires_at }, now);
        let code = self.app_tokens.codes.write(&code);
        Ok(self.answer(&asked.redirect_uri, asked.state.as_deref(), &[("code", &code)]))
    }

    /// Ends what was allowed to the app longest ago, where there is too much of it.
    async fn make_room(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        client: Id<kind::OAuthClient>,
        metadata: &Metadata,
    ) -> Result<(), Failure> {
        let rows = app_grants::of_user(&self.store, tenant, user, Some(client)).await?;
        for row in rows.iter().skip(MOST - 1) {
            let grant = read_id(&row.id)?;
            self.end_grant(tenant, grant, GrantEndReason::Replaced, metadata).await?;
        }
        Ok(())
    }

    /// Where a request leads that is not allowed. Anybody may say no.
    ///
    /// # Errors
    /// [`Failure::Input`] where the request is over.
    pub(crate) async fn decline_app(&self, text: &str, why: Declined) -> Result<String, Failure> {
        let request = self.open_request(text).await.ok_or_else(request_over)?;
        let pairs = [("error", why.as_str())];
        Ok(self.answer(&request.redirect_uri, request.state.as_deref(), &pairs))
    }

    /// Ends all that a person has allowed an app, oneself or, for an owner or an admin, anybody in the
    /// organization; answers how much there was.
    ///
    /// # Errors
    /// `NOT_FOUND` for an app that is not the organization's, and for somebody else to whom may not end
    /// theirs; `FORBIDDEN` to programs.
    pub(crate) async fn revoke_app(
        &self,
        actor: &Actor,
        client: Id<kind::OAuthClient>,
        user: Option<Id<kind::User>>,
        request: Request,
    ) -> Result<i32, Failure> {
        let own = actor.user_id();
        let mut resource = Resource::any("App", actor.tenant);
        resource.owner = user.or(own);
        let tenant = match self.policy.require(actor, "identity:app:revoke", &resource) {
            Ok(scope) => scope.tenant(),
            Err(denied) => {
                // Somebody else's does not exist for those who may not see it.
                let others = user.filter(|it| Some(*it) != own && !actor.principal.is_program());
                return Err(match others {
                    Some(user) => ApiError::not_found("user", user).into(),
                    None => denied.into(),
                });
            }
        };
        let user = user.or(own).ok_or_else(ApiError::unauthenticated)?;
        let row = oauth_clients::find(&self.store, tenant, client).await?;
        row.ok_or_else(|| ApiError::not_found("program", client))?;
        let metadata = metadata(actor, &request);
        let rows = app_grants::of_user(&self.store, tenant, user, Some(client)).await?;
        for row in &rows {
            let grant = read_id(&row.id)?;
            self.end_grant(tenant, grant, GrantEndReason::Revoked, &metadata).await?;
        }
        Ok(i32::try_from(rows.len()).unwrap_or(i32::MAX))
    }

    /// Ends all that a person has allowed any app.
    pub(super) async fn end_grants(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        reason: GrantEndReason,
        metadata: &Metadata,
    ) -> Result<(), Failure> {
        for row in app_grants::of_user(&self.store, tenant, user, None).await? {
            self.end_grant(tenant, read_id(&row.id)?, reason, metadata).await?;
        }
        Ok(())
    }

    pub(super) async fn end_grant(
        &self,
        tenant: TenantId,
        grant: Id<kind::AppGrant>,
        reason: GrantEndReason,
        metadata: &Metadata,
    ) -> Result<(), Failure> {
        self.store
            .execute::<AppGrant, Failure>(tenant, &grant.to_string(), metadata, |state, _| {
                Ok(state.end(grant, reason))
            })
            .await?;
        self.sessions.grants.ended(grant, self.env.now());
        Ok(())
    }

    /// What somebody of the organization is called who registered an app; `None` once they were erased.
    ///
    /// # Errors
    /// From the store and the keyring.
    pub(crate) async fn name_of(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
    ) -> Result<Option<String>, ApiError> {
        let row = users::find(&self.store, tenant, user).await?;
        let Some(sealed) = row.and_then(|row| row.profile) else { return Ok(None) };
        let profile = self.people.open_profile(tenant, &sealed_from_row(&sealed)?).await?;
        Ok(profile.map(|profile| profile.name))
    }

    /// The apps that a person has allowed something, by their names. Those without access any more are
    /// left out: nothing is allowed to them.
    ///
    /// # Errors
    /// `FORBIDDEN`.
    pub(crate) async fn apps_of(
        &self,
        actor: &Actor,
        tenant: TenantId,
        user: Id<kind::User>,
    ) -> Result<Vec<AllowedApp>, ApiError> {
        let resource = Resource::any("App", tenant).owned_by(user);
        let tenant = self.policy.require(actor, "identity:app:read", &resource)?.tenant();
        let mut grants: BTreeMap<String, Vec<app_grants::Row>> = BTreeMap::new();
        for row in app_grants::of_user(&self.store, tenant, user, None).await? {
            grants.entry(row.client.clone()).or_default().push(row);
        }
        let mut apps = Vec::with_capacity(grants.len());
        for (client, rows) in grants {
            let found = oauth_clients::find(&self.store, tenant, read_id(&client)?).await?;
            let Some(found) = found.filter(|row| row.revoked_at.is_none()) else { continue };
            let words: Vec<&str> = rows.iter().map(|row| row.reach.as_str()).collect();
            let first = rows.iter().map(|row| row.created_at).min().unwrap_or_default();
            let used = rows.iter().filter_map(|row| row.used_at).max();
            apps.push(AllowedApp {
                client,
                name: found.name,
                reach: Reach::read(&words.join(" ")),
                allowed_at: Timestamp::from_micros(first),
                used_at: used.map(Timestamp::from_micros),
            });
        }
        apps.sort_by(|one, other| (&one.name, &one.client).cmp(&(&other.name, &other.client)));
        Ok(apps)
    }
}

/// A person who is signed in; a program is none.
fn person(actor: &Actor) -> Option<(&Actor, Id<kind::User>)> {
    match actor.principal {
        Principal::User { user, .. } => Some((actor, user)),
        _ => None,
    }
}

/// Whether the person is the one who should be, and has signed in lately enough.
fn is_signed_in_for(request: &SealedRequest, actor: &Actor, user: Id<kind::User>) -> bool {
    let lately = request
        .signed_in_since
        .is_none_or(|since| actor.authn.as_ref().is_some_and(|authn| authn.at >= since));
    lately && request.user.is_none_or(|wanted| wanted == user)
}

pub(super) fn request_over() -> Fault {
    Fault::new(
        "REQUEST_OVER",
        "request",
        "What the app asked is over: it took longer than ten minutes, was answered already, or its access \
         was taken away. Go back to the app and begin again.",
    )
}
