//! The identity subgraph from outside: real SQLite files, a real key ring, the GraphQL schema and
//! the token verifier as the router uses them.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod api_keys;
mod apps;
mod audit;
mod erasure;
mod factors;
mod invitations;
mod mailed;
mod oauth;
mod oidc;
mod passkeys;
mod password;
mod people;
mod policy;
mod postgres;
mod project_roles;
mod recording;
mod remote;
mod reviews;
mod roles;
mod roles_until;
mod schema;
mod scim;
mod sessions;
mod set_up;
mod sign_in;
mod support;
mod teams;
mod tenancy;
mod tokens;
