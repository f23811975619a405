//! The one place that calls the planner crate.

use super::{
    convert::{Convert, Planned},
    internal::selection_set,
    types::OperationKind,
};
use crate::{data::KeyTable, schema::TypeRef};
use graphql_tools::parser::{query as ast, schema as sdl};
use hive_router_query_planner::{
    ast::normalization::normalize_operation,
    planner::{Planner, QueryPlannerOptions, plan_nodes::QueryPlan},
    state::supergraph_state::SupergraphDefinition,
    utils::cancellation::CancellationToken,
};
use std::{
    collections::{BTreeSet, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

/// Why there is no plan.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PlanError {
    #[error("the planner failed: {0}")]
    Planner(String),
    #[error("the planner panicked: {0}")]
    Panic(String),
    #[error("planning took too long")]
    TooLong,
    #[error("the plan holds what this executor does not know: {0}")]
    Unknown(String),
}

/// A supergraph ready for planning.
pub(crate) struct Supergraph {
    planner: Planner,
    /// For each composite type the object types that it can be, hidden ones included, and its own name.
    matching: HashMap<String, Vec<Arc<str>>>,
    /// Subgraphs by number.
    pub(crate) subgraphs: Vec<Subgraph>,
}

/// A subgraph as the supergraph names it.
pub(crate) struct Subgraph {
    pub(crate) name: String,
    /// Its name among the values of `join__Graph`.
    graph: String,
    pub(crate) url: String,
}

impl std::fmt::Debug for Supergraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<&str> =
            self.subgraphs.iter().map(|subgraph| subgraph.name.as_str()).collect();
        f.debug_struct("Supergraph").field("subgraphs", &names).finish_non_exhaustive()
    }
}

impl Supergraph {
    /// Reads a supergraph that [`crate::compose`] has mended.
    pub(crate) fn new(document: &sdl::Document<'static, String>) -> Result<Supergraph, PlanError> {
        let planner =
            caught(|| Planner::new_from_supergraph(document, QueryPlannerOptions::default()))?
                .map_err(|error| PlanError::Planner(error.to_string()))?;
        let state = &planner.supergraph;
        let mut matching: HashMap<String, BTreeSet<&str>> = HashMap::new();
        for (name, definition) in &state.definitions {
            match definition {
                SupergraphDefinition::Object(object) => {
                    matching.entry(name.clone()).or_default().insert(name);
                    for join in &object.join_implements {
                        matching.entry(join.interface.clone()).or_default().insert(name);
                    }
                }
                SupergraphDefinition::Union(union) => {
                    let members = matching.entry(name.clone()).or_default();
                    members.extend(union.types.iter().map(String::as_str));
                }
                SupergraphDefinition::Interface(_) => {
                    // A subgraph with `@interfaceObject` answers with the interface's own name.
                    matching.entry(name.clone()).or_default().insert(name);
                }
                _ => {}
            }
        }
        let matching = matching
            .into_iter()
            .map(|(name, types)| (name, types.into_iter().map(Arc::from).collect()))
            .collect();
        let mut subgraphs: Vec<Subgraph> = state
            .known_subgraphs
            .iter()
            .map(|(graph, name)| Subgraph {
                name: name.clone(),
                graph: graph.clone(),
                url: state.subgraph_endpoint_map.get(name).cloned().unwrap_or_default(),
            })
            .collect();
        subgraphs.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Supergraph { matching, subgraphs, planner })
    }

    /// The schema that clients see, as the planner's crate derives it.
    pub(crate) fn public_document(&self) -> Arc<sdl::Document<'static, String>> {
        self.planner.consumer_schema.document.clone()
    }

    pub(crate) fn subgraph_number(&self, name: &str) -> Option<usize> {
        self.subgraphs.iter().position(|subgraph| subgraph.name == name)
    }

    /// The object types that match a type condition.
    pub(crate) fn matching(&self, condition: &str) -> Vec<Arc<str>> {
        self.matching.get(condition).cloned().unwrap_or_default()
    }

    /// The top-level fields of each resolvable key of a type in a subgraph, and whether each may be null.
    pub(crate) fn entity_keys(&self, ty: &str, subgraph: usize) -> Vec<Vec<(Arc<str>, bool)>> {
        let Some(definition) = self.planner.supergraph.definitions.get(ty) else {
            return Vec::new();
        };
        let graph = &self.subgraphs[subgraph].graph;
        let nullable = |name: &str| {
            definition.fields().get(name).is_some_and(|field| !field.field_type.is_non_null())
        };
        definition
            .join_types()
            .iter()
            .filter(|join| join.graph_id == *graph && join.resolvable)
            .filter_map(|join| join.key.as_deref())
            .map(|key| {
                top_level(key).into_iter().map(|name| (Arc::from(name), nullable(name))).collect()
            })
            .collect()
    }

    /// Plans one operation that has been rewritten to internal keys.
    pub(crate) fn plan(
        &self,
        kind: OperationKind,
        selections: Vec<ast::Selection<'static, String>>,
        variables: Vec<ast::VariableDefinition<'static, String>>,
        keys: &mut KeyTable,
        limit: Duration,
    ) -> Result<Planned, PlanError> {
        let document = document(kind, selections, variables);
        let plan = caught(|| self.query_plan(&document, limit))??;
        Convert { supergraph: self, keys }.plan(plan)
    }

    fn query_plan(
        &self,
        document: &ast::Document<'static, String>,
        limit: Duration,
    ) -> Result<QueryPlan, PlanError> {
        let normalized = normalize_operation(&self.planner.supergraph, document, None)
            .map_err(|error| PlanError::Planner(error.to_string()))?;
        self.planner
            .plan_from_normalized_operation(
                normalized.executable_operation(),
                Default::default(),
                &CancellationToken::with_timeout(limit),
            )
            .map_err(|error| {
                use hive_router_query_planner::planner::PlannerError;
                match error {
                    PlannerError::CancellationError(_) => PlanError::TooLong,
                    error => {
                        let text = error.to_string();
                        match text.contains("timed out") {
                            true => PlanError::TooLong,
                            false => PlanError::Planner(text),
                        }
                    }
                }
            })
    }
}

/// The planner asserts what it believes to be impossible; a client must not be able to end the process.
fn caught<T>(run: impl FnOnce() -> T) -> Result<T, PlanError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default();
        PlanError::Panic(text)
    })
}

fn document(
    kind: OperationKind,
    selections: Vec<ast::Selection<'static, String>>,
    variable_definitions: Vec<ast::VariableDefinition<'static, String>>,
) -> ast::Document<'static, String> {
    let (position, name, directives) = (Default::default(), None, Vec::new());
    let selection_set = selection_set(selections);
    let operation = match kind {
        OperationKind::Query => ast::OperationDefinition::Query(ast::Query {
            position,
            name,
            variable_definitions,
            directives,
            selection_set,
        }),
        OperationKind::Mutation => ast::OperationDefinition::Mutation(ast::Mutation {
            position,
            name,
            variable_definitions,
            directives,
            selection_set,
        }),
        OperationKind::Subscription => ast::OperationDefinition::Subscription(ast::Subscription {
            position,
            name,
            variable_definitions,
            directives,
            selection_set,
        }),
    };
    ast::Document { definitions: vec![ast::Definition::Operation(operation)] }
}

/// The names at the top of a field set such as `id organization { id }`.
fn top_level(key: &str) -> Vec<&str> {
    let mut depth = 0usize;
    let mut names = Vec::new();
    let mut start = None;
    for (index, character) in key.char_indices() {
        if character.is_ascii_alphanumeric() || character == '_' {
            start = start.or(Some(index));
            continue;
        }
        if let Some(begin) = start.take()
            && depth == 0
        {
            names.push(&key[begin..index]);
        }
        match character {
            '{' | '(' => depth += 1,
            '}' | ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    if let Some(begin) = start
        && depth == 0
    {
        names.push(&key[begin..]);
    }
    names
}

/// A type in the planner's syntax tree.
pub(crate) fn ast_type(ty: &TypeRef) -> ast::Type<'static, String> {
    match ty {
        TypeRef::Named(name) => ast::Type::NamedType(name.to_string()),
        TypeRef::List(inner) => ast::Type::ListType(Box::new(ast_type(inner))),
        TypeRef::NonNull(inner) => ast::Type::NonNullType(Box::new(ast_type(inner))),
    }
}

#[cfg(test)]
mod tests {
    use super::{PlanError, caught, top_level};

    #[test]
    fn a_panic_becomes_an_error_with_its_text() {
        let number = 7;
        for (result, text) in [
            (caught(|| panic!("a text")), "a text"),
            (caught(|| panic!("node {number}")), "node 7"),
            (caught(|| std::panic::panic_any(number)), ""),
        ] {
            let result: Result<(), PlanError> = result;
            assert!(matches!(result, Err(PlanError::Panic(told)) if told == text));
        }
        assert!(matches!(caught(|| number), Ok(7)));
    }

    #[test]
    fn a_key_names_its_top_level_fields() {
        assert_eq!(top_level("id"), ["id"]);
        assert_eq!(
            top_level(" id organization { id region { code } } sku"),
            ["id", "organization", "sku"]
        );
        assert!(top_level("").is_empty());
    }
}
