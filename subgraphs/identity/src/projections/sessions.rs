//! Sessions by person, newest first.

use async_trait::async_trait;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel,
    QueryFilter, Set,
};
use studio_entities::identity::session::{ActiveModel, Column, Entity, Model};
use studio_events::{EventStore, Projection, ProjectionError, Recorded, clear_generation};
use studio_kernel::{Authn, AuthnMethod, DomainEvent, Id, TenantId, Timestamp, kind};

use super::{rows, tenant_of};
use crate::domain::session::SessionEvent;

/// A row of the read model.
pub(crate) type Row = Model;

const NAME: &str = "identity.sessions";

/// Keeps `identity_sessions`.
pub(crate) struct Sessions;

#[async_trait]
impl Projection for Sessions {
    fn name(&self) -> &'static str {
        NAME
    }

    fn handles(&self, event_type: &str) -> bool {
        SessionEvent::event_types().contains(&event_type)
    }

    async fn apply(
        &self,
        tx: &DatabaseTransaction,
        generation: i64,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        for recorded in events {
            let tenant = tenant_of(recorded);
            let at = recorded.recorded_at.micros();
            let row = Entity::find_by_id((generation, tenant.clone(), recorded.stream_id.clone()));
            match recorded.decode::<SessionEvent>()? {
                // It is none until it is taken up.
                SessionEvent::SessionOffered(_) => {}
                SessionEvent::SessionStarted(started) => {
                    let row = ActiveModel {
                        generation: Set(generation),
                        tenant: Set(tenant),
                        id: Set(started.session.to_string()),
                        user: Set(started.user.to_string()),
                        created_at: Set(at),
                        refreshed_at: Set(at),
                        expires_at: Set(started.expires_at.micros()),
                        ended_at: Set(None),
                        methods: Set(write_methods(started.authn.as_ref())),
                        origin: Set(origin_of(recorded)?),
                    };
                    row.insert(tx).await?;
                }
                SessionEvent::SessionRefreshed(refreshed) => {
                    if let Some(row) = row.one(tx).await? {
                        let mut row = row.into_active_model();
                        row.refreshed_at = Set(at);
                        row.expires_at = Set(refreshed.expires_at.micros());
                        if let Some(origin) = origin_of(recorded)? {
                            row.origin = Set(Some(origin));
                        }
                        row.update(tx).await?;
                    }
                }
                SessionEvent::SessionEnded(_) => {
                    if let Some(row) = row.one(tx).await? {
                        let mut row = row.into_active_model();
                        row.ended_at = Set(Some(at));
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

fn origin_of(recorded: &Recorded) -> Result<Option<String>, ProjectionError> {
    recorded.metadata().map(|metadata| metadata.origin).map_err(ProjectionError::other)
}

fn write_methods(authn: Option<&Authn>) -> String {
    let methods = authn.map_or(&[][..], |authn| &authn.methods);
    methods.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(" ")
}

/// The methods of a row. A name that this version does not know is left out.
pub(crate) fn read_methods(text: &str) -> Vec<AuthnMethod> {
    text.split(' ').filter_map(AuthnMethod::parse).collect()
}

/// One session of the organization.
pub(crate) async fn find(
    store: &EventStore,
    tenant: TenantId,
    session: Id<kind::Session>,
) -> Result<Option<Row>, DbErr> {
    rows::find::<Entity>(store, NAME, tenant, session).await
}

/// Sessions of a person that are neither ended nor run out, newest first, after an id.
pub(crate) async fn live_of(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
    now: Timestamp,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = rows::of::<Entity>(store, NAME, tenant)
        .filter(Column::User.eq(user.to_string()))
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.micros()));
    rows::newest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

/// Sessions of a person, those that ended among them, newest first, after an id.
pub(crate) async fn all_of(
    store: &EventStore,
    tenant: TenantId,
    user: Id<kind::User>,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = rows::of::<Entity>(store, NAME, tenant).filter(Column::User.eq(user.to_string()));
    rows::newest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}

/// Sessions of the whole installation that are neither ended nor run out, by their ids, after an
/// id: to know them by heart.
pub(crate) async fn live_page(
    store: &EventStore,
    now: Timestamp,
    after: Option<&str>,
    limit: u64,
) -> Result<Vec<Row>, DbErr> {
    let query = rows::all::<Entity>(store, NAME)
        .filter(Column::EndedAt.is_null())
        .filter(Column::ExpiresAt.gt(now.micros()));
    rows::oldest_first(query, Column::Id, after, limit).all(store.database().reader()).await
}
