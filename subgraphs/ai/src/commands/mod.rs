//! What the ai subgraph does: note versions, search, answer.

mod answer;
mod ask;
mod note_versions;
mod search;
mod texts;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use studio_access::{Clearance, Policy, Resource};
use studio_events::EventStore;
use studio_kernel::{Actor, Env, Id, kind};
use studio_service::{ApiError, DocumentText, Upstream};
use studio_stores::keyring::Keyring;
use tokio::sync::{mpsc, watch};

use crate::index::{Key, SearchIndex};

pub(crate) use answer::{GivenAnswer, Quoted};
pub(crate) use ask::{Asked, Refused};
pub(crate) use note_versions::NoteVersions;
pub(crate) use search::{Found, NOTHING};

/// The ai subgraph at work.
pub(crate) struct Ai {
    pub(crate) env: Env,
    pub(crate) store: EventStore,
    pub(crate) policy: Arc<Policy>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) text: Arc<dyn DocumentText>,
    pub(crate) index: Arc<SearchIndex>,
    /// The position of the log that searches see.
    pub(crate) indexed: watch::Receiver<i64>,
    /// Where documents go whose passages do not stand in them any more.
    pub(crate) doubts: mpsc::Sender<Key>,
    /// Follows the documents subgraph, from the moment that the feeds are known.
    pub(crate) documents: OnceLock<Upstream>,
}

const SEARCH: &str = "ai:search:read";
const ANSWER: &str = "ai:answer:read";

/// How long a search waits for what was uploaded a moment ago.
const PATIENCE: Duration = Duration::from_secs(2);

impl Ai {
    /// Which documents the actor may do this with: of the projects and the classes that they read, and of one
    /// project alone where that is asked for.
    fn clearance(
        &self,
        actor: &Actor,
        action: &str,
        what: &'static str,
        project: Option<Id<kind::Project>>,
    ) -> Result<Clearance, ApiError> {
        let resource = Resource::any(what, actor.tenant);
        let clearance = self.policy.clearance(actor, action, &resource)?;
        match project.filter(|project| !clearance.reaches(&project.to_string())) {
            Some(project) => Err(ApiError::not_found("project", project)),
            None => Ok(clearance),
        }
    }

    /// Waits until everything uploaded so far can be found, or for two seconds: a search does not
    /// fail because a large document is still being read.
    async fn settle(&self) {
        let settled = async {
            if let Some(documents) = self.documents.get() {
                documents.caught_up().await?;
            }
            let head = self.store.head();
            let mut indexed = self.indexed.clone();
            let reached = indexed.wait_for(|position| *position >= head).await;
            reached.map(|_| ()).map_err(ApiError::internal)
        };
        match tokio::time::timeout(PATIENCE, settled).await {
            // A fault is logged where it arises; what is indexed can be searched all the same.
            Ok(Ok(()) | Err(_)) => {}
            Err(_) => tracing::debug!("a search did not wait for the index any longer"),
        }
    }
}
