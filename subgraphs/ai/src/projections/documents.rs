//! The newest version of each document that was heard of.

use std::collections::HashSet;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    sea_query::OnConflict,
};
use studio_access::Extent;
use studio_entities::ai::document;
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, TenantId, kind};

use crate::domain::{CitedPassage, IndexedEvent};

const NAME: &str = "documents";

pub(crate) struct Documents;

#[async_trait]
impl Projection for Documents {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        IndexedEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for event in events {
            let IndexedEvent::DocumentVersionNoted(noted) = event.decode()?;
            let stored = noted.stored;
            let row = document::ActiveModel {
                generation: Set(generation),
                tenant: Set(event.tenant.to_string()),
                document: Set(stored.document.to_string()),
                version: Set(stored.version.to_string()),
                number: Set(i64::from(stored.number)),
                name: Set(stored.name),
                project: Set(stored.project.map(|project| project.to_string())),
                media_type: Set(stored.media_type),
                sha256: Set(stored.sha256),
            };
            // Only newer versions are recorded, so that the last one is the newest.
            let replace = OnConflict::columns([
                document::Column::Generation,
                document::Column::Tenant,
                document::Column::Document,
            ])
            .update_columns([
                document::Column::Version,
                document::Column::Number,
                document::Column::Name,
                document::Column::Project,
                document::Column::MediaType,
                document::Column::Sha256,
            ])
            .to_owned();
            let insert = document::Entity::insert(row).on_conflict(replace);
            insert.exec_without_returning(tx).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<document::Entity>(tx, generation).await
    }
}

/// Which of the passages' documents lie as far as somebody sees.
pub(crate) async fn of_projects(
    store: &EventStore,
    extent: &Extent,
    passages: &[CitedPassage],
) -> Result<HashSet<Id<kind::Document>>, DbErr> {
    let ids = passages.iter().map(|passage| passage.document.to_string());
    let rows = document::Entity::find()
        .filter(document::Column::Generation.eq(store.generation(NAME)))
        .filter(document::Column::Tenant.eq(extent.tenant().to_string()))
        .filter(document::Column::Document.is_in(ids))
        .all(store.database().reader())
        .await?;
    let seen = rows.iter().filter(|row| row.project.as_deref().is_some_and(|it| extent.holds(it)));
    seen.map(|row| row.document.parse().map_err(|error| DbErr::Type(format!("{error}")))).collect()
}

/// The newest version of a document.
pub(crate) async fn newest(
    store: &EventStore,
    tenant: TenantId,
    id: Id<kind::Document>,
) -> Result<Option<document::Model>, DbErr> {
    let key = (store.generation(NAME), tenant.to_string(), id.to_string());
    document::Entity::find_by_id(key).one(store.database().reader()).await
}
