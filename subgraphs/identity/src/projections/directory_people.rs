//! What directories say of people, by the keyed hashes of what they call them. What it is stays sealed. Every
//! query names the directory: it sees whom it has provisioned alone. All is read from the primary database,
//! since a directory looks for what it has just written.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use studio_entities::identity::person::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Id, Payload, TenantId, kind};

use super::{rows, tenant_of};
use crate::{
    domain::{
        provisioned::{DirectoryRecordRemoved, DirectoryRecordSet, UserReactivated, UserSuspended},
        user::{UserErased, UserEvent},
    },
    personal::People,
    scim::document::Document,
};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.directory_people";

/// Keeps `identity_directory_people`. Who was erased meanwhile gets no row.
pub(crate) struct DirectoryPeople {
    people: Arc<People>,
}

impl DirectoryPeople {
    /// With what opens what is sealed.
    pub(crate) fn new(people: Arc<People>) -> Self {
        Self { people }
    }

    async fn set(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        recorded: &Recorded,
        set: DirectoryRecordSet,
    ) -> Result<(), ProjectionError> {
        let (tenant, at) = (tenant_of(recorded), recorded.recorded_at.micros());
        let opened = self.people.open_record(recorded.tenant, &set.record).await;
        let Some(document) = opened.map_err(ProjectionError::other)? else { return Ok(()) };
        let (name, external_id) = hashes(&self.people, set.directory, &document);
        let key = (generation, tenant.clone(), recorded.stream_id.clone());
        let before = Entity::find_by_id(key).one(tx).await?;
        // Another directory begins anew with the person.
        let of_it = before.as_ref().filter(|row| row.directory == set.directory.to_string());
        let row = ActiveModel {
            generation: Set(generation),
            tenant: Set(tenant),
            user: Set(recorded.stream_id.clone()),
            directory: Set(set.directory.to_string()),
            user_name_hash: Set(name),
            external_id_hash: Set(external_id),
            record: Set(set.record.0.to_string()),
            active: Set(i64::from(set.active)),
            version: Set(recorded.position),
            created_at: Set(of_it.map_or(at, |row| row.created_at)),
            modified_at: Set(at),
        };
        match before {
            None => row.insert(tx).await?,
            Some(_) => row.update(tx).await?,
        };
        Ok(())
    }
}

/// By what a directory finds somebody: `userName` and `externalId`, hashed.
fn hashes(
    people: &People,
    directory: Id<kind::Directory>,
    document: &Document,
) -> (String, Option<String>) {
    let text = |name: &str| document.get(name).and_then(|it| it.as_str());
    let user_name = text("userName").unwrap_or_default().to_lowercase();
    let external_id = text("externalId");
    (
        people.directory_hash(directory, "userName", &user_name),
        external_id.map(|id| people.directory_hash(directory, "externalId", id)),
    )
}

#[async_trait]
impl Projection for DirectoryPeople {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        [
            DirectoryRecordSet::TYPE,
            DirectoryRecordRemoved::TYPE,
            UserSuspended::TYPE,
            UserReactivated::TYPE,
            UserErased::TYPE,
        ]
        .contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            // The stream is that of the person.
            let key = (generation, tenant_of(recorded), recorded.stream_id.clone());
            match recorded.decode::<UserEvent>()? {
                UserEvent::DirectoryRecordSet(set) => {
                    self.set(tx, generation, recorded, set).await?;
                }
                UserEvent::UserSuspended(_) | UserEvent::UserReactivated(_) => {
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let suspended = recorded.event_type == UserSuspended::TYPE;
                        let mut row = row.into_active_model();
                        row.active = Set(i64::from(!suspended));
                        row.version = Set(recorded.position);
                        row.modified_at = Set(recorded.recorded_at.micros());
                        row.update(tx).await?;
                    }
                }
                UserEvent::DirectoryRecordRemoved(_) | UserEvent::UserErased(_) => {
                    Entity::delete_by_id(key).exec(tx).await?;
                }
                _ => {}
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

/// Whom a list is of, as far as the database can tell: each narrows it further.
#[derive(Debug, Clone, Default)]
pub(crate) struct Narrowed {
    /// The id.
    pub(crate) user: Option<String>,
    /// The keyed hash of `userName`.
    pub(crate) user_name: Option<String>,
    /// The keyed hash of `externalId`.
    pub(crate) external_id: Option<String>,
}

fn of(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
) -> sea_orm::Select<Entity> {
    rows::of::<Entity>(store, NAME, tenant).filter(Column::Directory.eq(directory.to_string()))
}

/// One person of the directory.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
    user: Id<kind::User>,
) -> Result<Option<Row>, DbErr> {
    of(store, tenant, directory)
        .filter(Column::User.eq(user.to_string()))
        .one(store.database().primary())
        .await
}

/// Whether the directory knows somebody by a name already, as a keyed hash.
pub(crate) async fn is_named(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
    user_name_hash: &str,
) -> Result<bool, DbErr> {
    let named = of(store, tenant, directory).filter(Column::UserNameHash.eq(user_name_hash));
    Ok(named.count(store.database().primary()).await? > 0)
}

/// Which of these people the directory has provisioned.
pub(crate) async fn known(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
    users: &[String],
) -> Result<Vec<Row>, DbErr> {
    let mut found = Vec::new();
    for some in users.chunks(super::AT_ONCE) {
        let rows = of(store, tenant, directory).filter(Column::User.is_in(some));
        found.extend(rows.all(store.database().primary()).await?);
    }
    Ok(found)
}

/// How many people the directory has provisioned.
pub(crate) async fn count(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
) -> Result<u64, DbErr> {
    of(store, tenant, directory).count(store.database().primary()).await
}

/// People of the directory in the order of their ids, some of them skipped.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
    narrowed: &Narrowed,
    skip: u64,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = of(store, tenant, directory);
    if let Some(user) = &narrowed.user {
        query = query.filter(Column::User.eq(user));
    }
    if let Some(user_name) = &narrowed.user_name {
        query = query.filter(Column::UserNameHash.eq(user_name));
    }
    if let Some(external_id) = &narrowed.external_id {
        query = query.filter(Column::ExternalIdHash.eq(external_id));
    }
    query.order_by_asc(Column::User).offset(skip).limit(limit).all(store.database().primary()).await
}
