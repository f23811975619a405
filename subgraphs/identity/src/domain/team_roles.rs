//! Roles that somebody has by the teams that they are in: besides those that are theirs alone.

use studio_kernel::{Id, Timestamp, kind};

use super::{
    project_roles::{self, in_projects},
    team::Given,
    user::{RolesChanged, RolesRefused, User, UserEvent},
};

/// Roles by teams that one person has at most.
pub const MOST: usize = 200;

impl User {
    /// Has the person have these roles by a team, and no others by it. Nothing happens where they have them so
    /// already. Whoever loses roles so may be left with none.
    ///
    /// # Errors
    /// [`RolesRefused::NoSuchUser`] and [`RolesRefused::TooMany`].
    pub fn set_team_roles(
        &self,
        user: Id<kind::User>,
        team: Id<kind::Team>,
        roles: &[Given],
        now: Timestamp,
    ) -> Result<Vec<UserEvent>, RolesRefused> {
        if !self.exists() {
            return Err(RolesRefused::NoSuchUser);
        }
        let before = self.held_after(now);
        let mut held = before.clone();
        held.teams.retain(|it| it.team != team);
        held.teams.extend(roles.iter().map(|given| given.by(team)));
        held.teams.sort_unstable();
        if held == before {
            return Ok(Vec::new());
        }
        let many = held.teams.len() > MOST || in_projects(&held) > project_roles::MOST;
        if many && held.teams.len() > before.teams.len() {
            return Err(RolesRefused::TooMany);
        }
        Ok(vec![RolesChanged::to(user, held).into()])
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::{
        Aggregate, Env, ProjectRoles,
        Role::{Auditor, ControlOwner, Viewer},
    };

    use super::*;
    use crate::domain::user::RolesHeld;

    fn apply(user: &mut User, events: Vec<UserEvent>) {
        events.iter().for_each(|event| user.apply(event, Timestamp::from_micros(0)));
    }

    fn viewer(id: Id<kind::User>) -> User {
        let mut user = User::default();
        let value = super::super::SealedValue(serde_json::Value::Null);
        let (profile, password) = (value.clone(), value);
        let created =
            super::super::user::UserCreated { user: id, roles: vec![Viewer], profile, password };
        apply(&mut user, vec![created.into()]);
        user
    }

    #[test]
    fn they_add_up_with_ones_own_and_go_with_the_team() {
        let (env, now) = (Env::system(), Timestamp::from_micros(0));
        let (id, red, blue, project) = (env.id(), env.id(), env.id(), env.id());
        let nobody = User::default().set_team_roles(id, red, &[], now).unwrap_err();
        assert_eq!(nobody, RolesRefused::NoSuchUser);
        let mut user = viewer(id);
        let given = |project, role| Given { project, role };
        let of_red = [given(None, Auditor), given(Some(project), ControlOwner)];
        for (team, roles) in [(red, &of_red[..]), (blue, &of_red[..1])] {
            let events = user.set_team_roles(id, team, roles, now).unwrap();
            apply(&mut user, events);
        }
        let there = ProjectRoles { project, roles: vec![ControlOwner] };
        assert_eq!(user.held().at(now), [Auditor, Viewer]);
        assert_eq!(user.held().in_projects(now), [there]);
        assert!(user.set_team_roles(id, blue, &of_red[..1], now).unwrap().is_empty());
        // What is theirs alone is changed apart from that; and with it gone, the teams' is left.
        let events = user.change_roles(id, &[], &[Viewer, Auditor], now).unwrap();
        apply(&mut user, events);
        assert_eq!(user.held().at(now), [Auditor]);
        let events = user.set_team_roles(id, red, &[], now).unwrap();
        apply(&mut user, events);
        assert_eq!((user.held().at(now), user.held().in_projects(now)), (vec![Auditor], vec![]));
        let events = user.set_team_roles(id, blue, &[], now).unwrap();
        apply(&mut user, events);
        assert_eq!(user.held(), RolesHeld::default());
    }

    #[test]
    fn nobody_has_more_of_them_than_travel_with_a_request() {
        let (env, now) = (Env::system(), Timestamp::from_micros(0));
        let (id, red) = (env.id(), env.id());
        let mut user = viewer(id);
        let events = user.change_project_roles(id, env.id(), &[Viewer], &[], now).unwrap();
        apply(&mut user, events);
        let many = |count: usize| {
            let given = (0..count).map(|_| Given { project: Some(env.id()), role: Auditor });
            given.collect::<Vec<_>>()
        };
        let most = many(project_roles::MOST);
        let refused = user.set_team_roles(id, red, &most, now).unwrap_err();
        assert_eq!(refused, RolesRefused::TooMany);
        let events = user.set_team_roles(id, red, &most[1..], now).unwrap();
        apply(&mut user, events);
        let more = user.change_project_roles(id, env.id(), &[Viewer], &[], now);
        assert_eq!(more.unwrap_err(), RolesRefused::TooMany, "those by teams count too");
        let events = user.set_team_roles(id, red, &most[2..], now).unwrap();
        assert_eq!(events.len(), 1);
    }
}
