//! Statements that write or look up many rows at once. Their texts come in few sizes (powers of
//! two), so that each is prepared once per connection.
//!
//! `$1` is a place on SQLite and PostgreSQL alike; but SQLite's driver looks up the name of every
//! place in a list of all names, which is quadratic, so that long lists have nameless places there.

use std::sync::OnceLock;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement, Value};
use studio_events::ProjectionError;

/// Most rows of one statement: the places stay below SQLite's 32,766.
const MOST_ROWS: usize = 256;

/// A statement of the connection's dialect.
pub(crate) fn statement(
    connection: &impl ConnectionTrait,
    text: &str,
    values: Vec<Value>,
) -> Statement {
    Statement::from_sql_and_values(connection.get_database_backend(), text, values)
}

/// The texts of a statement in every size, for both dialects, made once.
struct Texts([[OnceLock<String>; MOST_ROWS.ilog2() as usize + 1]; 2]);

impl Texts {
    const fn new() -> Self {
        Self([const { [const { OnceLock::new() }; MOST_ROWS.ilog2() as usize + 1] }; 2])
    }

    fn get(&self, backend: DbBackend, size: usize, make: impl FnOnce() -> String) -> &str {
        let dialect = usize::from(backend == DbBackend::Sqlite);
        self.0[dialect][size.ilog2() as usize].get_or_init(make)
    }
}

/// The places of a list, the first of them for the value `first`, from 1. The driver counts
/// nameless places by themselves: their values stand at the beginning.
fn places(backend: DbBackend, first: usize, count: usize) -> String {
    let place = |place| match backend {
        DbBackend::Sqlite => "?".to_owned(),
        _ => format!("${place}"),
    };
    (first..first + count).map(place).collect::<Vec<_>>().join(", ")
}

/// An insert of many rows: `head` up to `VALUES`, and `tail` behind the rows.
pub(crate) struct Insert {
    columns: usize,
    head: &'static str,
    tail: &'static str,
    texts: Texts,
}

impl Insert {
    pub(crate) const fn new(columns: usize, head: &'static str, tail: &'static str) -> Self {
        Self { columns, head, tail, texts: Texts::new() }
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
            tx.execute_raw(statement(tx, self.text(tx.get_database_backend(), rows), values))
                .await?;
            values = rest;
        }
        Ok(())
    }

    fn text(&self, backend: DbBackend, rows: usize) -> &str {
        self.texts.get(backend, rows, || {
            let row = |row| format!("({})", places(backend, row * self.columns + 1, self.columns));
            let rows: Vec<String> = (0..rows).map(row).collect();
            format!("{} VALUES {} {}", self.head, rows.join(", "), self.tail)
        })
    }
}

/// A statement with a list: `text` holds `{list}` once, and `{1}`, `{2}` … where the fixed values
/// stand, as often as they are needed.
pub(crate) struct WithList {
    text: &'static str,
    fixed: usize,
    texts: Texts,
}

impl WithList {
    pub(crate) const fn new(text: &'static str, fixed: usize) -> Self {
        Self { text, fixed, texts: Texts::new() }
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
            let slot = |slot: usize| value(&chunk[slot.min(chunk.len() - 1)]);
            let values = (0..size).map(slot).chain(fixed.iter().cloned()).collect();
            statement(connection, self.for_size(connection.get_database_backend(), size), values)
        })
    }

    fn for_size(&self, backend: DbBackend, size: usize) -> &str {
        self.texts.get(backend, size, || {
            let text = self.text.replace("{list}", &places(backend, 1, size));
            (1..=self.fixed).fold(text, |text, fixed| {
                text.replace(&format!("{{{fixed}}}"), &format!("${}", size + fixed))
            })
        })
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
