//! Fetches of small operations, where it is plain which they have to be.

use super::{Planned, Supergraph, read::read, search::Search, selection};
use crate::{
    SubgraphSdl, compose,
    compose::read_supergraph,
    data::KeyTable,
    plan::{schedule::Request, types::OperationKind},
};
use graphql_tools::parser::{query, schema};
use std::time::{Duration, Instant};

/// The fetches of a query, each with its subgraph and those it waits for, and what cannot be planned.
fn planned(subgraphs: &[(&str, &str)], text: &str) -> (Vec<String>, Option<String>) {
    let sdl = composed(subgraphs);
    let (_, public, _) = read_supergraph(&sdl).unwrap();
    let document = schema::parse_schema::<String>(&sdl).unwrap().into_static();
    let (graphs, model, _) = read(&document).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut search = Search::new(&model, &public, &graphs, deadline);
    let items = selection::read(&selections(text));
    let left = search.root(OperationKind::Query, "Query", &items).unwrap();
    let fetches = search.fetches.all.iter().map(|fetch| {
        let after: Vec<_> = fetch.after.iter().map(ToString::to_string).collect();
        format!("{} at {} after [{}]", graphs[fetch.graph].name, fetch.path.len(), after.join(" "))
    });
    (fetches.collect(), (!left.is_empty()).then(|| search.reason.clone().unwrap_or_default()))
}

fn composed(subgraphs: &[(&str, &str)]) -> String {
    let parts = subgraphs.iter().map(|(name, sdl)| SubgraphSdl {
        name: (*name).to_owned(),
        url: Some(format!("http://{name}")),
        sdl: format!(
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\", \
             \"@requires\", \"@external\", \"@provides\", \"@shareable\"]) {sdl}"
        ),
    });
    compose(parts.collect()).unwrap().sdl
}

fn selections(text: &str) -> Vec<query::Selection<'static, String>> {
    let operation = query::parse_query::<String>(text).unwrap().into_static();
    let Some(query::Definition::Operation(query::OperationDefinition::SelectionSet(set))) =
        operation.definitions.into_iter().next()
    else {
        panic!("no query: {text}")
    };
    set.items
}

const SHOP: [(&str, &str); 3] = [
    (
        "catalog",
        "type Query { products: [Product] } \
         type Product @key(fields: \"upc\") { upc: ID! weight: Int }",
    ),
    (
        "stock",
        "type Product @key(fields: \"upc\") { upc: ID! weight: Int @external \
         shipping: Int @requires(fields: \"weight\") shelf: Shelf } \
         type Shelf { holds: Product }",
    ),
    (
        "trade",
        "type Product @key(fields: \"upc\") { upc: ID! shipping: Int @external \
         duty: Int @requires(fields: \"shipping\") }",
    ),
];

#[test]
fn what_one_subgraph_has_is_one_fetch() {
    let planned = planned(&SHOP, "{ products { upc weight } }");
    assert_eq!(planned, (vec!["catalog at 0 after []".to_owned()], None));
}

#[test]
fn a_requirement_of_a_requirement_is_had_first() {
    let (fetches, left) = planned(&SHOP, "{ products { duty } }");
    assert_eq!(left, None);
    assert_eq!(
        fetches,
        ["catalog at 0 after []", "stock at 1 after [0]", "trade at 1 after [0 1]"]
    );
}

#[test]
fn a_requirement_is_had_elsewhere_where_the_object_is_met_first_in_the_subgraph_of_the_field() {
    let (fetches, left) = planned(&SHOP, "{ products { shelf { holds { shipping } } } }");
    assert_eq!(left, None);
    assert_eq!(
        fetches,
        [
            "catalog at 0 after []",
            "stock at 1 after [0]",
            "catalog at 3 after [1]",
            "stock at 3 after [1 2]"
        ]
    );
}

/// The requests of a query: the subgraph of each, how many questions it has, and how many others it
/// waits for.
fn requests(subgraphs: &[(&str, &str)], text: &str) -> Vec<String> {
    let sdl = composed(subgraphs);
    let (_, public, _) = read_supergraph(&sdl).unwrap();
    let supergraph = Supergraph::new(&schema::parse_schema(&sdl).unwrap().into_static()).unwrap();
    let kind = (OperationKind::Query, &[][..]);
    let (items, limit) = (selections(text), Duration::from_secs(60));
    let planned = supergraph.plan(kind, &items, &[], &public, &mut KeyTable::new(), limit).unwrap();
    let Planned::Schedule(schedule, _) = planned else { panic!("a subscription") };
    let told = schedule.requests.iter().map(|scheduled| {
        let (operation, questions) = match &scheduled.request {
            Request::Root(fetch) => (&fetch.operation, 1),
            Request::Entities(fetch) => (&fetch.operation, fetch.groups.len()),
        };
        let name = &supergraph.subgraphs[operation.subgraph].name;
        format!("{name} {questions} after {}", scheduled.after)
    });
    told.collect()
}

#[test]
fn entities_that_are_met_at_the_same_depth_are_one_request() {
    let query = "{ products { weight shipping } shelves { holds { weight } } }";
    assert_eq!(
        requests(&SHELVES, query),
        ["store 1 after 0", "catalog 1 after 0", "prices 1 after 2", "stock 1 after 2"]
    );
}

#[test]
fn what_nothing_waits_for_is_asked_with_what_is_asked_later() {
    let query = "{ products { inStock shipping } }";
    assert_eq!(
        requests(&SHELVES, query),
        ["catalog 1 after 0", "prices 1 after 1", "stock 2 after 2"]
    );
}

const SHELVES: [(&str, &str); 4] = [
    (
        "catalog",
        "type Query { products: [Product] } type Product @key(fields: \"upc\") { upc: ID! }",
    ),
    (
        "store",
        "type Query { shelves: [Shelf] } type Shelf { holds: Product } \
         type Product @key(fields: \"upc\") { upc: ID! }",
    ),
    ("prices", "type Product @key(fields: \"upc\") { upc: ID! weight: Int }"),
    (
        "stock",
        "type Product @key(fields: \"upc\") { upc: ID! weight: Int @external \
         shipping: Int @requires(fields: \"weight\") inStock: Boolean }",
    ),
];
