//! The API keys, between identity and the processes that check them: all that hold, a page at a time,
//! and back from there when they were used.

use std::{collections::BTreeSet, sync::Arc};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use studio_events::EventStore;
use studio_kernel::{Code, Env, Id, Timestamp, kind};
use studio_service::{ApiError, internal::InternalClient};
use tokio_util::sync::CancellationToken;

use super::{
    KnownKey, LiveSessions, RemoteError, Use,
    known_roles::{KnownRoles, known_roles},
    remote_pages::{self, Asked, page_if_told},
};
use crate::projections::{
    api_keys::{self, read_scopes},
    read_id,
};

/// Keys on one page,
const PAGE: u64 = 2_000;
/// and a page of them in bytes, at most: each has twenty scopes of eighty characters at most.
const LONGEST: usize = 8 << 20;
/// Where they are told,
const KEYS: &str = "/internal/keys";
/// and where their uses are.
const USES: &str = "/internal/keys/uses";
/// Uses that are taken at a time.
const MOST_USES: usize = 10_000;

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Page {
    /// Everything up to here is in it; more may be.
    position: i64,
    keys: Vec<KnownKey>,
    /// What the people of these keys may do.
    roles: Vec<KnownRoles>,
}

/// A key from its row.
pub(crate) fn known(row: &api_keys::Row) -> Result<KnownKey, sea_orm::DbErr> {
    Ok(KnownKey {
        key: read_id(&row.id)?,
        tenant: read_id(&row.tenant)?,
        user: read_id(&row.user)?,
        scopes: read_scopes(&row.scopes),
        secret_hash: row.secret_hash.clone(),
        expires_at: Timestamp::from_micros(row.expires_at),
    })
}

/// `GET /internal/keys?after=`.
pub(super) async fn page(
    State(store): State<EventStore>,
    asked: Asked<kind::ApiKey>,
) -> Result<Json<Page>, ApiError> {
    let after = remote_pages::after(asked)?;
    // The position first: what is recorded meanwhile is told twice rather than never.
    let position = store.head();
    let rows = api_keys::live_page(&store, store.env().now(), after.as_deref(), PAGE).await?;
    let people: BTreeSet<&str> = rows.iter().map(|row| row.user.as_str()).collect();
    let roles = known_roles(&store, people).await?;
    let keys = rows.iter().map(known).collect::<Result<_, _>>()?;
    Ok(Json(Page { position, keys, roles }))
}

/// Reads all keys that hold; answers the position from which on the feed tells the rest, or `None`
/// where identity is of a version that has no keys.
pub(super) async fn fill(
    client: &InternalClient,
    live: &LiveSessions,
    env: &Env,
) -> Result<Option<i64>, RemoteError> {
    let mut position = None;
    let mut after: Option<Id<kind::ApiKey>> = None;
    loop {
        let page = page_if_told(client, KEYS, after, LONGEST).await?;
        let Some(page): Option<Page> = page else { return Ok(None) };
        let from = *position.get_or_insert(page.position);
        for known in page.roles {
            live.roles_are(known.user, known.held(), page.position);
        }
        let Some(last) = page.keys.last() else { return Ok(Some(from)) };
        after = Some(last.key);
        for key in page.keys {
            live.keys.add(key, env.now());
        }
    }
}

/// `POST /internal/keys/uses`.
pub(super) async fn take(
    State(store): State<EventStore>,
    Json(uses): Json<Vec<Use>>,
) -> Result<Json<usize>, ApiError> {
    if uses.len() > MOST_USES {
        let message = format!("{} uses at once: send {MOST_USES} at most.", uses.len());
        return Err(ApiError::new(Code::BadRequest, message));
    }
    note(&store, &uses).await?;
    Ok(Json(uses.len()))
}

async fn note(store: &EventStore, uses: &[Use]) -> Result<(), ApiError> {
    let tx = store.begin_beside().await?;
    for used in uses {
        api_keys::note_use(&tx, used.tenant, used.key, used.at).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Writes down when keys were used in this process, until `shutdown`.
pub(crate) async fn keep_uses(
    store: EventStore,
    live: Arc<LiveSessions>,
    shutdown: CancellationToken,
) {
    loop {
        let uses = tokio::select! {
            () = shutdown.cancelled() => return,
            uses = live.keys.take_uses() => uses,
        };
        if let Err(error) = note(&store, &uses).await {
            tracing::warn!(%error, "when keys were used is not written down for now");
        }
    }
}

/// Tells identity when keys were used in this process, until `stop`.
pub(super) async fn tell_uses(
    client: InternalClient,
    live: Arc<LiveSessions>,
    stop: CancellationToken,
) {
    loop {
        let uses = tokio::select! {
            () = stop.cancelled() => return,
            uses = live.keys.take_uses() => uses,
        };
        for some in uses.chunks(MOST_USES) {
            let told = match serde_json::to_value(some) {
                Ok(json) => client.post(USES, &json, 1024).await.map_err(|error| error.to_string()),
                Err(error) => Err(error.to_string()),
            };
            if let Err(error) = told {
                tracing::warn!(error, "when keys were used is not written down for now");
            }
        }
    }
}
