//! Writes the schema that introspection shows (GraphQL, section "Schema Introspection") as text.
//!
//! Every server that answers introspection answers what is asked here: what later editions of GraphQL
//! added to it (`isOneOf`, `specifiedByURL`) is not. Directives are left out: none of them reaches a
//! subgraph.

use serde_json::Value;
use std::fmt::Write;

/// Types that every schema has.
const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];

pub(super) const QUERY: &str = "query {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description
      fields(includeDeprecated: true) {
        name description isDeprecated deprecationReason
        args { ...Input } type { ...Type }
      }
      inputFields { ...Input }
      interfaces { name }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { name }
    }
  }
}
fragment Input on __InputValue { name description defaultValue type { ...Type } }
fragment Type on __Type {
  kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name } } } } } } }
}";

/// The text of the schema.
///
/// # Errors
/// What the answer lacks.
pub(super) fn sdl(schema: &Value) -> Result<String, String> {
    let types = schema["types"].as_array().ok_or("an answer without types")?;
    let mut out = String::new();
    roots(schema, &mut out)?;
    for ty in types {
        let name = text(ty, "name")?;
        if !name.starts_with("__") && !BUILT_IN.contains(&name) {
            definition(ty, name, &mut out)?;
        }
    }
    Ok(out)
}

fn roots(schema: &Value, out: &mut String) -> Result<(), String> {
    out.push_str("schema {");
    for (operation, property) in
        [("query", "queryType"), ("mutation", "mutationType"), ("subscription", "subscriptionType")]
    {
        if schema[property].is_object() {
            let _ = write!(out, " {operation}: {}", text(&schema[property], "name")?);
        }
    }
    out.push_str(" }\n");
    Ok(())
}

fn definition(ty: &Value, name: &str, out: &mut String) -> Result<(), String> {
    description(ty, out);
    let keyword = match text(ty, "kind")? {
        "SCALAR" => "scalar",
        "OBJECT" => "type",
        "INTERFACE" => "interface",
        "UNION" => "union",
        "ENUM" => "enum",
        "INPUT_OBJECT" => "input",
        other => return Err(format!("a type of the kind {}", shown(other))),
    };
    let _ = write!(out, "{keyword} {name}");
    for (index, interface) in list(ty, "interfaces").iter().enumerate() {
        out.push_str(if index == 0 { " implements " } else { " & " });
        out.push_str(text(interface, "name")?);
    }
    if keyword == "union" {
        for (index, member) in list(ty, "possibleTypes").iter().enumerate() {
            out.push_str(if index == 0 { " = " } else { " | " });
            out.push_str(text(member, "name")?);
        }
    }
    let (fields, inputs, values) =
        (list(ty, "fields"), list(ty, "inputFields"), list(ty, "enumValues"));
    let empty = fields.is_empty() && inputs.is_empty() && values.is_empty();
    if !empty {
        out.push_str(" {\n");
        for one in fields {
            field(one, out)?;
        }
        for one in inputs {
            input(one, out)?;
            out.push('\n');
        }
        for one in values {
            description(one, out);
            out.push_str(text(one, "name")?);
            deprecation(one, out);
            out.push('\n');
        }
        out.push('}');
    }
    out.push('\n');
    Ok(())
}

fn field(field: &Value, out: &mut String) -> Result<(), String> {
    description(field, out);
    out.push_str(text(field, "name")?);
    for (index, argument) in list(field, "args").iter().enumerate() {
        out.push_str(if index == 0 { "(" } else { ", " });
        input(argument, out)?;
    }
    if !list(field, "args").is_empty() {
        out.push(')');
    }
    out.push_str(": ");
    type_of(&field["type"], out)?;
    deprecation(field, out);
    out.push('\n');
    Ok(())
}

fn input(input: &Value, out: &mut String) -> Result<(), String> {
    description(input, out);
    let _ = write!(out, "{}: ", text(input, "name")?);
    type_of(&input["type"], out)?;
    if let Some(default) = input["defaultValue"].as_str() {
        let _ = write!(out, " = {default}");
    }
    Ok(())
}

/// The answer's depth is what JSON is read to, so this ends.
fn type_of(ty: &Value, out: &mut String) -> Result<(), String> {
    match text(ty, "kind")? {
        "NON_NULL" => {
            type_of(&ty["ofType"], out)?;
            out.push('!');
        }
        "LIST" => {
            out.push('[');
            type_of(&ty["ofType"], out)?;
            out.push(']');
        }
        _ => out.push_str(text(ty, "name")?),
    }
    Ok(())
}

fn description(of: &Value, out: &mut String) {
    if let Some(text) = of["description"].as_str().filter(|text| !text.is_empty()) {
        // The escapes of JSON are those of GraphQL.
        let _ = write!(out, "{} ", Value::from(text));
    }
}

fn deprecation(of: &Value, out: &mut String) {
    if of["isDeprecated"] == true {
        out.push_str(" @deprecated");
        if let Some(reason) = of["deprecationReason"].as_str() {
            let _ = write!(out, "(reason: {})", Value::from(reason));
        }
    }
}

fn list<'a>(of: &'a Value, property: &str) -> &'a [Value] {
    of[property].as_array().map_or(&[], Vec::as_slice)
}

fn text<'a>(of: &'a Value, property: &str) -> Result<&'a str, String> {
    of[property].as_str().ok_or_else(|| match of["name"].as_str() {
        Some(name) => format!("an answer in which {} has no {property}", shown(name)),
        None => format!("an answer in which something has no {property}"),
    })
}

fn shown(name: &str) -> String {
    name.chars().filter(|one| one.is_alphanumeric() || *one == '_').take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::{
        EmptyMutation, EmptySubscription, Enum, InputObject, Interface, Object, Schema,
        SimpleObject, Union,
    };
    use serde_json::json;

    #[derive(Clone, Copy, PartialEq, Eq, Enum)]
    enum Size {
        Small,
        #[graphql(deprecation = "Nobody wants it.")]
        Large,
    }

    #[derive(InputObject)]
    struct By {
        #[graphql(default_with = "vec![1, 2]")]
        sizes: Vec<i32>,
        name: Option<String>,
    }

    /// A lamp,
    /// "with" a shade.
    #[derive(SimpleObject)]
    struct Lamp {
        id: async_graphql::ID,
        size: Size,
    }

    #[derive(SimpleObject)]
    struct Table {
        id: async_graphql::ID,
    }

    #[derive(Interface)]
    #[graphql(field(name = "id", ty = "&async_graphql::ID"))]
    enum Node {
        Lamp(Lamp),
        Table(Table),
    }

    #[derive(Union)]
    enum Thing {
        Lamp(Lamp),
    }

    struct Query;

    #[Object]
    impl Query {
        async fn find(
            &self,
            by: Option<By>,
            #[graphql(default = 3)] first: i32,
        ) -> Vec<Option<Node>> {
            let sized = by.is_some_and(|by| by.name.is_none() && by.sizes.len() > 1);
            let (id, size) = (first.into(), if sized { Size::Large } else { Size::Small });
            vec![Some(Node::Lamp(Lamp { id, size })), Some(Node::Table(Table { id: "t".into() }))]
        }

        async fn any(&self) -> Option<Thing> {
            Some(Thing::Lamp(Lamp { id: "l".into(), size: Size::Small }))
        }
    }

    /// What is written is the schema that was introspected: the same as the server's own text.
    #[tokio::test]
    async fn a_schema_comes_back_as_it_was() {
        let schema = Schema::new(Query, EmptyMutation, EmptySubscription);
        let answer = serde_json::to_value(schema.execute(QUERY).await).unwrap();
        assert!(answer["errors"].is_null(), "{answer}");
        let written = sdl(&answer["data"]["__schema"]).unwrap();
        let read = |text: &str| crate::PublicSchema::read(text).unwrap();
        let (own, again) = (read(&schema.sdl()), read(&written));
        assert!(own.changes(&again).is_empty() && again.changes(&own).is_empty(), "{written}");
        for part in [
            "\"A lamp,\\n\\\"with\\\" a shade.\" type Lamp implements Node",
            "@deprecated(reason: \"Nobody wants it.\")",
            "sizes: [Int!]! = [1, 2]",
            "first: Int! = 3",
            "schema { query: Query }",
        ] {
            assert!(written.contains(part), "{part} in {written}");
        }
    }

    #[test]
    fn an_answer_that_lacks_something_is_refused() {
        for (schema, reason) in [
            (json!(null), "without types"),
            (json!({ "types": [{}] }), "something has no name"),
            (json!({ "types": [{ "name": "A" }] }), "A has no kind"),
            (json!({ "types": [{ "name": "A", "kind": "THING{" }] }), "of the kind THING"),
            (
                json!({ "types": [{ "name": "A", "kind": "OBJECT", "fields": [{ "name": "b" }] }] }),
                "something has no kind",
            ),
            (json!({ "queryType": {}, "types": [] }), "something has no name"),
        ] {
            let error = sdl(&schema).unwrap_err();
            assert!(error.contains(reason), "{schema}: {error}");
        }
    }
}
