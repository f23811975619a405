//! A subgraph that answers from the table of its case, in process or over HTTP.

use crate::{execute::Execution, journal::Journal, schema::Schema, world::World};
use async_graphql::{
    Request, Response,
    parser::{parse_query, types::ExecutableDocument},
};
use axum::{Json, extract::State, routing::post};
use futures::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use serde_json::{Map, Value};
use std::sync::Arc;
use studio_router::transport::InProcessSchema;

#[derive(Clone)]
pub struct Subgraph {
    pub name: Arc<str>,
    pub schema: Arc<Schema>,
    pub world: Arc<World>,
    pub journal: Arc<Journal>,
}

impl Subgraph {
    pub fn complain(&self, text: impl std::fmt::Display) {
        self.journal.complaint(format!("subgraph {}: {text}", self.name));
    }

    fn answer(&self, document: &ExecutableDocument, variables: Map<String, Value>) -> Response {
        self.journal.request(&self.name);
        Execution::new(self, document).run(variables)
    }

    /// The routes of this subgraph; what they get is held to the rules of validation.
    pub fn routes(self) -> axum::Router {
        axum::Router::new().route("/graphql", post(over_http)).with_state(self)
    }
}

pub async fn over_http(
    State(subgraph): State<Subgraph>,
    Json(request): Json<Value>,
) -> Json<Response> {
    let text = request["query"].as_str().unwrap();
    for problem in subgraph.schema.problems(text) {
        subgraph.complain(format!("{problem}, in {text}"));
    }
    let variables = request["variables"].as_object().cloned().unwrap_or_default();
    Json(subgraph.answer(&parse_query(text).unwrap(), variables))
}

impl InProcessSchema for Subgraph {
    fn execute(&self, mut request: Request) -> BoxFuture<'_, Response> {
        let variables = std::mem::take(&mut request.variables);
        let variables = variables
            .iter()
            .map(|(name, value)| (name.to_string(), value.clone().into_json().unwrap()))
            .collect();
        let response = self.answer(request.parsed_query().unwrap(), variables);
        async move { response }.boxed()
    }

    fn subscribe(&self, _: Request) -> BoxStream<'static, Response> {
        self.complain("no case subscribes");
        futures::stream::empty().boxed()
    }
}
