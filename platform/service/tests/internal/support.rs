//! A log of projects, served to other processes over a real socket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use sea_orm_migration::MigratorTrait;
use studio_events::{
    Append, AuditFeed, EventData, EventStore, EventStoreOptions, Expected, LogFeed, Metadata,
    PublishedType, Shown, StreamAppend,
};
use studio_kernel::{
    Env, ManualClock, Payload, SystemEntropy, TenantId, Timestamp,
    published::controls::ProjectCreated,
};
use studio_service::internal::{
    InternalClient, InternalRoutes, InternalSigner, InternalVerifier, Options, internal_routes,
};
use studio_stores::{
    keyring::Keyring,
    sql::{Database, SqlOptions},
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

pub(crate) static PUBLISHED: &[PublishedType] = &[PublishedType::of::<ProjectCreated>()];

/// Of the name nothing may be shown.
static SHOWN: &[Shown] = &[Shown::of::<ProjectCreated>(&["project"])];

pub(crate) const NAME: &str = "controls";

pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) env: Env,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) store: EventStore,
}

impl World {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
        let env = Env::new(clock.clone(), Arc::new(SystemEntropy));
        let keyring = Keyring::embedded(&directory.path().join("keyring"), env.clone()).await;
        let store = open(&directory, "controls", &env).await;
        Self { clock, env, keyring: Arc::new(keyring.unwrap()), store, directory }
    }

    pub(crate) fn feed(&self) -> Arc<LogFeed> {
        Arc::new(LogFeed::new(self.store.clone(), PUBLISHED))
    }

    pub(crate) fn audit(&self) -> Arc<AuditFeed> {
        Arc::new(AuditFeed::new(self.store.clone(), SHOWN))
    }

    pub(crate) async fn verifier(&self) -> InternalVerifier {
        InternalVerifier::from_keyring(&self.keyring, self.env.clone()).await.unwrap()
    }

    pub(crate) async fn signer(&self) -> InternalSigner {
        InternalSigner::from_keyring(&self.keyring, "worker", self.env.clone()).await.unwrap()
    }

    /// What the subgraph serves to others, and nothing else.
    pub(crate) async fn routes(&self, others: Router, shutdown: CancellationToken) -> Router {
        let verifier = self.verifier().await;
        internal_routes(InternalRoutes {
            name: NAME,
            feed: self.feed(),
            audit: self.audit(),
            others,
            verifier,
            shutdown,
        })
    }

    pub(crate) async fn serve(&self) -> Server {
        let shutdown = CancellationToken::new();
        let routes = self.routes(Router::new(), shutdown.clone()).await;
        Server::start(routes, shutdown, None).await
    }

    pub(crate) async fn client(&self, urls: &[&str]) -> InternalClient {
        let options = Options {
            connect_timeout: Duration::from_millis(500),
            timeout: Duration::from_secs(5),
            http: None,
        };
        InternalClient::new(NAME, urls, self.signer().await, options).unwrap()
    }

    /// Publishes one project, its name so long.
    pub(crate) async fn project(&self, tenant: TenantId, name: &str) {
        let project = self.env.id();
        let created = ProjectCreated { project, name: name.to_owned() };
        let event = EventData {
            event_type: ProjectCreated::TYPE.into(),
            schema_version: ProjectCreated::VERSION,
            payload: serde_json::to_value(&created).unwrap().into(),
        };
        self.append(tenant, project.to_string(), event).await;
    }

    /// Records what is neither published nor shown.
    pub(crate) async fn unpublished(&self, tenant: TenantId, secret: &str) {
        let event = EventData {
            event_type: "controls.kept.quiet".into(),
            schema_version: 1,
            payload: serde_json::json!({ "project": secret }).into(),
        };
        self.append(tenant, "quiet".to_owned(), event).await;
    }

    async fn append(&self, tenant: TenantId, stream_id: String, event: EventData) {
        let stream = StreamAppend {
            stream_type: "controls.project".into(),
            stream_id,
            expected: Expected::NoStream,
            events: vec![event],
        };
        let append = Append::new(tenant, Metadata::system("test"), vec![stream]);
        self.store.append(append).await.unwrap();
    }
}

pub(crate) async fn open(directory: &TempDir, name: &'static str, env: &Env) -> EventStore {
    let url = format!("sqlite://{}", directory.path().join(format!("{name}.db")).display());
    let database = Database::connect(&url, SqlOptions::default()).await.unwrap();
    studio_migrations::events::Migrator::up(database.writer(), None).await.unwrap();
    EventStore::open(EventStoreOptions::new(database, name, env.clone())).await.unwrap()
}

/// A server on a real socket.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) url: String,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(
        routes: Router,
        shutdown: CancellationToken,
        address: Option<SocketAddr>,
    ) -> Self {
        let address = address.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let ended = shutdown.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            axum::serve(listener, routes).with_graceful_shutdown(ended).await.unwrap();
        });
        Self { address, url: format!("http://{address}"), shutdown, task }
    }

    /// Ends it as a process ends that is asked to.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }

    /// Nobody listens any more, at once; what is being answered ends by itself.
    pub(crate) async fn kill(self) {
        self.task.abort();
        assert!(self.task.await.unwrap_err().is_cancelled());
    }
}

/// An address at which nobody listens.
pub(crate) async fn dead_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}
