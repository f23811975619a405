//! In which state organizations are, known by heart: of those that are not active, and of whatever changed
//! since the start. The newest word counts, in whichever order they come.

use std::{
    collections::HashMap,
    sync::{PoisonError, RwLock},
};

use studio_kernel::{TenantId, published::identity::OrganizationState};

/// The states.
#[derive(Default)]
pub(crate) struct LiveOrganizations(RwLock<HashMap<TenantId, (OrganizationState, i64)>>);

impl LiveOrganizations {
    /// An organization is in a state, as it was at a position of identity's log.
    pub(crate) fn is(&self, organization: TenantId, state: OrganizationState, position: i64) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let newest = known.get(&organization).map_or(i64::MIN, |(_, position)| *position);
        if position >= newest {
            known.insert(organization, (state, position));
        }
    }

    /// The state of an organization.
    pub(crate) fn state(&self, organization: TenantId) -> OrganizationState {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&organization).map_or_else(OrganizationState::default, |(state, _)| *state)
    }
}

#[cfg(test)]
mod tests {
    use studio_kernel::Env;

    use super::*;

    #[test]
    fn the_newest_word_counts_in_any_order() {
        let (known, one) = (LiveOrganizations::default(), Env::system().id());
        assert_eq!(known.state(one), OrganizationState::Active);
        known.is(one, OrganizationState::Archived, 7);
        known.is(one, OrganizationState::Suspended, 3);
        assert_eq!(known.state(one), OrganizationState::Archived);
        known.is(one, OrganizationState::Active, 8);
        assert_eq!(known.state(one), OrganizationState::Active);
    }
}
