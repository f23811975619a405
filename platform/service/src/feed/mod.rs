//! The feed of a log between processes: [`routes`] serves one, [`HttpFeed`] reads it.
//!
//! `GET /internal/feed?after=&limit=` gives a page of published events, and
//! `GET /internal/feed/head?beyond=&wait=` the newest position, as soon as it is beyond the one
//! given or the time is over: a reader that keeps asking is woken without a message bus. Nothing
//! about a reader is kept by the source: it pages by position and keeps its own checkpoint.
//! `GET /internal/audit` gives pages of the same kind of all events, for the audit log.

mod client;
mod server;

use serde::{Deserialize, Serialize};
use studio_kernel::published::CloudEvent;

pub use client::HttpFeed;
pub use server::routes;

/// Events that one page holds at most.
const MOST_EVENTS: usize = 1_000;
/// Bytes after which a page takes no further event in.
const PAGE_BYTES: usize = 4 << 20;
/// A page ends with the event that fills it, whose payload may have 4 MiB and twice that where it
/// is escaped: no right answer is longer.
const LONGEST_PAGE: usize = PAGE_BYTES + (12 << 20);
/// Milliseconds for which the newest position may be waited for at most.
const LONGEST_WAIT: u64 = 25_000;

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<E = CloudEvent> {
    events: Vec<E>,
    scanned_to: i64,
}

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    head: i64,
}

/// The problem document of an event that does not read, with its position.
#[derive(Debug, Serialize, Deserialize)]
struct Unreadable {
    detail: String,
    position: i64,
}
