//! Who acts: the person or program behind a request, or Studio itself.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    action_scope::ActionScope,
    authn::Authn,
    id::{Id, TenantId, kind},
    origin::Origin,
    published::identity::RolesHeld,
    time::Timestamp,
};

/// What a member of an organization may do, as a name that the policies know (DESIGN section 8).
/// `docs/access.md` says what each of them may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything within the organization.
    Owner,
    /// May do everything but what is an owner's alone: making or changing owners, erasing people.
    Admin,
    /// May do everything about controls, evidence and documents, and nothing about people.
    ComplianceManager,
    /// Reads everything, and changes the controls that are theirs, with their tests and documents.
    ControlOwner,
    /// Reads everything, brings evidence and documents in, and changes the own documents.
    Contributor,
    /// Reads everything about controls, evidence and documents, and changes nothing.
    Auditor,
    /// Brings scans and documents in, and reads what that needs.
    Integrator,
    /// May read everything within the organization and change nothing but the own account.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 8] = [
        Self::Owner,
        Self::Admin,
        Self::ComplianceManager,
        Self::ControlOwner,
        Self::Contributor,
        Self::Auditor,
        Self::Integrator,
        Self::Viewer,
    ];

    /// The name under which policies and tokens know the role.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::ComplianceManager => "compliance_manager",
            Self::ControlOwner => "control_owner",
            Self::Contributor => "contributor",
            Self::Auditor => "auditor",
            Self::Integrator => "integrator",
            Self::Viewer => "viewer",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }
}

/// The kind of actor.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Principal {
    /// A person who is signed in.
    User {
        /// The person.
        user: Id<kind::User>,
        /// The session whose access token the request carried.
        session: Id<kind::Session>,
    },
    /// A program that acts for a person, by a key of theirs.
    ApiKey {
        /// The person.
        user: Id<kind::User>,
        /// The key that the request carried.
        key: Id<kind::ApiKey>,
    },
    /// An app that acts for a person who allowed it to (OAuth 2.0, RFC 6749, section 4.1).
    App {
        /// The person.
        user: Id<kind::User>,
        /// The app.
        client: Id<kind::OAuthClient>,
        /// What the person allowed, by which the access token was made.
        grant: Id<kind::AppGrant>,
    },
    /// A program of the organization that signs in by itself (OAuth 2.0, RFC 6749, section 4.4).
    Client {
        /// The program.
        client: Id<kind::OAuthClient>,
        /// The access token that the request carried.
        token: Id<kind::AccessToken>,
    },
    /// A directory of people outside that provisions them (SCIM 2.0, RFC 7644).
    Directory {
        /// The directory, as it was connected.
        directory: Id<kind::Directory>,
    },
    /// Studio itself: a process manager, a consumer or the scheduler, by name.
    System {
        /// Which part of Studio, for example `controls.process_manager`.
        name: String,
    },
}

impl Principal {
    /// The person who acts, or for whom a program does.
    pub const fn user_id(&self) -> Option<Id<kind::User>> {
        match self {
            Self::User { user, .. } | Self::ApiKey { user, .. } | Self::App { user, .. } => {
                Some(*user)
            }
            Self::Client { .. } | Self::Directory { .. } | Self::System { .. } => None,
        }
    }

    /// Whether it is a program that was let in, and is neither a person nor a part of Studio. A directory is
    /// none: it has no roles and no scopes, and does one thing.
    pub const fn is_program(&self) -> bool {
        matches!(self, Self::ApiKey { .. } | Self::App { .. } | Self::Client { .. })
    }

    /// Under which name it is on record: `usr_…`, `cli_…`, `dir_…`, or the name of a part of Studio.
    pub fn on_record(&self) -> String {
        match self {
            Self::User { user, .. } | Self::ApiKey { user, .. } | Self::App { user, .. } => {
                user.to_string()
            }
            Self::Client { client, .. } => client.to_string(),
            Self::Directory { directory } => directory.to_string(),
            Self::System { name } => name.clone(),
        }
    }
}

/// What somebody may do with the things of one project, besides what they may do everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProjectRoles {
    /// The project.
    pub project: Id<kind::Project>,
    /// The roles there, sorted and without repetition.
    pub roles: Vec<Role>,
}

/// An authenticated actor, bound to exactly one organization.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Actor {
    /// The organization that the actor acts in: nothing of another one can be reached.
    pub tenant: TenantId,
    /// Who it is.
    pub principal: Principal,
    /// The roles in that organization, sorted and without repetition.
    pub roles: Vec<Role>,
    /// The roles in single projects of it, sorted by project; each has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub projects: Vec<ProjectRoles>,
    /// How and when a person signed in; `None` for a part of Studio, and for a session that began
    /// before this was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authn: Option<Authn>,
    /// How far a program may go within those roles; `None` for everybody else, and nowhere for a
    /// program that has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<ActionScope>>,
    /// Whether they only read, because their organization is archived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// The request in which they act. Known to the process that answers it, and no part of what the
    /// actor is: it is neither written nor passed on with the actor.
    #[serde(skip)]
    pub request: Option<Id<kind::Request>>,
    /// From where they act, in that request; neither written nor passed on with the actor either.
    #[serde(skip)]
    pub origin: Option<Origin>,
}

impl Actor {
    /// A signed-in person.
    pub fn user(
        tenant: TenantId,
        user: Id<kind::User>,
        session: Id<kind::Session>,
        mut roles: Vec<Role>,
    ) -> Self {
        roles.sort_unstable();
        roles.dedup();
        let principal = Principal::User { user, session };
        Self {
            tenant,
            principal,
            roles,
            projects: Vec::new(),
            authn: None,
            scopes: None,
            read_only: false,
            request: None,
            origin: None,
        }
    }

    /// A program: what it may do is what the roles allow, as far as the scopes go.
    pub fn program(
        tenant: TenantId,
        principal: Principal,
        mut roles: Vec<Role>,
        scopes: Vec<ActionScope>,
    ) -> Self {
        roles.sort_unstable();
        roles.dedup();
        Self {
            tenant,
            principal,
            roles,
            projects: Vec::new(),
            authn: None,
            scopes: Some(scopes),
            read_only: false,
            request: None,
            origin: None,
        }
    }

    /// A part of Studio that acts within one organization.
    pub fn system(tenant: TenantId, name: impl Into<String>) -> Self {
        let principal = Principal::System { name: name.into() };
        Self {
            tenant,
            principal,
            roles: Vec::new(),
            projects: Vec::new(),
            authn: None,
            scopes: None,
            read_only: false,
            request: None,
            origin: None,
        }
    }

    /// A directory that provisions people of one organization.
    pub fn directory(tenant: TenantId, directory: Id<kind::Directory>) -> Self {
        let principal = Principal::Directory { directory };
        Self {
            tenant,
            principal,
            roles: Vec::new(),
            projects: Vec::new(),
            authn: None,
            scopes: None,
            read_only: false,
            request: None,
            origin: None,
        }
    }

    /// Says what they may do in single projects.
    #[must_use]
    pub fn in_projects(mut self, mut projects: Vec<ProjectRoles>) -> Self {
        for it in &mut projects {
            it.roles.sort_unstable();
            it.roles.dedup();
        }
        projects.retain(|it| !it.roles.is_empty());
        projects.sort_unstable_by_key(|it| it.project);
        self.projects = projects;
        self
    }

    /// The same actor with what they may do at an instant, instead of what they could do before.
    #[must_use]
    pub fn holding(mut self, held: &RolesHeld, now: Timestamp) -> Self {
        self.roles = held.at(now);
        self.projects = held.in_projects(now);
        self
    }

    /// What they may do with the things of a project: the roles of the organization and those there,
    /// sorted and without repetition.
    pub fn roles_in(&self, project: Id<kind::Project>) -> Vec<Role> {
        let there = self.projects.iter().filter(|it| it.project == project);
        let there = there.flat_map(|it| it.roles.iter().copied());
        let mut roles: Vec<Role> = self.roles.iter().copied().chain(there).collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// Says how and when the person signed in.
    #[must_use]
    pub fn signed_in(mut self, authn: Option<Authn>) -> Self {
        self.authn = authn;
        self
    }

    /// Says in which request they act.
    #[must_use]
    pub fn within(mut self, request: Option<Id<kind::Request>>) -> Self {
        self.request = request;
        self
    }

    /// Says from where they act.
    #[must_use]
    pub fn acting_from(mut self, origin: Option<Origin>) -> Self {
        self.origin = origin;
        self
    }

    /// The person who acts, or for whom a program does.
    pub fn user_id(&self) -> Option<Id<kind::User>> {
        self.principal.user_id()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_name_everywhere() {
        for role in Role::ALL {
            let name = serde_json::to_value(role).unwrap();
            assert_eq!(name, role.as_str());
            assert_eq!(Role::parse(role.as_str()), Some(role));
        }
        assert_eq!(Role::parse("Owner"), None);
    }

    #[test]
    fn roles_of_a_project_add_up_with_those_of_the_organization() {
        let id = |n| uuid::Uuid::from_u128(n);
        let (a, b) = (Id::from_uuid(id(7)), Id::from_uuid(id(8)));
        let plain = Actor::user(
            Id::from_uuid(id(1)),
            Id::from_uuid(id(2)),
            Id::from_uuid(id(3)),
            vec![Role::Contributor],
        );
        assert!(!serde_json::to_string(&plain).unwrap().contains("projects"));
        let actor = plain.in_projects(vec![
            ProjectRoles { project: b, roles: vec![] },
            ProjectRoles { project: a, roles: vec![Role::Auditor, Role::Auditor] },
        ]);
        assert_eq!(actor.roles_in(a), [Role::Contributor, Role::Auditor]);
        assert_eq!(actor.roles_in(b), [Role::Contributor]);
        assert_eq!(actor.projects.len(), 1);
        let written = serde_json::to_value(&actor).unwrap();
        assert_eq!(serde_json::from_value::<Actor>(written).unwrap(), actor);
    }

    #[test]
    fn a_program_is_written_as_what_it_is() {
        let id = |n| uuid::Uuid::from_u128(n);
        let key = Principal::ApiKey { user: Id::from_uuid(id(2)), key: Id::from_uuid(id(3)) };
        let scopes = vec!["controls:*:read".parse().unwrap()];
        let actor = Actor::program(Id::from_uuid(id(1)), key, vec![Role::Viewer], scopes);
        let written = serde_json::to_value(&actor).unwrap();
        assert_eq!(written["principal"]["kind"], "api_key");
        assert_eq!(written["scopes"], serde_json::json!(["controls:*:read"]));
        assert_eq!(serde_json::from_value::<Actor>(written).unwrap(), actor);
        assert_eq!(actor.principal.on_record(), actor.user_id().unwrap().to_string());
        let (client, grant) = (Id::from_uuid(id(4)), Id::from_uuid(id(5)));
        let app = Principal::App { user: Id::from_uuid(id(2)), client, grant };
        assert_eq!(serde_json::to_value(&app).unwrap()["kind"], "app");
        assert!(app.is_program() && app.user_id() == actor.user_id());
        assert_eq!(app.on_record(), actor.principal.on_record());
    }
}
