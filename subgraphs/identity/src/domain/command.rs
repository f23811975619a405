//! The `studio` command, where it signs a person in with their browser: an app that every installation knows.
//! It belongs to no organization and was registered by nobody, and what it gets is no leave to act for the
//! person but a session of theirs. It runs on their machine, waits at a loopback address, at a port that it
//! does not know before (RFC 8252, section 7.3), and keeps no secret: PKCE is what proves it.

use std::sync::LazyLock;

use studio_kernel::{Id, kind, published::identity::GrantType};
use uuid::Uuid;

use super::authorization::App;

/// By what it names itself (`client_id`). No program is given this id: it is from before all time.
pub const COMMAND: Id<kind::OAuthClient> =
    Id::from_uuid(Uuid::from_u128(0x0000_0000_0000_7000_8000_7374_7564_696f));

static ADDRESSES: LazyLock<[String; 2]> =
    LazyLock::new(|| ["http://127.0.0.1/signed-in".into(), "http://[::1]/signed-in".into()]);

/// What it asks by: it wants to know who somebody is, and gets its tokens by a code.
pub fn app() -> App<'static> {
    let grant_types = &[GrantType::AuthorizationCode];
    App { redirect_uris: &*ADDRESSES, grant_types, scopes: &[] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::redirect_uri::{self, RedirectUri};

    #[test]
    fn it_is_named_as_programs_are_and_answered_on_the_own_machine_alone() {
        assert_eq!(COMMAND.to_string().parse(), Ok(COMMAND));
        for address in app().redirect_uris {
            assert!(RedirectUri::read(address).is_ok() && !redirect_uri::is_assured(address));
        }
    }
}
