//! Coerces what a subgraph is given, by the subgraph's own schema (GraphQL, "Input Coercion").

use crate::schema::{Schema, Type};
use async_graphql::parser::types::{BaseType, Type as Asked};
use graphql_tools::parser::schema::{InputValue, TypeDefinition, Value as Default};
use serde_json::{Map, Value as Json};

/// A default value, or an argument in a field set.
pub fn constant(value: &Default<'static, String>) -> Json {
    match value {
        Default::Variable(name) => panic!("a variable where none can be: {name}"),
        Default::Int(number) => number.as_i64().into(),
        Default::Float(number) => (*number).into(),
        Default::String(text) | Default::Enum(text) => text.as_str().into(),
        Default::Boolean(value) => (*value).into(),
        Default::Null => Json::Null,
        Default::List(items) => items.iter().map(constant).collect(),
        Default::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| (name.clone(), constant(value)));
            fields.collect::<Map<_, _>>().into()
        }
    }
}

/// The type of a variable as schemas write it.
pub fn asked(ty: &Asked) -> Type {
    let inner = match &ty.base {
        BaseType::Named(name) => Type::NamedType(name.to_string()),
        BaseType::List(item) => Type::ListType(Box::new(asked(item))),
    };
    if ty.nullable { inner } else { Type::NonNullType(Box::new(inner)) }
}

/// The values of arguments or of an input object's fields, defaults put in, in the schema's order.
pub fn fields(
    schema: &Schema,
    definitions: &[InputValue<'static, String>],
    given: &Map<String, Json>,
) -> Result<Vec<(String, Json)>, String> {
    if let Some(unknown) =
        given.keys().find(|name| definitions.iter().all(|own| own.name != **name))
    {
        return Err(format!("there is no {unknown}"));
    }
    let mut all = Vec::new();
    for definition in definitions {
        let default = definition.default_value.as_ref().map(constant);
        match given.get(&definition.name).cloned().or(default) {
            Some(value) => {
                let value = coerce(schema, &value, &definition.value_type)?;
                all.push((definition.name.clone(), value));
            }
            None if matches!(definition.value_type, Type::NonNullType(_)) => {
                return Err(format!("{} is missing", definition.name));
            }
            None => {}
        }
    }
    Ok(all)
}

pub fn coerce(schema: &Schema, value: &Json, ty: &Type) -> Result<Json, String> {
    match (ty, value) {
        (Type::NonNullType(_), Json::Null) => Err(format!("null for {ty}")),
        (Type::NonNullType(inner), value) => coerce(schema, value, inner),
        (_, Json::Null) => Ok(Json::Null),
        (Type::ListType(inner), Json::Array(items)) => {
            items.iter().map(|item| coerce(schema, item, inner)).collect()
        }
        (Type::ListType(inner), value) => Ok(Json::Array(vec![coerce(schema, value, inner)?])),
        (Type::NamedType(name), value) => named(schema, value, name),
    }
}

fn named(schema: &Schema, value: &Json, name: &str) -> Result<Json, String> {
    let wrong = || Err(format!("{value} is no {name}"));
    match (schema.ty(name), value) {
        (Some(TypeDefinition::Enum(own)), Json::String(text)) => {
            if own.values.iter().any(|value| value.name == *text) {
                Ok(value.clone())
            } else {
                wrong()
            }
        }
        (Some(TypeDefinition::InputObject(own)), Json::Object(given)) => {
            let fields =
                fields(schema, &own.fields, given).map_err(|error| format!("{name}: {error}"))?;
            Ok(fields.into_iter().collect::<Map<_, _>>().into())
        }
        (Some(TypeDefinition::Scalar(_)), value) => match (name, value) {
            ("Int", Json::Number(number)) => {
                let fits = number.as_i64().is_some_and(|number| i32::try_from(number).is_ok());
                if fits { Ok(value.clone()) } else { wrong() }
            }
            // A whole number is a Float, too: the text of it must not matter.
            ("Float", Json::Number(number)) => Ok(number.as_f64().into()),
            ("String", Json::String(_)) | ("Boolean", Json::Bool(_)) | ("ID", Json::String(_)) => {
                Ok(value.clone())
            }
            ("ID", Json::Number(number)) => Ok(number.to_string().into()),
            ("Int" | "Float" | "String" | "Boolean" | "ID", _) => wrong(),
            _ => Ok(value.clone()),
        },
        _ => wrong(),
    }
}
