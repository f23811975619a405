//! What changes documents: load, authorize, decide, append.

mod classify;
mod link;
mod note_projects;
mod sweep;
mod upload;

use std::sync::{Arc, OnceLock};

use studio_access::{Clearance, Policy, Resource, Scope};
use studio_entities::documents::document;
use studio_events::EventStore;
use studio_kernel::{Actor, Env, Id, kind};
use studio_service::{ApiError, Upstream, notices::Notices};
use studio_stores::blobs::Blobs;

use crate::projections::documents;

pub(crate) use classify::ClassifyOutcome;
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
const DECLASSIFY: &str = "documents:document:declassify";
const UPDATE: &str = "documents:document:update";
const UPLOAD: &str = "documents:document:upload";

impl Documents {
    /// Whether the actor may read documents at all; what they may see is the clearance.
    pub(crate) fn may_read(&self, actor: &Actor) -> Result<Clearance, ApiError> {
        Ok(self.policy.clearance(actor, READ, &Resource::any("Document", actor.tenant))?)
    }

    /// A document that the actor may read, if there is one of that id.
    pub(crate) async fn readable(
        &self,
        clearance: &Clearance,
        document: Id<kind::Document>,
    ) -> Result<Option<document::Model>, ApiError> {
        let row = documents::one(&self.store, clearance.tenant(), document).await?;
        Ok(row.filter(|row| documents::reads(clearance, row)))
    }

    fn require(&self, actor: &Actor, action: &str, resource: &Resource) -> Result<Scope, ApiError> {
        Ok(self.policy.require(actor, action, resource)?)
    }

    /// A document as the policies see it, to be changed: it belongs to whoever uploaded its first version.
    /// One that they do not read is none for whoever reads documents, whatever else they may do to them.
    async fn resource(
        &self,
        actor: &Actor,
        document: Id<kind::Document>,
    ) -> Result<(Resource, Option<document::Model>), ApiError> {
        let resource = Resource::one("Document", document, actor.tenant);
        let any = Resource::any("Document", actor.tenant);
        let reads = self.policy.clearance_if_any(actor, READ, &any);
        let row = documents::one(&self.store, actor.tenant, document).await?;
        let seen = |row: &document::Model| match &reads {
            Some(clearance) => documents::reads(clearance, row),
            None => true,
        };
        let Some(row) = row.filter(seen) else { return Ok((resource.nowhere(), None)) };
        let mut resource = resource
            .of_project(row.project.parse().map_err(ApiError::internal)?)
            .classed(row.data_class.parse().map_err(ApiError::internal)?);
        if let Some(owner) = owner(&row)? {
            resource = resource.owned_by(owner);
        }
        Ok((resource, Some(row)))
    }
}

/// Who uploaded the first version, if a person.
fn owner(row: &document::Model) -> Result<Option<Id<kind::User>>, ApiError> {
    row.owner.as_deref().map(str::parse).transpose().map_err(ApiError::internal)
}
