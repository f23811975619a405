//! A running ai subgraph, and documents for it.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use async_graphql::Request;
use async_trait::async_trait;
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use studio_access::Policy;
use studio_events::{
    Append, EventData, EventStore, EventStoreOptions, Expected, LogFeed, Metadata, PublishedType,
    StreamAppend,
};
use studio_kernel::{
    Actor, Code, DataClass, Env, FixedEntropy, Id, ManualClock, Payload, Role, TenantId, Timestamp,
    kind,
    published::documents::{DocumentClassified, DocumentVersionStored},
};
use studio_service::{
    ApiError, Config, Deps, DocumentText, Feeds, GraphQlService, notices::Notices,
};
use studio_stores::{
    blobs::{ContentHash, DirectoryBlobs},
    graph::PetGraph,
    keyring::Keyring,
    sql::{Database, SqlOptions},
};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

static DOCUMENTS: &[PublishedType] =
    &[PublishedType::of::<DocumentVersionStored>(), PublishedType::of::<DocumentClassified>()];

type Version = Id<kind::DocumentVersion>;

/// The documents' text, kept in memory. It outlives a restart of the subgraph.
#[derive(Default)]
pub(crate) struct Library {
    texts: Mutex<HashMap<(TenantId, Version), String>>,
    closed: Mutex<bool>,
}

impl Library {
    /// From now on the text of the version is gone, as after an erasure.
    pub(crate) fn erase(&self, tenant: TenantId, version: Version) {
        self.texts.lock().unwrap().remove(&(tenant, version)).unwrap();
    }

    pub(crate) fn change(&self, tenant: TenantId, version: Version, text: &str) {
        self.texts.lock().unwrap().insert((tenant, version), text.to_owned()).unwrap();
    }

    /// While it is closed, nothing can be read.
    pub(crate) fn close(&self, closed: bool) {
        *self.closed.lock().unwrap() = closed;
    }
}

#[async_trait]
impl DocumentText for Library {
    async fn text(&self, tenant: TenantId, version: Version) -> Result<Option<String>, ApiError> {
        if *self.closed.lock().unwrap() {
            return Err(ApiError::new(Code::SubgraphUnavailable, "the library is closed"));
        }
        Ok(self.texts.lock().unwrap().get(&(tenant, version)).cloned())
    }
}

pub(crate) struct World {
    pub(crate) env: Env,
    pub(crate) store: EventStore,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) library: Arc<Library>,
    graphql: Arc<dyn GraphQlService>,
    documents: EventStore,
    background: JoinSet<()>,
    shutdown: CancellationToken,
}

/// A document that was stored.
#[derive(Clone, Copy)]
pub(crate) struct Stored {
    pub(crate) document: Id<kind::Document>,
    pub(crate) version: Version,
}

impl World {
    pub(crate) async fn open(root: &Path) -> Self {
        Self::open_with(root, Arc::default(), 1).await
    }

    pub(crate) async fn open_with(root: &Path, library: Arc<Library>, seed: u64) -> Self {
        let clock = ManualClock::at(Timestamp::from_micros(1_800_000_000_000_000));
        let env = Env::new(clock, FixedEntropy::seeded(seed));
        let shutdown = CancellationToken::new();
        let keyring = Keyring::embedded(&root.join("keyring"), env.clone()).await.unwrap();
        let keyring = Arc::new(keyring);
        let deps = Deps {
            env: env.clone(),
            database: open_database::<studio_migrations::ai::Migrator>(root, "ai").await,
            keyring: keyring.clone(),
            policy: Arc::new(Policy::embedded().unwrap()),
            notices: Notices::new(env.clone()),
            graph: Arc::new(PetGraph::new()),
            blobs: Arc::new(DirectoryBlobs::open(root.join("blobs")).unwrap()),
            config: Arc::new(Config { data_dir: root.to_owned(), ..Config::default() }),
            leadership: studio_events::Leadership::default(),
            shutdown: shutdown.clone(),
            drained: shutdown.clone(),
        };
        let subgraph = studio_ai::build(deps, library.clone()).await.unwrap();
        let documents = open_database::<studio_migrations::events::Migrator>(root, "documents");
        let options = EventStoreOptions::new(documents.await, "documents", env.clone());
        let documents = EventStore::open(options).await.unwrap();
        let mut feeds = Feeds::new();
        feeds.insert("documents", Arc::new(LogFeed::new(documents.clone(), DOCUMENTS)));
        let mut background = JoinSet::new();
        for task in (subgraph.start)(&feeds).unwrap() {
            background.spawn(task);
        }
        Self {
            env,
            store: subgraph.store,
            keyring,
            library,
            graphql: subgraph.graphql,
            documents,
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
        self.documents.shutdown().await;
    }

    pub(crate) fn owner(&self) -> Actor {
        self.member(self.env.id(), Role::Owner)
    }

    pub(crate) fn member(&self, tenant: TenantId, role: Role) -> Actor {
        Actor::user(tenant, self.env.id(), self.env.id(), vec![role])
    }

    /// Stores a new document without a project.
    pub(crate) async fn add(&self, tenant: TenantId, name: &str, text: &str) -> Stored {
        self.version(tenant, self.env.id(), 1, None, name, Some(text)).await
    }

    /// Stores a version and publishes it, as the documents subgraph does.
    pub(crate) async fn version(
        &self,
        tenant: TenantId,
        document: Id<kind::Document>,
        number: u32,
        project: Option<Id<kind::Project>>,
        name: &str,
        text: Option<&str>,
    ) -> Stored {
        let version = self.env.id();
        let bytes = text.unwrap_or("\0").as_bytes();
        if let Some(text) = text {
            self.library.texts.lock().unwrap().insert((tenant, version), text.to_owned());
        }
        let stored = DocumentVersionStored {
            document,
            version,
            number,
            name: name.to_owned(),
            project,
            media_type: "text/plain".to_owned(),
            sha256: ContentHash::of(bytes).to_string(),
            size: bytes.len() as u64,
            data_class: DataClass::Internal,
            owner: None,
        };
        self.publish(tenant, document, stored).await;
        Stored { document, version }
    }

    /// Publishes that a document of somebody has another class.
    pub(crate) async fn classify(
        &self,
        tenant: TenantId,
        document: Id<kind::Document>,
        data_class: DataClass,
        owner: Option<Id<kind::User>>,
    ) {
        let classified = DocumentClassified { document, data_class, owner };
        self.publish(tenant, document, classified).await;
    }

    async fn publish<P: Payload>(
        &self,
        tenant: TenantId,
        document: Id<kind::Document>,
        payload: P,
    ) {
        let event = EventData {
            event_type: P::TYPE.into(),
            schema_version: P::VERSION,
            payload: serde_json::to_value(&payload).unwrap().into(),
        };
        let stream = StreamAppend {
            stream_type: "documents.document".into(),
            stream_id: document.to_string(),
            expected: Expected::Any,
            events: vec![event],
        };
        let append = Append::new(tenant, Metadata::system("test"), vec![stream]);
        self.documents.append(append).await.unwrap();
    }

    /// Runs a query or mutation as the actor and gives its JSON: `data` and `errors`.
    pub(crate) async fn graphql(
        &self,
        actor: Option<&Actor>,
        query: &str,
        variables: Value,
    ) -> Value {
        let variables = async_graphql::Variables::from_json(variables);
        let mut request = Request::new(query).variables(variables);
        if let Some(actor) = actor {
            request = request.data(actor.clone());
        }
        serde_json::to_value(self.graphql.execute(request).await).unwrap()
    }

    pub(crate) fn sdl(&self) -> String {
        self.graphql.sdl()
    }

    /// A whole search connection.
    pub(crate) async fn search(&self, actor: &Actor, query: &str) -> Value {
        self.search_in(actor, query, None, None, None).await
    }

    pub(crate) async fn search_in(
        &self,
        actor: &Actor,
        query: &str,
        project: Option<Id<kind::Project>>,
        first: Option<u32>,
        after: Option<&str>,
    ) -> Value {
        let text = "query ($query: String!, $project: ID, $first: Int, $after: String) {
            search(query: $query, projectId: $project, first: $first, after: $after) { note
                nodes { passage documentName versionNumber sha256 score document { id }
                    version { id } place { startLine endLine offset } }
                pageInfo { hasNextPage endCursor } } }";
        let variables = json!({
            "query": query, "project": project.map(|id| id.to_string()), "first": first,
            "after": after,
        });
        let answer = self.graphql(Some(actor), text, variables).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        answer["data"]["search"].clone()
    }

    /// The passages that a search finds, in order.
    pub(crate) async fn passages(&self, actor: &Actor, query: &str) -> Vec<String> {
        let found = self.search(actor, query).await;
        let nodes = found["nodes"].as_array().unwrap();
        nodes.iter().map(|hit| hit["passage"].as_str().unwrap().to_owned()).collect()
    }
}

async fn open_database<M: MigratorTrait>(root: &Path, name: &str) -> Database {
    let file = root.join(format!("{name}.db"));
    let url = format!("sqlite://{}", file.display());
    let database = Database::connect(&url, SqlOptions::default()).await.unwrap();
    M::up(database.writer(), None).await.unwrap();
    database
}
