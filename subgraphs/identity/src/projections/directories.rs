//! Directories that provision people, newest first. When the token of one was last used stands with the uses
//! of keys.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, Set,
};
use studio_entities::identity::directory::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, TenantId, kind};

use super::{rows, tenant_of};
use crate::domain::directory::{DirectoryEvent, Settings};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.directories";

/// Keeps `identity_directories`.
pub(crate) struct Directories;

#[async_trait]
impl Projection for Directories {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        DirectoryEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let tenant = tenant_of(recorded);
            let version = i64::try_from(recorded.stream_version).map_err(ProjectionError::other)?;
            let key = (generation, tenant.clone(), recorded.stream_id.clone());
            match recorded.decode::<DirectoryEvent>()? {
                DirectoryEvent::DirectoryConnected(connected) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(connected.directory.to_string()),
                        version: Set(version),
                        name: Set(connected.name),
                        settings: Set(write_settings(&connected.settings)?),
                        secret_hash: Set(connected.secret_hash),
                        created_at: Set(recorded.recorded_at.micros()),
                        expires_at: Set(connected.expires_at.map(|at| at.micros())),
                        disconnected_at: Set(None),
                    };
                    row.insert(tx).await?;
                }
                DirectoryEvent::DirectoryUpdated(updated) => {
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.version = Set(version);
                        row.name = Set(updated.name);
                        row.settings = Set(write_settings(&updated.settings)?);
                        row.update(tx).await?;
                    }
                }
                DirectoryEvent::DirectoryDisconnected(_) => {
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.version = Set(version);
                        row.disconnected_at = Set(Some(recorded.recorded_at.micros()));
                        row.update(tx).await?;
                    }
                }
            }
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<Entity>(tx, generation).await
    }
}

fn write_settings(settings: &Settings) -> Result<String, ProjectionError> {
    serde_json::to_string(settings).map_err(ProjectionError::other)
}

/// What the directory of a row may do.
pub(crate) fn read_settings(row: &Row) -> Result<Settings, DbErr> {
    serde_json::from_str(&row.settings)
        .map_err(|error| DbErr::Type(format!("what a directory may do: {error}")))
}

/// The directory of that id, in whatever organization: its token says which it is, and is compared then. From
/// the primary, so that one that was disconnected is refused at once.
pub(crate) async fn by_token(
    store: &EventStore,
    directory: Id<kind::Directory>,
) -> Result<Option<Row>, DbErr> {
    rows::all::<Entity>(store, NAME)
        .filter(Column::Id.eq(directory.to_string()))
        .one(store.database().primary())
        .await
}

/// One directory of the organization, as the primary database knows it.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
) -> Result<Option<Row>, DbErr> {
    Entity::find_by_id((store.generation(NAME), tenant.to_string(), directory.to_string()))
        .one(store.database().primary())
        .await
}

/// Directories of the organization, newest first, after an id. Those that were disconnected are among them.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = rows::of::<Entity>(store, NAME, tenant);
    rows::newest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

/// How many directories of the organization are connected.
pub(crate) async fn count_connected(store: &EventStore, tenant: TenantId) -> Result<u64, DbErr> {
    rows::of::<Entity>(store, NAME, tenant)
        .filter(Column::DisconnectedAt.is_null())
        .count(store.database().primary())
        .await
}
