//! Makes one supergraph of subgraphs that hold to the rules for each by itself (Apollo Federation,
//! "Composition rules"; the join specification 0.4).
//!
//! Fields stand in alphabetical order, all else in the order in which it is first met, subgraphs in that of
//! their names.

mod enums;
mod fields;
mod inputs;
mod joins;
mod marks;
mod types;

use super::{
    field_sets::Used,
    sdl::{Mark, Sdl},
    subgraph::{Kind, Subgraph, Type},
};
use graphql_tools::parser::schema::{
    Definition, Document, InterfaceType, ObjectType, ScalarType, TypeDefinition, UnionType,
};
pub(super) use marks::value;
use std::collections::BTreeSet;
use types::Wider;

/// A type as one subgraph has it; its number, the subgraph and the type.
#[derive(Clone, Copy)]
struct Source<'a> {
    number: usize,
    subgraph: &'a Subgraph,
    ty: &'a Type,
}

struct Merger<'a> {
    subgraphs: &'a [Subgraph],
    /// What the field sets of each subgraph name.
    used: &'a [Used],
    /// The values of `join__Graph`.
    graphs: Vec<String>,
    wider: Wider,
    problems: Vec<String>,
}

/// The types of the supergraph, and `join__Graph`, or why the subgraphs do not make one.
pub(super) fn merge(subgraphs: &[Subgraph], used: &[Used]) -> Result<Sdl, Vec<String>> {
    let mut merger = Merger {
        subgraphs,
        used,
        graphs: joins::graph_names(subgraphs),
        wider: Wider::new(subgraphs),
        problems: Vec::new(),
    };
    let mut definitions = vec![merger.graph_enum()];
    let mut seen = BTreeSet::new();
    for ty in subgraphs.iter().flat_map(|subgraph| &subgraph.types) {
        if seen.insert(ty.name.as_str()) {
            let merged = merger.ty(&ty.name);
            definitions.extend(merged.map(Definition::TypeDefinition));
        }
    }
    merger.add_fields_of_interface_objects(&mut definitions);
    merger.check_interfaces(&definitions);
    match merger.problems.is_empty() {
        true => Ok(Document { definitions }),
        false => Err(merger.problems),
    }
}

impl<'a> Merger<'a> {
    fn sources(&self, name: &str) -> Vec<Source<'a>> {
        let all = self.subgraphs.iter().enumerate();
        all.filter_map(|(number, subgraph)| {
            let ty = subgraph.ty(name)?;
            Some(Source { number, subgraph, ty })
        })
        // A root type may be empty without what the router asks for itself.
        .filter(|source| !super::subgraph::ROOTS.contains(&name) || !source.ty.fields.is_empty())
        .collect()
    }

    fn ty(&mut self, name: &str) -> Option<TypeDefinition<'static, String>> {
        let sources = self.sources(name);
        let kind = self.kind(name, &sources)?;
        let description = sources.iter().find_map(|source| source.ty.description.clone());
        let all: Vec<_> =
            sources.iter().map(|source| (source.subgraph, &source.ty.marks[..])).collect();
        let mut directives = self.join_types(&sources);
        directives.extend(marks::merged(&all));
        let name = name.to_owned();
        Some(match kind {
            Kind::Scalar => TypeDefinition::Scalar(ScalarType {
                position: Default::default(),
                description,
                name,
                directives,
            }),
            Kind::Object => {
                let implements_interfaces = self.implements(&sources, &mut directives);
                TypeDefinition::Object(ObjectType {
                    position: Default::default(),
                    description,
                    fields: self.fields(&name, &sources),
                    name,
                    implements_interfaces,
                    directives,
                })
            }
            Kind::Interface => {
                let implements_interfaces = self.implements(&sources, &mut directives);
                TypeDefinition::Interface(InterfaceType {
                    position: Default::default(),
                    description,
                    fields: self.fields(&name, &sources),
                    name,
                    implements_interfaces,
                    directives,
                })
            }
            Kind::Union => {
                let named = ("join__unionMember", "member");
                let types = self.gathered(&sources, |ty| &ty.members, named, &mut directives);
                TypeDefinition::Union(UnionType {
                    position: Default::default(),
                    description,
                    name,
                    directives,
                    types,
                })
            }
            Kind::Enum => self.enumeration(name, description, directives, &sources),
            Kind::Input => self.input_object(name, description, directives, &sources),
        })
    }

    /// The kind of a type, the same in all subgraphs; but for an interface that some take for an object.
    fn kind(&mut self, name: &str, sources: &[Source<'_>]) -> Option<Kind> {
        let plain: Vec<&Source<'_>> = sources.iter().filter(|source| !is_behind(source)).collect();
        let Some(first) = plain.first() else {
            // Refused with the rules of interface objects, if there is any source at all.
            return None;
        };
        let mut kind = first.ty.kind;
        if let Some(other) = plain.iter().find(|other| other.ty.kind != kind) {
            self.problems.push(format!(
                "{name}: it is {} in {} and {} in {}; give one of them another name",
                kind.described(),
                first.subgraph.name,
                other.ty.kind.described(),
                other.subgraph.name
            ));
            return None;
        }
        if let Some(behind) = sources.iter().find(|source| is_behind(source)) {
            if kind != Kind::Interface {
                self.problems.push(format!(
                    "{name}: it is an @interfaceObject in {} and {} in {}; it must be an interface there",
                    behind.subgraph.name,
                    kind.described(),
                    first.subgraph.name
                ));
                return None;
            }
            kind = Kind::Interface;
        }
        Some(kind)
    }

    /// What subgraphs list of a type, its interfaces or its members, with a directive for each that one
    /// names: the directive's name, and that of its argument.
    fn gathered(
        &self,
        sources: &[Source<'_>],
        list: fn(&Type) -> &[String],
        (directive, argument): (&str, &str),
        directives: &mut Vec<Mark>,
    ) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for source in sources {
            for name in list(source.ty) {
                directives.push(self.of_graph(directive, source.number, Some((argument, name))));
                if !all.contains(name) {
                    all.push(name.clone());
                }
            }
        }
        all
    }

    /// The interfaces of a type.
    fn implements(&self, sources: &[Source<'_>], directives: &mut Vec<Mark>) -> Vec<String> {
        let named = ("join__implements", "interface");
        self.gathered(sources, |ty| &ty.implements, named, directives)
    }

    /// Objects get the fields that others add to their interface.
    fn add_fields_of_interface_objects(&mut self, definitions: &mut [Definition<'static, String>]) {
        for interface in self.interface_objects() {
            let fields = definitions.iter().find_map(|definition| match definition {
                Definition::TypeDefinition(TypeDefinition::Interface(own))
                    if own.name == interface =>
                {
                    Some(own.fields.clone())
                }
                _ => None,
            });
            let fields = fields.unwrap_or_default();
            for definition in &mut *definitions {
                if let Definition::TypeDefinition(TypeDefinition::Object(object)) = definition
                    && object.implements_interfaces.contains(&interface)
                {
                    joins::add_missing(object, &fields);
                }
            }
        }
    }

    fn interface_objects(&self) -> BTreeSet<String> {
        let all = self.subgraphs.iter().flat_map(|subgraph| &subgraph.types);
        all.filter(|ty| ty.has("interfaceObject")).map(|ty| ty.name.clone()).collect()
    }

    /// A type has the fields of its interfaces, whichever subgraphs they come from.
    fn check_interfaces(&mut self, definitions: &[Definition<'static, String>]) {
        let types: Vec<(&str, &[String], BTreeSet<&str>)> = definitions
            .iter()
            .filter_map(|definition| {
                let (name, implements, fields) = match definition {
                    Definition::TypeDefinition(TypeDefinition::Object(ty)) => {
                        (&ty.name, &ty.implements_interfaces, &ty.fields)
                    }
                    Definition::TypeDefinition(TypeDefinition::Interface(ty)) => {
                        (&ty.name, &ty.implements_interfaces, &ty.fields)
                    }
                    _ => return None,
                };
                let fields = fields.iter().map(|field| field.name.as_str()).collect();
                Some((name.as_str(), &implements[..], fields))
            })
            .collect();
        for (name, implements, fields) in &types {
            for (interface, _, wanted) in
                types.iter().filter(|(other, ..)| implements.iter().any(|name| name == other))
            {
                for field in wanted.difference(fields) {
                    let having = self.having(interface, field);
                    self.problems.push(format!(
                        "{name}.{field}: no subgraph has the field, which {interface} has in {having}; add it to \
                         {name}, or take it from the interface"
                    ));
                }
            }
        }
    }

    /// The subgraphs that have a field, for messages.
    fn having(&self, ty: &str, field: &str) -> String {
        let with = self
            .subgraphs
            .iter()
            .filter(|subgraph| subgraph.ty(ty).is_some_and(|ty| ty.field(field).is_some()));
        names(with)
    }
}

/// Whether the subgraph takes an interface for an object.
fn is_behind(source: &Source<'_>) -> bool {
    source.ty.kind == Kind::Object && source.ty.has("interfaceObject")
}

/// The names of subgraphs, for messages.
fn names<'a>(subgraphs: impl IntoIterator<Item = &'a Subgraph>) -> String {
    let names: Vec<&str> = subgraphs.into_iter().map(|subgraph| subgraph.name.as_str()).collect();
    names.join(", ")
}
