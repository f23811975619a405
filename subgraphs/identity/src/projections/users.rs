//! People by id, and by the keyed hash of their e-mail address. What identifies a person stays
//! sealed in the rows too.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, DatabaseTransaction, DbErr, EntityTrait,
    IntoActiveModel, QueryFilter, QuerySelect, Set,
};
use serde::{Serialize, de::DeserializeOwned};
use studio_access::Scope;
use studio_entities::identity::user::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{
    DomainEvent, Id, Payload, Role, TenantId, kind,
    published::identity::{ProjectRole, RoleUntil, RolesHeld, TeamRole},
};

use super::{AT_ONCE, rows, tenant_of};
use crate::{
    domain::{
        SealedValue,
        login::UserProvisioned,
        provisioned::{UserReactivated, UserSuspended},
        user::{UserCreated, UserEvent},
    },
    personal::People,
};

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

    /// The row of somebody who was added, without a password.
    async fn row(
        &self,
        recorded: &Recorded,
        generation: i64,
        roles: &[Role],
        sealed: &SealedValue,
    ) -> Result<ActiveModel, ProjectionError> {
        let profile = self.people.open_profile(recorded.tenant, sealed).await;
        let profile = profile.map_err(ProjectionError::other)?;
        Ok(ActiveModel {
            generation: Set(generation),
            tenant: Set(tenant_of(recorded)),
            // The stream is that of the person.
            id: Set(recorded.stream_id.clone()),
            email_hash: Set(profile.map(|it| self.people.email_hash(&it.email))),
            profile: Set(Some(sealed.0.to_string())),
            password: Set(None),
            roles: Set(write_roles(roles)),
            roles_until: Set(String::new()),
            project_roles: Set(String::new()),
            team_roles: Set(String::new()),
            email_verified_at: Set(None),
            created_at: Set(recorded.recorded_at.micros()),
            erased_at: Set(None),
            suspended_at: Set(None),
        })
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
                UserEvent::UserCreated(UserCreated { roles, profile, password, .. }) => {
                    let row = self.row(recorded, generation, &roles, &profile).await?;
                    let password = Set(Some(password.0.to_string()));
                    ActiveModel { password, ..row }.insert(tx).await?;
                }
                UserEvent::UserProvisioned(UserProvisioned { roles, profile, .. }) => {
                    self.row(recorded, generation, &roles, &profile).await?.insert(tx).await?;
                }
                UserEvent::RolesChanged(changed) => {
                    let key = (generation, tenant, changed.user.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.roles = Set(write_roles(&changed.roles));
                        row.roles_until = Set(write_list(&changed.until)?);
                        row.project_roles = Set(write_list(&changed.projects)?);
                        row.team_roles = Set(write_list(&changed.teams)?);
                        row.update(tx).await?;
                    }
                }
                UserEvent::PasswordChanged(changed) => {
                    let key = (generation, tenant, changed.user.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.password = Set(Some(changed.password.0.to_string()));
                        row.update(tx).await?;
                    }
                }
                UserEvent::EmailVerified(verified) => {
                    let key = (generation, tenant, verified.user.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.email_verified_at = Set(Some(recorded.recorded_at.micros()));
                        row.update(tx).await?;
                    }
                }
                // Only the log needs to know.
                UserEvent::PasswordResetRequested(_)
                | UserEvent::PasswordResetUsed(_)
                | UserEvent::EmailVerificationRequested(_)
                | UserEvent::MailSent(_) => {}
                // What providers call people, and the second factor, have read models of their own.
                UserEvent::LoginLinked(_) => {}
                UserEvent::TotpBegun(_)
                | UserEvent::TotpConfirmed(_)
                | UserEvent::TotpUsed(_)
                | UserEvent::RecoveryCodeUsed(_)
                | UserEvent::RecoveryCodesRenewed(_)
                | UserEvent::TotpRemoved(_)
                | UserEvent::PasskeyBegun(_)
                | UserEvent::PasskeyAdded(_)
                | UserEvent::PasskeyUsed(_)
                | UserEvent::PasskeyCopied(_)
                | UserEvent::PasskeyRemoved(_) => {}
                UserEvent::ProfileChanged(changed) => {
                    let key = (generation, tenant, changed.user.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let profile = self.people.open_profile(recorded.tenant, &changed.profile);
                        let profile = profile.await.map_err(ProjectionError::other)?;
                        let mut row = row.into_active_model();
                        row.email_hash = Set(profile.map(|it| self.people.email_hash(&it.email)));
                        row.profile = Set(Some(changed.profile.0.to_string()));
                        if changed.email_changed {
                            row.email_verified_at = Set(None);
                        }
                        row.update(tx).await?;
                    }
                }
                UserEvent::UserSuspended(UserSuspended { user })
                | UserEvent::UserReactivated(UserReactivated { user }) => {
                    let suspended = recorded.event_type == UserSuspended::TYPE;
                    let key = (generation, tenant, user.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.suspended_at = Set(suspended.then_some(recorded.recorded_at.micros()));
                        row.update(tx).await?;
                    }
                }
                // What directories say of people has a read model of its own.
                UserEvent::DirectoryRecordSet(_) | UserEvent::DirectoryRecordRemoved(_) => {}
                UserEvent::UserErased(erased) => {
                    let key = (generation, tenant, erased.user.to_string());
                    if let Some(row) = Entity::find_by_id(key).one(tx).await? {
                        let mut row = row.into_active_model();
                        row.email_hash = Set(None);
                        row.profile = Set(None);
                        row.password = Set(None);
                        row.email_verified_at = Set(None);
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

/// Roles as a row has them.
pub(super) fn write_roles(roles: &[Role]) -> String {
    roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(" ")
}

/// The roles of a row. A name that this version does not know grants nothing.
pub(crate) fn read_roles(text: &str) -> Vec<Role> {
    text.split(' ').filter_map(Role::parse).collect()
}

fn write_list<T: Serialize>(list: &[T]) -> Result<String, ProjectionError> {
    if list.is_empty() {
        return Ok(String::new());
    }
    serde_json::to_string(list).map_err(ProjectionError::other)
}

/// What the person of a row may do, some of it until an instant or in single projects.
pub(crate) fn held(row: &Row) -> Result<RolesHeld, DbErr> {
    Ok(RolesHeld {
        always: read_roles(&row.roles),
        until: read_list::<RoleUntil>(&row.roles_until)?,
        projects: read_list::<ProjectRole>(&row.project_roles)?,
        teams: read_list::<TeamRole>(&row.team_roles)?,
    })
}

fn read_list<T: DeserializeOwned>(text: &str) -> Result<Vec<T>, DbErr> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(text).map_err(|error| DbErr::Type(format!("roles of a person: {error}")))
}

/// The account with that keyed hash of an e-mail address, in whatever organization it is: at a
/// sign-in there is no actor yet.
pub(crate) async fn by_email(store: &EventStore, email_hash: &str) -> Result<Option<Row>, DbErr> {
    rows::all::<Entity>(store, NAME)
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
    rows::of::<Entity>(store, NAME, tenant)
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

/// One person of the organization, as the primary database knows them: for a change that compares with what
/// was just written.
pub(crate) async fn find_newest(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
) -> Result<Option<Row>, DbErr> {
    Entity::find_by_id((store.generation(NAME), tenant.to_string(), user.to_string()))
        .one(store.database().primary())
        .await
}

/// People within the scope who were not erased, in the order in which they came, after an id.
pub(crate) async fn page(
    store: &EventStore,
    scope: Scope,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query =
        rows::of::<Entity>(store, NAME, scope.tenant()).filter(Column::ErasedAt.is_null());
    if let Some(own) = scope.own() {
        query = query.filter(Column::Id.eq(own.to_string()));
    }
    rows::oldest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

/// Whether one person alone, of those who were not erased, is an owner of the organization.
pub(crate) async fn has_one_owner(store: &EventStore, tenant: TenantId) -> Result<bool, DbErr> {
    // The database finds whose roles' names hold the word; some are a part of others.
    let rows: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Roles)
        .filter(Column::Generation.eq(store.generation(NAME)))
        .filter(Column::Tenant.eq(tenant.to_string()))
        .filter(Column::ErasedAt.is_null())
        .filter(Column::Roles.contains(Role::Owner.as_str()))
        .into_tuple()
        .all(store.database().primary())
        .await?;
    Ok(rows.iter().filter(|roles| read_roles(roles).contains(&Role::Owner)).count() == 1)
}

/// What people may do, by their ids, of any organization: to know it by heart.
pub(crate) async fn roles_of(
    store: &EventStore,
    users: impl IntoIterator<Item = &str>,
) -> Result<HashMap<String, RolesHeld>, DbErr> {
    let mut found = HashMap::new();
    let mut users = users.into_iter().peekable();
    while users.peek().is_some() {
        let some: Vec<&str> = users.by_ref().take(AT_ONCE).collect();
        let rows = rows::all::<Entity>(store, NAME)
            .filter(Column::Id.is_in(some))
            .all(store.database().reader())
            .await?;
        for row in rows {
            found.insert(row.id.clone(), held(&row)?);
        }
    }
    Ok(found)
}

/// The same of everybody who has a role that ends by itself, one in a project or one by a team, signed in or
/// not: a token says nothing of such an end, and nothing of projects.
pub(crate) async fn known_always(store: &EventStore) -> Result<HashMap<String, RolesHeld>, DbErr> {
    let rows = rows::all::<Entity>(store, NAME)
        .filter(Column::ErasedAt.is_null())
        .filter(
            Condition::any()
                .add(Column::RolesUntil.ne(""))
                .add(Column::ProjectRoles.ne(""))
                .add(Column::TeamRoles.ne("")),
        )
        .all(store.database().reader())
        .await?;
    rows.iter().map(|row| Ok((row.id.clone(), held(row)?))).collect()
}

/// Everybody of the installation who is suspended and was not erased: to know it by heart.
pub(crate) async fn suspended(store: &EventStore) -> Result<Vec<Id<kind::User>>, DbErr> {
    let users: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Generation.eq(store.generation(NAME)))
        .filter(Column::SuspendedAt.is_not_null())
        .filter(Column::ErasedAt.is_null())
        .into_tuple()
        .all(store.database().reader())
        .await?;
    users.iter().map(|user| super::read_id(user)).collect()
}

/// Everybody who was erased, as `(organization, person)`.
pub(crate) async fn erased(store: &EventStore) -> Result<Vec<(TenantId, Id<kind::User>)>, DbErr> {
    let rows = rows::all::<Entity>(store, NAME)
        .filter(Column::ErasedAt.is_not_null())
        .all(store.database().reader())
        .await?;
    rows.iter().map(|row| Ok((super::read_id(&row.tenant)?, super::read_id(&row.id)?))).collect()
}
