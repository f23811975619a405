//! The read models: organizations, people, teams, invitations, their second factors, passkeys and logins, sessions, keys,
//! programs, what people allowed them, and directories, reviews of access, and the state of the set-up. Every query names its organization, but for
//! those by which somebody without an actor is found: by e-mail address, passkey or what a provider calls
//! them at a sign-in, and whether there is any organization at all.

pub(crate) mod api_keys;
pub(crate) mod app_grants;
pub(crate) mod audit;
pub(crate) mod directories;
pub(crate) mod directory_groups;
pub(crate) mod directory_people;
pub(crate) mod factors;
pub(crate) mod invitations;
pub(crate) mod logins;
pub(crate) mod oauth_clients;
pub(crate) mod organizations;
pub(crate) mod passkeys;
pub(crate) mod reviews;
mod rows;
pub(crate) mod sessions;
pub(crate) mod set_up;
pub(crate) mod teams;
pub(crate) mod users;

use studio_events::Recorded;
use studio_kernel::Id;

/// The id of the stream that an event belongs to, as text for a row.
fn tenant_of(recorded: &Recorded) -> String {
    recorded.tenant.to_string()
}

/// An id from a row. Rows are written from typed ids alone.
pub(crate) fn read_id<K: studio_kernel::id::Kind>(text: &str) -> Result<Id<K>, sea_orm::DbErr> {
    text.parse().map_err(|error| sea_orm::DbErr::Type(format!("{error}")))
}

/// Ids in one query: databases limit how many values a statement takes.
const AT_ONCE: usize = 500;
