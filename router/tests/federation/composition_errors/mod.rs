//! The ways in which subgraphs can be wrong or disagree, each with what is said of it: which subgraph, which
//! type and field, and what is the matter.

use studio_router::{CompositionErrors, SubgraphSdl, Supergraph, check_plannable, compose};

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.9\", import: [\
    \"@key\", \"@requires\", \"@provides\", \"@external\", \"@shareable\", \"@override\", \"@inaccessible\", \
    \"@interfaceObject\", \"@composeDirective\"])\n";

/// Whether what is told of subgraphs names all of this in one message.
fn check(subgraphs: &[(&str, &str)], told: &[&str]) {
    let parts = subgraphs.iter().map(|(name, sdl)| SubgraphSdl {
        name: (*name).to_owned(),
        url: None,
        sdl: format!("{LINK}{sdl}"),
    });
    let check = |supergraph: Supergraph| -> Result<Supergraph, CompositionErrors> {
        check_plannable(&supergraph.sdl)?;
        Ok(supergraph)
    };
    let errors = match compose(parts.collect()).and_then(check) {
        Ok(supergraph) => panic!("it composes:\n{}", supergraph.sdl),
        Err(errors) => errors,
    };
    let found = errors.0.iter().any(|error| told.iter().all(|part| error.contains(part)));
    assert!(found, "{told:?} is not told: {errors}");
}

macro_rules! refused {
    ($($way:ident: { $($subgraph:ident: $sdl:literal)* } => [$($told:literal),*])*) => {
        $(
            #[test]
            fn $way() {
                check(&[$((stringify!($subgraph), $sdl)),*], &[$($told),*]);
            }
        )*
    };
}

// Behind the macro, which they use.
mod field_sets;
mod inaccessible;
mod interface_objects;
mod overrides;
mod reach;
mod subgraphs;
mod types;

#[test]
fn subgraphs_of_one_name() {
    let named = |name: &str| SubgraphSdl {
        name: name.to_owned(),
        url: None,
        sdl: format!("type Query {{ {name}: Int }}"),
    };
    for (pair, told) in [(["a", "A"], "two subgraphs are named"), (["", "b"], "no name")] {
        let errors = compose(pair.map(named).to_vec()).unwrap_err().to_string();
        assert!(errors.contains(told), "{errors}");
    }
}

#[test]
fn all_problems_of_one_kind_are_told_at_once() {
    let sdl = "type Query { x: Missing y: Gone }";
    let subgraph = SubgraphSdl { name: "a".to_owned(), url: None, sdl: format!("{LINK}{sdl}") };
    assert_eq!(compose(vec![subgraph]).unwrap_err().0.len(), 2);
}
