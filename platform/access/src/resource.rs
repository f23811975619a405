//! What an action is done to, and how far a permission reaches.

use std::{collections::BTreeMap, fmt};

use studio_kernel::{Id, TenantId, kind};

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
    /// What else the policies may look at, for example `data_class`. Values come from a small,
    /// closed set: decisions are cached by them.
    pub attributes: BTreeMap<&'static str, String>,
}

impl Resource {
    /// A list of such things, or one that is to be made, in that organization.
    pub fn any(kind: &'static str, tenant: TenantId) -> Self {
        Self { kind, id: None, tenant, owner: None, attributes: BTreeMap::new() }
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
