//! What lies in projects. Whoever has roles in single projects is asked about with each set of roles that
//! they have somewhere: there are few of these, however many projects there are.

use std::collections::HashMap;

use studio_kernel::{Actor, Role};

use crate::{
    policy::{Denied, Policy},
    resource::{Extent, Place, Resource, Scope},
};

/// By which it is told whether somebody sees a project at all.
const SEES: &str = "controls:project:read";

impl Policy {
    /// In which projects the actor may do the action to things like `resource`, which lies in none. What
    /// the roles of the organization allow reaches everything; roles of projects reach their projects, where
    /// they allow it for whatever lies there and not for what is the actor's own alone.
    ///
    /// # Errors
    /// [`Denied`] where there is no such project.
    pub fn extent(
        &self,
        actor: &Actor,
        action: &str,
        resource: &Resource,
    ) -> Result<Extent, Denied> {
        let decision = self.decide_as(actor, actor.roles.clone(), action, resource);
        if decision.allow {
            return Ok(Extent::all(resource.tenant));
        }
        let mut asked: HashMap<&[Role], bool> = HashMap::new();
        let mut projects = Vec::new();
        for there in &actor.projects {
            let allowed = *asked.entry(&there.roles).or_insert_with(|| {
                let roles = actor.roles_in(there.project);
                let decision = self.decide_as(actor, roles, action, resource);
                matches!(decision.scope, Some(Scope::Tenant(_)))
            });
            if allowed {
                projects.push(there.project);
            }
        }
        if projects.is_empty() {
            return Err(self.refused(actor, action, resource, decision.reason));
        }
        Ok(Extent::only(resource.tenant, projects))
    }

    /// The projects that the actor sees, where that is not all of them.
    fn confined(&self, actor: &Actor) -> Option<Extent> {
        if actor.projects.is_empty() {
            return None;
        }
        let project = Resource::any("Project", actor.tenant);
        let everywhere = self.decide_as(actor, actor.roles.clone(), SEES, &project).allow;
        (!everywhere).then(|| {
            let seen = actor
                .projects
                .iter()
                .map(|there| there.project)
                .filter(|it| self.decide_as(actor, actor.roles_in(*it), SEES, &project).allow);
            Extent::only(actor.tenant, seen)
        })
    }

    /// Whether a thing that is refused must look as if it did not exist: one of a project that the actor
    /// sees nothing of.
    pub(crate) fn hides(&self, actor: &Actor, resource: &Resource) -> bool {
        match resource.place {
            Place::Organization => false,
            Place::Nowhere => self.confined(actor).is_some(),
            Place::Project(project) => {
                self.confined(actor).is_some_and(|seen| !seen.holds(&project.to_string()))
            }
        }
    }
}
