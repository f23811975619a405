//! Composes subgraphs into a supergraph (Apollo Federation, up to 2.9; the join specification 0.4).
//!
//! Each subgraph is read with the meaning of its directives ([`links`], [`subgraph`]), held to the rules for
//! itself and beside the others ([`field_sets`], [`rules`]), merged ([`merge`]) and written ([`write`]). That
//! each field can be had is seen by planning it ([`plannable`]).

mod accessible;
mod field_sets;
mod guest;
mod limits;
mod links;
mod merge;
mod plannable;
mod public;
mod rules;
mod sdl;
mod subgraph;
mod supergraph;
mod write;

pub use guest::compose_guest;
pub use limits::{SdlError, check_sdl};
pub use plannable::check_plannable;
pub use public::{PublicSchema, UnreadableSchema};
pub(crate) use sdl::{Mark, Sdl, argument};
pub(crate) use supergraph::read_supergraph;
pub use supergraph::subgraph_addresses;

use std::fmt;
use subgraph::Subgraph;

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
        f.write_str("there is no supergraph that could be served:")?;
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

/// Composes `subgraphs`. The result depends on their schemas alone, not on their order. That each field can be
/// had is for [`check_plannable`] to see, which takes longer and need be done once per set of schemas.
///
/// # Errors
/// [`CompositionErrors`] with all problems of one kind: first those of single subgraphs, then those between
/// them, then what clients would see.
pub fn compose(mut subgraphs: Vec<SubgraphSdl>) -> Result<Supergraph, CompositionErrors> {
    subgraphs.sort_by(|a, b| a.name.cmp(&b.name));
    check_names(&subgraphs)?;
    let mut problems = Vec::new();
    let mut read = Vec::new();
    for subgraph in &subgraphs {
        match Subgraph::read(subgraph) {
            Ok(subgraph) => read.push(subgraph),
            Err(own) => problems.extend(own),
        }
    }
    none(problems)?;
    let (used, problems): (Vec<_>, Vec<_>) = read.iter().map(field_sets::read).unzip();
    let mut problems: Vec<String> = problems.into_iter().flatten().collect();
    problems.extend(rules::check(&read, &used));
    none(problems)?;
    let types = merge::merge(&read, &used).map_err(CompositionErrors)?;
    none(rules::check_inaccessible(&types))?;
    let document = write::supergraph(types, &read).map_err(|error| {
        CompositionErrors::one(format!("the supergraph cannot be written: {error}"))
    })?;
    let sdl = document.to_string();
    let (_, schema, _) = read_supergraph(&sdl)?;
    Ok(Supergraph { api_sdl: schema.sdl(), sdl })
}

fn none(problems: Vec<String>) -> Result<(), CompositionErrors> {
    match problems.is_empty() {
        true => Ok(()),
        false => Err(CompositionErrors(problems)),
    }
}

/// Each subgraph has a name of its own, whatever its letters' case.
fn check_names(subgraphs: &[SubgraphSdl]) -> Result<(), CompositionErrors> {
    let mut problems = Vec::new();
    for (number, subgraph) in subgraphs.iter().enumerate() {
        let name = &subgraph.name;
        if name.trim().is_empty() {
            problems.push("a subgraph has no name; give it one".to_owned());
        }
        if subgraphs[..number].iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
            problems.push(format!("two subgraphs are named \"{name}\"; give each its own name"));
        }
    }
    none(problems)
}
