//! What the router still does wrong: the operation of a case, and what is wrong with its answer.
//!
//! Each of them must fail. Who mends one takes it off this list.

/// Case, operation (or `composition`), and what is wrong.
const KNOWN: &[(&str, &str, &str)] = &[(
    "wider_types",
    "composition",
    "the composing crate refuses a shared field that returns an object in one subgraph and its interface in another",
)];

/// Why an operation is known to fail.
pub fn reason(case: &str, operation: &str) -> Option<&'static str> {
    KNOWN.iter().find(|known| known.0 == case && known.1 == operation).map(|known| known.2)
}

/// The operations of a case that are known to fail.
pub fn of(case: &str) -> impl Iterator<Item = &'static str> {
    KNOWN.iter().filter(move |known| known.0 == case).map(|known| known.1)
}

/// Ends where the list names a case that is not there.
pub fn are_of(cases: &[&str]) {
    for (case, ..) in KNOWN {
        assert!(cases.contains(case), "there is no case {case}");
    }
}
