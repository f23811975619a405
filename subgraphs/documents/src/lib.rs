//! The documents subgraph: files with their versions, kept by their hash, and which controls they
//! speak of. It owns `Document` and `DocumentVersion` and adds `documents` to `Control`.
//!
//! What always holds: the bytes of a version are in the store before the event that names them;
//! what a version holds never changes; no text of a document is in an event or in a log line.

mod commands;
mod domain;
mod graphql;
#[doc(hidden)]
pub mod parsers;
mod projections;
mod rest;
mod text;

use std::sync::{Arc, OnceLock};

use studio_events::{
    ConsumerOptions, Election, EventStore, EventStoreOptions, Leadership, LogFeed, PublishedType,
    Shown, StoreError, run_consumer,
};
use studio_kernel::{
    Payload,
    published::documents::{DocumentClassified, DocumentVersionStored},
};
use studio_service::{
    BlobNames, Deps, DocumentText, Feeds, NamedBlob, Subgraph, Upstream, internal::text_routes,
    subgraph::Background,
};
use studio_stores::keyring::KeyringError;
use tokio_util::sync::CancellationToken;

use commands::{Documents, NoteProjects};
use domain::{ControlLinked, ControlUnlinked, DocumentCreated};

pub use rest::openapi;

/// The name of the subgraph, of its log and of its feed.
const NAME: &str = "documents";

/// What the others may read of the log.
static PUBLISHED: &[PublishedType] =
    &[PublishedType::of::<DocumentVersionStored>(), PublishedType::of::<DocumentClassified>()];

/// What the audit log may show of the events: not what documents are called.
static SHOWN: &[Shown] = &[
    Shown::of::<DocumentCreated>(&["project", "data_class"]),
    Shown::of::<DocumentClassified>(&["data_class"]),
    Shown::of::<DocumentVersionStored>(&["version", "number", "media_type", "sha256", "size"]),
    Shown::of::<ControlLinked>(&["control"]),
    Shown::of::<ControlUnlinked>(&["control"]),
];

/// Why the subgraph cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The event store does not open.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key that signs checkpoints of the log cannot be used.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

/// Builds the subgraph, and the port through which the ai subgraph reads the documents' text.
///
/// # Errors
/// When the log or its signing key cannot be opened.
pub async fn build(deps: Deps) -> Result<(Subgraph, Arc<dyn DocumentText>), BuildError> {
    let options = EventStoreOptions::new(deps.database, NAME, deps.env.clone())
        .inline(projections::all())
        .signer(Arc::new(deps.keyring.signing_key("checkpoints").await?))
        .origins(deps.keyring.clone());
    let store = EventStore::open(options).await?;
    let documents = Arc::new(Documents {
        env: deps.env,
        store: store.clone(),
        policy: deps.policy,
        notices: deps.notices,
        blobs: deps.blobs.clone(),
        limit: deps.config.limits.document,
        controls: OnceLock::new(),
    });
    let text: Arc<dyn DocumentText> =
        Arc::new(text::StoredText { store: store.clone(), blobs: deps.blobs });
    let (leadership, shutdown) = (deps.leadership, deps.shutdown);
    let subgraph = Subgraph {
        name: NAME,
        graphql: graphql::service(&documents),
        routes: rest::routes(documents.clone()),
        internal: text_routes(text.clone()),
        feed: Arc::new(LogFeed::new(store.clone(), PUBLISHED)),
        shown: SHOWN,
        store,
        start: Box::new(move |feeds| start(documents, leadership, feeds, shutdown)),
    };
    Ok((subgraph, text))
}

fn start(
    documents: Arc<Documents>,
    leadership: Leadership,
    feeds: &Feeds,
    shutdown: CancellationToken,
) -> Result<Vec<Background>, StoreError> {
    let (election, campaign) = Election::of(&documents.store, leadership, shutdown.clone());
    let (swept, elected, ends) = (documents.clone(), election.clone(), shutdown.clone());
    let mut background: Vec<Background> =
        vec![Box::pin(campaign), Box::pin(async move { swept.keep_swept(&elected, &ends).await })];
    if let Some(feed) = feeds.get("controls") {
        let handler = Arc::new(NoteProjects { store: documents.store.clone() });
        let consumer = Arc::new(run_consumer(
            documents.store.clone(),
            feed.clone(),
            NoteProjects::NAME,
            handler,
            ConsumerOptions::default(),
            election,
            shutdown,
        )?);
        let running = consumer.clone();
        background.push(Box::pin(async move { running.stopped().await }));
        // `start` runs once, so that nothing is there yet.
        let _first = documents.controls.set(Upstream { feed: feed.clone(), consumer });
    }
    Ok(background)
}

/// The bytes that the log names: those of every version of a document.
pub fn blob_names() -> BlobNames {
    BlobNames {
        event_type: DocumentVersionStored::TYPE,
        read: |event| {
            let stored = DocumentVersionStored::decode(event.schema_version, &event.payload)?;
            Ok(NamedBlob {
                what: format!("version {} of document {}", stored.number, stored.document),
                sha256: stored.sha256,
                size: stored.size,
            })
        },
    }
}

/// The federation SDL, without a store behind it.
pub fn sdl() -> String {
    graphql::sdl()
}
