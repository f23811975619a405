//! What a person may do, on its way from identity to the processes that check tokens.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_events::EventStore;
use studio_kernel::{
    Id, Role, kind,
    published::identity::{ProjectRole, RoleUntil, RolesHeld, TeamRole},
};

use crate::projections::{read_id, users};

/// What these people may do.
pub(super) async fn known_roles(
    store: &EventStore,
    people: BTreeSet<&str>,
) -> Result<Vec<KnownRoles>, sea_orm::DbErr> {
    KnownRoles::all(users::roles_of(store, people).await?)
}

/// What a person may do. An older version of Studio leaves out what it does not know.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KnownRoles {
    pub(super) user: Id<kind::User>,
    roles: Vec<Role>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    until: Vec<RoleUntil>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    projects: Vec<ProjectRole>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    teams: Vec<TeamRole>,
}

impl KnownRoles {
    /// Of people by their ids.
    pub(super) fn all(
        held: impl IntoIterator<Item = (String, RolesHeld)>,
    ) -> Result<Vec<Self>, sea_orm::DbErr> {
        let known = held.into_iter().map(|(user, held)| {
            let RolesHeld { always, until, projects, teams } = held;
            Ok(Self { user: read_id(&user)?, roles: always, until, projects, teams })
        });
        known.collect()
    }

    pub(super) fn held(self) -> RolesHeld {
        let Self { user: _, roles, until, projects, teams } = self;
        RolesHeld { always: roles, until, projects, teams }
    }
}
