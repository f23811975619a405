//! The newest version of each document that was heard of.

use std::collections::HashSet;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter,
    sea_query::{Expr, OnConflict},
};
use studio_access::Clearance;
use studio_entities::ai::document;
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, TenantId, kind, published::documents::DocumentClassified};

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
            let stored = match event.decode()? {
                IndexedEvent::DocumentVersionNoted(noted) => noted.stored,
                IndexedEvent::DocumentClassNoted(noted) => {
                    classify(tx, generation, event, &noted.classified).await?;
                    continue;
                }
            };
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
                data_class: Set(stored.data_class.as_str().to_owned()),
                owner: Set(stored.owner.map(|owner| owner.to_string())),
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
                document::Column::DataClass,
                document::Column::Owner,
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

async fn classify(
    tx: &DatabaseTransaction,
    generation: i64,
    event: &Recorded,
    classified: &DocumentClassified,
) -> Result<(), DbErr> {
    let owner = classified.owner.map(|owner| owner.to_string());
    document::Entity::update_many()
        .filter(document::Column::Generation.eq(generation))
        .filter(document::Column::Tenant.eq(event.tenant.to_string()))
        .filter(document::Column::Document.eq(classified.document.to_string()))
        .col_expr(document::Column::DataClass, Expr::value(classified.data_class.as_str()))
        .col_expr(document::Column::Owner, Expr::value(owner))
        .exec(tx)
        .await?;
    Ok(())
}

/// Which of the passages' documents somebody reads.
pub(crate) async fn read_by(
    store: &EventStore,
    clearance: &Clearance,
    passages: &[CitedPassage],
) -> Result<HashSet<Id<kind::Document>>, DbErr> {
    let ids = passages.iter().map(|passage| passage.document.to_string());
    let rows = document::Entity::find()
        .filter(document::Column::Generation.eq(store.generation(NAME)))
        .filter(document::Column::Tenant.eq(clearance.tenant().to_string()))
        .filter(document::Column::Document.is_in(ids))
        .all(store.database().reader())
        .await?;
    let seen = rows.iter().filter(|row| {
        let project = row.project.as_deref().unwrap_or_default();
        clearance.holds(project, &row.data_class, row.owner.as_deref())
    });
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
