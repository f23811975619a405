//! What an answer lacks that was asked for, without an error that says why.
//!
//! A field that was asked for stands in the answer, be it null ("Executing Selection Sets" of the
//! specification); of `_entities`, each element is the object of its representation, or null where there
//! is none. What is left out is no null that anybody said, and is told as an error.

use super::{ingest::Ingested, run::Execution, tell::of_subgraph};
use crate::{
    data::{Arena, Key, NodeId},
    error::code,
    plan::types::{Fetch, SubgraphOperation},
    transport::{SubgraphError, SubgraphPath},
};

/// Elements of an `_entities` field that are not there: which of them, or `None` for all.
pub(super) type Lacking = (Key, Option<usize>);

/// The element of that number, where it is an object or null.
pub(super) fn entity(arena: &Arena, entities: &[NodeId], number: usize) -> Option<NodeId> {
    let entity = entities.get(number).copied()?;
    (arena.object(entity).is_some() || arena.is_null(entity)).then_some(entity)
}

impl Execution<'_> {
    /// Tells the root fields that an answer lacks as errors of it.
    pub(super) fn lack_roots(&self, arena: &Arena, fetch: &Fetch, answer: &mut Ingested) {
        let Some(data) = answer.data else { return };
        let lacking = fetch.roots.iter().filter(|root| arena.get(data, **root).is_none());
        let lacking: Vec<Lacking> = lacking.map(|root| (*root, None)).collect();
        self.lack(arena, &fetch.operation, &lacking, &mut answer.errors);
    }

    /// Tells what an answer lacks as errors of it, but for that of which it has some.
    pub(super) fn lack(
        &self,
        arena: &Arena,
        operation: &SubgraphOperation,
        lacking: &[Lacking],
        errors: &mut Vec<SubgraphError>,
    ) {
        let is_told = |name: &str| {
            errors.iter().any(|error| match error.path.first() {
                None => true,
                Some(first) => matches!(first, SubgraphPath::Key(key) if key == name),
            })
        };
        let untold: Vec<(&str, Option<usize>)> = lacking
            .iter()
            .map(|(key, number)| (arena.name(*key), *number))
            .filter(|(name, _)| !is_told(name))
            .take(self.shared.max_errors)
            .collect();
        let Some((first, _)) = untold.first() else { return };
        let subgraph = &self.shared.subgraphs[operation.subgraph].name;
        let id = self.caller.told_request_id();
        tracing::warn!(subgraph = %subgraph, request_id = %id, field = %first, "the answer lacks what was asked");
        let message = format!("the subgraph \"{subgraph}\" left this out of its answer");
        let lack = of_subgraph(subgraph, code::INVALID_RESPONSE, message);
        let lacks = untold.into_iter().map(|(name, number)| {
            let index = number.and_then(|number| u32::try_from(number).ok());
            let mut path = vec![SubgraphPath::Key(name.to_owned())];
            path.extend(index.map(SubgraphPath::Index));
            SubgraphError { path, ..lack.clone() }
        });
        errors.extend(lacks.collect::<Vec<_>>());
    }
}
