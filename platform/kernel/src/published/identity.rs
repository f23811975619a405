//! What the identity subgraph publishes: which sessions, keys and programs are alive, and what they
//! may do, for whoever checks what a request carries in another process. Ids, instants, roles, scopes
//! and hashes of random secrets alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    action_scope::ActionScope,
    actor::{ProjectRoles, Role},
    event,
    id::{Id, kind},
    time::Timestamp,
};

/// A session was started or refreshed: it lives until then, unless it is ended before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionExtended {
    /// The session.
    pub session: Id<kind::Session>,
    /// When it runs out.
    pub expires_at: Timestamp,
}
event!(SessionExtended, "identity.session.extended", 1);

/// A session was ended before its time: its access tokens prove nothing any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnded {
    /// The session.
    pub session: Id<kind::Session>,
}
event!(SessionEnded, "identity.session.ended", 1);

/// A role that ends by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleUntil {
    /// The role.
    pub role: Role,
    /// The first instant at which it does not count any more.
    pub until: Timestamp,
}

/// A role that somebody has for the things of one project.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct ProjectRole {
    /// The project.
    pub project: Id<kind::Project>,
    /// The role.
    pub role: Role,
    /// The first instant at which it does not count any more; absent where it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl ProjectRole {
    /// Whether it counts at an instant.
    pub fn counts(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }
}

/// A role that somebody has for as long as they are in a team.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct TeamRole {
    /// The team.
    pub team: Id<kind::Team>,
    /// The project that it is for; the whole organization where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Id<kind::Project>>,
    /// The role.
    pub role: Role,
}

/// What somebody may do: some of it until it is changed, some until an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolesHeld {
    /// Until it is changed, sorted.
    pub always: Vec<Role>,
    /// Until an instant, sorted by role.
    pub until: Vec<RoleUntil>,
    /// For the things of one project each, sorted by project and role.
    pub projects: Vec<ProjectRole>,
    /// For as long as they are in a team, sorted.
    pub teams: Vec<TeamRole>,
}

impl RolesHeld {
    /// What they may do at an instant, sorted.
    pub fn at(&self, now: Timestamp) -> Vec<Role> {
        let timed = self.until.iter().filter(|it| now < it.until).map(|it| it.role);
        let by_teams = self.teams.iter().filter(|it| it.project.is_none()).map(|it| it.role);
        let mut roles: Vec<Role> =
            self.always.iter().copied().chain(timed).chain(by_teams).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// What they may do in single projects at an instant, sorted by project.
    pub fn in_projects(&self, now: Timestamp) -> Vec<ProjectRoles> {
        let own = self.projects.iter().filter(|it| it.counts(now)).map(|it| (it.project, it.role));
        let by_teams = self.teams.iter().filter_map(|it| Some((it.project?, it.role)));
        let mut held: Vec<_> = own.chain(by_teams).collect();
        held.sort_unstable();
        held.dedup();
        let mut projects: Vec<ProjectRoles> = Vec::new();
        for (project, role) in held {
            match projects.last_mut() {
                Some(last) if last.project == project => last.roles.push(role),
                _ => projects.push(ProjectRoles { project, roles: vec![role] }),
            }
        }
        projects
    }
}

/// What a person may do was changed: access tokens from before say what does not hold any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RolesChanged {
    /// The person.
    pub user: Id<kind::User>,
    /// All that they are now until it is changed again, sorted.
    pub roles: Vec<Role>,
    /// What they are besides until an instant, sorted by role. It ends by itself: no event says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub until: Vec<RoleUntil>,
    /// All that they are now in single projects, sorted by project and role.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<ProjectRole>,
    /// All that they are now by the teams that they are in, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<TeamRole>,
}
event!(RolesChanged, "identity.user.roles_changed", 1);

impl RolesChanged {
    /// They may do this from now on.
    pub fn to(user: Id<kind::User>, held: RolesHeld) -> Self {
        let RolesHeld { always, until, projects, teams } = held;
        Self { user, roles: always, until, projects, teams }
    }

    /// What they may do since.
    pub fn held(self) -> RolesHeld {
        let Self { user: _, roles, until, projects, teams } = self;
        RolesHeld { always: roles, until, projects, teams }
    }
}

/// A person was suspended: no session and no key of theirs proves anything, until they are reactivated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserSuspended {
    /// The person.
    pub user: Id<kind::User>,
}
event!(UserSuspended, "identity.user.suspended", 1);

/// A person who was suspended may do again what their roles allow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct UserReactivated {
    /// The person.
    pub user: Id<kind::User>,
}
event!(UserReactivated, "identity.user.reactivated", 1);

/// A person made a key for a program.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeyCreated {
    /// The key.
    pub key: Id<kind::ApiKey>,
    /// Whose it is.
    pub user: Id<kind::User>,
    /// All that they were then, sorted.
    pub roles: Vec<Role>,
    /// How far the key goes within what its person may do.
    pub scopes: Vec<ActionScope>,
    /// SHA-256 of its secret, which has 256 random bits: 64 lower-case hexadecimal digits.
    pub secret_hash: String,
    /// When it runs out.
    pub expires_at: Timestamp,
}
event!(ApiKeyCreated, "identity.api_key.created", 1);

/// A key was revoked before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeyRevoked {
    /// The key.
    pub key: Id<kind::ApiKey>,
}
event!(ApiKeyRevoked, "identity.api_key.revoked", 1);

/// How a program gets tokens: a grant of RFC 6749, by its name there.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum GrantType {
    /// By itself, with its secret (section 4.4).
    ClientCredentials,
    /// For a person who allows it to (section 4.1).
    AuthorizationCode,
    /// The same again, without the person (section 6).
    RefreshToken,
}

impl GrantType {
    /// Every grant.
    pub const ALL: [Self; 3] =
        [Self::ClientCredentials, Self::AuthorizationCode, Self::RefreshToken];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
        }
    }

    /// The grant of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }

    /// The grants of every program before there were others.
    pub fn before() -> Vec<Self> {
        vec![Self::ClientCredentials]
    }

    /// Whether these are the grants of a program from before there were others.
    pub fn is_before(grants: &[Self]) -> bool {
        grants == [Self::ClientCredentials]
    }
}

/// A program of the organization was given access (OAuth 2.0, RFC 6749).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OAuthClientCreated {
    /// The program.
    pub client: Id<kind::OAuthClient>,
    /// What it may do, sorted.
    pub roles: Vec<Role>,
    /// How far it may go within that.
    pub scopes: Vec<ActionScope>,
    /// SHA-256 of its secret, which has 256 random bits: 64 lower-case hexadecimal digits; empty for an
    /// app that can keep none.
    pub secret_hash: String,
    /// How it gets tokens, sorted. Programs from before this was said sign in by themselves.
    #[serde(default = "GrantType::before", skip_serializing_if = "GrantType::is_before")]
    pub grant_types: Vec<GrantType>,
    /// Where an app gets its answers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redirect_uris: Vec<String>,
}
event!(OAuthClientCreated, "identity.oauth_client.created", 1);

/// The access of a program was taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OAuthClientRevoked {
    /// The program.
    pub client: Id<kind::OAuthClient>,
}
event!(OAuthClientRevoked, "identity.oauth_client.revoked", 1);

/// A person allowed an app to act for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppAllowed {
    /// What was allowed.
    pub grant: Id<kind::AppGrant>,
    /// The app.
    pub client: Id<kind::OAuthClient>,
    /// The person.
    pub user: Id<kind::User>,
    /// All that they were then, sorted.
    pub roles: Vec<Role>,
    /// When it runs out unless it is extended before.
    pub expires_at: Timestamp,
}
event!(AppAllowed, "identity.app_grant.allowed", 1);

/// An app got tokens by what a person allowed it: it lasts until then, unless it is ended before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppGrantExtended {
    /// What was allowed.
    pub grant: Id<kind::AppGrant>,
    /// When it runs out.
    pub expires_at: Timestamp,
}
event!(AppGrantExtended, "identity.app_grant.extended", 1);

/// An app may act for a person no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AppGrantEnded {
    /// What was allowed.
    pub grant: Id<kind::AppGrant>,
}
event!(AppGrantEnded, "identity.app_grant.ended", 1);

/// A program gave an access token back before its time (RFC 7009).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccessTokenRevoked {
    /// The program.
    pub client: Id<kind::OAuthClient>,
    /// The token.
    pub token: Id<kind::AccessToken>,
    /// When it runs out; it may be forgotten then.
    pub expires_at: Timestamp,
}
event!(AccessTokenRevoked, "identity.access_token.revoked", 1);

/// What may be done in an organization.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationState {
    /// Everything that people and programs may do.
    #[default]
    Active,
    /// It is read and nothing of it changes: its people and programs only read.
    Archived,
    /// Nobody of it gets in, no person and no program. What runs by itself goes on.
    Suspended,
}

impl OrganizationState {
    /// Its name, as it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Archived => "archived",
            Self::Suspended => "suspended",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Active, Self::Archived, Self::Suspended].into_iter().find(|it| it.as_str() == name)
    }
}

/// Whoever runs the server put the organization into a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OrganizationStateChanged {
    /// The state from then on.
    pub state: OrganizationState,
}
event!(OrganizationStateChanged, "identity.organization.state_changed", 1);
