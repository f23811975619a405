//! Writes what stands around the types of a supergraph: the specifications that it is to be read by (link 1.0,
//! join 0.4 and those of the directives that it keeps), and their definitions.

use super::{
    sdl::{Mark, Sdl},
    subgraph::{ROOTS, Subgraph},
};
use async_graphql::parser::types::{DirectiveDefinition, DirectiveLocation as Location};
use graphql_tools::parser::schema::{
    self as ast, Definition, SchemaDefinition, TypeDefinition, Value, parse_schema,
};
use std::collections::{BTreeMap, BTreeSet};

/// What every supergraph has.
const ALWAYS: &str = "
directive @link(url: String, as: String, for: link__Purpose, import: [link__Import]) repeatable on SCHEMA
directive @join__graph(name: String!, url: String!) on ENUM_VALUE
directive @join__type(graph: join__Graph!, key: join__FieldSet, extension: Boolean! = false, resolvable: Boolean! = true, isInterfaceObject: Boolean! = false) repeatable on OBJECT | INTERFACE | UNION | ENUM | INPUT_OBJECT | SCALAR
directive @join__field(graph: join__Graph, requires: join__FieldSet, provides: join__FieldSet, type: String, external: Boolean, override: String, usedOverridden: Boolean, overrideLabel: String) repeatable on FIELD_DEFINITION | INPUT_FIELD_DEFINITION
directive @join__implements(graph: join__Graph!, interface: String!) repeatable on OBJECT | INTERFACE
directive @join__unionMember(graph: join__Graph!, member: String!) repeatable on UNION
directive @join__enumValue(graph: join__Graph!) repeatable on ENUM_VALUE
enum link__Purpose { SECURITY EXECUTION }
scalar link__Import
scalar join__FieldSet
";

/// A specification of directives that a supergraph keeps.
struct Specification {
    url: &'static str,
    /// Whether a router must know it to be safe.
    security: bool,
    /// What is imported; empty where the directive has the specification's name.
    imports: &'static [&'static str],
    directives: &'static [&'static str],
    definitions: &'static str,
}

const SPECIFICATIONS: [Specification; 6] = [
    Specification {
        url: "https://specs.apollo.dev/inaccessible/v0.2",
        security: true,
        imports: &[],
        directives: &["inaccessible"],
        definitions: "directive @inaccessible on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION",
    },
    Specification {
        url: "https://specs.apollo.dev/tag/v0.3",
        security: false,
        imports: &[],
        directives: &["tag"],
        definitions: "directive @tag(name: String!) repeatable on FIELD_DEFINITION | OBJECT | INTERFACE | UNION | ARGUMENT_DEFINITION | SCALAR | ENUM | ENUM_VALUE | INPUT_OBJECT | INPUT_FIELD_DEFINITION | SCHEMA",
    },
    Specification {
        url: "https://specs.apollo.dev/authenticated/v0.1",
        security: true,
        imports: &[],
        directives: &["authenticated"],
        definitions: "directive @authenticated on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM",
    },
    Specification {
        url: "https://specs.apollo.dev/requiresScopes/v0.1",
        security: true,
        imports: &[],
        directives: &["requiresScopes"],
        definitions: "directive @requiresScopes(scopes: [[requiresScopes__Scope!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM scalar requiresScopes__Scope",
    },
    Specification {
        url: "https://specs.apollo.dev/policy/v0.1",
        security: true,
        imports: &[],
        directives: &["policy"],
        definitions: "directive @policy(policies: [[policy__Policy!]!]!) on FIELD_DEFINITION | OBJECT | INTERFACE | SCALAR | ENUM scalar policy__Policy",
    },
    Specification {
        url: "https://specs.apollo.dev/cost/v0.1",
        security: false,
        imports: &["@cost", "@listSize"],
        directives: &["cost", "listSize"],
        definitions: "directive @cost(weight: Int!) on ARGUMENT_DEFINITION | ENUM | FIELD_DEFINITION | INPUT_FIELD_DEFINITION | OBJECT | SCALAR directive @listSize(assumedSize: Int, slicingArguments: [String!], sizedFields: [String!], requireOneSlicingArgument: Boolean = true) on FIELD_DEFINITION",
    },
];

/// The whole supergraph.
pub(super) fn supergraph(types: Sdl, subgraphs: &[Subgraph]) -> Result<Sdl, String> {
    let used = used(&types);
    let mut links = vec![
        link("https://specs.apollo.dev/link/v1.0", None, &[]),
        link("https://specs.apollo.dev/join/v0.4", Some("EXECUTION"), &[]),
    ];
    let mut definitions = ALWAYS.to_owned();
    for specification in &SPECIFICATIONS {
        if specification.directives.iter().any(|name| used.contains(*name)) {
            let purpose = specification.security.then_some("SECURITY");
            let imports: Vec<_> = specification
                .imports
                .iter()
                .map(|name| Value::String((*name).to_owned()))
                .collect();
            links.push(link(specification.url, purpose, &imports));
            definitions.push_str(specification.definitions);
            definitions.push('\n');
        }
    }
    let mut composed: BTreeMap<&String, (&Subgraph, &DirectiveDefinition)> = BTreeMap::new();
    for subgraph in subgraphs {
        for name in subgraph.composed.keys() {
            if let Some(definition) = subgraph.directives.get(name) {
                composed.entry(name).or_insert((subgraph, definition));
            }
        }
    }
    let mut own = Vec::new();
    let mut imports: BTreeMap<&str, Vec<Value<'static, String>>> = BTreeMap::new();
    for (name, (subgraph, definition)) in composed {
        let linked = &subgraph.composed[name];
        let text = |name: &str| Value::String(format!("@{name}"));
        let import = match *name == linked.name {
            true => text(name),
            false => Value::Object(vec![
                ("name".to_owned(), text(&linked.name)),
                ("as".to_owned(), text(name)),
            ]),
        };
        imports.entry(&linked.url).or_default().push(import);
        own.push(Definition::DirectiveDefinition(directive(definition)));
    }
    links.extend(imports.iter().map(|(url, imports)| link(url, None, imports)));
    let has = |name: &str| {
        types.definitions.iter().any(|definition| {
            matches!(definition, Definition::TypeDefinition(TypeDefinition::Object(ty)) if ty.name == name)
        })
    };
    let root = |name: &str| has(name).then(|| name.to_owned());
    let [query, mutation, subscription] = ROOTS.map(root);
    let schema = SchemaDefinition {
        position: Default::default(),
        directives: links,
        query,
        mutation,
        subscription,
    };
    let header = parse_schema::<String>(&definitions).map_err(|error| error.to_string())?;
    let mut all = vec![Definition::SchemaDefinition(schema)];
    all.extend(header.into_static().definitions);
    all.extend(own);
    all.extend(types.definitions);
    Ok(Sdl { definitions: all })
}

fn link(url: &str, purpose: Option<&str>, imports: &[Value<'static, String>]) -> Mark {
    let mut arguments = vec![("url".to_owned(), Value::String(url.to_owned()))];
    if !imports.is_empty() {
        arguments.push(("import".to_owned(), Value::List(imports.to_vec())));
    }
    arguments.extend(purpose.map(|purpose| ("for".to_owned(), Value::Enum(purpose.to_owned()))));
    Mark { position: Default::default(), name: "link".to_owned(), arguments }
}

/// A directive's definition as the supergraph has it.
fn directive(definition: &DirectiveDefinition) -> ast::DirectiveDefinition<'static, String> {
    ast::DirectiveDefinition {
        position: Default::default(),
        description: definition.description.as_ref().map(|text| text.node.clone()),
        name: definition.name.node.to_string(),
        arguments: definition
            .arguments
            .iter()
            .map(|argument| {
                let argument = &argument.node;
                ast::InputValue {
                    position: Default::default(),
                    description: argument.description.as_ref().map(|text| text.node.clone()),
                    name: argument.name.node.to_string(),
                    value_type: super::subgraph::written(&argument.ty.node),
                    default_value: argument
                        .default_value
                        .as_ref()
                        .map(|value| super::merge::value(&value.node)),
                    directives: Vec::new(),
                }
            })
            .collect(),
        repeatable: definition.is_repeatable,
        locations: definition
            .locations
            .iter()
            .map(|location| written_location(location.node))
            .collect(),
    }
}

fn written_location(location: Location) -> ast::DirectiveLocation {
    use ast::DirectiveLocation as Written;
    match location {
        Location::Query => Written::Query,
        Location::Mutation => Written::Mutation,
        Location::Subscription => Written::Subscription,
        Location::Field => Written::Field,
        Location::FragmentDefinition => Written::FragmentDefinition,
        Location::FragmentSpread => Written::FragmentSpread,
        Location::InlineFragment => Written::InlineFragment,
        Location::Schema => Written::Schema,
        Location::Scalar => Written::Scalar,
        Location::Object => Written::Object,
        Location::FieldDefinition => Written::FieldDefinition,
        Location::ArgumentDefinition => Written::ArgumentDefinition,
        Location::Interface => Written::Interface,
        Location::Union => Written::Union,
        Location::Enum => Written::Enum,
        Location::EnumValue => Written::EnumValue,
        Location::InputObject => Written::InputObject,
        Location::InputFieldDefinition => Written::InputFieldDefinition,
        Location::VariableDefinition => Written::VariableDefinition,
    }
}

/// The names of all directives that types carry.
fn used(types: &Sdl) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut see = |marks: &[Mark]| names.extend(marks.iter().map(|mark| mark.name.clone()));
    for definition in &types.definitions {
        let Definition::TypeDefinition(ty) = definition else { continue };
        let (marks, fields): (&[Mark], &[ast::Field<'static, String>]) = match ty {
            TypeDefinition::Object(ty) => (&ty.directives, &ty.fields),
            TypeDefinition::Interface(ty) => (&ty.directives, &ty.fields),
            TypeDefinition::Scalar(ty) => (&ty.directives, &[]),
            TypeDefinition::Union(ty) => (&ty.directives, &[]),
            TypeDefinition::Enum(ty) => {
                ty.values.iter().for_each(|value| see(&value.directives));
                (&ty.directives, &[])
            }
            TypeDefinition::InputObject(ty) => {
                ty.fields.iter().for_each(|field| see(&field.directives));
                (&ty.directives, &[])
            }
        };
        see(marks);
        for field in fields {
            see(&field.directives);
            field.arguments.iter().for_each(|argument| see(&argument.directives));
        }
    }
    names
}
