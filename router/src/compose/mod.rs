//! Composes subgraphs into a supergraph.

mod accessible;
mod caught;
mod check;
mod guest;
mod interfaces;
mod limits;
mod mend;
mod nullability;
mod public;
mod scalars;
mod shareable;
mod text;

pub use check::check_plannable;
pub(crate) use check::read_supergraph;
pub use guest::compose_guest;
pub use limits::{SdlError, check_sdl};
pub(crate) use mend::{Mark, Sdl, argument};
pub use public::{PublicSchema, UnreadableSchema};

use graphql_composition::{FederatedGraph, Subgraphs};
use std::fmt;

/// The schema of one subgraph, as its `_service { sdl }` gives it.
#[derive(Clone, Debug)]
pub struct SubgraphSdl {
    /// Its name, by which errors and the router speak of it.
    pub name: String,
    /// Where it answers; none for subgraphs in process.
    pub url: Option<String>,
    /// Its schema with the federation directives.
    pub sdl: String,
}

/// A composed supergraph.
#[derive(Clone, Debug)]
pub struct Supergraph {
    /// The supergraph: what routers read.
    pub sdl: String,
    /// The public schema: what clients see.
    pub api_sdl: String,
}

/// Everything that is wrong with a set of subgraphs, one message each, naming subgraph, type and field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompositionErrors(pub Vec<String>);

impl fmt::Display for CompositionErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the subgraphs do not make one supergraph:")?;
        for message in &self.0 {
            write!(f, "\n- {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CompositionErrors {}

impl CompositionErrors {
    fn one(message: impl Into<String>) -> CompositionErrors {
        CompositionErrors(vec![message.into()])
    }
}

/// Composes `subgraphs`. The result depends on their schemas alone, not on their order.
pub fn compose(mut subgraphs: Vec<SubgraphSdl>) -> Result<Supergraph, CompositionErrors> {
    subgraphs.sort_by(|a, b| a.name.cmp(&b.name));
    if let Some(pair) = subgraphs.windows(2).find(|pair| pair[0].name == pair[1].name) {
        return Err(CompositionErrors::one(format!(
            "two subgraphs are named \"{}\"; give each its own name",
            pair[0].name
        )));
    }
    let (graph, rewritten) = match graph(&subgraphs) {
        Err(errors) if errors.0.iter().any(|error| is_mendable(error)) => {
            nullability::loosen(&mut subgraphs);
            for subgraph in &mut subgraphs {
                subgraph.sdl = shareable::on_fields(&subgraph.sdl);
            }
            (graph(&subgraphs)?, true)
        }
        result => (result?, false),
    };
    let composed = graphql_composition::render_federated_sdl(&graph).map_err(|error| {
        CompositionErrors::one(format!("the supergraph cannot be written: {error}"))
    })?;
    let mut document = graphql_tools::parser::parse_schema::<String>(&composed)
        .map(graphql_tools::parser::schema::Document::into_static)
        .map_err(|error| {
            CompositionErrors::one(format!("the supergraph cannot be read back: {error}"))
        })?;
    mend::mend(&mut document);
    scalars::specify(&mut document, &scalars::specified(&subgraphs));
    let sdl = mend::print(&document);
    let (_, schema, _) = read_supergraph(&sdl)?;
    if rewritten {
        // What the crate refused was that a field cannot be had on some way. Whether it can is seen so.
        check_plannable(&sdl)?;
    }
    Ok(Supergraph { api_sdl: schema.sdl(), sdl })
}

/// Whether the crate may have refused what federation allows: a type that is shared as a whole and lacks
/// a field in one subgraph, or a field whose type differs in what may be null.
fn is_mendable(error: &str) -> bool {
    error.contains("] The shareable object `")
        || error.contains("field has conflicting types in different subgraphs")
}

fn graph(subgraphs: &[SubgraphSdl]) -> Result<FederatedGraph, CompositionErrors> {
    let mut ingested = Subgraphs::default();
    let mut errors = Vec::new();
    for subgraph in subgraphs {
        // Without an address the crate takes a subgraph for one of another specification, which knows
        // neither `@interfaceObject` nor keys of interfaces.
        let url = subgraph.url.as_deref().unwrap_or_default();
        if let Err(error) = ingested.ingest_str(&subgraph.sdl, &subgraph.name, Some(url)) {
            errors.push(format!("[{}] the schema cannot be read: {error}", subgraph.name));
        }
    }
    if !errors.is_empty() {
        return Err(CompositionErrors(errors));
    }
    let result = caught::caught(move || graphql_composition::compose(&mut ingested))?;
    result.into_result().map_err(|diagnostics| {
        CompositionErrors(diagnostics.iter_errors().map(str::to_owned).collect())
    })
}
