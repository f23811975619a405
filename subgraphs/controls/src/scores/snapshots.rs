//! Models as they were, so that a replay need not begin with the first event. They can be lost at any
//! time; one of another state version, that does not read, or that is of another log is passed over. Of
//! which log it is says the hash of its last event, which is one over all events up to there.
//!
//! The process that records scores keeps one of a project whenever an eighth as many facts have come in
//! as the last one holds. So a replay takes in an eighth of what a model holds at most, however long the
//! log is. A model is packed to a tenth, so that all of them together take about as much room as the log.

use std::{
    io::{Read, Write},
    sync::{Arc, Mutex},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, read::DeflateDecoder, write::DeflateEncoder};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder,
    sea_query::OnConflict,
};
use studio_entities::controls::model_snapshot::{ActiveModel, Column, Entity};
use studio_events::{EventStore, Recorded};
use studio_kernel::{Aggregate, Timestamp};
use studio_service::ApiError;

use super::{Key, lock, slot::Slot};
use crate::domain::{
    project::Project,
    score::{Model, STATE_VERSION},
};

/// Smaller projects are replayed as fast as a model is read.
const FEWEST_FACTS: usize = 1_000;
/// How many times as many facts a model holds as come in before the next one is kept.
const HELD_PER_NEW: usize = 8;

/// A model that was kept.
pub(super) struct Kept {
    pub(super) model: Model,
    /// The version of the project's stream up to which it holds every fact.
    pub(super) version: u64,
}

/// How much has come in since the last model of a project was kept.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Since {
    /// Facts that came in.
    pub(super) facts: usize,
    /// Facts that the last one holds; 0 where there is none.
    pub(super) held: usize,
}

impl Since {
    /// Whether it is time for another one.
    pub(super) fn is_due(self) -> bool {
        self.facts >= (self.held / HELD_PER_NEW).max(FEWEST_FACTS)
    }
}

/// The newest model of a project that holds nothing beyond a position of the log, and has not forgotten
/// what counted at an instant.
pub(super) async fn newest(
    store: &EventStore,
    (tenant, project): Key,
    until: i64,
    earliest: Timestamp,
) -> Result<Option<Kept>, ApiError> {
    let remembers =
        Condition::any().add(Column::Horizon.is_null()).add(Column::Horizon.lte(earliest.micros()));
    let row = Entity::find()
        .filter(Column::Tenant.eq(tenant.to_string()))
        .filter(Column::Project.eq(project.to_string()))
        .filter(Column::Position.lte(until))
        .filter(Column::StateVersion.eq(i64::from(STATE_VERSION)))
        .filter(remembers)
        .order_by_desc(Column::Version)
        .one(store.database().reader())
        .await?;
    let Some(row) = row else { return Ok(None) };
    let version = u64::try_from(row.version).map_err(ApiError::internal)?;
    let last = event(store, (tenant, project), version).await?;
    if last.is_none_or(|last| hex::encode(last.hash) != row.hash) {
        tracing::warn!(%project, version, "a kept score model is of another log");
        return Ok(None);
    }
    let read = tokio::task::spawn_blocking(move || unpack(&row.state));
    let model = read.await.map_err(ApiError::internal)?;
    let model = model
        .inspect_err(|error| tracing::warn!(%project, %error, "a kept score model does not read"))
        .ok();
    Ok(model.map(|model| Kept { model, version }))
}

/// The event of a project's stream at a version.
async fn event(
    store: &EventStore,
    (tenant, project): Key,
    version: u64,
) -> Result<Option<Recorded>, ApiError> {
    let stream = project.to_string();
    let before = version.saturating_sub(1);
    let found = store.read_stream(tenant, Project::STREAM_TYPE, &stream, before, 1).await?;
    Ok(found.into_iter().find(|event| event.stream_version == version))
}

/// Keeps the model of a project where it is time for that. One that cannot be kept is left out: the next
/// one comes after as many facts.
pub(super) async fn keep_due(store: &EventStore, key: Key, slot: &Mutex<Slot>) {
    let due = {
        let mut slot = lock(slot);
        slot.since.is_due().then(|| {
            slot.since = Since { facts: 0, held: slot.model.size() };
            (slot.model.clone(), slot.version)
        })
    };
    let Some((model, version)) = due else { return };
    if let Err(error) = keep(store, key, model, version).await {
        tracing::warn!(project = %key.1, %error, "a score model cannot be kept: replays take longer");
    }
}

async fn keep(
    store: &EventStore,
    key: Key,
    model: Arc<Model>,
    version: u64,
) -> Result<(), ApiError> {
    let (tenant, project) = key;
    let last = event(store, key, version).await?.ok_or_else(|| {
        ApiError::internal(format!("the stream of {project} ends before {version}"))
    })?;
    let horizon = model.horizon().map(Timestamp::micros);
    // It takes a while for a large one: no thread that answers requests is held up.
    let written = tokio::task::spawn_blocking(move || pack(&model));
    let state = written.await.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    let row = ActiveModel {
        tenant: Set(tenant.to_string()),
        project: Set(project.to_string()),
        version: Set(i64::try_from(version).map_err(ApiError::internal)?),
        position: Set(last.position),
        hash: Set(hex::encode(last.hash)),
        horizon: Set(horizon),
        state_version: Set(i64::from(STATE_VERSION)),
        state: Set(state),
    };
    let columns = [Column::Tenant, Column::Project, Column::Version];
    let replaced =
        [Column::Position, Column::Hash, Column::Horizon, Column::StateVersion, Column::State];
    let replace = OnConflict::columns(columns).update_columns(replaced).to_owned();
    let tx = store.begin_beside().await?;
    Entity::insert(row).on_conflict(replace).exec_without_returning(&tx).await?;
    tx.commit().await?;
    Ok(())
}

/// Why a kept model cannot be written or read.
#[derive(Debug, thiserror::Error)]
enum PackError {
    #[error(transparent)]
    Base64(#[from] base64::DecodeError),
    #[error(transparent)]
    Deflate(#[from] std::io::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// A model as text: JSON, deflated, in Base64.
fn pack(model: &Model) -> Result<String, PackError> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(&serde_json::to_vec(model)?)?;
    Ok(STANDARD.encode(packer.finish()?))
}

fn unpack(text: &str) -> Result<Model, PackError> {
    let packed = STANDARD.decode(text)?;
    let mut json = Vec::new();
    DeflateDecoder::new(&*packed).read_to_end(&mut json)?;
    Ok(serde_json::from_slice(&json)?)
}

/// Drops the models of other state versions: this build does not read them.
pub(super) async fn drop_others(store: &EventStore) -> Result<(), ApiError> {
    let tx = store.begin_beside().await?;
    Entity::delete_many()
        .filter(Column::StateVersion.ne(i64::from(STATE_VERSION)))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
