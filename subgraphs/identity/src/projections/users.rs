//! People by id, and by the keyed hash of their e-mail address. What identifies a person stays
//! sealed in the rows too.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use studio_entities::identity::user::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, Role, TenantId, kind};

use super::tenant_of;
use crate::{domain::user::UserEvent, personal::People};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.users";

/// Keeps `identity_users`. It opens what is sealed, to hash the e-mail address: a person who was
/// erased meanwhile gets no hash, which is what the erasure would have left anyway.
pub(crate) struct Users {
    people: Arc<People>,
}

impl Users {
    /// With what opens sealed profiles.
    pub(crate) fn new(people: Arc<People>) -> Self {
        Self { people }
    }
}

#[async_trait]
impl Projection for Users {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        UserEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let tenant = tenant_of(recorded);
            match recorded.decode::<UserEvent>()? {
                UserEvent::UserCreated(created) => {
                    let profile = self
                        .people
                        .open_profile(recorded.tenant, &created.profile)
                        .await
                        .map_err(ProjectionError::other)?;
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(created.user.to_string()),
                        email_hash: Set(profile.map(|it| self.people.email_hash(&it.email))),
                        profile: Set(Some(created.profile.0.to_string())),
                        password: Set(Some(created.password.0.to_string())),
                        roles: Set(write_roles(&created.roles)),
                        created_at: Set(recorded.recorded_at.micros()),
                        erased_at: Set(None),
                    };
                    row.insert(tx).await?;
                }
                UserEvent::UserErased(erased) => {
                    let key = (generation, tenant, erased.user.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.email_hash = Set(None);
                        row.profile = Set(None);
                        row.password = Set(None);
                        row.erased_at = Set(Some(recorded.recorded_at.micros()));
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

fn write_roles(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ")
}

/// The roles of a row. A name that this version does not know grants nothing.
pub(crate) fn read_roles(text: &str) -> Vec<Role> {
    text.split(' ').filter_map(Role::parse).collect()
}

/// The account with that keyed hash of an e-mail address, in whatever organization it is: at a
/// sign-in there is no actor yet.
pub(crate) async fn by_email(store: &EventStore, email_hash: &str) -> Result<Option<Row>, DbErr> {
    Entity::find()
        .filter(Column::Generation.eq(store.generation(NAME)))
        .filter(Column::EmailHash.eq(email_hash))
        .one(store.database().reader())
        .await
}

/// Those of the people who belong to the organization.
pub(crate) async fn by_ids(
    store: &EventStore,
    tenant: TenantId,
    users: impl IntoIterator<Item = Id<kind::User>>,
) -> Result<Vec<Row>, DbErr> {
    Entity::find()
        .filter(Column::Generation.eq(store.generation(NAME)))
        .filter(Column::Tenant.eq(tenant.to_string()))
        .filter(Column::Id.is_in(users.into_iter().map(|user| user.to_string())))
        .all(store.database().reader())
        .await
}

/// One person of the organization.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
) -> Result<Option<Row>, DbErr> {
    Ok(by_ids(store, tenant, [user]).await?.pop())
}

/// People of the organization who were not erased, in the order in which they came, after an id.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = Entity::find()
        .filter(Column::Generation.eq(store.generation(NAME)))
        .filter(Column::Tenant.eq(tenant.to_string()))
        .filter(Column::ErasedAt.is_null());
    if let Some(after) = after {
        query = query.filter(Column::Id.gt(after));
    }
    query.order_by_asc(Column::Id).limit(limit).all(store.database().reader()).await
}

/// How many people of the organization hold the role.
pub(crate) async fn count_with_role(
    store: &EventStore,
    tenant: TenantId,
    role: Role,
) -> Result<u64, DbErr> {
    // Roles are whole words of a short list; none is a part of another.
    Entity::find()
        .filter(Column::Generation.eq(store.generation(NAME)))
        .filter(Column::Tenant.eq(tenant.to_string()))
        .filter(Column::ErasedAt.is_null())
        .filter(Column::Roles.contains(role.as_str()))
        .count(store.database().reader())
        .await
}

/// Everybody who was erased, as `(organization, person)`.
pub(crate) async fn erased(store: &EventStore) -> Result<Vec<(TenantId, Id<kind::User>)>, DbErr> {
    let rows = Entity::find()
        .filter(Column::Generation.eq(store.generation(NAME)))
        .filter(Column::ErasedAt.is_not_null())
        .all(store.database().reader())
        .await?;
    rows.iter().map(|row| Ok((super::read_id(&row.tenant)?, super::read_id(&row.id)?))).collect()
}
