//! Builds the public schema from a schema document.

use super::{
    Deprecation, DirectiveDef, EnumValueDef, FieldDef, InputDef, Schema, TypeDef, TypeKind,
    TypeRef, TypeSet,
};
use graphql_tools::parser::schema as ast;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
};

type Document = ast::Document<'static, String>;
type Directives = [ast::Directive<'static, String>];

/// Why a schema document cannot be served.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SchemaError {
    /// There is nothing to ask.
    #[error("the schema has no query type: at least one subgraph must define a field of Query")]
    NoQuery,
    /// A name is used and nowhere defined.
    #[error("`{at}` uses the type `{missing}`, which nothing defines")]
    UnknownType {
        /// Where the name is used.
        at: String,
        /// The name.
        missing: String,
    },
}

/// Directives that clients can use or that tell them something; all others are the federation's own.
const PUBLIC_DIRECTIVES: [&str; 6] =
    ["skip", "include", "defer", "deprecated", "specifiedBy", "oneOf"];

/// Introspection, in full as of the September 2025 edition, and the directives of the specification.
pub(crate) const BUILT_INS: &str = include_str!("built_ins.graphql");

impl Schema {
    /// Builds the schema that `document` describes, which must hold [`BUILT_INS`].
    pub(crate) fn build(document: &Document) -> Result<Schema, SchemaError> {
        let mut types = BTreeMap::new();
        let mut directives = Vec::new();
        let mut roots = None;
        for definition in &document.definitions {
            match definition {
                ast::Definition::TypeDefinition(definition) => {
                    let definition = type_def(definition);
                    types.insert(definition.name.clone(), definition);
                }
                ast::Definition::DirectiveDefinition(directive) => {
                    if PUBLIC_DIRECTIVES.contains(&directive.name.as_str())
                        || directive.locations.iter().any(ast::DirectiveLocation::is_query)
                    {
                        directives.push(directive_def(directive));
                    }
                }
                ast::Definition::SchemaDefinition(schema) => {
                    roots = Some((
                        schema.query.clone(),
                        schema.mutation.clone(),
                        schema.subscription.clone(),
                    ));
                }
                ast::Definition::TypeExtension(_) => {}
            }
        }
        // Types are roots by their names only where nothing says which are (GraphQL, section 3.3.1).
        let (query, mutation, subscription) = roots.unwrap_or_else(|| {
            let name = |name: &str| Some(name.to_owned());
            (name("Query"), name("Mutation"), name("Subscription"))
        });
        let root = |name: Option<String>| -> Option<Arc<str>> {
            types.get(name?.as_str()).map(|definition: &TypeDef| definition.name.clone())
        };
        let query = root(query).ok_or(SchemaError::NoQuery)?;
        let (mutation, subscription) = (root(mutation), root(subscription));
        check_references(&types)?;
        Ok(Schema::index(types, directives, query, mutation, subscription))
    }

    fn index(
        types: BTreeMap<Arc<str>, TypeDef>,
        directives: Vec<DirectiveDef>,
        query: Arc<str>,
        mutation: Option<Arc<str>>,
        subscription: Option<Arc<str>>,
    ) -> Schema {
        let objects: Vec<Arc<str>> = types
            .values()
            .filter(|definition| matches!(definition.kind, TypeKind::Object(..)))
            .map(|definition| definition.name.clone())
            .collect();
        let object_numbers: HashMap<Arc<str>, usize> =
            objects.iter().enumerate().map(|(number, name)| (name.clone(), number)).collect();
        let mut possible: HashMap<Arc<str>, TypeSet> = HashMap::new();
        for definition in types.values() {
            match &definition.kind {
                TypeKind::Object(_, interfaces) => {
                    let number = object_numbers[&definition.name];
                    possible.entry(definition.name.clone()).or_default().insert(number);
                    for interface in interfaces {
                        possible.entry(interface.clone()).or_default().insert(number);
                    }
                }
                TypeKind::Union(members) => {
                    let set = members
                        .iter()
                        .filter_map(|member| object_numbers.get(member).copied())
                        .collect();
                    possible.insert(definition.name.clone(), set);
                }
                _ => {}
            }
        }
        let conflicting = conflicting_fields(&types);
        let mut alias_prefix = "r".to_owned();
        let begins = |prefix: &str| {
            types.values().flat_map(TypeDef::fields).any(|field| {
                field
                    .name
                    .strip_prefix(prefix)
                    .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
            })
        };
        while begins(&alias_prefix) {
            alias_prefix.push('r');
        }
        Schema {
            types,
            directives,
            meta_fields: meta_fields(),
            query,
            mutation,
            subscription,
            objects,
            object_numbers,
            possible,
            conflicting,
            hidden: HashSet::new(),
            alias_prefix,
        }
    }
}

fn meta_fields() -> Vec<FieldDef> {
    let named = |name: &str| TypeRef::Named(name.into());
    let field = |name: &str, description: &str, arguments, ty| FieldDef {
        name: name.into(),
        description: Some(description.to_owned()),
        arguments,
        ty,
        deprecated: None,
    };
    let name = InputDef {
        name: "name".into(),
        description: Some("The name of the type.".to_owned()),
        ty: TypeRef::NonNull(Box::new(named("String"))),
        default: None,
        deprecated: None,
    };
    vec![
        field(
            "__schema",
            "The schema of this service.",
            Vec::new(),
            TypeRef::NonNull(Box::new(named("__Schema"))),
        ),
        field("__type", "A type by its name.", vec![name], named("__Type")),
    ]
}

/// Names of fields that object types define with different response shapes.
fn conflicting_fields(types: &BTreeMap<Arc<str>, TypeDef>) -> HashSet<Arc<str>> {
    let mut shapes: HashMap<&Arc<str>, String> = HashMap::new();
    let mut conflicting = HashSet::new();
    for definition in types.values() {
        let TypeKind::Object(fields, _) = &definition.kind else {
            continue;
        };
        for field in fields {
            let composite = types.get(field.ty.name()).is_some_and(TypeDef::is_composite);
            let shape = field.ty.shape(composite);
            match shapes.get(&field.name) {
                Some(known) if *known != shape => {
                    conflicting.insert(field.name.clone());
                }
                Some(_) => {}
                None => {
                    shapes.insert(&field.name, shape);
                }
            }
        }
    }
    conflicting
}

fn check_references(types: &BTreeMap<Arc<str>, TypeDef>) -> Result<(), SchemaError> {
    let check = |at: String, name: &Arc<str>| match types.contains_key(name) {
        true => Ok(()),
        false => Err(SchemaError::UnknownType { at, missing: name.to_string() }),
    };
    for definition in types.values() {
        for field in definition.fields() {
            let at = format!("{}.{}", definition.name, field.name);
            for argument in &field.arguments {
                check(format!("{at}({}:)", argument.name), argument.ty.name())?;
            }
            check(at, field.ty.name())?;
        }
        match &definition.kind {
            TypeKind::Input(fields, _) => {
                for field in fields {
                    check(format!("{}.{}", definition.name, field.name), field.ty.name())?;
                }
            }
            TypeKind::Object(_, names) | TypeKind::Interface(_, names) | TypeKind::Union(names) => {
                for name in names {
                    check(definition.name.to_string(), name)?;
                }
            }
            TypeKind::Scalar(_) | TypeKind::Enum(_) => {}
        }
    }
    Ok(())
}

fn type_def(definition: &ast::TypeDefinition<'static, String>) -> TypeDef {
    let (name, description, kind) = match definition {
        ast::TypeDefinition::Scalar(scalar) => (
            &scalar.name,
            &scalar.description,
            TypeKind::Scalar(text_argument(&scalar.directives, "specifiedBy", "url")),
        ),
        ast::TypeDefinition::Object(object) => (
            &object.name,
            &object.description,
            TypeKind::Object(fields(&object.fields), names(&object.implements_interfaces)),
        ),
        ast::TypeDefinition::Interface(interface) => (
            &interface.name,
            &interface.description,
            TypeKind::Interface(fields(&interface.fields), names(&interface.implements_interfaces)),
        ),
        ast::TypeDefinition::Union(union) => {
            (&union.name, &union.description, TypeKind::Union(names(&union.types)))
        }
        ast::TypeDefinition::Enum(definition) => (
            &definition.name,
            &definition.description,
            TypeKind::Enum(
                definition
                    .values
                    .iter()
                    .map(|value| EnumValueDef {
                        name: value.name.as_str().into(),
                        description: value.description.clone(),
                        deprecated: deprecation(&value.directives),
                    })
                    .collect(),
            ),
        ),
        ast::TypeDefinition::InputObject(input) => (
            &input.name,
            &input.description,
            TypeKind::Input(
                inputs(&input.fields),
                input.directives.iter().any(|directive| directive.name == "oneOf"),
            ),
        ),
    };
    TypeDef { name: name.as_str().into(), description: description.clone(), kind }
}

fn directive_def(directive: &ast::DirectiveDefinition<'static, String>) -> DirectiveDef {
    DirectiveDef {
        name: directive.name.as_str().into(),
        description: directive.description.clone(),
        locations: directive.locations.iter().map(ast::DirectiveLocation::as_str).collect(),
        arguments: inputs(&directive.arguments),
        repeatable: directive.repeatable,
    }
}

fn names(names: &[String]) -> Vec<Arc<str>> {
    names.iter().map(|name| name.as_str().into()).collect()
}

fn fields(fields: &[ast::Field<'static, String>]) -> Vec<FieldDef> {
    fields
        .iter()
        // The names are reserved for what types have without listing it.
        .filter(|field| !field.name.starts_with("__"))
        .map(|field| FieldDef {
            name: field.name.as_str().into(),
            description: field.description.clone(),
            arguments: inputs(&field.arguments),
            ty: type_ref(&field.field_type),
            deprecated: deprecation(&field.directives),
        })
        .collect()
}

fn inputs(inputs: &[ast::InputValue<'static, String>]) -> Vec<InputDef> {
    inputs
        .iter()
        .map(|input| InputDef {
            name: input.name.as_str().into(),
            description: input.description.clone(),
            ty: type_ref(&input.value_type),
            default: input.default_value.clone(),
            deprecated: deprecation(&input.directives),
        })
        .collect()
}

pub(crate) fn type_ref(ty: &graphql_tools::parser::query::Type<'static, String>) -> TypeRef {
    use graphql_tools::parser::query::Type;
    match ty {
        Type::NamedType(name) => TypeRef::Named(name.as_str().into()),
        Type::ListType(inner) => TypeRef::List(Box::new(type_ref(inner))),
        Type::NonNullType(inner) => TypeRef::NonNull(Box::new(type_ref(inner))),
    }
}

fn deprecation(directives: &Directives) -> Deprecation {
    directives.iter().any(|directive| directive.name == "deprecated").then(|| {
        text_argument(directives, "deprecated", "reason")
            .unwrap_or_else(|| "No longer supported".to_owned())
    })
}

fn text_argument(directives: &Directives, directive: &str, argument: &str) -> Option<String> {
    let directive = directives.iter().find(|candidate| candidate.name == directive)?;
    directive.arguments.iter().find_map(|(name, value)| match value {
        ast::Value::String(text) if name == argument => Some(text.clone()),
        _ => None,
    })
}
