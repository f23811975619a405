//! Teams, and who is in them.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Set,
};
use studio_entities::identity::{
    team::{ActiveModel, Column, Entity, Model},
    team_member::{self, Column as Member},
};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{DomainEvent, Id, Payload, TenantId, kind};

use super::{AT_ONCE, read_id, rows, tenant_of};
use crate::domain::{
    team::{Given, Members, TeamEvent},
    user::UserErased,
};

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.teams";

/// Keeps `identity_teams` and `identity_team_members`.
pub(crate) struct Teams;

#[async_trait]
impl Projection for Teams {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        TeamEvent::event_types().contains(&event_type) || event_type == UserErased::TYPE
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let (tenant, stream) = (tenant_of(recorded), recorded.stream_id.clone());
            if recorded.event_type == UserErased::TYPE {
                of_tenant(generation, &tenant).filter(Member::User.eq(stream)).exec(tx).await?;
                continue;
            }
            let version = i64::try_from(recorded.stream_version).map_err(ProjectionError::other)?;
            let key = (generation, tenant.clone(), stream.clone());
            let event = recorded.decode::<TeamEvent>()?;
            match &event {
                TeamEvent::TeamCreated(created) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(stream),
                        name: Set(created.name.clone()),
                        name_key: Set(created.name.to_lowercase()),
                        roles: Set(String::new()),
                        version: Set(version),
                        created_at: Set(recorded.recorded_at.micros()),
                    };
                    row.insert(tx).await?;
                    continue;
                }
                TeamEvent::TeamDeleted(_) => {
                    of_tenant(generation, &tenant).filter(Member::Team.eq(stream)).exec(tx).await?;
                    Entity::delete_by_id(key).exec(tx).await?;
                    continue;
                }
                TeamEvent::TeamMembersChanged(changed) => {
                    for some in changed.removed.chunks(AT_ONCE) {
                        of_tenant(generation, &tenant)
                            .filter(Member::Team.eq(stream.clone()))
                            .filter(Member::User.is_in(some.iter().map(Id::to_string)))
                            .exec(tx)
                            .await?;
                    }
                    add(tx, generation, &tenant, &stream, &changed.added).await?;
                }
                TeamEvent::TeamRenamed(_) | TeamEvent::TeamRolesChanged(_) => {}
            }
            let Some(row) = Entity::find_by_id(key).one(tx).await? else { continue };
            let mut row = row.into_active_model();
            row.version = Set(version);
            if let TeamEvent::TeamRenamed(renamed) = &event {
                row.name = Set(renamed.name.clone());
                row.name_key = Set(renamed.name.to_lowercase());
            }
            if let TeamEvent::TeamRolesChanged(changed) = &event {
                row.roles = Set(write_roles(&changed.roles)?);
            }
            row.update(tx).await?;
        }
        Ok(())
    }

    async fn clear(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
    ) -> Result<(), ProjectionError> {
        clear_generation::<team_member::Entity>(tx, generation).await?;
        clear_generation::<Entity>(tx, generation).await
    }
}

fn of_tenant(generation: i64, tenant: &str) -> sea_orm::DeleteMany<team_member::Entity> {
    team_member::Entity::delete_many()
        .filter(Member::Generation.eq(generation))
        .filter(Member::Tenant.eq(tenant))
}

async fn add(
    tx: &DatabaseTransaction,
    generation: i64,
    tenant: &str,
    team: &str,
    users: &[Id<kind::User>],
) -> Result<(), DbErr> {
    for some in users.chunks(AT_ONCE) {
        let rows = some.iter().map(|user| team_member::ActiveModel {
            generation: Set(generation),
            tenant: Set(tenant.to_owned()),
            team: Set(team.to_owned()),
            user: Set(user.to_string()),
        });
        team_member::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

fn write_roles(roles: &[Given]) -> Result<String, ProjectionError> {
    if roles.is_empty() {
        return Ok(String::new());
    }
    serde_json::to_string(roles).map_err(ProjectionError::other)
}

/// What the people of the team of a row may do by it, sorted.
pub(crate) fn read_roles(row: &Row) -> Result<Vec<Given>, DbErr> {
    if row.roles.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(&row.roles)
        .map_err(|error| DbErr::Type(format!("roles of a team: {error}")))
}

fn of(store: &EventStore, tenant: TenantId) -> sea_orm::Select<Entity> {
    rows::of::<Entity>(store, NAME, tenant)
}

fn members_of(store: &EventStore, tenant: TenantId) -> sea_orm::Select<team_member::Entity> {
    team_member::Entity::find()
        .filter(Member::Generation.eq(store.generation(NAME)))
        .filter(Member::Tenant.eq(tenant.to_string()))
}

/// One team of the organization.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    team: Id<kind::Team>,
) -> Result<Option<Row>, DbErr> {
    of(store, tenant).filter(Column::Id.eq(team.to_string())).one(store.database().reader()).await
}

/// How many teams the organization has, as the primary database knows it.
pub(crate) async fn count(store: &EventStore, tenant: TenantId) -> Result<u64, DbErr> {
    of(store, tenant).count(store.database().primary()).await
}

/// The team of the organization that is called so, whatever the case, as the primary database knows it.
pub(crate) async fn by_name(
    store: &EventStore,
    tenant: TenantId,
    name: &str,
) -> Result<Option<Row>, DbErr> {
    of(store, tenant)
        .filter(Column::NameKey.eq(name.to_lowercase()))
        .one(store.database().primary())
        .await
}

/// Teams of the organization in the order in which they were made, after an id; where somebody is given, those
/// that they are in.
pub(crate) async fn page(
    store: &EventStore,
    tenant: TenantId,
    member: Option<Id<kind::User>>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let mut query = of(store, tenant);
    if let Some(member) = member {
        let theirs = members_of(store, tenant)
            .select_only()
            .column(Member::Team)
            .filter(Member::User.eq(member.to_string()));
        query = query.filter(Column::Id.in_subquery(theirs.into_query()));
    }
    rows::oldest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

/// Whether somebody is in a team.
pub(crate) async fn is_member(
    store: &EventStore,
    tenant: TenantId,
    team: Id<kind::Team>,
    user: Id<kind::User>,
) -> Result<bool, DbErr> {
    let query = members_of(store, tenant)
        .filter(Member::Team.eq(team.to_string()))
        .filter(Member::User.eq(user.to_string()));
    Ok(query.count(store.database().reader()).await? > 0)
}

/// Everybody in a team, as the primary database knows it.
pub(crate) async fn members(
    store: &EventStore,
    tenant: TenantId,
    team: Id<kind::Team>,
) -> Result<Members, DbErr> {
    let rows = members_of(store, tenant)
        .filter(Member::Team.eq(team.to_string()))
        .all(store.database().primary());
    rows.await?.iter().map(|row| read_id(&row.user)).collect()
}

/// People in a team in the order in which they were added to the organization, after an id; where somebody is
/// given, nobody but them.
pub(crate) async fn members_page(
    store: &EventStore,
    tenant: TenantId,
    team: Id<kind::Team>,
    only: Option<Id<kind::User>>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Id<kind::User>>, DbErr> {
    let mut query = members_of(store, tenant).filter(Member::Team.eq(team.to_string()));
    if let Some(only) = only {
        query = query.filter(Member::User.eq(only.to_string()));
    }
    if let Some(after) = after {
        query = query.filter(Member::User.gt(after));
    }
    let rows = query.order_by_asc(Member::User).limit(limit).all(store.database().reader());
    rows.await?.iter().map(|row| read_id(&row.user)).collect()
}

/// The teams that these people are in, by person, in the order in which the teams were made.
pub(crate) async fn of_people(
    store: &EventStore,
    tenant: TenantId,
    people: &[Id<kind::User>],
) -> Result<Vec<(Id<kind::User>, Row)>, DbErr> {
    let mut found = Vec::new();
    for some in people.chunks(AT_ONCE) {
        let memberships = members_of(store, tenant)
            .filter(Member::User.is_in(some.iter().map(Id::to_string)))
            .order_by_asc(Member::Team)
            .all(store.database().reader())
            .await?;
        let ids: Vec<&str> = memberships.iter().map(|it| it.team.as_str()).collect();
        let mut rows = BTreeMap::new();
        for some in ids.chunks(AT_ONCE) {
            let query = of(store, tenant).filter(Column::Id.is_in(some.iter().copied()));
            let teams = query.all(store.database().reader()).await?;
            rows.extend(teams.into_iter().map(|row| (row.id.clone(), row)));
        }
        for it in memberships {
            if let Some(row) = rows.get(&it.team) {
                found.push((read_id(&it.user)?, row.clone()));
            }
        }
    }
    Ok(found)
}
