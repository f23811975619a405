//! What other processes fill themselves with, a page at a time: how a page is asked for and answered,
//! whatever it holds.

use std::time::Duration;

use axum::extract::{Query, rejection::QueryRejection};
use serde::{Deserialize, de::DeserializeOwned};
use studio_kernel::{Code, Id, id::Kind};
use studio_service::{ApiError, internal::InternalClient};

use super::RemoteError;

/// Which page is asked for: the one after an id, or the first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub(super) struct PageQuery<K: Kind> {
    after: Option<Id<K>>,
}

/// A page query as it came.
pub(super) type Asked<K> = Result<Query<PageQuery<K>>, QueryRejection>;

/// The id after which the page begins that is asked for.
pub(super) fn after<K: Kind>(asked: Asked<K>) -> Result<Option<String>, ApiError> {
    let Query(PageQuery { after }) =
        asked.map_err(|rejected| ApiError::new(Code::BadRequest, rejected.body_text()))?;
    Ok(after.map(|after| after.to_string()))
}

/// Asks identity for the page after an id, of so many bytes at most.
pub(super) async fn page<K: Kind, P: DeserializeOwned>(
    client: &InternalClient,
    path: &str,
    after: Option<Id<K>>,
    longest: usize,
) -> Result<P, RemoteError> {
    let query: Vec<_> = after.iter().map(|after| ("after", after.to_string())).collect();
    let body = client.get(path, &query, longest, Duration::ZERO).await?;
    serde_json::from_slice(&body.bytes).map_err(|error| RemoteError::Answer {
        replica: body.replica.clone(),
        cause: error.to_string(),
    })
}

/// The same of what an identity of an older version does not tell: `None` there.
pub(super) async fn page_if_told<K: Kind, P: DeserializeOwned>(
    client: &InternalClient,
    path: &str,
    after: Option<Id<K>>,
    longest: usize,
) -> Result<Option<P>, RemoteError> {
    match page(client, path, after, longest).await {
        Err(error) if error.is_no_such_path() => Ok(None),
        answer => answer.map(Some),
    }
}
