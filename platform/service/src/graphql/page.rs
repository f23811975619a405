//! Relay connections (GraphQL Cursor Connections Specification): `first` from 1 to 100, opaque
//! cursors, one more row read than shown so that `hasNextPage` costs no count.

use async_graphql::{
    OutputType,
    connection::{Connection, Edge, EmptyFields},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use studio_kernel::Code;

use super::gql;
use crate::error::ApiError;

const DEFAULT: usize = 20;
const MOST: i32 = 100;

/// Where a page starts and how many rows it shows, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageArgs {
    /// How many to show, 1 to 100.
    pub first: usize,
    /// The decoded cursor after which to start.
    pub after: Option<String>,
}

impl PageArgs {
    /// Checks what the client sent: `first` defaults to 20.
    pub fn new(first: Option<i32>, after: Option<String>) -> async_graphql::Result<Self> {
        let first = match first {
            None => DEFAULT,
            Some(n @ 1..=MOST) => n.unsigned_abs() as usize,
            Some(n) => {
                return Err(gql(ApiError::new(
                    Code::BadRequest,
                    format!("first is {n}: ask for 1 to {MOST} at a time and page with after."),
                )));
            }
        };
        Ok(Self { first, after: after.as_deref().map(decode_cursor).transpose()? })
    }

    /// How many rows to read: one more than is shown.
    pub fn limit(&self) -> u64 {
        self.first as u64 + 1
    }
}

/// Rows read with [`PageArgs::limit`], cut to the page.
pub struct Page<T> {
    /// The rows to show.
    pub rows: Vec<T>,
    /// Whether there are more.
    pub more: bool,
}

impl<T> Page<T> {
    /// Cuts the one row too many off.
    pub fn cut(mut rows: Vec<T>, args: &PageArgs) -> Self {
        let more = rows.len() > args.first;
        rows.truncate(args.first);
        Self { rows, more }
    }
}

/// A connection from rows read with [`PageArgs::limit`]; `key` gives the text behind the cursor.
pub fn connection<R, N: OutputType>(
    rows: Vec<R>,
    args: &PageArgs,
    key: impl Fn(&R) -> String,
    node: impl Fn(R) -> N,
) -> Connection<String, N, EmptyFields, EmptyFields> {
    let page = Page::cut(rows, args);
    let mut connection = Connection::new(args.after.is_some(), page.more);
    connection
        .edges
        .extend(page.rows.into_iter().map(|row| Edge::new(encode_cursor(&key(&row)), node(row))));
    connection
}

/// Makes a key opaque, so that no client builds on its content.
pub fn encode_cursor(key: &str) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// Reads a cursor back, or `BAD_REQUEST`.
pub fn decode_cursor(cursor: &str) -> async_graphql::Result<String> {
    let refuse = || {
        gql(ApiError::new(
            Code::BadRequest,
            "That cursor is not one of ours: pass endCursor, or the cursor of an edge, as it came.",
        ))
    };
    if cursor.len() > 1024 {
        return Err(refuse());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refuse())?;
    String::from_utf8(bytes).map_err(|_| refuse())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_of_first() {
        assert_eq!(PageArgs::new(None, None).unwrap().first, 20);
        assert_eq!(PageArgs::new(Some(100), None).unwrap().limit(), 101);
        for bad in [0, -1, 101] {
            assert!(PageArgs::new(Some(bad), None).is_err());
        }
    }

    #[test]
    fn cursors_come_back_and_strangers_are_refused() {
        assert_eq!(decode_cursor(&encode_cursor("a/1")).unwrap(), "a/1");
        assert!(decode_cursor("!!").is_err());
        assert!(decode_cursor(&"A".repeat(2000)).is_err());
    }
}
