//! The ai subgraph: full-text search over the documents, and answers that quote them. It owns
//! `Answer` and its citations.
//!
//! What always holds: a quote is, byte for byte, what stands in the version that is cited; no text
//! of a document is in an event or in a log line; a question is encrypted with the key of the
//! person who asked it; a search sees one organization only.

mod commands;
mod domain;
mod graphql;
mod index;
#[doc(hidden)]
pub mod parsers;
mod projections;

use std::sync::{Arc, OnceLock};

use studio_events::{
    ConsumerOptions, Election, EventStore, EventStoreOptions, Leadership, LogFeed, PublishedType,
    Shown, StoreError, run_consumer,
};
use studio_service::{Deps, DocumentText, Feeds, Subgraph, Upstream, subgraph::Background};
use studio_stores::keyring::KeyringError;
use tokio_util::sync::CancellationToken;

use commands::{Ai, NoteVersions};
use domain::QuestionAnswered;
use index::{Follower, IndexError, SearchIndex};

/// The name of the subgraph, of its log and of its feed.
const NAME: &str = "ai";
/// The folder of the full-text index within the data folder.
const INDEX: &str = "ai-index";

/// What the others may read of the log: nothing so far.
static PUBLISHED: &[PublishedType] = &[];

/// What the audit log may show of the events: neither questions nor passages.
static SHOWN: &[Shown] = &[Shown::of::<QuestionAnswered>(&["project", "model"])];

/// Why the subgraph cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The event store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key that signs checkpoints of the log cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
    /// The full-text index does not open, and cannot be built again either.
    #[error("{0}: give the user that runs Studio the right to write there, and free some space")]
    Index(String),
}

impl From<IndexError> for BuildError {
    fn from(error: IndexError) -> Self {
        Self::Index(error.to_string())
    }
}

/// Builds the subgraph; `text` gives it the documents' text.
///
/// # Errors
/// When the log or the full-text index cannot be opened.
pub async fn build(deps: Deps, text: Arc<dyn DocumentText>) -> Result<Subgraph, BuildError> {
    let options = EventStoreOptions::new(deps.database, NAME, deps.env.clone())
        .inline(projections::all())
        .signer(Arc::new(deps.keyring.signing_key("checkpoints").await?))
        .origins(deps.keyring.clone());
    let store = EventStore::open(options).await?;
    let path = deps.config.data_dir.join(INDEX);
    let index = tokio::task::spawn_blocking(move || SearchIndex::open(path))
        .await
        .map_err(IndexError::Broken)??;
    let index = Arc::new(index);
    let follower = Follower::new(store.clone(), text.clone(), index.clone());
    let ai = Arc::new(Ai {
        env: deps.env,
        store: store.clone(),
        policy: deps.policy,
        keyring: deps.keyring,
        text,
        index,
        indexed: follower.reached(),
        doubts: follower.doubts(),
        documents: OnceLock::new(),
    });
    let (leadership, shutdown) = (deps.leadership, deps.shutdown);
    Ok(Subgraph {
        name: NAME,
        graphql: graphql::service(&ai),
        routes: axum::Router::new(),
        internal: axum::Router::new(),
        feed: Arc::new(LogFeed::new(store.clone(), PUBLISHED)),
        shown: SHOWN,
        store,
        start: Box::new(move |feeds| start(&ai, follower, leadership, feeds, &shutdown)),
    })
}

fn start(
    ai: &Ai,
    follower: Follower,
    leadership: Leadership,
    feeds: &Feeds,
    shutdown: &CancellationToken,
) -> Result<Vec<Background>, StoreError> {
    let (election, campaign) = Election::of(&ai.store, leadership, shutdown.clone());
    // The index is each process's own, and so is the work on it.
    let mut background: Vec<Background> =
        vec![Box::pin(campaign), Box::pin(follower.run(shutdown.clone()))];
    if let Some(feed) = feeds.get("documents") {
        let handler = Arc::new(NoteVersions { store: ai.store.clone() });
        let consumer = Arc::new(run_consumer(
            ai.store.clone(),
            feed.clone(),
            NoteVersions::NAME,
            handler,
            ConsumerOptions::default(),
            election,
            shutdown.clone(),
        )?);
        let running = consumer.clone();
        background.push(Box::pin(async move { running.stopped().await }));
        // `start` runs once, so that nothing is there yet.
        let _first = ai.documents.set(Upstream { feed: feed.clone(), consumer });
    }
    Ok(background)
}

/// The federation SDL, without a store behind it.
pub fn sdl() -> String {
    graphql::sdl()
}
