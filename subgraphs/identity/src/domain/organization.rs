//! An organization: the tenant that everything else belongs to.

use serde::{Deserialize, Serialize};
pub use studio_kernel::published::identity::{OrganizationState, OrganizationStateChanged};
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
    pub enum OrganizationEvent { OrganizationCreated, OrganizationStateChanged }
}

/// The state of an organization.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Organization {
    /// Whether it exists.
    pub created: bool,
    /// What may be done in it.
    pub state: OrganizationState,
}

impl Organization {
    /// The event that puts it into a state; none where it is in it already.
    pub fn put_into(&self, state: OrganizationState) -> Option<OrganizationEvent> {
        let other = self.created && self.state != state;
        other.then(|| OrganizationStateChanged { state }.into())
    }
}

impl Aggregate for Organization {
    const STREAM_TYPE: &'static str = "identity.organization";
    const STATE_VERSION: u32 = 2;
    type Event = OrganizationEvent;

    fn apply(&mut self, event: &OrganizationEvent, _recorded_at: Timestamp) {
        match event {
            OrganizationEvent::OrganizationCreated(_) => self.created = true,
            OrganizationEvent::OrganizationStateChanged(changed) => self.state = changed.state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_entered_once_and_left_again() {
        let at = Timestamp::from_micros(0);
        let mut organization = Organization::default();
        assert!(organization.put_into(OrganizationState::Suspended).is_none(), "there is none");
        let created = OrganizationCreated {
            organization: studio_kernel::Env::system().id(),
            name: "Acme".to_owned(),
        };
        organization.apply(&created.into(), at);
        assert!(organization.put_into(OrganizationState::Active).is_none());
        for state in [
            OrganizationState::Suspended,
            OrganizationState::Archived,
            OrganizationState::Suspended,
            OrganizationState::Active,
        ] {
            organization.apply(&organization.put_into(state).unwrap(), at);
            assert_eq!(organization.state, state);
            assert!(organization.put_into(state).is_none());
        }
    }
}
