//! A running identity subgraph in a folder of its own.

use std::{path::Path, sync::Arc};

use async_graphql::{Request, Variables};
use sea_orm_migration::MigratorTrait;
use serde_json::{Value, json};
use studio_access::Policy;
use studio_events::{EventFeed, EventStore};
use studio_identity::{Identity, NewOrganization, TokenVerifier};
use studio_kernel::{Actor, Env, ManualClock, SystemEntropy, Timestamp};
use studio_mail::Mailer;
use studio_service::{
    Config, Deps, Feeds, GraphQlService,
    internal::{InternalRoutes, InternalVerifier, internal_routes},
    notices::Refusals,
};
use studio_stores::{
    blobs::DirectoryBlobs,
    graph::PetGraph,
    keyring::Keyring,
    limits::InProcessLimits,
    sql::{Database, SqlOptions},
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::recording::RecordingMailer;

pub(crate) const EMAIL: &str = "Ada@Example.org";
pub(crate) const PASSWORD: &str = "difference engine no 2";

/// Where a server's file of breached passwords lies in its folder, if it has one.
const BREACHED: &str = "breached.txt";

/// A server whose folder has a file of this name sends no mail.
pub(crate) const NO_MAIL: &str = "no-mail";

/// The providers of identity that a server trusts, as JSON, in its folder.
pub(crate) const OIDC: &str = "oidc.json";

const POSTGRES: &str = "STUDIO_TEST_POSTGRES";

/// One process's worth of identity.
pub(crate) struct Server {
    pub(crate) folder: Arc<TempDir>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) env: Env,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) graphql: Arc<dyn GraphQlService>,
    pub(crate) routes: axum::Router,
    /// What it serves to Studio's other processes.
    pub(crate) internal: axum::Router,
    pub(crate) store: EventStore,
    /// What its log tells the audit log.
    pub(crate) audit: Arc<dyn EventFeed>,
    pub(crate) identity: Identity,
    pub(crate) verifier: TokenVerifier,
    /// What was sent; nothing leaves.
    pub(crate) mails: Arc<RecordingMailer>,
    schema: Option<String>,
    shutdown: CancellationToken,
}

/// The tokens of somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Tokens {
    /// From the payload of `setUp`, `logIn` or `refresh`, which must have worked.
    pub(crate) fn of(payload: &Value) -> Self {
        assert_eq!(payload["userErrors"], json!([]), "{payload}");
        Self {
            access: payload["accessToken"].as_str().unwrap().to_owned(),
            refresh: payload["refreshToken"].as_str().unwrap().to_owned(),
        }
    }
}

impl Server {
    /// In a new folder, at an instant of the test's own.
    pub(crate) async fn new() -> Self {
        let clock = ManualClock::at("2026-03-01T09:00:00Z".parse::<Timestamp>().unwrap());
        Self::start(Arc::new(tempfile::tempdir().unwrap()), clock, None).await
    }

    /// As [`Server::new`], with a file of breached passwords.
    pub(crate) async fn with_breached_passwords(list: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(BREACHED), list).unwrap();
        let clock = ManualClock::at("2026-03-01T09:00:00Z".parse::<Timestamp>().unwrap());
        Self::start(Arc::new(folder), clock, None).await
    }

    /// With its store in a schema of its own on PostgreSQL, where there is one.
    pub(crate) async fn on_postgres() -> Option<Self> {
        if std::env::var(POSTGRES).is_err() {
            println!("skipped: set {POSTGRES} to a postgres:// address to run this");
            return None;
        }
        let clock = ManualClock::at("2026-03-01T09:00:00Z".parse::<Timestamp>().unwrap());
        let schema = format!("test_{}", Env::system().uuid().simple());
        Some(Self::start(Arc::new(tempfile::tempdir().unwrap()), clock, Some(schema)).await)
    }

    /// In a new folder, set up: the server and its owner's tokens.
    pub(crate) async fn set_up() -> (Self, Tokens) {
        let server = Self::new().await;
        let token = server.identity.setup_token().unwrap();
        let payload = server.set_up_with(&token).await;
        let tokens = Tokens::of(&payload);
        (server, tokens)
    }

    async fn start(folder: Arc<TempDir>, clock: Arc<ManualClock>, schema: Option<String>) -> Self {
        let env = Env::new(clock.clone(), Arc::new(SystemEntropy));
        let url = match &schema {
            Some(_) => std::env::var(POSTGRES).unwrap(),
            None => format!("sqlite://{}", folder.path().join("identity.db").display()),
        };
        let options = SqlOptions { schema: schema.clone(), ..SqlOptions::default() };
        let database = Database::connect(&url, options).await.unwrap();
        studio_migrations::identity::Migrator::up(database.writer(), None).await.unwrap();
        let keyring = Keyring::embedded(&folder.path().join("keyring"), env.clone()).await;
        let keyring = Arc::new(keyring.unwrap());
        let shutdown = CancellationToken::new();
        let limits = Arc::new(InProcessLimits::new(env.clone()));
        let mut config = Config::default();
        config.identity.breached_passwords_file =
            Some(folder.path().join(BREACHED)).filter(|path| path.exists());
        if let Ok(providers) = std::fs::read(folder.path().join(OIDC)) {
            config.oidc = serde_json::from_slice(&providers).unwrap();
        }
        let mails = Arc::new(RecordingMailer::default());
        let mailer: Option<Arc<dyn Mailer>> = Some(mails.clone());
        let mailer = mailer.filter(|_| !folder.path().join(NO_MAIL).exists());
        let refusals = Refusals::new(&["identity"], &env);
        let notices = refusals.of("identity");
        let policy = Policy::embedded().unwrap().with_clock(env.clone());
        let policy = policy.with_witness(Arc::new(refusals));
        let deps = Deps {
            env: env.clone(),
            database,
            keyring: keyring.clone(),
            policy: Arc::new(policy),
            notices: notices.clone(),
            graph: Arc::new(PetGraph::new()),
            blobs: Arc::new(DirectoryBlobs::open(folder.path().join("blobs")).unwrap()),
            config: Arc::new(config),
            leadership: studio_events::Leadership::default(),
            shutdown: shutdown.clone(),
            drained: shutdown.clone(),
        };
        let (subgraph, identity) = studio_identity::build(deps, limits, mailer).await.unwrap();
        tokio::spawn(notices.keep(subgraph.store.clone(), shutdown.clone()));
        let audit = subgraph.audit();
        tokio::spawn(identity.keep_audit_log(vec![audit.clone()]));
        let internal = internal_routes(InternalRoutes {
            name: subgraph.name,
            audit: audit.clone(),
            feed: subgraph.feed,
            others: subgraph.internal,
            verifier: InternalVerifier::from_keyring(&keyring, env.clone()).await.unwrap(),
            shutdown: shutdown.clone(),
        });
        for task in (subgraph.start)(&Feeds::new()).unwrap() {
            tokio::spawn(task);
        }
        Self {
            folder,
            clock,
            env,
            keyring,
            graphql: subgraph.graphql,
            routes: subgraph.routes,
            internal,
            store: subgraph.store,
            audit,
            verifier: identity.verifier(),
            identity,
            mails,
            schema,
            shutdown,
        }
    }

    /// A second process over the same files.
    pub(crate) async fn beside(&self) -> Self {
        Self::start(self.folder.clone(), self.clock.clone(), self.schema.clone()).await
    }

    /// Stops this one and starts another over the same files.
    pub(crate) async fn restart(self) -> Self {
        let (folder, clock, schema) =
            (self.folder.clone(), self.clock.clone(), self.schema.clone());
        self.stop().await;
        Self::start(folder, clock, schema).await
    }

    /// Stops it and lets go of the files.
    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        self.store.shutdown().await;
        self.store.database().close().await.unwrap();
    }

    /// Over files that are there already.
    pub(crate) async fn resume(folder: Arc<TempDir>, clock: Arc<ManualClock>) -> Self {
        Self::start(folder, clock, None).await
    }

    /// Who somebody is who signed in by another process, once this one has heard of it.
    pub(crate) async fn heard_of(&self, tokens: &Tokens) -> Actor {
        let heard = async {
            loop {
                if let Ok(actor) = self.verifier.verify_newest(&tokens.access).await {
                    return actor;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        // Far longer than it may take.
        tokio::time::timeout(std::time::Duration::from_secs(30), heard).await.unwrap()
    }

    /// How many events its log has, without those that tell of refusals and the like: they come a little
    /// after what they tell of.
    pub(crate) async fn changes(&self) -> usize {
        let events = self.store.read(0, 10_000).await.unwrap();
        events.iter().filter(|event| event.stream_type != "identity.notices").count()
    }

    /// Runs an operation as the router would: with the actor of the token, if there is one. A
    /// token that does not hold fails the test.
    pub(crate) async fn ask(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let mut request = Request::new(query).variables(Variables::from_json(variables));
        if let Some(token) = token {
            request = request.data(self.verifier.verify(token).unwrap());
        }
        serde_json::to_value(self.graphql.execute(request).await).unwrap()
    }

    /// Runs an operation for an actor, whatever the verifier would say of them.
    pub(crate) async fn ask_as(&self, actor: Actor, query: &str, variables: Value) -> Value {
        let request = Request::new(query).variables(Variables::from_json(variables)).data(actor);
        serde_json::to_value(self.graphql.execute(request).await).unwrap()
    }

    /// The data of an operation that must have no top-level error.
    pub(crate) async fn data(&self, token: Option<&str>, query: &str, variables: Value) -> Value {
        let answer = self.ask(token, query, variables).await;
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }

    /// The code of the one top-level error that an operation must have.
    pub(crate) async fn code(&self, token: Option<&str>, query: &str, variables: Value) -> String {
        let answer = self.ask(token, query, variables).await;
        let errors = answer["errors"].as_array().unwrap_or_else(|| panic!("{query}: {answer}"));
        assert_eq!(errors.len(), 1, "{answer}");
        errors[0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) async fn set_up_with(&self, token: &str) -> Value {
        let input = json!({
            "token": token, "organizationName": "Analytical Engines", "ownerName": "Ada Lovelace",
            "ownerEmail": EMAIL, "password": PASSWORD,
        });
        self.set_up_input(input).await
    }

    pub(crate) async fn set_up_input(&self, input: Value) -> Value {
        let query = "mutation($input: SetUpInput!) { setUp(input: $input) {
            organization { id name } user { id name email roles }
            accessToken refreshToken expiresAt userErrors { code message path } } }";
        self.data(None, query, json!({ "input": input })).await["setUp"].clone()
    }

    pub(crate) async fn log_in(&self, email: &str, password: &str) -> Value {
        let variables = json!({ "input": { "email": email, "password": password } });
        self.data(None, LOG_IN, variables).await["logIn"].clone()
    }

    pub(crate) async fn refresh(&self, token: &str) -> Value {
        let query = "mutation($input: RefreshInput!) { refresh(input: $input) {
            accessToken refreshToken expiresAt user { id } userErrors { code message path } } }";
        let variables = json!({ "input": { "refreshToken": token } });
        self.data(None, query, variables).await["refresh"].clone()
    }

    /// Adds a viewer and signs them in: their id and tokens.
    pub(crate) async fn viewer(&self, owner: &Tokens) -> (String, Tokens) {
        let payload = self.create_user(owner, "Charles Babbage", "charles@example.org").await;
        assert_eq!(payload["userErrors"], json!([]));
        let id = payload["user"]["id"].as_str().unwrap().to_owned();
        (id, Tokens::of(&self.log_in("charles@example.org", PASSWORD).await))
    }

    pub(crate) async fn create_user(&self, owner: &Tokens, name: &str, email: &str) -> Value {
        // Ids sort by the millisecond.
        self.clock.advance_micros(1000);
        let variables = json!({ "input": {
            "name": name, "email": email, "password": PASSWORD, "roles": ["VIEWER"],
        } });
        self.data(Some(&owner.access), CREATE_USER, variables).await["createUser"].clone()
    }

    /// A second organization with an owner: their tokens.
    pub(crate) async fn second_organization(&self) -> Tokens {
        let new = NewOrganization {
            name: "Difference Engines".into(),
            owner_name: "Luigi Menabrea".into(),
            owner_email: "luigi@example.net".into(),
            password: PASSWORD.to_owned().into(),
        };
        self.identity.create_organization(new).await.unwrap();
        Tokens::of(&self.log_in("luigi@example.net", PASSWORD).await)
    }

    /// Everything that lies in the folder but the keys: the database with its journal.
    pub(crate) fn bytes_at_rest(&self) -> Vec<u8> {
        let mut all = Vec::new();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                all.extend(std::fs::read(path).unwrap());
            }
        }
        assert!(!all.is_empty());
        all
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

pub(crate) const LOG_IN: &str = "mutation($input: LogInInput!) { logIn(input: $input) {
    accessToken refreshToken expiresAt challenge user { id name }
    userErrors { code message path } } }";

pub(crate) const CREATE_USER: &str = "mutation($input: CreateUserInput!) {
    createUser(input: $input) {
        user { id name email roles organization { name } } userErrors { code message path } } }";

/// Whether the bytes hold the text.
pub(crate) fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

/// The codes of `userErrors`, with the field that each is about.
pub(crate) fn faults(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["userErrors"].as_array().unwrap();
    errors
        .iter()
        .map(|error| {
            assert_eq!(error["path"][0], "input");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            (text(&error["code"]), text(&error["path"][1]))
        })
        .collect()
}

/// The code of the only entry of `userErrors`.
pub(crate) fn fault(payload: &Value) -> String {
    let faults = faults(payload);
    assert_eq!(faults.len(), 1, "{payload}");
    faults[0].0.clone()
}
