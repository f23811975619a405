//! The public schema: what clients see, with everything of the federation machinery and everything
//! inaccessible left out.
//!
//! It is built once from the supergraph and never changes afterwards. Object types are numbered, so
//! that a set of possible types is a bit set.

pub(crate) mod build;
pub(crate) mod changes;
mod print;
mod type_set;

pub(crate) use build::{BUILT_INS, type_ref};
pub(crate) use type_set::TypeSet;

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
    sync::Arc,
};

/// The type of a field or an argument: a name wrapped in lists and non-null marks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum TypeRef {
    /// A named type.
    Named(Arc<str>),
    /// A list of the inner type.
    List(Box<TypeRef>),
    /// The inner type, never null.
    NonNull(Box<TypeRef>),
}

impl TypeRef {
    /// The name inside all wrappers.
    pub(crate) fn name(&self) -> &Arc<str> {
        match self {
            TypeRef::Named(name) => name,
            TypeRef::List(inner) | TypeRef::NonNull(inner) => inner.name(),
        }
    }

    /// Whether null is refused at the outermost level.
    pub(crate) fn is_non_null(&self) -> bool {
        matches!(self, TypeRef::NonNull(_))
    }

    /// The shape of GraphQL's "SameResponseShape": wrappers kept, composite names replaced by `*`.
    pub(crate) fn shape(&self, composite: bool) -> String {
        match self {
            TypeRef::Named(_) if composite => "*".to_owned(),
            TypeRef::Named(name) => name.to_string(),
            TypeRef::List(inner) => format!("[{}]", inner.shape(composite)),
            TypeRef::NonNull(inner) => format!("{}!", inner.shape(composite)),
        }
    }
}

impl fmt::Display for TypeRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TypeRef::Named(name) => f.write_str(name),
            TypeRef::List(inner) => write!(f, "[{inner}]"),
            TypeRef::NonNull(inner) => write!(f, "{inner}!"),
        }
    }
}

/// Why something is deprecated.
pub(crate) type Deprecation = Option<String>;

/// A literal of GraphQL's value syntax, as schemas and documents hold it.
pub(crate) type Literal = graphql_tools::parser::query::Value<'static, String>;

/// An argument or a field of an input object.
#[derive(Clone, Debug)]
pub(crate) struct InputDef {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// Its type.
    pub(crate) ty: TypeRef,
    /// The value used when none is given.
    pub(crate) default: Option<Literal>,
    /// Set when deprecated, with the reason.
    pub(crate) deprecated: Deprecation,
}

/// A field of an object or interface.
#[derive(Clone, Debug)]
pub(crate) struct FieldDef {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// Its arguments.
    pub(crate) arguments: Vec<InputDef>,
    /// What it returns.
    pub(crate) ty: TypeRef,
    /// Set when deprecated, with the reason.
    pub(crate) deprecated: Deprecation,
}

/// A value of an enum.
#[derive(Clone, Debug)]
pub(crate) struct EnumValueDef {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// What it stands for.
    pub(crate) description: Option<String>,
    /// Set when deprecated, with the reason.
    pub(crate) deprecated: Deprecation,
}

/// What a type is made of.
#[derive(Clone, Debug)]
pub(crate) enum TypeKind {
    /// A scalar, with the address of its specification.
    Scalar(Option<String>),
    /// An object: its fields and the interfaces it implements.
    Object(Vec<FieldDef>, Vec<Arc<str>>),
    /// An interface: its fields and the interfaces it implements.
    Interface(Vec<FieldDef>, Vec<Arc<str>>),
    /// A union of objects.
    Union(Vec<Arc<str>>),
    /// An enum.
    Enum(Vec<EnumValueDef>),
    /// An input object; `true` when exactly one field must be given.
    Input(Vec<InputDef>, bool),
}

/// A named type.
#[derive(Clone, Debug)]
pub(crate) struct TypeDef {
    /// Its name.
    pub(crate) name: Arc<str>,
    /// What it is for.
    pub(crate) description: Option<String>,
    /// What it is made of.
    pub(crate) kind: TypeKind,
}

impl TypeDef {
    /// The fields of an object or interface; empty for everything else.
    pub(crate) fn fields(&self) -> &[FieldDef] {
        match &self.kind {
            TypeKind::Object(fields, _) | TypeKind::Interface(fields, _) => fields,
            _ => &[],
        }
    }

    /// The field of that name.
    pub(crate) fn field(&self, name: &str) -> Option<&FieldDef> {
        self.fields().iter().find(|field| &*field.name == name)
    }

    /// Whether values of this type have fields.
    pub(crate) fn is_composite(&self) -> bool {
        matches!(self.kind, TypeKind::Object(..) | TypeKind::Interface(..) | TypeKind::Union(_))
    }

    /// Whether values of this type have a narrower type at run time.
    pub(crate) fn is_abstract(&self) -> bool {
        matches!(self.kind, TypeKind::Interface(..) | TypeKind::Union(_))
    }
}

/// A directive that clients may use or see.
#[derive(Clone, Debug)]
pub(crate) struct DirectiveDef {
    /// Its name, without `@`.
    pub(crate) name: Arc<str>,
    /// What it does.
    pub(crate) description: Option<String>,
    /// Where it may stand, as in `FIELD_DEFINITION`.
    pub(crate) locations: Vec<&'static str>,
    /// Its arguments.
    pub(crate) arguments: Vec<InputDef>,
    /// Whether it may stand more than once in one place.
    pub(crate) repeatable: bool,
}

/// The public schema.
#[derive(Debug)]
pub(crate) struct Schema {
    /// Every type by name, those of introspection and the built-in scalars included.
    pub(crate) types: BTreeMap<Arc<str>, TypeDef>,
    /// Every public directive.
    pub(crate) directives: Vec<DirectiveDef>,
    /// The name of the query type.
    pub(crate) query: Arc<str>,
    /// The name of the mutation type.
    pub(crate) mutation: Option<Arc<str>>,
    /// The name of the subscription type.
    pub(crate) subscription: Option<Arc<str>>,
    /// `__schema` and `__type`, which the query type has without listing them.
    pub(crate) meta_fields: Vec<FieldDef>,
    /// Object types in the order of their numbers.
    pub(crate) objects: Vec<Arc<str>>,
    object_numbers: HashMap<Arc<str>, usize>,
    possible: HashMap<Arc<str>, TypeSet>,
    conflicting: HashSet<Arc<str>>,
    hidden: HashSet<Arc<str>>,
    alias_prefix: String,
}

impl Schema {
    /// The type of that name.
    pub(crate) fn ty(&self, name: &str) -> Option<&TypeDef> {
        self.types.get(name)
    }

    /// The field of that name which a type has without listing it: the query type alone has some.
    pub(crate) fn meta_field(&self, owner: &str, name: &str) -> Option<&FieldDef> {
        let of_owner = if *owner == *self.query { &self.meta_fields[..] } else { &[] };
        of_owner.iter().find(|field| *field.name == *name)
    }

    /// The number of an object type.
    pub(crate) fn object_number(&self, name: &str) -> Option<usize> {
        self.object_numbers.get(name).copied()
    }

    /// The object types that a value of this type can have; empty for what is not composite.
    pub(crate) fn possible(&self, name: &str) -> &TypeSet {
        self.possible.get(name).unwrap_or(TypeSet::EMPTY)
    }

    /// Whether object types define fields of this name with response shapes that cannot stand in one
    /// selection set (GraphQL, "Field Selection Merging").
    pub(crate) fn has_conflicting_shapes(&self, field: &str) -> bool {
        self.conflicting.contains(field)
    }

    /// The same schema of a graph that has these types, be they public or not.
    #[must_use]
    pub(crate) fn of_types(mut self, types: impl IntoIterator<Item = Arc<str>>) -> Schema {
        let hidden = types.into_iter().filter(|name| !self.types.contains_key(name)).collect();
        self.hidden = hidden;
        self
    }

    /// Whether an object of the graph may say that it is of this type, and no client can see it as one:
    /// the type is not public, or it is an interface, by whose name a subgraph with `@interfaceObject`
    /// answers.
    pub(crate) fn hides(&self, ty: &str) -> bool {
        let is_interface = |ty: &TypeDef| matches!(ty.kind, TypeKind::Interface(..));
        self.hidden.contains(ty) || self.ty(ty).is_some_and(is_interface)
    }

    /// A prefix that no field of the schema begins with.
    pub(crate) fn alias_prefix(&self) -> &str {
        &self.alias_prefix
    }
}
