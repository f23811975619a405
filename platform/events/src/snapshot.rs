//! Snapshots: the state of a stream at some version, so that a long stream loads fast. They can be
//! lost at any time. One of another state version, or that does not read, is ignored and written
//! anew.

use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use studio_entities::events::snapshot::{Entity, Model};
use studio_kernel::{Aggregate, TenantId};

use crate::{
    error::StoreError,
    log::Core,
    rows::{begin_write, statement},
};

#[derive(Debug)]
pub(crate) struct Snapshot {
    tenant: TenantId,
    stream_type: &'static str,
    stream_id: String,
    stream_version: u64,
    state_version: u32,
    state: String,
}

impl Snapshot {
    /// `None` where the state does not serialize: the stream is simply replayed then.
    pub(crate) fn of<A: Aggregate>(
        tenant: TenantId,
        stream_id: &str,
        state: &A,
        version: u64,
    ) -> Option<Self> {
        let state = serde_json::to_string(state)
            .inspect_err(|error| {
                tracing::warn!(stream_type = A::STREAM_TYPE, %error, "a state cannot be kept");
            })
            .ok()?;
        Some(Self {
            tenant,
            stream_type: A::STREAM_TYPE,
            stream_id: stream_id.to_owned(),
            stream_version: version,
            state_version: A::STATE_VERSION,
            state,
        })
    }
}

/// The newest usable snapshot of a stream: the state and its version.
pub(crate) async fn load<A: Aggregate>(
    core: &Core,
    tenant: TenantId,
    stream_id: &str,
) -> Result<Option<(A, u64)>, StoreError> {
    let key = (tenant.to_string(), A::STREAM_TYPE.to_owned(), stream_id.to_owned());
    let found: Option<Model> = Entity::find_by_id(key).one(core.database.primary()).await?;
    let Some(row) = found.filter(|row| row.state_version == i64::from(A::STATE_VERSION)) else {
        return Ok(None);
    };
    let state = serde_json::from_str(&row.state)
        .inspect_err(|error| {
            tracing::warn!(stream_type = A::STREAM_TYPE, %error, "a snapshot does not read");
        })
        .ok();
    Ok(state.zip(u64::try_from(row.stream_version).ok()))
}

pub(crate) async fn save(core: &Core, snapshots: &[Snapshot]) -> Result<(), StoreError> {
    let tx = begin_write(core.database.writer()).await?;
    let sql = "INSERT INTO snapshots \
               (tenant, stream_type, stream_id, stream_version, state_version, state) \
               VALUES ($1, $2, $3, $4, $5, $6) \
               ON CONFLICT (tenant, stream_type, stream_id) DO UPDATE SET \
               stream_version = excluded.stream_version, \
               state_version = excluded.state_version, state = excluded.state \
               WHERE excluded.stream_version > snapshots.stream_version \
               OR excluded.state_version <> snapshots.state_version";
    for snapshot in snapshots {
        let values = vec![
            snapshot.tenant.to_string().into(),
            snapshot.stream_type.into(),
            snapshot.stream_id.as_str().into(),
            i64::try_from(snapshot.stream_version).unwrap_or(i64::MAX).into(),
            i64::from(snapshot.state_version).into(),
            snapshot.state.as_str().into(),
        ];
        tx.execute_raw(statement(tx.get_database_backend(), sql, values)).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Drops every snapshot: what a stream's erased person left in one goes with it.
pub(crate) async fn drop_all(core: &Core) -> Result<(), StoreError> {
    let tx = begin_write(core.database.writer()).await?;
    tx.execute_unprepared("DELETE FROM snapshots").await?;
    tx.commit().await?;
    Ok(())
}
