//! The heads that were signed, in the table `log_tree_heads`: what is signed next must not contradict
//! them, and `studio verify` holds the log against them.

use sea_orm::{ConnectionTrait, QueryResult, Value};

use super::head::{HeadError, SignedTreeHead};
use crate::{error::StoreError, rows::statement};

const COLUMNS: &str = "SELECT size, public_key, note FROM log_tree_heads";

/// A row of the table: nothing of it was verified.
pub(super) struct Kept {
    pub(super) size: u64,
    pub(super) public_key: Vec<u8>,
    pub(super) note: String,
}

impl Kept {
    /// Verifies it with the key that it was kept with.
    pub(super) fn open(&self) -> Result<SignedTreeHead, HeadError> {
        let public_key = self.public_key.as_slice().try_into();
        let public_key = public_key.map_err(|_| HeadError::Form("its key is no Ed25519 key"))?;
        let head = SignedTreeHead::open(&self.note, public_key)?;
        if head.size() != self.size {
            return Err(HeadError::Form("it was kept as one of another size"));
        }
        Ok(head)
    }
}

fn read(row: &QueryResult) -> Result<Kept, StoreError> {
    let size: i64 = row.try_get_by_index(0)?;
    Ok(Kept {
        size: size.max(0).unsigned_abs(),
        public_key: row.try_get_by_index(1)?,
        note: row.try_get_by_index(2)?,
    })
}

/// All of them, by their size.
pub(super) async fn all<C: ConnectionTrait>(connection: &C) -> Result<Vec<Kept>, StoreError> {
    let sql = format!("{COLUMNS} ORDER BY size");
    let backend = connection.get_database_backend();
    let rows = connection.query_all_raw(statement(backend, &sql, vec![])).await?;
    rows.iter().map(read).collect()
}

/// The largest one of this key.
pub(super) async fn largest<C: ConnectionTrait>(
    connection: &C,
    public_key: &[u8],
) -> Result<Option<Kept>, StoreError> {
    one(connection, "WHERE public_key = $1", vec![public_key.to_vec().into()]).await
}

/// The one of this key and size.
pub(super) async fn of_size<C: ConnectionTrait>(
    connection: &C,
    public_key: &[u8],
    size: i64,
) -> Result<Option<Kept>, StoreError> {
    let values = vec![public_key.to_vec().into(), size.into()];
    one(connection, "WHERE public_key = $1 AND size = $2", values).await
}

async fn one<C: ConnectionTrait>(
    connection: &C,
    filter: &str,
    values: Vec<Value>,
) -> Result<Option<Kept>, StoreError> {
    let sql = format!("{COLUMNS} {filter} ORDER BY size DESC LIMIT 1");
    let backend = connection.get_database_backend();
    let row = connection.query_one_raw(statement(backend, &sql, values)).await?;
    row.as_ref().map(read).transpose()
}

/// Keeps a head, unless there is one of its size.
pub(super) async fn keep<C: ConnectionTrait>(
    connection: &C,
    head: &SignedTreeHead,
    public_key: &[u8],
) -> Result<(), StoreError> {
    let sql = "INSERT INTO log_tree_heads (size, public_key, note) VALUES ($1, $2, $3) \
               ON CONFLICT (size) DO NOTHING";
    let size = i64::try_from(head.size()).unwrap_or(i64::MAX);
    let values = vec![size.into(), public_key.to_vec().into(), head.note().into()];
    connection.execute_raw(statement(connection.get_database_backend(), sql, values)).await?;
    Ok(())
}
