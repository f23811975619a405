//! What every subgraph needs to be a service: the configuration, telemetry, the shape of a
//! subgraph, helpers for GraphQL and REST that keep the conventions (DESIGN section 4) in one
//! place, and how Studio's processes call each other.

pub mod clearance;
pub mod config;
pub mod error;
pub mod feed;
pub mod graphql;
pub mod internal;
mod named_blob;
pub mod notices;
pub mod origin;
pub mod reading;
pub mod rest;
pub mod subgraph;
pub mod telemetry;
mod upstream;

pub use config::Config;
pub use error::ApiError;
pub use named_blob::{BlobNames, NamedBlob};
pub use subgraph::{Deps, DocumentText, Feeds, GraphQlService, RequestId, Served, Subgraph};
pub use upstream::Upstream;
