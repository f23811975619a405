//! How the `studio` command gets a session of a person who lets it, in their browser.

use studio_events::{Append, AppendError, ExecuteError, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, Id, kind};

use super::{
    CodeShown, Core, Failure, NotIssued, Request, SignedIn,
    apps::{CODE_SECONDS, request_over},
};
use crate::{
    domain::session::{PresentedCode, Session, SessionEvent, SessionOffered, SessionOver},
    projections::users,
    tokens::{SealedRequest, challenge_of},
};

impl Core {
    /// Offers a session to the command, which the person has just allowed; answers where to go on, with a code
    /// for it. The session is the one that the request was made for, so that it begins once.
    ///
    /// # Errors
    /// [`Failure::Input`] where the request was answered before.
    pub(super) async fn offer_session(
        &self,
        actor: &Actor,
        (user, by): (Id<kind::User>, Id<kind::Session>),
        asked: SealedRequest,
        metadata: Metadata,
    ) -> Result<String, Failure> {
        let tenant = actor.tenant;
        let session: Id<kind::Session> = Id::from_uuid(asked.grant.uuid());
        let code = self.app_tokens.codes.make(tenant, session, 0);
        let offered = SessionOffered {
            session,
            user,
            by,
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge,
            code_hash: code.hash(),
            authn: actor.authn.clone(),
            expires_at: self.env.now().plus_seconds(CODE_SECONDS),
        };
        let stream = StreamAppend::of::<Session>(
            session.to_string(),
            Expected::NoStream,
            vec![offered.into()],
        )?;
        match self.store.append(Append::new(tenant, metadata, vec![stream])).await {
            Err(AppendError::Conflict { .. }) => return Err(request_over().into()),
            recorded => recorded?,
        };
        let code = self.app_tokens.codes.write(&code);
        Ok(self.answer(&asked.redirect_uri, asked.state.as_deref(), &[("code", &code)]))
    }

    /// Exchanges the code of the command for its session. One that comes a second time ends it.
    ///
    /// # Errors
    /// [`NotIssued::Over`] with one answer for every cause.
    pub(crate) async fn take_up_session(
        &self,
        shown: CodeShown<'_>,
        request: Request,
    ) -> Result<SignedIn, NotIssued> {
        let code = self.app_tokens.codes.read(shown.code).ok_or(NotIssued::Over)?;
        let (tenant, session): (_, Id<kind::Session>) = (code.tenant, code.of());
        let stream = session.to_string();
        let offered = self.store.load::<Session>(tenant, &stream).await?.state.offer;
        let SessionOffered { user, by, authn, .. } = offered.ok_or(NotIssued::Over)?;
        self.lets_in(tenant).map_err(|_| NotIssued::Over)?;
        let row = users::find(&self.store, tenant, user).await?;
        let going = row.filter(|row| row.erased_at.is_none() && row.suspended_at.is_none());
        let row = going.ok_or(NotIssued::Over)?;
        // Whoever signed out meanwhile lets nobody in any more.
        let by = self.store.load::<Session>(tenant, &by.to_string()).await?;
        let signed_out = by.state.ended.is_some();

        let now = self.env.now();
        let expires_at = now.plus_seconds(self.session_seconds);
        let refresh = self.refresh_tokens.make(tenant, session, 0);
        let roles = users::held(&row)?.at(now);
        let actor = Actor::user(tenant, user, session, roles).signed_in(authn);
        let metadata = request.on_sign_in(Metadata::by(&actor));
        let (code_hash, challenge) =
            (code.hash(), challenge_of(shown.verifier).unwrap_or_default());
        let executed = self
            .store
            .execute::<Session, SessionOver>(tenant, &stream, &metadata, |state, _| {
                let presented = PresentedCode {
                    code_hash: &code_hash,
                    redirect_uri: shown.redirect_uri,
                    challenge: &challenge,
                };
                let events = state.take_up(presented, refresh.hash(), now, expires_at)?;
                let begins = matches!(events[..], [SessionEvent::SessionStarted(_)]);
                if begins && signed_out { Err(SessionOver) } else { Ok(events) }
            })
            .await;
        let executed = match executed {
            Ok(executed) => executed,
            Err(ExecuteError::Refused(SessionOver)) => return Err(NotIssued::Over),
            Err(ExecuteError::Append(error)) => return Err(error.into()),
            Err(ExecuteError::Store(error)) => return Err(error.into()),
        };
        if executed.state.ended.is_some() {
            self.sessions.ended(session, now);
            tracing::warn!(%session, "a code of the command was used twice: its session was ended");
            return Err(NotIssued::Over);
        }
        self.sessions.live(session, expires_at, now);
        Ok(self.signed_in(actor, &refresh)?)
    }
}
