//! The table of `docs/reliability.md`: each test that passed writes its row, where
//! `STUDIO_TEST_WRITE_TABLE` asks for it.

use std::{collections::BTreeMap, fs, path::Path};

use super::{checks::Checked, load::Done};

const BEGIN: &str = "<!-- written by tests/real/faults: begin -->";
const END: &str = "<!-- written by tests/real/faults: end -->";
const HEAD: &str = "| fault | writes acknowledged | lost or double | score changes | missed by a \
                    subscriber | requests that failed meanwhile |\n|---|---|---|---|---|---|\n";

/// One line of the table.
pub(super) struct Row {
    fault: String,
    cells: String,
}

impl Row {
    pub(super) fn of(fault: &str, done: &Done, checked: &Checked) -> Self {
        let writes = done.projects.len() + done.documents.len() + done.scans.len();
        let writes = writes as u64 + done.results;
        let failures: Vec<String> =
            done.failures.iter().map(|(code, count)| format!("{count} × {code}")).collect();
        let failures = if failures.is_empty() { "none".to_owned() } else { failures.join(", ") };
        // The checks before this line fail the test unless both are 0.
        let cells = format!("{writes} | 0 | {} | 0 | {failures} |", checked.score_changes);
        Self { fault: fault.to_owned(), cells }
    }
}

/// Prints the row, and writes it into the table if that is asked for.
pub(super) fn note(row: &Row) {
    println!("| {} | {}", row.fault, row.cells);
    if std::env::var_os("STUDIO_TEST_WRITE_TABLE").is_none() {
        return;
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (table, after) = rest.split_once(END).unwrap();
    let mut rows: BTreeMap<String, String> = table
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .filter_map(|line| line.strip_prefix("| ")?.split_once(" | "))
        .map(|(fault, cells)| (fault.to_owned(), cells.to_owned()))
        .collect();
    rows.insert(row.fault.clone(), row.cells.clone());
    let rows: String = rows.iter().map(|(fault, cells)| format!("| {fault} | {cells}\n")).collect();
    fs::write(&path, format!("{before}{BEGIN}\n\n{HEAD}{rows}\n{END}{after}")).unwrap();
}
