//! Rejects a version of an evidence item: whatever rests on it proves nothing any more.

use studio_access::Resource;
use studio_events::ExecuteError;
use studio_kernel::{Actor, Id, kind};
use studio_service::{ApiError, RequestId};

use super::{Core, metadata};
use crate::domain::{Evidence, RejectionRefused};

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
        request: Option<&RequestId>,
    ) -> Result<Rejection, ApiError> {
        let resource = Resource::one("Evidence", id, actor.tenant);
        let tenant = self.policy.require(actor, "evidence:evidence:update", &resource)?.tenant();
        // A stream of another organization is another stream: this one is empty then.
        let stream = id.to_string();
        let loaded = self.store.load::<Evidence>(tenant, &stream).await?;
        if loaded.version == 0 {
            return Err(ApiError::not_found("evidence", id));
        }
        let metadata = metadata(actor, request);
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
}
