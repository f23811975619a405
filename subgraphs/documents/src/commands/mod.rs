//! What changes documents: load, authorize, decide, append.

mod link;
mod note_projects;
mod sweep;
mod upload;

use std::sync::{Arc, OnceLock};

use studio_access::{Extent, Policy, Resource, Scope};
use studio_entities::documents::document;
use studio_events::EventStore;
use studio_kernel::{Actor, Env, Id, kind};
use studio_service::{ApiError, Upstream, notices::Notices};
use studio_stores::blobs::Blobs;

use crate::projections::documents;

pub(crate) use link::LinkOutcome;
pub(crate) use note_projects::NoteProjects;
pub(crate) use upload::Upload;

/// The documents subgraph at work.
pub(crate) struct Documents {
    pub(crate) env: Env,
    pub(crate) store: EventStore,
    pub(crate) policy: Arc<Policy>,
    pub(crate) notices: Arc<Notices>,
    pub(crate) blobs: Arc<dyn Blobs>,
    /// The most bytes of one document.
    pub(crate) limit: u64,
    /// Follows the controls subgraph's projects, from the moment that the feeds are known.
    pub(crate) controls: OnceLock<Upstream>,
}

pub(crate) const READ: &str = "documents:document:read";
const UPDATE: &str = "documents:document:update";
const UPLOAD: &str = "documents:document:upload";

impl Documents {
    /// Whether the actor may read documents at all; what they may see is the extent.
    pub(crate) fn may_read(&self, actor: &Actor) -> Result<Extent, ApiError> {
        Ok(self.policy.extent(actor, READ, &Resource::any("Document", actor.tenant))?)
    }

    /// A document that the actor may read, if there is one of that id.
    pub(crate) async fn readable(
        &self,
        extent: &Extent,
        document: Id<kind::Document>,
    ) -> Result<Option<document::Model>, ApiError> {
        let row = documents::one(&self.store, extent.tenant(), document).await?;
        Ok(row.filter(|row| extent.holds(&row.project)))
    }

    fn require(&self, actor: &Actor, action: &str, resource: &Resource) -> Result<Scope, ApiError> {
        Ok(self.policy.require(actor, action, resource)?)
    }

    /// A document as the policies see it: it belongs to whoever uploaded its first version.
    async fn resource(
        &self,
        actor: &Actor,
        document: Id<kind::Document>,
    ) -> Result<Resource, ApiError> {
        let resource = Resource::one("Document", document, actor.tenant);
        let Some(row) = documents::one(&self.store, actor.tenant, document).await? else {
            return Ok(resource.nowhere());
        };
        let resource = resource.of_project(row.project.parse().map_err(ApiError::internal)?);
        let first = documents::version_by_number(&self.store, actor.tenant, document, 1).await?;
        Ok(match first.and_then(|first| first.uploaded_by) {
            Some(user) => resource.owned_by(user.parse().map_err(ApiError::internal)?),
            None => resource,
        })
    }
}
