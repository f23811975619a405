//! Groups of directories, and who is in them. Every query names the directory, and all is read from the
//! primary database, as with people (`directory_people`).

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use studio_entities::identity::{
    group::{ActiveModel, Column, Entity, Model},
    member,
};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, Payload, TenantId, kind};

use super::{AT_ONCE, rows, tenant_of};
use crate::domain::{
    directory_group::DirectoryGroupEvent, provisioned::DirectoryRecordRemoved, user::UserErased,
};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.directory_groups";

/// Keeps `identity_directory_groups` and `identity_directory_members`.
pub(crate) struct DirectoryGroups;

#[async_trait]
impl Projection for DirectoryGroups {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        DirectoryGroupEvent::event_types().contains(&event_type)
            || [DirectoryRecordRemoved::TYPE, UserErased::TYPE].contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let (tenant, stream) = (tenant_of(recorded), recorded.stream_id.clone());
            if !DirectoryGroupEvent::event_types().contains(&&*recorded.event_type) {
                // The stream is that of a person, who is in no group any more.
                member::Entity::delete_many()
                    .filter(member::Column::Generation.eq(generation))
                    .filter(member::Column::Tenant.eq(tenant))
                    .filter(member::Column::User.eq(stream))
                    .exec(tx)
                    .await?;
                continue;
            }
            let at = recorded.recorded_at.micros();
            let key = (generation, tenant.clone(), stream.clone());
            match recorded.decode::<DirectoryGroupEvent>()? {
                DirectoryGroupEvent::DirectoryGroupCreated(created) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant.clone()),
                        id: Set(stream.clone()),
                        directory: Set(created.directory.to_string()),
                        name_key: Set(created.display_name.to_lowercase()),
                        display_name: Set(created.display_name),
                        external_id: Set(created.external_id),
                        version: Set(recorded.position),
                        created_at: Set(at),
                        modified_at: Set(at),
                    };
                    row.insert(tx).await?;
                    add(tx, generation, &tenant, &stream, &created.members).await?;
                }
                DirectoryGroupEvent::DirectoryGroupChanged(changed) => {
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.name_key = Set(changed.display_name.to_lowercase());
                        row.display_name = Set(changed.display_name);
                        row.external_id = Set(changed.external_id);
                        row.version = Set(recorded.position);
                        row.modified_at = Set(at);
                        row.update(tx).await?;
                    }
                    let removed: Vec<_> = changed.removed.iter().map(Id::to_string).collect();
                    for some in removed.chunks(AT_ONCE) {
                        members(generation, &tenant, &stream)
                            .filter(member::Column::User.is_in(some))
                            .exec(tx)
                            .await?;
                    }
                    add(tx, generation, &tenant, &stream, &changed.added).await?;
                }
                DirectoryGroupEvent::DirectoryGroupDeleted(_) => {
                    members(generation, &tenant, &stream).exec(tx).await?;
                    Entity::delete_by_id(key).exec(tx).await?;
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
        clear_generation::<member::Entity>(tx, generation).await?;
        clear_generation::<Entity>(tx, generation).await
    }
}

fn members(generation: i64, tenant: &str, group: &str) -> sea_orm::DeleteMany<member::Entity> {
    member::Entity::delete_many()
        .filter(member::Column::Generation.eq(generation))
        .filter(member::Column::Tenant.eq(tenant))
        .filter(member::Column::Group.eq(group))
}

async fn add(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    group: &str,
    users: &[Id<kind::User>],
) -> Result<(), DbErr> {
    for some in users.chunks(AT_ONCE) {
        let rows = some.iter().map(|user| member::ActiveModel {
            generation: Set(generation),
            tenant: Set(tenant.to_owned()),
            group: Set(group.to_owned()),
            user: Set(user.to_string()),
        });
        member::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Which groups a list is of, as far as the database can tell: each narrows it further.
#[derive(Debug, Clone, Default)]
pub(crate) struct Narrowed {
    /// The id.
    pub(crate) group: Option<String>,
    /// The name in lower case.
    pub(crate) name_key: Option<String>,
    /// `externalId`.
    pub(crate) external_id: Option<String>,
    /// Somebody who is in it.
    pub(crate) member: Option<String>,
}

fn of(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
) -> sea_orm::Select<Entity> {
    rows::of::<Entity>(store, NAME, tenant).filter(Column::Directory.eq(directory.to_string()))
}

/// One group of the directory.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
    group: Id<kind::DirectoryGroup>,
) -> Result<Option<Row>, DbErr> {
    of(store, tenant, directory)
        .filter(Column::Id.eq(group.to_string()))
        .one(store.database().primary())
        .await
}

/// The group of the directory that is called so, in lower case.
pub(crate) async fn by_name(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
    name_key: &str,
) -> Result<Option<Row>, DbErr> {
    of(store, tenant, directory)
        .filter(Column::NameKey.eq(name_key))
        .one(store.database().primary())
        .await
}

/// How many groups the directory has.
pub(crate) async fn count(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
) -> Result<u64, DbErr> {
    of(store, tenant, directory).count(store.database().primary()).await
}

/// Groups of the directory in the order of their ids, some of them skipped.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
    narrowed: &Narrowed,
    skip: u64,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = of(store, tenant, directory);
    if let Some(group) = &narrowed.group {
        query = query.filter(Column::Id.eq(group));
    }
    if let Some(name_key) = &narrowed.name_key {
        query = query.filter(Column::NameKey.eq(name_key));
    }
    if let Some(external_id) = &narrowed.external_id {
        query = query.filter(Column::ExternalId.eq(external_id));
    }
    if let Some(user) = &narrowed.member {
        let groups: Vec<String> = member::Entity::find()
            .select_only()
            .column(member::Column::Group)
            .filter(member::Column::Generation.eq(store.generation(NAME)))
            .filter(member::Column::Tenant.eq(tenant.to_string()))
            .filter(member::Column::User.eq(user))
            .into_tuple()
            .all(store.database().primary())
            .await?;
        query = query.filter(Column::Id.is_in(groups));
    }
    query.order_by_asc(Column::Id).offset(skip).limit(limit).all(store.database().primary()).await
}

/// Who is in these groups, as `(group, person)`.
pub(crate) async fn members_of(
    store: &EventStore,
    tenant: TenantId,
    groups: &[String],
) -> Result<Vec<(String, String)>, DbErr> {
    memberships(store, tenant, member::Column::Group, groups).await
}

/// In which groups these people are, as `(group, person)`.
pub(crate) async fn groups_of(
    store: &EventStore,
    tenant: TenantId,
    users: &[String],
) -> Result<Vec<(String, String)>, DbErr> {
    memberships(store, tenant, member::Column::User, users).await
}

async fn memberships(
    store: &EventStore,
    tenant: TenantId,
    by: member::Column,
    ids: &[String],
) -> Result<Vec<(String, String)>, DbErr> {
    let mut found = Vec::new();
    for some in ids.chunks(AT_ONCE) {
        let rows: Vec<(String, String)> = member::Entity::find()
            .select_only()
            .column(member::Column::Group)
            .column(member::Column::User)
            .filter(member::Column::Generation.eq(store.generation(NAME)))
            .filter(member::Column::Tenant.eq(tenant.to_string()))
            .filter(by.is_in(some))
            .order_by_asc(member::Column::Group)
            .order_by_asc(member::Column::User)
            .into_tuple()
            .all(store.database().primary())
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// Every group of the directory.
pub(crate) async fn all(
    store: &EventStore,
    tenant: TenantId,
    directory: Id<kind::Directory>,
) -> Result<Vec<Row>, DbErr> {
    of(store, tenant, directory).all(store.database().primary()).await
}
