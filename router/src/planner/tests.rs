//! Fetches of small operations, where it is plain which they have to be.

use super::{read::read, search::Search, selection};
use crate::{SubgraphSdl, compose, compose::read_supergraph, plan::types::OperationKind};
use graphql_tools::parser::{query, schema};
use std::time::{Duration, Instant};

/// The fetches of a query, each with its subgraph and those it waits for, and what cannot be planned.
fn planned(subgraphs: &[(&str, &str)], text: &str) -> (Vec<String>, Option<String>) {
    let parts = subgraphs.iter().map(|(name, sdl)| SubgraphSdl {
        name: (*name).to_owned(),
        url: Some(format!("http://{name}")),
        sdl: format!(
            "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", import: [\"@key\", \
             \"@requires\", \"@external\", \"@provides\", \"@shareable\"]) {sdl}"
        ),
    });
    let supergraph = compose(parts.collect()).unwrap();
    let (_, public, _) = read_supergraph(&supergraph.sdl).unwrap();
    let document = schema::parse_schema::<String>(&supergraph.sdl).unwrap().into_static();
    let (graphs, model, _) = read(&document).unwrap();
    let operation = query::parse_query::<String>(text).unwrap().into_static();
    let Some(query::Definition::Operation(query::OperationDefinition::SelectionSet(set))) =
        operation.definitions.first()
    else {
        panic!("no query: {text}")
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut search = Search::new(&model, &public, &graphs, deadline);
    let left = search.root(OperationKind::Query, "Query", &selection::read(&set.items)).unwrap();
    search.fetches.fold();
    let filled = search.fetches.all.iter().filter(|fetch| !search.fetches.is_empty(fetch.node));
    let fetches = filled.map(|fetch| {
        let after: Vec<_> = fetch.after.iter().map(ToString::to_string).collect();
        format!("{} at {} after [{}]", graphs[fetch.graph].name, fetch.path.len(), after.join(" "))
    });
    (fetches.collect(), (!left.is_empty()).then(|| search.reason.clone().unwrap_or_default()))
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

#[test]
fn what_is_asked_later_anyway_is_asked_once() {
    let subgraphs = [
        (
            "catalog",
            "type Query { products: [Product] } type Product @key(fields: \"upc\") { upc: ID! }",
        ),
        ("prices", "type Product @key(fields: \"upc\") { upc: ID! weight: Int }"),
        (
            "stock",
            "type Product @key(fields: \"upc\") { upc: ID! weight: Int @external \
             shipping: Int @requires(fields: \"weight\") inStock: Boolean }",
        ),
    ];
    let (fetches, left) = planned(&subgraphs, "{ products { inStock shipping } }");
    assert_eq!(left, None);
    assert_eq!(
        fetches,
        ["catalog at 0 after []", "prices at 1 after [0]", "stock at 1 after [0 1]"]
    );
}
