//! The set-up: a token that is shown once makes the first organization and its owner, and nothing
//! makes a second one this way.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Timestamp, event, events, kind};

use super::input::Fault;

/// A token was made to be shown to whoever starts the server; it takes the place of any before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetUpOffered {
    /// SHA-256 of the token, 64 lower-case hexadecimal digits.
    pub token_hash: String,
}
event!(SetUpOffered, "identity.set_up.offered", 1);

/// The token was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SetUpCompleted {
    /// The owner that it made.
    pub owner: Id<kind::User>,
}
event!(SetUpCompleted, "identity.set_up.completed", 1);

events! {
    /// What happens to the set-up.
    pub enum SetUpEvent { SetUpOffered, SetUpCompleted }
}

/// The state of the set-up.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SetUp {
    token_hash: Option<String>,
    completed: bool,
}

impl SetUp {
    /// The event that offers this token; nothing where it is on offer already, or used up.
    pub fn offer(&self, token_hash: &str) -> Vec<SetUpEvent> {
        if self.completed || self.token_hash.as_deref() == Some(token_hash) {
            return Vec::new();
        }
        vec![SetUpOffered { token_hash: token_hash.to_owned() }.into()]
    }

    /// Whether this token is on offer.
    pub fn offers(&self, token_hash: &str) -> bool {
        !self.completed && self.token_hash.as_deref() == Some(token_hash)
    }

    /// The event that uses the token up, or why it cannot be.
    pub fn complete(&self, token_hash: &str, owner: Id<kind::User>) -> Result<SetUpEvent, Fault> {
        if self.completed {
            return Err(already_set_up());
        }
        if !self.offers(token_hash) {
            return Err(Fault::new(
                "INVALID_TOKEN",
                "token",
                "That set-up token is not the one of this server: use the address that the server \
                 printed when it started.",
            ));
        }
        Ok(SetUpCompleted { owner }.into())
    }
}

/// There is an organization already.
pub fn already_set_up() -> Fault {
    Fault::new(
        "ALREADY_SET_UP",
        "token",
        "This server is set up already: sign in, or ask an owner to add you.",
    )
}

impl Aggregate for SetUp {
    const STREAM_TYPE: &'static str = "identity.set_up";
    const STATE_VERSION: u32 = 1;
    type Event = SetUpEvent;

    fn apply(&mut self, event: &SetUpEvent, _recorded_at: Timestamp) {
        match event {
            SetUpEvent::SetUpOffered(offered) => {
                self.token_hash = Some(offered.token_hash.clone());
            }
            SetUpEvent::SetUpCompleted(_) => {
                self.completed = true;
                self.token_hash = None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_token_works_once() {
        let owner = Id::from_uuid(Default::default());
        let now = Timestamp::from_micros(0);
        let mut set_up = SetUp::default();
        assert_eq!(set_up.complete("a", owner).unwrap_err().code, "INVALID_TOKEN");
        set_up.apply(&SetUpOffered { token_hash: "a".into() }.into(), now);
        set_up.apply(&SetUpOffered { token_hash: "b".into() }.into(), now);
        assert_eq!(set_up.complete("a", owner).unwrap_err().code, "INVALID_TOKEN");
        assert!(set_up.offers("b") && !set_up.offers("a"));
        let event = set_up.complete("b", owner).unwrap();
        set_up.apply(&event, now);
        assert_eq!(set_up.complete("b", owner).unwrap_err().code, "ALREADY_SET_UP");
        assert!(!set_up.offers("b"));
    }
}
