//! Scores through time, on a controls subgraph in this process with a SQLite file: a year of one large
//! project, and then what is asked of it: the score as of any instant, its history by day, a diff of a
//! week, the coverage of a year.

use std::{collections::BTreeMap, sync::Arc, time::Instant};

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
use studio_kernel::{Actor, Env, FixedEntropy, Id, ManualClock, Role, Timestamp, id::Kind, kind};
use studio_service::{Config, Deps, Feeds, GraphQlService, notices::Notices};
use studio_stores::{
    blobs::DirectoryBlobs,
    graph::PetGraph,
    keyring::Keyring,
    sql::{Database, SqlOptions},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How large the project is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) controls: usize,
    pub(crate) events: usize,
}

const DAYS: usize = 365;
const APPEND: usize = 1_000;

pub(crate) async fn run(size: Size) -> anyhow::Result<()> {
    if size.controls == 0 || size.events < DAYS {
        bail!("give at least one control and {DAYS} events");
    }
    let folder = tempfile::tempdir()?;
    let began = Instant::now();
    let year = Year::open(folder.path()).await?;
    year.live(size).await?;
    println!(
        "\n## Scores through time: {} controls, {} events over a year\n",
        size.controls, size.events
    );
    println!("Recorded and followed in {:.0} s.\n", began.elapsed().as_secs_f64());
    println!("| question | p50 ms | p99 ms |");
    println!("|---|---|---|");
    year.measure("the live score", 200, |_| "score(frameworkId: $f) { lo }".to_owned()).await?;
    year.measure("asOf, at any instant", 40, |turn| {
        let at = year.start.plus_days(((turn * 97) % DAYS) as i64).plus_seconds(12_345);
        format!("score(frameworkId: $f, asOf: \"{at}\") {{ lo }}")
    })
    .await?;
    year.measure("history of a year by day, four pages", 40, |_| {
        let page = |name: usize| {
            let from = year.start.plus_days(name as i64 * 92);
            let to = year.start.plus_days(((name + 1) * 92).min(DAYS) as i64);
            format!(
                "p{name}: scoreHistory(frameworkId: $f, from: \"{from}\", to: \"{to}\", first: 100) {{
                    nodes {{ at score {{ lo hi }} }} }}"
            )
        };
        (0..4).map(page).collect::<Vec<_>>().join(" ")
    })
    .await?;
    year.measure("diff of a day", 10, |turn| {
        let from = year.start.plus_days(((turn * 97) % (DAYS - 1)) as i64);
        let to = from.plus_days(1);
        format!(
            "scoreDiff(frameworkId: $f, from: \"{from}\", to: \"{to}\") {{ difference {{ lo }}
                moves(first: 100) {{ nodes {{ kind difference {{ lo }} }} }} }}"
        )
    })
    .await?;
    year.measure("coverage of a year, of a control", 5, |_| {
        let to = year.start.plus_days(DAYS as i64);
        format!(
            "controls(first: 1) {{ nodes {{ periodCoverage(from: \"{}\", to: \"{to}\") {{
                covered }} }} }}",
            year.start
        )
    })
    .await?;
    year.measure("impact of the control that a tenth rests on", 40, |_| {
        "controls(first: 1) { nodes { impact {
            frameworks { nodes { before { lo } after { lo } loses { lo hi } } }
            requirements { nodes { weight loses { lo } } } controls { nodes { weight loses { lo } } } } } }"
            .to_owned()
    })
    .await?;
    year.measure("single points of failure, and gaps", 5, |_| {
        "singlePointsOfFailure(frameworkId: $f) { nodes { requirementCount loses { lo } } }
         coverageGaps(frameworkId: $f) { nodes { reason } }"
            .to_owned()
    })
    .await?;
    year.close().await;
    Ok(())
}

struct Year {
    clock: Arc<ManualClock>,
    env: Env,
    store: EventStore,
    graphql: Arc<dyn GraphQlService>,
    background: JoinSet<()>,
    shutdown: CancellationToken,
    owner: Actor,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    start: Timestamp,
}

impl Year {
    async fn open(root: &std::path::Path) -> anyhow::Result<Self> {
        use studio_migrations::controls;
        let start = "2026-01-01T00:00:00Z".parse()?;
        let clock = ManualClock::at(start);
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
        let owner = Actor::user(env.id(), env.id(), env.id(), vec![Role::Owner]);
        let (project, framework) = (env.id(), env.id());
        Ok(Self {
            clock,
            store: subgraph.store,
            graphql: subgraph.graphql,
            background,
            shutdown,
            owner,
            project,
            framework,
            start,
            env,
        })
    }

    /// Lives through the year: every control has a test by hand, which is done again and again.
    async fn live(&self, size: Size) -> anyhow::Result<()> {
        let tests = self.state(size.controls).await?;
        let of_a_day = size.events.div_ceil(DAYS);
        let mut done = 0;
        for day in 0..DAYS {
            let mut left = of_a_day.min(size.events - done);
            while left > 0 {
                let count = left.min(APPEND);
                let events = (done..done + count).map(|number| {
                    let test = tests[(number * 7_919) % tests.len()];
                    self.result(test, number)
                });
                let events = events.collect();
                self.append(events).await?;
                (done, left) = (done + count, left - count);
            }
            self.clock.set(self.start.plus_days(day as i64 + 1));
            // The live score answers when everything is taken in: no day is left behind.
            self.ask("score(frameworkId: $f) { lo }").await?;
        }
        Ok(())
    }

    /// The project, its framework and controls, and their tests.
    async fn state(&self, count: usize) -> anyhow::Result<Vec<Id<kind::ControlTest>>> {
        let (project, framework) = (self.project, self.framework);
        let requirements: Vec<Id<kind::Requirement>> = self.ids(count.min(300));
        let controls: Vec<Id<kind::Control>> = self.ids(count);
        let tests: Vec<Id<kind::ControlTest>> = self.ids(count);
        let adopted = FrameworkAdopted {
            project,
            framework,
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
        let created = ProjectCreated { project, name: "A year".to_owned() };
        self.append(vec![created.into(), adopted.into()]).await?;
        for (tests, controls) in tests.chunks(APPEND).zip(controls.chunks(APPEND)) {
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
            self.append(added.collect()).await?;
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
            self.append(resting.to_vec()).await?;
        }
        Ok(tests)
    }

    fn ids<K: Kind>(&self, count: usize) -> Vec<Id<K>> {
        (0..count).map(|_| self.env.id()).collect()
    }

    fn result(&self, test: Id<kind::ControlTest>, number: usize) -> ProjectEvent {
        let now = self.env.now();
        let outcome = if number.is_multiple_of(11) { Outcome::Failed } else { Outcome::Passed };
        TestResultRecorded {
            project: self.project,
            test,
            outcome,
            effective_from: now,
            effective_to: None,
            collected_at: now,
        }
        .into()
    }

    async fn append(&self, events: Vec<ProjectEvent>) -> anyhow::Result<()> {
        // Each of them at an instant of its own.
        self.clock.advance_micros(1_000_000);
        let stream = self.project.to_string();
        let stream = StreamAppend::of::<Project>(stream, Expected::Any, events)?;
        let metadata = Metadata::by(&self.owner);
        self.store.append(Append::new(self.owner.tenant, metadata, vec![stream])).await?;
        Ok(())
    }

    async fn ask(&self, of_project: &str) -> anyhow::Result<Value> {
        let query = format!("query($p: ID!, $f: ID!) {{ project(id: $p) {{ id {of_project} }} }}");
        let variables = json!({ "p": self.project.to_string(), "f": self.framework.to_string() });
        let request =
            Request::new(query).variables(Variables::from_json(variables)).data(self.owner.clone());
        let response = self.graphql.execute(request).await;
        if !response.errors.is_empty() {
            bail!("{of_project}: {:?}", response.errors);
        }
        Ok(response.data.into_json()?)
    }

    async fn measure(
        &self,
        name: &str,
        turns: usize,
        of_project: impl Fn(usize) -> String,
    ) -> anyhow::Result<()> {
        let mut samples = Vec::with_capacity(turns);
        let mut answers = BTreeMap::new();
        for turn in 0..turns {
            let question = of_project(turn);
            let began = Instant::now();
            let answer = self.ask(&question).await?;
            samples.push(began.elapsed());
            // The same question has the same answer.
            let known = answers.entry(question).or_insert_with(|| answer.clone());
            if *known != answer {
                bail!("{name}: two answers to one question: {known} and {answer}");
            }
        }
        samples.sort_unstable();
        let [p50, p99] =
            [0.5, 0.99].map(|share| crate::percentile(&samples, share).as_secs_f64() * 1e3);
        println!("| {name} | {p50:.1} | {p99:.1} |");
        Ok(())
    }

    async fn close(mut self) {
        self.shutdown.cancel();
        while self.background.join_next().await.is_some() {}
        self.store.shutdown().await;
    }
}
