//! Saying that a document speaks of a control, and taking it back.

use studio_entities::documents::document;
use studio_events::{ExecuteError, Metadata};
use studio_kernel::Actor;
use studio_service::ApiError;

use super::{Documents, UPDATE, upload::append_failed};
use crate::{
    domain::{Document, DocumentEvent, Link, LinkRefused},
    projections::documents,
};

/// The document as it is now, or why it was not changed.
pub(crate) type LinkOutcome = Result<document::Model, LinkRefused>;

impl Documents {
    /// Records that the document speaks of the control.
    ///
    /// Whether the control exists is the controls subgraph's knowledge: a link to one that does
    /// not shows nowhere.
    pub(crate) async fn link(&self, actor: &Actor, link: Link) -> Result<LinkOutcome, ApiError> {
        self.change(actor, link, |document| document.link(link)).await
    }

    /// Takes the link back.
    pub(crate) async fn unlink(&self, actor: &Actor, link: Link) -> Result<LinkOutcome, ApiError> {
        self.change(actor, link, |document| document.unlink(link)).await
    }

    async fn change(
        &self,
        actor: &Actor,
        link: Link,
        decide: impl Fn(&Document) -> Result<Vec<DocumentEvent>, LinkRefused> + Send + Sync,
    ) -> Result<LinkOutcome, ApiError> {
        let (resource, row) = self.resource(actor, link.document).await?;
        let tenant = self.require(actor, UPDATE, &resource)?.tenant();
        let Some(row) = row else { return Ok(Err(LinkRefused::NoSuchDocument)) };
        if self.is_archived(tenant, &row.project).await? {
            return Ok(Err(LinkRefused::Archived));
        }
        let metadata = Metadata::by(actor);
        let id = link.document;
        let executed = self
            .store
            .execute::<Document, LinkRefused>(tenant, &id.to_string(), &metadata, |document, _| {
                decide(document)
            })
            .await;
        match executed {
            Ok(_) => {}
            Err(ExecuteError::Refused(refused)) => return Ok(Err(refused)),
            Err(other) => return Err(append_failed(other)),
        }
        match documents::one(&self.store, tenant, id).await? {
            Some(row) => Ok(Ok(row)),
            None => Err(ApiError::internal(format!("{id} was recorded and has no row"))),
        }
    }
}
