//! A person's second factor: codes that an app computes from the time (TOTP, RFC 6238), passkeys, and
//! recovery codes for when both are gone. No code works twice (RFC 6238, section 5.2). What happens to it
//! stands in the stream of its person.

use serde::{Deserialize, Serialize};
use studio_kernel::{Id, Timestamp, event, kind};

use super::{
    SealedValue,
    input::Fault,
    passkey::{Answer, Passkeys},
    user::UserEvent,
};

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
    /// Keyed hashes of the recovery codes as they are afterwards.
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

/// The app was taken away; with the recovery codes, where there is no passkey.
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
    app: Option<App>,
    /// Keyed hashes of those that were not used.
    recovery_codes: Vec<String>,
    /// Keys that sign.
    pub passkeys: Passkeys,
}

#[derive(Debug, Serialize, Deserialize)]
struct App {
    secret: SealedValue,
    last_step: u64,
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
    /// A signature of a passkey.
    Passkey(Answer),
}

impl SecondFactor {
    /// Whether something is asked for besides the password.
    pub fn is_on(&self) -> bool {
        self.app.is_some() || !self.passkeys.all().is_empty()
    }

    /// Whether these are the recovery codes.
    pub fn has_recovery_codes(&self, codes: &[String]) -> bool {
        self.recovery_codes == codes
    }

    /// The secret of the app, where there is one.
    pub fn secret(&self) -> Option<&SealedValue> {
        self.app.as_ref().map(|app| &app.secret)
    }

    /// The recovery codes that count once there is a factor more: those that there are, or else new
    /// ones.
    pub fn recovery_codes_or(&self, new: &[String]) -> Vec<String> {
        if self.recovery_codes.is_empty() { new } else { &self.recovery_codes }.to_vec()
    }

    /// The secret that waits for its first code.
    pub fn begun(&self) -> Option<&SealedValue> {
        self.begun.as_ref()
    }

    /// Offers a secret to an app.
    ///
    /// # Errors
    /// Where there is an app: it is taken away first, which takes a code.
    pub fn begin(
        &self,
        user: Id<kind::User>,
        secret: SealedValue,
        field: &'static str,
    ) -> Result<Vec<UserEvent>, Fault> {
        if self.app.is_some() {
            return Err(Fault::new(
                "SECOND_FACTOR_EXISTS",
                field,
                "You have an app already: take it away by removeTotp to have another.",
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

    /// Uses a code or a signature up; `None` for one that was used before, or is none of this factor's.
    pub fn use_up(&self, user: Id<kind::User>, proof: &Proof) -> Option<UserEvent> {
        match proof {
            Proof::Totp { secret, step } => {
                let app = self.app.as_ref()?;
                (*secret == app.secret && *step > app.last_step)
                    .then(|| TotpUsed { user, step: *step }.into())
            }
            Proof::Recovery { code } => self
                .recovery_codes
                .contains(code)
                .then(|| RecoveryCodeUsed { user, code: code.clone() }.into()),
            Proof::Passkey(answer) => self.passkeys.use_up(user, answer),
        }
    }

    /// What to record where a signature shows that there is a copy of the passkey.
    pub fn copied(&self, user: Id<kind::User>, proof: &Proof) -> Option<UserEvent> {
        match proof {
            Proof::Passkey(answer) => self.passkeys.copied(user, answer),
            Proof::Totp { .. } | Proof::Recovery { .. } => None,
        }
    }

    pub(super) fn apply(&mut self, event: &UserEvent, recorded_at: Timestamp) {
        self.passkeys.apply(event, recorded_at);
        match event {
            UserEvent::TotpBegun(begun) => self.begun = Some(begun.secret.clone()),
            UserEvent::TotpConfirmed(confirmed) => {
                let last_step = confirmed.step;
                self.app = self.begun.take().map(|secret| App { secret, last_step });
                self.recovery_codes.clone_from(&confirmed.recovery_codes);
            }
            UserEvent::PasskeyAdded(added) => {
                self.recovery_codes.clone_from(&added.recovery_codes);
            }
            UserEvent::TotpRemoved(_) => {
                self.begun = None;
                self.app = None;
            }
            UserEvent::UserErased(_) => *self = Self::default(),
            UserEvent::TotpUsed(used) => {
                if let Some(app) = &mut self.app {
                    app.last_step = used.step;
                }
            }
            UserEvent::RecoveryCodeUsed(used) => {
                self.recovery_codes.retain(|code| *code != used.code);
            }
            UserEvent::RecoveryCodesRenewed(renewed) => {
                self.recovery_codes.clone_from(&renewed.recovery_codes);
            }
            // Of the person otherwise.
            _ => {}
        }
        // They take the place of a factor: without one they are none.
        if !self.is_on() {
            self.recovery_codes.clear();
        }
    }
}

/// There is nothing to confirm.
pub fn not_begun() -> Fault {
    Fault::new("NOT_BEGUN", "code", "There is no secret to confirm: begin with beginTotp.")
}

/// There is no second factor.
pub fn no_factor(field: &'static str) -> Fault {
    Fault::new(
        "NO_SECOND_FACTOR",
        field,
        "You have no second factor: beginTotp or beginPasskeyRegistration makes one.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::passkey::{PasskeyAdded, PasskeyRemoved};

    fn user() -> Id<kind::User> {
        Id::from_uuid(Default::default())
    }

    fn sealed(text: &str) -> SealedValue {
        SealedValue(text.into())
    }

    fn apply(factor: &mut SecondFactor, event: &UserEvent) {
        factor.apply(event, Timestamp::from_micros(0));
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
            apply(&mut factor, &event);
        }
        assert!(factor.secret().is_none(), "nothing is asked for before it is confirmed");
        for event in factor.confirm(user(), &sealed("s"), 7, vec!["a".into(), "b".into()]).unwrap()
        {
            apply(&mut factor, &event);
        }
        factor
    }

    #[test]
    fn no_code_works_twice_nor_after_a_later_one() {
        let mut factor = confirmed();
        assert!(factor.use_up(user(), &totp(7)).is_none(), "the one that confirmed it");
        let used = factor.use_up(user(), &totp(9)).unwrap();
        apply(&mut factor, &used);
        for step in [8, 9] {
            assert!(factor.use_up(user(), &totp(step)).is_none());
        }
        assert!(factor.use_up(user(), &totp(10)).is_some());
        let used = factor.use_up(user(), &recovery("a")).unwrap();
        apply(&mut factor, &used);
        assert!(factor.use_up(user(), &recovery("a")).is_none());
        assert!(factor.use_up(user(), &recovery("c")).is_none());
        assert!(factor.use_up(user(), &recovery("b")).is_some());
    }

    #[test]
    fn codes_of_another_secret_are_worth_nothing() {
        let mut factor = confirmed();
        let other = Proof::Totp { secret: sealed("t"), step: 99 };
        assert!(factor.use_up(user(), &other).is_none());
        apply(
            &mut factor,
            &RecoveryCodesRenewed { user: user(), recovery_codes: vec!["c".into()] }.into(),
        );
        assert!(factor.use_up(user(), &recovery("a")).is_none());
        assert!(factor.use_up(user(), &recovery("c")).is_some());
        apply(&mut factor, &TotpRemoved { user: user() }.into());
        assert!(factor.use_up(user(), &totp(99)).is_none());
        assert!(factor.use_up(user(), &recovery("c")).is_none());
    }

    #[test]
    fn recovery_codes_go_with_the_last_factor() {
        let mut factor = confirmed();
        let passkey = Id::from_uuid(Default::default());
        let codes = factor.recovery_codes_or(&["new".into()]);
        assert_eq!(codes, ["a", "b"], "there are some already");
        let (user, credential) = (user(), sealed("k"));
        let added =
            PasskeyAdded { user, passkey, credential, sign_count: 0, recovery_codes: codes };
        apply(&mut factor, &added.into());
        apply(&mut factor, &TotpRemoved { user }.into());
        assert!(factor.is_on() && factor.use_up(user, &recovery("a")).is_some());
        apply(&mut factor, &PasskeyRemoved { user, passkey }.into());
        assert!(!factor.is_on() && factor.use_up(user, &recovery("a")).is_none());
        assert_eq!(factor.recovery_codes_or(&["new".into()]), ["new"]);
    }

    #[test]
    fn it_is_begun_and_confirmed_in_that_order() {
        let factor = SecondFactor::default();
        let early = factor.confirm(user(), &sealed("s"), 1, Vec::new()).unwrap_err();
        assert_eq!(early.code, "NOT_BEGUN");
        let mut factor = SecondFactor::default();
        apply(&mut factor, &TotpBegun { user: user(), secret: sealed("one") }.into());
        apply(&mut factor, &TotpBegun { user: user(), secret: sealed("two") }.into());
        let replaced = factor.confirm(user(), &sealed("one"), 1, Vec::new()).unwrap_err();
        assert_eq!(replaced.code, "NOT_BEGUN");
        let again = confirmed().begin(user(), sealed("u"), "password").unwrap_err();
        assert_eq!(again.code, "SECOND_FACTOR_EXISTS");
    }
}
