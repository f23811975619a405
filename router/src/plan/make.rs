//! Makes the plan of one operation.

use super::{
    aliases::{Aliases, wire_variable},
    defer::{Deferred, Wave},
    document::{Document, parts},
    internal::Rewriter,
    operation::Variables,
    projection::Projector,
    schedule::Schedule,
    types::{AnswerSize, FieldKind, OperationKind, Plan, ProjectedField, Steps},
};
use crate::{
    data::KeyTable,
    planner::{PlanError, Planned, Supergraph, ast_type},
    schema::Schema,
};
use graphql_tools::parser::query::{self as ast, Definition};
use std::{sync::Arc, time::Duration};

/// Plans `document.operations[number]`. The plan depends on `variables` and on `defers`, which says
/// whether the client takes an answer in parts, only as far as
/// [`super::operation::Operation::plan_bits`] says.
pub(crate) fn make(
    document: &Document,
    number: usize,
    (variables, defers): (&Variables, bool),
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
    let root = operation.kind.root(schema);
    let root = root.ok_or_else(|| PlanError::Operation("no root type".to_owned()))?;
    let declared = operation.variables.iter().map(|variable| variable.name.as_str());
    let mut aliases =
        Aliases::new(schema, document.fragments(), variables, declared, parts.selection);
    // The events of a subscription are whole answers.
    aliases.defers.on = defers && operation.kind != OperationKind::Subscription;
    let mut keys = KeyTable::new();
    let mut anchors = Vec::new();
    let salted = operation.kind == OperationKind::Mutation;
    let (projection, roots) =
        Projector { aliases: &mut aliases, keys: &mut keys, anchors: &mut anchors }.root(
            parts.selection,
            root,
            salted,
        );

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
    let mut plan = |selections: Vec<_>, parents: &[Option<usize>]| {
        let kind = (operation.kind, parents);
        supergraph.plan(kind, &selections, &definitions, schema, &mut keys, limit)
    };
    let mut waves = Vec::new();
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
                match plan(selections, &rewriter.aliases.defers.parents)? {
                    Planned::Schedule(schedule, later) => {
                        let ProjectedField { internal, ty, .. } = &field.projected;
                        steps.push((*internal, ty.non_null, schedule));
                        add_waves(&mut waves, later);
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
                Steps::Query(Schedule::default())
            } else {
                match plan(selections, &rewriter.aliases.defers.parents)? {
                    Planned::Schedule(schedule, later) => {
                        waves = later;
                        Steps::Query(schedule)
                    }
                    Planned::Subscription(fetch, rest) => Steps::Subscription(fetch, rest),
                }
            }
        }
    };
    // A fragment of which all is sent at once anyway is not worth an answer of its own.
    let defers = anchors.iter().any(|anchor| !anchor.groups.is_empty());
    let deferred = defers.then(|| {
        let (labels, parents) = (aliases.defers.labels, aliases.defers.parents);
        Box::new(Deferred { labels, parents, anchors, waves })
    });
    let (keys, answer_size) = (Arc::new(keys), AnswerSize::default());
    Ok(Plan { kind: operation.kind, keys, steps, projection, deferred, answer_size })
}

/// Adds the waves of one root field of a mutation to those of the others.
fn add_waves(waves: &mut Vec<Wave>, added: Vec<Wave>) {
    for wave in added {
        let Some(known) = waves.iter_mut().find(|known| known.usages == wave.usages) else {
            waves.push(wave);
            continue;
        };
        known.after.extend(wave.after);
        known.schedule.add_beside(wave.schedule);
    }
}
