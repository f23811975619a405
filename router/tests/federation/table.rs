//! Subgraphs that answer any document from a table, under the aliases that the document asks for.
//!
//! A table is an object of objects. A field without arguments stands in it under its name, one with
//! arguments under its name and arguments as in `price(currency: USD)`. What the table lacks is null.
//! Entities are found by the `id` of their representation, under `entities`.

use crate::support::{http, serve};
use async_graphql::parser::{
    parse_query,
    types::{ExecutableDocument, Field, Selection, SelectionSet},
};
use axum::{Json, routing::post};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex};
use studio_router::{GraphqlRequest, Router, SubgraphSdl, compose};

pub const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\", \
    \"@shareable\", \"@external\", \"@requires\", \"@provides\", \"@inaccessible\", \"@override\", \"@interfaceObject\"])\n";

/// What a subgraph was asked: each request's document and variables.
pub type Seen = Arc<Mutex<Vec<Value>>>;

pub struct Tables {
    pub router: Arc<Router>,
    pub seen: Vec<Seen>,
    pub supergraph: String,
}

/// A router over subgraphs given as schema and table.
pub async fn tables(subgraphs: &[(&str, Value)]) -> Tables {
    let mut sdls = Vec::new();
    let mut seen = Vec::new();
    let mut transports = Vec::new();
    for (number, (sdl, table)) in subgraphs.iter().enumerate() {
        let name = format!("s{number}");
        sdls.push(SubgraphSdl { name: name.clone(), url: None, sdl: format!("{LINK}{sdl}") });
        let own = Seen::default();
        transports.push((name, http(&subgraph(table.clone(), own.clone()).await)));
        seen.push(own);
    }
    let supergraph = compose(sdls).unwrap().sdl;
    let mut builder = Router::builder().supergraph(supergraph.clone());
    for (name, transport) in transports {
        builder = builder.subgraph(name, transport);
    }
    Tables { router: builder.build().unwrap(), seen, supergraph }
}

impl Tables {
    /// The data of an answer without errors; forgets what was asked before.
    pub async fn data(&self, query: &str) -> Value {
        self.seen.iter().for_each(|seen| seen.lock().unwrap().clear());
        let request = GraphqlRequest::new(query);
        let answer = self.router.execute(request, crate::support::caller()).await.json();
        assert_eq!(answer.get("errors"), None, "{query}: {answer}\n{:?}", self.seen);
        answer["data"].clone()
    }

    /// The documents that a subgraph was sent.
    pub fn asked(&self, subgraph: usize) -> Vec<String> {
        let seen = self.seen[subgraph].lock().unwrap();
        seen.iter().map(|request| request["query"].as_str().unwrap().to_owned()).collect()
    }

    /// The representations that a subgraph was sent, of all requests.
    pub fn representations(&self, subgraph: usize) -> Vec<Value> {
        let seen = self.seen[subgraph].lock().unwrap();
        let variables = seen.iter().filter_map(|request| request["variables"].as_object());
        let lists = variables.flat_map(Map::values).filter_map(Value::as_array);
        lists.flatten().cloned().collect()
    }
}

async fn subgraph(table: Value, seen: Seen) -> String {
    let answer = move |Json(request): Json<Value>| {
        let data = execute(&table, &request);
        seen.lock().unwrap().push(request);
        async move { Json(json!({ "data": data })) }
    };
    serve(axum::Router::new().route("/graphql", post(answer))).await.to_string()
}

fn execute(table: &Value, request: &Value) -> Value {
    let document = parse_query(request["query"].as_str().unwrap()).unwrap();
    let (_, operation) = document.operations.iter().next().unwrap();
    let executor = Executor { table, request, document: &document };
    executor.object(table, &operation.node.selection_set.node)
}

struct Executor<'a> {
    table: &'a Value,
    request: &'a Value,
    document: &'a ExecutableDocument,
}

impl Executor<'_> {
    fn object(&self, row: &Value, set: &SelectionSet) -> Value {
        let mut object = Map::new();
        self.collect(row, set, &mut object);
        object.into()
    }

    fn collect(&self, row: &Value, set: &SelectionSet, object: &mut Map<String, Value>) {
        let is = |ty: &str| row["__typename"] == ty;
        for item in &set.items {
            match &item.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.to_string();
                    let value = self.complete(&self.value(row, &field.node), &field.node);
                    let known = object.insert(key, value.clone());
                    assert!(known.is_none_or(|known| known == value), "one key for two values");
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    if on.is_none_or(|on| is(&on.node.on.node)) {
                        self.collect(row, &fragment.node.selection_set.node, object);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let fragment = &self.document.fragments[&spread.node.fragment_name.node].node;
                    if is(&fragment.type_condition.node.on.node) {
                        self.collect(row, &fragment.selection_set.node, object);
                    }
                }
            }
        }
    }

    fn value(&self, row: &Value, field: &Field) -> Value {
        if field.name.node == "_entities" {
            let variable = field.arguments[0].1.node.to_string();
            let list = &self.request["variables"][variable.trim_start_matches('$')];
            let found = list.as_array().unwrap().iter().map(|representation| {
                let id = representation["id"].as_str().unwrap();
                let mut row = self.table["entities"][id].clone();
                row["__typename"] = representation["__typename"].clone();
                row
            });
            return found.collect();
        }
        let mut name = field.name.node.to_string();
        if !field.arguments.is_empty() {
            let given = field.arguments.iter();
            let given: Vec<String> =
                given.map(|(name, value)| format!("{}: {}", name.node, value.node)).collect();
            name = format!("{name}({})", given.join(", "));
        }
        row[&name].clone()
    }

    fn complete(&self, value: &Value, field: &Field) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| self.complete(item, field)).collect(),
            Value::Object(_) => self.object(value, &field.selection_set.node),
            leaf => leaf.clone(),
        }
    }
}
