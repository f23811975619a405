//! An invitation: whoever reads the mail of an address may become a person of the organization, with roles
//! that were chosen for them, and choose their name and password themselves. The link works once and for a
//! limited time, and a new one takes the place of the one before.
//!
//! An invitation and the person who comes of it have the same id but for its kind, so that what is personal is
//! sealed from the start with the key of the person who may come.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Aggregate, Id, Role, Timestamp, event, events, kind,
    published::identity::{ProjectRole, RoleUntil, RolesHeld},
};

use super::{SealedValue, mailed::LinkOver};

/// Somebody was invited, or gets another link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvitationSent {
    /// The invitation.
    pub invitation: Id<kind::Invitation>,
    /// The e-mail address, sealed with the key of the person who may come.
    pub email: SealedValue,
    /// What they will be able to do.
    pub offer: Offer,
    /// Who invites: at that moment and when it is accepted they must be able to add such a person.
    pub by: Id<kind::User>,
    /// What the token is made from, with a key: 32 hexadecimal digits. By itself it says nothing.
    pub nonce: String,
    /// SHA-256 of the token, 64 lower-case hexadecimal digits.
    pub token_hash: String,
    /// Until when it works.
    pub expires_at: Timestamp,
}
event!(InvitationSent, "identity.invitation.sent", 1);

/// What somebody is invited to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Offer {
    /// The roles, sorted.
    pub roles: Vec<Role>,
    /// The project that they are for; the whole organization where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Id<kind::Project>>,
    /// The first instant at which they do not count any more; absent where they have no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Offer {
    /// What somebody may do who has accepted it.
    pub fn held(&self) -> RolesHeld {
        let roles = self.roles.iter().copied();
        match (self.project, self.until) {
            (Some(project), until) => RolesHeld {
                projects: roles.map(|role| ProjectRole { project, role, until }).collect(),
                ..RolesHeld::default()
            },
            (None, Some(until)) => RolesHeld {
                until: roles.map(|role| RoleUntil { role, until }).collect(),
                ..RolesHeld::default()
            },
            (None, None) => RolesHeld { always: roles.collect(), ..RolesHeld::default() },
        }
    }
}

/// A mail server took the mail with the link.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvitationMailed {
    /// The invitation.
    pub invitation: Id<kind::Invitation>,
}
event!(InvitationMailed, "identity.invitation.mailed", 1);

/// The link was used; the events that make the person come with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvitationAccepted {
    /// The invitation.
    pub invitation: Id<kind::Invitation>,
    /// Who came of it.
    pub user: Id<kind::User>,
}
event!(InvitationAccepted, "identity.invitation.accepted", 1);

/// The invitation was taken back: no link of it works, and the address cannot be read any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvitationRevoked {
    /// The invitation.
    pub invitation: Id<kind::Invitation>,
}
event!(InvitationRevoked, "identity.invitation.revoked", 1);

events! {
    /// What happens to an invitation.
    pub enum InvitationEvent {
        InvitationSent, InvitationMailed, InvitationAccepted, InvitationRevoked,
    }
}

/// The person who may come of an invitation.
pub fn person_of(invitation: Id<kind::Invitation>) -> Id<kind::User> {
    Id::from_uuid(invitation.uuid())
}

/// The invitation that a person may come of.
pub fn invitation_of(user: Id<kind::User>) -> Id<kind::Invitation> {
    Id::from_uuid(user.uuid())
}

/// The state of an invitation.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Invitation {
    /// The newest link, and what it is for.
    sent: Option<InvitationSent>,
    accepted: bool,
    revoked: bool,
}

/// Why nothing was done with an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationRefused {
    /// There is none of that id.
    NoSuchInvitation,
    /// It was accepted already.
    Accepted,
    /// It was taken back.
    Revoked,
}

impl Invitation {
    /// What it offers, and to whom, if there is such an invitation.
    pub fn sent(&self) -> Option<&InvitationSent> {
        self.sent.as_ref()
    }

    /// The invitation, where it is neither accepted nor taken back; its link may be too old.
    ///
    /// # Errors
    /// [`InvitationRefused`].
    pub fn open(&self) -> Result<&InvitationSent, InvitationRefused> {
        let sent = self.sent.as_ref().ok_or(InvitationRefused::NoSuchInvitation)?;
        match (self.accepted, self.revoked) {
            (true, _) => Err(InvitationRefused::Accepted),
            (_, true) => Err(InvitationRefused::Revoked),
            _ => Ok(sent),
        }
    }

    /// What the link with this hash offers now.
    ///
    /// # Errors
    /// [`LinkOver`], whatever the cause.
    pub fn offered(&self, token_hash: &str, now: Timestamp) -> Result<&InvitationSent, LinkOver> {
        let sent = self.open().map_err(|_| LinkOver)?;
        // Hashes: how long it takes to compare them tells nothing of a token.
        let works = sent.token_hash == token_hash
            && now < sent.expires_at
            && sent.offer.until.is_none_or(|until| now < until);
        works.then_some(sent).ok_or(LinkOver)
    }

    /// Takes it back. Nothing happens where that was done already.
    ///
    /// # Errors
    /// Where there is none, or somebody came of it.
    pub fn revoke(&self) -> Result<Vec<InvitationEvent>, InvitationRefused> {
        match self.open() {
            Ok(sent) => Ok(vec![InvitationRevoked { invitation: sent.invitation }.into()]),
            Err(InvitationRefused::Revoked) => Ok(Vec::new()),
            Err(refused) => Err(refused),
        }
    }
}

impl Aggregate for Invitation {
    const STREAM_TYPE: &'static str = "identity.invitation";
    const STATE_VERSION: u32 = 1;
    type Event = InvitationEvent;

    fn apply(&mut self, event: &InvitationEvent, _recorded_at: Timestamp) {
        match event {
            InvitationEvent::InvitationSent(sent) => self.sent = Some(sent.clone()),
            InvitationEvent::InvitationMailed(_) => {}
            InvitationEvent::InvitationAccepted(_) => self.accepted = true,
            InvitationEvent::InvitationRevoked(_) => self.revoked = true,
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    fn sent(hash: &str, expires: i64, until: Option<i64>) -> InvitationSent {
        InvitationSent {
            invitation: Id::from_uuid(Default::default()),
            email: SealedValue("x".into()),
            offer: Offer { roles: vec![Role::Viewer], project: None, until: until.map(at) },
            by: Id::from_uuid(Default::default()),
            nonce: String::new(),
            token_hash: hash.to_owned(),
            expires_at: at(expires),
        }
    }

    #[test]
    fn the_newest_link_works_once_in_time_and_until_it_is_taken_back() {
        let mut state = Invitation::default();
        assert_eq!(state.open(), Err(InvitationRefused::NoSuchInvitation));
        assert_eq!(state.revoke().unwrap_err(), InvitationRefused::NoSuchInvitation);
        state.apply(&sent("a", 10, None).into(), at(0));
        state.apply(&sent("b", 20, Some(15)).into(), at(0));
        for (hash, now) in [("a", 5), ("", 5), ("b", 15), ("b", 20)] {
            assert_eq!(state.offered(hash, at(now)), Err(LinkOver), "{hash} at {now}");
        }
        assert_eq!(state.offered("b", at(14)).unwrap().token_hash, "b");
        let user = person_of(sent("", 0, None).invitation);
        let accepted = InvitationAccepted { invitation: invitation_of(user), user };
        state.apply(&accepted.into(), at(1));
        assert_eq!(state.offered("b", at(14)), Err(LinkOver));
        assert_eq!(state.revoke().unwrap_err(), InvitationRefused::Accepted);

        let mut state = Invitation::default();
        state.apply(&sent("a", 10, None).into(), at(0));
        for event in state.revoke().unwrap() {
            state.apply(&event, at(1));
        }
        assert_eq!(state.offered("a", at(2)), Err(LinkOver));
        assert!(state.revoke().unwrap().is_empty());
        assert_eq!(state.open(), Err(InvitationRefused::Revoked));
    }

    #[test]
    fn what_is_offered_is_what_is_held() {
        let project = Env::system().id();
        let roles = vec![Role::Auditor, Role::Viewer];
        let offer = |project, until| Offer { roles: roles.clone(), project, until };
        assert_eq!(offer(None, None).held().always, roles);
        let timed = offer(None, Some(at(9))).held();
        assert_eq!((timed.at(at(8)), timed.at(at(9))), (roles.clone(), vec![]));
        for until in [None, Some(at(9))] {
            let held = offer(Some(project), until).held();
            assert_eq!(held.at(at(0)), []);
            assert_eq!(held.in_projects(at(8))[0].roles, roles);
            assert_eq!(held.in_projects(at(9)).is_empty(), until.is_some());
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let event = sent("a", 10, Some(20));
        let written = serde_json::to_value(&event).unwrap();
        assert_eq!(written["offer"]["roles"], serde_json::json!(["viewer"]));
        assert_eq!(serde_json::from_value::<InvitationSent>(written).unwrap(), event);
    }
}
