//! Gives evidence a data class. Whoever may change evidence may keep it more closely; to keep it less closely
//! is an action of its own.

use studio_events::{ExecuteError, Metadata};
use studio_kernel::{Actor, DataClass, Id, TenantId, kind};
use studio_service::ApiError;

use super::{Core, UPDATE};
use crate::{
    domain::{ClassificationRefused, Evidence},
    error::EvidenceError,
};

const DECLASSIFY: &str = "evidence:evidence:declassify";

/// What became of the wish for a class.
#[derive(Debug)]
pub(crate) enum Classified {
    /// The evidence has it.
    Done,
    /// The person can mend it.
    Refused(ClassificationRefused),
}

impl Core {
    /// Gives evidence a class, if it was set as often as is expected.
    pub(crate) async fn classify(
        &self,
        actor: &Actor,
        id: Id<kind::Evidence>,
        data_class: DataClass,
        expected: u32,
    ) -> Result<Classified, ApiError> {
        let (resource, item) = self.evidence(actor, id).await?;
        let tenant = self.policy.require(actor, UPDATE, &resource)?.tenant();
        let item = item.ok_or_else(|| ApiError::not_found("evidence", id))?;
        if let Some(project) = self.archived_project(tenant, &item.project_id).await? {
            return Ok(Classified::Refused(ClassificationRefused::Archived(project)));
        }
        // Lower than what was looked at; where that is not what it is by now, the decision is refused.
        let actual = u32::try_from(item.class_version).map_err(ApiError::internal)?;
        if actual != expected {
            return Ok(Classified::Refused(ClassificationRefused::Stale { expected, actual }));
        }
        if resource.data_class.is_some_and(|present| data_class < present) {
            let _everywhere = self.policy.require(actor, DECLASSIFY, &resource)?;
        }
        let metadata = Metadata::by(actor);
        let decided = self
            .store
            .execute::<Evidence, _>(tenant, &id.to_string(), &metadata, |evidence, _| {
                let event = evidence.classify(data_class, expected)?;
                Ok(event.into_iter().collect())
            })
            .await;
        match decided {
            Ok(_) => Ok(Classified::Done),
            Err(ExecuteError::Refused(refused)) => Ok(Classified::Refused(refused)),
            Err(ExecuteError::Append(error)) => Err(error.into()),
            Err(ExecuteError::Store(error)) => Err(error.into()),
        }
    }

    /// Keeps evidence as closely as a scan asks for that is there already.
    pub(super) async fn raise(
        &self,
        tenant: TenantId,
        id: Id<kind::Evidence>,
        asked: Option<DataClass>,
        metadata: &Metadata,
    ) -> Result<(), EvidenceError> {
        if asked.is_none() {
            return Ok(());
        }
        let raised = self
            .store
            .execute::<Evidence, EvidenceError>(tenant, &id.to_string(), metadata, |evidence, _| {
                Ok(evidence.raise(asked).into_iter().collect())
            })
            .await;
        match raised {
            Ok(_) => Ok(()),
            Err(ExecuteError::Refused(error)) => Err(error),
            Err(ExecuteError::Append(error)) => Err(error.into()),
            Err(ExecuteError::Store(error)) => Err(error.into()),
        }
    }
}
