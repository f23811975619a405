//! Fills what is known by heart at the start of identity's own process, from its read models.

use std::collections::BTreeSet;

use sea_orm::DbErr;
use studio_events::EventStore;
use studio_kernel::{Env, Timestamp};

use super::{LiveSessions, MARGIN, known_client, known_grant, known_key};
use crate::projections::{
    api_keys, app_grants, oauth_clients, organizations, read_id, sessions as session_rows, users,
};

/// Sessions read from the read model at a time.
const PAGE: u64 = 10_000;

/// Fills what is known by heart of sessions, keys and roles; answers the position up to which it is complete.
pub(crate) async fn remember(
    store: &EventStore,
    sessions: &LiveSessions,
    env: &Env,
) -> Result<i64, DbErr> {
    // The position first: what is recorded meanwhile is told twice rather than never.
    let position = store.head();
    let now = env.now();
    for (user, roles) in users::known_always(store).await? {
        sessions.roles_are(read_id(&user)?, roles, position);
    }
    for (organization, state) in organizations::not_active(store).await? {
        sessions.organizations.is(organization, state, position);
    }
    for user in users::suspended(store).await? {
        sessions.suspended_is(user, true, position);
    }
    let mut after: Option<String> = None;
    loop {
        let page = api_keys::live_page(store, now, after.as_deref(), PAGE).await?;
        remember_roles(store, sessions, page.iter().map(|row| row.user.as_str()), position).await?;
        for row in &page {
            sessions.keys.add(known_key(row)?, now);
        }
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last.id);
    }
    after = None;
    loop {
        let page = oauth_clients::live_page(store, after.as_deref(), PAGE).await?;
        for row in &page {
            sessions.clients.add(known_client(row)?);
        }
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last.id);
    }
    after = None;
    loop {
        let from = now.plus_seconds(-MARGIN);
        let page = app_grants::live_page(store, from, after.as_deref(), PAGE).await?;
        remember_roles(store, sessions, page.iter().map(|row| row.user.as_str()), position).await?;
        for row in &page {
            sessions.grants.add(known_grant(row)?, now);
        }
        let Some(last) = page.into_iter().next_back() else { break };
        after = Some(last.id);
    }
    for (token, until) in oauth_clients::revoked_tokens(store, now).await? {
        sessions.clients.token_revoked(token, until, now);
    }
    after = None;
    loop {
        let page = session_rows::live_page(store, now, after.as_deref(), PAGE).await?;
        for row in &page {
            let until = Timestamp::from_micros(row.expires_at);
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
) -> Result<(), DbErr> {
    let people: BTreeSet<&str> = people.collect();
    for (user, roles) in users::roles_of(store, people).await? {
        sessions.roles_are(read_id(&user)?, roles, position);
    }
    Ok(())
}
