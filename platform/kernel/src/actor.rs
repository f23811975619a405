//! Who acts: the person or program behind a request, or Studio itself.

use serde::{Deserialize, Serialize};

use crate::id::{Id, TenantId, kind};

/// What a member of an organization may do, as a name that the policies know (DESIGN section 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything within the organization.
    Owner,
    /// May read everything within the organization and change nothing but the own account.
    Viewer,
}

impl Role {
    /// The name under which policies and tokens know the role.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "owner" => Some(Self::Owner),
            "viewer" => Some(Self::Viewer),
            _ => None,
        }
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
    /// Studio itself: a process manager, a consumer or the scheduler, by name.
    System {
        /// Which part of Studio, for example `controls.process_manager`.
        name: String,
    },
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
        Self { tenant, principal: Principal::User { user, session }, roles }
    }

    /// A part of Studio that acts within one organization.
    pub fn system(tenant: TenantId, name: impl Into<String>) -> Self {
        Self { tenant, principal: Principal::System { name: name.into() }, roles: Vec::new() }
    }

    /// The person, if it is one.
    pub fn user_id(&self) -> Option<Id<kind::User>> {
        match &self.principal {
            Principal::User { user, .. } => Some(*user),
            Principal::System { .. } => None,
        }
    }
}
