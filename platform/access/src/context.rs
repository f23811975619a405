//! What rules learn of the sign-in behind a request.

use serde::Serialize;
use studio_kernel::{Actor, Env, Timestamp};

/// What there is to know of the sign-in. Few values, since decisions are cached by them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
pub(crate) struct Context {
    /// Whether the person signed in with more than one factor.
    mfa: bool,
    /// The least of [`WITHIN`] minutes that the sign-in is not older than; absent where it is older
    /// than all, or not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated_within: Option<u32>,
}

/// Minutes by which rules can ask how fresh a sign-in is.
const WITHIN: [u32; 6] = [5, 15, 60, 240, 720, 1440];

impl Context {
    pub(crate) fn of(actor: &Actor, env: Option<&Env>) -> Self {
        let Some(authn) = &actor.authn else { return Self::default() };
        let fresh =
            |now: Timestamp, minutes: u32| authn.at.plus_seconds(i64::from(minutes) * 60) >= now;
        Self {
            mfa: authn.multi_factor(),
            authenticated_within: env.and_then(|env| {
                let now = env.now();
                WITHIN.into_iter().find(|minutes| fresh(now, *minutes))
            }),
        }
    }
}
