//! The key store of several processes: a table in a database of its own (SQLite, or a schema of
//! PostgreSQL), which no backup of the logs includes.
//!
//! Two processes that make the same key at once agree on one, and a destroyed key stays destroyed
//! whatever a slower process writes: both are decided by the database, in one statement each.

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QuerySelect,
    sea_query::{Expr, OnConflict},
};
use studio_entities::keyring::{ActiveModel, Column, Entity, Model};
use studio_kernel::Timestamp;

use super::{KeyName, KeyRecord, KeyStore, KeyringError, Material};
use crate::sql::{Database, is_unavailable};

#[cfg(test)]
mod tests;

/// Wrapped keys in a database, which `studio_migrations::keyring` has prepared.
#[derive(Debug, Clone)]
pub struct SqlKeyStore {
    database: Database,
}

impl SqlKeyStore {
    /// The store in this database.
    ///
    /// # Errors
    /// [`KeyringError::Store`] or [`KeyringError::Away`] when its table cannot be read.
    pub async fn open(database: Database) -> Result<Self, KeyringError> {
        let store = Self { database };
        store.destroyed().await?;
        Ok(store)
    }

    /// Reads what was written last: from the primary, which a replica follows at a distance.
    async fn read(&self, name: &KeyName) -> Result<Option<KeyRecord>, KeyringError> {
        let row = Entity::find_by_id(name.to_string()).one(self.database.writer()).await;
        row.map_err(failed)?.map(record).transpose()
    }

    async fn standing(&self, name: &KeyName) -> Result<KeyRecord, KeyringError> {
        self.read(name)
            .await?
            .ok_or_else(|| KeyringError::Store(format!("the key {name} vanished")))
    }

    /// SQLite leaves what was overwritten in free space and in its write-ahead log.
    async fn overwrite_the_old(&self) -> Result<(), DbErr> {
        if self.database.backend() == DbBackend::Sqlite {
            self.database.writer().execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await?;
        }
        Ok(())
    }
}

fn failed(error: DbErr) -> KeyringError {
    let told = format!(
        "{error}: check that its database runs and was migrated, and that its address is right"
    );
    if is_unavailable(&error) {
        KeyringError::Away(format!("the key store: {told}"))
    } else {
        KeyringError::Store(told)
    }
}

fn row(record: &KeyRecord) -> ActiveModel {
    let (master, wrapped, destroyed_at) = match &record.material {
        Material::Wrapped { master, wrapped } => {
            (Some(master.clone()), Some(wrapped.clone()), None)
        }
        Material::Destroyed { at } => (None, None, Some(at.micros())),
    };
    ActiveModel {
        name: Set(record.name.to_string()),
        created_at: Set(record.created_at.micros()),
        master: Set(master),
        wrapped: Set(wrapped),
        destroyed_at: Set(destroyed_at),
    }
}

fn record(row: Model) -> Result<KeyRecord, KeyringError> {
    let strange = |what: &str| KeyringError::Store(format!("the row {} {what}", row.name));
    let name: KeyName = row.name.parse().map_err(|_| strange("names no key"))?;
    let material = match (&row.master, &row.wrapped, row.destroyed_at) {
        (Some(master), Some(wrapped), None) => {
            Material::Wrapped { master: master.clone(), wrapped: wrapped.clone() }
        }
        (None, None, Some(at)) => Material::Destroyed { at: Timestamp::from_micros(at) },
        _ => return Err(strange("is neither a key nor a destroyed one")),
    };
    Ok(KeyRecord { name, created_at: Timestamp::from_micros(row.created_at), material })
}

#[async_trait]
impl KeyStore for SqlKeyStore {
    async fn get(&self, name: &KeyName) -> Result<Option<KeyRecord>, KeyringError> {
        self.read(name).await
    }

    async fn create(&self, record: KeyRecord) -> Result<KeyRecord, KeyringError> {
        Entity::insert(row(&record))
            .on_conflict(OnConflict::column(Column::Name).do_nothing().to_owned())
            .exec_without_returning(self.database.writer())
            .await
            .map_err(failed)?;
        self.standing(&record.name).await
    }

    async fn replace(&self, record: KeyRecord) -> Result<KeyRecord, KeyringError> {
        if self.database.backend() == DbBackend::Sqlite {
            // A setting of the connection, which the pool may have opened anew.
            let writer = self.database.writer();
            writer.execute_unprepared("PRAGMA secure_delete = ON").await.map_err(failed)?;
        }
        let only_standing = OnConflict::column(Column::Name)
            .update_columns([Column::Master, Column::Wrapped, Column::DestroyedAt])
            .action_and_where(Expr::col((Entity, Column::DestroyedAt)).is_null())
            .to_owned();
        Entity::insert(row(&record))
            .on_conflict(only_standing)
            .exec_without_returning(self.database.writer())
            .await
            .map_err(failed)?;
        self.overwrite_the_old().await.map_err(failed)?;
        self.standing(&record.name).await
    }

    async fn names(&self) -> Result<Vec<KeyName>, KeyringError> {
        let names: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Name)
            .into_tuple()
            .all(self.database.writer())
            .await
            .map_err(failed)?;
        let name = |name: String| {
            name.parse().map_err(|_| KeyringError::Store(format!("the row {name} names no key")))
        };
        names.into_iter().map(name).collect()
    }

    async fn destroyed(&self) -> Result<Option<u64>, KeyringError> {
        Entity::find()
            .filter(Column::DestroyedAt.is_not_null())
            .count(self.database.writer())
            .await
            .map(Some)
            .map_err(failed)
    }
}
