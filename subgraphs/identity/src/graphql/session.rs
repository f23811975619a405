//! Sessions.

use async_graphql::{Context, Enum, ID, Object};
use chrono::{DateTime, Utc};
use studio_access::Resource;
use studio_kernel::{AuthnMethod, Id, Origin, Principal, Timestamp, kind};
use studio_service::graphql::{actor, gql, id};

use super::core;
use crate::projections::{
    read_id,
    sessions::{self, Row, read_methods},
};

/// A place where a person is signed in.
pub(super) struct Session(pub Row);

/// A place where a person is signed in.
#[Object]
impl Session {
    /// The id, `ses_…`.
    async fn id(&self) -> ID {
        ID(self.0.id.clone())
    }

    /// When the person signed in.
    async fn created_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.created_at).to_datetime()
    }

    /// When its tokens were last renewed.
    async fn refreshed_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.refreshed_at).to_datetime()
    }

    /// When it ends unless its tokens are renewed before.
    async fn expires_at(&self) -> DateTime<Utc> {
        Timestamp::from_micros(self.0.expires_at).to_datetime()
    }

    /// When it was ended; null while it goes on.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at.map(|at| Timestamp::from_micros(at).to_datetime())
    }

    /// How the person signed in; empty for a session that began before this was kept.
    async fn methods(&self) -> Vec<SignInMethod> {
        read_methods(&self.0.methods).into_iter().map(SignInMethod::from).collect()
    }

    /// The network address from which the person signed in or, later, last renewed the tokens. Null where it is
    /// not known, or not kept any more.
    async fn address(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        Ok(self.origin(ctx).await?.map(|origin| origin.address.to_string()))
    }

    /// What the browser or program calls itself that did so.
    async fn user_agent(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<String>> {
        let agent = self.origin(ctx).await?.and_then(|origin| origin.agent);
        Ok(agent.map(|agent| agent.to_string()))
    }

    /// Whether it is the session that this request belongs to.
    async fn current(&self, ctx: &Context<'_>) -> async_graphql::Result<bool> {
        Ok(match &actor(ctx)?.principal {
            Principal::User { session, .. } => session.to_string() == self.0.id,
            _ => false,
        })
    }
}

impl Session {
    async fn origin(&self, ctx: &Context<'_>) -> async_graphql::Result<Option<Origin>> {
        let Some(sealed) = &self.0.origin else { return Ok(None) };
        let tenant = read_id(&self.0.tenant).map_err(gql)?;
        core(ctx)?.people.open_origin(tenant, sealed).await.map_err(gql)
    }
}

/// A way to prove who one is (RFC 8176).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "AuthnMethod")]
enum SignInMethod {
    /// A password.
    Pwd,
    /// A one-time code: of an app, or a recovery code.
    Otp,
    /// A passkey.
    Pop,
    /// The passkey was unlocked by a PIN, a finger or a face: that is more than one factor.
    Mfa,
}

/// Queries about sessions.
#[derive(Default)]
pub(super) struct SessionQuery;

#[Object]
impl SessionQuery {
    /// Resolves a reference from another subgraph.
    #[graphql(entity)]
    async fn find_session_by_id(
        &self,
        ctx: &Context<'_>,
        #[graphql(key)] id: ID,
    ) -> async_graphql::Result<Option<Session>> {
        find(ctx, self::id(&id)?).await
    }
}

/// A session that the actor may see; others do not exist.
pub(super) async fn find(
    ctx: &Context<'_>,
    session: Id<kind::Session>,
) -> async_graphql::Result<Option<Session>> {
    let (core, actor) = (core(ctx)?, actor(ctx)?);
    let row = sessions::find(&core.store, actor.tenant, session).await.map_err(gql)?;
    let Some(row) = row else { return Ok(None) };
    let resource =
        Resource::one("Session", session, actor.tenant).owned_by(read_id(&row.user).map_err(gql)?);
    let allowed = core.policy.require(actor, "identity:session:read", &resource).is_ok();
    Ok(allowed.then_some(Session(row)))
}
