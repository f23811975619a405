//! What must hold in each subgraph by itself, and between the directives of several. Whether types and fields
//! of one name agree is seen where they are merged.
//!
//! A problem names the subgraph, the type and the field, says what is wrong, and what to do.

mod definitions;
mod inaccessible;
mod interface_objects;
mod overrides;
mod places;
mod schema;

pub(super) use inaccessible::check as check_inaccessible;

use super::{field_sets::Used, subgraph::Subgraph};
use std::fmt::Display;

/// Everything that is wrong before anything is merged.
pub(super) fn check(subgraphs: &[Subgraph], used: &[Used]) -> Vec<String> {
    let mut problems = Problems(Vec::new());
    for (subgraph, used) in subgraphs.iter().zip(used) {
        schema::check(subgraph, &mut problems);
        places::check(subgraph, used, &mut problems);
    }
    overrides::check(subgraphs, &mut problems);
    interface_objects::check(subgraphs, &mut problems);
    definitions::check(subgraphs, &mut problems);
    problems.0
}

struct Problems(Vec<String>);

impl Problems {
    /// Something that is wrong in one subgraph.
    fn of(&mut self, subgraph: &Subgraph, at: impl Display, problem: impl Display) {
        self.0.push(format!("[{}] {at}: {problem}", subgraph.name));
    }

    /// Something between several.
    fn between(&mut self, at: impl Display, problem: impl Display) {
        self.0.push(format!("{at}: {problem}"));
    }
}
