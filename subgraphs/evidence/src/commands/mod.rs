//! What changes evidence: taking a scan in, and rejecting a version of an evidence item. Each asks
//! the policy first.

mod batch;
mod ingest;
mod notes;
mod record;
mod reject;
mod resume;
mod settle;
mod sums;
mod upload;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use studio_access::{Extent, Policy, Resource};
use studio_events::EventStore;
use studio_kernel::{Actor, Id, TenantId, kind};
use studio_service::{ApiError, Config, Upstream, notices::Notices};
use studio_stores::blobs::Blobs;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

pub(crate) use ingest::Upload;
pub(crate) use reject::Rejection;
pub(crate) use upload::Encoding;

/// What every command and query works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Core(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: EventStore,
    pub(crate) policy: Arc<Policy>,
    /// What is recorded beside that.
    pub(crate) notices: Arc<Notices>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) config: Arc<Config>,
    pub(crate) shutdown: CancellationToken,
    /// Runs that are being recorded outlive the requests that brought them.
    pub(crate) running: TaskTracker,
    /// The controls subgraph.
    upstream: OnceLock<Upstream>,
    intakes: Mutex<HashMap<(TenantId, Id<kind::Project>), Turn>>,
}

/// Held by the one who records in a project.
type Turn = Arc<tokio::sync::Mutex<()>>;

impl std::ops::Deref for Core {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Core {
    pub(crate) fn new(
        store: EventStore,
        policy: Arc<Policy>,
        notices: Arc<Notices>,
        blobs: Arc<dyn Blobs>,
        config: Arc<Config>,
        shutdown: CancellationToken,
    ) -> Self {
        Self(Arc::new(Inner {
            store,
            policy,
            notices,
            blobs,
            config,
            shutdown,
            running: TaskTracker::new(),
            upstream: OnceLock::new(),
            intakes: Mutex::default(),
        }))
    }

    /// Follows the controls subgraph from now on. False where it is followed already.
    pub(crate) fn follow(&self, upstream: Upstream) -> bool {
        self.upstream.set(upstream).is_ok()
    }

    /// What is followed.
    pub(crate) fn upstream(&self) -> Option<&Upstream> {
        self.upstream.get()
    }

    /// How far the actor may do this to things of that kind.
    pub(crate) fn extent(
        &self,
        actor: &Actor,
        action: &str,
        kind: &'static str,
    ) -> Result<Extent, ApiError> {
        Ok(self.policy.extent(actor, action, &Resource::any(kind, actor.tenant))?)
    }

    /// The one who holds it is the only one of this process that records in the project. What
    /// keeps processes apart is the claim in the log.
    fn intake(&self, tenant: TenantId, project: Id<kind::Project>) -> Turn {
        let mut intakes = self.intakes.lock().unwrap_or_else(PoisonError::into_inner);
        intakes.entry((tenant, project)).or_default().clone()
    }
}
