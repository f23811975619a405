//! The schemas: those of the subgraphs, and the one of the monolith.

use crate::schema::{FieldSet, Schema, Type, fields_of, marked};
use graphql_tools::parser::{query::Selection, schema::Field, schema::TypeDefinition};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};
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
    /// The object types that each type stands for.
    possible: BTreeMap<String, Vec<String>>,
    /// The fields by which any subgraph finds objects of each type.
    key_fields: BTreeMap<String, BTreeSet<String>>,
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
        let mut model = Model {
            api: Schema::parse(MONOLITH),
            subgraphs: subgraphs.into(),
            supergraph,
            possible: BTreeMap::new(),
            key_fields: BTreeMap::new(),
        };
        for ty in model.api.types.keys() {
            let objects = model.api.types.keys().filter(|name| model.api.is_object(name));
            let objects = objects.filter(|name| model.api.is(name, ty)).cloned().collect();
            model.possible.insert(ty.clone(), objects);
        }
        model.key_fields =
            model.api.types.keys().map(|ty| (ty.clone(), model.keys_of(ty))).collect();
        model
    }

    fn keys_of(&self, ty: &str) -> BTreeSet<String> {
        let keys = self.subgraphs.iter().flat_map(|subgraph| {
            let own = self.own_name(subgraph, ty).unwrap_or(ty);
            subgraph.schema.keys(own)
        });
        let fields = keys.flatten().filter_map(|item| match item {
            Selection::Field(field) => Some(field.name),
            _ => None,
        });
        fields.collect()
    }

    /// The object types that a type stands for.
    pub fn possible(&self, ty: &str) -> &[String] {
        self.possible.get(ty).map_or(&[], Vec::as_slice)
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
        let mut objects: Vec<&str> = self.possible(ty).iter().map(String::as_str).collect();
        objects.retain(|object| by.iter().all(|subgraph| knows(subgraph, object)));
        objects
    }

    /// The fields by which any subgraph finds objects of a type.
    pub fn key_fields(&self, ty: &str) -> &BTreeSet<String> {
        &self.key_fields[ty]
    }

    /// What a field of an object type requires, in the subgraphs that resolve it.
    pub fn requires(&self, ty: &str, field: &str) -> FieldSet {
        let owners = self.owners(ty, field).into_iter();
        let definitions = owners.filter_map(|subgraph| {
            let own = self.own_name(subgraph, ty)?;
            subgraph.schema.field(own, field)
        });
        let sets = definitions.filter_map(|own| fields_of(&own.directives, "requires"));
        sets.flatten().collect()
    }
}

/// The name inside lists and non-null marks.
pub fn named(ty: &Type) -> &str {
    match ty {
        Type::NamedType(name) => name,
        Type::ListType(inner) | Type::NonNullType(inner) => named(inner),
    }
}

/// A type without its non-null mark, and whether it has none.
pub fn nullable(ty: &Type) -> (&Type, bool) {
    match ty {
        Type::NonNullType(inner) => (inner, false),
        ty => (ty, true),
    }
}
