//! What every command and query of this subgraph works with.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use studio_access::{Denied, Extent, Policy, Resource};
use studio_events::{EventStore, StoreError};
use studio_kernel::{Actor, Env, Id, TenantId, kind};
use studio_service::ApiError;

use crate::{
    domain::{
        framework::Framework,
        matching::CatalogIndex,
        project::{Catalogs, NewIds, Project},
    },
    graph::Graphs,
    projections::read::Read,
    scores::Scores,
};

/// The parts of this subgraph, shared by all requests.
pub(crate) struct App {
    pub(crate) store: EventStore,
    pub(crate) env: Env,
    pub(crate) policy: Arc<Policy>,
    pub(crate) scores: Scores,
    pub(crate) catalogs: CatalogCache,
    pub(crate) graphs: Graphs,
    /// The largest framework document, in bytes.
    pub(crate) catalog_limit: usize,
}

impl App {
    /// Lets the actor act within the own organization, or says why not.
    pub(crate) fn require(
        &self,
        actor: &Actor,
        action: &str,
        resource: &Resource,
    ) -> Result<(), ApiError> {
        let scope = self.policy.require(actor, action, resource).map_err(denied)?;
        debug_assert_eq!(scope.tenant(), actor.tenant);
        Ok(())
    }

    /// Lets the actor see things of a kind, and gives the read models to see them in: as far as they see
    /// things of that kind, and the projects that these lie in.
    pub(crate) fn read(&self, actor: &Actor, action: &str) -> Result<Read, ApiError> {
        let resource = Resource::any("Controls", actor.tenant);
        let mut extent = self.policy.extent(actor, action, &resource).map_err(denied)?;
        if !actor.projects.is_empty() {
            extent = extent.and(&self.seen_projects(actor)?);
        }
        Ok(Read::within(&self.store, extent))
    }

    /// The projects that the actor sees.
    pub(crate) fn seen_projects(&self, actor: &Actor) -> Result<Extent, ApiError> {
        let resource = Resource::any("Project", actor.tenant);
        self.policy.extent(actor, "controls:project:read", &resource).map_err(denied)
    }

    /// Fresh ids.
    pub(crate) fn ids(&self) -> Ids<'_> {
        Ids(&self.env)
    }
}

/// The policy's no, for the client.
pub(crate) fn denied(denied: Denied) -> ApiError {
    ApiError::new(denied.code(), denied.to_string())
}

/// Ids from the environment.
pub(crate) struct Ids<'a>(pub(crate) &'a Env);

impl NewIds for Ids<'_> {
    fn control(&mut self) -> Id<kind::Control> {
        self.0.id()
    }

    fn test(&mut self) -> Id<kind::ControlTest> {
        self.0.id()
    }
}

type Known = HashMap<(TenantId, Id<kind::Framework>), Arc<CatalogIndex>>;

/// Imported catalogs, made ready for matching. A catalog never changes once it is imported.
pub(crate) struct CatalogCache {
    store: EventStore,
    known: Mutex<Known>,
}

/// Catalogs that are kept; beyond that all are dropped and read again.
const KEPT: usize = 128;

impl CatalogCache {
    pub(crate) fn new(store: EventStore) -> Self {
        Self { store, known: Mutex::new(HashMap::new()) }
    }

    /// The catalogs of the frameworks that a project has adopted.
    pub(crate) async fn of(
        &self,
        tenant: TenantId,
        project: &Project,
    ) -> Result<Catalogs, StoreError> {
        let mut catalogs = Catalogs::new();
        for (framework, sha256) in &project.frameworks {
            let known = self.lock().get(&(tenant, *framework)).cloned();
            let index = match known {
                Some(index) => Some(index),
                None => {
                    let loaded = self.store.load::<Framework>(tenant, sha256).await?;
                    self.keep(tenant, &loaded.state)
                }
            };
            if let Some(index) = index {
                catalogs.insert(*framework, index);
            }
        }
        Ok(catalogs)
    }

    /// Makes a catalog ready and keeps it.
    pub(crate) fn keep(
        &self,
        tenant: TenantId,
        framework: &Framework,
    ) -> Option<Arc<CatalogIndex>> {
        let id = framework.imported.as_ref()?.framework;
        let index = Arc::new(framework.index()?);
        let mut known = self.lock();
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert((tenant, id), index.clone());
        Some(index)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
