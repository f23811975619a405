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

/// What somebody may do: some of it until it is changed, some until an instant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RolesHeld {
    /// Until it is changed, sorted.
    pub always: Vec<Role>,
    /// Until an instant, sorted by role.
    pub until: Vec<RoleUntil>,
    /// For the things of one project each, sorted by project and role.
    pub projects: Vec<ProjectRole>,
}

impl RolesHeld {
    /// What they may do at an instant, sorted.
    pub fn at(&self, now: Timestamp) -> Vec<Role> {
        let timed = self.until.iter().filter(|it| now < it.until).map(|it| it.role);
        let mut roles: Vec<Role> = self.always.iter().copied().chain(timed).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// What they may do in single projects at an instant, sorted by project.
    pub fn in_projects(&self, now: Timestamp) -> Vec<ProjectRoles> {
        let mut projects: Vec<ProjectRoles> = Vec::new();
        let mut held: Vec<&ProjectRole> =
            self.projects.iter().filter(|it| it.counts(now)).collect();
        held.sort_unstable();
        for it in held {
            match projects.last_mut() {
                Some(last) if last.project == it.project => last.roles.push(it.role),
                _ => projects.push(ProjectRoles { project: it.project, roles: vec![it.role] }),
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
}
event!(RolesChanged, "identity.user.roles_changed", 1);

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

/// A program of the organization was given access (OAuth 2.0, RFC 6749).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OAuthClientCreated {
    /// The program.
    pub client: Id<kind::OAuthClient>,
    /// What it may do, sorted.
    pub roles: Vec<Role>,
    /// How far it may go within that.
    pub scopes: Vec<ActionScope>,
    /// SHA-256 of its secret, which has 256 random bits: 64 lower-case hexadecimal digits.
    pub secret_hash: String,
}
event!(OAuthClientCreated, "identity.oauth_client.created", 1);

/// The access of a program was taken away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OAuthClientRevoked {
    /// The program.
    pub client: Id<kind::OAuthClient>,
}
event!(OAuthClientRevoked, "identity.oauth_client.revoked", 1);

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
