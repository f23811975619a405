//! A running controls subgraph beside a log that stands for the evidence subgraph's.

use std::{path::Path, sync::Arc, time::Duration};

use async_graphql::{Request, Variables};
use futures::{StreamExt, stream::BoxStream};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use studio_access::Policy;
use studio_events::{
    Append, EventData, EventStore, EventStoreOptions, Expected, Leadership, LogFeed, Metadata,
    PublishedType, StreamAppend,
};
use studio_kernel::{
    Actor, Env, FixedEntropy, Id, ManualClock, Payload, Role, TenantId, Timestamp, kind,
    published::{
        controls::CheckResultsMatched,
        evidence::{CheckResultsRecorded, CheckSummary, EvidenceRejected},
    },
};
use studio_service::{Config, Deps, Feeds, GraphQlService, notices::Notices};
use studio_stores::{
    blobs::DirectoryBlobs,
    graph::{Graph, PetGraph},
    keyring::Keyring,
    sql::{Database, SqlOptions},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

static EVIDENCE: &[PublishedType] =
    &[PublishedType::of::<CheckResultsRecorded>(), PublishedType::of::<EvidenceRejected>()];

/// 2026-11-23T09:00:00Z, the morning after the scans in the test data.
pub(crate) const NOW: &str = "2026-11-23T09:00:00Z";
pub(crate) const SECOND: i64 = 1_000_000;

pub(crate) struct World {
    pub(crate) env: Env,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: EventStore,
    pub(crate) evidence: EventStore,
    pub(crate) routes: axum::Router,
    pub(crate) owner: Actor,
    graphql: Arc<dyn GraphQlService>,
    background: JoinSet<()>,
    shutdown: CancellationToken,
}

impl World {
    /// Opens what lies in the directory, and starts it.
    pub(crate) async fn open(root: &Path) -> Self {
        Self::open_at(root, ManualClock::at(NOW.parse().unwrap())).await
    }

    pub(crate) async fn open_at(root: &Path, clock: Arc<ManualClock>) -> Self {
        Self::open_on(root, clock, None, Arc::new(PetGraph::new())).await
    }

    /// With a graph that may hold something already.
    pub(crate) async fn open_with(
        root: &Path,
        clock: Arc<ManualClock>,
        graph: Arc<dyn Graph>,
    ) -> Self {
        Self::open_on(root, clock, None, graph).await
    }

    /// Opens one of several processes on PostgreSQL, its schemas beginning with `prefix`.
    pub(crate) async fn open_replica(root: &Path, clock: Arc<ManualClock>, prefix: &str) -> Self {
        Self::open_on(root, clock, Some(prefix), Arc::new(PetGraph::new())).await
    }

    async fn open_on(
        root: &Path,
        clock: Arc<ManualClock>,
        postgres: Option<&str>,
        graph: Arc<dyn Graph>,
    ) -> Self {
        use studio_migrations::{controls, events};
        studio_service::telemetry::init(&Config::default().log).unwrap();
        // Ids of a second start must not be those of the first.
        let starts = root.join("starts");
        let count = std::fs::read(&starts).map_or(0, |bytes| bytes.len());
        std::fs::write(&starts, vec![0; count + 1]).unwrap();
        let env = Env::new(clock.clone(), FixedEntropy::seeded(u64::try_from(count).unwrap() + 7));
        let shutdown = CancellationToken::new();
        let deps = Deps {
            env: env.clone(),
            database: database::<controls::Migrator>(root, "controls", postgres).await,
            keyring: Arc::new(Keyring::embedded(&root.join("keyring"), env.clone()).await.unwrap()),
            policy: Arc::new(Policy::embedded().unwrap()),
            notices: Notices::new(env.clone()),
            blobs: Arc::new(DirectoryBlobs::open(root.join("blobs")).unwrap()),
            graph,
            config: Arc::new(Config { data_dir: root.to_owned(), ..Config::default() }),
            leadership: Leadership::Candidate { ttl: Duration::from_millis(300) },
            shutdown: shutdown.clone(),
            drained: shutdown.clone(),
        };
        let subgraph = studio_controls::build(deps).await.unwrap();
        let evidence = database::<events::Migrator>(root, "evidence", postgres).await;
        let options = EventStoreOptions::new(evidence, "evidence", env.clone());
        let evidence = EventStore::open(options).await.unwrap();
        let mut feeds = Feeds::new();
        feeds.insert("evidence", Arc::new(LogFeed::new(evidence.clone(), EVIDENCE)));
        let mut background = JoinSet::new();
        for task in (subgraph.start)(&feeds).unwrap() {
            background.spawn(task);
        }
        Self {
            owner: owner(),
            env,
            clock,
            store: subgraph.store,
            evidence,
            routes: subgraph.routes,
            graphql: subgraph.graphql,
            background,
            shutdown,
        }
    }

    /// Ends everything, as a stop of the process does.
    pub(crate) async fn close(mut self) {
        self.shutdown.cancel();
        while let Some(ended) = self.background.join_next().await {
            ended.unwrap();
        }
        self.store.shutdown().await;
        self.evidence.shutdown().await;
    }

    /// Ends everything at once: what is under way is cut off.
    pub(crate) async fn kill(mut self) {
        self.background.abort_all();
        while self.background.join_next().await.is_some() {}
        self.shutdown.cancel();
        self.store.shutdown().await;
        self.evidence.shutdown().await;
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.env.now()
    }

    /// Asks as the owner; errors are a failure of the test.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Value {
        self.clock.advance_micros(1_000);
        let response = self.ask_as(Some(&self.owner), query, variables).await;
        assert!(response.is_ok(), "{query}\n{:?}", response.errors);
        response.data.into_json().unwrap()
    }

    /// The stable code of the error that the owner gets.
    pub(crate) async fn code(&self, query: &str, variables: Value) -> String {
        code(&self.ask_as(Some(&self.owner), query, variables).await)
    }

    pub(crate) async fn ask_as(
        &self,
        actor: Option<&Actor>,
        query: &str,
        variables: Value,
    ) -> async_graphql::Response {
        self.graphql.execute(request(actor, query, variables)).await
    }

    /// Subscribes to the changes of a project's scores.
    pub(crate) fn subscribe(
        &self,
        actor: &Actor,
        project: &str,
        after: Option<&str>,
    ) -> BoxStream<'static, async_graphql::Response> {
        let query = "subscription($project: ID!, $after: String) {
            scoreChanged(projectId: $project, after: $after) {
                cursor lo hi coverage exact { lo hi coverage } headline asOf at recordedAt causeCount
                satisfied otherThanSatisfied undetermined formulaVersion
                framework { id name } project { id }
                previous { headline exact { lo hi coverage } }
                causes { kind type eventId recordedAt }
            }
        }";
        self.stream(actor, query, json!({ "project": project, "after": after }))
    }

    /// Subscribes to something.
    pub(crate) fn stream(
        &self,
        actor: &Actor,
        query: &str,
        variables: Value,
    ) -> BoxStream<'static, async_graphql::Response> {
        self.graphql.execute_stream(request(Some(actor), query, variables))
    }

    pub(crate) async fn project(&self) -> String {
        let made = self
            .ask(
                "mutation { createProject(input: {name: \"Payments\"}) { project { id } } }",
                json!({}),
            )
            .await;
        made["createProject"]["project"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn import(&self, document: &str) -> String {
        let made = self
            .ask(
                "mutation($document: String!) { importFramework(input: {document: $document}) {
                    framework { id } userErrors { code message path } } }",
                json!({ "document": document }),
            )
            .await;
        assert_eq!(made["importFramework"]["userErrors"], json!([]));
        made["importFramework"]["framework"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn builtin(&self, id: &str) -> String {
        let made = self
            .ask(
                "mutation($id: String!) { importFramework(input: {builtin: $id}) {
                    framework { id } } }",
                json!({ "id": id }),
            )
            .await;
        made["importFramework"]["framework"]["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn adopt(&self, project: &str, framework: &str, controls: &str, state: &str) {
        let query = format!(
            "mutation($project: ID!, $framework: ID!) {{ adoptFramework(input: {{
                projectId: $project, frameworkId: $framework, controls: {controls},
                implementation: {state} }}) {{ controlsCreated userErrors {{ message }} }} }}"
        );
        let made = self.ask(&query, json!({ "project": project, "framework": framework })).await;
        assert_eq!(made["adoptFramework"]["userErrors"], json!([]));
    }

    /// The score of a framework; `when` are further arguments.
    pub(crate) async fn score(&self, project: &str, framework: &str, when: &str) -> Value {
        let query = format!(
            "query($project: ID!, $framework: ID!) {{ project(id: $project) {{
                score(frameworkId: $framework {when}) {{
                    lo hi coverage exact {{ lo hi coverage }} headline asOf at
                    satisfied otherThanSatisfied undetermined }} }} }}"
        );
        let answer = self.ask(&query, json!({ "project": project, "framework": framework })).await;
        answer["project"]["score"].clone()
    }

    /// Publishes what the evidence subgraph would, and answers its position.
    pub(crate) async fn publish<P: Payload>(&self, payload: &P) -> i64 {
        self.publish_to(self.owner.tenant, payload).await
    }

    pub(crate) async fn publish_to<P: Payload>(&self, tenant: TenantId, payload: &P) -> i64 {
        self.clock.advance_micros(1_000);
        let event = EventData {
            event_type: P::TYPE.into(),
            schema_version: P::VERSION,
            payload: serde_json::to_value(payload).unwrap().into(),
        };
        let stream = StreamAppend {
            stream_type: "evidence.test".into(),
            stream_id: "one".to_owned(),
            expected: Expected::Any,
            events: vec![event],
        };
        let append = Append::new(tenant, Metadata::system("test"), vec![stream]);
        self.evidence.append(append).await.unwrap()[0].position
    }

    /// Waits until the process manager has taken in what stands at a position of the evidence log,
    /// and gives what it made of it.
    pub(crate) async fn matched(&self, position: i64) -> CheckResultsMatched {
        let mut tail = Box::pin(self.store.tail(0));
        while let Some(event) = tail.next().await {
            let event = event.unwrap();
            if event.event_type != CheckResultsMatched::TYPE {
                continue;
            }
            let matched: CheckResultsMatched = serde_json::from_str(&event.payload).unwrap();
            if matched.source_position == position {
                return matched;
            }
        }
        unreachable!("the log ended")
    }

    /// Waits until the live score of a framework is recorded, and gives all recorded changes.
    pub(crate) async fn settled(&self, project: &str, framework: &str) -> Vec<Value> {
        let live = self.score(project, framework, "").await["exact"]["lo"].clone();
        let mut wake = self.store.wake();
        loop {
            wake.borrow_and_update();
            let changes = self.recorded("controls.score.changed").await;
            let newest = changes.iter().rev().find(|change| change["framework"] == framework);
            if newest.is_some_and(|change| change["now"]["value"]["lo"] == live) {
                return changes;
            }
            wake.changed().await.unwrap();
        }
    }

    /// The position of the last event on record. `head()` may follow it a moment later.
    pub(crate) async fn last(&self) -> i64 {
        let mut last = 0;
        while let Some(event) = self.store.read(last, 1_000).await.unwrap().last() {
            last = event.position;
        }
        last
    }

    /// Every event of a type in this subgraph's log.
    pub(crate) async fn recorded(&self, event_type: &str) -> Vec<Value> {
        let mut after = 0;
        let mut found = Vec::new();
        loop {
            let events = self.store.read(after, 1_000).await.unwrap();
            let Some(last) = events.last() else { return found };
            after = last.position;
            found.extend(
                events
                    .iter()
                    .filter(|event| event.event_type == event_type)
                    .map(|event| serde_json::from_str(&event.payload).unwrap()),
            );
        }
    }
}

fn request(actor: Option<&Actor>, query: &str, variables: Value) -> Request {
    let request = Request::new(query).variables(Variables::from_json(variables));
    match actor {
        Some(actor) => request.data(actor.clone()),
        None => request,
    }
}

pub(crate) fn code(response: &async_graphql::Response) -> String {
    let error = response.errors.first().expect("an error");
    let extensions = error.extensions.as_ref().expect("extensions");
    match extensions.get("code") {
        Some(async_graphql::Value::String(code)) => code.clone(),
        other => panic!("no code: {other:?}"),
    }
}

/// An instant as answers have it.
pub(crate) fn wire(at: Timestamp) -> Value {
    json!(at.to_datetime().to_rfc3339())
}

/// The same person of the same organization in every start.
pub(crate) fn owner() -> Actor {
    member(1, Role::Owner)
}

pub(crate) fn member(organization: u128, role: Role) -> Actor {
    let id = |n: u128| uuid(organization * 10 + n);
    Actor::user(id(1).parse_as("org"), id(2).parse_as("usr"), id(3).parse_as("ses"), vec![role])
}

fn uuid(n: u128) -> String {
    format!("{n:032x}")
}

trait ParseAs {
    fn parse_as<K: studio_kernel::id::Kind>(&self, prefix: &str) -> Id<K>;
}

impl ParseAs for String {
    fn parse_as<K: studio_kernel::id::Kind>(&self, prefix: &str) -> Id<K> {
        format!("{prefix}_{self}").parse().unwrap()
    }
}

async fn database<M: MigratorTrait>(root: &Path, name: &str, postgres: Option<&str>) -> Database {
    let (url, schema) = match postgres {
        Some(prefix) => (postgres_url().unwrap(), Some(format!("{prefix}_{name}"))),
        None => (format!("sqlite://{}", root.join(format!("{name}.db")).display()), None),
    };
    let options = SqlOptions { schema, ..SqlOptions::default() };
    let database = Database::connect(&url, options).await.unwrap();
    M::up(database.writer(), None).await.unwrap();
    database
}

/// The PostgreSQL server of the tests; `None`, and a line that says so, where there is none.
pub(crate) fn postgres_url() -> Option<String> {
    let url = std::env::var("STUDIO_TEST_POSTGRES").ok();
    if url.is_none() {
        println!("skipped: set STUDIO_TEST_POSTGRES to a postgres:// address to run this");
    }
    url
}

/// A file of the test data; `None`, and a line that says so, where it is missing.
pub(crate) fn test_data(name: &str) -> Option<Vec<u8>> {
    let Ok(directory) = std::env::var("STUDIO_TEST_DATA") else {
        println!("skipped: set STUDIO_TEST_DATA to the folder with {name}");
        return None;
    };
    Some(std::fs::read(Path::new(&directory).join(name)).unwrap())
}

pub(crate) fn moderate() -> Option<String> {
    let bytes = test_data("nist-800-53-r5-moderate-baseline.oscal.json")?;
    Some(String::from_utf8(bytes).unwrap())
}

/// The counts of a check, hand-made.
pub(crate) fn summary(check: &str, passed: u32, failed: u32, at: Timestamp) -> CheckSummary {
    CheckSummary {
        rule_version: None,
        check: check.to_owned(),
        title: format!("The check {check}"),
        severity: "high".to_owned(),
        account: "123456789012".to_owned(),
        region: "eu-west-1".to_owned(),
        population: passed + failed,
        passed,
        failed,
        unknown: 0,
        failing_added: Vec::new(),
        failing_removed: Vec::new(),
        effective_from: at,
        effective_to: None,
        collected_at: at,
        requirements: [("SOC2".to_owned(), vec!["cc_6_1".to_owned()])].into(),
    }
}

/// Check results of a scan.
pub(crate) fn results(
    project: &str,
    version: u32,
    summaries: Vec<CheckSummary>,
) -> CheckResultsRecorded {
    CheckResultsRecorded {
        project: project.parse().unwrap(),
        run: uuid(900 + u128::from(version)).parse_as("run"),
        evidence: evidence_id(),
        evidence_version: version,
        evidence_hash: format!("{version:064x}"),
        uploaded_by: owner().user_id(),
        summaries,
    }
}

pub(crate) fn evidence_id() -> Id<kind::Evidence> {
    uuid(800).parse_as("evd")
}
