//! Calls between processes, from outside: a real log, real sockets, tokens that hold and tokens
//! that do not.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod calls;
mod feed;
mod support;
mod text;
