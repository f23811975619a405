//! A person's passkeys (Web Authentication Level 3): each is a key pair whose private half never leaves
//! the person's device or password manager. No challenge works twice, and a counter that does not go up
//! shows that there are two of what should be one (section 6.1.1). What happens to them stands in the
//! stream of their person.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, Timestamp, event, kind};

use super::{SealedValue, input::Fault, user::UserEvent};

/// Passkeys that a person has at most.
pub const MOST: usize = 20;
/// Seconds after which an answer to a challenge is old anyway, so that it need not be remembered. Much
/// longer than challenges hold: clocks of processes differ.
const REMEMBERED_SECONDS: i64 = 3600;

/// A challenge was made for a new passkey; it takes the place of one that was not answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasskeyBegun {
    /// The person.
    pub user: Id<kind::User>,
    /// SHA-256 of the challenge, 64 lower-case hexadecimal digits.
    pub challenge: String,
    /// Until when it can be answered.
    pub until: Timestamp,
}
event!(PasskeyBegun, "identity.user.passkey_begun", 1);

/// The challenge was answered: the person has a passkey more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasskeyAdded {
    /// The person.
    pub user: Id<kind::User>,
    /// The passkey.
    pub passkey: Id<kind::Passkey>,
    /// Its name, credential id and public key, sealed with the person's key.
    pub credential: SealedValue,
    /// The signature counter; always 0 where the authenticator keeps none.
    pub sign_count: u32,
    /// Keyed hashes of the recovery codes as they are afterwards.
    pub recovery_codes: Vec<String>,
}
event!(PasskeyAdded, "identity.user.passkey_added", 1);

/// A passkey answered a challenge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasskeyUsed {
    /// The person.
    pub user: Id<kind::User>,
    /// The passkey.
    pub passkey: Id<kind::Passkey>,
    /// The signature counter as it is afterwards.
    pub sign_count: u32,
    /// SHA-256 of the challenge, which no passkey can answer again.
    pub challenge: String,
}
event!(PasskeyUsed, "identity.user.passkey_used", 1);

/// A right signature came with a counter that had been used up: somebody has a copy of the passkey, or it
/// was put back to an earlier state. It was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasskeyCopied {
    /// The person.
    pub user: Id<kind::User>,
    /// The passkey.
    pub passkey: Id<kind::Passkey>,
    /// The counter that is kept.
    pub kept: u32,
    /// The counter that was shown, not above it.
    pub shown: u32,
    /// SHA-256 of the challenge, which no passkey can answer again.
    pub challenge: String,
}
event!(PasskeyCopied, "identity.user.passkey_copied", 1);

/// A passkey was taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PasskeyRemoved {
    /// The person.
    pub user: Id<kind::User>,
    /// The passkey.
    pub passkey: Id<kind::Passkey>,
}
event!(PasskeyRemoved, "identity.user.passkey_removed", 1);

/// The state of a person's passkeys.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Passkeys {
    begun: Option<Begun>,
    all: Vec<Passkey>,
    /// Challenges that were answered lately.
    answered: Vec<Answered>,
}

/// A challenge that waits for a new passkey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Begun {
    /// SHA-256 of it.
    pub challenge: String,
    /// Until when it can be answered.
    pub until: Timestamp,
}

/// One of them.
#[derive(Debug, Serialize, Deserialize)]
pub struct Passkey {
    /// Which.
    pub id: Id<kind::Passkey>,
    /// What it is, sealed with the person's key.
    pub credential: SealedValue,
    sign_count: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Answered {
    challenge: String,
    at: Timestamp,
}

/// An answer whose signature is right. Whether the challenge was answered before and what the counter
/// says, the state decides.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Which passkey.
    pub passkey: Id<kind::Passkey>,
    /// The counter that it showed.
    pub sign_count: u32,
    /// SHA-256 of the challenge.
    pub challenge: String,
}

impl Passkeys {
    /// Those that there are.
    pub fn all(&self) -> &[Passkey] {
        &self.all
    }

    /// One of them.
    pub fn get(&self, id: Id<kind::Passkey>) -> Option<&Passkey> {
        self.all.iter().find(|passkey| passkey.id == id)
    }

    /// The challenge that waits for a new passkey.
    pub fn begun(&self) -> Option<&Begun> {
        self.begun.as_ref()
    }

    /// Offers a challenge for a new passkey.
    ///
    /// # Errors
    /// Where there are as many as there may be.
    pub fn begin(
        &self,
        user: Id<kind::User>,
        begun: Begun,
        field: &'static str,
    ) -> Result<UserEvent, Fault> {
        if self.all.len() >= MOST {
            let message = format!("You have {MOST} passkeys: remove one that you do not use.");
            return Err(Fault::new("TOO_MANY_PASSKEYS", field, message));
        }
        let Begun { challenge, until } = begun;
        Ok(PasskeyBegun { user, challenge, until }.into())
    }

    /// Adds a passkey that answered the challenge.
    ///
    /// # Errors
    /// Where that challenge is not on offer (any more).
    pub fn add(&self, challenge: &Begun, added: PasskeyAdded) -> Result<Vec<UserEvent>, Fault> {
        if self.begun.as_ref() != Some(challenge) {
            return Err(no_passkey_begun());
        }
        Ok(vec![added.into()])
    }

    /// Uses an answer up; `None` for one to a challenge that was answered before, of a passkey that is
    /// not there, or with a counter that does not go up.
    pub fn use_up(&self, user: Id<kind::User>, answer: &Answer) -> Option<UserEvent> {
        let passkey = self.answering(answer)?;
        let &Answer { sign_count, .. } = answer;
        let goes_up =
            sign_count > passkey.sign_count || (sign_count == 0 && passkey.sign_count == 0);
        let used = || PasskeyUsed {
            user,
            passkey: passkey.id,
            sign_count,
            challenge: answer.challenge.clone(),
        };
        goes_up.then(|| used().into())
    }

    /// What to record where an answer shows that there is a copy of the passkey.
    pub fn copied(&self, user: Id<kind::User>, answer: &Answer) -> Option<UserEvent> {
        let passkey = self.answering(answer)?;
        let (kept, shown) = (passkey.sign_count, answer.sign_count);
        let copied = || PasskeyCopied {
            user,
            passkey: passkey.id,
            kept,
            shown,
            challenge: answer.challenge.clone(),
        };
        (shown <= kept && kept > 0).then(|| copied().into())
    }

    fn answering(&self, answer: &Answer) -> Option<&Passkey> {
        let before = self.answered.iter().any(|one| one.challenge == answer.challenge);
        self.get(answer.passkey).filter(|_| !before)
    }

    fn remember(&mut self, challenge: &str, at: Timestamp) {
        self.answered.retain(|one| one.at.plus_seconds(REMEMBERED_SECONDS) > at);
        self.answered.push(Answered { challenge: challenge.to_owned(), at });
    }

    pub(super) fn apply(&mut self, event: &UserEvent, recorded_at: Timestamp) {
        match event {
            UserEvent::PasskeyBegun(begun) => {
                let challenge = begun.challenge.clone();
                self.begun = Some(Begun { challenge, until: begun.until });
            }
            UserEvent::PasskeyAdded(added) => {
                self.begun = None;
                self.all.push(Passkey {
                    id: added.passkey,
                    credential: added.credential.clone(),
                    sign_count: added.sign_count,
                });
            }
            UserEvent::PasskeyUsed(used) => {
                self.remember(&used.challenge, recorded_at);
                if let Some(passkey) = self.all.iter_mut().find(|one| one.id == used.passkey) {
                    passkey.sign_count = used.sign_count;
                }
            }
            UserEvent::PasskeyCopied(copied) => self.remember(&copied.challenge, recorded_at),
            UserEvent::PasskeyRemoved(removed) => {
                self.all.retain(|passkey| passkey.id != removed.passkey);
            }
            _ => {}
        }
    }
}

/// There is no challenge that a new passkey could answer.
pub fn no_passkey_begun() -> Fault {
    Fault::new(
        "NOT_BEGUN",
        "passkey",
        "There is no challenge that this passkey answers, or it took too long: begin again with \
         beginPasskeyRegistration.",
    )
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_seconds(seconds)
    }

    fn with(sign_count: u32) -> (Passkeys, Id<kind::User>, Id<kind::Passkey>) {
        let (user, passkey) = (Env::system().id(), Env::system().id());
        let mut passkeys = Passkeys::default();
        let begun = Begun { challenge: "c".into(), until: at(300) };
        passkeys.apply(&passkeys.begin(user, begun.clone(), "password").unwrap(), at(0));
        let credential = SealedValue("s".into());
        let added = PasskeyAdded { user, passkey, credential, sign_count, recovery_codes: vec![] };
        let other = Begun { challenge: "d".into(), ..begun.clone() };
        assert_eq!(passkeys.add(&other, added.clone()).unwrap_err().code, "NOT_BEGUN");
        for event in passkeys.add(&begun, added.clone()).unwrap() {
            passkeys.apply(&event, at(1));
        }
        assert_eq!(passkeys.add(&begun, added).unwrap_err().code, "NOT_BEGUN", "twice");
        (passkeys, user, passkey)
    }

    fn answer(passkey: Id<kind::Passkey>, sign_count: u32, challenge: &str) -> Answer {
        Answer { passkey, sign_count, challenge: challenge.to_owned() }
    }

    #[test]
    fn a_counter_goes_up_or_is_not_kept() {
        let (mut keeps, user, id) = with(7);
        for (shown, right) in
            [(7, false), (8, true), (8, false), (3, false), (0, false), (20, true)]
        {
            let answer = answer(id, shown, &format!("{shown} {right}"));
            let used = keeps.use_up(user, &answer);
            assert_eq!(used.is_some(), right, "{shown}");
            assert_eq!(keeps.copied(user, &answer).is_none(), right, "{shown}");
            used.iter().for_each(|event| keeps.apply(event, at(2)));
        }
        let (mut none, user, id) = with(0);
        for challenge in ["a", "b"] {
            let answer = answer(id, 0, challenge);
            assert!(none.copied(user, &answer).is_none());
            let used = none.use_up(user, &answer).unwrap();
            none.apply(&used, at(2));
        }
    }

    #[test]
    fn no_challenge_is_answered_twice() {
        let (mut passkeys, user, id) = with(0);
        let used = passkeys.use_up(user, &answer(id, 0, "a")).unwrap();
        passkeys.apply(&used, at(2));
        assert!(passkeys.use_up(user, &answer(id, 0, "a")).is_none());
        assert!(passkeys.use_up(user, &answer(id, 1, "a")).is_none());
        // It is forgotten long after it has ended, at the next answer.
        let used = passkeys.use_up(user, &answer(id, 0, "b")).unwrap();
        passkeys.apply(&used, at(2 + REMEMBERED_SECONDS));
        assert_eq!(passkeys.answered.len(), 1);
    }

    #[test]
    fn one_that_is_gone_answers_nothing_and_there_is_an_end_to_their_number() {
        let (mut passkeys, user, id) = with(0);
        passkeys.apply(&PasskeyRemoved { user, passkey: id }.into(), at(2));
        assert!(passkeys.use_up(user, &answer(id, 0, "a")).is_none());
        assert!(passkeys.copied(user, &answer(id, 0, "a")).is_none());
        for _ in 0..MOST {
            let (credential, recovery_codes) = (SealedValue("s".into()), Vec::new());
            let passkey = Env::system().id();
            let added = PasskeyAdded { user, passkey, credential, sign_count: 0, recovery_codes };
            passkeys.apply(&added.into(), at(3));
        }
        let begun = Begun { challenge: "c".into(), until: at(300) };
        assert_eq!(passkeys.begin(user, begun, "password").unwrap_err().code, "TOO_MANY_PASSKEYS");
    }
}
