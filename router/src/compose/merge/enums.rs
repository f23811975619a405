//! Enums: what clients may give is what all subgraphs know, what they may get is what any subgraph knows.

use super::{Merger, Source, marks, names};
use crate::compose::{
    sdl::Mark,
    subgraph::{Kind, find},
};
use graphql_tools::parser::schema::{EnumType, EnumValue, TypeDefinition};
use std::collections::BTreeSet;

impl<'a> Merger<'a> {
    pub(super) fn enumeration(
        &mut self,
        name: String,
        description: Option<String>,
        directives: Vec<Mark>,
        sources: &[Source<'a>],
    ) -> TypeDefinition<'static, String> {
        let (given, got) = self.uses(&name);
        let mut values = Vec::new();
        let mut seen = BTreeSet::new();
        for value in sources.iter().flat_map(|source| &source.ty.values) {
            if !seen.insert(value.name.as_str()) {
                continue;
            }
            let of = |source: &Source<'a>| {
                source.ty.values.iter().find(|other| other.name == value.name)
            };
            let with: Vec<_> =
                sources.iter().filter_map(|source| Some((*source, of(source)?))).collect();
            let is_hidden = with.iter().any(|(_, own)| find(&own.marks, "inaccessible").is_some());
            if with.len() < sources.len() && given {
                if got && !is_hidden {
                    let without = sources.iter().filter(|source| of(source).is_none());
                    self.problems.push(format!(
                        "{name}.{}: the value is in {} and missing in {}; clients both give and get the enum, so \
                         that its values must be the same in all (or the value @inaccessible)",
                        value.name,
                        names(with.iter().map(|(source, _)| source.subgraph)),
                        names(without.map(|source| source.subgraph))
                    ));
                }
                if !is_hidden {
                    continue;
                }
            }
            let all: Vec<_> =
                with.iter().map(|(source, own)| (source.subgraph, &own.marks[..])).collect();
            let mut directives: Vec<Mark> = with
                .iter()
                .map(|(source, _)| self.of_graph("join__enumValue", source.number, None))
                .collect();
            directives.extend(marks::merged(&all));
            values.push(EnumValue {
                position: Default::default(),
                description: with.iter().find_map(|(_, own)| own.description.clone()),
                name: value.name.clone(),
                directives,
            });
        }
        if values.is_empty() {
            self.problems.push(format!(
                "{name}: no value is in all of its subgraphs ({}); clients give the enum, so that they need one in \
                 common",
                names(sources.iter().map(|source| source.subgraph))
            ));
        }
        TypeDefinition::Enum(EnumType {
            position: Default::default(),
            description,
            name,
            directives,
            values,
        })
    }

    /// Whether clients give the enum anywhere, and whether they get it.
    fn uses(&self, name: &str) -> (bool, bool) {
        let types = || self.subgraphs.iter().flat_map(|subgraph| &subgraph.types);
        let is = |field: &crate::compose::subgraph::Field| &**field.ty.name() == name;
        let given = types().any(|ty| {
            ty.fields.iter().any(|field| {
                field.arguments.iter().any(is) || (ty.kind == Kind::Input && is(field))
            })
        });
        let got = types().any(|ty| ty.kind != Kind::Input && ty.fields.iter().any(is));
        (given, got)
    }
}
