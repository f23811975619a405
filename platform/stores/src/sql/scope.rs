//! What a request must see. A replica answers only inside such a scope, and only where it is as far
//! as the scope demands; everything else (commands, consumers, workers) reads from the primary.

use std::{
    collections::BTreeMap,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::future::Either;
use studio_kernel::TenantId;
use tokio::task::JoinHandle;

tokio::task_local! {
    static SCOPE: ReadScope;
}

/// How far somebody has seen each log: `controls=42;evidence=17`. A client that sends back what it
/// was given reads its own writes, whichever process answers it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Positions(BTreeMap<String, i64>);

/// Why a text is not [`Positions`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("positions read like \"controls=42;evidence=17\", at most 32 of them")]
pub struct PositionsError;

impl Positions {
    /// Nothing was seen.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes that a log was seen up to a position.
    pub fn see(&mut self, log: &str, position: i64) {
        match self.0.get_mut(log) {
            Some(seen) => *seen = position.max(*seen),
            None => {
                self.0.insert(log.to_owned(), position);
            }
        }
    }

    /// How far a log was seen, 0 if it was not.
    pub fn of(&self, log: &str) -> i64 {
        self.0.get(log).copied().unwrap_or(0)
    }

    /// Nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes in what another one has seen.
    pub fn merge(&mut self, other: &Self) {
        for (log, position) in &other.0 {
            self.see(log, *position);
        }
    }
}

impl fmt::Display for Positions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, (log, position)) in self.0.iter().enumerate() {
            let separator = if number == 0 { "" } else { ";" };
            write!(f, "{separator}{log}={position}")?;
        }
        Ok(())
    }
}

impl FromStr for Positions {
    type Err = PositionsError;

    fn from_str(text: &str) -> Result<Self, PositionsError> {
        let mut positions = Self::default();
        for part in text.split(';').map(str::trim).filter(|part| !part.is_empty()) {
            let (log, position) = part.split_once('=').ok_or(PositionsError)?;
            let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
            if log.is_empty() || log.len() > 64 || !log.bytes().all(plain) {
                return Err(PositionsError);
            }
            positions.see(log, position.parse().map_err(|_| PositionsError)?);
            if positions.0.len() > 32 {
                return Err(PositionsError);
            }
        }
        Ok(positions)
    }
}

/// The scope of one request. Cheap to clone; clones are the same scope.
#[derive(Debug, Clone)]
pub struct ReadScope(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    tenant: Option<TenantId>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    seen: Positions,
    /// Logs that are read from the primary for the rest of the request: time never goes back in it.
    primary: Vec<String>,
    always_primary: bool,
    wrote: Positions,
}

impl ReadScope {
    fn new(tenant: Option<TenantId>, seen: Positions, always_primary: bool) -> Self {
        let wrote = Positions::new();
        let state = State { seen, primary: Vec::new(), always_primary, wrote };
        Self(Arc::new(Inner { tenant, state: Mutex::new(state) }))
    }

    /// A request that only reads, for an organization, by somebody who has seen this much.
    pub fn query(tenant: Option<TenantId>, seen: Positions) -> Self {
        Self::new(tenant, seen, false)
    }

    /// A request that may write: it decides on what the primary says.
    pub fn mutation(tenant: Option<TenantId>) -> Self {
        Self::new(tenant, Positions::new(), true)
    }

    /// Runs a request in this scope.
    pub async fn run<F: Future>(&self, request: F) -> F::Output {
        SCOPE.scope(self.clone(), request).await
    }

    /// What the request wrote: to be told to whoever made it.
    pub fn wrote(&self) -> Positions {
        self.state().wrote.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The scope that this task runs in.
    pub(super) fn current() -> Option<Self> {
        SCOPE.try_with(Clone::clone).ok()
    }

    pub(super) fn tenant(&self) -> Option<TenantId> {
        self.0.tenant
    }

    /// How far a replica must be to answer for this log. `None` where only the primary may.
    pub(super) fn demands(&self, log: &str) -> Option<i64> {
        let state = self.state();
        let primary = state.always_primary || state.primary.iter().any(|known| known == log);
        (!primary).then(|| state.seen.of(log))
    }

    /// Reads this log from the primary from now on.
    pub(super) fn stay_with_primary(&self, log: &str) {
        let mut state = self.state();
        if !state.primary.iter().any(|known| known == log) {
            state.primary.push(log.to_owned());
        }
    }

    pub(super) fn note_write(&self, log: &str, position: i64) {
        let mut state = self.state();
        state.seen.see(log, position);
        state.wrote.see(log, position);
    }
}

/// `tokio::spawn` that takes the scope of the request along, for DataLoaders.
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    tokio::spawn(carried(future))
}

/// The future with the scope of the request, wherever it is run.
pub fn carried<F: Future>(future: F) -> impl Future<Output = F::Output> {
    match ReadScope::current() {
        Some(scope) => Either::Left(SCOPE.scope(scope, future)),
        None => Either::Right(future),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_read_as_written() {
        let mut positions: Positions = "controls=42; evidence=17;controls=3".parse().unwrap();
        assert_eq!((positions.of("controls"), positions.of("ai")), (42, 0));
        positions.merge(&"evidence=18".parse().unwrap());
        assert_eq!(positions.to_string(), "controls=42;evidence=18");
        assert_eq!(positions.to_string().parse(), Ok(positions));
        assert!("".parse::<Positions>().unwrap().is_empty());
        for wrong in ["controls", "=1", "a b=1", "controls=x", "controls=99999999999999999999"] {
            assert_eq!(wrong.parse::<Positions>(), Err(PositionsError), "{wrong}");
        }
        let many: Vec<String> = (0..33).map(|number| format!("log{number}=1")).collect();
        assert_eq!(many.join(";").parse::<Positions>(), Err(PositionsError));
    }

    #[tokio::test]
    async fn spawned_tasks_share_the_scope_and_others_have_none() {
        assert!(ReadScope::current().is_none());
        let scope = ReadScope::query(None, Positions::new());
        scope
            .run(async {
                let demands = || ReadScope::current().and_then(|scope| scope.demands("controls"));
                assert_eq!(demands(), Some(0));
                spawn(async { ReadScope::current().unwrap().note_write("controls", 7) })
                    .await
                    .unwrap();
                assert_eq!(demands(), Some(7));
                let bare = tokio::spawn(async { ReadScope::current().is_none() });
                assert!(bare.await.unwrap());
            })
            .await;
        assert_eq!(scope.wrote().of("controls"), 7);
        let mutation = ReadScope::mutation(None);
        assert_eq!(mutation.demands("controls"), None);
    }
}
