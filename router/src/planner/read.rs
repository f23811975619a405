//! Reads the join model from a supergraph.

use super::{
    Subgraph,
    labels::{Label, Labels},
    model::{EntityKey, FieldModel, Graph, Join, Kind, Mark, Model, Move, TypeModel},
    selection::field_set,
};
use crate::compose::{Mark as Directive, Sdl, argument};
use graphql_tools::parser::schema::{self as ast, Definition, TypeDefinition, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

type Directives = [Directive];

/// The subgraphs, sorted by name, the model with all labels off, and the labels.
pub(super) fn read(document: &Sdl) -> Result<(Vec<Subgraph>, Model, Labels), String> {
    let (subgraphs, numbers) = subgraphs(document)?;
    let mut reader =
        Reader { subgraphs: &subgraphs, numbers, labels: Vec::new(), model: Model::default() };
    let root = |name: Option<&String>| name.cloned();
    reader.model.query = document.query_type_name().cloned().unwrap_or_default();
    reader.model.mutation = root(document.mutation_type_name());
    reader.model.subscription = root(document.subscription_type_name());
    for definition in &document.definitions {
        if let Definition::TypeDefinition(definition) = definition {
            reader.definition(definition)?;
        }
    }
    reader.possible(document);
    let model = reader.model;
    let labels = Labels::new(reader.labels, &model);
    Ok((subgraphs, model, labels))
}

pub(super) fn subgraphs(
    document: &Sdl,
) -> Result<(Vec<Subgraph>, BTreeMap<String, Graph>), String> {
    let mut named = Vec::new();
    for definition in &document.definitions {
        if let Definition::TypeDefinition(TypeDefinition::Enum(definition)) = definition
            && definition.name == "join__Graph"
        {
            for value in &definition.values {
                let mark = value.directives.iter().find(|mark| mark.name == "join__graph");
                let mark = mark.ok_or_else(|| {
                    format!("join__Graph.{} says by no @join__graph what it is", value.name)
                })?;
                let subgraph = Subgraph {
                    name: argument(mark, "name").unwrap_or(&value.name).to_owned(),
                    url: argument(mark, "url").unwrap_or_default().to_owned(),
                };
                named.push((value.name.clone(), subgraph));
            }
        }
    }
    named.sort_by(|a, b| a.1.name.cmp(&b.1.name));
    let numbers =
        named.iter().enumerate().map(|(number, (graph, _))| (graph.clone(), number)).collect();
    Ok((named.into_iter().map(|(_, subgraph)| subgraph).collect(), numbers))
}

struct Reader<'a> {
    subgraphs: &'a [Subgraph],
    numbers: BTreeMap<String, Graph>,
    labels: Vec<Label>,
    model: Model,
}

impl Reader<'_> {
    fn definition(&mut self, definition: &TypeDefinition<'static, String>) -> Result<(), String> {
        let none: &[ast::Field<'static, String>] = &[];
        let (kind, name, directives, fields) = match definition {
            TypeDefinition::Object(object) => {
                (Kind::Object, &object.name, &object.directives, &object.fields[..])
            }
            TypeDefinition::Interface(interface) => {
                (Kind::Interface, &interface.name, &interface.directives, &interface.fields[..])
            }
            TypeDefinition::Union(union) => (Kind::Union, &union.name, &union.directives, none),
            TypeDefinition::Scalar(scalar) => (Kind::Leaf, &scalar.name, &scalar.directives, none),
            TypeDefinition::Enum(definition) => {
                (Kind::Leaf, &definition.name, &definition.directives, none)
            }
            TypeDefinition::InputObject(_) => return Ok(()),
        };
        let mut model = TypeModel { kind, ..TypeModel::default() };
        for mark in directives.iter().filter(|mark| mark.name == "join__type") {
            let Some(graph) = self.graph(mark)? else { continue };
            let join: &mut Join = model.joins.entry(graph).or_default();
            join.interface_object |= flag(mark, "isInterfaceObject") == Some(true);
            if let Some(key) = argument(mark, "key") {
                let resolvable = flag(mark, "resolvable").unwrap_or(true);
                let fields = field_set(key).map_err(|error| format!("{name}: {error}"))?;
                join.keys.push(EntityKey { fields, resolvable });
            }
        }
        for field in fields {
            let read = self
                .field(field, &model.joins)
                .map_err(|error| format!("{name}.{}: {error}", field.name))?;
            model.fields.insert(field.name.clone(), read);
        }
        self.model.types.insert(name.clone(), Arc::new(model));
        Ok(())
    }

    fn field(
        &mut self,
        field: &ast::Field<'static, String>,
        joins: &BTreeMap<Graph, Join>,
    ) -> Result<FieldModel, String> {
        let mut model = FieldModel {
            returns: type_name(&field.field_type).to_owned(),
            nullable: !matches!(field.field_type, ast::Type::NonNullType(_)),
            marks: BTreeMap::new(),
            moves: Vec::new(),
        };
        let marks: Vec<&Directive> =
            field.directives.iter().filter(|mark| mark.name == "join__field").collect();
        if marks.is_empty() {
            model.marks = joins.keys().map(|graph| (*graph, Mark::default())).collect();
        }
        for mark in &marks {
            let Some(graph) = self.graph(mark)? else { continue };
            let set = |name: &str| argument(mark, name).map_or(Ok(Vec::new()), field_set);
            let read = Mark {
                // With a label, who answers is decided by the request.
                external: flag(mark, "external") == Some(true)
                    || (flag(mark, "usedOverridden") == Some(true)
                        && argument(mark, "overrideLabel").is_none()),
                overridden: false,
                requires: set("requires")?,
                provides: set("provides")?,
                returns: argument(mark, "type").map(named).transpose()?,
            };
            model.marks.insert(graph, read);
        }
        for mark in &marks {
            if let (Some(graph), Some(from)) = (self.graph(mark)?, argument(mark, "override")) {
                let from = self.subgraphs.iter().position(|subgraph| subgraph.name == from);
                match argument(mark, "overrideLabel") {
                    Some(label) => {
                        let label = self.label(Label::parse(label)?);
                        model.moves.push(Move { label, from, to: graph });
                    }
                    None => {
                        if let Some(mark) = from.and_then(|from| model.marks.get_mut(&from)) {
                            mark.external = true;
                        }
                    }
                }
            }
        }
        model.settle(&BTreeSet::new());
        Ok(model)
    }

    fn label(&mut self, label: Label) -> usize {
        let known = self.labels.iter().position(|known| *known == label);
        known.unwrap_or_else(|| {
            self.labels.push(label);
            self.labels.len() - 1
        })
    }

    fn graph(&self, mark: &Directive) -> Result<Option<Graph>, String> {
        let Some(name) = argument(mark, "graph") else { return Ok(None) };
        let number = self.numbers.get(name).copied();
        number.map(Some).ok_or_else(|| format!("@{} names the unknown graph {name}", mark.name))
    }

    /// Which object types each interface and union can be, in each subgraph.
    fn possible(&mut self, document: &Sdl) {
        let mut members: Vec<(String, Option<Graph>, String)> = Vec::new();
        for definition in &document.definitions {
            match definition {
                Definition::TypeDefinition(TypeDefinition::Object(object)) => {
                    let own = object.name.clone();
                    members.push((own.clone(), None, own.clone()));
                    for interface in &object.implements_interfaces {
                        let marks = self.members(&object.directives, "join__implements");
                        let named: Vec<Graph> = marks
                            .filter(|(_, name)| name == interface)
                            .map(|(graph, _)| graph)
                            .collect();
                        self.add(&mut members, interface, named, &own);
                    }
                }
                Definition::TypeDefinition(TypeDefinition::Union(union)) => {
                    for member in &union.types {
                        let named: Vec<Graph> = self
                            .members(&union.directives, "join__unionMember")
                            .filter(|(_, name)| name == member)
                            .map(|(graph, _)| graph)
                            .collect();
                        self.add(&mut members, &union.name, named, member);
                    }
                }
                _ => {}
            }
        }
        for (ty, graph, object) in members {
            let kind = self.model.types.get(&ty).map(|ty| ty.kind).unwrap_or_default();
            if kind == Kind::Interface
                && let Some(model) = self.model.types.get_mut(&object)
            {
                Arc::make_mut(model).interfaces.insert(ty.clone());
            }
            let Some(model) = self.model.types.get_mut(&ty) else { continue };
            let model = Arc::make_mut(model);
            model.all_objects.insert(object.clone());
            let graphs: Vec<Graph> = match graph {
                Some(graph) => vec![graph],
                None if kind == Kind::Object => model.joins.keys().copied().collect(),
                None => continue,
            };
            for graph in graphs {
                model.objects.entry(graph).or_default().insert(object.clone());
            }
        }
    }

    /// A member without marks is one wherever both types are.
    fn add(
        &self,
        members: &mut Vec<(String, Option<Graph>, String)>,
        of: &str,
        named: Vec<Graph>,
        object: &str,
    ) {
        members.push((of.to_owned(), None, object.to_owned()));
        let graphs = |ty: &str| -> BTreeSet<Graph> {
            self.model.ty(ty).map(|ty| ty.joins.keys().copied().collect()).unwrap_or_default()
        };
        let both: Vec<Graph> = match named.is_empty() {
            true => graphs(of).intersection(&graphs(object)).copied().collect(),
            false => named,
        };
        members
            .extend(both.into_iter().map(|graph| (of.to_owned(), Some(graph), object.to_owned())));
    }

    fn members<'d>(
        &self,
        directives: &'d Directives,
        name: &'static str,
    ) -> impl Iterator<Item = (Graph, String)> + use<'_, 'd> {
        directives.iter().filter(move |mark| mark.name == name).filter_map(|mark| {
            let other = argument(mark, "interface").or_else(|| argument(mark, "member"))?;
            // An unknown graph was refused with the type itself.
            Some((self.numbers.get(argument(mark, "graph")?).copied()?, other.to_owned()))
        })
    }
}

/// The named type in a type that is written in an argument.
fn named(ty: &str) -> Result<String, String> {
    let name = ty.trim().trim_start_matches('[').trim_end_matches(['!', ']']).trim();
    let is_name = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    if is_name { Ok(name.to_owned()) } else { Err(format!("\"{ty}\" is no type")) }
}

fn type_name<'a>(ty: &'a ast::Type<'static, String>) -> &'a str {
    match ty {
        ast::Type::NamedType(name) => name,
        ast::Type::ListType(inner) | ast::Type::NonNullType(inner) => type_name(inner),
    }
}

fn flag(mark: &Directive, name: &str) -> Option<bool> {
    mark.arguments.iter().find_map(|(candidate, value)| match value {
        Value::Boolean(value) if candidate == name => Some(*value),
        _ => None,
    })
}
