//! Makes the plan of one operation.

use super::{
    aliases::{Aliases, wire_variable},
    document::{Document, parts},
    internal::Rewriter,
    operation::Variables,
    projection::Projector,
    types::{FieldKind, OperationKind, Plan, Steps},
};
use crate::{
    data::KeyTable,
    planner::{PlanError, Planned, Supergraph, ast_type},
    schema::Schema,
};
use graphql_tools::parser::query::{self as ast, Definition};
use std::{sync::Arc, time::Duration};

/// Plans `document.operations[number]`. The plan depends on `variables` only as far as
/// [`super::operation::Operation::plan_bits`] says.
pub(crate) fn make(
    document: &Document,
    number: usize,
    variables: &Variables,
    schema: &Schema,
    supergraph: &Supergraph,
    limit: Duration,
) -> Result<Plan, PlanError> {
    let operation = &document.operations[number];
    let Some(Definition::Operation(definition)) = document.query.definitions.get(operation.index)
    else {
        return Err(PlanError::Operation("no operation".to_owned()));
    };
    let parts = parts(definition);
    let root = match operation.kind {
        OperationKind::Query => Some(&schema.query),
        OperationKind::Mutation => schema.mutation.as_ref(),
        OperationKind::Subscription => schema.subscription.as_ref(),
    };
    let root = root.ok_or_else(|| PlanError::Operation("no root type".to_owned()))?;
    let declared = operation.variables.iter().map(|variable| variable.name.as_str());
    let mut aliases =
        Aliases::new(schema, document.fragments(), variables, declared, parts.selection);
    let mut keys = KeyTable::new();
    let salted = operation.kind == OperationKind::Mutation;
    let (projection, roots) =
        Projector { aliases: &mut aliases, keys: &mut keys }.root(parts.selection, root, salted);

    let definitions: Vec<ast::VariableDefinition<'static, String>> = operation
        .variables
        .iter()
        .filter(|variable| variables.contains_key(&variable.name))
        .map(|variable| ast::VariableDefinition {
            position: Default::default(),
            name: wire_variable(&variable.name),
            var_type: ast_type(&variable.ty),
            default_value: variable.default.clone(),
        })
        .collect();
    let mut plan = |selections: Vec<_>| {
        supergraph.plan(operation.kind, &selections, &definitions, schema, &mut keys, limit)
    };
    let mut rewriter = Rewriter { aliases: &mut aliases };
    let steps = match operation.kind {
        OperationKind::Mutation => {
            let mut steps = Vec::new();
            for (number, field) in roots.iter().enumerate() {
                if matches!(
                    field.projected.kind,
                    FieldKind::Typename | FieldKind::Introspection(..)
                ) {
                    continue;
                }
                let selections = rewriter.root_field(&field.fields, root, number);
                match plan(selections)? {
                    Planned::Steps(step) => {
                        steps.push((field.projected.internal, field.projected.ty.non_null, step))
                    }
                    Planned::Subscription(..) => {
                        return Err(PlanError::Operation("a subscription".to_owned()));
                    }
                }
            }
            Steps::Mutation(steps)
        }
        OperationKind::Query | OperationKind::Subscription => {
            let selections = rewriter.root(parts.selection, root);
            if selections.is_empty() {
                Steps::None
            } else {
                match plan(selections)? {
                    Planned::Steps(step) => Steps::Query(step),
                    Planned::Subscription(fetch, rest) => Steps::Subscription(fetch, rest),
                }
            }
        }
    };
    Ok(Plan { kind: operation.kind, keys: Arc::new(keys), steps, projection })
}
