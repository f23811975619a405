//! Rejects a version of an evidence item: whatever rests on it proves nothing any more.

use studio_access::Resource;
use studio_events::{ExecuteError, Metadata};
use studio_kernel::{Actor, Id, TenantId, kind};
use studio_service::ApiError;

use super::Core;
use crate::{
    domain::{Evidence, RejectionRefused},
    projections::{EvidenceItems, Projects},
};

/// What became of the wish to reject.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// It is recorded.
    Recorded,
    /// The person can mend it.
    Refused(RejectionRefused),
}

impl Core {
    /// Rejects a version.
    pub(crate) async fn reject(
        &self,
        actor: &Actor,
        id: Id<kind::Evidence>,
        version: i64,
        reason: &str,
    ) -> Result<Rejection, ApiError> {
        let stream = id.to_string();
        let items = EvidenceItems::of(&self.store, actor.tenant, std::slice::from_ref(&stream));
        let item = items.await?.pop();
        let resource = Resource::one("Evidence", id, actor.tenant);
        let resource = match &item {
            Some(item) => resource.of_project(item.project_id.parse().map_err(ApiError::internal)?),
            None => resource.nowhere(),
        };
        let tenant = self.policy.require(actor, "evidence:evidence:update", &resource)?.tenant();
        // A stream of another organization is another stream: this one is empty then.
        let loaded = self.store.load::<Evidence>(tenant, &stream).await?;
        if loaded.version == 0 {
            return Err(ApiError::not_found("evidence", id));
        }
        if let Some(item) = &item
            && let Some(project) = self.archived_project(tenant, &item.project_id).await?
        {
            return Ok(Rejection::Refused(RejectionRefused::Archived(project)));
        }
        let metadata = Metadata::by(actor);
        let decided = self
            .store
            .execute::<Evidence, _>(tenant, &stream, &metadata, |evidence, _| {
                evidence.reject(id, version, reason).map(|event| vec![event])
            })
            .await;
        match decided {
            Ok(_) => Ok(Rejection::Recorded),
            Err(ExecuteError::Refused(refused)) => Ok(Rejection::Refused(refused)),
            Err(ExecuteError::Append(error)) => Err(error.into()),
            Err(ExecuteError::Store(error)) => Err(error.into()),
        }
    }

    /// A project, where it is archived.
    async fn archived_project(
        &self,
        tenant: TenantId,
        project: &str,
    ) -> Result<Option<Id<kind::Project>>, ApiError> {
        match Projects::find(&self.store, tenant, project).await? {
            Some(project) if project.archived != 0 => {
                project.id.parse().map(Some).map_err(ApiError::internal)
            }
            _ => Ok(None),
        }
    }
}
