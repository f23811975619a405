//! Loaders that gather the reads of one request. They are made for each request: one in the schema
//! would carry rows from one organization to another.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    Request,
    dataloader::{DataLoader, Loader},
};
use studio_entities::documents::{control, document, version};
use studio_events::EventStore;
use studio_kernel::TenantId;
use studio_service::ApiError;

use crate::{
    commands::Documents,
    projections::{controls, documents},
};

/// Adds the loaders to a request.
pub(super) fn prepare(documents: &Documents, request: Request) -> Request {
    let store = || documents.store.clone();
    request
        .data(DataLoader::new(DocumentById(store()), studio_stores::sql::spawn))
        .data(DataLoader::new(VersionByNumber(store()), studio_stores::sql::spawn))
        .data(DataLoader::new(ControlsOfDocument(store()), studio_stores::sql::spawn))
}

/// A key within one organization.
pub(super) type Key<T> = (TenantId, T);

pub(super) struct DocumentById(EventStore);

impl Loader<Key<String>> for DocumentById {
    type Value = Arc<document::Model>;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[Key<String>],
    ) -> Result<HashMap<Key<String>, Self::Value>, ApiError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (tenant, ids) in by_tenant(keys) {
            for row in documents::by_ids(&self.0, tenant, &ids).await? {
                found.insert((tenant, row.id.clone()), Arc::new(row));
            }
        }
        Ok(found)
    }
}

pub(super) struct VersionByNumber(EventStore);

impl Loader<Key<(String, i64)>> for VersionByNumber {
    type Value = Arc<version::Model>;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[Key<(String, i64)>],
    ) -> Result<HashMap<Key<(String, i64)>, Self::Value>, ApiError> {
        let mut found = HashMap::with_capacity(keys.len());
        for (tenant, wanted) in by_tenant(keys) {
            for row in documents::versions_by_numbers(&self.0, tenant, &wanted).await? {
                found.insert((tenant, (row.document.clone(), row.number)), Arc::new(row));
            }
        }
        Ok(found)
    }
}

pub(super) struct ControlsOfDocument(EventStore);

impl Loader<Key<String>> for ControlsOfDocument {
    type Value = Vec<control::Model>;
    type Error = ApiError;

    async fn load(
        &self,
        keys: &[Key<String>],
    ) -> Result<HashMap<Key<String>, Self::Value>, ApiError> {
        let mut found: HashMap<_, Self::Value> = HashMap::with_capacity(keys.len());
        for (tenant, ids) in by_tenant(keys) {
            for row in controls::of_documents(&self.0, tenant, &ids).await? {
                found.entry((tenant, row.document.clone())).or_default().push(row);
            }
        }
        Ok(found)
    }
}

/// A request has one organization; keys that name another are read apart all the same.
fn by_tenant<T: Clone>(keys: &[Key<T>]) -> HashMap<TenantId, Vec<T>> {
    let mut grouped: HashMap<_, Vec<T>> = HashMap::new();
    for (tenant, key) in keys {
        grouped.entry(*tenant).or_default().push(key.clone());
    }
    grouped
}
