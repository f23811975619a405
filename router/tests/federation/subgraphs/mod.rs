//! Four real subgraphs: users, products, reviews, inventory.

pub mod inventory;
pub mod products;
pub mod reviews;
pub mod users;

use async_graphql::{Error, ErrorExtensions};
use std::sync::{Arc, Mutex};

/// What mutations did, in order.
#[derive(Clone, Default)]
pub struct Log(pub Arc<Mutex<Vec<String>>>);

/// What the caller's extensions brought into the resolvers.
#[derive(Clone, Debug)]
pub struct Actor(pub String);

pub fn refused(what: &str) -> Error {
    Error::new(format!("{what} cannot be read"))
        .extend_with(|_, extensions| extensions.set("code", "FORBIDDEN"))
}
