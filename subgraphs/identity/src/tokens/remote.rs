//! Checking access tokens in another process than identity's: the keys, the sessions that are
//! alive and what their people may do come over HTTP, and from then on the feed of identity's log
//! keeps the sessions and the roles.
//!
//! A session that was ended is refused about as soon as the feed brings it, within a second at the
//! most, and a change of roles counts as soon. While identity cannot be reached, what is known stays in force: the access tokens that
//! were given out go on to hold until they run out, ten minutes by default, and nobody new gets in.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::State,
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use studio_events::{EventFeed, EventStore};
use studio_kernel::{Env, Id, TenantId, Timestamp, kind, published::identity::OrganizationState};
use studio_service::{
    ApiError,
    feed::HttpFeed,
    internal::{CallError, InternalClient},
};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    LiveSessions, TokenKeys, TokenVerifier,
    follow::follow,
    known_roles::KnownRoles,
    remote_clients, remote_grants, remote_keys,
    remote_pages::{self, Asked},
    verifier::Keys,
};
use crate::projections::{organizations, read_id, sessions, users};

/// Sessions on one page.
const PAGE: u64 = 10_000;
/// A page of them in bytes, at most.
const LONGEST: usize = 16 << 20;
/// How often the keys are read anew.
const KEYS_EVERY: Duration = Duration::from_secs(300);
/// How soon they are read again after that, whatever tokens come.
const KEYS_AGAIN: Duration = Duration::from_secs(5);

/// Why another process's identity cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It cannot be reached, or refuses.
    #[error(transparent)]
    Call(#[from] CallError),
    /// It answers what cannot be read: is it another version of Studio?
    #[error("identity at {replica} answers what this version of Studio cannot read: {cause}")]
    Answer {
        /// Which of its addresses.
        replica: String,
        /// What is wrong.
        cause: String,
    },
}

impl RemoteError {
    /// Whether identity answers nothing at that path: it is of an older version.
    pub(super) fn is_no_such_path(&self) -> bool {
        matches!(self, Self::Call(CallError::Refused { status: 404, .. }))
    }
}

/// Checks access tokens away from identity. What it follows ends when it is dropped.
#[derive(Debug)]
pub struct RemoteVerifier {
    verifier: TokenVerifier,
    _stop: DropGuard,
}

impl RemoteVerifier {
    /// Asks identity for its keys and the sessions that are alive, and follows it from then on.
    /// `issuer` is the public address of the installation, as in identity's own configuration.
    ///
    /// # Errors
    /// [`RemoteError`]: nothing is known then, and nobody could sign in.
    pub async fn connect(
        client: InternalClient,
        issuer: &str,
        env: Env,
    ) -> Result<Self, RemoteError> {
        let keys = keys(&client).await?;
        let live = Arc::new(LiveSessions::default());
        let sessions = fill(&client, &live, &env).await?;
        let keys_known = remote_keys::fill(&client, &live, &env).await?;
        let clients_known = remote_clients::fill(&client, &live, &env).await?;
        let grants_known = remote_grants::fill(&client, &live, &env).await?;
        let known = [Some(sessions), keys_known, clients_known, grants_known];
        let position = known.into_iter().flatten().min().unwrap_or(sessions);
        live.reached(position);
        let feed: Arc<dyn EventFeed> = HttpFeed::new(client.clone());
        let verifier =
            TokenVerifier::with_keys(keys, issuer, live.clone(), feed.clone(), env.clone());
        let stop = CancellationToken::new();
        tokio::spawn(remote_keys::tell_uses(client.clone(), live.clone(), stop.clone()));
        tokio::spawn(follow(feed, position, live, env, stop.clone()));
        tokio::spawn(renew_keys(client, verifier.clone(), stop.clone()));
        Ok(Self { verifier, _stop: stop.drop_guard() })
    }

    /// Checks tokens for as long as `self` lives.
    pub fn verifier(&self) -> TokenVerifier {
        self.verifier.clone()
    }
}

async fn keys(client: &InternalClient) -> Result<Keys, RemoteError> {
    let body = client.get("/internal/jwks", &[], LONGEST, Duration::ZERO).await?;
    let read = || -> Option<Keys> {
        let set: Value = serde_json::from_slice(&body.bytes).ok()?;
        let keys = set.get("keys")?.as_array()?.iter().map(|key| {
            let bytes = URL_SAFE_NO_PAD.decode(key.get("x")?.as_str()?).ok()?;
            Some((key.get("kid")?.as_str()?.to_owned(), DecodingKey::from_ed_der(&bytes)))
        });
        keys.collect()
    };
    read().filter(|keys| !keys.is_empty()).ok_or_else(|| RemoteError::Answer {
        replica: body.replica.clone(),
        cause: "its keys are no JWK set".to_owned(),
    })
}

/// Reads the keys anew now and then, and when a token names one that is not known.
async fn renew_keys(client: InternalClient, verifier: TokenVerifier, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(KEYS_EVERY) => {}
            () = verifier.unknown_key() => {}
        }
        match keys(&client).await {
            Ok(keys) => verifier.set_keys(keys),
            Err(error) => tracing::warn!(%error, "the keys of access tokens cannot be read anew"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(KEYS_AGAIN) => {}
        }
    }
}

/// Reads all sessions that are alive; answers the position from which on the feed tells the rest.
async fn fill(client: &InternalClient, live: &LiveSessions, env: &Env) -> Result<i64, RemoteError> {
    let mut position = None;
    let mut after: Option<Id<kind::Session>> = None;
    loop {
        let page: Page = remote_pages::page(client, "/internal/sessions", after, LONGEST).await?;
        // That of the first page: what happens between two pages is told by the feed.
        let from = *position.get_or_insert(page.position);
        for known in page.roles {
            live.roles_are(known.user, known.held(), page.position);
        }
        for user in page.suspended {
            live.suspended_is(user, true, page.position);
        }
        for (organization, state) in page.organizations {
            live.organizations.is(organization, state, page.position);
        }
        let Some(last) = page.sessions.last() else { return Ok(from) };
        after = Some(last.session);
        for session in &page.sessions {
            live.live(session.session, session.expires_at, env.now());
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Page {
    /// Everything up to here is in it; more may be.
    position: i64,
    sessions: Vec<Entry>,
    /// What the people of these sessions may do. An older version of Studio does not say it, and
    /// changes no roles.
    #[serde(default)]
    roles: Vec<KnownRoles>,
    /// On the first page, everybody who is suspended. An older version of Studio suspends nobody.
    #[serde(default)]
    suspended: Vec<Id<kind::User>>,
    /// On the first page, the organizations that are not active. To an older version of Studio all are.
    #[serde(default)]
    organizations: Vec<(TenantId, OrganizationState)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    session: Id<kind::Session>,
    expires_at: Timestamp,
}

/// What identity serves to the others besides its feed: `GET /internal/jwks`,
/// `GET /internal/sessions?after=`, `GET /internal/clients?after=`, `GET /internal/grants?after=`,
/// `GET /internal/keys?after=` and `POST /internal/keys/uses`.
pub(crate) fn internal_routes(keys: Arc<TokenKeys>, store: EventStore) -> Router {
    let keys = move || std::future::ready(keys.current().published.clone());
    Router::new()
        .route("/internal/jwks", get(keys))
        .route("/internal/sessions", get(page).with_state(store.clone()))
        .route("/internal/clients", get(remote_clients::page).with_state(store.clone()))
        .route("/internal/grants", get(remote_grants::page).with_state(store.clone()))
        .route("/internal/keys", get(remote_keys::page).with_state(store.clone()))
        .route("/internal/keys/uses", post(remote_keys::take).with_state(store))
}

async fn page(
    State(store): State<EventStore>,
    asked: Asked<kind::Session>,
) -> Result<Json<Page>, ApiError> {
    let after = remote_pages::after(asked)?;
    // The position first: what is recorded meanwhile is told twice rather than never.
    let position = store.head();
    let now = store.env().now();
    let rows = sessions::live_page(&store, now, after.as_deref(), PAGE).await?;
    let people: BTreeSet<&str> = rows.iter().map(|row| row.user.as_str()).collect();
    let mut held = users::roles_of(&store, people).await?;
    let (mut suspended, mut states) = (Vec::new(), Vec::new());
    if after.is_none() {
        held.extend(users::known_always(&store).await?);
        suspended = users::suspended(&store).await?;
        states = organizations::not_active(&store).await?;
    }
    let roles = KnownRoles::all(held)?;
    let sessions = rows
        .iter()
        .map(|row| {
            let expires_at = Timestamp::from_micros(row.expires_at);
            Ok(Entry { session: read_id(&row.id)?, expires_at })
        })
        .collect::<Result<_, sea_orm::DbErr>>()?;
    Ok(Json(Page { position, sessions, roles, suspended, organizations: states }))
}
