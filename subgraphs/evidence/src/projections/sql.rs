//! Statements that write or look up many rows at once. Their texts come in few sizes (powers of
//! two), so that each is prepared once per connection. `$1` is a place on SQLite and PostgreSQL.

use std::sync::OnceLock;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, Statement, Value};
use studio_events::ProjectionError;

/// Most rows of one statement: the places stay below SQLite's 32,766.
const MOST_ROWS: usize = 256;
const SIZES: usize = MOST_ROWS.ilog2() as usize + 1;

/// A statement of the connection's dialect.
pub(crate) fn statement(
    connection: &impl ConnectionTrait,
    text: &str,
    values: Vec<Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

/// An insert of many rows: `head` up to `VALUES`, and `tail` behind the rows.
pub(crate) struct Insert {
    columns: usize,
    head: &'static str,
    tail: &'static str,
    texts: [OnceLock<String>; SIZES],
}

impl Insert {
    pub(crate) const fn new(columns: usize, head: &'static str, tail: &'static str) -> Self {
        Self { columns, head, tail, texts: [const { OnceLock::new() }; SIZES] }
    }

    /// Inserts the rows whose values follow each other in `values`.
    pub(crate) async fn run(
        &self,
        tx: &DatabaseTransaction,
        mut values: Vec<Value>,
    ) -> Result<(), DbErr> {
        while !values.is_empty() {
            let left = values.len() / self.columns;
            let rows = MOST_ROWS.min(1 << left.max(1).ilog2());
            let rest = values.split_off((rows * self.columns).min(values.len()));
            tx.execute_raw(statement(tx, self.text(rows), values)).await?;
            values = rest;
        }
        Ok(())
    }

    fn text(&self, rows: usize) -> &str {
        self.texts[rows.ilog2() as usize].get_or_init(|| {
            let row = |row: usize| {
                let first = row * self.columns + 1;
                format!("({})", places(first, self.columns))
            };
            let rows: Vec<String> = (0..rows).map(row).collect();
            format!("{} VALUES {} {}", self.head, rows.join(", "), self.tail)
        })
    }
}

/// `$first, …` for so many values.
fn places(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

/// A statement with a list at its end: `text` holds `{list}` once, and the places before it are
/// those of `fixed`.
pub(crate) struct WithList {
    text: &'static str,
    fixed: usize,
    texts: [OnceLock<String>; SIZES],
}

impl WithList {
    pub(crate) const fn new(text: &'static str, fixed: usize) -> Self {
        Self { text, fixed, texts: [const { OnceLock::new() }; SIZES] }
    }

    /// One statement for each slice of the list, which is filled up with its last value.
    pub(crate) fn statements<'a, T>(
        &'a self,
        connection: &'a impl ConnectionTrait,
        fixed: &'a [Value],
        list: &'a [T],
        value: impl Fn(&T) -> Value + 'a,
    ) -> impl Iterator<Item = Statement> + 'a {
        list.chunks(MOST_ROWS).map(move |chunk| {
            let size = chunk.len().next_power_of_two();
            let mut values = fixed.to_vec();
            values.extend((0..size).map(|slot| value(&chunk[slot.min(chunk.len() - 1)])));
            statement(connection, self.for_size(size), values)
        })
    }

    fn for_size(&self, size: usize) -> &str {
        self.texts[size.ilog2() as usize]
            .get_or_init(|| self.text.replace("{list}", &places(self.fixed + 1, size)))
    }
}

/// Removes all rows of a generation from these tables.
pub(crate) async fn clear(
    tx: &DatabaseTransaction,
    tables: &[&str],
    generation: i64,
) -> Result<(), ProjectionError> {
    for table in tables {
        let text = format!("DELETE FROM {table} WHERE generation = $1");
        tx.execute_raw(statement(tx, &text, vec![generation.into()])).await?;
    }
    Ok(())
}

/// A count as a column keeps it.
pub(crate) fn count(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
