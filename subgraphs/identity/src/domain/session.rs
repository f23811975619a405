//! A session: from a sign-in until it is ended or its refresh token grows old. Each refresh token
//! works once; a second use means that somebody holds a copy, and ends the session (RFC 9700,
//! section 4.14.2).

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Authn, Id, Timestamp, event, events, kind, published::identity};

/// A person let the command on their computer sign in as them, in a session that goes on: it takes this one
/// up by a code, once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionOffered {
    /// The session that it will be.
    pub session: Id<kind::Session>,
    /// Whose.
    pub user: Id<kind::User>,
    /// The session in which they did: the code works while it lasts.
    pub by: Id<kind::Session>,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// The challenge of PKCE (RFC 7636, section 4.2): SHA-256 of the verifier, in base64url.
    pub challenge: String,
    /// SHA-256 of the code, 64 lower-case hexadecimal digits.
    pub code_hash: String,
    /// How and when the person signed in, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authn: Option<Authn>,
    /// Until when the code works.
    pub expires_at: Timestamp,
}
event!(SessionOffered, "identity.session.offered", 1);

/// A person signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionStarted {
    /// The session.
    pub session: Id<kind::Session>,
    /// Who signed in.
    pub user: Id<kind::User>,
    /// SHA-256 of refresh token number 0, 64 lower-case hexadecimal digits.
    pub token_hash: String,
    /// When the session ends unless it is refreshed before.
    pub expires_at: Timestamp,
    /// How and when the person signed in; `None` where that was not kept yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authn: Option<Authn>,
    /// The provider of identity that vouched for the person; `None` for a password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}
event!(SessionStarted, "identity.session.started", 1);

/// The refresh token was used and replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionRefreshed {
    /// The session.
    pub session: Id<kind::Session>,
    /// The number of the new refresh token.
    pub number: u32,
    /// SHA-256 of the new refresh token.
    pub token_hash: String,
    /// When the session ends unless it is refreshed before.
    pub expires_at: Timestamp,
}
event!(SessionRefreshed, "identity.session.refreshed", 1);

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The person signed out.
    LogOut,
    /// The person, or somebody who may, ended it from elsewhere.
    Revoked,
    /// A refresh token was used twice.
    RefreshReused,
    /// The person was erased.
    UserErased,
    /// The person changed the password elsewhere.
    PasswordChanged,
    /// The person was suspended.
    UserSuspended,
    /// The code by which it was taken up was used twice.
    CodeReused,
}

/// The session ended before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SessionEnded {
    /// The session.
    pub session: Id<kind::Session>,
    /// Why.
    pub reason: EndReason,
}
event!(SessionEnded, "identity.session.ended", 1);

events! {
    /// What happens to a session.
    pub enum SessionEvent { SessionOffered, SessionStarted, SessionRefreshed, SessionEnded }
}

impl From<SessionStarted> for identity::SessionExtended {
    fn from(started: SessionStarted) -> Self {
        Self { session: started.session, expires_at: started.expires_at }
    }
}

impl From<SessionRefreshed> for identity::SessionExtended {
    fn from(refreshed: SessionRefreshed) -> Self {
        Self { session: refreshed.session, expires_at: refreshed.expires_at }
    }
}

impl From<SessionEnded> for identity::SessionEnded {
    fn from(ended: SessionEnded) -> Self {
        Self { session: ended.session }
    }
}

/// The state of a session.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Session {
    /// Whose it is; `None` where there is no such session.
    pub user: Option<Id<kind::User>>,
    /// Why it ended; `None` while it goes on.
    pub ended: Option<EndReason>,
    /// How and when the person signed in.
    pub authn: Option<Authn>,
    /// How it may be taken up, where it was offered to the command.
    pub offer: Option<SessionOffered>,
    number: u32,
    token_hash: String,
    expires_at: Timestamp,
}

/// A refresh token as it was presented. That it was given out by this server is proven before.
#[derive(Debug, Clone, Copy)]
pub struct Presented<'a> {
    /// Its number.
    pub number: u32,
    /// SHA-256 of it.
    pub token_hash: &'a str,
}

/// A code as it was presented, with what was sent along.
#[derive(Debug, Clone, Copy)]
pub struct PresentedCode<'a> {
    /// SHA-256 of it.
    pub code_hash: &'a str,
    /// Where it is said to have been sent.
    pub redirect_uri: &'a str,
    /// The challenge that the verifier answers.
    pub challenge: &'a str,
}

/// The session is over, or never was: sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct SessionOver;

impl Session {
    /// The number of the refresh token that comes next.
    pub fn next_number(&self) -> u32 {
        self.number.saturating_add(1)
    }

    /// Takes up a session that was offered. A code that was used before ends it instead: look at
    /// [`Session::ended`] of the state that results.
    ///
    /// # Errors
    /// [`SessionOver`] where there is nothing to take up by that code.
    pub fn take_up(
        &self,
        code: PresentedCode<'_>,
        token_hash: String,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<SessionEvent>, SessionOver> {
        let offer = self.offer.as_ref().filter(|_| self.ended.is_none()).ok_or(SessionOver)?;
        let right = offer.code_hash == code.code_hash
            && offer.redirect_uri == code.redirect_uri
            && offer.challenge == code.challenge;
        if !right {
            return Err(SessionOver);
        }
        if self.user.is_some() {
            return Ok(self.end(offer.session, EndReason::CodeReused));
        }
        if offer.expires_at <= now {
            return Err(SessionOver);
        }
        let started = SessionStarted {
            session: offer.session,
            user: offer.user,
            token_hash,
            expires_at,
            authn: offer.authn.clone(),
            provider: None,
        };
        Ok(vec![started.into()])
    }

    /// Replaces the refresh token. A token that was used before ends the session instead: look at
    /// [`Session::ended`] of the state that results.
    ///
    /// # Errors
    /// [`SessionOver`] when there is nothing to refresh.
    pub fn refresh(
        &self,
        session: Id<kind::Session>,
        presented: Presented<'_>,
        next_hash: String,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<SessionEvent>, SessionOver> {
        if self.user.is_none() || self.ended.is_some() {
            return Err(SessionOver);
        }
        if presented.number != self.number || presented.token_hash != self.token_hash {
            return Ok(self.end(session, EndReason::RefreshReused));
        }
        if self.expires_at <= now {
            return Err(SessionOver);
        }
        let number = self.next_number();
        Ok(vec![SessionRefreshed { session, number, token_hash: next_hash, expires_at }.into()])
    }

    /// Ends the session; nothing happens where it ended before.
    pub fn end(&self, session: Id<kind::Session>, reason: EndReason) -> Vec<SessionEvent> {
        if self.user.is_none() || self.ended.is_some() {
            return Vec::new();
        }
        vec![SessionEnded { session, reason }.into()]
    }
}

impl Aggregate for Session {
    const STREAM_TYPE: &'static str = "identity.session";
    const STATE_VERSION: u32 = 3;
    type Event = SessionEvent;

    fn apply(&mut self, event: &SessionEvent, _recorded_at: Timestamp) {
        match event {
            SessionEvent::SessionOffered(offered) => self.offer = Some(offered.clone()),
            SessionEvent::SessionStarted(started) => {
                self.user = Some(started.user);
                self.authn.clone_from(&started.authn);
                self.token_hash.clone_from(&started.token_hash);
                self.expires_at = started.expires_at;
            }
            SessionEvent::SessionRefreshed(refreshed) => {
                self.number = refreshed.number;
                self.token_hash.clone_from(&refreshed.token_hash);
                self.expires_at = refreshed.expires_at;
            }
            SessionEvent::SessionEnded(ended) => {
                self.ended = Some(ended.reason);
                self.token_hash.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    fn started() -> (Session, Id<kind::Session>) {
        let session = Id::from_uuid(Default::default());
        let user = Id::from_uuid(Default::default());
        let mut state = Session::default();
        let (token_hash, expires_at) = ("t0".into(), at(100));
        let event =
            SessionStarted { session, user, token_hash, expires_at, authn: None, provider: None };
        state.apply(&event.into(), at(0));
        (state, session)
    }

    fn refresh(
        state: &mut Session,
        id: Id<kind::Session>,
        number: u32,
        hash: &str,
        now: i64,
    ) -> Result<(), SessionOver> {
        let presented = Presented { number, token_hash: hash };
        let next = format!("t{}", state.next_number());
        for event in state.refresh(id, presented, next, at(now), at(now + 100))? {
            state.apply(&event, at(now));
        }
        Ok(())
    }

    #[test]
    fn each_token_works_once_and_a_second_use_ends_the_session() {
        let (mut state, id) = started();
        refresh(&mut state, id, 0, "t0", 50).unwrap();
        refresh(&mut state, id, 1, "t1", 120).unwrap();
        assert_eq!(state.ended, None);
        refresh(&mut state, id, 0, "t0", 121).unwrap();
        assert_eq!(state.ended, Some(EndReason::RefreshReused));
        assert_eq!(refresh(&mut state, id, 2, "t2", 122), Err(SessionOver));
    }

    #[test]
    fn a_start_that_was_written_before_says_nothing_of_the_sign_in() {
        let written = r#"{"session":"ses_00000000000070008000000000000001",
            "user":"usr_00000000000070008000000000000001","token_hash":"t0",
            "expires_at":"2026-01-01T00:00:00Z"}"#;
        let started: SessionStarted = serde_json::from_str(written).unwrap();
        assert_eq!(started.authn, None);
        let again = serde_json::to_string(&started).unwrap();
        assert!(!again.contains("authn") && !again.contains("provider"));
    }

    #[test]
    fn an_old_or_ended_or_unknown_session_is_over() {
        let (mut state, id) = started();
        assert_eq!(refresh(&mut state, id, 0, "t0", 100), Err(SessionOver));
        for event in state.end(id, EndReason::LogOut) {
            state.apply(&event, at(10));
        }
        assert!(state.end(id, EndReason::Revoked).is_empty());
        assert_eq!(state.ended, Some(EndReason::LogOut));
        assert_eq!(refresh(&mut state, id, 0, "t0", 20), Err(SessionOver));
        assert_eq!(refresh(&mut Session::default(), id, 0, "", 0), Err(SessionOver));
    }

    fn take_up(state: &mut Session, code: PresentedCode<'_>, now: i64) -> Result<(), SessionOver> {
        for event in state.take_up(code, "t0".into(), at(now), at(now + 100))? {
            state.apply(&event, at(now));
        }
        Ok(())
    }

    #[test]
    fn an_offer_is_taken_up_once_by_whoever_has_the_verifier() {
        let code = PresentedCode {
            code_hash: "code",
            redirect_uri: "http://127.0.0.1:1/signed-in",
            challenge: "challenge",
        };
        assert_eq!(take_up(&mut Session::default(), code, 0), Err(SessionOver), "no offer");
        let mut state = Session::default();
        let (session, user) =
            (Id::from_uuid(Default::default()), Id::from_uuid(Default::default()));
        let offered = SessionOffered {
            session,
            user,
            by: Id::from_uuid(Default::default()),
            redirect_uri: code.redirect_uri.into(),
            challenge: code.challenge.into(),
            code_hash: code.code_hash.into(),
            authn: None,
            expires_at: at(60),
        };
        state.apply(&offered.into(), at(0));
        // It is no session yet: nothing refreshes it, nothing ends it.
        assert_eq!(refresh(&mut state, session, 0, "", 1), Err(SessionOver));
        assert!(state.end(session, EndReason::Revoked).is_empty());
        for wrong in [
            PresentedCode { code_hash: "another", ..code },
            PresentedCode { redirect_uri: "http://127.0.0.1:2/signed-in", ..code },
            PresentedCode { challenge: "another", ..code },
        ] {
            assert_eq!(take_up(&mut state, wrong, 1), Err(SessionOver), "{wrong:?}");
        }
        assert_eq!(take_up(&mut state, code, 60), Err(SessionOver), "too late");
        take_up(&mut state, code, 59).unwrap();
        assert_eq!((state.user, state.ended), (Some(user), None));
        refresh(&mut state, session, 0, "t0", 60).unwrap();
        // A wrong verifier ends nothing, a second use does.
        let wrong = PresentedCode { challenge: "another", ..code };
        assert_eq!(take_up(&mut state, wrong, 61), Err(SessionOver));
        assert_eq!(state.ended, None);
        take_up(&mut state, code, 61).unwrap();
        assert_eq!(state.ended, Some(EndReason::CodeReused));
        assert_eq!(take_up(&mut state, code, 62), Err(SessionOver));
    }
}
