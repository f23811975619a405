//! Rejects a version of an evidence item: whatever rests on it proves nothing any more.

use studio_events::{ExecuteError, Metadata};
use studio_kernel::{Actor, Id, TenantId, kind};
use studio_service::ApiError;

use super::{Core, UPDATE};
use crate::{
    domain::{Evidence, RejectionRefused},
    projections::Projects,
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
        let (resource, item) = self.evidence(actor, id).await?;
        let tenant = self.policy.require(actor, UPDATE, &resource)?.tenant();
        let item = item.ok_or_else(|| ApiError::not_found("evidence", id))?;
        if let Some(project) = self.archived_project(tenant, &item.project_id).await? {
            return Ok(Rejection::Refused(RejectionRefused::Archived(project)));
        }
        let stream = id.to_string();
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
    pub(super) async fn archived_project(
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
