//! A team: people of the organization by one name, and the roles that they have for as long as they are in it.
//!
//! Who is in it is kept in the read model: whoever is erased is in no team any more. What somebody may do by it
//! stands in their own stream, and is changed in the append that changes the team.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, Id, Role, Timestamp, event, events, kind};

use super::user::TeamRole;

/// Who is in a team.
pub type Members = BTreeSet<Id<kind::User>>;

/// A team was made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamCreated {
    /// The team.
    pub team: Id<kind::Team>,
    /// What people call it.
    pub name: String,
}
event!(TeamCreated, "identity.team.created", 1);

/// A team is called otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamRenamed {
    /// The team.
    pub team: Id<kind::Team>,
    /// What people call it now.
    pub name: String,
}
event!(TeamRenamed, "identity.team.renamed", 1);

/// People came and left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamMembersChanged {
    /// The team.
    pub team: Id<kind::Team>,
    /// Who came, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<Id<kind::User>>,
    /// Who left, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Id<kind::User>>,
}
event!(TeamMembersChanged, "identity.team.members_changed", 1);

/// What the people of a team may do was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamRolesChanged {
    /// The team.
    pub team: Id<kind::Team>,
    /// All that they may do now by it, sorted.
    pub roles: Vec<Given>,
}
event!(TeamRolesChanged, "identity.team.roles_changed", 1);

/// A team is no more; the roles that it gave went with it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TeamDeleted {
    /// The team.
    pub team: Id<kind::Team>,
}
event!(TeamDeleted, "identity.team.deleted", 1);

events! {
    /// What happens to a team.
    pub enum TeamEvent { TeamCreated, TeamRenamed, TeamMembersChanged, TeamRolesChanged, TeamDeleted }
}

/// A role that a team gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Given {
    /// The project that it is for; the whole organization where it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<Id<kind::Project>>,
    /// The role.
    pub role: Role,
}

impl Given {
    /// As somebody of the team has it.
    pub fn by(self, team: Id<kind::Team>) -> TeamRole {
        TeamRole { team, project: self.project, role: self.role }
    }
}

/// The state of a team.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Team {
    exists: bool,
    name: String,
    roles: Vec<Given>,
}

impl Team {
    /// Whether it was made and not deleted.
    pub fn exists(&self) -> bool {
        self.exists
    }

    /// What its people may do by it, sorted.
    pub fn roles(&self) -> &[Given] {
        &self.roles
    }

    /// Calls it otherwise; `None` where it is called so.
    pub fn rename(&self, team: Id<kind::Team>, name: String) -> Option<TeamEvent> {
        (name != self.name).then(|| TeamRenamed { team, name }.into())
    }

    /// Gives its people roles and takes others, of the organization or of one project. What is given and taken
    /// at once is given; `None` where they have them so already.
    pub fn change_roles(
        &self,
        team: Id<kind::Team>,
        project: Option<Id<kind::Project>>,
        give: &[Role],
        take: &[Role],
    ) -> Option<TeamEvent> {
        let mut roles = self.roles.clone();
        roles.retain(|it| it.project != project || !take.contains(&it.role));
        roles.extend(give.iter().map(|&role| Given { project, role }));
        roles.sort_unstable();
        roles.dedup();
        (roles != self.roles).then(|| TeamRolesChanged { team, roles }.into())
    }

    /// Takes people in and lets others go. Whoever comes and goes at once comes; `None` where nobody does.
    pub fn change_members(
        team: Id<kind::Team>,
        members: &Members,
        add: &Members,
        remove: &Members,
    ) -> Option<TeamEvent> {
        let added: Vec<_> = add.difference(members).copied().collect();
        let leave = remove.intersection(members).filter(|user| !add.contains(user));
        let removed: Vec<_> = leave.copied().collect();
        let nobody = added.is_empty() && removed.is_empty();
        (!nobody).then(|| TeamMembersChanged { team, added, removed }.into())
    }
}

impl Aggregate for Team {
    const STREAM_TYPE: &'static str = "identity.team";
    const STATE_VERSION: u32 = 1;
    type Event = TeamEvent;

    fn apply(&mut self, event: &TeamEvent, _recorded_at: Timestamp) {
        match event {
            TeamEvent::TeamCreated(created) => {
                self.exists = true;
                self.name.clone_from(&created.name);
            }
            TeamEvent::TeamRenamed(renamed) => self.name.clone_from(&renamed.name),
            TeamEvent::TeamMembersChanged(_) => {}
            TeamEvent::TeamRolesChanged(changed) => self.roles.clone_from(&changed.roles),
            TeamEvent::TeamDeleted(_) => *self = Self::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{Env, Role::*};

    use super::*;

    #[test]
    fn what_is_so_already_changes_nothing() {
        let env = Env::system();
        let (team, project, mut state) = (env.id(), Some(env.id()), Team::default());
        let at = Timestamp::from_micros(0);
        state.apply(&TeamCreated { team, name: "Red".into() }.into(), at);
        assert!(state.rename(team, "Red".into()).is_none());
        let changed = state.change_roles(team, None, &[Viewer, Auditor, Viewer], &[Viewer]);
        state.apply(&changed.unwrap(), at);
        let given = |project, role| Given { project, role };
        assert_eq!(state.roles(), [given(None, Auditor), given(None, Viewer)]);
        assert!(state.change_roles(team, None, &[Viewer], &[Owner]).is_none());
        assert!(state.change_roles(team, project, &[], &[Viewer]).is_none(), "of another project");
        let changed = state.change_roles(team, project, &[Viewer], &[]).unwrap();
        state.apply(&changed, at);
        assert_eq!(state.roles().len(), 3);
        state.apply(&TeamDeleted { team }.into(), at);
        assert!(!state.exists() && state.roles().is_empty());
    }

    #[test]
    fn whoever_comes_and_goes_at_once_comes() {
        let env = Env::system();
        let (team, [a, b, c]) = (env.id(), [env.id(), env.id(), env.id()]);
        let these = |users: &[_]| users.iter().copied().collect::<Members>();
        let changed = Team::change_members(team, &these(&[a, b]), &these(&[b, c]), &these(&[a, c]));
        let Some(TeamEvent::TeamMembersChanged(changed)) = changed else { panic!("{changed:?}") };
        assert_eq!(changed, TeamMembersChanged { team, added: vec![c], removed: vec![a] });
        assert!(Team::change_members(team, &these(&[a]), &these(&[a]), &these(&[b])).is_none());
    }
}
