//! An organization: the tenant that everything else belongs to.

use serde::{Deserialize, Serialize};
use studio_kernel::{Aggregate, TenantId, Timestamp, event, events};

/// An organization was created.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OrganizationCreated {
    /// The organization; its own tenant.
    pub organization: TenantId,
    /// What people call it.
    pub name: String,
}
event!(OrganizationCreated, "identity.organization.created", 1);

events! {
    /// What happens to an organization.
    pub enum OrganizationEvent { OrganizationCreated }
}

/// The state of an organization.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Organization {
    /// Whether it exists.
    pub created: bool,
}

impl Aggregate for Organization {
    const STREAM_TYPE: &'static str = "identity.organization";
    const STATE_VERSION: u32 = 1;
    type Event = OrganizationEvent;

    fn apply(&mut self, event: &OrganizationEvent, _recorded_at: Timestamp) {
        match event {
            OrganizationEvent::OrganizationCreated(_) => self.created = true,
        }
    }
}
