//! Reads a supergraph, and checks that every public field of one can be reached by a plan.

use super::{
    CompositionErrors, accessible,
    limits::check_nesting,
    mend::{self, Sdl},
};
use crate::{
    limits::Limits,
    plan::{
        document::{Document, Validator},
        make::make,
        operation::{Variables, literal},
    },
    planner::Supergraph,
    schema::{FieldDef, Schema, TypeDef, TypeRef},
};
use async_graphql::Value;
use graphql_tools::parser::schema::{self as ast, Definition, TypeDefinition};
use std::{
    collections::{HashSet, VecDeque},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};

/// Prefixes of names that belong to the machinery of federation.
const MACHINERY: [&str; 9] = [
    "join__",
    "link__",
    "core__",
    "federation__",
    "composite__",
    "extension__",
    "requiresScopes__",
    "policy__",
    "context__",
];

const BUILT_IN: [&str; 11] = [
    "Boolean",
    "Float",
    "ID",
    "Int",
    "String",
    "skip",
    "include",
    "defer",
    "deprecated",
    "specifiedBy",
    "oneOf",
];

/// Reads a supergraph: for planning, for projecting and for validating.
pub(crate) fn read_supergraph(
    sdl: &str,
) -> Result<(Supergraph, Schema, Validator), CompositionErrors> {
    parse(sdl).map_err(|reason| unusable(&reason)).and_then(read_document)
}

fn unusable(reason: &str) -> CompositionErrors {
    CompositionErrors::one(format!("the supergraph cannot be used: {reason}"))
}

/// A schema document, or why the text is none.
pub(super) fn parse(sdl: &str) -> Result<Sdl, String> {
    check_nesting(sdl).map_err(|error| error.to_string())?;
    ast::parse_schema::<String>(sdl)
        .map(ast::Document::into_static)
        .map_err(|error| format!("it is not a GraphQL schema: {error}"))
}

/// [`read_supergraph`] of a document.
pub(super) fn read_document(
    mut document: Sdl,
) -> Result<(Supergraph, Schema, Validator), CompositionErrors> {
    let fail = |reason: String| unusable(&reason);
    let has_query = document.query_type_name().is_some_and(|query| {
        document.definitions.iter().any(|definition| {
            matches!(definition, Definition::TypeDefinition(TypeDefinition::Object(object)) if object.name == *query)
        })
    });
    if !has_query {
        return Err(fail(
            "it has no query type; at least one subgraph must define a field of Query".to_owned(),
        ));
    }
    if has_extensions(&document) {
        return Err(fail(
            "it has type extensions; give the composed supergraph, not a subgraph".to_owned(),
        ));
    }
    mend::mend(&mut document);
    let supergraph = Supergraph::new(&document).map_err(&fail)?;
    if supergraph.subgraphs.is_empty() {
        return Err(fail("it names no subgraph (enum join__Graph is missing or empty)".to_owned()));
    }
    let public = public(document).map_err(&fail)?;
    let schema = Schema::build(&public).map_err(|error| fail(error.to_string()))?;
    Ok((supergraph, schema, Validator::new(public)))
}

/// The public schema's document, with introspection as this router answers it.
fn public(mut document: Sdl) -> Result<Sdl, String> {
    accessible::only(&mut document);
    document.definitions.retain(|definition| {
        let name = name(definition).unwrap_or_default();
        !is_machinery(name)
    });
    drop_hidden_names(&mut document);
    with_built_ins(document)
}

/// Whether a type or directive belongs to the machinery of federation.
pub(super) fn is_machinery(name: &str) -> bool {
    MACHINERY.iter().any(|prefix| name.starts_with(prefix))
}

/// Puts what every schema has, and introspection as this router answers it, in the place of what the
/// document lists of it.
pub(super) fn with_built_ins(mut document: Sdl) -> Result<Sdl, String> {
    document.definitions.retain(|definition| {
        let name = name(definition).unwrap_or_default();
        !name.starts_with("__") && !BUILT_IN.contains(&name)
    });
    let built_ins = ast::parse_schema::<String>(crate::schema::BUILT_INS)
        .map_err(|error| error.to_string())?
        .into_static();
    document.definitions.extend(built_ins.definitions);
    Ok(document)
}

/// Whether the document is of a subgraph, which extends what others define.
pub(super) fn has_extensions(document: &Sdl) -> bool {
    document.definitions.iter().any(|definition| matches!(definition, Definition::TypeExtension(_)))
}

/// The name of a type or directive.
fn name<'a>(definition: &'a Definition<'static, String>) -> Option<&'a str> {
    let name = match definition {
        Definition::TypeDefinition(definition) => match definition {
            TypeDefinition::Scalar(scalar) => &scalar.name,
            TypeDefinition::Object(object) => &object.name,
            TypeDefinition::Interface(interface) => &interface.name,
            TypeDefinition::Union(union) => &union.name,
            TypeDefinition::Enum(definition) => &definition.name,
            TypeDefinition::InputObject(input) => &input.name,
        },
        Definition::DirectiveDefinition(directive) => &directive.name,
        Definition::SchemaDefinition(_) | Definition::TypeExtension(_) => return None,
    };
    Some(name)
}

/// Takes hidden types out of unions and out of the interfaces that a type implements.
fn drop_hidden_names(document: &mut Sdl) {
    let known: HashSet<String> = document
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::TypeDefinition(TypeDefinition::Object(object)) => Some(object.name.clone()),
            Definition::TypeDefinition(TypeDefinition::Interface(interface)) => {
                Some(interface.name.clone())
            }
            _ => None,
        })
        .collect();
    for definition in &mut document.definitions {
        let names = match definition {
            Definition::TypeDefinition(TypeDefinition::Union(union)) => &mut union.types,
            Definition::TypeDefinition(TypeDefinition::Object(object)) => {
                &mut object.implements_interfaces
            }
            Definition::TypeDefinition(TypeDefinition::Interface(interface)) => {
                &mut interface.implements_interfaces
            }
            _ => continue,
        };
        names.retain(|name| known.contains(name));
    }
}

/// Plans every field of the public schema, reached through every field that returns its type. Meant
/// for tests and builds: it plans once per field.
pub fn check_plannable(sdl: &str) -> Result<(), CompositionErrors> {
    let (supergraph, schema, validator) = read_supergraph(sdl)?;
    let check = Check {
        limits: Limits {
            tokens: usize::MAX,
            depth: usize::MAX,
            fields: usize::MAX,
            aliases: usize::MAX,
            ..Limits::default()
        },
        supergraph,
        schema,
        validator,
    };
    let problems = check.run();
    match problems.is_empty() {
        true => Ok(()),
        false => Err(CompositionErrors(problems)),
    }
}

struct Check {
    supergraph: Supergraph,
    schema: Schema,
    validator: Validator,
    limits: Limits,
}

/// A way from a root to a field that returns a composite type.
#[derive(Clone)]
struct Way<'a> {
    operation: &'static str,
    steps: Vec<(&'a TypeDef, &'a FieldDef)>,
}

impl Check {
    fn run(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for way in self.ways() {
            let Some((_, last)) = way.steps.last() else { continue };
            let Some(target) = self.schema.ty(last.ty.name()) else {
                continue;
            };
            if self.plan(&way, target, None).is_ok() {
                continue;
            }
            // Which of the fields is it?
            for (owner, field) in self.fields(target) {
                if let Err(reason) = self.plan(&way, target, Some((owner, field))) {
                    problems.push(format!(
                        "{}.{} cannot be planned when reached by {}: {reason}",
                        owner.name,
                        field.name,
                        describe(&way)
                    ));
                }
            }
        }
        problems
    }

    fn roots(&self) -> Vec<(&'static str, &TypeDef)> {
        [
            ("query", Some(&self.schema.query)),
            ("mutation", self.schema.mutation.as_ref()),
            ("subscription", self.schema.subscription.as_ref()),
        ]
        .into_iter()
        .filter_map(|(operation, name)| Some((operation, self.schema.ty(name?)?)))
        .collect()
    }

    /// The shortest way to every field that returns a composite type.
    fn ways(&self) -> Vec<Way<'_>> {
        let mut ways = Vec::new();
        let mut reached: HashSet<&Arc<str>> = HashSet::new();
        let mut queue = VecDeque::new();
        for (operation, root) in self.roots() {
            reached.insert(&root.name);
            queue.push_back((Way { operation, steps: Vec::new() }, root));
        }
        while let Some((way, ty)) = queue.pop_front() {
            for (owner, field) in self.fields(ty) {
                let Some(target) =
                    self.schema.ty(field.ty.name()).filter(|target| target.is_composite())
                else {
                    continue;
                };
                let mut next = way.clone();
                next.steps.push((owner, field));
                if reached.insert(&target.name) {
                    queue.push_back((next.clone(), target));
                }
                ways.push(next);
            }
        }
        ways
    }

    /// The fields of a type and of the objects that it can be.
    fn fields<'a>(&'a self, ty: &'a TypeDef) -> Vec<(&'a TypeDef, &'a FieldDef)> {
        let mut all: Vec<_> = ty.fields().iter().map(|field| (ty, field)).collect();
        if ty.is_abstract() {
            for number in self.schema.possible(&ty.name).iter() {
                if let Some(object) = self.schema.ty(&self.schema.objects[number]) {
                    all.extend(object.fields().iter().map(|field| (object, field)));
                }
            }
        }
        all
    }

    fn plan(
        &self,
        way: &Way<'_>,
        target: &TypeDef,
        only: Option<(&TypeDef, &FieldDef)>,
    ) -> Result<(), String> {
        let mut query = Query::default();
        for (parent, field) in &way.steps {
            query.open(parent, field, &self.schema);
        }
        for (owner, field) in self.fields(target) {
            let wanted = only.is_none_or(|(only_owner, only_field)| {
                only_owner.name == owner.name && only_field.name == field.name
            });
            if wanted {
                query.leaf(target, owner, field, &self.schema);
            }
        }
        let text = query.text(way.operation);
        let document = Document::prepare(&text, &self.schema, &self.validator, &self.limits)
            .map_err(|errors| {
                let messages: Vec<String> = errors.into_iter().map(|error| error.message).collect();
                messages.join("; ")
            })?;
        let variables: Variables = document.operations[0]
            .variables
            .iter()
            .map(|variable| {
                let default = variable.default.as_ref();
                let value = default.and_then(|default| literal(default, &Variables::new()));
                (variable.name.clone(), value.unwrap_or(Value::Null))
            })
            .collect();
        let limit = Duration::from_secs(60);
        make(&document, 0, (&variables, false), &self.schema, &self.supergraph, limit)
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
}

fn describe(way: &Way<'_>) -> String {
    let steps: Vec<String> =
        way.steps.iter().map(|(owner, field)| format!("{}.{}", owner.name, field.name)).collect();
    steps.join(" > ")
}

/// The text of an operation, with a variable for every required argument.
#[derive(Default)]
struct Query {
    body: String,
    variables: Vec<(String, TypeRef)>,
    closing: usize,
    leaves: usize,
}

impl Query {
    fn arguments(&mut self, field: &FieldDef) -> String {
        let mut text = String::new();
        for argument in &field.arguments {
            if argument.ty.is_non_null() && argument.default.is_none() {
                let name = format!("v{}", self.variables.len());
                let _ = write!(
                    text,
                    "{} {}: ${name}",
                    if text.is_empty() { "(" } else { "," },
                    argument.name
                );
                self.variables.push((name, argument.ty.clone()));
            }
        }
        if !text.is_empty() {
            text.push(')');
        }
        text
    }

    fn open(&mut self, owner: &TypeDef, field: &FieldDef, _schema: &Schema) {
        let arguments = self.arguments(field);
        // The previous step may return an interface or union of which this is one type.
        let _ = write!(self.body, " {{ ... on {} {{ {}{arguments}", owner.name, field.name);
        self.closing += 2;
    }

    fn leaf(&mut self, target: &TypeDef, owner: &TypeDef, field: &FieldDef, schema: &Schema) {
        if self.leaves == 0 {
            self.body.push_str(" { __typename");
            self.closing += 1;
        }
        let arguments = self.arguments(field);
        let composite = schema.ty(field.ty.name()).is_some_and(TypeDef::is_composite);
        let inner = if composite { " { __typename }" } else { "" };
        let alias = format!("l{}: ", self.leaves);
        self.leaves += 1;
        let _ = match owner.name == target.name {
            true => write!(self.body, " {alias}{}{arguments}{inner}", field.name),
            false => write!(
                self.body,
                " ... on {} {{ {alias}{}{arguments}{inner} }}",
                owner.name, field.name
            ),
        };
    }

    fn text(mut self, operation: &str) -> String {
        if self.leaves == 0 {
            self.body.push_str(" { __typename }");
        }
        let mut text = operation.to_owned();
        if !self.variables.is_empty() {
            let variables: Vec<String> =
                self.variables.iter().map(|(name, ty)| format!("${name}: {ty}")).collect();
            let _ = write!(text, "({})", variables.join(", "));
        }
        text.push_str(&self.body);
        text.push_str(&" }".repeat(self.closing));
        text
    }
}
