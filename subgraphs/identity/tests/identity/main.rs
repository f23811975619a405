//! The identity subgraph from outside: real SQLite files, a real key ring, the GraphQL schema and
//! the token verifier as the router uses them.

mod erasure;
mod people;
mod schema;
mod sessions;
mod set_up;
mod sign_in;
mod support;
mod tenancy;
mod tokens;
