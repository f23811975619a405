//! What has data classes. Of a list of such things the rules are asked once for each class, since whoever
//! reads one may be kept from another.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use studio_kernel::{Actor, DataClass, Id, Role, TenantId, kind};

use crate::{
    policy::{Denied, Policy},
    resource::{Extent, Resource, Scope},
};

/// How far a permission reaches over things that have data classes and lie in projects. For a list it becomes
/// the filter of the query.
#[must_use = "the clearance is the filter: its tenant and its parts belong into the query"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearance {
    tenant: TenantId,
    /// Whose "own" is; nobody's where the actor is no person.
    user: Option<String>,
    reaches: BTreeMap<DataClass, Reach>,
}

/// How far it reaches over one class.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reach {
    /// Where everything is reached,
    everything: Extent,
    /// and where what is one's own.
    own: Extent,
}

/// Things that a clearance reaches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part<'a> {
    /// Of these classes,
    pub classes: Vec<DataClass>,
    /// in these projects, where it is not everywhere,
    pub projects: Option<&'a BTreeSet<String>>,
    /// and of this person, where it is not everybody's.
    pub owner: Option<&'a str>,
}

impl Clearance {
    /// The organization; every query filters by it.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Whether it reaches a thing, by its project, its class and its owner as rows write them.
    pub fn holds(&self, project: &str, class: &str, owner: Option<&str>) -> bool {
        let reach = self.reaches.iter().find(|(reached, _)| reached.as_str() == class);
        let Some((_, reach)) = reach else { return false };
        let own = owner.is_some() && owner == self.user.as_deref();
        reach.everything.holds(project) || own && reach.own.holds(project)
    }

    /// Whether there may be something in a project that it reaches.
    pub fn reaches(&self, project: &str) -> bool {
        let mut reaches = self.reaches.values();
        reaches.any(|reach| reach.everything.holds(project) || reach.own.holds(project))
    }

    /// Whether it reaches what lies in single projects alone.
    pub fn is_confined(&self) -> bool {
        let mut reaches = self.reaches.values();
        reaches.all(|reach| reach.everything.projects().is_some() && reach.own.projects().is_some())
    }

    /// What it reaches, in parts that may overlap; `None` for everything in the organization.
    pub fn parts(&self) -> Option<Vec<Part<'_>>> {
        let whole = |reach: &Reach| reach.everything.projects().is_none();
        if self.reaches.len() == DataClass::ALL.len() && self.reaches.values().all(whole) {
            return None;
        }
        let mut parts: Vec<Part<'_>> = Vec::new();
        for (class, reach) in &self.reaches {
            add(&mut parts, *class, &reach.everything, None);
        }
        if let Some(user) = &self.user {
            for (class, reach) in self.reaches.iter().filter(|(_, reach)| !whole(reach)) {
                add(&mut parts, *class, &reach.own, Some(user));
            }
        }
        Some(parts)
    }
}

/// Adds things of a class to the part of which the same holds but for it.
fn add<'a>(
    parts: &mut Vec<Part<'a>>,
    class: DataClass,
    extent: &'a Extent,
    owner: Option<&'a str>,
) {
    let projects = extent.projects();
    if projects.is_some_and(BTreeSet::is_empty) {
        return;
    }
    let same = |part: &&mut Part<'_>| part.projects == projects && part.owner == owner;
    match parts.iter_mut().find(same) {
        Some(part) => part.classes.push(class),
        None => parts.push(Part { classes: vec![class], projects, owner }),
    }
}

impl Policy {
    /// What the actor may do the action to of things like `resource`, which lies in no project and has no
    /// class. What the roles of the organization allow reaches everything, those of projects their projects;
    /// what is allowed for the own things reaches these.
    ///
    /// # Errors
    /// [`Denied`] where nothing of any class is reached.
    pub fn clearance(
        &self,
        actor: &Actor,
        action: &str,
        resource: &Resource,
    ) -> Result<Clearance, Denied> {
        let reached = self.reached(actor, action, resource);
        reached.map_err(|reason| self.refused(actor, action, resource, reason))
    }

    /// The same, where it is no refusal that nothing is reached: `None` then.
    pub fn clearance_if_any(
        &self,
        actor: &Actor,
        action: &str,
        resource: &Resource,
    ) -> Option<Clearance> {
        self.reached(actor, action, resource).ok()
    }

    /// How far it reaches, or why nowhere.
    fn reached(
        &self,
        actor: &Actor,
        action: &str,
        resource: &Resource,
    ) -> Result<Clearance, Arc<str>> {
        let tenant = resource.tenant;
        let mut reaches = BTreeMap::new();
        let mut refusal = None;
        for class in DataClass::ALL {
            let classed = resource.clone().classed(class);
            let decision = self.decide_as(actor, actor.roles.clone(), action, &classed);
            let reach = match decision.scope {
                Some(Scope::Tenant(_)) => {
                    Reach { everything: Extent::all(tenant), own: Extent::all(tenant) }
                }
                Some(Scope::Own { .. }) => Reach {
                    everything: Extent::only(tenant, self.of_projects(actor, action, &classed).0),
                    own: Extent::all(tenant),
                },
                None => {
                    let (everything, own) = self.of_projects(actor, action, &classed);
                    if everything.is_empty() && own.is_empty() {
                        refusal.get_or_insert(decision.reason);
                        continue;
                    }
                    let only = |projects| Extent::only(tenant, projects);
                    Reach { everything: only(everything), own: only(own) }
                }
            };
            reaches.insert(class, reach);
        }
        match refusal {
            Some(reason) if reaches.is_empty() => Err(reason),
            _ => {
                let user = actor.user_id().map(|user| user.to_string());
                Ok(Clearance { tenant, user, reaches })
            }
        }
    }

    /// The projects in which it is allowed by the roles there: for everything, and for the own things.
    fn of_projects(
        &self,
        actor: &Actor,
        action: &str,
        resource: &Resource,
    ) -> (Vec<Id<kind::Project>>, Vec<Id<kind::Project>>) {
        let mut asked: HashMap<&[Role], Option<Scope>> = HashMap::new();
        let (mut everything, mut own) = (Vec::new(), Vec::new());
        for there in &actor.projects {
            let scope = asked.entry(&there.roles).or_insert_with(|| {
                self.decide_as(actor, actor.roles_in(there.project), action, resource).scope
            });
            match scope {
                Some(Scope::Tenant(_)) => everything.push(there.project),
                Some(Scope::Own { .. }) => own.push(there.project),
                None => {}
            }
        }
        (everything, own)
    }
}
