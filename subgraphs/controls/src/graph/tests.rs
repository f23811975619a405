//! Two followers of one log that feed one graph, and a graph that is made in one go.

use std::{collections::BTreeSet, sync::Arc};

use sea_orm_migration::MigratorTrait;
use studio_events::{Append, EventStore, EventStoreOptions, Expected, Metadata, StreamAppend};
use studio_kernel::{Actor, Env, FixedEntropy, Id, ManualClock, Role, kind};
use studio_stores::{
    graph::{Graph, PetGraph, coverage_paths, dependencies, who_is_behind},
    sql::{Database, SqlOptions},
};
use tokio_util::sync::CancellationToken;

use super::{Graphs, run};
use crate::domain::{
    project::{
        MappingTerms, Project,
        events::{
            AdoptedControl, CheckSummariesRecorded, ControlTestAdded, DependencyAdded,
            DependencyRemoved, EvidenceDiscounted, FrameworkAdopted, MappingApproved,
            MappingWithdrawn, ProjectEvent, RecordedSummary,
        },
    },
    score::{Implementation, Mapping, Relation, Strength},
};

const CONTROLS: usize = 6;

struct Log {
    env: Env,
    store: EventStore,
    actor: Actor,
    project: Id<kind::Project>,
    framework: Id<kind::Framework>,
    requirement: Id<kind::Requirement>,
    /// Of another framework, mapped to that one from time to time.
    mapped: Id<kind::Requirement>,
    mapping: Id<kind::ControlMapping>,
    controls: Vec<Id<kind::Control>>,
    tests: Vec<Id<kind::ControlTest>>,
    evidence: Id<kind::Evidence>,
}

impl Log {
    async fn open(root: &std::path::Path) -> Self {
        let clock = ManualClock::at("2026-11-25T09:00:00Z".parse().unwrap());
        let env = Env::new(clock, FixedEntropy::seeded(11));
        let url = format!("sqlite://{}", root.join("controls.db").display());
        let database = Database::connect(&url, SqlOptions::default()).await.unwrap();
        studio_migrations::events::Migrator::up(database.writer(), None).await.unwrap();
        let options = EventStoreOptions::new(database, "controls", env.clone());
        let store = EventStore::open(options).await.unwrap();
        let actor = Actor::user(env.id(), env.id(), env.id(), vec![Role::Owner]);
        Self {
            store,
            actor,
            project: env.id(),
            framework: env.id(),
            requirement: env.id(),
            mapped: env.id(),
            mapping: env.id(),
            controls: (0..CONTROLS).map(|_| env.id()).collect(),
            tests: (0..CONTROLS).map(|_| env.id()).collect(),
            evidence: env.id(),
            env,
        }
    }

    async fn tell(&self, event: impl Into<ProjectEvent>) {
        let stream = StreamAppend::of::<Project>(
            self.project.to_string(),
            Expected::Any,
            vec![event.into()],
        )
        .unwrap();
        let metadata = Metadata::by(&self.actor);
        self.store.append(Append::new(self.actor.tenant, metadata, vec![stream])).await.unwrap();
    }

    async fn adopt(&self) {
        let made = self.controls.iter().enumerate().map(|(number, control)| AdoptedControl {
            control: *control,
            requirement: self.requirement,
            code: format!("C-{number}"),
            title: String::new(),
        });
        self.tell(FrameworkAdopted {
            project: self.project,
            framework: self.framework,
            sha256: "0".repeat(64),
            requirements: Vec::new(),
            controls: made.collect(),
            implementation: Implementation::Implemented,
        })
        .await;
    }

    /// Something or other happens, a little of everything.
    async fn happen(&self, number: usize) {
        let (at, next) = (number % CONTROLS, (number * 5 + 1) % CONTROLS);
        let (control, depends_on) = (self.controls[at], self.controls[next]);
        let project = self.project;
        match number % 9 {
            0 | 1 => {
                let dependency = self.env.id();
                let strength = [Strength::Full, Strength::Half, Strength::Weak][number % 3];
                self.tell(DependencyAdded { project, dependency, control, depends_on, strength })
                    .await;
            }
            2 => {
                let dependency = self.env.id();
                self.tell(DependencyRemoved { project, dependency, control, depends_on }).await;
            }
            3 => {
                self.tell(ControlTestAdded {
                    test: self.tests[at],
                    control,
                    project,
                    check: Some(format!("check-{}", at % 2)),
                    title: String::new(),
                    weight: 1,
                    key: false,
                    validity_days: 30,
                })
                .await;
            }
            4 | 5 => self.scan(number).await,
            6 => {
                let mapping = Mapping {
                    source: self.requirement,
                    target: self.mapped,
                    relation: [Relation::Subset, Relation::Equal][number % 2],
                    strength: Some(7),
                };
                self.tell(MappingApproved {
                    project,
                    mapping: self.mapping,
                    terms: MappingTerms { mapping, provenance: None },
                    approved_by: self.env.id(),
                })
                .await;
            }
            7 => {
                self.tell(MappingWithdrawn {
                    project,
                    mapping: self.mapping,
                    reason: String::new(),
                    withdrawn_by: self.env.id(),
                })
                .await;
            }
            _ => {
                self.tell(EvidenceDiscounted {
                    project,
                    evidence: self.evidence,
                    evidence_version: u32::try_from(number - 2).unwrap(),
                    reason: String::new(),
                    source_position: 1,
                })
                .await;
            }
        }
    }

    async fn scan(&self, number: usize) {
        let now = self.env.now();
        let summary = RecordedSummary {
            rule_version: None,
            check: format!("check-{}", number % 2),
            account: "1".to_owned(),
            region: format!("region-{}", number % 3),
            population: 1,
            passed: 1,
            failed: 0,
            unknown: 0,
            failing_added: Default::default(),
            failing_removed: Default::default(),
            effective_from: now,
            effective_to: None,
            collected_at: now,
        };
        self.tell(CheckSummariesRecorded {
            project: self.project,
            run: self.env.id(),
            source_event: self.env.id(),
            source_position: 1,
            evidence: self.evidence,
            evidence_version: u32::try_from(number).unwrap(),
            evidence_hash: "0".repeat(64),
            uploaded_by: self.actor.user_id(),
            summaries: vec![summary],
        })
        .await;
    }

    /// Everything that a graph answers about the project.
    async fn answers(&self, graph: &Graphs) -> Vec<String> {
        let view = graph.view(&self.actor).await.unwrap();
        let mut answers = Vec::new();
        for control in &self.controls {
            answers.push(format!("{:?}", dependencies(&*view, *control, 16).await.unwrap()));
        }
        for requirement in [self.requirement, self.mapped] {
            let all_apply = BTreeSet::new();
            let coverage = coverage_paths(&*view, requirement, self.project, &all_apply).await;
            answers.push(format!("{:?}", coverage.unwrap()));
        }
        let behind = who_is_behind(&*view, self.project, self.framework).await.unwrap();
        answers.push(format!("{behind:?}"));
        answers
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_followers_of_one_graph_come_to_what_one_makes_in_one_go() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path()).await;
    let shared: Arc<dyn Graph> = Arc::new(PetGraph::new());
    let shutdown = CancellationToken::new();
    let mut running = tokio::task::JoinSet::new();
    let start = |graph: &Arc<dyn Graph>| Graphs::new(log.store.clone(), graph.clone());
    let (one, other) = (start(&shared), start(&shared));
    for graphs in [&one, &other] {
        running.spawn(run(graphs.clone(), shutdown.clone()));
    }
    log.adopt().await;
    for number in 0..142 {
        log.happen(number).await;
    }
    let (from_one, from_other) = (log.answers(&one).await, log.answers(&other).await);

    let fresh = start(&(Arc::new(PetGraph::new()) as Arc<dyn Graph>));
    running.spawn(run(fresh.clone(), shutdown.clone()));
    let expected = log.answers(&fresh).await;
    assert!(expected.iter().any(|text| text.contains("evidence: Some")), "{expected:#?}");
    assert_eq!(from_one, expected);
    assert_eq!(from_other, expected);

    shutdown.cancel();
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
    log.store.shutdown().await;
}

/// Nobody reads a graph that lacks what the reader has just done.
#[tokio::test]
async fn a_question_waits_for_what_was_recorded_before_it() {
    let directory = tempfile::tempdir().unwrap();
    let log = Log::open(directory.path()).await;
    let graphs = Graphs::new(log.store.clone(), Arc::new(PetGraph::new()));
    log.adopt().await;
    let head = log.store.head();
    let shutdown = CancellationToken::new();
    let asked = tokio::spawn({
        let (graphs, actor) = (graphs.clone(), log.actor.clone());
        async move { graphs.view(&actor).await.map(|_| *graphs.0.reached.borrow()) }
    });
    let fed = tokio::spawn(run(graphs, shutdown.clone()));
    assert!(asked.await.unwrap().unwrap() >= head);
    shutdown.cancel();
    fed.await.unwrap();
    log.store.shutdown().await;
}
