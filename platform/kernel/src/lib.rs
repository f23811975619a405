//! What every part of Studio shares and that needs no I/O: typed ids, instants, the clock and
//! randomness as parameters, the actor behind a request, the shape of an event and of an
//! aggregate, stable error codes, and the events that one subgraph publishes to the others.
//!
//! Invariants: nothing here opens a file, a socket or a database; time and randomness come in
//! through [`Env`] alone, so that every decision can be repeated in a test.

pub mod action_scope;
pub mod actor;
pub mod authn;
pub mod data_class;
pub mod env;
pub mod error;
pub mod event;
pub mod id;
pub mod network;
pub mod origin;
pub mod published;
pub mod time;

pub use action_scope::{ActionScope, ActionScopeError};
pub use actor::{Actor, Principal, ProjectRoles, Role};
pub use authn::{Authn, AuthnMethod};
pub use data_class::{DataClass, DataClassError};
pub use env::{Clock, Entropy, Env, FixedEntropy, ManualClock, SystemClock, SystemEntropy};
pub use error::Code;
pub use event::{Aggregate, DecodeError, DomainEvent, Payload};
pub use id::{Id, IdError, TenantId, kind};
pub use network::{Network, NetworkError};
pub use origin::Origin;
pub use time::{Day, Timestamp};
