//! Suspending an organization, archiving it, and making it active again: by whoever runs the server
//! (docs/decisions/0047).

use studio_events::Metadata;
use studio_kernel::{Code, TenantId, Timestamp};
use studio_service::ApiError;

use super::{Core, Failure};
use crate::{
    domain::{
        input::Fault,
        organization::{Organization, OrganizationState},
    },
    projections::{
        organizations::{self, read_state},
        read_id,
    },
};

/// An organization, for whoever runs the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationListed {
    /// Which one.
    pub organization: TenantId,
    /// What people call it.
    pub name: String,
    /// What may be done in it.
    pub state: OrganizationState,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Core {
    /// Every organization, in the order in which they were made.
    ///
    /// # Errors
    /// From the store.
    pub(crate) async fn organizations(&self) -> Result<Vec<OrganizationListed>, Failure> {
        let rows = organizations::all(&self.store).await?;
        let listed = rows.into_iter().map(|row| {
            Ok(OrganizationListed {
                organization: read_id(&row.tenant)?,
                state: read_state(&row)?,
                created_at: Timestamp::from_micros(row.created_at),
                name: row.name,
            })
        });
        listed.collect()
    }

    /// Puts an organization into a state; `false` where it is in it already. It counts at once in this process
    /// and, by the feed of the log, in every other.
    ///
    /// # Errors
    /// [`Failure::Input`] where there is no such organization.
    pub(crate) async fn put_organization_into(
        &self,
        organization: TenantId,
        state: OrganizationState,
    ) -> Result<bool, Failure> {
        let metadata = Metadata::system("identity.operator");
        let stream = organization.to_string();
        let executed = self
            .store
            .execute::<Organization, Failure>(organization, &stream, &metadata, |before, _| {
                if !before.created {
                    let message = format!("There is no organization {organization}.");
                    return Err(Fault::new("NOT_FOUND", "organization", message).into());
                }
                Ok(before.put_into(state).into_iter().collect())
            })
            .await?;
        let Some(newest) = executed.recorded.last() else { return Ok(false) };
        self.sessions.organizations.is(organization, state, newest.position);
        Ok(true)
    }

    /// Refuses whoever wants to get into an organization that is suspended.
    pub(super) fn lets_in(&self, organization: TenantId) -> Result<(), ApiError> {
        match self.sessions.organizations.state(organization) {
            OrganizationState::Active | OrganizationState::Archived => Ok(()),
            OrganizationState::Suspended => {
                let message = "The organization is suspended here: ask whoever runs the server.";
                Err(ApiError::new(Code::Forbidden, message))
            }
        }
    }

    /// Refuses what would change an organization in which nothing changes.
    pub(super) fn still_changes(&self, organization: TenantId) -> Result<(), ApiError> {
        self.lets_in(organization)?;
        match self.sessions.organizations.state(organization) {
            OrganizationState::Archived => {
                let message = "The organization is archived: nothing of it changes any more.";
                Err(ApiError::new(Code::Forbidden, message))
            }
            _ => Ok(()),
        }
    }
}
