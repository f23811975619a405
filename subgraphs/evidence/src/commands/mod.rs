//! What changes evidence: taking a scan in, and rejecting a version of an evidence item. Each asks
//! the policy first.

mod batch;
mod classify;
mod hand_in;
mod ingest;
mod look;
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

use studio_access::{Clearance, Extent, Policy, Resource};
use studio_entities::evidence::item;
use studio_events::EventStore;
use studio_kernel::{Actor, Id, TenantId, kind};
use studio_service::{ApiError, Config, Upstream, notices::Notices};
use studio_stores::blobs::Blobs;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::projections::EvidenceItems;

pub(crate) use classify::Classified;
pub(crate) use hand_in::HandIn;
pub(crate) use ingest::{Ingested, Upload};
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

pub(crate) const READ: &str = "evidence:evidence:read";
const UPDATE: &str = "evidence:evidence:update";

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

    /// What of things of that kind, which are kept as closely as the evidence that they are from, the actor may
    /// do this to.
    pub(crate) fn clearance(
        &self,
        actor: &Actor,
        action: &str,
        kind: &'static str,
    ) -> Result<Clearance, ApiError> {
        Ok(self.policy.clearance(actor, action, &Resource::any(kind, actor.tenant))?)
    }

    /// Evidence as the policies see it, to be changed: it belongs to whoever brought its first version in. What
    /// they do not read is none for whoever reads evidence, whatever else they may do to it.
    async fn evidence(
        &self,
        actor: &Actor,
        id: Id<kind::Evidence>,
    ) -> Result<(Resource, Option<item::Model>), ApiError> {
        let resource = Resource::one("Evidence", id, actor.tenant);
        let any = Resource::any("Evidence", actor.tenant);
        let reads = self.policy.clearance_if_any(actor, READ, &any);
        let row = EvidenceItems::of(&self.store, actor.tenant, &[id.to_string()]).await?.pop();
        let seen = |row: &item::Model| match &reads {
            Some(clearance) => EvidenceItems::reads(clearance, row),
            None => true,
        };
        let Some(row) = row.filter(seen) else { return Ok((resource.nowhere(), None)) };
        let mut resource = resource
            .of_project(row.project_id.parse().map_err(ApiError::internal)?)
            .classed(row.data_class.parse().map_err(ApiError::internal)?);
        if let Some(owner) = &row.owner {
            resource = resource.owned_by(owner.parse().map_err(ApiError::internal)?);
        }
        Ok((resource, Some(row)))
    }

    /// The one who holds it is the only one of this process that records in the project. What
    /// keeps processes apart is the claim in the log.
    fn intake(&self, tenant: TenantId, project: Id<kind::Project>) -> Turn {
        let mut intakes = self.intakes.lock().unwrap_or_else(PoisonError::into_inner);
        intakes.entry((tenant, project)).or_default().clone()
    }
}
