//! The programs of organizations, between identity and the processes that check their tokens.

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use studio_events::EventStore;
use studio_kernel::{Env, Id, Timestamp, kind};
use studio_service::{ApiError, internal::InternalClient};

use super::{
    KnownClient, LiveSessions, RemoteError,
    remote_pages::{self, Asked, page_if_told},
};
use crate::projections::{api_keys::read_scopes, oauth_clients, read_id, users::read_roles};

/// Programs on one page,
const PAGE: u64 = 2_000;
/// and a page in bytes, at most, with all tokens that were given back lately.
const LONGEST: usize = 48 << 20;
/// Where they are told.
const CLIENTS: &str = "/internal/clients";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Page {
    /// Everything up to here is in it; more may be.
    position: i64,
    clients: Vec<KnownClient>,
    /// On the first page, tokens that were given back, and until when they would hold.
    revoked: Vec<(Id<kind::AccessToken>, Timestamp)>,
}

/// A program from its row.
pub(crate) fn known(row: &oauth_clients::Row) -> Result<KnownClient, sea_orm::DbErr> {
    Ok(KnownClient {
        client: read_id(&row.id)?,
        tenant: read_id(&row.tenant)?,
        roles: read_roles(&row.roles),
        scopes: read_scopes(&row.scopes),
        secret_hash: row.secret_hash.clone(),
        grant_types: oauth_clients::read_grants(&row.grant_types),
        redirect_uris: oauth_clients::read_redirect_uris(&row.redirect_uris),
    })
}

/// `GET /internal/clients?after=`.
pub(super) async fn page(
    State(store): State<EventStore>,
    asked: Asked<kind::OAuthClient>,
) -> Result<Json<Page>, ApiError> {
    let after = remote_pages::after(asked)?;
    // The position first: what is recorded meanwhile is told twice rather than never.
    let position = store.head();
    let rows = oauth_clients::live_page(&store, after.as_deref(), PAGE).await?;
    let revoked = match after {
        None => oauth_clients::revoked_tokens(&store, store.env().now()).await?,
        Some(_) => Vec::new(),
    };
    let clients = rows.iter().map(known).collect::<Result<_, _>>()?;
    Ok(Json(Page { position, clients, revoked }))
}

/// Reads all programs that have access; answers the position from which on the feed tells the rest, or
/// `None` where identity is of a version that knows none.
pub(super) async fn fill(
    client: &InternalClient,
    live: &LiveSessions,
    env: &Env,
) -> Result<Option<i64>, RemoteError> {
    let mut position = None;
    let mut after: Option<Id<kind::OAuthClient>> = None;
    loop {
        let page = page_if_told(client, CLIENTS, after, LONGEST).await?;
        let Some(page): Option<Page> = page else { return Ok(None) };
        let from = *position.get_or_insert(page.position);
        for (token, until) in page.revoked {
            live.clients.token_revoked(token, until, env.now());
        }
        let Some(last) = page.clients.last() else { return Ok(Some(from)) };
        after = Some(last.client);
        for known in page.clients {
            live.clients.add(known);
        }
    }
}
