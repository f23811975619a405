//! The controls subgraph: projects, frameworks, controls, their tests and dependencies, and the
//! scores that follow from them.
//!
//! The way of a fact: a command ([`domain::project`] decides, `commands` append) or the process
//! manager (`process`, which takes in what the evidence subgraph publishes) records it in the
//! project's stream; inline projections make it readable; the score engine (`scores`) computes what
//! it touches and records a `ScoreChanged`; subscribers read that from the log. Beside it `graph`
//! follows the same log into the graph port, for the questions that go from one thing to the next.

mod app;
mod commands;
pub mod domain;
mod graph;
mod graphql;
mod process;
mod projections;
mod rest;
mod scores;

use std::{sync::Arc, time::Duration};

use studio_events::{
    ConsumerOptions, Election, EventStore, EventStoreOptions, LogFeed, PublishedType, Shown,
    StoreError, run_consumer,
};
use studio_kernel::published::controls::{
    CheckResultsMatched, ControlTestAdded, ControlTestRuleSet, ProjectArchived, ProjectCreated,
    ProjectRenamed, ProjectRestored, ScoreAlertCleared, ScoreAlertRaised,
};
use studio_service::{Deps, Feeds, Subgraph, subgraph::Background};
use studio_stores::keyring::KeyringError;

pub use rest::openapi;

use app::{App, CatalogCache};
use domain::{
    framework::FrameworkImported,
    project::events::{
        ControlCreated, ControlReinstated, ControlRetired, ControlReviewed, ControlUpdated,
        CorrectionRejected, DependencyAdded, DependencyRemoved, EvidenceDiscounted,
        ExceptionApproved, ExceptionProposed, ExceptionRejected, ExceptionRevoked,
        FrameworkAdopted, MappingApproved, MappingProposed, MappingRejected, MappingWithdrawn,
        NonconformityClosed, NonconformityCorrected, NonconformityOpened, NotApplicableApproved,
        NotApplicableProposed, NotApplicableRejected, NotApplicableWithdrawn, RequirementMapped,
        RequirementUnmapped, TestChanged, TestResultRecorded, TestResultRejected,
        TestResultSignedOff, TestRetired, TestRuleChanged,
    },
    score_watch::{
        ScoreAlertAcknowledged, ScoreAlertChanged, ScoreAlertCreated, ScoreAlertRemoved,
        ScoreTargetRemoved, ScoreTargetSet,
    },
};
use graph::Graphs;
use scores::Scores;

/// The subgraph's name in the supergraph and of its log.
pub const NAME: &str = "controls";

/// How often the score engine looks at the clock.
const TICK: Duration = Duration::from_millis(500);

/// What the other subgraphs may learn.
static PUBLISHED: &[PublishedType] = &[
    PublishedType::of::<ProjectCreated>(),
    PublishedType::of::<ProjectRenamed>(),
    PublishedType::of::<ProjectArchived>(),
    PublishedType::of::<ProjectRestored>(),
    PublishedType::of::<ControlTestAdded>(),
    PublishedType::as_part::<TestRuleChanged, ControlTestRuleSet>(),
    PublishedType::of::<CheckResultsMatched>(),
    PublishedType::of::<ScoreAlertRaised>(),
    PublishedType::of::<ScoreAlertCleared>(),
];

/// What the audit log may show of the events.
static SHOWN: &[Shown] = &[
    Shown::of::<FrameworkImported>(&["sha256", "family", "edition", "requirement_count"]),
    Shown::of::<FrameworkAdopted>(&["project", "framework", "sha256", "implementation"]),
    Shown::of::<ControlCreated>(&["project", "stated.implementation", "stated.owner"])
        .about("control")
        .state(&["implementation", "owner"]),
    Shown::of::<ControlUpdated>(&["project", "stated.implementation", "stated.owner"])
        .about("control")
        .state(&["implementation", "owner"]),
    Shown::of::<ControlRetired>(&["project", "implementation"])
        .about("control")
        .state(&["implementation"]),
    Shown::of::<ControlReinstated>(&["project"]).about("control"),
    Shown::of::<ControlReviewed>(&["project", "reviewed_by"]).about("control"),
    Shown::of::<RequirementMapped>(&["project", "requirement", "share"]).about("control"),
    Shown::of::<RequirementUnmapped>(&["project", "requirement"]).about("control"),
    Shown::of::<DependencyAdded>(&["project", "dependency", "depends_on", "strength"])
        .about("control"),
    Shown::of::<DependencyRemoved>(&["project", "dependency", "depends_on"]).about("control"),
    Shown::of::<ControlTestAdded>(&[
        "project",
        "control",
        "check",
        "weight",
        "key",
        "validity_days",
    ])
    .about("test"),
    Shown::of::<TestRuleChanged>(&["project", "control", "evidence_name", "version"]).about("test"),
    Shown::of::<TestResultRecorded>(&["project", "outcome", "effective_from", "effective_to"])
        .about("test")
        .state(&["outcome"]),
    Shown::of::<TestChanged>(&[
        "project",
        "control",
        "check",
        "stated.weight",
        "stated.key",
        "stated.validity_days",
        "stated.assessment.method",
        "stated.assessment.sign_off",
    ])
    .about("test"),
    Shown::of::<TestRetired>(&["project", "control", "check"]).about("test"),
    Shown::of::<TestResultSignedOff>(&["project", "result", "effective_from", "signed_by"])
        .about("test"),
    Shown::of::<TestResultRejected>(&["project", "result", "rejected_by"]).about("test"),
    Shown::of::<CheckResultsMatched>(&["run", "tests_added", "summaries_recorded"]),
    Shown::of::<EvidenceDiscounted>(&["evidence", "evidence_version"]),
    Shown::of::<NotApplicableProposed>(&["project", "requirement", "proposed_by"])
        .about("declaration"),
    Shown::of::<NotApplicableApproved>(&["project", "requirement", "approved_by"])
        .about("declaration"),
    Shown::of::<NotApplicableRejected>(&["project", "requirement", "rejected_by"])
        .about("declaration"),
    Shown::of::<NotApplicableWithdrawn>(&["project", "requirement", "withdrawn_by"])
        .about("declaration"),
    Shown::of::<NonconformityOpened>(&["project", "control", "grade", "evidence", "opened_by"])
        .about("nonconformity"),
    Shown::of::<NonconformityCorrected>(&["project", "control", "corrected_by"])
        .about("nonconformity"),
    Shown::of::<CorrectionRejected>(&["project", "control", "rejected_by"]).about("nonconformity"),
    Shown::of::<NonconformityClosed>(&["project", "control", "verified_by"]).about("nonconformity"),
    Shown::of::<ExceptionProposed>(&[
        "project",
        "terms.compensating",
        "terms.expires_at",
        "proposed_by",
    ])
    .about("exception"),
    Shown::of::<ExceptionApproved>(&[
        "project",
        "terms.compensating",
        "terms.expires_at",
        "approved_by",
    ])
    .about("exception"),
    Shown::of::<MappingProposed>(&[
        "project",
        "terms.source",
        "terms.target",
        "terms.relation",
        "terms.strength",
        "proposed_by",
    ])
    .about("mapping"),
    Shown::of::<MappingApproved>(&["project", "terms.source", "terms.target", "approved_by"])
        .about("mapping"),
    Shown::of::<MappingRejected>(&["project", "rejected_by"]).about("mapping"),
    Shown::of::<MappingWithdrawn>(&["project", "withdrawn_by"]).about("mapping"),
    Shown::of::<ExceptionRejected>(&["project", "rejected_by"]).about("exception"),
    Shown::of::<ExceptionRevoked>(&["project", "revoked_by"]).about("exception"),
    Shown::of::<ScoreTargetSet>(&[
        "project",
        "terms.score",
        "terms.coverage",
        "terms.by",
        "set_by",
    ])
    .about("framework"),
    Shown::of::<ScoreTargetRemoved>(&["project", "removed_by"]).about("framework"),
    Shown::of::<ScoreAlertCreated>(&["project", "framework", "terms.when", "created_by"])
        .about("alert"),
    Shown::of::<ScoreAlertChanged>(&["project", "terms.when", "changed_by"]).about("alert"),
    Shown::of::<ScoreAlertRemoved>(&["project", "removed_by"]).about("alert"),
    Shown::of::<ScoreAlertAcknowledged>(&["project", "raising", "acknowledged_by"]).about("alert"),
    Shown::of::<ScoreAlertRaised>(&["project", "framework", "raising", "lo", "coverage"])
        .about("alert"),
    Shown::of::<ScoreAlertCleared>(&["project", "framework", "raising"]).about("alert"),
];

/// Why the subgraph cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The event store cannot be opened.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The keyring gives no key.
    #[error(transparent)]
    Keyring(#[from] KeyringError),
}

/// Builds the subgraph. Its score engine, and what it consumes from others, run from
/// [`Subgraph::start`] on: until then live scores wait.
///
/// # Errors
/// The event store cannot be opened, or the keyring gives no key.
pub async fn build(deps: Deps) -> Result<Subgraph, BuildError> {
    let options = EventStoreOptions::new(deps.database.clone(), NAME, deps.env.clone())
        .inline(projections::all())
        .signer(Arc::new(deps.keyring.signing_key("checkpoints").await?))
        .origins(deps.keyring.clone());
    let store = EventStore::open(options).await?;
    let app = Arc::new(App {
        store: store.clone(),
        env: deps.env.clone(),
        policy: deps.policy.clone(),
        scores: Scores::new(
            store.clone(),
            deps.env.clone(),
            deps.policy.clone(),
            deps.config.limits.score_facts,
        ),
        catalogs: CatalogCache::new(store.clone()),
        graphs: Graphs::new(store.clone(), deps.graph.clone()),
        catalog_limit: deps.config.limits.catalog,
    });
    Ok(Subgraph {
        name: NAME,
        graphql: graphql::serve(&app),
        routes: rest::routes(&app),
        internal: axum::Router::new(),
        store: store.clone(),
        feed: Arc::new(LogFeed::new(store, PUBLISHED)),
        shown: SHOWN,
        start: Box::new(move |feeds| start(&app, &deps, feeds)),
    })
}

/// The score engine and what feeds the graph, both for as long as requests are answered, which wait
/// for them; and taking in what the evidence subgraph publishes: by the process that is elected.
fn start(app: &Arc<App>, deps: &Deps, feeds: &Feeds) -> Result<Vec<Background>, StoreError> {
    let (election, campaign) = Election::of(&app.store, deps.leadership, deps.shutdown.clone());
    let campaign: Background = Box::pin(campaign);
    let engine: Background =
        Box::pin(scores::run(app.scores.clone(), TICK, election.clone(), deps.drained.clone()));
    let graph: Background = Box::pin(graph::run(app.graphs.clone(), deps.drained.clone()));
    let Some(feed) = feeds.get("evidence") else {
        tracing::warn!("no feed of the evidence subgraph: scans will make no tests");
        return Ok(vec![campaign, engine, graph]);
    };
    let consumer = run_consumer(
        app.store.clone(),
        feed.clone(),
        process::NAME,
        Arc::new(process::ProcessManager(app.clone())),
        ConsumerOptions::default(),
        election,
        deps.shutdown.clone(),
    )?;
    let shutdown = deps.shutdown.clone();
    let intake: Background = Box::pin(async move {
        shutdown.cancelled().await;
        consumer.stop().await;
    });
    Ok(vec![campaign, engine, graph, intake])
}

/// The federation SDL, without a store behind it.
pub fn sdl() -> String {
    graphql::sdl()
}
