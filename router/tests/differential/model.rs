//! The schemas: those of the subgraphs, and the one of the monolith.

use crate::schema::{FieldSet, Schema, Type, fields_of, marked};
use graphql_tools::parser::{query::Selection, schema::Field, schema::TypeDefinition};
use std::{collections::BTreeSet, sync::Arc};
use studio_router::{SubgraphSdl, compose};

const LINK: &str = "extend schema @link(url: \"https://specs.apollo.dev/federation/v2.7\", import: [\
    \"@key\", \"@shareable\", \"@external\", \"@requires\", \"@provides\", \"@override\", \"@interfaceObject\"])\n";

const SUBGRAPHS: [(&str, &str); 6] = [
    ("catalog", include_str!("model/catalog.graphql")),
    ("people", include_str!("model/people.graphql")),
    ("stock", include_str!("model/stock.graphql")),
    ("ratings", include_str!("model/ratings.graphql")),
    ("trade", include_str!("model/trade.graphql")),
    ("depots", include_str!("model/depots.graphql")),
];

const MONOLITH: &str = include_str!("model/monolith.graphql");

pub struct Subgraph {
    pub name: Arc<str>,
    pub schema: Arc<Schema>,
}

pub struct Model {
    /// What clients see, and the monolith answers.
    pub api: Schema,
    pub subgraphs: Vec<Subgraph>,
    pub supergraph: String,
}

impl Model {
    pub fn new() -> Model {
        let sdls = SUBGRAPHS.map(|(name, sdl)| SubgraphSdl {
            name: name.to_owned(),
            url: None,
            sdl: format!("{LINK}{sdl}"),
        });
        let subgraphs = SUBGRAPHS.map(|(name, sdl)| Subgraph {
            name: name.into(),
            schema: Arc::new(Schema::parse(sdl)),
        });
        let supergraph = compose(sdls.into()).unwrap().sdl;
        Model { api: Schema::parse(MONOLITH), subgraphs: subgraphs.into(), supergraph }
    }

    /// The object types that a type stands for.
    pub fn possible(&self, ty: &str) -> Vec<&str> {
        let objects = self.api.types.keys().filter(|name| self.api.is_object(name));
        objects.filter(|name| self.api.is(name, ty)).map(String::as_str).collect()
    }

    /// The fields of an object or interface.
    pub fn fields(&self, ty: &str) -> &[Field<'static, String>] {
        match self.api.ty(ty) {
            Some(TypeDefinition::Object(object)) => &object.fields,
            Some(TypeDefinition::Interface(interface)) => &interface.fields,
            _ => &[],
        }
    }

    /// The subgraphs that resolve a field of an object type.
    pub fn owners<'a>(&'a self, ty: &str, field: &str) -> Vec<&'a Subgraph> {
        let overridden: BTreeSet<&str> = self
            .definitions(ty, field)
            .flat_map(|(_, definition)| &definition.directives)
            .filter(|mark| mark.name == "override")
            .filter_map(|mark| match &mark.arguments[0].1 {
                graphql_tools::parser::schema::Value::String(from) => Some(from.as_str()),
                _ => None,
            })
            .collect();
        self.definitions(ty, field)
            .filter(|(subgraph, definition)| {
                !marked(&definition.directives, "external") && !overridden.contains(&*subgraph.name)
            })
            .map(|(subgraph, _)| subgraph)
            .collect()
    }

    fn definitions<'a, 'n>(
        &'a self,
        ty: &'n str,
        field: &'n str,
    ) -> impl Iterator<Item = (&'a Subgraph, &'a Field<'static, String>)> + use<'a, 'n> {
        self.subgraphs.iter().filter_map(move |subgraph| {
            let own = self.own_name(subgraph, ty)?;
            Some((subgraph, subgraph.schema.field(own, field)?))
        })
    }

    /// The name by which a subgraph knows the objects of a type.
    fn own_name<'n>(&self, subgraph: &'n Subgraph, ty: &'n str) -> Option<&'n str> {
        match subgraph.schema.is_object(ty) {
            true => Some(ty),
            false => {
                subgraph.schema.interface_objects().find(|interface| self.api.is(ty, interface))
            }
        }
    }

    /// The object types that all of the subgraphs can return for a type.
    pub fn returnable(&self, ty: &str, by: &[&Subgraph]) -> Vec<&str> {
        let knows = |subgraph: &Subgraph, object: &str| {
            subgraph.schema.is(object, ty)
                || subgraph.schema.interface_objects().any(|interface| interface == ty)
        };
        let mut objects = self.possible(ty);
        objects.retain(|object| by.iter().all(|subgraph| knows(subgraph, object)));
        objects
    }

    /// The fields by which any subgraph finds objects of a type.
    pub fn key_fields(&self, ty: &str) -> BTreeSet<String> {
        let keys = self.subgraphs.iter().flat_map(|subgraph| {
            let own = self.own_name(subgraph, ty).unwrap_or(ty);
            subgraph.schema.keys(own)
        });
        let mut names = BTreeSet::new();
        keys.for_each(|key| top_names(&key, &mut names));
        names
    }

    /// Names of fields that any field requires, and the subgraphs that resolve them.
    pub fn required(&self) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut names, mut owners) = (BTreeSet::new(), BTreeSet::new());
        for subgraph in &self.subgraphs {
            for (ty, definition) in &subgraph.schema.types {
                let TypeDefinition::Object(object) = definition else { continue };
                for field in &object.fields {
                    let set = fields_of(&field.directives, "requires").unwrap_or_default();
                    let mut top = BTreeSet::new();
                    top_names(&set, &mut top);
                    for object in self.possible(ty) {
                        for name in &top {
                            let by = self.owners(object, name);
                            owners.extend(by.into_iter().map(|owner| owner.name.to_string()));
                        }
                    }
                    all_names(&set, &mut names);
                }
            }
        }
        (names, owners)
    }
}

fn top_names(set: &FieldSet, names: &mut BTreeSet<String>) {
    for item in set {
        if let Selection::Field(field) = item {
            names.insert(field.name.clone());
        }
    }
}

fn all_names(set: &FieldSet, names: &mut BTreeSet<String>) {
    top_names(set, names);
    for item in set {
        match item {
            Selection::Field(field) => all_names(&field.selection_set.items, names),
            Selection::InlineFragment(fragment) => all_names(&fragment.selection_set.items, names),
            Selection::FragmentSpread(_) => {}
        }
    }
}

/// The name inside lists and non-null marks.
pub fn named(ty: &Type) -> &str {
    match ty {
        Type::NamedType(name) => name,
        Type::ListType(inner) | Type::NonNullType(inner) => named(inner),
    }
}
