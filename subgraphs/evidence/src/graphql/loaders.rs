//! Loaders that gather the reads of one request. They are made for each request: one in the schema
//! would carry rows from one organization to another.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Request,
    dataloader::{DataLoader, Loader},
};
use studio_entities::evidence::{asset, check, code_test, finding, item, matching, run, version};
use studio_events::EventStore;
use studio_kernel::TenantId;
use studio_service::ApiError;

use crate::{
    commands::Core,
    projections::{
        Assets, Checks, CodeTests, ControlChecks, EvidenceItems, Findings, Matchings, Runs,
    },
};

/// Adds the loaders to a request.
pub(super) fn prepare(core: &Core, request: Request) -> Request {
    let loader = || Rows(core.store.clone());
    request.data(DataLoader::new(loader(), studio_stores::sql::spawn))
}

/// Reads rows by their ids, many at a time.
pub(super) struct Rows(EventStore);

macro_rules! by_id {
    ($(#[$meta:meta])* $key:ident, $model:ty, $read:path, $id:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub(super) struct $key(pub(super) TenantId, pub(super) String);

        impl Loader<$key> for Rows {
            type Value = Arc<$model>;
            type Error = ApiError;

            async fn load(&self, keys: &[$key]) -> Result<HashMap<$key, Arc<$model>>, ApiError> {
                let mut found = HashMap::with_capacity(keys.len());
                for (tenant, ids) in by_tenant(keys.iter().map(|key| (key.0, key.1.clone()))) {
                    for row in $read(&self.0, tenant, &ids).await? {
                        found.insert($key(tenant, row.$id.clone()), Arc::new(row));
                    }
                }
                Ok(found)
            }
        }
    };
}

by_id!(/// An evidence item by its id.
    EvidenceKey, item::Model, EvidenceItems::of, id);
by_id!(/// A test by a rule, by its id.
    CodeTestKey, code_test::Model, CodeTests::of, id);
by_id!(/// A finding by its id.
    FindingKey, finding::Model, Findings::of, id);
by_id!(/// An asset by its id.
    AssetKey, asset::Model, Assets::of, id);
by_id!(/// A run by its id.
    RunKey, run::Model, Runs::of, id);
by_id!(/// What became of a run's check results, by the run.
    MatchingKey, matching::Model, Matchings::of, run_id);

/// All versions of an evidence item, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct VersionsKey(pub(super) TenantId, pub(super) String);

impl Loader<VersionsKey> for Rows {
    type Value = Vec<version::Model>;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[VersionsKey],
    ) -> Result<HashMap<VersionsKey, Vec<version::Model>>, ApiError> {
        let mut found: HashMap<_, Vec<_>> = HashMap::with_capacity(keys.len());
        for (tenant, ids) in by_tenant(keys.iter().map(|key| (key.0, key.1.clone()))) {
            for row in EvidenceItems::versions(&self.0, tenant, &ids).await? {
                found.entry(VersionsKey(tenant, row.evidence_id.clone())).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// A check of a project: organization, project, check.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct CheckKey(pub(super) TenantId, pub(super) String, pub(super) String);

impl Loader<CheckKey> for Rows {
    type Value = Arc<check::Model>;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[CheckKey],
    ) -> Result<HashMap<CheckKey, Arc<check::Model>>, ApiError> {
        let mut projects: HashMap<_, Vec<_>> = HashMap::new();
        for CheckKey(tenant, project, check) in keys {
            projects.entry((*tenant, project.clone())).or_default().push(check.clone());
        }
        let mut found = HashMap::with_capacity(keys.len());
        for ((tenant, project), checks) in projects {
            for row in Checks::of(&self.0, tenant, &project, &checks).await? {
                let key = CheckKey(tenant, project.clone(), row.check_id.clone());
                found.insert(key, Arc::new(row));
            }
        }
        Ok(found)
    }
}

/// What a control rests on: its project and the checks of its tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RestsOn {
    pub(super) project: String,
    pub(super) checks: Vec<String>,
}

/// The checks of a control.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ControlKey(pub(super) TenantId, pub(super) String);

impl Loader<ControlKey> for Rows {
    type Value = RestsOn;
    type Error = ApiError;

    async fn load(&self, keys: &[ControlKey]) -> Result<HashMap<ControlKey, RestsOn>, ApiError> {
        let mut found: HashMap<_, RestsOn> = HashMap::with_capacity(keys.len());
        for (tenant, controls) in by_tenant(keys.iter().map(|key| (key.0, key.1.clone()))) {
            for row in ControlChecks::of(&self.0, tenant, &controls).await? {
                let none = || RestsOn { project: row.project_id.clone(), checks: Vec::new() };
                let key = ControlKey(tenant, row.control_id.clone());
                found.entry(key).or_insert_with(none).checks.push(row.check_id);
            }
        }
        Ok(found)
    }
}

/// A request has one organization; keys that name another are read apart all the same.
fn by_tenant(keys: impl Iterator<Item = (TenantId, String)>) -> HashMap<TenantId, Vec<String>> {
    let mut grouped: HashMap<_, Vec<String>> = HashMap::new();
    for (tenant, key) in keys {
        grouped.entry(tenant).or_default().push(key);
    }
    grouped
}
