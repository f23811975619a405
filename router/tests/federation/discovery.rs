//! Subgraphs that are asked for their schemas: with federation, without it, and such as do not tell.

use crate::{server::serve, subgraphs::inventory, support::subgraph};
use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
use axum::{body::Body, response::Response, routing::post};
use studio_router::{
    SubgraphSdl, compose, discover,
    transport::{HttpOptions, HttpSubgraph},
};

fn at(address: &str) -> HttpSubgraph {
    HttpSubgraph::new(&format!("http://{address}/graphql"), HttpOptions::default()).unwrap()
}

async fn said(answer: &'static str) -> String {
    let answer = move || async move { Response::new(Body::from(answer)) };
    let address = serve(axum::Router::new().route("/graphql", post(answer))).await;
    discover(&at(&address.to_string())).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_subgraph_tells_its_schema_by_federation() {
    let sdl = discover(&at(&subgraph(inventory::schema()).await)).await.unwrap();
    assert!(sdl.contains("@requires(fields: \"price weight\")"), "{sdl}");
}

#[tokio::test]
async fn a_server_without_federation_tells_it_by_introspection() {
    struct Query;
    #[Object]
    impl Query {
        /// The weather in a place.
        async fn weather(&self, place: String) -> String {
            place
        }
    }
    let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
    let sdl = discover(&at(&subgraph(schema).await)).await.unwrap();
    let part = SubgraphSdl { name: "weather".to_owned(), url: None, sdl };
    let composed = compose(vec![part]).unwrap();
    assert!(composed.api_sdl.contains("weather(place: String!): String!"), "{}", composed.api_sdl);
    assert!(composed.api_sdl.contains("The weather in a place."));
}

#[tokio::test]
async fn one_that_does_not_tell_is_told_of() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = discover(&at(&nobody.to_string())).await.unwrap_err().to_string();
    assert!(error.contains("cannot be asked") && error.contains("refused"), "{error}");
    let error = said("<html>").await;
    assert!(error.contains("no JSON object"), "{error}");
    let error = said("{\"errors\":[{\"message\":\"not allowed\"}]}").await;
    assert!(error.contains("_service") && error.matches("not allowed").count() == 2, "{error}");
    let error = said("{\"data\":{}}").await;
    assert!(error.contains("without types"), "{error}");
    let nested = "{\"data\":{\"_service\":{\"sdl\":\"type Query { a: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[Int\"}}}";
    let error = said(nested).await;
    assert!(error.contains("not read") && error.contains("brackets"), "{error}");
}

/// It is not kept in memory either.
#[tokio::test]
async fn an_answer_that_does_not_end_is_cut_off() {
    let endless = || async {
        let parts = futures::stream::repeat_with(|| Ok::<_, String>("{".repeat(1 << 16)));
        Response::new(Body::from_stream(parts))
    };
    let address = serve(axum::Router::new().route("/graphql", post(endless))).await;
    let error = discover(&at(&address.to_string())).await.unwrap_err().to_string();
    assert!(error.contains("larger than"), "{error}");
}
