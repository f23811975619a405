//! SCIM 2.0 (RFC 7643 and 7644): a directory outside adds, changes, suspends and removes people, and gives
//! them roles by its groups. What it sends is read here; what follows is decided in `commands::provision`.
//!
//! A directory sees whom it has provisioned and nobody else; what it says of a person is sealed with the
//! person's key. Attributes that Studio has no use for are not kept.

pub mod attributes;
mod bearer;
mod discovery;
pub mod document;
mod error;
pub mod filter;
mod groups;
mod list;
pub mod patch;
mod query;
mod routes;
mod shown;
mod users;

use axum::routing::MethodFilter;

pub use error::{ScimError, ScimType};
pub(crate) use routes::routes;

/// The paths that directories call, for whoever hands their requests on, in the notation of axum.
pub const PATHS: [(&str, MethodFilter); 13] = {
    const ONE: MethodFilter =
        MethodFilter::GET.or(MethodFilter::PUT).or(MethodFilter::PATCH).or(MethodFilter::DELETE);
    const ALL: MethodFilter = MethodFilter::GET.or(MethodFilter::POST);
    [
        ("/scim/v2/ServiceProviderConfig", MethodFilter::GET),
        ("/scim/v2/ResourceTypes", MethodFilter::GET),
        ("/scim/v2/ResourceTypes/{name}", MethodFilter::GET),
        ("/scim/v2/Schemas", MethodFilter::GET),
        ("/scim/v2/Schemas/{id}", MethodFilter::GET),
        ("/scim/v2/.search", MethodFilter::POST),
        ("/scim/v2/Users/.search", MethodFilter::POST),
        ("/scim/v2/Groups/.search", MethodFilter::POST),
        ("/scim/v2/Users", ALL),
        ("/scim/v2/Users/{id}", ONE),
        ("/scim/v2/Groups", ALL),
        ("/scim/v2/Groups/{id}", ONE),
        ("/scim/v2/{*rest}", ONE.or(MethodFilter::POST)),
    ]
};

/// The media type (RFC 7644, section 3.1).
pub(crate) const MEDIA_TYPE: &str = "application/scim+json";
/// Bytes of a body at most: a group of five thousand people has half of it.
pub(crate) const MOST_BODY: usize = 1024 * 1024;
/// Resources on one page of a list, unless fewer are asked for,
pub(crate) const USUAL_PAGE: usize = 100;
/// and at most.
pub(crate) const MOST_ON_A_PAGE: usize = 200;
/// Resources that are looked at for one filter, or to sort them.
pub(crate) const MOST_LOOKED_AT: usize = 5_000;
