//! Arguments and input types: what all subgraphs take.

use super::{Merger, Source, fields::listed, marks, names, types};
use crate::{
    compose::{sdl::Mark, subgraph::Field},
    planner::ast_type,
    schema::TypeRef,
};
use graphql_tools::parser::schema::{InputObjectType, InputValue, TypeDefinition, Value};
use std::collections::BTreeSet;

impl<'a> Merger<'a> {
    pub(super) fn input_object(
        &mut self,
        name: String,
        description: Option<String>,
        directives: Vec<Mark>,
        sources: &[Source<'a>],
    ) -> TypeDefinition<'static, String> {
        let mut fields = Vec::new();
        let mut seen = BTreeSet::new();
        for field in sources.iter().flat_map(|source| &source.ty.fields) {
            if !seen.insert(field.name.as_str()) {
                continue;
            }
            let at = format!("{name}.{}", field.name);
            let with: Vec<(Source<'a>, &Field)> = sources
                .iter()
                .filter_map(|source| Some((*source, source.ty.field(&field.name)?)))
                .collect();
            if with.len() == sources.len() {
                fields.extend(self.input_value(&at, &with));
                continue;
            }
            let requiring: Vec<_> = with.iter().filter(|(_, field)| field.is_required()).collect();
            if !requiring.is_empty() {
                let without =
                    sources.iter().filter(|source| source.ty.field(&field.name).is_none());
                self.problems.push(format!(
                    "{at}: the input field is required in {} and missing in {}; add it there, or make it \
                     optional",
                    names(requiring.iter().map(|(source, _)| source.subgraph)),
                    names(without.map(|source| source.subgraph))
                ));
            }
        }
        if fields.is_empty() {
            self.problems.push(format!(
                "{name}: no input field is in all of its subgraphs ({}); give them one in common",
                names(sources.iter().map(|source| source.subgraph))
            ));
        }
        TypeDefinition::InputObject(InputObjectType {
            position: Default::default(),
            description,
            name,
            directives,
            fields,
        })
    }

    /// An argument or an input field that several subgraphs have.
    pub(super) fn input_value(
        &mut self,
        at: &str,
        sources: &[(Source<'a>, &Field)],
    ) -> Option<InputValue<'static, String>> {
        let (_, first) = sources.first()?;
        let all_types: Vec<&TypeRef> = sources.iter().map(|(_, field)| &field.ty).collect();
        let Some(merged) = types::input(&all_types) else {
            let listed =
                listed(sources.iter().map(|(source, field)| (source, field.ty.to_string())));
            self.problems.push(format!(
                "{at}: its types do not agree ({listed}); they may differ in what may be null alone"
            ));
            return None;
        };
        let all: Vec<_> =
            sources.iter().map(|(source, field)| (source.subgraph, &field.marks[..])).collect();
        let mut directives = marks::merged(&all);
        if sources.iter().any(|(_, field)| field.ty != merged) && first_is_input_field(sources) {
            directives.extend(sources.iter().map(|(source, field)| {
                let ty = field.ty.to_string();
                let differs = (field.ty != merged).then_some(("type", ty.as_str()));
                self.of_graph("join__field", source.number, differs)
            }));
        }
        Some(InputValue {
            position: Default::default(),
            description: sources.iter().find_map(|(_, field)| field.description.clone()),
            name: first.name.clone(),
            value_type: ast_type(&merged),
            default_value: self.default(at, sources),
            directives,
        })
    }

    /// The default that all have. Where some have none, there is none for clients: what is left out, each
    /// subgraph fills in for itself.
    fn default(
        &mut self,
        at: &str,
        sources: &[(Source<'a>, &Field)],
    ) -> Option<Value<'static, String>> {
        let given: Vec<_> = sources
            .iter()
            .filter_map(|(source, field)| Some((source, field.default.as_ref()?)))
            .collect();
        let (_, first) = given.first()?;
        if given.iter().any(|(_, default)| default != first) {
            let listed =
                listed(given.iter().map(|(source, default)| (*source, default.to_string())));
            self.problems
                .push(format!("{at}: its defaults differ ({listed}); give it the same in each"));
        }
        (given.len() == sources.len()).then(|| marks::value(first))
    }
}

fn first_is_input_field(sources: &[(Source<'_>, &Field)]) -> bool {
    sources.iter().all(|(source, _)| source.ty.kind == crate::compose::subgraph::Kind::Input)
}
