//! What people allowed apps, between identity and the processes that check their tokens.

use std::collections::BTreeSet;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use studio_events::EventStore;
use studio_kernel::{Env, Id, Timestamp, kind};
use studio_service::{ApiError, internal::InternalClient};

use super::{
    KnownGrant, LiveSessions, RemoteError,
    known_roles::{KnownRoles, known_roles},
    live_grants::MARGIN,
    remote_pages::{self, Asked, page_if_told},
};
use crate::projections::{app_grants, read_id};

/// Grants on one page,
const PAGE: u64 = 5_000;
/// and a page of them in bytes, at most.
const LONGEST: usize = 4 << 20;
/// Where they are told.
const GRANTS: &str = "/internal/grants";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Page {
    /// Everything up to here is in it; more may be.
    position: i64,
    grants: Vec<KnownGrant>,
    /// What the people of these grants may do.
    roles: Vec<KnownRoles>,
}

/// A grant from its row.
pub(crate) fn known(row: &app_grants::Row) -> Result<KnownGrant, sea_orm::DbErr> {
    Ok(KnownGrant {
        grant: read_id(&row.id)?,
        tenant: read_id(&row.tenant)?,
        user: read_id(&row.user)?,
        client: read_id(&row.client)?,
        expires_at: Timestamp::from_micros(row.expires_at),
    })
}

/// `GET /internal/grants?after=`.
pub(super) async fn page(
    State(store): State<EventStore>,
    asked: Asked<kind::AppGrant>,
) -> Result<Json<Page>, ApiError> {
    let after = remote_pages::after(asked)?;
    // The position first: what is recorded meanwhile is told twice rather than never.
    let position = store.head();
    let from = store.env().now().plus_seconds(-MARGIN);
    let rows = app_grants::live_page(&store, from, after.as_deref(), PAGE).await?;
    let people: BTreeSet<&str> = rows.iter().map(|row| row.user.as_str()).collect();
    let roles = known_roles(&store, people).await?;
    let grants = rows.iter().map(known).collect::<Result<_, _>>()?;
    Ok(Json(Page { position, grants, roles }))
}

/// Reads all grants that go on; answers the position from which on the feed tells the rest, or `None`
/// where identity is of a version that has none.
pub(super) async fn fill(
    client: &InternalClient,
    live: &LiveSessions,
    env: &Env,
) -> Result<Option<i64>, RemoteError> {
    let mut position = None;
    let mut after: Option<Id<kind::AppGrant>> = None;
    loop {
        let page = page_if_told(client, GRANTS, after, LONGEST).await?;
        let Some(page): Option<Page> = page else { return Ok(None) };
        let from = *position.get_or_insert(page.position);
        for known in page.roles {
            live.roles_are(known.user, known.held(), page.position);
        }
        let Some(last) = page.grants.last() else { return Ok(Some(from)) };
        after = Some(last.grant);
        for grant in page.grants {
            live.grants.add(grant, env.now());
        }
    }
}
