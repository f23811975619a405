//! What a person allowed an app (OAuth 2.0, RFC 6749, section 4.1): from their consent, which gives a code
//! that works once, until it is ended or its tokens grow old. Each refresh token works once; a second use
//! of one, or of the code, means that somebody holds a copy, and ends it (RFC 9700, sections 2.1.1 and
//! 4.14.2).

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, Authn, Id, Role, Timestamp, event, events, kind, published::identity,
};

use super::reach::Reach;

/// A person allowed an app to act for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppAllowed {
    /// What was allowed.
    pub grant: Id<kind::AppGrant>,
    /// The app.
    pub client: Id<kind::OAuthClient>,
    /// The person.
    pub user: Id<kind::User>,
    /// The session in which they did: the code works while it lasts.
    pub session: Id<kind::Session>,
    /// All that they were then, sorted.
    pub roles: Vec<Role>,
    /// How far the app goes.
    pub reach: Reach,
    /// Where the code was sent.
    pub redirect_uri: String,
    /// The challenge of PKCE (RFC 7636, section 4.2): SHA-256 of the verifier, in base64url.
    pub challenge: String,
    /// SHA-256 of the code, 64 lower-case hexadecimal digits.
    pub code_hash: String,
    /// What the app wants to find in the ID token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nonce: Option<String>,
    /// How and when the person signed in, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authn: Option<Authn>,
    /// Until when the code works.
    pub expires_at: Timestamp,
}
event!(AppAllowed, "identity.app_grant.allowed", 1);

/// The app exchanged its code for tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppCodeRedeemed {
    /// What was allowed.
    pub grant: Id<kind::AppGrant>,
    /// SHA-256 of refresh token number 0; `None` where the app gets none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_hash: Option<String>,
    /// When it all runs out unless it is refreshed before.
    pub expires_at: Timestamp,
}
event!(AppCodeRedeemed, "identity.app_grant.redeemed", 1);

/// The refresh token was used and replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppGrantRefreshed {
    /// What was allowed.
    pub grant: Id<kind::AppGrant>,
    /// The number of the new refresh token.
    pub number: u32,
    /// SHA-256 of the new refresh token.
    pub token_hash: String,
    /// When it all runs out unless it is refreshed before.
    pub expires_at: Timestamp,
}
event!(AppGrantRefreshed, "identity.app_grant.refreshed", 1);

/// Why an app may act no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantEndReason {
    /// The person, or somebody who may, ended it.
    Revoked,
    /// The app gave it back.
    GivenBack,
    /// The code was used twice.
    CodeReused,
    /// A refresh token was used twice.
    RefreshReused,
    /// The person allowed the app so often that the oldest makes room.
    Replaced,
    /// The person was erased.
    UserErased,
}

/// An app may act for the person no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AppGrantEnded {
    /// What was allowed.
    pub grant: Id<kind::AppGrant>,
    /// Why it ended.
    pub reason: GrantEndReason,
}
event!(AppGrantEnded, "identity.app_grant.ended", 1);

events! {
    /// What becomes of what a person allowed an app.
    pub enum AppGrantEvent { AppAllowed, AppCodeRedeemed, AppGrantRefreshed, AppGrantEnded }
}

impl From<AppAllowed> for identity::AppAllowed {
    fn from(allowed: AppAllowed) -> Self {
        let AppAllowed { grant, client, user, roles, expires_at, .. } = allowed;
        Self { grant, client, user, roles, expires_at }
    }
}

impl From<AppCodeRedeemed> for identity::AppGrantExtended {
    fn from(redeemed: AppCodeRedeemed) -> Self {
        Self { grant: redeemed.grant, expires_at: redeemed.expires_at }
    }
}

impl From<AppGrantRefreshed> for identity::AppGrantExtended {
    fn from(refreshed: AppGrantRefreshed) -> Self {
        Self { grant: refreshed.grant, expires_at: refreshed.expires_at }
    }
}

impl From<AppGrantEnded> for identity::AppGrantEnded {
    fn from(ended: AppGrantEnded) -> Self {
        Self { grant: ended.grant }
    }
}

/// The state of what a person allowed an app.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct AppGrant {
    /// What was allowed; `None` where nothing was.
    pub allowed: Option<AppAllowed>,
    /// Why it ended; `None` while it goes on.
    pub ended: Option<GrantEndReason>,
    redeemed: bool,
    number: u32,
    token_hash: Option<String>,
    expires_at: Timestamp,
}

/// A code as it was presented. That it was given out by this server is proven before.
#[derive(Debug, Clone, Copy)]
pub struct PresentedCode<'a> {
    /// The app that presents it.
    pub client: Id<kind::OAuthClient>,
    /// SHA-256 of it.
    pub code_hash: &'a str,
    /// Where the app says it was sent.
    pub redirect_uri: &'a str,
    /// SHA-256 of the verifier that the app sent with it, in base64url.
    pub challenge: &'a str,
}

/// A refresh token as it was presented. That it was given out by this server is proven before.
#[derive(Debug, Clone, Copy)]
pub struct PresentedToken<'a> {
    /// The app that presents it.
    pub client: Id<kind::OAuthClient>,
    /// Its number.
    pub number: u32,
    /// SHA-256 of it.
    pub token_hash: &'a str,
}

/// Nothing is given for that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the grant is over, or was never this app's")]
pub struct GrantOver;

impl AppGrant {
    /// What was allowed, if it was allowed to that app and goes on.
    fn of(&self, client: Id<kind::OAuthClient>) -> Result<&AppAllowed, GrantOver> {
        let allowed = self.allowed.as_ref().filter(|allowed| allowed.client == client);
        allowed.filter(|_| self.ended.is_none()).ok_or(GrantOver)
    }

    /// The number of the refresh token that comes next.
    pub fn next_number(&self) -> u32 {
        self.number.saturating_add(1)
    }

    /// Exchanges the code. One that was used before ends it all instead: look at [`AppGrant::ended`] of
    /// the state that results. A wrong verifier uses nothing up: whoever has the right one is not kept out.
    ///
    /// # Errors
    /// [`GrantOver`] where the code is not that app's, is too old, or was asked for otherwise.
    pub fn redeem(
        &self,
        grant: Id<kind::AppGrant>,
        presented: PresentedCode<'_>,
        token_hash: Option<String>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<AppGrantEvent>, GrantOver> {
        let allowed = self.of(presented.client)?;
        if presented.code_hash != allowed.code_hash {
            return Err(GrantOver);
        }
        if self.redeemed {
            return Ok(self.end(grant, GrantEndReason::CodeReused));
        }
        let right = allowed.expires_at > now
            && presented.redirect_uri == allowed.redirect_uri
            && presented.challenge == allowed.challenge;
        if !right {
            return Err(GrantOver);
        }
        Ok(vec![AppCodeRedeemed { grant, token_hash, expires_at }.into()])
    }

    /// Replaces the refresh token. One that was used before ends it all instead: look at
    /// [`AppGrant::ended`] of the state that results.
    ///
    /// # Errors
    /// [`GrantOver`] when there is nothing to refresh for that app.
    pub fn refresh(
        &self,
        grant: Id<kind::AppGrant>,
        presented: PresentedToken<'_>,
        next_hash: String,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<Vec<AppGrantEvent>, GrantOver> {
        self.of(presented.client)?;
        let Some(token_hash) = &self.token_hash else { return Err(GrantOver) };
        if presented.number != self.number || presented.token_hash != token_hash {
            return Ok(self.end(grant, GrantEndReason::RefreshReused));
        }
        if self.expires_at <= now {
            return Err(GrantOver);
        }
        let number = self.next_number();
        Ok(vec![AppGrantRefreshed { grant, number, token_hash: next_hash, expires_at }.into()])
    }

    /// Whether the app has that refresh token, and it is the newest.
    pub fn holds(&self, presented: PresentedToken<'_>, now: Timestamp) -> bool {
        self.of(presented.client).is_ok()
            && self.expires_at > now
            && presented.number == self.number
            && self.token_hash.as_deref() == Some(presented.token_hash)
    }

    /// When it runs out.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Ends it; nothing happens where it ended before.
    pub fn end(&self, grant: Id<kind::AppGrant>, reason: GrantEndReason) -> Vec<AppGrantEvent> {
        if self.allowed.is_none() || self.ended.is_some() {
            return Vec::new();
        }
        vec![AppGrantEnded { grant, reason }.into()]
    }
}

impl Aggregate for AppGrant {
    const STREAM_TYPE: &'static str = "identity.app_grant";
    const STATE_VERSION: u32 = 1;
    type Event = AppGrantEvent;

    fn apply(&mut self, event: &AppGrantEvent, _recorded_at: Timestamp) {
        match event {
            AppGrantEvent::AppAllowed(allowed) => {
                self.expires_at = allowed.expires_at;
                self.allowed = Some(allowed.clone());
            }
            AppGrantEvent::AppCodeRedeemed(redeemed) => {
                self.redeemed = true;
                self.token_hash.clone_from(&redeemed.token_hash);
                self.expires_at = redeemed.expires_at;
            }
            AppGrantEvent::AppGrantRefreshed(refreshed) => {
                self.number = refreshed.number;
                self.token_hash = Some(refreshed.token_hash.clone());
                self.expires_at = refreshed.expires_at;
            }
            AppGrantEvent::AppGrantEnded(ended) => {
                self.ended = Some(ended.reason);
                self.token_hash = None;
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

    fn id<K: studio_kernel::id::Kind>() -> Id<K> {
        Id::from_uuid(Default::default())
    }

    fn other() -> Id<kind::OAuthClient> {
        "cli_00000000000070008000000000000001".parse().unwrap()
    }

    fn allowed() -> AppGrant {
        let mut state = AppGrant::default();
        let event = AppAllowed {
            grant: id(),
            client: id(),
            user: id(),
            session: id(),
            roles: vec![Role::Viewer],
            reach: Reach::read("openid controls:*:read"),
            redirect_uri: "https://app.example.org/cb".into(),
            challenge: "challenge".into(),
            code_hash: "code".into(),
            nonce: None,
            authn: None,
            expires_at: at(60),
        };
        state.apply(&event.into(), at(0));
        state
    }

    const CODE: PresentedCode<'static> = PresentedCode {
        client: Id::from_uuid(uuid::Uuid::nil()),
        code_hash: "code",
        redirect_uri: "https://app.example.org/cb",
        challenge: "challenge",
    };

    fn token(number: u32, token_hash: &str) -> PresentedToken<'_> {
        PresentedToken { client: id(), number, token_hash }
    }

    fn redeem(state: &mut AppGrant, code: PresentedCode<'_>, now: i64) -> Result<(), GrantOver> {
        for event in state.redeem(id(), code, Some("t0".into()), at(now), at(now + 100))? {
            state.apply(&event, at(now));
        }
        Ok(())
    }

    fn refresh(state: &mut AppGrant, token: PresentedToken<'_>, now: i64) -> Result<(), GrantOver> {
        let next = format!("t{}", state.next_number());
        for event in state.refresh(id(), token, next, at(now), at(now + 100))? {
            state.apply(&event, at(now));
        }
        Ok(())
    }

    #[test]
    fn a_code_works_once_and_for_what_it_was_made() {
        let mut state = allowed();
        for wrong in [
            PresentedCode { client: other(), ..CODE },
            PresentedCode { code_hash: "another", ..CODE },
            PresentedCode { redirect_uri: "https://app.example.org/cb2", ..CODE },
            PresentedCode { challenge: "another", ..CODE },
        ] {
            assert_eq!(redeem(&mut state, wrong, 1), Err(GrantOver), "{wrong:?}");
        }
        assert_eq!(redeem(&mut state, CODE, 60), Err(GrantOver), "too late");
        redeem(&mut state, CODE, 59).unwrap();
        assert_eq!((state.ended, state.expires_at()), (None, at(159)));
        // Another app is told nothing and ends nothing.
        assert_eq!(
            redeem(&mut state, PresentedCode { client: other(), ..CODE }, 60),
            Err(GrantOver)
        );
        assert_eq!(state.ended, None);
        redeem(&mut state, CODE, 60).unwrap();
        assert_eq!(state.ended, Some(GrantEndReason::CodeReused));
        assert_eq!(refresh(&mut state, token(0, "t0"), 60), Err(GrantOver));
        assert_eq!(redeem(&mut AppGrant::default(), CODE, 0), Err(GrantOver));
    }

    #[test]
    fn a_refresh_token_works_once_and_a_second_use_ends_it_all() {
        let mut state = allowed();
        assert_eq!(refresh(&mut state, token(0, "t0"), 1), Err(GrantOver), "none was given yet");
        redeem(&mut state, CODE, 1).unwrap();
        let stolen = PresentedToken { client: other(), ..token(0, "t0") };
        assert_eq!(refresh(&mut state, stolen, 2), Err(GrantOver));
        assert!(state.holds(token(0, "t0"), at(2)) && !state.holds(stolen, at(2)));
        refresh(&mut state, token(0, "t0"), 2).unwrap();
        assert_eq!(refresh(&mut state, token(1, "t1"), 102), Err(GrantOver), "too old");
        refresh(&mut state, token(1, "t1"), 101).unwrap();
        assert_eq!(state.ended, None);
        refresh(&mut state, token(1, "t1"), 102).unwrap();
        assert_eq!(state.ended, Some(GrantEndReason::RefreshReused));
        assert_eq!(refresh(&mut state, token(2, "t2"), 103), Err(GrantOver));
        assert!(state.end(id(), GrantEndReason::Revoked).is_empty());
    }
}
