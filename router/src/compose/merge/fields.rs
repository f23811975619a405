//! Fields of objects and interfaces, and their arguments.

use super::{Merger, Source, marks, names, types};
use crate::{
    compose::subgraph::{Field, Kind},
    planner::ast_type,
    schema::TypeRef,
};
use graphql_tools::parser::schema::{Field as Merged, InputValue};
use std::collections::BTreeSet;

type Sources<'s, 'a> = [(Source<'a>, &'s Field)];

impl<'a> Merger<'a> {
    pub(super) fn fields(
        &mut self,
        ty: &str,
        sources: &[Source<'a>],
    ) -> Vec<Merged<'static, String>> {
        let mut merged = Vec::new();
        let mut seen = BTreeSet::new();
        for field in sources.iter().flat_map(|source| &source.ty.fields) {
            if !seen.insert(field.name.as_str()) {
                continue;
            }
            let of: Vec<(Source<'a>, &Field)> = sources
                .iter()
                .filter_map(|source| Some((*source, source.ty.field(&field.name)?)))
                .collect();
            merged.extend(self.field(ty, sources.len(), &of));
        }
        merged.sort_by(|a, b| a.name.cmp(&b.name));
        if merged.is_empty() {
            let having = names(sources.iter().map(|source| source.subgraph));
            self.problems.push(format!("{ty}: it has no fields (in {having}); give it one"));
        }
        merged
    }

    fn field(
        &mut self,
        ty: &str,
        joined: usize,
        sources: &Sources<'_, 'a>,
    ) -> Option<Merged<'static, String>> {
        let (_, first) = sources.first()?;
        let at = format!("{ty}.{}", first.name);
        let (external, own): (Vec<_>, Vec<_>) =
            sources.iter().copied().partition(|(source, field)| self.is_external(source, field));
        if own.is_empty() {
            let having = names(external.iter().map(|(source, _)| source.subgraph));
            self.problems.push(format!(
                "{at}: it is @external in {having}, and no subgraph has it; define it in one without @external"
            ));
            return None;
        }
        self.check_sharing(&at, &own);
        let types: Vec<&TypeRef> = own.iter().map(|(_, field)| &field.ty).collect();
        let Some(merged) = self.wider.output(&types) else {
            let listed = listed(own.iter().map(|(source, field)| (source, field.ty.to_string())));
            self.problems.push(format!(
                "{at}: its types do not agree ({listed}); they may differ in what may be null, and one may be \
                 an interface or a union of the others"
            ));
            return None;
        };
        for (source, field) in &external {
            self.check_external(&at, source, field, &merged, &own);
        }
        let arguments = self.arguments(&at, &own);
        let all: Vec<_> =
            sources.iter().map(|(source, field)| (source.subgraph, &field.marks[..])).collect();
        let mut directives = self.join_fields(joined, sources, &merged);
        directives.extend(marks::merged(&all));
        Some(Merged {
            position: Default::default(),
            description: own.iter().find_map(|(_, field)| field.description.clone()),
            name: first.name.clone(),
            arguments,
            field_type: ast_type(&merged),
            directives,
        })
    }

    /// A field that several subgraphs resolve has to be marked so in each of them, where it is no part of a
    /// key. What another subgraph has taken over does not count.
    fn check_sharing(&mut self, at: &str, own: &Sources<'_, 'a>) {
        let objects = || own.iter().filter(|(source, _)| source.ty.kind == Kind::Object);
        let taken = |source: &Source<'_>| {
            own.iter().any(|(_, other)| {
                let moved = super::super::subgraph::find(&other.marks, "override");
                moved.is_some_and(|moved| moved.text("from") == Some(&source.subgraph.name))
            })
        };
        let resolving: Vec<_> = objects().filter(|(source, _)| !taken(source)).collect();
        let lacking: Vec<_> = resolving
            .iter()
            .filter(|(source, field)| {
                source.subgraph.federation_2
                    && !field.has("shareable")
                    && !self.used[source.number].in_key(&source.ty.name, &field.name)
            })
            .collect();
        if resolving.len() > 1 && !lacking.is_empty() {
            let all = names(resolving.iter().map(|(source, _)| source.subgraph));
            let lacking = names(lacking.iter().map(|(source, _)| source.subgraph));
            self.problems.push(format!(
                "{at}: it is resolved by {all}, and not marked @shareable in {lacking}; mark it in each, or move \
                 it with @override"
            ));
        }
    }

    /// What a subgraph takes from others must be what they have.
    fn check_external(
        &mut self,
        at: &str,
        source: &Source<'_>,
        field: &Field,
        merged: &TypeRef,
        own: &Sources<'_, 'a>,
    ) {
        let here = &source.subgraph.name;
        let having = names(own.iter().map(|(source, _)| source.subgraph));
        if self.wider.output(&[merged, &field.ty]).is_none() {
            self.problems.push(format!(
                "{at}: it is @external with the type {} in {here}, and {merged} in {having}; give it that type",
                field.ty
            ));
        }
        for argument in own.iter().flat_map(|(_, own)| &own.arguments) {
            let named = format!("{at}({}:)", argument.name);
            match field.argument(&argument.name) {
                None if argument.is_required() => self.problems.push(format!(
                    "{named}: the argument is required in {having} and missing where the field is @external, in \
                     {here}; add it there"
                )),
                Some(other) if types::input(&[&argument.ty, &other.ty]).is_none() => {
                    self.problems.push(format!(
                        "{named}: its types do not agree ({} in {having}, {} in {here}, where the field is \
                         @external)",
                        argument.ty, other.ty
                    ));
                }
                _ => {}
            }
        }
    }

    /// The arguments that all subgraphs know. One that is missing somewhere could not be handed on.
    fn arguments(&mut self, at: &str, own: &Sources<'_, 'a>) -> Vec<InputValue<'static, String>> {
        let mut merged = Vec::new();
        let mut seen = BTreeSet::new();
        for argument in own.iter().flat_map(|(_, field)| &field.arguments) {
            if !seen.insert(argument.name.as_str()) {
                continue;
            }
            let at = format!("{at}({}:)", argument.name);
            let (with, without): (Vec<_>, Vec<_>) = own
                .iter()
                .map(|(source, field)| (*source, field.argument(&argument.name)))
                .partition(|(_, argument)| argument.is_some());
            let with: Vec<(Source<'a>, &Field)> =
                with.into_iter().filter_map(|(source, field)| Some((source, field?))).collect();
            if without.is_empty() {
                merged.extend(self.input_value(&at, &with));
                continue;
            }
            let requiring: Vec<_> = with.iter().filter(|(_, field)| field.is_required()).collect();
            if !requiring.is_empty() {
                self.problems.push(format!(
                    "{at}: the argument is required in {} and missing in {}; add it there, or make it optional",
                    names(requiring.iter().map(|(source, _)| source.subgraph)),
                    names(without.iter().map(|(source, _)| source.subgraph))
                ));
            }
        }
        merged
    }
}

/// What each subgraph has, for messages.
pub(super) fn listed<'s, 'a: 's>(what: impl Iterator<Item = (&'s Source<'a>, String)>) -> String {
    let all: Vec<String> =
        what.map(|(source, what)| format!("{what} in {}", source.subgraph.name)).collect();
    all.join(", ")
}
