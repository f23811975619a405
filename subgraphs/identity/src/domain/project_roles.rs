//! Roles that somebody has in single projects: besides those of the whole organization, or alone.

use studio_kernel::{Id, Role, Timestamp, kind};

use super::user::{ProjectRole, RolesChanged, RolesHeld, RolesRefused, User, UserEvent};

/// Roles in projects that one person has at most: they travel with each request between the processes.
pub const MOST: usize = 100;

impl User {
    /// Gives roles in a project and takes others there, also those that would end by themselves. Nothing
    /// happens where the person has them so already.
    ///
    /// # Errors
    /// [`RolesRefused`].
    pub fn change_project_roles(
        &self,
        user: Id<kind::User>,
        project: Id<kind::Project>,
        give: &[Role],
        take: &[Role],
        now: Timestamp,
    ) -> Result<Vec<UserEvent>, RolesRefused> {
        let before = self.held_after(now);
        let mut all = before.projects.clone();
        all.retain(|it| {
            it.project != project || !(take.contains(&it.role) || give.contains(&it.role))
        });
        all.extend(give.iter().map(|&role| ProjectRole { project, role, until: None }));
        self.have_in_projects(user, all, before)
    }

    /// Gives a role in a project until an instant, in the place of one that it would end at otherwise.
    ///
    /// # Errors
    /// [`RolesRefused`].
    pub fn grant_in_project(
        &self,
        user: Id<kind::User>,
        role: ProjectRole,
        now: Timestamp,
    ) -> Result<Vec<UserEvent>, RolesRefused> {
        let before = self.held_after(now);
        let same = |it: &ProjectRole| it.project == role.project && it.role == role.role;
        if before.projects.iter().any(|it| same(it) && it.until.is_none()) {
            return Err(RolesRefused::HasIt);
        }
        let mut all = before.projects.clone();
        all.retain(|it| !same(it));
        all.push(role);
        self.have_in_projects(user, all, before)
    }

    /// Takes a role in a project away, also the last one. Nothing happens where the person does not have it.
    pub fn lose_in_project(
        &self,
        user: Id<kind::User>,
        project: Id<kind::Project>,
        role: Role,
        now: Timestamp,
    ) -> Vec<UserEvent> {
        let before = self.held_after(now);
        let mut held = before.clone();
        held.projects.retain(|it| it.project != project || it.role != role);
        if !self.exists() || held == before {
            return Vec::new();
        }
        vec![RolesChanged::to(user, held).into()]
    }

    fn have_in_projects(
        &self,
        user: Id<kind::User>,
        mut all: Vec<ProjectRole>,
        before: RolesHeld,
    ) -> Result<Vec<UserEvent>, RolesRefused> {
        if !self.exists() {
            return Err(RolesRefused::NoSuchUser);
        }
        all.sort_unstable();
        all.dedup();
        if all == before.projects {
            return Ok(Vec::new());
        }
        let more = all.len() > before.projects.len();
        let held = RolesHeld { projects: all, ..before };
        if more && in_projects(&held) > MOST {
            return Err(RolesRefused::TooMany);
        }
        if held == RolesHeld::default() {
            return Err(RolesRefused::NoRole);
        }
        Ok(vec![RolesChanged::to(user, held).into()])
    }
}

/// How many roles in projects somebody has, those by teams among them.
pub(super) fn in_projects(held: &RolesHeld) -> usize {
    held.projects.len() + held.teams.iter().filter(|it| it.project.is_some()).count()
}

#[cfg(test)]
mod tests {
    use studio_kernel::{
        Aggregate, Env, ProjectRoles,
        Role::{Auditor, ControlOwner, Viewer},
    };

    use super::*;

    fn apply(user: &mut User, events: Vec<UserEvent>) {
        events.iter().for_each(|event| user.apply(event, Timestamp::from_micros(0)));
    }

    #[test]
    fn roles_in_projects_are_given_taken_and_end() {
        let (env, at) = (Env::system(), |seconds| Timestamp::from_micros(0).plus_seconds(seconds));
        let mut projects = [env.id(), env.id()];
        projects.sort_unstable();
        let (id, [a, b]) = (env.id(), projects);
        let mut user = User::default();
        let refused = user.change_project_roles(id, a, &[Viewer], &[], at(0)).unwrap_err();
        assert_eq!(refused, RolesRefused::NoSuchUser);
        let value = super::super::SealedValue(serde_json::Value::Null);
        let created = super::super::user::UserCreated {
            user: id,
            roles: vec![],
            profile: value.clone(),
            password: value,
        };
        apply(&mut user, vec![created.into()]);
        let events = user.change_project_roles(id, a, &[Viewer, ControlOwner], &[], at(0)).unwrap();
        apply(&mut user, events);
        assert!(user.change_project_roles(id, a, &[Viewer], &[], at(0)).unwrap().is_empty());
        let role = |project, role, end| ProjectRole { project, role, until: Some(at(end)) };
        let again = user.grant_in_project(id, role(a, Viewer, 9), at(0)).unwrap_err();
        assert_eq!(again, RolesRefused::HasIt);
        let events = user.grant_in_project(id, role(b, Auditor, 9), at(0)).unwrap();
        apply(&mut user, events);
        let there = |project, roles: &[Role]| ProjectRoles { project, roles: roles.to_vec() };
        let both = [there(a, &[ControlOwner, Viewer]), there(b, &[Auditor])];
        assert_eq!(user.held().in_projects(at(8)), both);
        assert_eq!(user.held().in_projects(at(9)), both[..1]);
        assert_eq!(user.held().at(at(0)), []);
        // What is changed in the organization changes nothing in projects, and the other way round.
        let events = user.change_roles(id, &[Auditor], &[], at(1)).unwrap();
        apply(&mut user, events);
        assert_eq!(user.held().in_projects(at(1)), both);
        let events = user.change_project_roles(id, a, &[], &[Viewer, ControlOwner], at(1)).unwrap();
        apply(&mut user, events);
        assert_eq!(
            (user.held().at(at(1)), user.held().in_projects(at(1)).len()),
            (vec![Auditor], 1)
        );
        let events = user.lose(id, Auditor, at(2));
        apply(&mut user, events);
        assert_eq!((user.held().at(at(2)), user.held().in_projects(at(2)).len()), (vec![], 1));
        // The last one cannot be taken but by a review.
        let last = user.change_project_roles(id, b, &[], &[Auditor], at(2)).unwrap_err();
        assert_eq!(last, RolesRefused::NoRole);
        assert!(user.lose_in_project(id, a, Auditor, at(2)).is_empty());
        assert!(user.lose_in_project(id, b, Auditor, at(9)).is_empty(), "it has ended");
        let events = user.lose_in_project(id, b, Auditor, at(2));
        apply(&mut user, events);
        assert!(user.held().in_projects(at(2)).is_empty());
    }

    #[test]
    fn nobody_has_more_of_them_than_travel() {
        let (env, now) = (Env::system(), Timestamp::from_micros(0));
        let id = env.id();
        let mut user = User::default();
        let value = super::super::SealedValue(serde_json::Value::Null);
        let created = super::super::user::UserCreated {
            user: id,
            roles: vec![Viewer],
            profile: value.clone(),
            password: value,
        };
        apply(&mut user, vec![created.into()]);
        for _ in 0..MOST {
            let events = user.change_project_roles(id, env.id(), &[Auditor], &[], now).unwrap();
            apply(&mut user, events);
        }
        let more = user.change_project_roles(id, env.id(), &[Auditor], &[], now).unwrap_err();
        assert_eq!(more, RolesRefused::TooMany);
        let event = RolesChanged {
            user: id,
            roles: vec![Viewer],
            until: vec![],
            projects: user.held().projects,
            teams: vec![],
        };
        let written = serde_json::to_value(&event).unwrap();
        assert_eq!(serde_json::from_value::<RolesChanged>(written).unwrap(), event);
    }
}
