//! Checks that every public field of a supergraph can be had: that it can be planned, reached by each way.

use super::{CompositionErrors, supergraph::read_supergraph};
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
use std::{
    collections::{BTreeSet, HashSet, VecDeque},
    fmt::Write as _,
    sync::Arc,
    time::Duration,
};

/// Plans every field of the public schema, reached through every field that returns its type. Meant
/// for tests and builds: it plans once per field.
pub fn check_plannable(sdl: &str) -> Result<(), CompositionErrors> {
    let (supergraph, schema, validator) = read_supergraph(sdl)?;
    // Progressive overrides are checked on both sides: with all labels off, and with all on.
    let labels: BTreeSet<_> = (0..supergraph.labels.all.len()).collect();
    let moved = (!labels.is_empty()).then(|| supergraph.with(&labels));
    let mut check = Check {
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
    let mut problems = check.run();
    if let Some(moved) = moved {
        check.supergraph = moved;
        let more = check.run().into_iter().filter(|problem| !problems.contains(problem));
        problems.extend(more.collect::<Vec<_>>());
    }
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
