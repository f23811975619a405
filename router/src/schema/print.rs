//! Writes the public schema in GraphQL's schema definition language.

use super::{Deprecation, FieldDef, InputDef, Schema, TypeDef, TypeKind};
use std::fmt::Write as _;

const BUILT_IN_SCALARS: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];
const BUILT_IN_DIRECTIVES: [&str; 5] = ["skip", "include", "deprecated", "specifiedBy", "oneOf"];

impl Schema {
    /// The schema as text: types sorted by name, what the specification builds in left out.
    pub(crate) fn sdl(&self) -> String {
        let mut out = String::new();
        let usual = &*self.query == "Query"
            && self.mutation.as_deref().is_none_or(|name| name == "Mutation")
            && self.subscription.as_deref().is_none_or(|name| name == "Subscription");
        if !usual {
            out.push_str("schema {\n");
            let roots = [
                ("query", Some(&self.query)),
                ("mutation", self.mutation.as_ref()),
                ("subscription", self.subscription.as_ref()),
            ];
            for (operation, name) in roots {
                if let Some(name) = name {
                    let _ = writeln!(out, "  {operation}: {name}");
                }
            }
            out.push_str("}\n\n");
        }
        for directive in &self.directives {
            if BUILT_IN_DIRECTIVES.contains(&&*directive.name) {
                continue;
            }
            description(&mut out, "", directive.description.as_deref());
            let _ = write!(out, "directive @{}", directive.name);
            arguments(&mut out, "", &directive.arguments);
            if directive.repeatable {
                out.push_str(" repeatable");
            }
            let _ = writeln!(out, " on {}\n", directive.locations.join(" | "));
        }
        for definition in self.types.values() {
            if definition.name.starts_with("__") || BUILT_IN_SCALARS.contains(&&*definition.name) {
                continue;
            }
            type_definition(&mut out, definition);
            out.push('\n');
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

fn type_definition(out: &mut String, definition: &TypeDef) {
    description(out, "", definition.description.as_deref());
    let name = &definition.name;
    match &definition.kind {
        TypeKind::Scalar(specification) => {
            let _ = write!(out, "scalar {name}");
            if let Some(url) = specification {
                out.push_str(" @specifiedBy(url: ");
                string(out, url);
                out.push(')');
            }
            out.push('\n');
        }
        TypeKind::Object(all, interfaces) | TypeKind::Interface(all, interfaces) => {
            let word = if definition.is_abstract() { "interface" } else { "type" };
            let _ = write!(out, "{word} {name}");
            if !interfaces.is_empty() {
                let _ = write!(out, " implements {}", interfaces.join(" & "));
            }
            out.push_str(" {\n");
            all.iter().for_each(|field| field_definition(out, field));
            out.push_str("}\n");
        }
        TypeKind::Union(members) => {
            let _ = writeln!(out, "union {name} = {}", members.join(" | "));
        }
        TypeKind::Enum(values) => {
            let _ = writeln!(out, "enum {name} {{");
            for value in values {
                description(out, "  ", value.description.as_deref());
                let _ = write!(out, "  {}", value.name);
                deprecated(out, &value.deprecated);
                out.push('\n');
            }
            out.push_str("}\n");
        }
        TypeKind::Input(fields, one_of) => {
            let mark = if *one_of { " @oneOf" } else { "" };
            let _ = writeln!(out, "input {name}{mark} {{");
            for field in fields {
                description(out, "  ", field.description.as_deref());
                out.push_str("  ");
                input(out, field);
                out.push('\n');
            }
            out.push_str("}\n");
        }
    }
}

fn field_definition(out: &mut String, field: &FieldDef) {
    description(out, "  ", field.description.as_deref());
    let _ = write!(out, "  {}", field.name);
    arguments(out, "  ", &field.arguments);
    let _ = write!(out, ": {}", field.ty);
    deprecated(out, &field.deprecated);
    out.push('\n');
}

fn arguments(out: &mut String, indent: &str, arguments: &[InputDef]) {
    if arguments.is_empty() {
        return;
    }
    let described = arguments.iter().any(|argument| argument.description.is_some());
    out.push('(');
    for (index, argument) in arguments.iter().enumerate() {
        if described {
            let inner = format!("{indent}  ");
            out.push('\n');
            description(out, &inner, argument.description.as_deref());
            out.push_str(&inner);
        } else if index > 0 {
            out.push_str(", ");
        }
        input(out, argument);
    }
    if described {
        out.push('\n');
        out.push_str(indent);
    }
    out.push(')');
}

fn input(out: &mut String, input: &InputDef) {
    let _ = write!(out, "{}: {}", input.name, input.ty);
    if let Some(default) = &input.default {
        let _ = write!(out, " = {default}");
    }
    deprecated(out, &input.deprecated);
}

fn deprecated(out: &mut String, deprecated: &Deprecation) {
    if let Some(reason) = deprecated {
        out.push_str(" @deprecated(reason: ");
        string(out, reason);
        out.push(')');
    }
}

fn description(out: &mut String, indent: &str, description: Option<&str>) {
    let Some(text) = description else { return };
    // Only the block form may hold line breaks; only `"""` has to be escaped in it.
    let _ = writeln!(out, "{indent}\"\"\"");
    for line in text.lines() {
        let _ = writeln!(out, "{indent}{}", line.replace("\"\"\"", "\\\"\"\""));
    }
    let _ = writeln!(out, "{indent}\"\"\"");
}

fn string(out: &mut String, text: &str) {
    // A JSON string is a GraphQL string.
    out.push_str(&serde_json::Value::from(text).to_string());
}
