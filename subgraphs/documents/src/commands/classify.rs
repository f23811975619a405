//! Giving a document a data class. Whoever may change a document may keep it more closely; to keep it less
//! closely is an action of its own.

use studio_entities::documents::document;
use studio_events::{ExecuteError, Metadata};
use studio_kernel::{Actor, DataClass, Id, kind};
use studio_service::ApiError;

use super::{DECLASSIFY, Documents, UPDATE, owner, upload::append_failed};
use crate::{
    domain::{Classification, ClassifyRefused, Document},
    projections::documents,
};

/// The document as it is now, or why it was not classified.
pub(crate) type ClassifyOutcome = Result<document::Model, ClassifyRefused>;

impl Documents {
    /// Gives the document a class, if it was set as often as is expected.
    pub(crate) async fn classify(
        &self,
        actor: &Actor,
        document: Id<kind::Document>,
        data_class: DataClass,
        expected: u32,
    ) -> Result<ClassifyOutcome, ApiError> {
        let (resource, row) = self.resource(actor, document).await?;
        let tenant = self.require(actor, UPDATE, &resource)?.tenant();
        let Some(row) = row else { return Ok(Err(ClassifyRefused::NoSuchDocument)) };
        if self.is_archived(tenant, &row.project).await? {
            return Ok(Err(ClassifyRefused::Archived));
        }
        // Lower than what was looked at; where that is not what it is by now, the decision is refused.
        let actual = u32::try_from(row.class_version).map_err(ApiError::internal)?;
        if actual != expected {
            return Ok(Err(ClassifyRefused::Stale { expected, actual }));
        }
        if resource.data_class.is_some_and(|present| data_class < present) {
            let _everywhere = self.require(actor, DECLASSIFY, &resource)?;
        }
        let wanted = Classification { document, data_class, expected, owner: owner(&row)? };
        let executed = self
            .store
            .execute::<Document, ClassifyRefused>(
                tenant,
                &document.to_string(),
                &Metadata::by(actor),
                |document, _| document.classify(wanted),
            )
            .await;
        match executed {
            Ok(_) => {}
            Err(ExecuteError::Refused(refused)) => return Ok(Err(refused)),
            Err(other) => return Err(append_failed(other)),
        }
        match documents::one(&self.store, tenant, document).await? {
            Some(row) => Ok(Ok(row)),
            None => Err(ApiError::internal(format!("{document} was recorded and has no row"))),
        }
    }
}
