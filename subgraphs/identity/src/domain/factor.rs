//! A person's second factor: codes that an app computes from the time (TOTP, RFC 6238), and recovery codes
//! for when the app is gone. No code works twice (RFC 6238, section 5.2). What happens to it stands in
//! the stream of its person.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, event, kind};

use super::{SealedValue, input::Fault, user::UserEvent};

/// A secret was made for an app; it takes the place of one that was not confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TotpBegun {
    /// The person.
    pub user: Id<kind::User>,
    /// The secret, sealed with the person's key.
    pub secret: SealedValue,
}
event!(TotpBegun, "identity.user.totp_begun", 1);

/// A code showed that the app has the secret: from now on it is asked for at each sign-in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TotpConfirmed {
    /// The person.
    pub user: Id<kind::User>,
    /// The time step of that code.
    pub step: u64,
    /// Keyed hashes of the recovery codes.
    pub recovery_codes: Vec<String>,
}
event!(TotpConfirmed, "identity.user.totp_confirmed", 1);

/// A code of the app was used.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TotpUsed {
    /// The person.
    pub user: Id<kind::User>,
    /// Its time step: no code of that step or one before works any more.
    pub step: u64,
}
event!(TotpUsed, "identity.user.totp_used", 1);

/// A recovery code was used, and works no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryCodeUsed {
    /// The person.
    pub user: Id<kind::User>,
    /// The keyed hash of the code.
    pub code: String,
}
event!(RecoveryCodeUsed, "identity.user.recovery_code_used", 1);

/// New recovery codes took the place of those before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RecoveryCodesRenewed {
    /// The person.
    pub user: Id<kind::User>,
    /// Keyed hashes of the new ones.
    pub recovery_codes: Vec<String>,
}
event!(RecoveryCodesRenewed, "identity.user.recovery_codes_renewed", 1);

/// The second factor was taken away, with its recovery codes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TotpRemoved {
    /// The person.
    pub user: Id<kind::User>,
}
event!(TotpRemoved, "identity.user.totp_removed", 1);

/// The state of a person's second factor.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct SecondFactor {
    begun: Option<SealedValue>,
    active: Option<Active>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Active {
    secret: SealedValue,
    last_step: u64,
    recovery_codes: Vec<String>,
}

/// A code that is right as far as the secret or the hash says. Whether it was used before, the state
/// decides.
#[derive(Debug, Clone)]
pub enum Proof {
    /// A code of an app.
    Totp {
        /// The secret that it was computed from, as it is kept.
        secret: SealedValue,
        /// Its time step.
        step: u64,
    },
    /// A recovery code.
    Recovery {
        /// Its keyed hash.
        code: String,
    },
}

impl SecondFactor {
    /// The secret of the app, where codes are asked for.
    pub fn secret(&self) -> Option<&SealedValue> {
        self.active.as_ref().map(|active| &active.secret)
    }

    /// The secret that waits for its first code.
    pub fn begun(&self) -> Option<&SealedValue> {
        self.begun.as_ref()
    }

    /// Offers a secret to an app.
    ///
    /// # Errors
    /// Where there is a second factor: it is taken away first, which takes a code.
    pub fn begin(
        &self,
        user: Id<kind::User>,
        secret: SealedValue,
        field: &'static str,
    ) -> Result<Vec<UserEvent>, Fault> {
        if self.active.is_some() {
            return Err(Fault::new(
                "SECOND_FACTOR_EXISTS",
                field,
                "You have a second factor already: take it away by removeTotp to have another.",
            ));
        }
        Ok(vec![TotpBegun { user, secret }.into()])
    }

    /// Turns the second factor on, with a code of the secret that was offered.
    ///
    /// # Errors
    /// Where that secret is not on offer (any more).
    pub fn confirm(
        &self,
        user: Id<kind::User>,
        secret: &SealedValue,
        step: u64,
        recovery_codes: Vec<String>,
    ) -> Result<Vec<UserEvent>, Fault> {
        if self.begun.as_ref() != Some(secret) {
            return Err(not_begun());
        }
        Ok(vec![TotpConfirmed { user, step, recovery_codes }.into()])
    }

    /// Uses a code up; `None` for one that was used before, or is none of this factor's.
    pub fn use_up(&self, user: Id<kind::User>, proof: &Proof) -> Option<UserEvent> {
        let active = self.active.as_ref()?;
        match proof {
            Proof::Totp { secret, step } => (*secret == active.secret && *step > active.last_step)
                .then(|| TotpUsed { user, step: *step }.into()),
            Proof::Recovery { code } => active
                .recovery_codes
                .contains(code)
                .then(|| RecoveryCodeUsed { user, code: code.clone() }.into()),
        }
    }

    pub(super) fn apply(&mut self, event: &UserEvent) {
        match event {
            UserEvent::TotpBegun(begun) => self.begun = Some(begun.secret.clone()),
            UserEvent::TotpConfirmed(confirmed) => {
                self.active = self.begun.take().map(|secret| Active {
                    secret,
                    last_step: confirmed.step,
                    recovery_codes: confirmed.recovery_codes.clone(),
                });
            }
            UserEvent::TotpRemoved(_) | UserEvent::UserErased(_) => *self = Self::default(),
            UserEvent::TotpUsed(used) => {
                if let Some(active) = &mut self.active {
                    active.last_step = used.step;
                }
            }
            UserEvent::RecoveryCodeUsed(used) => {
                if let Some(active) = &mut self.active {
                    active.recovery_codes.retain(|code| *code != used.code);
                }
            }
            UserEvent::RecoveryCodesRenewed(renewed) => {
                if let Some(active) = &mut self.active {
                    active.recovery_codes.clone_from(&renewed.recovery_codes);
                }
            }
            // Of the person otherwise.
            _ => {}
        }
    }
}

/// There is nothing to confirm.
pub fn not_begun() -> Fault {
    Fault::new("NOT_BEGUN", "code", "There is no secret to confirm: begin with beginTotp.")
}

/// There is no second factor.
pub fn no_factor(field: &'static str) -> Fault {
    Fault::new("NO_SECOND_FACTOR", field, "You have no second factor: beginTotp makes one.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user() -> Id<kind::User> {
        Id::from_uuid(Default::default())
    }

    fn sealed(text: &str) -> SealedValue {
        SealedValue(text.into())
    }

    fn totp(step: u64) -> Proof {
        Proof::Totp { secret: sealed("s"), step }
    }

    fn recovery(code: &str) -> Proof {
        Proof::Recovery { code: code.to_owned() }
    }

    fn confirmed() -> SecondFactor {
        let mut factor = SecondFactor::default();
        for event in factor.begin(user(), sealed("s"), "password").unwrap() {
            factor.apply(&event);
        }
        assert!(factor.secret().is_none(), "nothing is asked for before it is confirmed");
        for event in factor.confirm(user(), &sealed("s"), 7, vec!["a".into(), "b".into()]).unwrap()
        {
            factor.apply(&event);
        }
        factor
    }

    #[test]
    fn no_code_works_twice_nor_after_a_later_one() {
        let mut factor = confirmed();
        assert!(factor.use_up(user(), &totp(7)).is_none(), "the one that confirmed it");
        let used = factor.use_up(user(), &totp(9)).unwrap();
        factor.apply(&used);
        for step in [8, 9] {
            assert!(factor.use_up(user(), &totp(step)).is_none());
        }
        assert!(factor.use_up(user(), &totp(10)).is_some());
        let used = factor.use_up(user(), &recovery("a")).unwrap();
        factor.apply(&used);
        assert!(factor.use_up(user(), &recovery("a")).is_none());
        assert!(factor.use_up(user(), &recovery("c")).is_none());
        assert!(factor.use_up(user(), &recovery("b")).is_some());
    }

    #[test]
    fn codes_of_another_secret_are_worth_nothing() {
        let mut factor = confirmed();
        let other = Proof::Totp { secret: sealed("t"), step: 99 };
        assert!(factor.use_up(user(), &other).is_none());
        factor
            .apply(&RecoveryCodesRenewed { user: user(), recovery_codes: vec!["c".into()] }.into());
        assert!(factor.use_up(user(), &recovery("a")).is_none());
        assert!(factor.use_up(user(), &recovery("c")).is_some());
        factor.apply(&TotpRemoved { user: user() }.into());
        assert!(factor.use_up(user(), &totp(99)).is_none());
        assert!(factor.use_up(user(), &recovery("c")).is_none());
    }

    #[test]
    fn it_is_begun_and_confirmed_in_that_order() {
        let factor = SecondFactor::default();
        let early = factor.confirm(user(), &sealed("s"), 1, Vec::new()).unwrap_err();
        assert_eq!(early.code, "NOT_BEGUN");
        let mut factor = SecondFactor::default();
        factor.apply(&TotpBegun { user: user(), secret: sealed("one") }.into());
        factor.apply(&TotpBegun { user: user(), secret: sealed("two") }.into());
        let replaced = factor.confirm(user(), &sealed("one"), 1, Vec::new()).unwrap_err();
        assert_eq!(replaced.code, "NOT_BEGUN");
        let again = confirmed().begin(user(), sealed("u"), "password").unwrap_err();
        assert_eq!(again.code, "SECOND_FACTOR_EXISTS");
    }
}
