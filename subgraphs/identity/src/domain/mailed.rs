//! What is proven by a link in a mail: that somebody reads the mail of an address. One link lets them
//! choose another password, the other says that the address is theirs. Each works once and for a
//! limited time, and a new one takes the place of the one before.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, Timestamp, event, kind};

use super::user::UserEvent;

/// Somebody asked for a link by which the person chooses another password.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordResetRequested {
    /// The person.
    pub user: Id<kind::User>,
    /// What the token is made from, with a key: 32 hexadecimal digits. By itself it says nothing.
    pub nonce: String,
    /// SHA-256 of the token, 64 lower-case hexadecimal digits.
    pub token_hash: String,
    /// Until when it works.
    pub expires_at: Timestamp,
}
event!(PasswordResetRequested, "identity.user.password_reset_requested", 1);

/// The link was used; the event that gives another password comes with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasswordResetUsed {
    /// The person.
    pub user: Id<kind::User>,
}
event!(PasswordResetUsed, "identity.user.password_reset_used", 1);

/// The person asked for a link that shows that the address is theirs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmailVerificationRequested {
    /// The person.
    pub user: Id<kind::User>,
    /// What the token is made from, with a key: 32 hexadecimal digits. By itself it says nothing.
    pub nonce: String,
    /// SHA-256 of the token, 64 lower-case hexadecimal digits.
    pub token_hash: String,
    /// Until when it works.
    pub expires_at: Timestamp,
}
event!(EmailVerificationRequested, "identity.user.email_verification_requested", 1);

/// Somebody who reads the mail of the person's address has shown it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EmailVerified {
    /// The person.
    pub user: Id<kind::User>,
}
event!(EmailVerified, "identity.user.email_verified", 1);

/// What a mail is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MailKind {
    /// Another password.
    PasswordReset,
    /// The address.
    EmailVerification,
    /// An invitation, of which a person may come ([`super::invitation`]).
    Invitation,
}

/// A mail server took a mail to the person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MailSent {
    /// The person.
    pub user: Id<kind::User>,
    /// What it is for.
    pub mail: MailKind,
}
event!(MailSent, "identity.user.mail_sent", 1);

/// A link, as it is recorded.
#[derive(Debug, Clone)]
pub struct Offered {
    /// What the token is made from.
    pub nonce: String,
    /// SHA-256 of the token.
    pub token_hash: String,
    /// Until when it works.
    pub expires_at: Timestamp,
}

/// The link does not work (any more).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the link does not work any more")]
pub struct LinkOver;

#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    token_hash: String,
    expires_at: Timestamp,
}

/// Which links of a person are out, and what they have shown.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Mailed {
    reset: Option<Pending>,
    verification: Option<Pending>,
    verified: bool,
}

impl Mailed {
    /// Whether the address is known to be the person's.
    pub fn verified(&self) -> bool {
        self.verified
    }

    /// Whether the link with this hash can be used now.
    pub fn works(&self, mail: MailKind, token_hash: &str, now: Timestamp) -> bool {
        let pending = match mail {
            MailKind::PasswordReset => &self.reset,
            MailKind::EmailVerification => &self.verification,
            // Not of a person: there is none yet.
            MailKind::Invitation => return false,
        };
        // Hashes: how long it takes to compare them tells nothing of a token.
        pending.as_ref().is_some_and(|it| it.token_hash == token_hash && now < it.expires_at)
    }

    /// Uses the link for another password up; reading it has shown the address, too.
    ///
    /// # Errors
    /// [`LinkOver`].
    pub fn use_reset(
        &self,
        user: Id<kind::User>,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Vec<UserEvent>, LinkOver> {
        if !self.works(MailKind::PasswordReset, token_hash, now) {
            return Err(LinkOver);
        }
        let mut events = vec![PasswordResetUsed { user }.into()];
        if !self.verified {
            events.push(EmailVerified { user }.into());
        }
        Ok(events)
    }

    /// Uses the link for the address up.
    ///
    /// # Errors
    /// [`LinkOver`].
    pub fn verify(
        &self,
        user: Id<kind::User>,
        token_hash: &str,
        now: Timestamp,
    ) -> Result<Vec<UserEvent>, LinkOver> {
        if !self.works(MailKind::EmailVerification, token_hash, now) {
            return Err(LinkOver);
        }
        Ok(vec![EmailVerified { user }.into()])
    }

    /// Takes one event in.
    pub(super) fn apply(&mut self, event: &UserEvent) {
        match event {
            UserEvent::PasswordResetRequested(asked) => {
                self.reset = Some(Pending {
                    token_hash: asked.token_hash.clone(),
                    expires_at: asked.expires_at,
                });
            }
            UserEvent::EmailVerificationRequested(asked) => {
                self.verification = Some(Pending {
                    token_hash: asked.token_hash.clone(),
                    expires_at: asked.expires_at,
                });
            }
            // Whoever has chosen another password meanwhile needs no link any more.
            UserEvent::PasswordResetUsed(_) | UserEvent::PasswordChanged(_) => self.reset = None,
            UserEvent::EmailVerified(_) => {
                self.verification = None;
                self.verified = true;
            }
            // What was sent to another address shows nothing of this one.
            UserEvent::ProfileChanged(changed) if changed.email_changed => *self = Self::default(),
            UserEvent::UserErased(_) => *self = Self::default(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{SealedValue, user::PasswordChanged};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    fn take(mailed: &mut Mailed, events: Vec<UserEvent>) {
        for event in events {
            mailed.apply(&event);
        }
    }

    fn reset(user: Id<kind::User>, hash: &str, until: i64) -> Vec<UserEvent> {
        let (nonce, token_hash, expires_at) = (String::new(), hash.to_owned(), at(until));
        vec![PasswordResetRequested { user, nonce, token_hash, expires_at }.into()]
    }

    #[test]
    fn the_newest_link_works_once_and_in_time() {
        let user = Id::from_uuid(Default::default());
        let mut mailed = Mailed::default();
        assert_eq!(mailed.use_reset(user, "a", at(0)).unwrap_err(), LinkOver);
        take(&mut mailed, reset(user, "a", 10));
        take(&mut mailed, reset(user, "b", 20));
        for (hash, now) in [("a", 5), ("", 5), ("b", 20)] {
            assert_eq!(mailed.use_reset(user, hash, at(now)).unwrap_err(), LinkOver, "{hash}");
        }
        let used = mailed.use_reset(user, "b", at(19)).unwrap();
        assert_eq!(used.len(), 2, "and the address is shown");
        take(&mut mailed, used);
        assert!(mailed.verified());
        assert_eq!(mailed.use_reset(user, "b", at(19)).unwrap_err(), LinkOver);
        take(&mut mailed, reset(user, "c", 40));
        assert_eq!(mailed.use_reset(user, "c", at(30)).unwrap().len(), 1);
    }

    #[test]
    fn another_password_ends_the_link_and_one_link_is_not_the_other() {
        let user = Id::from_uuid(Default::default());
        let mut mailed = Mailed::default();
        take(&mut mailed, reset(user, "a", 10));
        assert_eq!(mailed.verify(user, "a", at(1)).unwrap_err(), LinkOver);
        let changed = PasswordChanged { user, password: SealedValue("x".into()) };
        take(&mut mailed, vec![changed.into()]);
        assert_eq!(mailed.use_reset(user, "a", at(1)).unwrap_err(), LinkOver);
        let (nonce, token_hash) = (String::new(), "v".to_owned());
        let asked = EmailVerificationRequested { user, nonce, token_hash, expires_at: at(10) };
        take(&mut mailed, vec![asked.into()]);
        assert_eq!(mailed.use_reset(user, "v", at(1)).unwrap_err(), LinkOver);
        let verified = mailed.verify(user, "v", at(1)).unwrap();
        take(&mut mailed, verified);
        assert!(mailed.verified());
        assert_eq!(mailed.verify(user, "v", at(1)).unwrap_err(), LinkOver);
    }
}
