//! The SeaORM entities, one module per store. `events` is shared by all stores, `keyring` is the key
//! store's; a subgraph's module is for that subgraph alone. Only projections, `studio-events` and store adapters use them.

pub mod ai;
pub mod controls;
pub mod documents;
pub mod events;
pub mod evidence;
pub mod identity;
pub mod keyring;
