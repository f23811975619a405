//! A running documents subgraph beside a log that stands for the controls subgraph's.

use std::{net::SocketAddr, path::Path, sync::Arc};

use async_graphql::Request;
use axum::{extract::Request as HttpRequest, middleware::Next, response::Response};
use sea_orm_migration::MigratorTrait;
use serde_json::Value;
use studio_access::Policy;
use studio_events::{
    Append, EventData, EventStore, EventStoreOptions, Expected, LogFeed, Metadata, PublishedType,
    StreamAppend,
};
use studio_kernel::{
    Actor, Env, FixedEntropy, Id, ManualClock, Payload, Role, TenantId, Timestamp, kind,
    published::controls::{ProjectArchived, ProjectCreated, ProjectRestored},
};
use studio_service::{Config, Deps, DocumentText, Feeds, GraphQlService, notices::Notices};
use studio_stores::{
    blobs::{Blobs, DirectoryBlobs},
    graph::PetGraph,
    keyring::Keyring,
    sql::{Database, SqlOptions},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

static CONTROLS: &[PublishedType] = &[
    PublishedType::of::<ProjectCreated>(),
    PublishedType::of::<ProjectArchived>(),
    PublishedType::of::<ProjectRestored>(),
];

/// The largest document of these tests, in bytes.
pub(crate) const LIMIT: u64 = 200_000;

pub(crate) struct World {
    pub(crate) env: Env,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: EventStore,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) text: Arc<dyn DocumentText>,
    pub(crate) url: String,
    graphql: Arc<dyn GraphQlService>,
    controls: EventStore,
    background: JoinSet<()>,
    shutdown: CancellationToken,
}

impl World {
    /// Opens the world that lies in the directory, and starts it.
    pub(crate) async fn open(root: &Path) -> Self {
        let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
        Self::open_at(root, clock).await
    }

    pub(crate) async fn open_at(root: &Path, clock: Arc<ManualClock>) -> Self {
        // Ids of a second start must not be those of the first.
        let seed = u64::try_from(std::fs::read_dir(root).unwrap().count()).unwrap();
        let env = Env::new(clock.clone(), FixedEntropy::seeded(seed + 7));
        let shutdown = CancellationToken::new();
        let mut config = Config { data_dir: root.to_owned(), ..Config::default() };
        config.limits.document = LIMIT;
        let blobs: Arc<dyn Blobs> =
            Arc::new(DirectoryBlobs::open_with(root.join("blobs"), env.clone()).unwrap());
        let database =
            open_database::<studio_migrations::documents::Migrator>(root, "documents").await;
        let deps = Deps {
            env: env.clone(),
            database,
            keyring: Arc::new(Keyring::embedded(&root.join("keyring"), env.clone()).await.unwrap()),
            policy: Arc::new(Policy::embedded().unwrap()),
            notices: Notices::new(env.clone()),
            graph: Arc::new(PetGraph::new()),
            blobs: blobs.clone(),
            config: Arc::new(config),
            leadership: studio_events::Leadership::default(),
            shutdown: shutdown.clone(),
            drained: shutdown.clone(),
        };
        let (subgraph, text) = studio_documents::build(deps).await.unwrap();
        let controls = open_database::<studio_migrations::events::Migrator>(root, "controls").await;
        let options = EventStoreOptions::new(controls, "controls", env.clone());
        let controls = EventStore::open(options).await.unwrap();
        let mut feeds = Feeds::new();
        feeds.insert("controls", Arc::new(LogFeed::new(controls.clone(), CONTROLS)));
        let mut background = JoinSet::new();
        for task in (subgraph.start)(&feeds).unwrap() {
            background.spawn(task);
        }
        let url = serve(subgraph.routes, shutdown.clone()).await;
        Self {
            env,
            clock,
            store: subgraph.store,
            blobs,
            text,
            url,
            graphql: subgraph.graphql,
            controls,
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
        self.controls.shutdown().await;
    }

    pub(crate) fn owner(&self) -> Actor {
        self.member(self.env.id(), Role::Owner)
    }

    pub(crate) fn member(&self, tenant: TenantId, role: Role) -> Actor {
        Actor::user(tenant, self.env.id(), self.env.id(), vec![role])
    }

    /// Publishes a project, as the controls subgraph does.
    pub(crate) async fn project(&self, tenant: TenantId) -> Id<kind::Project> {
        let project = self.env.id();
        self.create(tenant, project).await;
        project
    }

    /// Publishes that a project was created. Answers the position.
    pub(crate) async fn create(&self, tenant: TenantId, project: Id<kind::Project>) -> i64 {
        self.publish(tenant, ProjectCreated { project, name: "Payments".to_owned() }).await
    }

    /// Publishes that a project was archived, or restored, and waits until that is known.
    pub(crate) async fn archive(
        &self,
        tenant: TenantId,
        project: Id<kind::Project>,
        archived: bool,
    ) {
        let position = if archived {
            self.publish(tenant, ProjectArchived { project }).await
        } else {
            self.publish(tenant, ProjectRestored { project }).await
        };
        self.caught_up_to(position).await;
    }

    /// Waits until what was published up to the position is known.
    pub(crate) async fn caught_up_to(&self, position: i64) {
        let mut wake = self.store.wake();
        loop {
            wake.borrow_and_update();
            if self.store.checkpoint("documents.projects").await.unwrap() >= position {
                return;
            }
            wake.changed().await.unwrap();
        }
    }

    async fn publish<P: Payload>(&self, tenant: TenantId, payload: P) -> i64 {
        let event = EventData {
            event_type: P::TYPE.into(),
            schema_version: P::VERSION,
            payload: serde_json::to_value(&payload).unwrap().into(),
        };
        let stream = StreamAppend {
            stream_type: "controls.project".into(),
            stream_id: "published".to_owned(),
            expected: Expected::Any,
            events: vec![event],
        };
        let append = Append::new(tenant, Metadata::system("test"), vec![stream]);
        self.controls.append(append).await.unwrap()[0].position
    }

    /// Runs a query or mutation as the actor and gives its JSON: `data` and `errors`.
    pub(crate) async fn graphql(&self, actor: Option<&Actor>, query: &str) -> Value {
        let mut request = Request::new(query);
        if let Some(actor) = actor {
            request = request.data(actor.clone());
        }
        serde_json::to_value(self.graphql.execute(request).await).unwrap()
    }

    pub(crate) fn sdl(&self) -> String {
        self.graphql.sdl()
    }

    pub(crate) fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        reqwest::Client::new().request(method, format!("{}{path}", self.url))
    }

    /// Uploads and gives the status and the JSON of the answer.
    pub(crate) async fn upload(
        &self,
        actor: &Actor,
        query: &str,
        media_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> (u16, Value) {
        let answer = self
            .request(reqwest::Method::POST, &format!("/v1/documents?{query}"))
            .header("x-test-actor", serde_json::to_string(actor).unwrap())
            .header("content-type", media_type)
            .body(body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn get(&self, actor: &Actor, path: &str) -> reqwest::Response {
        let actor = serde_json::to_string(actor).unwrap();
        let request = self.request(reqwest::Method::GET, path).header("x-test-actor", actor);
        request.send().await.unwrap()
    }
}

async fn open_database<M: MigratorTrait>(root: &Path, name: &str) -> Database {
    let file = root.join(format!("{name}.db"));
    let url = format!("sqlite://{}", file.display());
    let database = Database::connect(&url, SqlOptions::default()).await.unwrap();
    M::up(database.writer(), None).await.unwrap();
    database
}

async fn serve(routes: axum::Router, shutdown: CancellationToken) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address: SocketAddr = listener.local_addr().unwrap();
    let routes = routes.layer(axum::middleware::from_fn(authenticate));
    tokio::spawn(async move {
        let ended = shutdown.cancelled_owned();
        axum::serve(listener, routes).with_graceful_shutdown(ended).await.unwrap();
    });
    format!("http://{address}")
}

/// Stands for the server's authentication: the actor comes in a header.
async fn authenticate(mut request: HttpRequest, next: Next) -> Response {
    if let Some(actor) = request.headers().get("x-test-actor") {
        let actor: Actor = serde_json::from_slice(actor.as_bytes()).unwrap();
        request.extensions_mut().insert(actor);
    }
    next.run(request).await
}

/// Files below the spools, besides the locks: 0 unless an upload is under way.
pub(crate) fn spooled(root: &Path) -> usize {
    let spools = std::fs::read_dir(root.join("blobs/spool")).unwrap();
    spools.map(|spool| std::fs::read_dir(spool.unwrap().path()).unwrap().count() - 1).sum()
}
