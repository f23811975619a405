//! The ai subgraph from outside: a real log, a real full-text index on disk, beside a log that
//! stands for the documents subgraph's.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answers;
mod classes;
mod index;
mod search;
mod support;
