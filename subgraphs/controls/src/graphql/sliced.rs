//! Pages of lists that an answer makes whole.

use async_graphql::{
    OutputType, Result,
    connection::{Connection, Edge},
};
use studio_service::graphql::{PageArgs, encode_cursor};

use super::bad_cursor;

/// A page of a list that is in memory; the cursor of an edge is its place.
pub(super) fn sliced<T, N: OutputType>(
    all: &[T],
    args: &PageArgs,
    node: impl Fn(&T) -> N,
) -> Result<Connection<String, N>> {
    let start = match &args.after {
        None => 0,
        Some(after) => {
            after.parse::<usize>().ok().and_then(|at| at.checked_add(1)).ok_or_else(bad_cursor)?
        }
    };
    let rest = all.get(start..).unwrap_or_default();
    let mut connection = Connection::new(args.after.is_some(), rest.len() > args.first);
    connection.edges.extend(
        (start..)
            .zip(rest)
            .take(args.first)
            .map(|(place, thing)| Edge::new(encode_cursor(&place.to_string()), node(thing))),
    );
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_other_cursors_are_refused() {
        let all: Vec<i32> = (0..7).collect();
        let page = |after: Option<&str>| {
            let args = PageArgs { first: 3, after: after.map(str::to_owned) };
            sliced(&all, &args, |number| *number)
        };
        let shown = |after: Option<&str>| {
            let page = page(after).unwrap();
            let numbers: Vec<i32> = page.edges.iter().map(|edge| edge.node).collect();
            (numbers, page.has_next_page)
        };
        assert_eq!(shown(None), (vec![0, 1, 2], true));
        assert_eq!(shown(Some("2")), (vec![3, 4, 5], true));
        assert_eq!(shown(Some("5")), (vec![6], false));
        assert_eq!(shown(Some("90")), (vec![], false));
        for bad in ["x", "-1", "18446744073709551615"] {
            assert!(page(Some(bad)).is_err(), "{bad}");
        }
    }
}
