//! Calls between Studio's own processes. Each carries a token in the header [`HEADER`] that says
//! who calls, which subgraph is meant and, where a person asked, for whom; it lives for a minute at
//! most. What a subgraph serves to others stands behind a [`Gate`]: a call without such a token, or
//! with one for another subgraph, reaches nothing.
//!
//! The key is the keyring's signing key [`PURPOSE`]. Whoever holds it may speak for anybody, so it
//! never leaves the keyring that the processes share.

mod auth;
mod client;
mod gate;
mod routes;
mod text;

pub use auth::{
    CallerKind, InternalAuthError, InternalCaller, InternalSigner, InternalVerifier, LIFETIME,
    SignError,
};
pub use client::{Body, CallError, InternalClient, Options};
pub use gate::{Gate, require};
pub use routes::{InternalRoutes, internal_routes};
pub use text::{HttpDocumentText, text_routes};

/// The header that carries the token. `Authorization` stays free for the person's own.
pub const HEADER: &str = "x-studio-caller";

/// The purpose under which the keyring holds the key.
pub const PURPOSE: &str = "internal";
