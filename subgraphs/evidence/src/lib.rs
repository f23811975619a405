//! The evidence subgraph: scans come in, and what they say is kept as findings, assets and
//! versions of evidence. It owns `Evidence`, `Finding`, `Asset` and `IngestRun`, adds `evidence`
//! and `findings` to `Control`, and lists to `Project`.
//!
//! What always holds: a file is checked whole before anything of it is recorded; the bytes are
//! kept, under their hash, before the event that names them; the same bytes in the same project
//! are one run; a run that was cut goes on where its last event left it; an older observation
//! never overrides a newer one; check results are published before a run is complete.

mod commands;
mod consumers;
mod domain;
mod error;
mod graphql;
mod names;
pub mod ocsf;
mod projections;
mod rest;

use std::sync::Arc;

use studio_events::{
    ConsumerOptions, Election, EventStore, EventStoreOptions, Leadership, LogFeed, PublishedType,
    Shown, StoreError, run_consumer,
};
use studio_kernel::{
    Payload,
    published::evidence::{CheckResultsRecorded, EvidenceRejected},
};
use studio_service::{BlobNames, Deps, Feeds, NamedBlob, Subgraph, Upstream, subgraph::Background};
use studio_stores::keyring::KeyringError;

use commands::Core;
use domain::{
    DataClassSet, EvidenceVersionAdded, RuleEvaluated, RuleRecorded, RunCompleted, RunStarted,
};

pub use error::EvidenceError;
pub use rest::openapi;

/// The name of the subgraph, of its log and of its feed.
const NAME: &str = "evidence";

/// What the others may read of the log.
static PUBLISHED: &[PublishedType] =
    &[PublishedType::of::<CheckResultsRecorded>(), PublishedType::of::<EvidenceRejected>()];

/// What the audit log may show of the events.
static SHOWN: &[Shown] = &[
    Shown::of::<EvidenceVersionAdded>(&["project", "run", "version", "sha256", "size"]),
    Shown::of::<DataClassSet>(&["project", "data_class"]),
    Shown::of::<EvidenceRejected>(&["project", "evidence_version"]),
    Shown::of::<RunStarted>(&[
        "project",
        "evidence",
        "evidence_version",
        "sha256",
        "size",
        "items",
    ]),
    Shown::of::<RunCompleted>(&["project", "results_events"]),
    Shown::of::<RuleRecorded>(&["project", "control", "evidence_name", "version"]),
    Shown::of::<RuleEvaluated>(&[
        "project",
        "rule_version",
        "evidence",
        "evidence_version",
        "collected_at",
    ]),
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

/// Builds the subgraph.
///
/// # Errors
/// When the log or its signing key cannot be opened.
pub async fn build(deps: Deps) -> Result<Subgraph, BuildError> {
    let signer = Arc::new(deps.keyring.signing_key("checkpoints").await?);
    let options = EventStoreOptions::new(deps.database, NAME, deps.env)
        .inline(projections::all())
        .signer(signer)
        .origins(deps.keyring.clone());
    let store = EventStore::open(options).await?;
    let leadership = deps.leadership;
    let core =
        Core::new(store.clone(), deps.policy, deps.notices, deps.blobs, deps.config, deps.shutdown);
    Ok(Subgraph {
        name: NAME,
        graphql: graphql::service(&core),
        routes: rest::routes(core.clone()),
        internal: axum::Router::new(),
        feed: Arc::new(LogFeed::new(store.clone(), PUBLISHED)),
        shown: SHOWN,
        store,
        start: Box::new(move |feeds| start(core, leadership, feeds)),
    })
}

/// Follows the controls subgraph, lets rules look at evidence, and takes up the runs that were cut: in
/// the process that is elected.
fn start(core: Core, leadership: Leadership, feeds: &Feeds) -> Result<Vec<Background>, StoreError> {
    let (election, campaign) = Election::of(&core.store, leadership, core.shutdown.clone());
    let (resumed, elected) = (core.clone(), election.clone());
    let mut background: Vec<Background> = vec![
        Box::pin(campaign),
        Box::pin(async move {
            tokio::select! {
                () = resumed.shutdown.cancelled() => {}
                () = resumed.keep_resumed(&elected) => {}
            }
            resumed.running.close();
            resumed.running.wait().await;
        }),
        let_rules_look(&core, election.clone())?,
    ];
    match feeds.get("controls") {
        Some(feed) => {
            let consumer = Arc::new(run_consumer(
                core.store.clone(),
                feed.clone(),
                consumers::NAME,
                Arc::new(consumers::FromControls { store: core.store.clone() }),
                ConsumerOptions::default(),
                election,
                core.shutdown.clone(),
            )?);
            // `start` runs once, so that nothing is there yet.
            let _first = core.follow(Upstream { feed: feed.clone(), consumer: consumer.clone() });
            background.push(Box::pin(async move { consumer.stopped().await }));
        }
        None => tracing::warn!("there is no feed of the controls subgraph: no project is known"),
    }
    Ok(background)
}

/// Follows the own log, and lets rules look at evidence.
fn let_rules_look(core: &Core, election: Election) -> Result<Background, StoreError> {
    let consumer = run_consumer(
        core.store.clone(),
        Arc::new(LogFeed::new(core.store.clone(), consumers::rules::FOLLOWED)),
        consumers::rules::NAME,
        Arc::new(consumers::rules::LetRulesLook(core.clone())),
        ConsumerOptions::default(),
        election,
        core.shutdown.clone(),
    )?;
    Ok(Box::pin(async move { consumer.stopped().await }))
}

/// The scans that the log names: every version of an evidence item rests on the bytes of one.
pub fn blob_names() -> BlobNames {
    BlobNames {
        event_type: EvidenceVersionAdded::TYPE,
        read: |event| {
            let added = EvidenceVersionAdded::decode(event.schema_version, &event.payload)?;
            let (version, evidence) = (added.version, &event.stream_id);
            Ok(NamedBlob {
                what: format!("version {version} of evidence {evidence} (run {})", added.run),
                sha256: added.sha256,
                size: added.size,
            })
        },
    }
}

/// The federation SDL, without a store behind it.
pub fn sdl() -> String {
    graphql::sdl()
}
