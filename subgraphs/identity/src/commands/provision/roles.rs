//! The roles that follow from groups.

use std::collections::{BTreeMap, BTreeSet};

use studio_events::StreamAppend;
use studio_kernel::{Id, Role, TenantId, kind};

use crate::{
    commands::{Core, Failure, RoleChanges},
    domain::{directory::Settings, login::roles_by_groups, user::User},
    projections::directory_groups,
};

/// A group as it will be.
pub(crate) struct Group {
    /// Which one.
    pub(crate) id: Id<kind::DirectoryGroup>,
    /// The roles that it will give.
    pub(crate) gives: Vec<Role>,
    /// Who will be in it.
    pub(crate) members: BTreeSet<Id<kind::User>>,
}

/// What changes the roles of people.
pub(crate) struct Follow<'a> {
    /// The organization.
    pub(crate) tenant: TenantId,
    /// The directory.
    pub(crate) directory: Id<kind::Directory>,
    /// What it may do from now on.
    pub(crate) settings: &'a Settings,
    /// The roles that it gives, or gave up to now: these are taken as well.
    pub(crate) managed: &'a [Role],
    /// The group that changes, where one does.
    pub(crate) group: Option<Group>,
}

impl Core {
    /// The roles of these people as groups will give them. Owners are left alone.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn roles_that_follow(
        &self,
        follow: &Follow<'_>,
        people: &BTreeSet<Id<kind::User>>,
    ) -> Result<(Vec<StreamAppend>, RoleChanges), Failure> {
        let given = self.given(follow, people).await?;
        let (mut streams, mut changes) = (Vec::new(), RoleChanges::default());
        for user in people {
            let loaded = self.store.load::<User>(follow.tenant, &user.to_string()).await?;
            let roles = loaded.state.roles();
            if roles.contains(&Role::Owner) {
                continue;
            }
            let given = given.get(user).map_or(&[][..], Vec::as_slice);
            let default = &follow.settings.default_roles;
            let wanted = roles_by_groups(roles, given, follow.managed, default);
            let events = loaded.state.set_roles(*user, wanted, self.env.now());
            streams.extend(changes.add(*user, loaded, events)?);
        }
        Ok((streams, changes))
    }

    /// The roles that groups will give to these people.
    async fn given(
        &self,
        follow: &Follow<'_>,
        people: &BTreeSet<Id<kind::User>>,
    ) -> Result<BTreeMap<Id<kind::User>, Vec<Role>>, Failure> {
        let Follow { tenant, directory, settings, group: changing, .. } = follow;
        let rows = directory_groups::all(&self.store, *tenant, *directory).await?;
        let mut gives: BTreeMap<String, Vec<Role>> = BTreeMap::new();
        for row in rows {
            let roles = settings.given(&row.display_name, row.external_id.as_deref()).collect();
            gives.insert(row.id, roles);
        }
        if let Some(changing) = changing {
            gives.remove(&changing.id.to_string());
        }
        let ids: Vec<String> = people.iter().map(Id::to_string).collect();
        let mut given: BTreeMap<Id<kind::User>, Vec<Role>> = BTreeMap::new();
        for (group, user) in directory_groups::groups_of(&self.store, *tenant, &ids).await? {
            if let Some(roles) = gives.get(&group) {
                given.entry(crate::projections::read_id(&user)?).or_default().extend(roles);
            }
        }
        if let Some(changing) = changing {
            for user in &changing.members {
                given.entry(*user).or_default().extend(&changing.gives);
            }
        }
        Ok(given)
    }
}
