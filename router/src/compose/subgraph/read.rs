//! Reads a subgraph's schema.

use super::{BUILT_IN_SCALARS, EnumValue, Field, Kind, Mark, Meaning, ROOTS, Subgraph, Type, find};
use crate::{
    compose::{
        SubgraphSdl,
        limits::check_nesting,
        links::{FEDERATION, Links},
    },
    schema::TypeRef,
};
use async_graphql::{
    Positioned,
    parser::{
        parse_schema,
        types::{
            BaseType, ConstDirective, FieldDefinition, InputValueDefinition, ServiceDocument,
            Type as ParsedType, TypeDefinition, TypeKind, TypeSystemDefinition,
        },
    },
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

/// Types that a subgraph has for its router alone.
const ROUTERS_TYPES: [&str; 4] = ["_Any", "_Entity", "_FieldSet", "_Service"];
/// Root fields that a subgraph has for its router alone.
const ROUTERS_FIELDS: [&str; 2] = ["_entities", "_service"];
impl Subgraph {
    /// Reads a subgraph, or says what is wrong with its schema.
    pub(in crate::compose) fn read(subgraph: &SubgraphSdl) -> Result<Subgraph, Vec<String>> {
        let fail = |reason: String| vec![format!("[{}] {reason}", subgraph.name)];
        let unread = |error: &dyn Display| fail(format!("the schema cannot be read: {error}"));
        check_nesting(&subgraph.sdl).map_err(|error| unread(&error))?;
        let document = parse_schema(&subgraph.sdl).map_err(|error| unread(&error))?;
        let mut reader = Reader {
            links: Links::default(),
            defined: BTreeSet::new(),
            roots: BTreeMap::new(),
            problems: Vec::new(),
            subgraph: Subgraph {
                name: subgraph.name.clone(),
                url: subgraph.url.clone().unwrap_or_default(),
                federation_2: false,
                types: Vec::new(),
                by_name: BTreeMap::new(),
                directives: BTreeMap::new(),
                composed: BTreeMap::new(),
            },
        };
        reader.document(document);
        match reader.problems.is_empty() {
            true => Ok(reader.subgraph),
            false => Err(reader.problems.into_iter().flat_map(fail).collect()),
        }
    }
}

struct Reader {
    links: Links,
    defined: BTreeSet<String>,
    /// The names of the root types, with their usual ones.
    roots: BTreeMap<String, &'static str>,
    subgraph: Subgraph,
    problems: Vec<String>,
}

impl Reader {
    fn document(&mut self, document: ServiceDocument) {
        self.schema(&document);
        for definition in &document.definitions {
            if let TypeSystemDefinition::Directive(definition) = definition {
                self.defined.insert(definition.node.name.node.to_string());
            }
        }
        self.composed(&document);
        for definition in document.definitions {
            match definition {
                TypeSystemDefinition::Schema(_) => {}
                TypeSystemDefinition::Directive(definition) => {
                    let name = definition.node.name.node.to_string();
                    if let Meaning::Custom(_) = self.links.meaning(&name, &self.defined) {
                        self.subgraph.directives.insert(name, definition.node);
                    }
                }
                TypeSystemDefinition::Type(definition) => self.definition(definition.node),
            }
        }
    }

    /// Links and root types, on which the meaning of all else depends.
    fn schema(&mut self, document: &ServiceDocument) {
        let mut named: [Option<String>; 3] = Default::default();
        for definition in &document.definitions {
            let TypeSystemDefinition::Schema(schema) = definition else { continue };
            if let Err(problem) = self.links.read(&schema.node) {
                self.problems.push(problem);
            }
            let schema = &schema.node;
            let roots = [&schema.query, &schema.mutation, &schema.subscription];
            for (name, root) in named.iter_mut().zip(roots) {
                if let Some(root) = root {
                    *name = Some(root.node.to_string());
                }
            }
        }
        self.subgraph.federation_2 = self.links.federation_2;
        let types: BTreeSet<&str> = document
            .definitions
            .iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(ty) => Some(ty.node.name.node.as_str()),
                _ => None,
            })
            .collect();
        for (usual, name) in ROOTS.into_iter().zip(named) {
            let Some(name) = name else { continue };
            if name != usual && types.contains(usual) {
                self.problems.push(format!(
                    "{usual}: the type has the name of a root type, and the root type is {name}; rename one \
                     of them"
                ));
            }
            self.roots.insert(name, usual);
        }
    }

    fn composed(&mut self, document: &ServiceDocument) {
        for definition in &document.definitions {
            let TypeSystemDefinition::Schema(schema) = definition else { continue };
            for mark in &schema.node.directives {
                let mark = self.links.mark(&mark.node, &self.defined);
                if !mark.is("composeDirective") {
                    continue;
                }
                let name = mark.text("name").unwrap_or_default();
                let Some(name) = name.strip_prefix('@') else {
                    self.problems.push(format!(
                        "@composeDirective(name: \"{name}\") names no directive; begin the name with @"
                    ));
                    continue;
                };
                match (self.links.meaning(name, &self.defined), self.links.others.get(name)) {
                    (Meaning::Custom(_), Some(linked)) if self.defined.contains(name) => {
                        self.subgraph.composed.insert(name.to_owned(), linked.clone());
                    }
                    (Meaning::Custom(_), None) => self.problems.push(format!(
                        "@composeDirective(name: \"@{name}\"): @{name} is imported by no @link; link it with \
                         the address of its specification"
                    )),
                    (Meaning::Known(_), _) => self.problems.push(format!(
                        "@composeDirective(name: \"@{name}\"): @{name} is federation's own and is kept without"
                    )),
                    _ => self.problems.push(format!(
                        "@composeDirective(name: \"@{name}\"): @{name} is not defined; define it in the schema"
                    )),
                }
            }
        }
    }

    fn definition(&mut self, definition: TypeDefinition) {
        let own = definition.name.node.to_string();
        let name = self.roots.get(&own).map_or(own, |usual| (*usual).to_owned());
        let is_ours = BUILT_IN_SCALARS.contains(&name.as_str())
            || ROUTERS_TYPES.contains(&name.as_str())
            || self.links.is_machinery(&name);
        if is_ours {
            return;
        }
        let kind = match &definition.kind {
            TypeKind::Scalar => Kind::Scalar,
            TypeKind::Object(_) => Kind::Object,
            TypeKind::Interface(_) => Kind::Interface,
            TypeKind::Union(_) => Kind::Union,
            TypeKind::Enum(_) => Kind::Enum,
            TypeKind::InputObject(_) => Kind::Input,
        };
        if name.starts_with("join__") || name.starts_with("core__") {
            self.problems.push(format!(
                "{name}: names that begin with join__ and core__ belong to supergraphs; rename the type"
            ));
        }
        let index = match self.subgraph.by_name.get(&name) {
            Some(index) => *index,
            None => {
                self.subgraph.types.push(Type {
                    name: name.clone(),
                    kind,
                    description: None,
                    marks: Vec::new(),
                    implements: Vec::new(),
                    fields: Vec::new(),
                    members: Vec::new(),
                    values: Vec::new(),
                });
                self.subgraph.by_name.insert(name.clone(), self.subgraph.types.len() - 1);
                self.subgraph.types.len() - 1
            }
        };
        if self.subgraph.types[index].kind != kind {
            let first = self.subgraph.types[index].kind.described();
            self.problems.push(format!(
                "{name}: it is {first} in one place and {} in another",
                kind.described()
            ));
            return;
        }
        self.add(index, definition);
    }

    /// Adds a definition or an extension to its type.
    fn add(&mut self, index: usize, definition: TypeDefinition) {
        let mut marks =
            self.marks(&self.subgraph.types[index].name.clone(), &definition.directives);
        // On a type, these two stand for all fields of this one declaration.
        let for_all: Vec<Mark> = marks
            .iter()
            .filter(|mark| mark.is("shareable") || mark.is("external"))
            .cloned()
            .collect();
        let type_name = self.subgraph.types[index].name.clone();
        let (implements, parsed, members, values) = match definition.kind {
            TypeKind::Scalar => Default::default(),
            TypeKind::Object(object) => {
                marks.retain(|mark| !for_all.contains(mark));
                let fields = object.fields.into_iter();
                let fields = fields.map(|field| self.field(&type_name, field.node, &for_all));
                (object.implements, fields.collect(), Vec::new(), Vec::new())
            }
            TypeKind::Interface(interface) => {
                let fields = interface.fields.into_iter();
                let fields = fields.map(|field| self.field(&type_name, field.node, &[]));
                (interface.implements, fields.collect(), Vec::new(), Vec::new())
            }
            TypeKind::Union(union) => (Vec::new(), Vec::new(), union.members, Vec::new()),
            TypeKind::Enum(own) => {
                let values = own.values.into_iter().map(|value| {
                    let name = value.node.value.node.to_string();
                    let marks = self.marks(&format!("{type_name}.{name}"), &value.node.directives);
                    EnumValue { name, description: text(value.node.description), marks }
                });
                (Vec::new(), Vec::new(), Vec::new(), values.collect::<Vec<_>>())
            }
            TypeKind::InputObject(input) => {
                let fields = input.fields.into_iter();
                let fields = fields.map(|field| self.input(&type_name, field.node));
                (Vec::new(), fields.collect::<Vec<_>>(), Vec::new(), Vec::new())
            }
        };
        let ty = &mut self.subgraph.types[index];
        ty.description = ty.description.take().or(text(definition.description));
        ty.marks.extend(marks);
        for name in implements {
            let name = name.node.to_string();
            if !ty.implements.contains(&name) {
                ty.implements.push(name);
            }
        }
        for field in parsed {
            if ty.name == "Query" && ROUTERS_FIELDS.contains(&field.name.as_str()) {
                continue;
            }
            if ty.field(&field.name).is_some() {
                self.problems
                    .push(format!("{}.{}: the field is defined twice", ty.name, field.name));
                continue;
            }
            ty.fields.push(field);
        }
        ty.members.extend(members.into_iter().map(|member| member.node.to_string()));
        for value in values {
            if ty.values.iter().any(|known| known.name == value.name) {
                self.problems
                    .push(format!("{}.{}: the value is defined twice", ty.name, value.name));
                continue;
            }
            ty.values.push(value);
        }
    }

    fn field(&mut self, ty: &str, field: FieldDefinition, for_all: &[Mark]) -> Field {
        let name = field.name.node.to_string();
        let at = format!("{ty}.{name}");
        let mut marks = self.marks(&at, &field.directives);
        for mark in for_all {
            let said = find(&marks, "external").is_some() || marks.contains(mark);
            if !said {
                marks.push(mark.clone());
            }
        }
        let arguments = field.arguments.into_iter().map(|argument| self.input(&at, argument.node));
        Field {
            arguments: arguments.collect(),
            description: text(field.description),
            ty: self.ty(&field.ty.node),
            default: None,
            marks,
            name,
        }
    }

    fn input(&mut self, at: &str, input: InputValueDefinition) -> Field {
        let name = input.name.node.to_string();
        Field {
            arguments: Vec::new(),
            description: text(input.description),
            ty: self.ty(&input.ty.node),
            default: input.default_value.map(|value| value.node),
            marks: self.marks(&format!("{at}.{name}"), &input.directives),
            name,
        }
    }

    fn marks(&mut self, at: &str, directives: &[Positioned<ConstDirective>]) -> Vec<Mark> {
        let marks: Vec<Mark> =
            directives.iter().map(|mark| self.links.mark(&mark.node, &self.defined)).collect();
        for mark in marks.iter().filter(|mark| mark.meaning == Meaning::Unknown) {
            let name = &mark.local;
            self.problems.push(match FEDERATION.contains(&name.as_str()) {
                true => format!(
                    "{at}: @{name} is not imported; add \"@{name}\" to the imports of the @link to \
                     federation, or write @federation__{name}"
                ),
                false => format!("{at}: there is no directive @{name}; define it or link it"),
            });
        }
        marks
    }

    fn ty(&self, ty: &ParsedType) -> TypeRef {
        let inner = match &ty.base {
            BaseType::Named(name) => match self.roots.get(name.as_str()) {
                Some(usual) => TypeRef::Named((*usual).into()),
                None => TypeRef::Named(name.as_str().into()),
            },
            BaseType::List(inner) => TypeRef::List(Box::new(self.ty(inner))),
        };
        if ty.nullable { inner } else { TypeRef::NonNull(Box::new(inner)) }
    }
}

fn text(description: Option<Positioned<String>>) -> Option<String> {
    description.map(|description| description.node)
}
