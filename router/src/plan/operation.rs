//! What the router knows of one operation of a document: its variables and how its plan depends on
//! them. Variables are coerced here, in full (GraphQL, "Coercing Variable Values").

use super::{
    document::{Query, SelectionSet, fragments, parts},
    meta_fields::introspects,
    types::OperationKind,
};
use crate::{
    error::{GraphqlError, code},
    planner::LabelId,
    schema::{Literal, Schema, TypeRef, type_ref},
};
use async_graphql::{Name, Value};
use graphql_tools::parser::query::{self as ast, Definition};
use std::collections::{BTreeSet, HashMap, HashSet};

/// Variables with their values; what was not given and has no default is not in it.
pub(crate) type Variables = HashMap<String, Value>;

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: Option<String>,
    pub(crate) kind: OperationKind,
    /// Where in the document it stands.
    pub(crate) index: usize,
    pub(crate) variables: Vec<Variable>,
    /// Variables that `@skip`, `@include` and `@defer` test.
    pub(crate) conditions: Vec<String>,
    /// Whether it has deferred fragments.
    pub(crate) defers: bool,
    /// Whether it asks for the schema, also where a condition leaves that out.
    pub(crate) introspects: bool,
    /// Labels of progressive overrides on which the plan can depend ([`Document::meet`]).
    ///
    /// [`Document::meet`]: super::document::Document::meet
    pub(crate) labels: Vec<LabelId>,
}

#[derive(Debug)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) ty: TypeRef,
    pub(crate) default: Option<Literal>,
}

impl Variable {
    /// Whether a request can leave the variable without any value.
    fn may_be_absent(&self) -> bool {
        self.default.is_none() && !self.ty.is_non_null()
    }
}

impl Operation {
    pub(crate) fn all(query: &Query, schema: &Schema) -> Result<Vec<Operation>, GraphqlError> {
        let known = fragments(query);
        let mut all = Vec::new();
        for (index, definition) in query.definitions.iter().enumerate() {
            let Definition::Operation(definition) = definition else {
                continue;
            };
            let parts = parts(definition);
            if parts.kind.root(schema).is_none() {
                return Err(GraphqlError::new(
                    code::VALIDATION_FAILED,
                    format!("the schema has no {:?} type", parts.kind).to_lowercase(),
                ));
            }
            let mut conditions = BTreeSet::new();
            let mut defers = false;
            for_each_directive(parts.selection, &known, &mut BTreeSet::new(), &mut |directive| {
                defers |= directive.name == "defer";
                if ["skip", "include", "defer"].contains(&directive.name.as_str()) {
                    conditions.extend(condition_variable(directive));
                }
            });
            all.push(Operation {
                name: parts.name.map(str::to_owned),
                kind: parts.kind,
                index,
                variables: parts
                    .variables
                    .iter()
                    .map(|variable| Variable {
                        name: variable.name.clone(),
                        ty: type_ref(&variable.var_type),
                        default: variable.default_value.clone(),
                    })
                    .collect(),
                conditions: conditions.into_iter().collect(),
                defers,
                introspects: introspects(parts.selection, &known, &mut HashSet::new()),
                labels: Vec::new(),
            });
        }
        match all.is_empty() {
            true => Err(GraphqlError::new(
                code::BAD_USER_INPUT,
                "the document has no operation to execute",
            )),
            false => Ok(all),
        }
    }

    /// The values of the variables on which the plan depends, and whether the client takes an answer in
    /// parts, where it matters.
    pub(crate) fn plan_bits(&self, variables: &Variables, defers: bool) -> Vec<bool> {
        let condition = |name: &String| matches!(variables.get(name), Some(Value::Boolean(true)));
        let present = |variable: &Variable| variables.contains_key(&variable.name);
        self.conditions
            .iter()
            .map(condition)
            .chain(self.variables.iter().filter(|variable| variable.may_be_absent()).map(present))
            .chain((self.defers && defers).then_some(true))
            .collect()
    }

    /// The labels that are on, of those that the operation meets.
    pub(crate) fn labels_on(&self, on: &[bool]) -> BTreeSet<LabelId> {
        self.labels.iter().zip(on).filter(|(_, on)| **on).map(|(label, _)| *label).collect()
    }

    /// Coerces what the client gave.
    pub(crate) fn coerce(
        &self,
        mut given: serde_json::Map<String, serde_json::Value>,
        schema: &Schema,
        depth: usize,
    ) -> Result<Variables, GraphqlError> {
        let mut values = Variables::with_capacity(self.variables.len());
        for variable in &self.variables {
            let refuse = |problem: String| {
                GraphqlError::new(
                    code::BAD_USER_INPUT,
                    format!(
                        "variable \"${}\" of type \"{}\": {problem}",
                        variable.name, variable.ty
                    ),
                )
            };
            match (given.remove(&variable.name), &variable.default) {
                (Some(value), _) => {
                    let value = super::coerce::coerce(value, &variable.ty, schema, depth)
                        .map_err(refuse)?;
                    values.insert(variable.name.clone(), value);
                }
                (None, Some(default)) => {
                    values.insert(
                        variable.name.clone(),
                        literal(default, &Variables::new()).unwrap_or(Value::Null),
                    );
                }
                (None, None) if variable.ty.is_non_null() => {
                    return Err(refuse("a value is required and none was given".to_owned()));
                }
                (None, None) => {}
            }
        }
        Ok(values)
    }
}

/// Calls for every directive of the selections of an operation, fragments put in.
fn for_each_directive<'a>(
    set: &'a SelectionSet,
    known: &HashMap<&'a str, &'a super::document::Fragment>,
    seen: &mut BTreeSet<&'a str>,
    call: &mut impl FnMut(&ast::Directive<'static, String>),
) {
    for item in &set.items {
        let directives = match item {
            ast::Selection::Field(field) => {
                for_each_directive(&field.selection_set, known, seen, call);
                &field.directives
            }
            ast::Selection::InlineFragment(fragment) => {
                for_each_directive(&fragment.selection_set, known, seen, call);
                &fragment.directives
            }
            ast::Selection::FragmentSpread(spread) => {
                if let Some(fragment) = known.get(spread.fragment_name.as_str())
                    && seen.insert(&fragment.name)
                {
                    for_each_directive(&fragment.selection_set, known, seen, call);
                }
                &spread.directives
            }
        };
        directives.iter().for_each(&mut *call);
    }
}

/// The variable that a directive tests.
fn condition_variable(directive: &ast::Directive<'static, String>) -> Option<String> {
    directive.arguments.iter().find_map(|(name, value)| match value {
        ast::Value::Variable(variable) if name == "if" => Some(variable.clone()),
        _ => None,
    })
}

/// A literal as a value; `None` when it is a variable without value.
pub(crate) fn literal(literal: &Literal, variables: &Variables) -> Option<Value> {
    Some(match literal {
        ast::Value::Variable(name) => variables.get(name)?.clone(),
        ast::Value::Int(number) => Value::from(number.as_i64().unwrap_or_default()),
        ast::Value::Float(number) => Value::from(*number),
        ast::Value::String(text) => Value::from(text.as_str()),
        ast::Value::Boolean(value) => Value::Boolean(*value),
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => Value::Enum(Name::new(name)),
        ast::Value::List(items) => Value::List(
            items
                .iter()
                .map(|item| self::literal(item, variables).unwrap_or(Value::Null))
                .collect(),
        ),
        ast::Value::Object(fields) => Value::Object(
            fields
                .iter()
                .filter_map(|(name, value)| {
                    Some((Name::new(name), self::literal(value, variables)?))
                })
                .collect(),
        ),
    })
}
