//! Signing in by a provider of identity (OpenID Connect Core 1.0, authorization code flow, section 3.1, with
//! PKCE, RFC 7636).
//!
//! What holds always: a code is taken only by the browser that began (a cookie that `state` follows from), only
//! from the provider that it was begun with (each has a callback of its own, and `iss` is compared, RFC 9207), and
//! only with the verifier and the nonce that follow from the same cookie. Tokens of the provider are looked
//! at and forgotten; none is kept or logged. Nobody is sent anywhere but to the page of this server.

mod browser;
mod http;
mod id_token;
mod keys;
mod provider;
mod routes;

pub(crate) use browser::{Cookies, Ticket};
pub(crate) use provider::{Providers, Vouched};
pub(crate) use routes::routes;

/// Why nobody was signed in by a provider. The names go to the page, the rest to the log.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    /// No provider of that name.
    #[error("there is no provider of that name")]
    NoProvider,
    /// Where the person wanted to go on is no place of the page.
    #[error("the place to go on at is none of this page")]
    ReturnTo,
    /// The browser did not begin here, or too long ago, or it began another sign-in since.
    #[error("the sign-in was not begun by this browser, or is over")]
    State,
    /// The provider said no, with a code of OAuth 2.0 (RFC 6749, section 4.1.2.1).
    #[error("the provider refused: {0}")]
    Provider(String),
    /// The provider cannot be reached, or does not answer as it must.
    #[error("the provider does not work: {0}")]
    Unavailable(String),
    /// What the provider says of the person does not hold.
    #[error("the provider's token does not hold: {0}")]
    Token(&'static str),
    /// It does not vouch for an address that it may vouch for.
    #[error("the provider does not vouch for an address of its domains")]
    Address,
    /// The address or the person belongs to somebody else here.
    #[error("the address belongs to an account that this provider may not sign in to")]
    Account,
    /// None of the person's groups gives a role.
    #[error("no group of the person gives a role")]
    NoRole,
    /// The organization of the settings does not exist.
    #[error("the organization in the settings of the provider does not exist")]
    NoOrganization,
    /// A rule of the operator's says no.
    #[error("the access policies refuse it")]
    Denied,
    /// Something failed on our side, and was logged.
    #[error("{0:?}")]
    Internal(studio_service::ApiError),
}

impl Refused {
    /// The name that the page knows.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoProvider => "NO_PROVIDER",
            Self::ReturnTo => "RETURN_TO",
            Self::State => "STATE",
            Self::Provider(_) => "REFUSED",
            Self::Unavailable(_) => "UNAVAILABLE",
            Self::Token(_) => "TOKEN",
            Self::Address => "ADDRESS",
            Self::Account => "ACCOUNT",
            Self::NoRole => "NO_ROLE",
            Self::NoOrganization => "NO_ORGANIZATION",
            Self::Denied => "DENIED",
            Self::Internal(_) => "INTERNAL",
        }
    }
}
