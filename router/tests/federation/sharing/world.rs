//! A subgraph that says what a test has it say, and clients who follow it.

use crate::{
    subgraphs::{Log, users},
    support::supergraph,
};
use bytes::Bytes;
use futures::{StreamExt, channel::mpsc, future::join_all, stream::BoxStream};
use serde_json::{Value, json};
use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
};
use studio_router::{
    AuthError, Authenticate, Caller, GraphqlRequest, GraphqlResponse, Limits, Router, Scope,
    Sharing,
    transport::{
        Encoding, InProcess, SubgraphRequest, SubgraphResponse, SubgraphStream, SubgraphTransport,
        TransportError,
    },
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

pub type Sender = mpsc::UnboundedSender<Result<SubgraphResponse, TransportError>>;

/// A subgraph that says what the test has it say to all who follow it.
#[derive(Default)]
pub struct Feed {
    begun: AtomicUsize,
    pub away: AtomicBool,
    /// Whether those who begin to follow have to wait.
    closed: watch::Sender<bool>,
    pub followers: Mutex<Vec<Sender>>,
    /// What is said to each follower first.
    pub first: Mutex<Vec<&'static str>>,
}

fn event(id: &str) -> Result<SubgraphResponse, TransportError> {
    let author = json!({ "__typename": "User", "id": "u1" });
    let review = json!({ "__typename": "Review", "id": id, "author": author });
    let body = json!({ "data": { "reviewAdded": review } }).to_string();
    Ok(SubgraphResponse::Json(body.into()))
}

impl Feed {
    pub fn tell(&self, id: &str) {
        self.each(|follower| drop(follower.unbounded_send(event(id))));
    }

    pub fn each(&self, act: impl Fn(&Sender)) {
        self.followers.lock().unwrap().iter().for_each(act);
    }

    pub fn begun(&self) -> usize {
        self.begun.load(Relaxed)
    }

    pub fn open(&self) -> usize {
        self.followers.lock().unwrap().iter().filter(|follower| !follower.is_closed()).count()
    }
}

#[async_trait::async_trait]
impl SubgraphTransport for Feed {
    fn encoding(&self) -> Encoding {
        Encoding::Json
    }

    async fn execute(&self, _: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        Err(TransportError::Protocol("it has events alone".to_owned()))
    }

    async fn subscribe(&self, _: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        self.begun.fetch_add(1, Relaxed);
        self.closed.subscribe().wait_for(|closed| !closed).await.unwrap();
        if self.away.load(Relaxed) {
            return Err(TransportError::Unreachable("away".to_owned()));
        }
        let (follower, events) = mpsc::unbounded();
        for id in self.first.lock().unwrap().iter() {
            follower.unbounded_send(event(id)).unwrap();
        }
        self.followers.lock().unwrap().push(follower);
        Ok(events.boxed())
    }
}

/// Counts what another transport is asked.
pub struct Counted(InProcess, pub AtomicUsize);

#[async_trait::async_trait]
impl SubgraphTransport for Counted {
    fn encoding(&self) -> Encoding {
        self.0.encoding()
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        self.1.fetch_add(1, Relaxed);
        self.0.execute(request).await
    }

    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        self.0.subscribe(request).await
    }
}

/// Somebody by one of their sessions.
#[derive(Clone)]
struct Who {
    name: &'static str,
    session: &'static str,
    /// Whether the router has asked with whom they share.
    came: Arc<AtomicBool>,
}

/// Somebody shares with themselves, "nobody" with no one.
#[derive(Default)]
pub struct Sessions {
    pub over: Mutex<HashSet<&'static str>>,
    pub shared: Mutex<Vec<(&'static str, &'static str)>>,
    /// How many clients came so far.
    came: watch::Sender<usize>,
}

fn who(caller: &Caller) -> &Who {
    caller.extensions.get().unwrap()
}

#[async_trait::async_trait]
impl Authenticate for Sessions {
    async fn authenticate(
        &self,
        _: &http::HeaderMap,
        _: Option<&Value>,
    ) -> Result<Caller, AuthError> {
        Ok(caller("ada", "1"))
    }

    fn scope(&self, caller: &Caller) -> Option<Scope> {
        let Who { name, came, .. } = who(caller);
        if !came.swap(true, Relaxed) {
            self.came.send_modify(|count| *count += 1);
        }
        (*name != "nobody").then(|| Scope::new(name.as_bytes()))
    }

    fn share(&self, reader: &Caller, caller: &Caller) {
        self.shared.lock().unwrap().push((who(reader).session, who(caller).session));
    }

    async fn still_valid(&self, caller: &Caller) -> bool {
        !self.over.lock().unwrap().contains(who(caller).session)
    }
}

pub fn caller(name: &'static str, session: &'static str) -> Caller {
    let mut caller = Caller::default();
    caller.extensions.insert(Who { name, session, came: Arc::default() });
    caller
}

pub struct World {
    pub feed: Arc<Feed>,
    pub users: Arc<Counted>,
    pub sessions: Arc<Sessions>,
    pub shutdown: CancellationToken,
    router: Arc<Router>,
}

pub type Answers = BoxStream<'static, Bytes>;

impl World {
    pub fn new(sharing: Sharing) -> World {
        World::with(sharing, Limits::default())
    }

    pub fn with(sharing: Sharing, limits: Limits) -> World {
        World::of(supergraph(), sharing, limits)
    }

    /// With this supergraph, which is that of all tests under other names.
    pub fn of(supergraph: String, sharing: Sharing, limits: Limits) -> World {
        let feed = Arc::new(Feed::default());
        let users = InProcess::new(users::schema(Log::default()));
        let users = Arc::new(Counted(users, AtomicUsize::new(0)));
        let (sessions, shutdown) = (Arc::new(Sessions::default()), CancellationToken::new());
        let router = Router::builder()
            .supergraph(supergraph)
            .subgraph("reviews", feed.clone())
            .subgraph("users", users.clone())
            .authenticate(sessions.clone())
            .share_subscription("reviewAdded", sharing)
            .limits(limits)
            .shutdown(shutdown.clone())
            .build()
            .unwrap();
        World { feed, users, sessions, shutdown, router }
    }

    pub async fn try_follow(
        &self,
        caller: Caller,
        query: &str,
        variables: Value,
    ) -> Result<Answers, GraphqlResponse> {
        let request = GraphqlRequest::new(query).variables(variables);
        self.router.subscribe(request, caller).await
    }

    pub async fn follow(&self, session: &'static str, query: &str) -> Answers {
        self.try_follow(caller("ada", session), query, Value::Null).await.unwrap()
    }

    /// Clients who have all come before the subgraph answers the first of them.
    pub async fn together<T>(
        &self,
        clients: impl IntoIterator<Item = impl Future<Output = T>>,
    ) -> Vec<T> {
        let clients: Vec<_> = clients.into_iter().collect();
        let mut came = self.sessions.came.subscribe();
        let all = *came.borrow() + clients.len();
        self.feed.closed.send_replace(true);
        let opened = async {
            came.wait_for(|count| *count == all).await.unwrap();
            self.feed.closed.send_replace(false);
        };
        tokio::join!(join_all(clients), opened).0
    }
}

pub async fn next(answers: &mut Answers) -> Value {
    serde_json::from_slice(&answers.next().await.unwrap()).unwrap()
}

pub async fn id(answers: &mut Answers) -> String {
    let answer = next(answers).await;
    answer["data"]["reviewAdded"]["id"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
}

pub fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap()
}
