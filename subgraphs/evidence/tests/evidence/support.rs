//! A running subgraph in a folder (its store in PostgreSQL where STUDIO_TEST_POSTGRES holds an
//! address), and scans to bring in.

use std::{collections::BTreeMap, io::Write, path::Path, sync::Arc, time::Duration};

use async_graphql::{Request, Variables};
use axum::{
    body::Body,
    http::{Method, StatusCode},
};
use flate2::{Compression, write::GzEncoder};
use http_body_util::BodyExt;
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use studio_access::Policy;
use studio_events::{
    Append, EventData, EventFeed, EventStore, EventStoreOptions, Expected, Leadership, LogFeed,
    Metadata, PublishedType, StreamAppend,
};
use studio_kernel::{
    Actor, Env, Id, Payload, Role, TenantId, kind,
    published::{
        controls::{
            CheckResultsMatched, ControlTestAdded, ControlTestRuleSet, ProjectArchived,
            ProjectCreated, ProjectRenamed, ProjectRestored, rule_check,
        },
        evidence::{CheckResultsRecorded, CheckSummary},
    },
};
use studio_migrations::evidence::Migrator;
use studio_service::{Config, Deps, Feeds, GraphQlService, notices::Notices};
use studio_stores::{
    blobs::DirectoryBlobs,
    graph::PetGraph,
    keyring::Keyring,
    sql::{Database, SqlOptions},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

static PUBLISHED: &[PublishedType] = &[
    PublishedType::of::<ProjectCreated>(),
    PublishedType::of::<ProjectRenamed>(),
    PublishedType::of::<ProjectArchived>(),
    PublishedType::of::<ProjectRestored>(),
    PublishedType::of::<ControlTestAdded>(),
    PublishedType::of::<ControlTestRuleSet>(),
    PublishedType::of::<CheckResultsMatched>(),
];

pub(crate) struct Running {
    pub(crate) graphql: Arc<dyn GraphQlService>,
    pub(crate) routes: axum::Router,
    pub(crate) store: EventStore,
    pub(crate) feed: Arc<dyn EventFeed>,
    controls: EventStore,
    shutdown: CancellationToken,
    background: JoinSet<()>,
}

/// A folder with two organizations in it.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) owner: Actor,
    pub(crate) viewer: Actor,
    pub(crate) stranger: Actor,
    pub(crate) config: Config,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

async fn sqlite(folder: &Path, name: &str) -> Database {
    let url = format!("sqlite://{}", folder.join(format!("{name}.db")).display());
    let database = Database::connect(&url, SqlOptions::default()).await.unwrap();
    // The controls' log needs the event tables only; the others do it no harm.
    Migrator::up(database.writer(), None).await.unwrap();
    database
}

impl World {
    /// The store of the subgraph: an SQLite file, or, where STUDIO_TEST_POSTGRES holds an address, a
    /// schema of its own there.
    async fn database(&self) -> Database {
        let Ok(address) = std::env::var("STUDIO_TEST_POSTGRES") else {
            return sqlite(self.folder.path(), "evidence").await;
        };
        let schema = Some(format!("evidence_{}", self.owner.tenant.uuid().simple()));
        let database = Database::connect(&address, SqlOptions { schema, ..SqlOptions::default() })
            .await
            .unwrap();
        Migrator::up(database.writer(), None).await.unwrap();
        database
    }

    pub(crate) fn new() -> Self {
        let env = Env::system();
        let user = |tenant, role| Actor::user(tenant, env.id(), env.id(), vec![role]);
        let tenant: TenantId = env.id();
        Self {
            folder: tempfile::tempdir().unwrap(),
            owner: user(tenant, Role::Owner),
            viewer: user(tenant, Role::Viewer),
            stranger: user(env.id(), Role::Owner),
            config: Config::default(),
        }
    }

    pub(crate) async fn start(&self) -> Running {
        let folder = self.folder.path();
        let env = Env::system();
        let shutdown = CancellationToken::new();
        let controls =
            EventStoreOptions::new(sqlite(folder, "controls").await, "controls", env.clone());
        let controls = EventStore::open(controls).await.unwrap();
        let keyring = Keyring::embedded(&folder.join("keyring"), env.clone()).await.unwrap();
        let deps = Deps {
            notices: Notices::new(env.clone()),
            env,
            database: self.database().await,
            keyring: Arc::new(keyring),
            policy: Arc::new(Policy::embedded().unwrap()),
            graph: Arc::new(PetGraph::new()),
            blobs: Arc::new(DirectoryBlobs::open(folder.join("blobs")).unwrap()),
            config: Arc::new(self.config.clone()),
            leadership: Leadership::Candidate { ttl: Duration::from_millis(300) },
            shutdown: shutdown.clone(),
            drained: shutdown.clone(),
        };
        let subgraph = studio_evidence::build(deps).await.unwrap();
        let feed: Arc<dyn EventFeed> = Arc::new(LogFeed::new(controls.clone(), PUBLISHED));
        let feeds: Feeds = BTreeMap::from([("controls", feed)]);
        let mut background = JoinSet::new();
        for task in (subgraph.start)(&feeds).unwrap() {
            background.spawn(task);
        }
        Running {
            graphql: subgraph.graphql,
            routes: subgraph.routes,
            store: subgraph.store,
            feed: subgraph.feed,
            controls,
            shutdown,
            background,
        }
    }

    pub(crate) fn blobs(&self) -> usize {
        let folder = self.folder.path().join("blobs").join(self.owner.tenant.to_string());
        fn count(folder: &Path) -> usize {
            let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
            entries
                .map(|entry| entry.unwrap().path())
                .map(|path| if path.is_dir() { count(&path) } else { 1 })
                .sum()
        }
        count(&folder)
    }
}

impl Running {
    pub(crate) async fn stop(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.background.join_next().await {
            ended.unwrap();
        }
        self.store.shutdown().await;
        self.controls.shutdown().await;
    }

    async fn publish<P: Payload>(&self, tenant: TenantId, stream: String, payload: P) {
        let stream = StreamAppend {
            stream_type: "controls.test".into(),
            stream_id: stream,
            expected: Expected::Any,
            events: vec![EventData {
                event_type: P::TYPE.into(),
                schema_version: P::VERSION,
                payload: serde_json::to_value(payload).unwrap().into(),
            }],
        };
        let append = Append::new(tenant, Metadata::system("controls.test"), vec![stream]);
        self.controls.append(append).await.unwrap();
    }

    /// The same, unless it was published before.
    async fn publish_once<P: Payload>(&self, tenant: TenantId, stream: String, payload: P) {
        let wanted = serde_json::to_value(&payload).unwrap();
        let known = self.controls.read(0, 1_000).await.unwrap().into_iter().any(|event| {
            event.event_type == P::TYPE
                && serde_json::from_str::<Value>(&event.payload).unwrap() == wanted
        });
        if !known {
            self.publish(tenant, stream, payload).await;
        }
    }

    pub(crate) async fn project(&self, actor: &Actor) -> Id<kind::Project> {
        let project = Env::system().id();
        self.create(actor, project).await;
        project
    }

    /// Publishes that a project was created.
    pub(crate) async fn create(&self, actor: &Actor, project: Id<kind::Project>) {
        let created = ProjectCreated { project, name: "Production".to_owned() };
        self.publish(actor.tenant, project.to_string(), created).await;
    }

    /// Publishes that a project was archived, or restored, and waits until that is known.
    pub(crate) async fn archive(&self, actor: &Actor, project: Id<kind::Project>, archived: bool) {
        let stream = project.to_string();
        if archived {
            self.publish(actor.tenant, stream, ProjectArchived { project }).await;
        } else {
            self.publish(actor.tenant, stream, ProjectRestored { project }).await;
        }
        self.caught_up().await;
    }

    /// Publishes that a project is called otherwise, and waits until that is known.
    pub(crate) async fn rename(&self, actor: &Actor, project: Id<kind::Project>, name: &str) {
        let renamed = ProjectRenamed { project, name: name.to_owned() };
        self.publish(actor.tenant, project.to_string(), renamed).await;
        self.caught_up().await;
    }

    /// Waits until everything that was published is taken in.
    pub(crate) async fn caught_up(&self) {
        let head = self.controls.newest().await.unwrap();
        self.until(|| async { self.store.checkpoint("evidence.controls").await.unwrap() >= head })
            .await;
    }

    pub(crate) async fn control(
        &self,
        actor: &Actor,
        project: Id<kind::Project>,
        check: &str,
    ) -> Id<kind::Control> {
        let env = Env::system();
        let control = env.id();
        let added = ControlTestAdded {
            test: env.id(),
            control,
            project,
            check: Some(check.to_owned()),
            title: "A test".to_owned(),
            weight: 1,
            key: false,
            validity_days: 30,
        };
        self.publish(actor.tenant, control.to_string(), added).await;
        self.caught_up().await;
        control
    }

    /// Publishes that a test has a rule, and waits until that is known.
    pub(crate) async fn rule(&self, actor: &Actor, rule: &ControlTestRuleSet) {
        let stream = rule.test.to_string();
        if rule.version == 1 {
            let added = ControlTestAdded {
                test: rule.test,
                control: rule.control,
                project: rule.project,
                check: Some(rule_check(rule.test)),
                title: rule.title.clone(),
                weight: 1,
                key: false,
                validity_days: 30,
            };
            self.publish_once(actor.tenant, stream.clone(), added).await;
        }
        self.publish_once(actor.tenant, stream, rule.clone()).await;
        self.caught_up().await;
    }

    /// Hands JSON in under a name.
    pub(crate) async fn hand_in(
        &self,
        actor: &Actor,
        project: Id<kind::Project>,
        (name, more): (&str, &str),
        body: impl Into<Body>,
    ) -> Answer {
        let uri = format!("/v1/ingest/json/{name}?project={project}{more}");
        self.request(Some(actor), Method::POST, &uri, &[], body.into()).await
    }

    /// Answers every page of check results as the controls subgraph would.
    pub(crate) async fn match_all(&self, tests: u32, unmatched: &[&str]) {
        for (position, page) in self.pages().await {
            let ids = unmatched.iter().map(|id| (*id).to_owned()).collect();
            let matched = CheckResultsMatched {
                run: page.run,
                project: page.project,
                source_position: position,
                tests_added: tests,
                summaries_recorded: u32::try_from(page.summaries.len()).unwrap(),
                unmatched: BTreeMap::from([("SOC2".to_owned(), ids)]),
            };
            let tenant = self.tenant_of(position).await;
            self.publish(tenant, page.run.to_string(), matched).await;
        }
    }

    async fn tenant_of(&self, position: i64) -> TenantId {
        self.store.read(position - 1, 1).await.unwrap()[0].tenant
    }

    /// Everything that was published so far, with its positions.
    pub(crate) async fn pages(&self) -> Vec<(i64, CheckResultsRecorded)> {
        let (mut pages, mut after) = (Vec::new(), 0);
        loop {
            let page = self.feed.read(after, 100).await.unwrap();
            if page.scanned_to == after {
                return pages;
            }
            after = page.scanned_to;
            for event in page.events {
                if let Some(results) = event.read::<CheckResultsRecorded>() {
                    pages.push((event.position, results.unwrap()));
                }
            }
        }
    }

    /// The summaries of one run, in the order in which they were published.
    pub(crate) async fn summaries(&self, run: &str) -> Vec<CheckSummary> {
        let pages = self.pages().await.into_iter().map(|(_, page)| page);
        pages.filter(|page| page.run.to_string() == run).flat_map(|page| page.summaries).collect()
    }

    /// Waits until it is so, looking again whenever something was recorded.
    pub(crate) async fn until<F: Future<Output = bool>>(&self, mut so: impl FnMut() -> F) {
        let mut head = self.store.wake();
        tokio::time::timeout(PATIENCE, async {
            loop {
                head.borrow_and_update();
                if so().await {
                    return;
                }
                head.changed().await.unwrap();
            }
        })
        .await
        .expect("it becomes so");
    }

    pub(crate) async fn request(
        &self,
        actor: Option<&Actor>,
        method: Method,
        uri: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = axum::http::Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body).unwrap();
        if let Some(actor) = actor {
            request.extensions_mut().insert(actor.clone().within(Some(Env::system().id())));
        }
        let response = self.routes.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| panic!("{status}: {}", String::from_utf8_lossy(&bytes)));
        Answer { status, body }
    }

    pub(crate) async fn post(
        &self,
        actor: &Actor,
        project: Id<kind::Project>,
        body: impl Into<Body>,
    ) -> Answer {
        let uri = format!("/v1/ingest/prowler?project={project}&wait=0");
        self.request(Some(actor), Method::POST, &uri, &[], body.into()).await
    }

    /// Brings a scan in that is taken.
    pub(crate) async fn ingest(
        &self,
        actor: &Actor,
        project: Id<kind::Project>,
        body: impl Into<Body>,
    ) -> Value {
        let answer = self.post(actor, project, body).await;
        assert!(answer.status.is_success(), "{}: {}", answer.status, answer.body);
        assert_eq!(answer.body["state"], "COMPLETED");
        answer.body
    }

    pub(crate) async fn query(&self, actor: Option<&Actor>, text: &str, variables: Value) -> Value {
        let mut request = Request::new(text).variables(Variables::from_json(variables));
        if let Some(actor) = actor {
            request = request.data(actor.clone());
        }
        let response = self.graphql.execute(request).await;
        serde_json::to_value(&response).unwrap()
    }

    /// The data of a query without errors.
    pub(crate) async fn data(&self, actor: &Actor, text: &str, variables: Value) -> Value {
        let mut answer = self.query(Some(actor), text, variables).await;
        assert!(answer.get("errors").is_none(), "{answer}");
        answer["data"].take()
    }

    /// All findings of a project that are in the population, as (uid, status).
    pub(crate) async fn findings(
        &self,
        actor: &Actor,
        project: Id<kind::Project>,
    ) -> BTreeMap<String, String> {
        let text = "query($project: ID!, $after: String) {
            findings(projectId: $project, first: 100, after: $after) {
                nodes { uid status } pageInfo { hasNextPage endCursor }
            }
        }";
        let (mut found, mut after) = (BTreeMap::new(), Value::Null);
        loop {
            let variables = json!({ "project": project, "after": after });
            let page = self.data(actor, text, variables).await["findings"].take();
            for node in page["nodes"].as_array().unwrap() {
                let text = |name: &str| node[name].as_str().unwrap().to_owned();
                assert_eq!(
                    found.insert(text("uid"), text("status")),
                    None,
                    "{node} is there twice"
                );
            }
            if page["pageInfo"]["hasNextPage"] == false {
                return found;
            }
            after = page["pageInfo"]["endCursor"].clone();
        }
    }
}

/// One finding: check, resource, status, minute of the scan.
pub(crate) fn finding(check: &str, resource: &str, status: &str, minute: i64) -> Value {
    let time = 1_750_000_000 + 60 * minute;
    json!({
        "class_uid": 2004,
        "metadata": { "event_code": check, "product": { "name": "Prowler" }, "version": "1.5.0" },
        "severity": "High", "status": "New", "status_code": status,
        "status_detail": format!("{resource}: {status}"),
        "finding_info": { "uid": format!("{check}-{resource}"), "title": format!("Title of {check}"),
            "created_time": time },
        "resources": [{ "uid": format!("arn:{resource}"), "name": resource, "type": "Thing",
            "region": "eu-west-1" }],
        "cloud": { "account": { "uid": "123456789012" }, "provider": "aws" },
        "unmapped": { "provider": "aws", "compliance": { "SOC2": ["cc_6_1"] } },
        "time": time,
    })
}

pub(crate) fn scan(findings: &[Value]) -> Vec<u8> {
    serde_json::to_vec(findings).unwrap()
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A real file, or `None`, said aloud, where there is none.
pub(crate) fn data_file(name: &str) -> Option<Vec<u8>> {
    let Some(folder) = std::env::var_os("STUDIO_TEST_DATA") else {
        println!("skipped: set STUDIO_TEST_DATA to the folder that holds {name}");
        return None;
    };
    Some(std::fs::read(Path::new(&folder).join(name)).unwrap())
}
