//! A small typed client for Studio.
//!
//! [`Client`] sends the operations in [`operations`] (or any other `graphql_client` query written
//! against `schema/api.graphql`), follows subscriptions over Server-Sent Events or WebSocket, and
//! uploads scans and documents over REST.
//!
//! ```no_run
//! use studio_sdk::{Client, operations::{Me, me}};
//!
//! # async fn run() -> Result<(), studio_sdk::Error> {
//! let client = Client::new("http://127.0.0.1:4000")?;
//! client.log_in("ada@example.org", "correct horse battery staple").await?;
//! let answer = client.query::<Me>(me::Variables {}).await?;
//! # let _ = answer;
//! # Ok(())
//! # }
//! ```

mod browser;
mod client;
mod error;
pub mod operations;
mod positions;
mod rest;
mod sse;
mod websocket;

pub use browser::{BrowserAnswer, BrowserSignIn};
pub use client::{Challenge, Client, Tokens};
pub use error::{Error, GraphQlError};
pub use rest::{IngestAnswer, Upload};
#[doc(hidden)]
pub use sse::events as server_sent_events;
