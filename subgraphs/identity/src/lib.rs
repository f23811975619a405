//! The identity subgraph: organizations, the people in them, their sessions, the keys of their programs, the
//! apps that act for them, and the tokens that prove who asks.
//!
//! Invariants: names, e-mail addresses, password hashes and the secrets of apps are stored sealed with
//! the key of their person and nowhere else; tokens, keys, passwords and recovery codes are stored hashed;
//! nothing of one organization can be reached from another; every command and query asks the policy.

mod audit;
mod audit_stream;
mod backoff;
mod codes;
mod commands;
pub mod domain;
mod graphql;
mod mail;
mod oauth;
mod oidc;
mod pace;
mod password;
mod personal;
mod projections;
mod rest;
mod retention;
pub mod scim;
mod tokens;
pub mod webauthn;

use std::{collections::BTreeSet, sync::Arc};

use axum::{Router, http::header, response::IntoResponse, routing::get};
use studio_events::{
    ConsumerOptions, Election, EventFeed, EventStore, EventStoreOptions, LogFeed, Projection,
    PublishedType, Shown, StoreError, run_consumer,
};
use studio_kernel::{
    Env, TenantId,
    published::identity::{self, OrganizationState},
};
use studio_mail::Mailer;
use studio_service::{ApiError, Deps, Subgraph, config::OidcProvider, subgraph::Background};
use studio_stores::{keyring::KeyringError, limits::Limits};
use tokio_util::sync::CancellationToken;

pub use audit_stream::{AuditSink, AuditTold};
pub use commands::{Founded, NewOrganization, OrganizationListed};
pub use projections::audit::Row as AuditRow;
pub use rest::openapi;
pub use tokens::{RemoteError, RemoteVerifier, TokenError, TokenVerifier, Verified};

use backoff::Backoff;
use codes::RecoveryCodes;
use commands::{Core, Failure, MailDesk};
use domain::{
    api_key::{ApiKeyCreated, ApiKeyRevoked},
    app_grant::{AppAllowed, AppCodeRedeemed, AppGrantEnded, AppGrantRefreshed},
    directory::{DirectoryConnected, DirectoryUpdated},
    directory_group::{DirectoryGroupChanged, DirectoryGroupCreated},
    invitation::{InvitationAccepted, InvitationSent},
    login::{LoginLinked, UserProvisioned},
    mailed::{EmailVerificationRequested, MailSent, PasswordResetRequested},
    organization::OrganizationStateChanged,
    oauth_client::{AccessTokenIssued, AccessTokenRevoked, OAuthClientCreated, OAuthClientRevoked},
    passkey::{PasskeyAdded, PasskeyCopied, PasskeyRemoved, PasskeyUsed},
    provisioned::{
        DirectoryRecordRemoved, DirectoryRecordSet, ProfileChanged, UserReactivated, UserSuspended,
    },
    review::{AccessDecided, ReviewCompleted},
    session::{SessionEnded, SessionRefreshed, SessionStarted},
    user::{RolesChanged, UserCreated},
};
use mail::SendMail;
use oidc::{Cookies, Providers};
use pace::Pace;
use password::{PasswordError, Passwords};
use personal::People;
use projections::read_id;
use tokens::{
    AppTokens, Challenges, Issuer, Lifetimes, LiveSessions, MailedTokens, PasskeyChallenges,
    RefreshTokens, Requests, TokenKeys,
};
use webauthn::RelyingParty;

const NAME: &str = "identity";

/// What the others may read of the log.
static PUBLISHED: &[PublishedType] = &[
    PublishedType::as_part::<SessionStarted, identity::SessionExtended>(),
    PublishedType::as_part::<SessionRefreshed, identity::SessionExtended>(),
    PublishedType::as_part::<SessionEnded, identity::SessionEnded>(),
    PublishedType::of::<OrganizationStateChanged>(),
    PublishedType::of::<RolesChanged>(),
    PublishedType::of::<UserSuspended>(),
    PublishedType::of::<UserReactivated>(),
    PublishedType::as_part::<ApiKeyCreated, identity::ApiKeyCreated>(),
    PublishedType::as_part::<ApiKeyRevoked, identity::ApiKeyRevoked>(),
    PublishedType::as_part::<OAuthClientCreated, identity::OAuthClientCreated>(),
    PublishedType::of::<OAuthClientRevoked>(),
    PublishedType::of::<AccessTokenRevoked>(),
    PublishedType::as_part::<AppAllowed, identity::AppAllowed>(),
    PublishedType::as_part::<AppCodeRedeemed, identity::AppGrantExtended>(),
    PublishedType::as_part::<AppGrantRefreshed, identity::AppGrantExtended>(),
    PublishedType::as_part::<AppGrantEnded, identity::AppGrantEnded>(),
];

/// What the audit log may show of the events.
static SHOWN: &[Shown] = &[
    Shown::of::<OrganizationStateChanged>(&["state"]).state(&["state"]),
    Shown::of::<UserCreated>(&["roles"]).state(&["roles"]),
    Shown::of::<UserProvisioned>(&["roles"]).state(&["roles"]),
    Shown::of::<LoginLinked>(&["provider"]),
    Shown::of::<RolesChanged>(&["roles", "until", "projects"])
        .state(&["roles", "until", "projects"]),
    Shown::of::<DirectoryConnected>(&["name", "settings", "expires_at"]),
    Shown::of::<DirectoryUpdated>(&["name", "settings"]),
    Shown::of::<DirectoryRecordSet>(&["directory", "active"]),
    Shown::of::<DirectoryRecordRemoved>(&["directory"]),
    Shown::of::<ProfileChanged>(&["email_changed"]),
    Shown::of::<DirectoryGroupCreated>(&["display_name", "members"]),
    Shown::of::<DirectoryGroupChanged>(&["display_name", "added", "removed"]),
    Shown::of::<PasskeyAdded>(&["passkey"]),
    Shown::of::<PasskeyUsed>(&["passkey"]),
    Shown::of::<PasskeyCopied>(&["passkey", "kept", "shown"]),
    Shown::of::<PasskeyRemoved>(&["passkey"]),
    Shown::of::<AccessDecided>(&["user", "role", "project", "decision"]),
    Shown::of::<ReviewCompleted>(&["confirmed", "removed"]),
    Shown::of::<PasswordResetRequested>(&["expires_at"]),
    Shown::of::<EmailVerificationRequested>(&["expires_at"]),
    Shown::of::<MailSent>(&["mail"]),
    Shown::of::<InvitationSent>(&[
        "offer.roles",
        "offer.project",
        "offer.until",
        "by",
        "expires_at",
    ]),
    Shown::of::<InvitationAccepted>(&["user"]),
    Shown::of::<SessionStarted>(&["user", "authn.methods", "provider", "expires_at"]),
    Shown::of::<SessionEnded>(&["reason"]),
    Shown::of::<ApiKeyCreated>(&["user", "scopes", "expires_at"]),
    Shown::of::<ApiKeyRevoked>(&["reason"]),
    Shown::of::<OAuthClientCreated>(&["name", "roles", "scopes", "grant_types", "redirect_uris"]),
    Shown::of::<AppAllowed>(&["client", "user", "reach.about", "reach.scopes", "redirect_uri"]),
    Shown::of::<AppCodeRedeemed>(&["expires_at"]),
    Shown::of::<AppGrantEnded>(&["reason"]),
    Shown::of::<AccessTokenIssued>(&["token", "scopes", "expires_at"]),
    Shown::of::<AccessTokenRevoked>(&["token"]),
];

/// Sessions read from the read model at a time.
const PAGE: u64 = 10_000;

/// Why the subgraph does not start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The event store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The read models cannot be read.
    #[error(transparent)]
    Database(#[from] sea_orm::DbErr),
    /// A key cannot be had.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// Passwords cannot be hashed, or the file of breached ones is missing or malformed.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// A provider of identity cannot be used as it is set.
    #[error("{0}")]
    Provider(String),
    /// The set-up cannot be offered.
    #[error("{0}")]
    Prepare(ApiError),
}

/// Why nothing was done for whoever runs the server.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The input is not right: one sentence for each field.
    #[error("{}", .0.join(" "))]
    Input(Vec<String>),
    /// Something failed on our side.
    #[error(transparent)]
    Api(ApiError),
}

impl Refusal {
    fn of(failure: Failure) -> Self {
        match failure {
            Failure::Input(faults) => {
                Self::Input(faults.into_iter().map(|fault| fault.message).collect())
            }
            Failure::Api(error) => Self::Api(error),
        }
    }
}

/// What the process that runs the subgraph needs of it, besides the subgraph itself.
#[derive(Clone)]
pub struct Identity {
    core: Arc<Core>,
    keys: Arc<TokenKeys>,
    verifier: TokenVerifier,
    setup_token: Option<String>,
    election: Election,
    shutdown: CancellationToken,
}

impl Identity {
    /// Checks access tokens.
    pub fn verifier(&self) -> TokenVerifier {
        self.verifier.clone()
    }

    /// Reads the keys of access tokens anew, and makes the next one where it is time, as this process
    /// does by itself each minute.
    ///
    /// # Errors
    /// From the keyring.
    pub async fn renew_token_keys(&self) -> Result<(), KeyringError> {
        self.keys.renew().await?;
        self.verifier.take(&self.keys);
        Ok(())
    }

    /// The token of the one-time set-up address, while no organization exists: the same in every
    /// process and at every start. Only its hash is stored: show it now.
    pub fn setup_token(&self) -> Option<String> {
        self.setup_token.clone()
    }

    /// Fills the audit log from what these logs, its own among them, tell of their events, for as
    /// long as this process does identity's background work.
    pub fn keep_audit_log(&self, logs: Vec<Arc<dyn EventFeed>>) -> Background {
        let (store, election) = (self.core.store.clone(), self.election.clone());
        Box::pin(audit::keep(store, logs, election, self.shutdown.clone()))
    }

    /// Sends the audit log to another system, for as long as this process does identity's background
    /// work.
    pub fn stream_audit_log(&self, sink: Arc<dyn AuditSink>) -> Background {
        let (core, election) = (self.core.clone(), self.election.clone());
        Box::pin(audit_stream::keep(core, sink, election, self.shutdown.clone()))
    }

    /// Makes an organization and its owner. For whoever runs the server: no token is asked for.
    ///
    /// # Errors
    /// [`Refusal::Input`] with what to mend.
    pub async fn create_organization(&self, new: NewOrganization) -> Result<Founded, Refusal> {
        self.core.create_organization(new).await.map_err(Refusal::of)
    }

    /// Every organization, with the state that it is in. For whoever runs the server.
    ///
    /// # Errors
    /// From the store.
    pub async fn organizations(&self) -> Result<Vec<OrganizationListed>, Refusal> {
        self.core.organizations().await.map_err(Refusal::of)
    }

    /// Puts an organization into a state; `false` where it is in it already. For whoever runs the server.
    ///
    /// # Errors
    /// [`Refusal::Input`] where there is no such organization.
    pub async fn put_organization_into(
        &self,
        organization: TenantId,
        state: OrganizationState,
    ) -> Result<bool, Refusal> {
        self.core.put_organization_into(organization, state).await.map_err(Refusal::of)
    }

    /// Lets somebody in again who lost the password or the second factor: another password, no
    /// session, and no second factor if that is asked for. For whoever runs the server: nothing is
    /// asked of the person.
    ///
    /// # Errors
    /// [`Refusal::Input`] where there is no such account or the password will not do.
    pub async fn recover_account(
        &self,
        email: &str,
        password: &str,
        remove_second_factor: bool,
    ) -> Result<(), Refusal> {
        let recovered = self.core.recover_account(email, password, remove_second_factor).await;
        recovered.map_err(Refusal::of)
    }
}

/// Builds the subgraph. While no organization exists, it offers the set-up. Tries to sign in are
/// counted by `limits`. Without a `mailer` no mail is sent, and whoever asks for one is told so.
///
/// # Errors
/// [`BuildError`] with what does not work.
pub async fn build(
    deps: Deps,
    limits: Arc<dyn Limits>,
    mailer: Option<Arc<dyn Mailer>>,
) -> Result<(Subgraph, Identity), BuildError> {
    let Deps { env, database, keyring, policy, notices, config, leadership, .. } = deps;
    let (shutdown, drained) = (deps.shutdown, deps.drained);
    let people = Arc::new(People::new(keyring.clone()).await?);
    let inline: Vec<Arc<dyn Projection>> = vec![
        Arc::new(projections::organizations::Organizations),
        Arc::new(projections::users::Users::new(people.clone())),
        Arc::new(projections::invitations::Invitations::new(people.clone())),
        Arc::new(projections::logins::Logins::new(people.clone())),
        Arc::new(projections::factors::Factors),
        Arc::new(projections::passkeys::Passkeys::new(people.clone())),
        Arc::new(projections::sessions::Sessions),
        Arc::new(projections::reviews::Reviews),
        Arc::new(projections::api_keys::ApiKeys),
        Arc::new(projections::oauth_clients::OAuthClients),
        Arc::new(projections::directories::Directories),
        Arc::new(projections::directory_people::DirectoryPeople::new(people.clone())),
        Arc::new(projections::directory_groups::DirectoryGroups),
        Arc::new(projections::app_grants::AppGrants),
        Arc::new(projections::set_up::SetUps),
    ];
    let signer = Arc::new(keyring.signing_key("checkpoints").await?);
    let options = EventStoreOptions::new(database, NAME, env.clone())
        .inline(inline)
        .signer(signer)
        .origins(keyring.clone());
    let store = EventStore::open(options).await?;

    let token_seconds = i64::from(config.identity.access_token_seconds);
    let lifetimes = Lifetimes { token: token_seconds, key_days: config.identity.token_key_days };
    let keys = Arc::new(TokenKeys::open(keyring.clone(), lifetimes, env.clone()).await?);
    let issuer = config.public_url();
    let sessions = Arc::new(LiveSessions::default());
    let known_to = remember_live(&store, &sessions, &env).await?;
    sessions.reached(known_to);
    let feed: Arc<dyn EventFeed> = Arc::new(LogFeed::new(store.clone(), PUBLISHED));
    let verifier = TokenVerifier::new(&keys, &issuer, sessions.clone(), feed.clone(), env.clone());
    let (mail, resets) = MailDesk::new(limits.clone());
    let breached = config.identity.breached_passwords_file.as_deref();
    let core = Arc::new(Core {
        passwords: Passwords::new(env.clone(), breached)?,
        backoff: Backoff::new(limits.clone()),
        pace: Pace::new(limits),
        issuer: Issuer::new(keys.clone(), issuer.clone(), token_seconds, env.clone()),
        refresh_tokens: RefreshTokens::new(keyring.index_key("refresh").await?, env.clone()),
        app_tokens: AppTokens::open(&keyring, &env).await?,
        requests: Requests::new(keyring.index_key("app_request").await?, env.clone()),
        challenges: Challenges::new(keyring.index_key("challenge").await?),
        passkey_challenges: PasskeyChallenges::new(
            keyring.index_key("passkey_challenge").await?,
            env.clone(),
        ),
        relying_party: RelyingParty::of(&issuer),
        recovery_codes: RecoveryCodes::new(keyring.index_key("recovery").await?, env.clone()),
        mailed_tokens: MailedTokens::open(&keyring).await?,
        mail: mailer.is_some().then_some(mail),
        oidc: Providers::new(&config.oidc, &config.public_url(), &env)
            .map_err(BuildError::Provider)?,
        cookies: Cookies::new(keyring.index_key("oidc").await?, &config.public_url()),
        set_up_key: keyring.index_key("set_up").await?,
        session_seconds: i64::from(config.identity.session_seconds),
        api_key_days: config.identity.api_key_days,
        holding_roles: tokio::sync::Mutex::default(),
        env: env.clone(),
        store: store.clone(),
        policy,
        notices,
        people,
        sessions: sessions.clone(),
        verifier: verifier.clone(),
    });
    let setup_token = core.offer_set_up().await.map_err(prepare)?;

    let (election, campaign) = Election::of(&store, leadership, shutdown.clone());
    let erasures = commands::keep_erased(core.clone(), election.clone(), shutdown.clone());
    let resets = commands::keep_resets(core.clone(), resets, drained);
    let renew = tokens::keep_renewed(keys.clone(), verifier.clone(), shutdown.clone());
    let uses = tokens::keep_uses(store.clone(), sessions.clone(), shutdown.clone());
    let follow = tokens::follow(feed.clone(), known_to, sessions, env.clone(), shutdown.clone());
    let retention = retention::keep(
        keyring,
        env.clone(),
        config.audit.origin_days,
        election.clone(),
        shutdown.clone(),
    );
    let sending = mailer.map(|mailer| SendMail::new(core.clone(), mailer, config.public_url()));
    let (sending_from, sending_while, until) = (store.clone(), election.clone(), shutdown.clone());
    let subgraph = Subgraph {
        name: NAME,
        graphql: graphql::service(core.clone()),
        routes: routes(keys.clone())
            .merge(oidc::routes(core.clone()))
            .merge(scim::routes(core.clone()))
            .merge(oauth::routes(core.clone(), verifier.clone()))
            .merge(rest::routes(core.clone())),
        internal: tokens::internal_routes(keys.clone(), store.clone()),
        store,
        feed,
        shown: SHOWN,
        start: Box::new(move |_| {
            let mut background: Vec<Background> = vec![
                Box::pin(campaign),
                Box::pin(erasures),
                Box::pin(follow),
                Box::pin(renew),
                Box::pin(resets),
                Box::pin(retention),
                Box::pin(uses),
            ];
            if let Some(sending) = sending {
                background.push(send_mail(sending_from, sending, sending_while, until)?);
            }
            Ok(background)
        }),
    };
    Ok((subgraph, Identity { core, keys, verifier, setup_token, election, shutdown }))
}

/// Sends mails for what the log says, for as long as this process is elected.
fn send_mail(
    store: EventStore,
    sending: SendMail,
    election: Election,
    shutdown: CancellationToken,
) -> Result<Background, StoreError> {
    let feed = Arc::new(LogFeed::new(store.clone(), mail::ASKED));
    let options = ConsumerOptions::default();
    let (name, handler) = (SendMail::NAME, Arc::new(sending));
    let consumer = run_consumer(store, feed, name, handler, options, election, shutdown)?;
    Ok(Box::pin(async move { consumer.stopped().await }))
}

fn prepare(failure: Failure) -> BuildError {
    BuildError::Prepare(match failure {
        Failure::Api(error) => error,
        Failure::Input(faults) => ApiError::internal(format!("{faults:?}")),
    })
}

/// Fills what is known by heart of sessions, keys and roles; answers the position up to which it is complete.
async fn remember_live(
    store: &EventStore,
    sessions: &LiveSessions,
    env: &Env,
) -> Result<i64, BuildError> {
    // The position first: what is recorded meanwhile is told twice rather than never.
    let position = store.head();
    let now = env.now();
    for (user, roles) in projections::users::known_always(store).await? {
        sessions.roles_are(read_id(&user)?, roles, position);
    }
    for (organization, state) in projections::organizations::not_active(store).await? {
        sessions.organizations.is(organization, state, position);
    }
    for user in projections::users::suspended(store).await? {
        sessions.suspended_is(user, true, position);
    }
    let mut after: Option<String> = None;
    loop {
        let page = projections::api_keys::live_page(store, now, after.as_deref(), PAGE).await?;
        remember_roles(store, sessions, page.iter().map(|row| row.user.as_str()), position).await?;
        for row in &page {
            sessions.keys.add(tokens::known_key(row)?, now);
        }
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last.id);
    }
    after = None;
    loop {
        let page = projections::oauth_clients::live_page(store, after.as_deref(), PAGE).await?;
        for row in &page {
            sessions.clients.add(tokens::known_client(row)?);
        }
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last.id);
    }
    after = None;
    loop {
        let from = now.plus_seconds(-tokens::MARGIN);
        let page = projections::app_grants::live_page(store, from, after.as_deref(), PAGE).await?;
        remember_roles(store, sessions, page.iter().map(|row| row.user.as_str()), position).await?;
        for row in &page {
            sessions.grants.add(tokens::known_grant(row)?, now);
        }
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last.id);
    }
    for (token, until) in projections::oauth_clients::revoked_tokens(store, now).await? {
        sessions.clients.token_revoked(token, until, now);
    }
    after = None;
    loop {
        let page = projections::sessions::live_page(store, now, after.as_deref(), PAGE).await?;
        for row in &page {
            let until = studio_kernel::Timestamp::from_micros(row.expires_at);
            sessions.live(read_id(&row.id)?, until, now);
        }
        remember_roles(store, sessions, page.iter().map(|row| row.user.as_str()), position).await?;
        let Some(last) = page.into_iter().next_back() else { return Ok(position) };
        after = Some(last.id);
    }
}

/// Fills in what these people may do, as it was at a position.
async fn remember_roles<'a>(
    store: &EventStore,
    sessions: &LiveSessions,
    people: impl Iterator<Item = &'a str>,
    position: i64,
) -> Result<(), BuildError> {
    let people: BTreeSet<&str> = people.collect();
    for (user, roles) in projections::users::roles_of(store, people).await? {
        sessions.roles_are(read_id(&user)?, roles, position);
    }
    Ok(())
}

/// `GET /.well-known/jwks.json`: the keys by which anybody can check access tokens.
fn routes(keys: Arc<TokenKeys>) -> Router {
    let answer = move || async move {
        let headers = [
            (header::CONTENT_TYPE, "application/jwk-set+json"),
            (header::CACHE_CONTROL, "public, max-age=300"),
        ];
        (headers, keys.current().published.clone()).into_response()
    };
    Router::new().route("/.well-known/jwks.json", get(answer))
}

/// Asks a provider of identity what it says of itself, as a sign-in by it would.
///
/// # Errors
/// A sentence that says what is wrong.
pub async fn probe_provider(settings: &OidcProvider, env: &Env) -> Result<(), String> {
    let providers = Providers::new(std::slice::from_ref(settings), "", env)?;
    let provider = providers.of(&settings.name).map_err(|refused| refused.to_string())?;
    provider.probe().await.map_err(|refused| refused.to_string())
}

/// The federation SDL, without a store behind it.
pub fn sdl() -> String {
    graphql::sdl()
}
