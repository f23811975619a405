//! What people can do. Every command loads, asks the policy, lets the domain decide and appends;
//! those that make somebody an actor (set-up, sign-in and its second step, refresh, the offer of a
//! set-up, and what is done by a link from a mail) ask for proof instead.

mod account;
mod api_keys;
mod app_tokens;
mod apps;
mod audit;
mod command;
mod directories;
mod factor;
mod invitations;
mod mailed;
mod oauth_clients;
mod oidc;
mod organization_states;
mod organizations;
mod passkey;
mod personal_data;
mod policy;
pub(crate) mod provision;
mod request;
mod review;
mod role_changes;
mod roles;
mod second_step;
mod sessions;
mod sign_in;
mod teams;
mod users;

use std::sync::Arc;

use studio_access::{Denied, Policy};
use studio_events::{AppendError, EncodeError, EventStore, ExecuteError, StoreError};
use studio_kernel::Env;
use studio_service::{ApiError, graphql::UserError, notices::Notices};
use studio_stores::keyring::{IndexKey, KeyringError};

pub(crate) use api_keys::NewApiKey;
pub(crate) use app_tokens::{AppIssued, CodeShown, NotIssued};
pub(crate) use apps::{AllowedApp, Declined, RequestState, ShownRequest};
pub(crate) use directories::{NewDirectory, UpdatedDirectory};
pub(crate) use factor::{Given, Shown};
pub(crate) use invitations::{Acceptance, NewInvitation};
pub(crate) use mailed::{MailDesk, keep_resets};
pub(crate) use oauth_clients::NewClient;
pub use organization_states::OrganizationListed;
pub(crate) use organizations::SetUpState;
pub use organizations::{Founded, NewOrganization};
pub(crate) use passkey::AddedPasskey;
pub(crate) use policy::AskedDecision;
pub(crate) use request::Request;
pub(crate) use review::DecideAccess;
pub(crate) use role_changes::RoleChanges;
pub(crate) use roles::{Grant, RoleChange};
pub(crate) use sign_in::{LoggedIn, SignedIn};
pub(crate) use teams::TeamChange;
pub(crate) use users::{NewUser, keep_erased};

use crate::{
    backoff::Backoff,
    codes::RecoveryCodes,
    domain::input::Fault,
    oidc::{Cookies, Providers},
    pace::Pace,
    password::{PasswordError, Passwords},
    personal::{People, PersonalError},
    tokens::{
        AppTokens, Challenges, Issuer, LiveSessions, MailedTokens, PasskeyChallenges,
        RefreshTokens, Requests, TokenVerifier,
    },
    webauthn::RelyingParty,
};

/// Everything that commands and queries need.
pub(crate) struct Core {
    /// Time and randomness.
    pub env: Env,
    /// The log and the read models.
    pub store: EventStore,
    /// Who may do what.
    pub policy: Arc<Policy>,
    /// What is recorded beside that.
    pub notices: Arc<Notices>,
    /// Seals and opens personal data.
    pub people: Arc<People>,
    /// The sessions that are alive.
    pub sessions: Arc<LiveSessions>,
    /// Waits for what other processes have let in a moment ago.
    pub(crate) verifier: TokenVerifier,
    pub(crate) passwords: Passwords,
    pub(crate) backoff: Backoff,
    pub(crate) pace: Pace,
    pub(crate) issuer: Issuer,
    pub(crate) refresh_tokens: RefreshTokens,
    /// What apps get.
    pub(crate) app_tokens: AppTokens,
    /// What apps ask.
    pub(crate) requests: Requests,
    pub(crate) challenges: Challenges,
    pub(crate) passkey_challenges: PasskeyChallenges,
    /// Whom passkeys are made for; `None` where the public address has no name, or browsers do not trust
    /// it.
    pub(crate) relying_party: Option<RelyingParty>,
    pub(crate) mailed_tokens: MailedTokens,
    /// Nothing where the server sends no mail.
    pub(crate) mail: Option<MailDesk>,
    /// Who vouches for people, besides their passwords.
    pub(crate) oidc: Providers,
    pub(crate) cookies: Cookies,
    pub(crate) recovery_codes: RecoveryCodes,
    /// What set-up tokens are made with.
    pub(crate) set_up_key: IndexKey,
    pub(crate) session_seconds: i64,
    /// Days for which a key holds at most.
    pub(crate) api_key_days: u32,
    /// Held while roles are changed or somebody is erased in this process; a lease keeps the others
    /// apart.
    pub(crate) holding_roles: tokio::sync::Mutex<()>,
}

/// Why a command did nothing.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The person can mend the input.
    Input(Vec<Fault>),
    /// Anything else, as the client may see it.
    Api(ApiError),
}

impl Failure {
    /// Splits off what belongs into `userErrors`.
    pub(crate) fn user_errors(self) -> Result<Vec<UserError>, ApiError> {
        match self {
            Self::Input(faults) => Ok(faults
                .into_iter()
                .map(|fault| UserError::field(fault.code, fault.field, fault.message))
                .collect()),
            Self::Api(error) => Err(error),
        }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Input(vec![fault])
    }
}

macro_rules! api_errors {
    ($($error:ty => $make:expr),* $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::Api($make(error))
            }
        }
    )*};
}

api_errors! {
    ApiError => std::convert::identity,
    Denied => ApiError::from,
    StoreError => ApiError::from,
    AppendError => ApiError::from,
    sea_orm::DbErr => ApiError::from,
    EncodeError => ApiError::internal,
    KeyringError => ApiError::from,
    PersonalError => ApiError::from,
    PasswordError => ApiError::internal,
    crate::tokens::IssueError => ApiError::internal,
}

impl<E: Into<Failure>> From<ExecuteError<E>> for Failure {
    fn from(error: ExecuteError<E>) -> Self {
        match error {
            ExecuteError::Refused(refused) => refused.into(),
            ExecuteError::Append(error) => error.into(),
            ExecuteError::Store(error) => error.into(),
        }
    }
}

/// Collects faults, so that the person sees all of them at once.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn take<T>(&mut self, checked: Result<T, Fault>) -> Option<T> {
        checked.map_err(|fault| self.0.push(fault)).ok()
    }

    fn none(self) -> Result<(), Failure> {
        if self.0.is_empty() { Ok(()) } else { Err(Failure::Input(self.0)) }
    }
}
