//! Which subgraph has what: the directives of the join specification.

use super::{Merger, Source, is_behind, marks::written};
use crate::compose::{
    sdl::Mark,
    subgraph::{Field, Subgraph, find},
};
use async_graphql::Value as Const;
use graphql_tools::parser::schema::{
    Definition, EnumType, EnumValue, Field as Merged, ObjectType, TypeDefinition, Value,
};

/// Names for `join__Graph`, each its own.
pub(super) fn graph_names(subgraphs: &[Subgraph]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for subgraph in subgraphs {
        let plain = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
        let mut name: String = subgraph.name.chars().map(plain).collect::<String>().to_uppercase();
        if name.starts_with(|first: char| first.is_ascii_digit()) {
            name.insert(0, '_');
        }
        while names.contains(&name) {
            name.push('_');
        }
        names.push(name);
    }
    names
}

impl Merger<'_> {
    pub(super) fn graph_enum(&self) -> Definition<'static, String> {
        let value = |(subgraph, name): (&Subgraph, &String)| EnumValue {
            position: Default::default(),
            description: None,
            name: name.clone(),
            directives: vec![written(
                "join__graph",
                vec![
                    ("name".to_owned(), Value::String(subgraph.name.clone())),
                    ("url".to_owned(), Value::String(subgraph.url.clone())),
                ],
            )],
        };
        Definition::TypeDefinition(TypeDefinition::Enum(EnumType {
            position: Default::default(),
            description: None,
            name: "join__Graph".to_owned(),
            directives: Vec::new(),
            values: self.subgraphs.iter().zip(&self.graphs).map(value).collect(),
        }))
    }

    /// A directive that names a subgraph, and one thing more.
    pub(super) fn of_graph(&self, name: &str, graph: usize, more: Option<(&str, &str)>) -> Mark {
        let mut arguments = vec![("graph".to_owned(), Value::Enum(self.graphs[graph].clone()))];
        arguments
            .extend(more.map(|(name, text)| (name.to_owned(), Value::String(text.to_owned()))));
        written(name, arguments)
    }

    /// `@join__type` for each subgraph that has a type, and for each key of it.
    pub(super) fn join_types(&self, sources: &[Source<'_>]) -> Vec<Mark> {
        let mut joins = Vec::new();
        for source in sources {
            let behind =
                is_behind(source).then(|| ("isInterfaceObject".to_owned(), Value::Boolean(true)));
            let mut keyed = false;
            for key in source.ty.keys() {
                keyed = true;
                let fields = fields_text(key.text("fields").unwrap_or_default());
                let mut join = self.of_graph("join__type", source.number, Some(("key", &fields)));
                if key.argument("resolvable") == Some(&Const::Boolean(false)) {
                    join.arguments.push(("resolvable".to_owned(), Value::Boolean(false)));
                }
                join.arguments.extend(behind.clone());
                if !joins.contains(&join) {
                    joins.push(join);
                }
            }
            if !keyed {
                let mut join = self.of_graph("join__type", source.number, None);
                join.arguments.extend(behind);
                joins.push(join);
            }
        }
        joins
    }

    /// `@join__field` for each subgraph that has a field; none where all subgraphs of the type have it, and
    /// there is nothing to say of any.
    pub(super) fn join_fields(
        &self,
        joined: usize,
        sources: &[(Source<'_>, &Field)],
        merged: &crate::schema::TypeRef,
    ) -> Vec<Mark> {
        let mut plain = sources.len() == joined;
        let mut joins = Vec::new();
        for (source, field) in sources {
            let mut join = self.of_graph("join__field", source.number, None);
            let mut say = |name: &str, value: Value<'static, String>| {
                plain = false;
                join.arguments.push((name.to_owned(), value));
            };
            for name in ["requires", "provides"] {
                if let Some(set) = find(&field.marks, name).and_then(|mark| mark.text("fields")) {
                    say(name, Value::String(fields_text(set)));
                }
            }
            if field.ty != *merged {
                say("type", Value::String(field.ty.to_string()));
            }
            if self.is_external(source, field) {
                say("external", Value::Boolean(true));
            }
            let label = |mark: &'_ crate::compose::subgraph::Mark| {
                mark.text("label").map(|label| Value::String(label.to_owned()))
            };
            if let Some(moved) = find(&field.marks, "override") {
                let from = moved.text("from").unwrap_or_default();
                say("override", Value::String(from.to_owned()));
                if let Some(label) = label(moved) {
                    say("overrideLabel", label);
                }
            }
            let overriding = sources.iter().find_map(|(_, other)| {
                let moved = find(&other.marks, "override")?;
                (moved.text("from") == Some(&source.subgraph.name)).then_some(moved)
            });
            if let Some(moved) = overriding {
                let used = self.is_used(source, field);
                if used {
                    say("usedOverridden", Value::Boolean(true));
                }
                match label(moved) {
                    Some(label) => say("overrideLabel", label),
                    // For its routers the subgraph does not have the field any more.
                    None if !used => {
                        plain = false;
                        continue;
                    }
                    None => {}
                }
            }
            joins.push(join);
        }
        if plain { Vec::new() } else { joins }
    }

    /// Whether the subgraph leaves a field to others. A part of a key it has anyway.
    pub(super) fn is_external(&self, source: &Source<'_>, field: &Field) -> bool {
        field.has("external") && !self.used[source.number].in_key(&source.ty.name, &field.name)
    }

    fn is_used(&self, source: &Source<'_>, field: &Field) -> bool {
        self.used[source.number].is_used(&source.ty.name, &field.name)
    }
}

/// Gives an object the fields that it lacks, which are resolved behind an interface of it.
pub(super) fn add_missing(
    object: &mut ObjectType<'static, String>,
    fields: &[Merged<'static, String>],
) {
    for field in fields {
        if object.fields.iter().any(|own| own.name == field.name) {
            continue;
        }
        let mut field = field.clone();
        field.directives.retain(|mark| !mark.name.starts_with("join__"));
        field.directives.push(written("join__field", Vec::new()));
        object.fields.push(field);
    }
    object.fields.sort_by(|a, b| a.name.cmp(&b.name));
}

/// A field set in one line, without the braces that may stand around it.
fn fields_text(set: &str) -> String {
    let set = set.trim();
    let inner = set.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
    inner.unwrap_or(set).split_whitespace().collect::<Vec<_>>().join(" ")
}
