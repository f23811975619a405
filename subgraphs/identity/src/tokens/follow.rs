//! Keeps the sessions, keys and roles that are known by heart, by the feed of identity's log: in its own process
//! and in others, with what every process records.

use std::{sync::Arc, time::Duration};

use studio_events::EventFeed;
use studio_kernel::{
    Env,
    published::{
        CloudEvent,
        identity::{
            AccessTokenRevoked, ApiKeyCreated, ApiKeyRevoked, AppAllowed, AppGrantEnded,
            AppGrantExtended, OAuthClientCreated, OAuthClientRevoked, OrganizationStateChanged,
            RolesChanged, SessionEnded, SessionExtended, UserReactivated, UserSuspended,
        },
    },
};
use tokio_util::sync::CancellationToken;

use super::{KnownClient, KnownGrant, KnownKey, LiveSessions};

/// Events read at a time.
const PAGE: usize = 1_000;
/// How often to look without being woken: the end of a session is noticed about that soon at the
/// latest.
const POLL: Duration = Duration::from_millis(500);

/// Takes in what is published after `position`, until `shutdown`.
pub(crate) async fn follow(
    feed: Arc<dyn EventFeed>,
    mut position: i64,
    sessions: Arc<LiveSessions>,
    env: Env,
    shutdown: CancellationToken,
) {
    let mut wake = feed.wake();
    let mut failing = false;
    loop {
        wake.borrow_and_update();
        let page = tokio::select! {
            () = shutdown.cancelled() => return,
            page = feed.read(position, PAGE) => page,
        };
        let before = position;
        match page {
            Ok(page) => {
                if std::mem::take(&mut failing) {
                    tracing::info!("the sessions are followed again");
                }
                for event in &page.events {
                    take(event, &sessions, &env);
                }
                position = page.scanned_to;
                sessions.reached(position);
            }
            Err(error) if !failing => {
                failing = true;
                tracing::error!(%error, "sessions ended elsewhere are not noticed for now");
            }
            Err(_) => {}
        }
        if position == before {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
                // A feed that wakes nobody any more is looked at now and then.
                Ok(()) = wake.changed() => {}
            }
        }
    }
}

fn take(event: &CloudEvent, sessions: &LiveSessions, env: &Env) {
    let taken = if let Some(extended) = event.read::<SessionExtended>() {
        extended.map(|it| sessions.live(it.session, it.expires_at, env.now()))
    } else if let Some(ended) = event.read::<SessionEnded>() {
        ended.map(|it| sessions.ended(it.session, env.now()))
    } else if let Some(changed) = event.read::<RolesChanged>() {
        changed.map(|it| {
            sessions.roles_are(it.user, it.held(), event.position);
        })
    } else if let Some(suspended) = event.read::<UserSuspended>() {
        suspended.map(|it| sessions.suspended_is(it.user, true, event.position))
    } else if let Some(reactivated) = event.read::<UserReactivated>() {
        reactivated.map(|it| sessions.suspended_is(it.user, false, event.position))
    } else if let Some(changed) = event.read::<OrganizationStateChanged>() {
        changed.map(|it| sessions.organizations.is(event.tenant, it.state, event.position))
    } else if let Some(created) = event.read::<ApiKeyCreated>() {
        created.map(|it| {
            // The roles first: a key whose person is not known opens nothing.
            sessions.roles_were(it.user, it.roles, event.position);
            let key = KnownKey {
                key: it.key,
                tenant: event.tenant,
                user: it.user,
                scopes: it.scopes,
                secret_hash: it.secret_hash,
                expires_at: it.expires_at,
            };
            sessions.keys.add(key, env.now());
        })
    } else if let Some(revoked) = event.read::<ApiKeyRevoked>() {
        revoked.map(|it| sessions.keys.revoked(it.key))
    } else if let Some(created) = event.read::<OAuthClientCreated>() {
        created.map(|it| {
            sessions.clients.add(KnownClient {
                client: it.client,
                tenant: event.tenant,
                roles: it.roles,
                scopes: it.scopes,
                secret_hash: it.secret_hash,
                grant_types: it.grant_types,
                redirect_uris: it.redirect_uris,
            });
        })
    } else if let Some(revoked) = event.read::<OAuthClientRevoked>() {
        revoked.map(|it| sessions.clients.revoked(it.client))
    } else if let Some(allowed) = event.read::<AppAllowed>() {
        allowed.map(|it| {
            // The roles first, as of a key.
            sessions.roles_were(it.user, it.roles, event.position);
            let (grant, user, client, expires_at) = (it.grant, it.user, it.client, it.expires_at);
            let known = KnownGrant { grant, tenant: event.tenant, user, client, expires_at };
            sessions.grants.add(known, env.now());
        })
    } else if let Some(extended) = event.read::<AppGrantExtended>() {
        extended.map(|it| sessions.grants.extended(it.grant, it.expires_at))
    } else if let Some(ended) = event.read::<AppGrantEnded>() {
        ended.map(|it| sessions.grants.ended(it.grant, env.now()))
    } else if let Some(revoked) = event.read::<AccessTokenRevoked>() {
        revoked.map(|it| sessions.clients.token_revoked(it.token, it.expires_at, env.now()))
    } else {
        Ok(())
    };
    if let Err(error) = taken {
        tracing::error!(%error, position = event.position, "an event of a session does not read");
    }
}
