//! What a person may do, on its way from identity to the processes that check tokens.

use serde::{Deserialize, Serialize};
use studio_kernel::{
    Id, Role, kind,
    published::identity::{ProjectRole, RoleUntil, RolesHeld},
};

/// What a person may do. An older version of Studio leaves out what it does not know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KnownRoles {
    pub(super) user: Id<kind::User>,
    roles: Vec<Role>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    until: Vec<RoleUntil>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    projects: Vec<ProjectRole>,
}

impl KnownRoles {
    pub(super) fn of(user: Id<kind::User>, held: RolesHeld) -> Self {
        let RolesHeld { always, until, projects } = held;
        Self { user, roles: always, until, projects }
    }

    pub(super) fn held(self) -> RolesHeld {
        RolesHeld { always: self.roles, until: self.until, projects: self.projects }
    }
}
