//! Composition: what it makes, what it refuses and how it says so.

use crate::support::{sdls, supergraph};
use studio_router::{CompositionErrors, Router, SubgraphSdl, check_plannable, compose};

#[test]
fn every_public_field_can_be_planned() {
    check_plannable(&supergraph()).unwrap();
}

#[test]
fn the_order_of_subgraphs_does_not_matter() {
    let forward = compose(sdls()).unwrap();
    let backward = compose(sdls().into_iter().rev().collect()).unwrap();
    assert_eq!(forward.sdl, backward.sdl);
    assert_eq!(forward.api_sdl, backward.api_sdl);
    assert!(forward.api_sdl.contains("type Product"));
    assert!(!forward.api_sdl.contains("join__"));
}

fn refused(subgraphs: &[(&str, &str)]) -> CompositionErrors {
    let link = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.3\", \
        import: [\"@key\", \"@shareable\", \"@external\", \"@requires\"])\n";
    let subgraphs = subgraphs
        .iter()
        .map(|(name, sdl)| SubgraphSdl {
            name: (*name).to_owned(),
            url: None,
            sdl: format!("{link}{sdl}"),
        })
        .collect();
    compose(subgraphs).unwrap_err()
}

#[test]
fn disagreement_is_told_with_subgraph_type_and_field() {
    let errors =
        refused(&[("a", "type Query { x: Int }"), ("b", "type Query { x: Int }")]).to_string();
    assert!(
        errors.contains('a')
            && errors.contains('b')
            && errors.contains("Query")
            && errors.contains('x'),
        "{errors}"
    );
    let errors = refused(&[
        ("a", "type Query { t: T } type T @key(fields: \"id\") { id: ID! n: Int @shareable }"),
        ("b", "type T @key(fields: \"id\") { id: ID! n: String @shareable }"),
    ])
    .to_string();
    assert!(errors.contains('T') && errors.contains('n'), "{errors}");
    assert!(refused(&[("a", "type Query {")]).to_string().contains("[a]"));
    assert!(
        refused(&[("a", "type Query { a: Int }"), ("a", "type Query { b: Int }")])
            .to_string()
            .contains("\"a\"")
    );
    assert!(compose(Vec::new()).is_err());
}

#[test]
fn what_is_no_supergraph_is_refused() {
    for sdl in [
        "",
        "type Query",
        "type Query { a: Int }",
        "extend type Query { a: Int }",
        "scalar X",
        "{ me }",
    ] {
        assert!(Router::builder().supergraph(sdl).build().is_err(), "{sdl}");
    }
    let error = Router::builder()
        .supergraph(supergraph())
        .subgraph(
            "nobody",
            std::sync::Arc::new(studio_router::transport::InProcess::new(
                crate::subgraphs::inventory::schema(),
            )),
        )
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("nobody"));
}
