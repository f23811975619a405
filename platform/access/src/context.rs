//! What rules learn of the circumstances of a request: the sign-in behind it, when it comes, and from where.

use serde::Serialize;
use studio_kernel::{Actor, Env, Network, Timestamp};

/// The circumstances. Few values, since decisions are cached by them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Context {
    /// Whether the person signed in with more than one factor.
    mfa: bool,
    /// The least of [`WITHIN`] minutes that the sign-in is not older than; absent where it is older
    /// than all, or not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_within: Option<u32>,
    /// The hour of the day in UTC, 0 to 23; absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    hour: Option<u8>,
    /// The day of the week in UTC, 1 for Monday to 7 (ISO 8601); absent without a clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    weekday: Option<u8>,
    /// Those of the named networks that the request comes from, a bit for each.
    #[serde(skip)]
    networks: u64,
}

/// The circumstances as rules see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct InputContext<'a> {
    #[serde(flatten)]
    context: Context,
    /// The names of the networks that the request comes from, sorted.
    networks: Vec<&'a str>,
}

/// Networks by the names that rules know them by, sorted; at most [`Networks::MOST`].
#[derive(Debug, Clone, Default)]
pub struct Networks(Vec<(String, Vec<Network>)>);

impl Networks {
    /// How many can be named.
    pub const MOST: usize = 64;

    /// These, of which those beyond the most are left out.
    pub fn new(named: impl IntoIterator<Item = (String, Vec<Network>)>) -> Self {
        let mut named: Vec<_> = named.into_iter().collect();
        named.sort_by(|(one, _), (other, _)| one.cmp(other));
        named.truncate(Self::MOST);
        Self(named)
    }

    fn bits(&self, actor: &Actor) -> u64 {
        let Some(origin) = &actor.origin else { return 0 };
        let within = |networks: &[Network]| networks.iter().any(|it| it.contains(origin.address));
        let named = self.0.iter().enumerate().filter(|(_, (_, networks))| within(networks));
        named.fold(0, |bits, (at, _)| bits | 1 << at)
    }

    fn names(&self, bits: u64) -> Vec<&str> {
        let named = self.0.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1);
        named.map(|(_, (name, _))| name.as_str()).collect()
    }
}

/// Minutes by which rules can ask how fresh a sign-in is.
const WITHIN: [u32; 6] = [5, 15, 60, 240, 720, 1440];
const HOUR: i64 = 3_600_000_000;

impl Context {
    pub(crate) fn of(actor: &Actor, env: Option<&Env>, networks: &Networks) -> Self {
        let now = env.map(Env::now);
        let fresh = |at: Timestamp, now: Timestamp, minutes: u32| {
            at.plus_seconds(i64::from(minutes) * 60) >= now
        };
        let authn = actor.authn.as_ref();
        let within = authn.zip(now).and_then(|(authn, now)| {
            WITHIN.into_iter().find(|minutes| fresh(authn.at, now, *minutes))
        });
        let hours = now.map(|now| now.micros().div_euclid(HOUR));
        let small = |number: i64| u8::try_from(number).unwrap_or_default();
        Self {
            mfa: authn.is_some_and(studio_kernel::Authn::multi_factor),
            authenticated_within: within,
            hour: hours.map(|hours| small(hours.rem_euclid(24))),
            // The first day of the epoch was a Thursday.
            weekday: hours.map(|hours| small((hours.div_euclid(24) + 3).rem_euclid(7) + 1)),
            networks: networks.bits(actor),
        }
    }

    /// As rules see it.
    pub(crate) fn told(self, networks: &Networks) -> InputContext<'_> {
        InputContext { context: self, networks: networks.names(self.networks) }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Authn, AuthnMethod, FixedEntropy, ManualClock};

    use super::*;

    #[test]
    fn rules_learn_when_and_from_where() {
        let at: Timestamp = "2026-11-27T17:59:59Z".parse().unwrap();
        let clock = ManualClock::at(at);
        let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
        let networks = Networks::new([
            ("vpn".to_owned(), vec!["10.8.0.0/16".parse().unwrap()]),
            (
                "office".to_owned(),
                vec!["192.0.2.0/24".parse().unwrap(), "10.8.1.0/24".parse().unwrap()],
            ),
        ]);
        let somebody = Actor::user(env.id(), env.id(), env.id(), vec![])
            .signed_in(Some(Authn::new(at, vec![AuthnMethod::Pwd, AuthnMethod::Otp])));
        let told = |from: &str| {
            let actor = somebody.clone().acting_from(from.parse().ok());
            let context = Context::of(&actor, Some(&env), &networks);
            serde_json::to_value(context.told(&networks)).unwrap()
        };
        let expected = serde_json::json!({ "mfa": true, "authenticated_within": 5, "hour": 17, "weekday": 5,
            "networks": ["office", "vpn"] });
        assert_eq!(told("10.8.1.7"), expected);
        assert_eq!(told("192.0.2.7")["networks"], serde_json::json!(["office"]));
        assert_eq!(told("")["networks"], serde_json::json!([]));
        clock.advance_micros(2 * 86_400_000_000 + 1_000_000);
        let later = told("198.51.100.1");
        let expected = serde_json::json!({ "mfa": true, "hour": 18, "weekday": 7, "networks": [] });
        assert_eq!(later, expected);
        let without = Context::of(&somebody, None, &networks);
        let without = serde_json::to_value(without.told(&networks)).unwrap();
        assert_eq!(without, serde_json::json!({ "mfa": true, "networks": [] }));
    }
}
