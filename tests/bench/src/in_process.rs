//! A controls subgraph in this process, on a SQLite file, with nothing around it: what is measured is the
//! subgraph alone.

use std::{path::Path, sync::Arc};

use anyhow::bail;
use async_graphql::{Request, Variables};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use studio_access::Policy;
use studio_controls::domain::{
    project::{
        Project,
        events::{
            AdoptedControl, AdoptedRequirement, ControlTestAdded, DependencyAdded,
            FrameworkAdopted, ProjectCreated, ProjectEvent, TestResultRecorded,
        },
    },
    score::{Implementation, Importance, Outcome, Strength},
};
use studio_events::{Append, EventStore, Expected, Leadership, Metadata, StreamAppend};
use studio_kernel::{Actor, Env, FixedEntropy, Id, ManualClock, Role, id::Kind, kind};
use studio_service::{Config, Deps, Feeds, GraphQlService, notices::Notices};
use studio_stores::{
    blobs::DirectoryBlobs,
    graph::PetGraph,
    keyring::Keyring,
    sql::{Database, SqlOptions},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Events in one append at most.
pub(crate) const APPEND: usize = 1_000;

/// The subgraph.
pub(crate) struct Controls {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) env: Env,
    store: EventStore,
    graphql: Arc<dyn GraphQlService>,
    background: JoinSet<()>,
    shutdown: CancellationToken,
}

/// A project that adopted one framework; each of its controls has a test by hand.
pub(crate) struct Made {
    pub(crate) owner: Actor,
    pub(crate) project: Id<kind::Project>,
    pub(crate) framework: Id<kind::Framework>,
    pub(crate) tests: Vec<Id<kind::ControlTest>>,
}

impl Controls {
    /// The subgraph in a folder, as of the beginning of 2026.
    pub(crate) async fn open(root: &Path) -> anyhow::Result<Self> {
        use studio_migrations::controls;
        let clock = ManualClock::at("2026-01-01T00:00:00Z".parse()?);
        let env = Env::new(clock.clone(), FixedEntropy::seeded(1));
        let shutdown = CancellationToken::new();
        let url = format!("sqlite://{}", root.join("controls.db").display());
        let database = Database::connect(&url, SqlOptions::default()).await?;
        controls::Migrator::up(database.writer(), None).await?;
        let deps = Deps {
            env: env.clone(),
            database,
            keyring: Arc::new(Keyring::embedded(&root.join("keyring"), env.clone()).await?),
            policy: Arc::new(Policy::embedded()?),
            notices: Notices::new(env.clone()),
            blobs: Arc::new(DirectoryBlobs::open(root.join("blobs"))?),
            graph: Arc::new(PetGraph::new()),
            config: Arc::new(Config { data_dir: root.to_owned(), ..Config::default() }),
            leadership: Leadership::default(),
            shutdown: shutdown.clone(),
            drained: shutdown.clone(),
        };
        let subgraph = studio_controls::build(deps).await?;
        let mut background = JoinSet::new();
        for task in (subgraph.start)(&Feeds::new())? {
            background.spawn(task);
        }
        let (store, graphql) = (subgraph.store, subgraph.graphql);
        Ok(Self { clock, env, store, graphql, background, shutdown })
    }

    /// A project of an organization of its own, with so many controls.
    pub(crate) async fn project(&self, count: usize) -> anyhow::Result<Made> {
        let env = &self.env;
        let made = Made {
            owner: Actor::user(env.id(), env.id(), env.id(), vec![Role::Owner]),
            project: env.id(),
            framework: env.id(),
            tests: self.ids(count),
        };
        let project = made.project;
        let requirements: Vec<Id<kind::Requirement>> = self.ids(count.min(300));
        let controls: Vec<Id<kind::Control>> = self.ids(count);
        let adopted = FrameworkAdopted {
            project,
            framework: made.framework,
            sha256: "0".repeat(64),
            requirements: requirements
                .iter()
                .map(|requirement| AdoptedRequirement {
                    requirement: *requirement,
                    importance: Importance::Normal,
                })
                .collect(),
            controls: controls
                .iter()
                .enumerate()
                .map(|(index, control)| AdoptedControl {
                    control: *control,
                    requirement: requirements[index % requirements.len()],
                    code: format!("C{index}"),
                    title: "A control".to_owned(),
                })
                .collect(),
            implementation: Implementation::Implemented,
        };
        let created = ProjectCreated { project, name: "A project".to_owned() };
        self.append(&made, vec![created.into(), adopted.into()]).await?;
        for (tests, controls) in made.tests.chunks(APPEND).zip(controls.chunks(APPEND)) {
            let added = tests.iter().zip(controls).map(|(test, control)| {
                ProjectEvent::from(ControlTestAdded {
                    test: *test,
                    control: *control,
                    project,
                    check: None,
                    title: "By hand".to_owned(),
                    weight: 1,
                    key: false,
                    validity_days: 30,
                })
            });
            self.append(&made, added.collect()).await?;
        }
        // Every tenth control rests on the first one.
        let resting: Vec<ProjectEvent> = controls
            .iter()
            .step_by(10)
            .skip(1)
            .map(|control| {
                DependencyAdded {
                    project,
                    dependency: self.env.id(),
                    control: *control,
                    depends_on: controls[0],
                    strength: Strength::Half,
                }
                .into()
            })
            .collect();
        for resting in resting.chunks(APPEND) {
            self.append(&made, resting.to_vec()).await?;
        }
        Ok(made)
    }

    fn ids<K: Kind>(&self, count: usize) -> Vec<Id<K>> {
        (0..count).map(|_| self.env.id()).collect()
    }

    /// The result of one of its tests, of now; every eleventh fails.
    pub(crate) fn result(&self, of: &Made, number: usize) -> ProjectEvent {
        let now = self.env.now();
        TestResultRecorded {
            project: of.project,
            test: of.tests[(number * 7_919) % of.tests.len()],
            outcome: if number.is_multiple_of(11) { Outcome::Failed } else { Outcome::Passed },
            effective_from: now,
            effective_to: None,
            collected_at: now,
            result: None,
            note: None,
            evidence: Vec::new(),
            awaits_other_than: None,
        }
        .into()
    }

    /// Appends, at an instant of its own.
    pub(crate) async fn append(&self, to: &Made, events: Vec<ProjectEvent>) -> anyhow::Result<()> {
        self.clock.advance_micros(1_000_000);
        let stream = to.project.to_string();
        let stream = StreamAppend::of::<Project>(stream, Expected::Any, events)?;
        let metadata = Metadata::by(&to.owner);
        self.store.append(Append::new(to.owner.tenant, metadata, vec![stream])).await?;
        Ok(())
    }

    /// Asks for something of a project; `$f` is its framework.
    pub(crate) async fn ask(&self, of: &Made, of_project: &str) -> anyhow::Result<Value> {
        let used = if of_project.contains("$f") { ", $f: ID!" } else { "" };
        let query = format!("query($p: ID!{used}) {{ project(id: $p) {{ id {of_project} }} }}");
        let variables = json!({ "p": of.project.to_string(), "f": of.framework.to_string() });
        let request =
            Request::new(query).variables(Variables::from_json(variables)).data(of.owner.clone());
        let response = self.graphql.execute(request).await;
        if !response.errors.is_empty() {
            bail!("{of_project}: {:?}", response.errors);
        }
        Ok(response.data.into_json()?)
    }

    /// Ends everything.
    pub(crate) async fn close(mut self) {
        self.shutdown.cancel();
        while self.background.join_next().await.is_some() {}
        self.store.shutdown().await;
    }
}
