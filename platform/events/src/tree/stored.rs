//! The nodes of the tree as they are stored: the leaves in the table `events`, and above them the roots
//! of complete subtrees at every eighth level in `log_tree`. What lies between is computed: at most 128
//! nodes are read for one.
//!
//! A log of a million events has 3,921 rows in `log_tree`. They follow from the events, and are
//! brought up to date when a head or a proof is asked for. Rows of a level are added in their order,
//! some at a time by one statement, so that there is no gap wherever that is cut off; two processes
//! that do it at once add the same rows.

use std::ops::Range;

use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Value};
use studio_stores::sql::Database;

use super::{
    error::TreeError,
    hashing::{Hash, empty_root, fold, leaf_hash, node_hash},
    shape::complete_subtrees,
};
use crate::{
    error::StoreError,
    rows::{place, statement},
};

/// Levels from one that is stored to the next.
pub(super) const TILE: u32 = 8;
/// The nodes below one that is stored.
const WIDTH: usize = 1 << TILE;
/// Nodes that are made and stored at a time.
const AT_ONCE: u64 = 32;

/// Whether the tables of the tree were made.
pub(super) async fn exists<C: ConnectionTrait>(connection: &C) -> Result<bool, StoreError> {
    let backend = connection.get_database_backend();
    let sql = match backend {
        DbBackend::Sqlite => {
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'log_tree_heads'"
        }
        _ => "SELECT 1 WHERE to_regclass('log_tree_heads') IS NOT NULL",
    };
    Ok(connection.query_one_raw(statement(backend, sql, vec![])).await?.is_some())
}

/// How many nodes of a level are stored.
pub(super) async fn count<C: ConnectionTrait>(
    connection: &C,
    level: u32,
) -> Result<u64, StoreError> {
    let sql = "SELECT COALESCE(MAX(idx), -1) FROM log_tree WHERE level = $1";
    let values = vec![i64::from(level).into()];
    let row =
        connection.query_one_raw(statement(connection.get_database_backend(), sql, values)).await?;
    let last: i64 = row.map(|row| row.try_get_by_index(0)).transpose()?.unwrap_or(-1);
    Ok(last.saturating_add(1).max(0).unsigned_abs())
}

/// Nodes of a level that is stored, the first of them with this index.
pub(super) async fn nodes<C: ConnectionTrait>(
    connection: &C,
    level: u32,
    indices: Range<u64>,
) -> Result<Vec<Hash>, TreeError> {
    let (start, end) = (signed(indices.start), signed(indices.end));
    // The event of leaf 0 has position 1.
    let (sql, values) = if level == 0 {
        let sql = "SELECT position - 1, hash FROM events WHERE position > $1 AND position <= $2 \
                   ORDER BY position";
        (sql, vec![start.into(), end.into()])
    } else {
        let sql = "SELECT idx, hash FROM log_tree WHERE level = $1 AND idx >= $2 AND idx < $3 \
                   ORDER BY idx";
        (sql, vec![i64::from(level).into(), start.into(), end.into()])
    };
    let rows =
        connection.query_all_raw(statement(connection.get_database_backend(), sql, values)).await?;
    let mut found = Vec::with_capacity(rows.len());
    let mut rows = rows.iter();
    for index in indices {
        let hash = rows.next().and_then(|row| node(row, index));
        let hash = hash.ok_or_else(|| absent(level, index))?;
        found.push(if level == 0 { leaf_hash(&hash) } else { hash });
    }
    Ok(found)
}

/// The hash of a row, if it is that of this index.
fn node(row: &QueryResult, index: u64) -> Option<Hash> {
    let found: i64 = row.try_get_by_index(0).ok()?;
    let hash: Vec<u8> = row.try_get_by_index(1).ok()?;
    if found == signed(index) { hash.try_into().ok() } else { None }
}

fn absent(level: u32, index: u64) -> TreeError {
    match level {
        0 => StoreError::Missing(signed(index) + 1).into(),
        _ => TreeError::Node { level, index },
    }
}

/// Positions and sizes are those of a log, which counts with 63 bits.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The root over a range of leaves, which is one that a proof is made of.
pub(super) async fn root<C: ConnectionTrait>(
    connection: &C,
    range: Range<u64>,
) -> Result<Hash, TreeError> {
    let mut roots = Vec::new();
    for (level, index) in complete_subtrees(range) {
        let below = level % TILE;
        let nodes = nodes(connection, level - below, index << below..(index + 1) << below).await?;
        roots.push(fold(nodes).ok_or(TreeError::Node { level, index })?);
    }
    let joined = roots.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
    Ok(joined.unwrap_or_else(empty_root))
}

/// Stores what is missing of the tree over the first `size` events, all of which are committed.
pub(super) async fn catch_up(database: &Database, size: u64) -> Result<(), TreeError> {
    let mut level = TILE;
    while level < u64::BITS && size >> level > 0 {
        let complete = size >> level;
        let mut done = count(database.primary(), level).await?;
        while done < complete {
            let next = complete.min(done + AT_ONCE);
            let below = nodes(database.primary(), level - TILE, done << TILE..next << TILE).await?;
            let roots: Vec<Hash> =
                below.chunks(WIDTH).filter_map(|children| fold(children.to_vec())).collect();
            add(database, level, done, &roots).await?;
            done = next;
        }
        level += TILE;
    }
    Ok(())
}

async fn add(
    database: &Database,
    level: u32,
    first: u64,
    roots: &[Hash],
) -> Result<(), StoreError> {
    let backend = database.backend();
    let mut values: Vec<Value> = Vec::with_capacity(roots.len() * 3);
    let mut rows = Vec::with_capacity(roots.len());
    for (index, root) in (first..).zip(roots) {
        let [a, b, c] = [1, 2, 3].map(|column| place(backend, values.len() + column));
        rows.push(format!("({a}, {b}, {c})"));
        values.push(i64::from(level).into());
        values.push(signed(index).into());
        values.push(root.to_vec().into());
    }
    let sql = format!(
        "INSERT INTO log_tree (level, idx, hash) VALUES {} ON CONFLICT (level, idx) DO NOTHING",
        rows.join(", ")
    );
    database.writer().execute_raw(statement(backend, &sql, values)).await?;
    Ok(())
}
