//! The join model: which subgraph has which field of which type, and by which keys it is asked for an
//! entity (the join specification, versions 0.3 to 0.5).

use super::{
    labels::LabelId,
    selection::{Sel, Wanted},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// A subgraph by its number in [`super::Supergraph::subgraphs`].
pub(super) type Graph = usize;

/// All types of a supergraph, hidden ones included.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) types: BTreeMap<String, Arc<TypeModel>>,
    pub(super) query: String,
    pub(super) mutation: Option<String>,
    pub(super) subscription: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// A scalar or an enum.
    #[default]
    Leaf,
    Object,
    Interface,
    Union,
}

#[derive(Clone, Debug, Default)]
pub(super) struct TypeModel {
    pub(super) kind: Kind,
    /// The subgraphs that have the type (`@join__type`).
    pub(super) joins: BTreeMap<Graph, Join>,
    pub(super) fields: BTreeMap<String, FieldModel>,
    /// The object types that a value can have where a subgraph returns this type.
    pub(super) objects: BTreeMap<Graph, BTreeSet<String>>,
    /// The object types that a value can have anywhere.
    pub(super) all_objects: BTreeSet<String>,
    /// The interfaces that an object implements in any subgraph.
    pub(super) interfaces: BTreeSet<String>,
}

/// A type as one subgraph has it.
#[derive(Clone, Debug, Default)]
pub(super) struct Join {
    /// All `@key`s, those that the subgraph does not resolve included.
    pub(super) keys: Vec<EntityKey>,
    /// `@interfaceObject`: the subgraph takes the interface for an object.
    pub(super) interface_object: bool,
}

#[derive(Clone, Debug)]
pub(super) struct EntityKey {
    pub(super) fields: Vec<Sel>,
    pub(super) resolvable: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct FieldModel {
    /// The named type that it returns.
    pub(super) returns: String,
    pub(super) nullable: bool,
    pub(super) marks: BTreeMap<Graph, Mark>,
    /// Overrides with a label: which subgraph has the field is decided by the request.
    pub(super) moves: Vec<Move>,
}

/// An override with a label.
#[derive(Clone, Debug)]
pub(super) struct Move {
    pub(super) label: LabelId,
    /// `None` for a subgraph that is not there any more.
    pub(super) from: Option<Graph>,
    pub(super) to: Graph,
}

/// A field as one subgraph has it (`@join__field`).
#[derive(Clone, Debug, Default)]
pub(super) struct Mark {
    pub(super) external: bool,
    /// Another subgraph answers it in place of this one, by the labels that are on.
    pub(super) overridden: bool,
    pub(super) requires: Vec<Sel>,
    pub(super) provides: Vec<Sel>,
    /// The named type that it returns there, if it is another one.
    pub(super) returns: Option<String>,
}

impl Mark {
    /// Whether the subgraph names the field and leaves its answer to others.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.external || self.overridden
    }
}

/// How a subgraph is asked for an entity.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a> {
    /// The type as the subgraph knows it: an interface behind `@interfaceObject`.
    pub(super) ty: &'a str,
    pub(super) keys: &'a [EntityKey],
}

/// A field of a type in a subgraph.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) field: &'a FieldModel,
    pub(super) mark: &'a Mark,
}

impl<'a> Found<'a> {
    pub(super) fn returns(&self) -> &'a str {
        self.mark.returns.as_deref().unwrap_or(&self.field.returns)
    }
}

impl Model {
    pub(super) fn ty(&self, name: &str) -> Option<&TypeModel> {
        self.types.get(name).map(|ty| &**ty)
    }

    pub(super) fn is_abstract(&self, name: &str) -> bool {
        self.ty(name).is_some_and(|ty| matches!(ty.kind, Kind::Interface | Kind::Union))
    }

    /// Whether the subgraph takes the interface for an object.
    pub(super) fn is_interface_object(&self, ty: &str, graph: Graph) -> bool {
        self.join(ty, graph).is_some_and(|join| join.interface_object)
    }

    pub(super) fn join(&self, ty: &str, graph: Graph) -> Option<&Join> {
        self.ty(ty)?.joins.get(&graph)
    }

    /// The object types that match a type condition.
    pub(super) fn objects(&self, condition: &str) -> BTreeSet<String> {
        self.ty(condition).map(|ty| ty.all_objects.clone()).unwrap_or_default()
    }

    /// The names that a value of the type may have as `__typename`, the type's own among them: a
    /// subgraph with `@interfaceObject` answers with the name of the interface.
    pub(super) fn names(&self, ty: &str) -> Vec<String> {
        let mut names = self.objects(ty);
        names.insert(ty.to_owned());
        names.into_iter().collect()
    }

    /// The types under which a subgraph may know an entity: itself, or an interface that it takes for
    /// an object.
    fn guises<'a>(&'a self, ty: &'a str, graph: Graph) -> impl Iterator<Item = &'a str> {
        let interfaces = self.ty(ty).into_iter().flat_map(|ty| &ty.interfaces);
        let behind = interfaces
            .map(String::as_str)
            .filter(move |interface| self.is_interface_object(interface, graph));
        std::iter::once(ty).filter(move |ty| self.join(ty, graph).is_some()).chain(behind)
    }

    /// How the subgraph is asked for entities of the type; `None` where it cannot be.
    pub(super) fn view<'a>(&'a self, ty: &'a str, graph: Graph) -> Option<View<'a>> {
        self.guises(ty, graph).find_map(|guise| {
            let keys = &self.join(guise, graph)?.keys;
            keys.iter().any(|key| key.resolvable).then_some(View { ty: guise, keys })
        })
    }

    /// The field as the subgraph has it, whether or not it resolves it.
    pub(super) fn find<'a>(&'a self, ty: &'a str, field: &str, graph: Graph) -> Option<Found<'a>> {
        self.guises(ty, graph).find_map(|guise| {
            let field = self.ty(guise)?.fields.get(field)?;
            Some(Found { field, mark: field.marks.get(&graph)? })
        })
    }

    /// Whether the field is part of a key of the type in the subgraph: then it is there, whatever else
    /// the marks say of it.
    pub(super) fn in_key(&self, ty: &str, field: &str, graph: Graph) -> bool {
        self.guises(ty, graph)
            .filter_map(|guise| self.join(guise, graph))
            .any(|join| join.keys.iter().any(|key| self.names_field(ty, &key.fields, field)))
    }

    /// What the keys of the type in the subgraph consist of: a mere reference to an entity has it.
    pub(super) fn key_fields(&self, ty: &str, graph: Graph) -> Vec<Wanted> {
        let joins = self.guises(ty, graph).filter_map(|guise| self.join(guise, graph));
        let keys = joins.flat_map(|join| &join.keys);
        keys.fold(Vec::new(), |mut fields, key| {
            self.flatten_into(ty, &key.fields, &mut fields);
            fields
        })
    }

    /// The field, if the subgraph answers it wherever it returns the type.
    pub(super) fn resolves<'a>(
        &'a self,
        ty: &'a str,
        field: &str,
        graph: Graph,
    ) -> Option<Found<'a>> {
        let found = self.find(ty, field, graph)?;
        let plain = !found.mark.is_elsewhere() && found.mark.requires.is_empty();
        (plain || self.in_key(ty, field, graph)).then_some(found)
    }

    /// Whether a selection has a field at its top for a type.
    fn names_field(&self, ty: &str, items: &[Sel], field: &str) -> bool {
        items.iter().any(|item| match item {
            Sel::Field(wanted) => wanted.name == field,
            Sel::On(condition, inner) => {
                self.matches(ty, condition) && self.names_field(ty, inner, field)
            }
        })
    }

    /// The fields of a key for entities of one type; none where the key is of other types alone.
    pub(super) fn key_of(&self, ty: &str, key: &EntityKey) -> Vec<Wanted> {
        self.flatten(ty, &key.fields)
    }

    fn matches(&self, ty: &str, condition: &str) -> bool {
        condition == ty || self.ty(condition).is_some_and(|known| known.all_objects.contains(ty))
    }

    /// The parts of a selection that are meant for an object type, fragments resolved, fields of one
    /// response key merged.
    pub(super) fn flatten(&self, ty: &str, items: &[Sel]) -> Vec<Wanted> {
        let mut flat = Vec::new();
        self.flatten_into(ty, items, &mut flat);
        flat
    }

    fn flatten_into(&self, ty: &str, items: &[Sel], flat: &mut Vec<Wanted>) {
        for item in items {
            match item {
                Sel::Field(wanted) => super::selection::merge(flat, wanted),
                Sel::On(condition, inner) => {
                    if self.matches(ty, condition) {
                        self.flatten_into(ty, inner, flat);
                    }
                }
            }
        }
    }
}
