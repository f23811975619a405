//! Coerces one value of a variable to its type (GraphQL, "Input Coercion" of each kind of type).

use crate::schema::{InputDef, Schema, TypeKind, TypeRef};
use async_graphql::{Name, Value};
use std::collections::BTreeMap;

/// The value as `ty` takes it, or what is wrong with it. `depth` bounds nested lists and objects.
pub(super) fn coerce(
    value: serde_json::Value,
    ty: &TypeRef,
    schema: &Schema,
    depth: usize,
) -> Result<Value, String> {
    Coercer { schema, depth }.coerce(value, ty, 0).map_err(|problem| problem.to_string())
}

/// From here on, numbers of JSON are no whole numbers any more.
const TWO_TO_THE_63: f64 = 9_223_372_036_854_775_808.0;

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
                Json::Number(number)
                    if number.as_f64().is_some_and(|float| float.abs() >= TWO_TO_THE_63) =>
                {
                    Err(Problem::new(format!(
                        "{number} is larger than 64 bits; write an \"ID\" of that length as a string"
                    )))
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
        definitions: &[InputDef],
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
