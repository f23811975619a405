//! The router over the subgraphs of the model, in process or over HTTP. All of them answer from the data
//! of the moment, and one of them may be away.

use crate::{
    data::Data, journal::Journal, model::Model, schema::Schema, server::serve, subgraph::Subgraph,
    world::World,
};
use async_graphql::{Request, Response};
use axum::{Json, extract::State, routing::post};
use futures::{StreamExt, future::BoxFuture, stream::BoxStream};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use studio_router::{
    Caller, GraphqlRequest, Limits, Router,
    transport::{
        Encoding, HttpOptions, HttpSubgraph, InProcess, InProcessSchema, SubgraphRequest,
        SubgraphResponse, SubgraphStream, SubgraphTransport, TransportError,
    },
};

#[derive(Default)]
struct Moment {
    world: Option<Arc<World>>,
    away: Option<&'static str>,
}

#[derive(Clone)]
struct Answering {
    name: Arc<str>,
    schema: Arc<Schema>,
    moment: Arc<Mutex<Moment>>,
    journal: Arc<Journal>,
}

impl Answering {
    fn now(&self) -> Subgraph {
        let world = self.moment.lock().unwrap().world.clone().unwrap();
        Subgraph {
            name: self.name.clone(),
            schema: self.schema.clone(),
            world,
            journal: self.journal.clone(),
        }
    }
}

impl InProcessSchema for Answering {
    fn execute(&self, request: Request) -> BoxFuture<'_, Response> {
        let now = self.now();
        Box::pin(async move { now.execute(request).await })
    }

    fn subscribe(&self, request: Request) -> BoxStream<'static, Response> {
        self.now().subscribe(request)
    }
}

async fn over_http(State(own): State<Answering>, Json(request): Json<Value>) -> Json<Response> {
    crate::subgraph::over_http(State(own.now()), Json(request)).await
}

/// A transport to a subgraph that may be away.
struct Way {
    name: Arc<str>,
    inner: Box<dyn SubgraphTransport>,
    moment: Arc<Mutex<Moment>>,
}

#[async_trait::async_trait]
impl SubgraphTransport for Way {
    fn encoding(&self) -> Encoding {
        self.inner.encoding()
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        let away = self.moment.lock().unwrap().away;
        match away == Some(&*self.name) {
            true => Err(TransportError::Unreachable("it is away".to_owned())),
            false => self.inner.execute(request).await,
        }
    }

    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        self.inner.subscribe(request).await
    }
}

/// A router with its subgraphs.
pub struct Federation {
    router: Arc<Router>,
    journal: Arc<Journal>,
    moment: Arc<Mutex<Moment>>,
}

/// What a router answers, and what its subgraphs saw.
pub struct Answer {
    pub body: String,
    pub mutations: String,
    /// What the router must not have asked for.
    pub complaints: Vec<String>,
}

impl Federation {
    pub async fn new(model: &Model, http: bool) -> Federation {
        let (journal, moment) = (Arc::<Journal>::default(), Arc::<Mutex<Moment>>::default());
        let limits = Limits { errors: 1_000_000, ..Limits::default() };
        let mut builder = Router::builder().supergraph(model.supergraph.clone()).limits(limits);
        for subgraph in &model.subgraphs {
            let name = subgraph.name.clone();
            let answering = Answering {
                name: name.clone(),
                schema: subgraph.schema.clone(),
                moment: moment.clone(),
                journal: journal.clone(),
            };
            let inner: Box<dyn SubgraphTransport> = match http {
                true => {
                    let routes = axum::Router::new().route("/graphql", post(over_http));
                    let address = serve(routes.with_state(answering)).await;
                    let url = format!("http://{address}/graphql");
                    Box::new(HttpSubgraph::new(&url, HttpOptions::default()).unwrap())
                }
                false => Box::new(InProcess::new(answering)),
            };
            let way = Way { name: name.clone(), inner, moment: moment.clone() };
            builder = builder.subgraph(&*name, Arc::new(way));
        }
        Federation { router: builder.build().unwrap(), journal, moment }
    }

    /// From now on the subgraphs have this data.
    pub fn put(&self, data: &Data) {
        *self.moment.lock().unwrap() = Moment { world: Some(data.world.clone()), away: data.away };
    }

    /// The parts of an answer, the mutations that were done, and what must not have been asked for.
    pub async fn parts(
        &self,
        request: GraphqlRequest,
    ) -> Result<(Vec<Value>, String, Vec<String>), String> {
        let caller = Caller { may_introspect: true, ..Caller::default() };
        let parts = match self.router.subscribe(request, caller).await {
            Ok(parts) => parts.collect::<Vec<_>>().await,
            Err(refused) => return Err(format!("it was refused: {}", refused.json())),
        };
        let read = |part: &bytes::Bytes| serde_json::from_slice(part);
        let parts: Result<Vec<Value>, _> = parts.iter().map(read).collect();
        let mutations = self.journal.mutations();
        let (_, complaints) = self.journal.take();
        Ok((parts.map_err(|error| error.to_string())?, mutations, complaints))
    }

    pub async fn answer(&self, request: GraphqlRequest) -> Answer {
        let caller = Caller { may_introspect: true, ..Caller::default() };
        let answer = self.router.execute(request, caller).await;
        let mutations = self.journal.mutations();
        let (_, complaints) = self.journal.take();
        Answer { body: String::from_utf8(answer.body.to_vec()).unwrap(), mutations, complaints }
    }
}
