//! Which documents speak of which controls.

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use studio_access::Clearance;
use studio_entities::documents::{control, document};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Payload, TenantId};
use studio_service::graphql::PageArgs;

use super::documents;
use crate::domain::{ControlLinked, ControlUnlinked, DocumentEvent};

const NAME: &str = "document_controls";

pub(crate) struct DocumentControls;

#[async_trait]
impl Projection for DocumentControls {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [ControlLinked::TYPE, ControlUnlinked::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let tenant = event.tenant.to_string();
            match event.decode()? {
                DocumentEvent::ControlLinked(linked) => {
                    let row = control::ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        document: Set(linked.document.to_string()),
                        control: Set(linked.control.to_string()),
                        linked_at: Set(event.recorded_at.micros()),
                    };
                    control::Entity::insert(row).exec_without_returning(tx).await?;
                }
                DocumentEvent::ControlUnlinked(unlinked) => {
                    let (document, control) = (unlinked.document, unlinked.control);
                    let key = (generation, tenant, document.to_string(), control.to_string());
                    control::Entity::delete_by_id(key).exec(tx).await?;
                }
                DocumentEvent::DocumentCreated(_)
                | DocumentEvent::DocumentRenamed(_)
                | DocumentEvent::DocumentClassified(_)
                | DocumentEvent::DocumentVersionStored(_) => {}
            }
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<control::Entity>(tx, generation).await
    }
}

/// The links of some documents, in the order of document and control.
pub(crate) async fn of_documents(
    store: &EventStore,
    tenant: TenantId,
    documents: &[String],
) -> Result<Vec<control::Model>, DbErr> {
    control::Entity::find()
        .filter(control::Column::Generation.eq(store.generation(NAME)))
        .filter(control::Column::Tenant.eq(tenant.to_string()))
        .filter(control::Column::Document.is_in(documents))
        .order_by_asc(control::Column::Document)
        .order_by_asc(control::Column::Control)
        .all(store.database().reader())
        .await
}

/// One page of the documents that speak of a control, as far as somebody reads, in the order of their ids.
pub(crate) async fn documents_of(
    store: &EventStore,
    clearance: &Clearance,
    control: &str,
    page: &PageArgs,
) -> Result<Vec<document::Model>, DbErr> {
    let tenant = clearance.tenant();
    let mut links = control::Entity::find()
        .filter(control::Column::Generation.eq(store.generation(NAME)))
        .filter(control::Column::Tenant.eq(tenant.to_string()))
        .filter(control::Column::Control.eq(control));
    if clearance.parts().is_some() {
        links =
            links.filter(control::Column::Document.in_subquery(documents::ids(store, clearance)));
    }
    if let Some(after) = &page.after {
        links = links.filter(control::Column::Document.gt(after));
    }
    let links = links
        .order_by_asc(control::Column::Document)
        .limit(page.limit())
        .all(store.database().reader())
        .await?;
    let ids: Vec<String> = links.into_iter().map(|link| link.document).collect();
    documents::by_ids(store, tenant, &ids).await
}
