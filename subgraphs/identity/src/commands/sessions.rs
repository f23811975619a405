//! How sessions end.

use studio_access::Resource;
use studio_events::Metadata;
use studio_kernel::{Actor, Id, Principal, TenantId, kind};
use studio_service::ApiError;

use super::{Core, Failure, Request, users::metadata};
use crate::{
    domain::session::{EndReason, Session},
    projections::{read_id, sessions},
};

/// Sessions ended at a time.
const PAGE: u64 = 100;

impl Core {
    /// Signs the actor out: the session that the access token belongs to ends at once.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn log_out(&self, actor: &Actor, request: Request) -> Result<(), Failure> {
        let (user, session) = self.own_session(actor)?;
        let resource = Resource::one("Session", session, actor.tenant).owned_by(user);
        let scope = self.policy.require(actor, "identity:session:revoke", &resource)?;
        let metadata = metadata(actor, &request);
        self.end_session(scope.tenant(), session, EndReason::LogOut, &metadata).await
    }

    /// Ends a session, of one's own or, for an owner or an admin, of anybody in the organization.
    ///
    /// # Errors
    /// `NOT_FOUND` for a session that the actor cannot see.
    pub(crate) async fn revoke_session(
        &self,
        actor: &Actor,
        session: Id<kind::Session>,
        request: Request,
    ) -> Result<(), Failure> {
        let missing = || ApiError::not_found("session", session);
        let row = sessions::find(&self.store, actor.tenant, session).await?.ok_or_else(missing)?;
        let owner = read_id(&row.user)?;
        let resource = Resource::one("Session", session, actor.tenant).owned_by(owner);
        // Somebody else's session does not exist for those who may not see it.
        let scope = match self.policy.require(actor, "identity:session:revoke", &resource) {
            Ok(scope) => scope,
            Err(denied) if actor.principal.is_program() => return Err(denied.into()),
            Err(_) => return Err(missing().into()),
        };
        let metadata = metadata(actor, &request);
        self.end_session(scope.tenant(), session, EndReason::Revoked, &metadata).await
    }

    /// Ends all sessions of the actor but the one that asks; answers how many.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn end_other_sessions(
        &self,
        actor: &Actor,
        request: Request,
    ) -> Result<u32, Failure> {
        let (user, session) = self.own_session(actor)?;
        let resource = Resource::any("Session", actor.tenant).owned_by(user);
        let scope = self.policy.require(actor, "identity:session:revoke", &resource)?;
        let metadata = metadata(actor, &request);
        let but = Some(session);
        self.end_sessions(scope.tenant(), user, but, EndReason::Revoked, &metadata).await
    }

    /// Who is signed in, and where. A program has no session, and the policies say so.
    fn own_session(&self, actor: &Actor) -> Result<(Id<kind::User>, Id<kind::Session>), Failure> {
        if let Principal::User { user, session } = actor.principal {
            return Ok((user, session));
        }
        let resource = Resource::any("Session", actor.tenant);
        let _none_to_end = self.policy.require(actor, "identity:session:revoke", &resource)?;
        Err(ApiError::unauthenticated().into())
    }

    pub(super) async fn end_session(
        &self,
        tenant: TenantId,
        session: Id<kind::Session>,
        reason: EndReason,
        metadata: &Metadata,
    ) -> Result<(), Failure> {
        self.store
            .execute::<Session, Failure>(tenant, &session.to_string(), metadata, |state, _| {
                Ok(state.end(session, reason))
            })
            .await?;
        self.sessions.ended(session, self.env.now());
        Ok(())
    }

    /// Ends every session of a person, but for one of them.
    pub(super) async fn end_sessions(
        &self,
        tenant: TenantId,
        user: Id<kind::User>,
        but: Option<Id<kind::Session>>,
        reason: EndReason,
        metadata: &Metadata,
    ) -> Result<u32, Failure> {
        let mut ended = 0;
        loop {
            let now = self.env.now();
            let live = sessions::live_of(&self.store, tenant, user, now, None, PAGE).await?;
            let mut others = 0;
            for row in live {
                let session = read_id(&row.id)?;
                if Some(session) != but {
                    self.end_session(tenant, session, reason, metadata).await?;
                    others += 1;
                }
            }
            if others == 0 {
                return Ok(ended);
            }
            ended += others;
        }
    }
}
