//! What an action is done to, and how far a permission reaches.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use studio_kernel::{DataClass, Id, TenantId, kind};

/// Where in the organization a thing lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In no project: what the organization has as a whole. Roles of projects count for nothing.
    Organization,
    /// In a project, of which there may be none of that id.
    Project(Id<kind::Project>),
    /// In one of the projects, if there were such a thing: there is none. Whoever sees single projects
    /// alone is told so, in the words for one that they may not see.
    Nowhere,
}

/// The thing, or the list of things, that an action is done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// The GraphQL type, for example `Control`.
    pub kind: &'static str,
    /// The id, for messages; `None` for a list and for a thing that does not exist yet.
    pub id: Option<String>,
    /// The organization that it belongs to.
    pub tenant: TenantId,
    /// The person that it belongs to, where it belongs to one (a session, a control, a document).
    /// A thing that exists and has no owner is nobody's own.
    pub owner: Option<Id<kind::User>>,
    /// Where it lies.
    pub place: Place,
    /// How closely it is kept; `None` where things of that kind have no class.
    pub data_class: Option<DataClass>,
    /// What else the policies may look at, for example `rank`. Values come from a small,
    /// closed set: decisions are cached by them.
    pub attributes: BTreeMap<&'static str, String>,
}

impl Resource {
    /// A list of such things, or one that is to be made, in that organization.
    pub fn any(kind: &'static str, tenant: TenantId) -> Self {
        let (place, attributes) = (Place::Organization, BTreeMap::new());
        Self { kind, id: None, tenant, owner: None, place, data_class: None, attributes }
    }

    /// One thing that exists in that organization.
    pub fn one(kind: &'static str, id: impl fmt::Display, tenant: TenantId) -> Self {
        Self { id: Some(id.to_string()), ..Self::any(kind, tenant) }
    }

    /// Says whose it is.
    #[must_use]
    pub fn owned_by(mut self, user: Id<kind::User>) -> Self {
        self.owner = Some(user);
        self
    }

    /// Says which project it lies in, or will.
    #[must_use]
    pub fn of_project(mut self, project: Id<kind::Project>) -> Self {
        self.place = Place::Project(project);
        self
    }

    /// Says that it would lie in a project, and does not exist.
    #[must_use]
    pub fn nowhere(mut self) -> Self {
        self.place = Place::Nowhere;
        self
    }

    /// Says how closely it is kept.
    #[must_use]
    pub const fn classed(mut self, class: DataClass) -> Self {
        self.data_class = Some(class);
        self
    }

    /// Adds something for the policies to look at.
    #[must_use]
    pub fn with(mut self, attribute: &'static str, value: impl Into<String>) -> Self {
        self.attributes.insert(attribute, value.into());
        self
    }
}

/// How far a permission reaches. For a list it becomes the filter of the query.
#[must_use = "the scope is the filter: at least its tenant belongs into the query"]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Everything of that kind in the organization.
    Tenant(TenantId),
    /// Only what belongs to that person.
    Own {
        /// The organization.
        tenant: TenantId,
        /// The person.
        user: Id<kind::User>,
    },
}

impl Scope {
    /// The organization; every query filters by it.
    pub fn tenant(&self) -> TenantId {
        match *self {
            Self::Tenant(tenant) | Self::Own { tenant, .. } => tenant,
        }
    }

    /// The person to filter by, where the scope is narrower than the organization.
    pub fn own(&self) -> Option<Id<kind::User>> {
        match *self {
            Self::Tenant(_) => None,
            Self::Own { user, .. } => Some(user),
        }
    }
}

/// How far a permission reaches over the projects of an organization. For a list of things that lie in
/// projects it becomes the filter of the query.
#[must_use = "the extent is the filter: its tenant and its projects belong into the query"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    tenant: TenantId,
    only: Option<Arc<BTreeSet<String>>>,
}

impl Extent {
    /// Everything in the organization, what lies in no project too.
    pub const fn all(tenant: TenantId) -> Self {
        Self { tenant, only: None }
    }

    /// What lies in these projects.
    pub fn only(tenant: TenantId, projects: impl IntoIterator<Item = Id<kind::Project>>) -> Self {
        let projects = projects.into_iter().map(|project| project.to_string()).collect();
        Self { tenant, only: Some(Arc::new(projects)) }
    }

    /// The organization; every query filters by it.
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The projects to filter by, as rows write them; `None` where there is nothing to filter.
    pub fn projects(&self) -> Option<&BTreeSet<String>> {
        self.only.as_deref()
    }

    /// Whether it reaches a project, by its id as rows write it.
    pub fn holds(&self, project: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(project))
    }

    /// As far as both reach.
    pub fn and(self, other: &Self) -> Self {
        let only = match (self.only, &other.only) {
            (Some(one), Some(two)) => Some(Arc::new(&*one & &**two)),
            (one, two) => one.or_else(|| two.clone()),
        };
        Self { tenant: self.tenant, only }
    }
}
