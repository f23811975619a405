//! What the router knows of one operation of a document: its variables and how its plan depends on
//! them. Variables are coerced here, in full (GraphQL, "Coercing Variable Values").

use super::document::{Query, SelectionSet, fragments, parts};
use super::types::OperationKind;
use crate::{
    error::{GraphqlError, code},
    schema::{Literal, Schema, TypeKind, TypeRef, type_ref},
};
use async_graphql::{Name, Value};
use graphql_tools::parser::query::{self as ast, Definition};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Variables with their values; what was not given and has no default is not in it.
pub(crate) type Variables = HashMap<String, Value>;

#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) name: Option<String>,
    pub(crate) kind: OperationKind,
    /// Where in the document it stands.
    pub(crate) index: usize,
    pub(crate) variables: Vec<Variable>,
    /// Variables that `@skip` and `@include` test.
    pub(crate) conditions: Vec<String>,
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
            let supported = match parts.kind {
                OperationKind::Query => true,
                OperationKind::Mutation => schema.mutation.is_some(),
                OperationKind::Subscription => schema.subscription.is_some(),
            };
            if !supported {
                return Err(GraphqlError::new(
                    code::VALIDATION_FAILED,
                    format!("the schema has no {:?} type", parts.kind).to_lowercase(),
                ));
            }
            let mut conditions = BTreeSet::new();
            condition_variables(parts.selection, &known, &mut BTreeSet::new(), &mut conditions);
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

    /// The values of the variables on which the plan depends.
    pub(crate) fn plan_bits(&self, variables: &Variables) -> Vec<bool> {
        let condition = |name: &String| matches!(variables.get(name), Some(Value::Boolean(true)));
        let present = |variable: &Variable| variables.contains_key(&variable.name);
        self.conditions
            .iter()
            .map(condition)
            .chain(self.variables.iter().filter(|variable| variable.may_be_absent()).map(present))
            .collect()
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
                    let coercer = Coercer { schema, depth };
                    let value = coercer
                        .coerce(value, &variable.ty, 0)
                        .map_err(|problem| refuse(problem.to_string()))?;
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

fn condition_variables<'a>(
    set: &'a SelectionSet,
    known: &HashMap<&'a str, &'a super::document::Fragment>,
    seen: &mut BTreeSet<&'a str>,
    found: &mut BTreeSet<String>,
) {
    for item in &set.items {
        let directives = match item {
            ast::Selection::Field(field) => {
                condition_variables(&field.selection_set, known, seen, found);
                &field.directives
            }
            ast::Selection::InlineFragment(fragment) => {
                condition_variables(&fragment.selection_set, known, seen, found);
                &fragment.directives
            }
            ast::Selection::FragmentSpread(spread) => {
                if let Some(fragment) = known.get(spread.fragment_name.as_str())
                    && seen.insert(&fragment.name)
                {
                    condition_variables(&fragment.selection_set, known, seen, found);
                }
                &spread.directives
            }
        };
        for directive in directives {
            if directive.name == "skip" || directive.name == "include" {
                for (_, value) in &directive.arguments {
                    if let ast::Value::Variable(name) = value {
                        found.insert(name.clone());
                    }
                }
            }
        }
    }
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

/// What is wrong with a value, and where in it.
struct Problem {
    path: String,
    message: String,
}

impl Problem {
    fn new(message: impl Into<String>) -> Problem {
        Problem { path: String::new(), message: message.into() }
    }

    fn inside(mut self, step: &str) -> Problem {
        self.path.insert_str(0, step);
        self
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.path.is_empty() {
            true => f.write_str(&self.message),
            false => write!(f, "at \"{}\": {}", self.path.trim_start_matches('.'), self.message),
        }
    }
}

struct Coercer<'a> {
    schema: &'a Schema,
    depth: usize,
}

impl Coercer<'_> {
    fn coerce(
        &self,
        value: serde_json::Value,
        ty: &TypeRef,
        level: usize,
    ) -> Result<Value, Problem> {
        use serde_json::Value as Json;
        if level > self.depth {
            return Err(Problem::new(format!("nested deeper than {} levels", self.depth)));
        }
        match (ty, value) {
            (TypeRef::NonNull(_), Json::Null) => {
                Err(Problem::new(format!("expected \"{ty}\", found null")))
            }
            (TypeRef::NonNull(inner), value) => self.coerce(value, inner, level),
            (_, Json::Null) => Ok(Value::Null),
            (TypeRef::List(inner), Json::Array(items)) => items
                .into_iter()
                .enumerate()
                .map(|(index, item)| {
                    self.coerce(item, inner, level + 1)
                        .map_err(|problem| problem.inside(&format!("[{index}]")))
                })
                .collect::<Result<Vec<_>, _>>()
                .map(Value::List),
            // A single value stands for a list of one (GraphQL, "List", Input Coercion).
            (TypeRef::List(inner), value) => {
                Ok(Value::List(vec![self.coerce(value, inner, level + 1)?]))
            }
            (TypeRef::Named(name), value) => self.named(value, name, level),
        }
    }

    fn named(&self, value: serde_json::Value, name: &str, level: usize) -> Result<Value, Problem> {
        let Some(definition) = self.schema.ty(name) else {
            return Err(Problem::new(format!("the type \"{name}\" does not exist")));
        };
        match &definition.kind {
            TypeKind::Scalar(_) => self.scalar(value, name, level),
            TypeKind::Enum(values) => match &value {
                serde_json::Value::String(text)
                    if values.iter().any(|known| *known.name == **text) =>
                {
                    Ok(Value::Enum(Name::new(text)))
                }
                _ => Err(Problem::new(format!(
                    "{value} is not a value of the enum \"{name}\" ({})",
                    values.iter().map(|known| &*known.name).collect::<Vec<_>>().join(", ")
                ))),
            },
            TypeKind::Input(fields, one_of) => self.input(value, name, fields, *one_of, level),
            _ => Err(Problem::new(format!("\"{name}\" is not an input type"))),
        }
    }

    fn scalar(&self, value: serde_json::Value, name: &str, level: usize) -> Result<Value, Problem> {
        use serde_json::Value as Json;
        let wrong = |value: &Json| Err(Problem::new(format!("expected \"{name}\", found {value}")));
        match name {
            "Int" => match &value {
                Json::Number(number) => {
                    let whole = number.as_i64().or_else(|| {
                        let float = number.as_f64()?;
                        (float.fract() == 0.0 && float.abs() < 1e15).then_some(float as i64)
                    });
                    match whole.and_then(|whole| i32::try_from(whole).ok()) {
                        Some(whole) => Ok(Value::from(whole)),
                        None => Err(Problem::new(format!(
                            "{number} is not a whole number between -2147483648 and 2147483647"
                        ))),
                    }
                }
                _ => wrong(&value),
            },
            "Float" => match value {
                Json::Number(number) if number.as_f64().is_some_and(f64::is_finite) => {
                    Ok(Value::Number(number))
                }
                _ => wrong(&value),
            },
            "String" => match value {
                Json::String(text) => Ok(Value::String(text)),
                _ => wrong(&value),
            },
            "Boolean" => match value {
                Json::Bool(value) => Ok(Value::Boolean(value)),
                _ => wrong(&value),
            },
            "ID" => match value {
                Json::String(text) => Ok(Value::String(text)),
                Json::Number(number) if number.is_i64() || number.is_u64() => {
                    Ok(Value::String(number.to_string()))
                }
                _ => wrong(&value),
            },
            _ => self.custom(value, level),
        }
    }

    /// A value of a custom scalar is whatever the subgraph makes of it.
    fn custom(&self, value: serde_json::Value, level: usize) -> Result<Value, Problem> {
        use serde_json::Value as Json;
        if level > self.depth {
            return Err(Problem::new(format!("nested deeper than {} levels", self.depth)));
        }
        Ok(match value {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Boolean(value),
            Json::Number(number) => Value::Number(number),
            Json::String(text) => Value::String(text),
            Json::Array(items) => Value::List(
                items
                    .into_iter()
                    .map(|item| self.custom(item, level + 1))
                    .collect::<Result<_, _>>()?,
            ),
            Json::Object(fields) => Value::Object(
                fields
                    .into_iter()
                    .map(|(name, value)| Ok((Name::new(name), self.custom(value, level + 1)?)))
                    .collect::<Result<_, Problem>>()?,
            ),
        })
    }

    fn input(
        &self,
        value: serde_json::Value,
        name: &str,
        definitions: &[crate::schema::InputDef],
        one_of: bool,
        level: usize,
    ) -> Result<Value, Problem> {
        let serde_json::Value::Object(given) = value else {
            return Err(Problem::new(format!(
                "expected an object of type \"{name}\", found {value}"
            )));
        };
        let mut given: BTreeMap<String, serde_json::Value> = given.into_iter().collect();
        let mut fields = Vec::new();
        for definition in definitions {
            let inside = |problem: Problem| problem.inside(&format!(".{}", definition.name));
            match (given.remove(&*definition.name), &definition.default) {
                (Some(value), _) => {
                    let value = self.coerce(value, &definition.ty, level + 1).map_err(inside)?;
                    fields.push((Name::new(&definition.name), value));
                }
                // The subgraph that owns the type knows its default; putting it in here too would let
                // an update that leaves the field out overwrite what is stored.
                (None, Some(_)) => {}
                (None, None) if definition.ty.is_non_null() => {
                    return Err(inside(Problem::new(format!(
                        "\"{}\" is required and was not given",
                        definition.ty
                    ))));
                }
                (None, None) => {}
            }
        }
        if let Some(unknown) = given.keys().next() {
            return Err(Problem::new(format!("\"{name}\" has no field \"{unknown}\"")));
        }
        if one_of && (fields.len() != 1 || fields.iter().any(|(_, value)| *value == Value::Null)) {
            return Err(Problem::new(format!(
                "exactly one field of \"{name}\" must be given, and not null"
            )));
        }
        Ok(Value::Object(fields.into_iter().collect()))
    }
}
