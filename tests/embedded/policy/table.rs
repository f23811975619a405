//! The tables of `docs/access.md`, which are written by hand.

use std::collections::BTreeMap;

/// The heading of the column for somebody who is not signed in.
pub(super) const STRANGER: &str = "stranger";
/// The heading of the column for the owner of another organization.
pub(super) const ELSEWHERE: &str = "another organization";

/// What somebody may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Everything of that kind.
    Yes,
    /// What is their own.
    Own,
    /// Nothing: it is refused.
    No,
    /// What it names does not exist for them.
    Nothing,
    /// It acts within their own organization.
    ItsOwn,
}

/// One table: what is called, by name, and by column what they may do.
pub(super) struct Table(pub(super) BTreeMap<String, BTreeMap<String, Cell>>);

impl Table {
    /// The table whose first two headings are `of` and `stranger`.
    pub(super) fn of(of: &str) -> Self {
        let text = include_str!("../../../docs/access.md");
        let start = format!("| {of} | {STRANGER} |");
        let mut lines = text.lines().skip_while(|line| !line.starts_with(&start));
        let head = split(lines.next().unwrap_or_else(|| panic!("no table of every {of}")));
        let mut rows = BTreeMap::new();
        for line in lines.skip(1).take_while(|line| line.starts_with('|')) {
            let cells = split(line);
            assert_eq!(cells.len(), head.len(), "{line}");
            let row = head.iter().zip(&cells).skip(1).map(|(column, word)| {
                let cell = match word.as_str() {
                    "yes" => Cell::Yes,
                    "own" => Cell::Own,
                    "–" => Cell::No,
                    "nothing" => Cell::Nothing,
                    "its own" => Cell::ItsOwn,
                    other => panic!("{other} is no cell of the table: {line}"),
                };
                (column.clone(), cell)
            });
            assert!(rows.insert(cells[0].clone(), row.collect()).is_none(), "twice: {line}");
        }
        Self(rows)
    }
}

fn split(line: &str) -> Vec<String> {
    line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
}
