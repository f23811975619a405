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
mod told;
pub mod webauthn;

use std::sync::Arc;

use axum::{Router, http::header, response::IntoResponse, routing::get};
use studio_events::{
    ConsumerOptions, Election, EventFeed, EventStore, EventStoreOptions, LogFeed, Projection,
    StoreError, run_consumer,
};
use studio_kernel::{Env, TenantId, published::identity::OrganizationState};
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
use mail::SendMail;
use oidc::{Cookies, Providers};
use pace::Pace;
use password::{PasswordError, Passwords};
use personal::People;
use tokens::{
    AppTokens, Challenges, Issuer, Lifetimes, LiveSessions, MailedTokens, PasskeyChallenges,
    RefreshTokens, Requests, TokenKeys,
};
use told::{PUBLISHED, SHOWN};
use webauthn::RelyingParty;

const NAME: &str = "identity";

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
        Arc::new(projections::teams::Teams),
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
    let known_to = tokens::remember(&store, &sessions, &env).await?;
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
