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
    /// What each row looks like: `?` for a value of its own, `{1}`, `{2}` … for the values that all
    /// rows of the statement have.
    row: Row,
    head: &'static str,
    tail: &'static str,
    texts: Texts,
}

/// Rows that are made as they are taken.
pub(crate) type Rows<'a, const OWN: usize> = Box<dyn Iterator<Item = [Value; OWN]> + Send + 'a>;

enum Row {
    /// So many values of its own.
    Own(usize),
    /// As it is written, with so many values of its own and so many that all have.
    Shared { row: &'static str, own: usize, shared: usize },
}

impl Insert {
    /// Every value of a row is its own.
    pub(crate) const fn new(columns: usize, head: &'static str, tail: &'static str) -> Self {
        Self { row: Row::Own(columns), head, tail, texts: Texts::new() }
    }

    /// `row` says which `own` values a row has, and where the `shared` ones stand. A value that is
    /// bound once and not with each row costs next to nothing.
    pub(crate) const fn sharing(
        (own, shared): (usize, usize),
        head: &'static str,
        row: &'static str,
        tail: &'static str,
    ) -> Self {
        Self { row: Row::Shared { row, own, shared }, head, tail, texts: Texts::new() }
    }

    /// Inserts rows of their own values.
    pub(crate) async fn run(
        &self,
        tx: &DatabaseTransaction,
        values: Vec<Value>,
    ) -> Result<(), DbErr> {
        self.write(tx, &[], values).await
    }

    /// Inserts rows, of which each is its own values; all have the `shared` ones. While the
    /// database works on some, the next are made.
    pub(crate) async fn stream<const OWN: usize>(
        &self,
        tx: &DatabaseTransaction,
        shared: &[Value],
        mut rows: Rows<'_, OWN>,
    ) -> Result<(), DbErr> {
        let mut next = || rows.by_ref().take(MOST_ROWS).flatten().collect::<Vec<Value>>();
        let mut values = next();
        while !values.is_empty() {
            let write = self.write(tx, shared, values);
            // The first is begun before the other is: that is what makes them go on together.
            let (written, more) = futures::future::join(write, async { next() }).await;
            written?;
            values = more;
        }
        Ok(())
    }

    async fn write(
        &self,
        tx: &DatabaseTransaction,
        shared: &[Value],
        mut values: Vec<Value>,
    ) -> Result<(), DbErr> {
        let columns = match self.row {
            Row::Own(columns) | Row::Shared { own: columns, .. } => columns,
        };
        while !values.is_empty() {
            let left = values.len() / columns;
            let rows = MOST_ROWS.min(1 << left.max(1).ilog2());
            let rest = values.split_off((rows * columns).min(values.len()));
            values.extend_from_slice(shared);
            tx.execute_raw(statement(tx, self.text(tx.get_database_backend(), rows), values))
                .await?;
            values = rest;
        }
        Ok(())
    }

    fn text(&self, backend: DbBackend, rows: usize) -> &str {
        self.texts.get(backend, rows, || {
            let row = |index: usize| match self.row {
                Row::Own(columns) => {
                    format!("({})", places(backend, index * columns + 1, columns))
                }
                Row::Shared { row, own, shared } => {
                    let mut parts = row.split('?');
                    let mut text = parts.next().unwrap_or_default().to_owned();
                    for (number, part) in parts.enumerate() {
                        text.push_str(&places(backend, index * own + number + 1, 1));
                        text.push_str(part);
                    }
                    with_fixed(text, rows * own, shared)
                }
            };
            let rows: Vec<String> = (0..rows).map(row).collect();
            format!("{} VALUES {} {}", self.head, rows.join(", "), self.tail)
        })
    }
}

/// Puts the places of the fixed values, which come behind `before` others, where `{1}`, `{2}` …
/// stand.
fn with_fixed(text: String, before: usize, fixed: usize) -> String {
    (1..=fixed).fold(text, |text, fixed| {
        text.replace(&format!("{{{fixed}}}"), &format!("${}", before + fixed))
    })
}

/// A statement with a list of single values, or of rows of `WIDTH`: `text` holds `{list}` once, and
/// `{1}`, `{2}` … where the fixed values stand, as often as they are needed.
pub(crate) struct WithList<const WIDTH: usize = 1> {
    text: &'static str,
    fixed: usize,
    texts: Texts,
}

impl<const WIDTH: usize> WithList<WIDTH> {
    pub(crate) const fn new(text: &'static str, fixed: usize) -> Self {
        Self { text, fixed, texts: Texts::new() }
    }

    /// One statement for each slice of the list, which is filled up with its last value.
    pub(crate) fn statements<'a, T>(
        &'a self,
        connection: &'a impl ConnectionTrait,
        fixed: &'a [Value],
        list: &'a [T],
        value: impl Fn(&T) -> [Value; WIDTH] + 'a,
    ) -> impl Iterator<Item = Statement> + 'a {
        list.chunks(MOST_ROWS).map(move |chunk| {
            let size = chunk.len().next_power_of_two();
            let slot = |slot: usize| value(&chunk[slot.min(chunk.len() - 1)]);
            let values = (0..size).flat_map(slot).chain(fixed.iter().cloned()).collect();
            statement(connection, self.for_size(connection.get_database_backend(), size), values)
        })
    }

    fn for_size(&self, backend: DbBackend, size: usize) -> &str {
        self.texts.get(backend, size, || {
            let list = match WIDTH {
                1 => places(backend, 1, size),
                _ => {
                    let row = |row| format!("({})", places(backend, row * WIDTH + 1, WIDTH));
                    format!("VALUES {}", (0..size).map(row).collect::<Vec<_>>().join(", "))
                }
            };
            with_fixed(self.text.replace("{list}", &list), size * WIDTH, self.fixed)
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
