//! What the queries of the read models share: every row has a generation, that of an organization has a tenant,
//! and ids are in the order in which things came.

use sea_orm::{
    ColumnTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{Expr, ExprTrait},
};
use studio_events::EventStore;
use studio_kernel::TenantId;

/// Every row of a read model, in its generation that is in use.
pub(super) fn all<E: EntityTrait>(store: &EventStore, name: &str) -> Select<E> {
    E::find().filter(Expr::col("generation").eq(store.generation(name)))
}

/// Those of an organization.
pub(super) fn of<E: EntityTrait>(store: &EventStore, name: &str, tenant: TenantId) -> Select<E> {
    all::<E>(store, name).filter(Expr::col("tenant").eq(tenant.to_string()))
}

/// One of them.
pub(super) async fn find<E: EntityTrait>(
    store: &EventStore,
    name: &str,
    tenant: TenantId,
    id: impl ToString,
) -> Result<Option<E::Model>, DbErr> {
    let query = of::<E>(store, name, tenant).filter(Expr::col("id").eq(id.to_string()));
    query.one(store.database().reader()).await
}

/// A page, the newest first, after an id.
pub(super) fn newest_first<E: EntityTrait>(
    query: Select<E>,
    id: E::Column,
    after: Option<&str>,
    limit: u64,
) -> Select<E> {
    let query = match after {
        Some(after) => query.filter(id.lt(after)),
        None => query,
    };
    query.order_by_desc(id).limit(limit)
}

/// A page, the oldest first, after an id.
pub(super) fn oldest_first<E: EntityTrait>(
    query: Select<E>,
    id: E::Column,
    after: Option<&str>,
    limit: u64,
) -> Select<E> {
    let query = match after {
        Some(after) => query.filter(id.gt(after)),
        None => query,
    };
    query.order_by_asc(id).limit(limit)
}
