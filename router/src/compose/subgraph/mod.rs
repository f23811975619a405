//! A subgraph as composition sees it: extensions joined to their types, root types under their usual names,
//! directives by what they stand for, and without what belongs to federation itself.

mod read;

use super::links::Linked;
use crate::schema::TypeRef;
use async_graphql::{
    Value as Const,
    parser::types::{BaseType, DirectiveDefinition, Type as ParsedType},
};
use std::collections::BTreeMap;

pub(super) const BUILT_IN_SCALARS: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];
/// The root types by their usual names.
pub(super) const ROOTS: [&str; 3] = ["Query", "Mutation", "Subscription"];

#[derive(Debug)]
pub(super) struct Subgraph {
    pub(super) name: String,
    pub(super) url: String,
    /// Whether it links federation 2.
    pub(super) federation_2: bool,
    /// In the order of the document.
    pub(super) types: Vec<Type>,
    by_name: BTreeMap<String, usize>,
    /// Directives that it defines, by name.
    pub(super) directives: BTreeMap<String, DirectiveDefinition>,
    /// Directives that are to be kept (`@composeDirective`).
    pub(super) composed: BTreeMap<String, Linked>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Scalar,
    Object,
    Interface,
    Enum,
    Union,
    Input,
}

impl Kind {
    /// As in "is an object type".
    pub(super) fn described(self) -> &'static str {
        match self {
            Kind::Scalar => "a scalar",
            Kind::Object => "an object type",
            Kind::Interface => "an interface",
            Kind::Enum => "an enum",
            Kind::Union => "a union",
            Kind::Input => "an input type",
        }
    }
}

#[derive(Debug)]
pub(super) struct Type {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) description: Option<String>,
    pub(super) marks: Vec<Mark>,
    pub(super) implements: Vec<String>,
    /// Fields of objects and interfaces; input fields.
    pub(super) fields: Vec<Field>,
    /// Of a union.
    pub(super) members: Vec<String>,
    /// Of an enum.
    pub(super) values: Vec<EnumValue>,
}

/// A field, an argument or an input field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) ty: TypeRef,
    /// Of a field.
    pub(super) arguments: Vec<Field>,
    /// Of an argument or an input field.
    pub(super) default: Option<Const>,
    pub(super) marks: Vec<Mark>,
}

#[derive(Debug)]
pub(super) struct EnumValue {
    pub(super) name: String,
    pub(super) description: Option<String>,
    pub(super) marks: Vec<Mark>,
}

/// What a directive stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Meaning {
    /// One of GraphQL's or federation's.
    Known(&'static str),
    /// One that the subgraph defines or links, by its local name.
    Custom(String),
    /// Nothing that the subgraph says.
    Unknown,
}

/// An applied directive.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Mark {
    pub(super) meaning: Meaning,
    /// Its name in the subgraph.
    pub(super) local: String,
    pub(super) arguments: Vec<(String, Const)>,
}

impl Mark {
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self.meaning, Meaning::Known(known) if known == name)
    }

    pub(super) fn argument(&self, name: &str) -> Option<&Const> {
        self.arguments.iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// An argument that is text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.argument(name) {
            Some(Const::String(text)) => Some(text),
            _ => None,
        }
    }
}

/// The mark of a name, if it is there.
pub(super) fn find<'a>(marks: &'a [Mark], name: &str) -> Option<&'a Mark> {
    marks.iter().find(|mark| mark.is(name))
}

impl Type {
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub(super) fn has(&self, mark: &str) -> bool {
        find(&self.marks, mark).is_some()
    }

    /// The field sets of its keys.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Mark> {
        self.marks.iter().filter(|mark| mark.is("key"))
    }

    /// Whether the router can ask for it by a key.
    pub(super) fn is_resolvable(&self) -> bool {
        self.keys().any(|key| key.argument("resolvable") != Some(&Const::Boolean(false)))
    }
}

impl Field {
    pub(super) fn has(&self, mark: &str) -> bool {
        find(&self.marks, mark).is_some()
    }

    pub(super) fn argument(&self, name: &str) -> Option<&Field> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// Whether an argument or an input field must be given.
    pub(super) fn is_required(&self) -> bool {
        self.ty.is_non_null() && self.default.is_none()
    }
}

impl Subgraph {
    pub(super) fn ty(&self, name: &str) -> Option<&Type> {
        self.by_name.get(name).map(|index| &self.types[*index])
    }

    /// The object types that a value of the type can have.
    pub(super) fn objects<'a>(&'a self, name: &'a str) -> Vec<&'a Type> {
        match self.ty(name) {
            Some(ty) if ty.kind == Kind::Object => vec![ty],
            Some(ty) if ty.kind == Kind::Union => {
                ty.members.iter().filter_map(|member| self.ty(member)).collect()
            }
            Some(ty) if ty.kind == Kind::Interface => self
                .types
                .iter()
                .filter(|object| {
                    object.kind == Kind::Object && object.implements.contains(&ty.name)
                })
                .collect(),
            _ => Vec::new(),
        }
    }
}

/// A type as the supergraph's writer takes it.
pub(super) fn written(ty: &ParsedType) -> graphql_tools::parser::schema::Type<'static, String> {
    use graphql_tools::parser::schema::Type as Written;
    let inner = match &ty.base {
        BaseType::Named(name) => Written::NamedType(name.to_string()),
        BaseType::List(inner) => Written::ListType(Box::new(written(inner))),
    };
    if ty.nullable { inner } else { Written::NonNullType(Box::new(inner)) }
}
