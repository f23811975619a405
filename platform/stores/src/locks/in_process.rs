//! Leases within one process.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use studio_kernel::Env;
use tokio::time::Instant;

use super::{Lease, Locks, LocksError};

/// Leases in a table. They run by the monotonic clock; only tokens look at the time of day.
#[derive(Debug)]
pub struct InProcessLocks {
    env: Env,
    held: Mutex<HashMap<String, Held>>,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    token: i64,
    until: Option<Instant>,
}

impl InProcessLocks {
    /// Nothing is held.
    pub fn new(env: Env) -> Self {
        Self { env, held: Mutex::default() }
    }

    /// Changes what is known of the lease, if it is still the one that holds.
    fn change(&self, lease: &Lease, until: Option<Instant>) -> bool {
        let mut names = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        match names.get_mut(&lease.name) {
            Some(held) if held.token == lease.token && held.is_held() => {
                held.until = until;
                true
            }
            _ => false,
        }
    }
}

impl Held {
    fn is_held(&self) -> bool {
        self.until.is_some_and(|until| until > Instant::now())
    }
}

#[async_trait]
impl Locks for InProcessLocks {
    async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Lease>, LocksError> {
        let mut names = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = names.get(name).copied();
        if before.is_some_and(|held| held.is_held()) {
            return Ok(None);
        }
        let last = before.map_or(0, |held| held.token);
        let token = self.env.now().micros().max(last + 1);
        names.insert(name.to_owned(), Held { token, until: Some(Instant::now() + ttl) });
        Ok(Some(Lease { name: name.to_owned(), token }))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LocksError> {
        Ok(self.change(lease, Some(Instant::now() + ttl)))
    }

    async fn release(&self, lease: Lease) -> Result<bool, LocksError> {
        Ok(self.change(&lease, None))
    }
}
