//! Models that leave memory and come back: nobody can tell from the scores.

use std::{path::Path, sync::Arc, time::Duration};

use futures::future::try_join_all;
use sea_orm_migration::MigratorTrait;
use studio_access::Policy;
use studio_events::{
    Append, Election, EventStore, EventStoreOptions, Expected, Leadership, Metadata, StreamAppend,
};
use studio_kernel::{Actor, Clock, Env, FixedEntropy, Id, ManualClock, Role, Timestamp, kind};
use studio_stores::sql::{Database, SqlOptions};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::{Key, Scores, lock, run, worker::Worker};
use crate::{
    domain::{
        project::{
            Project,
            events::{
                AdoptedControl, AdoptedRequirement, ControlTestAdded, FrameworkAdopted,
                ProjectCreated, ProjectEvent, TestResultRecorded,
            },
        },
        score::{Fixed, FrameworkScore, Implementation, Importance, Outcome},
        score_log::ScoreLog,
    },
    projections,
};

/// A project of two controls holds some six facts.
const PROJECTS: usize = 9;

struct World {
    clock: Arc<ManualClock>,
    env: Env,
    store: EventStore,
    scores: Scores,
    shutdown: CancellationToken,
    background: JoinSet<()>,
}

struct Made {
    key: Key,
    framework: Id<kind::Framework>,
    tests: Vec<Id<kind::ControlTest>>,
}

impl World {
    /// With models in memory that hold so many facts at most.
    async fn open(root: &Path, clock: Arc<ManualClock>, seed: u64, most_held: usize) -> Self {
        let mut world = Self::asleep(root, clock, seed, most_held).await;
        world.wake();
        world
    }

    /// With nothing that follows the log yet.
    async fn asleep(root: &Path, clock: Arc<ManualClock>, seed: u64, most_held: usize) -> Self {
        let env = Env::new(clock.clone(), FixedEntropy::seeded(seed));
        let url = format!("sqlite://{}", root.join("controls.db").display());
        let database = Database::connect(&url, SqlOptions::default()).await.unwrap();
        studio_migrations::controls::Migrator::up(database.writer(), None).await.unwrap();
        let options = EventStoreOptions::new(database, "controls", env.clone());
        let store = EventStore::open(options.inline(projections::all())).await.unwrap();
        let policy = Arc::new(Policy::embedded().unwrap());
        let scores = Scores::new(store.clone(), env.clone(), policy, most_held);
        let (shutdown, background) = (CancellationToken::new(), JoinSet::new());
        Self { clock, env, store, scores, shutdown, background }
    }

    fn wake(&mut self) {
        let shutdown = &self.shutdown;
        let (election, campaign) =
            Election::of(&self.store, Leadership::default(), shutdown.clone());
        self.background.spawn(campaign);
        let tick = Duration::from_millis(5);
        self.background.spawn(run(self.scores.clone(), tick, election, shutdown.clone()));
    }

    async fn close(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.background.join_next().await {
            ended.unwrap();
        }
        self.store.shutdown().await;
    }

    async fn tell(&self, (tenant, project): Key, events: Vec<ProjectEvent>) {
        self.clock.advance_micros(1_000);
        let actor = Actor::user(tenant, self.env.id(), self.env.id(), vec![Role::Owner]);
        let stream = StreamAppend::of::<Project>(project.to_string(), Expected::Any, events);
        let append = Append::new(tenant, Metadata::by(&actor), vec![stream.unwrap()]);
        self.store.append(append).await.unwrap();
    }

    /// A project of an organization of its own.
    async fn project(&self) -> Made {
        let key @ (_, project) = (self.env.id(), self.env.id());
        let framework = self.env.id();
        let requirements: [Id<kind::Requirement>; 2] = [self.env.id(), self.env.id()];
        let controls: [Id<kind::Control>; 2] = [self.env.id(), self.env.id()];
        let tests: Vec<Id<kind::ControlTest>> = vec![self.env.id(), self.env.id()];
        let adopted = requirements
            .map(|requirement| AdoptedRequirement { requirement, importance: Importance::Normal });
        let made = requirements.iter().zip(controls).map(|(requirement, control)| AdoptedControl {
            control,
            requirement: *requirement,
            code: control.to_string(),
            title: "A control".to_owned(),
        });
        let mut events = vec![
            ProjectCreated { project, name: "A project".to_owned() }.into(),
            FrameworkAdopted {
                project,
                framework,
                sha256: "0".repeat(64),
                requirements: adopted.to_vec(),
                controls: made.collect(),
                implementation: Implementation::Implemented,
            }
            .into(),
        ];
        events.extend(tests.iter().zip(controls).map(|(test, control)| {
            ProjectEvent::from(ControlTestAdded {
                test: *test,
                control,
                project,
                check: None,
                title: "By hand".to_owned(),
                weight: 1,
                key: false,
                validity_days: 30,
            })
        }));
        self.tell(key, events).await;
        Made { key, framework, tests }
    }

    async fn result(&self, of: &Made, test: usize, outcome: Outcome) {
        let now = self.env.now();
        let result = TestResultRecorded {
            project: of.key.1,
            test: of.tests[test],
            outcome,
            effective_from: now,
            effective_to: None,
            collected_at: now,
            result: None,
            note: None,
            evidence: Vec::new(),
            awaits_other_than: None,
        };
        self.tell(of.key, vec![result.into()]).await;
    }

    async fn score(&self, of: &Made, as_of: Option<Timestamp>) -> FrameworkScore {
        let (tenant, project) = of.key;
        let view = self.scores.view(tenant, project, as_of, None).await.unwrap();
        view.model.framework(of.framework).unwrap()
    }

    /// Waits until this is the newest recorded score.
    async fn recorded(&self, of: &Made, lo: Fixed) {
        let (tenant, project) = of.key;
        let mut wake = self.store.wake();
        loop {
            wake.borrow_and_update();
            let log = self.store.load::<ScoreLog>(tenant, &project.to_string()).await.unwrap();
            let newest = log.state.newest.get(&of.framework);
            if newest.is_some_and(|newest| newest.value.is_some_and(|value| value.lo == lo)) {
                return;
            }
            wake.changed().await.unwrap();
        }
    }

    fn held(&self) -> Vec<usize> {
        let slots: Vec<_> = lock(&self.scores.0.slots).values().cloned().collect();
        slots.iter().map(|slot| lock(slot).held).collect()
    }
}

fn outcome(number: usize) -> Outcome {
    [Outcome::Passed, Outcome::Failed, Outcome::Unknown][number % 3]
}

#[tokio::test]
async fn what_does_not_fit_leaves_and_comes_back_as_it_was() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at("2026-11-25T09:00:00Z".parse().unwrap());
    // Two of them fit.
    let world = World::open(directory.path(), clock.clone(), 1, 20).await;
    let mut made = Vec::new();
    for _ in 0..PROJECTS {
        made.push(world.project().await);
    }
    for round in 0..4 {
        for (number, project) in made.iter().enumerate() {
            world.result(project, round % 2, outcome(number * 5 + round)).await;
            if (number + round) % 2 == 0 {
                let live = world.score(project, None).await;
                let replayed = world.score(project, Some(world.env.now())).await;
                assert_eq!((live.value, live.counts), (replayed.value, replayed.counts));
            }
        }
        // All at once, more than are loaded at a time.
        let live = made.iter().map(|of| async { Ok::<_, ()>(world.score(of, None).await) });
        for (project, live) in made.iter().zip(try_join_all(live).await.unwrap()) {
            let replayed = world.score(project, Some(world.env.now())).await;
            assert_eq!((live.value, live.counts), (replayed.value, replayed.counts));
            world.recorded(project, replayed.value.unwrap().lo).await;
        }
    }
    // Room is made once the last of them was answered.
    while world.held().iter().sum::<usize>() > 20 {
        tokio::task::yield_now().await;
    }
    assert!(!world.held().is_empty());
    world.close().await;
}

#[tokio::test]
async fn what_happened_to_all_of_them_at_once_needs_room_for_one() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at("2026-11-25T09:00:00Z".parse().unwrap());
    let mut world = World::asleep(directory.path(), clock, 1, 1).await;
    let mut made = Vec::new();
    for _ in 0..PROJECTS {
        made.push(world.project().await);
    }
    for (number, project) in made.iter().enumerate() {
        world.result(project, 0, outcome(number)).await;
        world.result(project, 1, Outcome::Passed).await;
    }
    // It has taken everything in, and tended to nothing yet.
    let worker = Worker::start(&world.scores, None).await;
    assert!(worker.is_ok(), "the log reads");
    assert_eq!(world.held().len(), 1, "{:?}", world.held());
    drop(worker);
    world.wake();
    for project in &made {
        let replayed = world.score(project, Some(world.env.now())).await;
        world.recorded(project, replayed.value.unwrap().lo).await;
    }
    world.close().await;
}

#[tokio::test]
async fn time_moves_those_that_rest() {
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::at("2026-11-25T09:00:00Z".parse().unwrap());
    let world = World::open(directory.path(), clock.clone(), 1, 1).await;
    let full: Fixed = "100".parse().unwrap();
    let mut made = Vec::new();
    for _ in 0..PROJECTS {
        let project = world.project().await;
        world.result(&project, 0, Outcome::Passed).await;
        world.result(&project, 1, Outcome::Passed).await;
        world.recorded(&project, full).await;
        made.push(project);
    }
    clock.set(world.env.now().plus_days(32));
    for project in &made {
        let lo = world.score(project, None).await.value.unwrap().lo;
        assert!(lo > Fixed::ZERO && lo < full, "{lo:?}");
        world.recorded(project, lo).await;
    }
    world.close().await;

    // What moved while nothing ran is recorded by the next start, without anybody asking.
    clock.set(clock.now().plus_days(30));
    let world = World::open(directory.path(), clock, 2, 1).await;
    for project in &made {
        world.recorded(project, Fixed::ZERO).await;
    }
    world.close().await;
}
