//! Parses a client's document, holds it to the limits and validates it against the public schema.
//! The result is kept per document text, with the plans made from it.

use super::{
    cache::Cache,
    defer::DeferUsages,
    meta_fields,
    operation::Operation,
    types::{OperationKind, Plan},
};
use crate::{
    error::{GraphqlError, code},
    limits::Limits,
    planner::Labels,
    schema::Schema,
};
use graphql_tools::{
    parser::query::{self as ast, Definition},
    validation::{
        rules::{OverlappingFieldsCanBeMerged, ValidationRule, default_rules_validation_plan},
        validate::{ValidationPlan, validate},
    },
};
use std::{collections::HashMap, num::IntErrorKind};

pub(crate) type Query = ast::Document<'static, String>;
pub(crate) type SelectionSet = ast::SelectionSet<'static, String>;
pub(crate) type Fragment = ast::FragmentDefinition<'static, String>;

/// How a plan depends on variables: for each condition its value, for each variable that may be left
/// out whether it was, for each label of progressive overrides whether it is on.
pub(crate) type PlanKey = (usize, Vec<bool>);

/// A valid document.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) query: Query,
    pub(crate) operations: Vec<Operation>,
    pub(crate) plans: Cache<PlanKey, Plan>,
}

impl Document {
    /// Parses, measures and validates.
    pub(crate) fn prepare(
        text: &str,
        schema: &Schema,
        validator: &Validator,
        limits: &Limits,
    ) -> Result<Document, Vec<GraphqlError>> {
        let query = parse(text, limits)?;
        measure(&query, limits).map_err(|error| vec![error])?;
        validator.validate(&query)?;
        super::merging::check(&query, schema, limits.comparisons)?;
        super::defer_rules::check(&query)?;
        let operations = Operation::all(&query, schema).map_err(|error| vec![error])?;
        Ok(Document { query, operations, plans: Cache::new(limits.plans_per_document) })
    }

    /// Notes for each operation on which labels of progressive overrides its plan can depend.
    pub(crate) fn meet(&mut self, labels: &Labels) {
        let fragments = fragments(&self.query);
        for operation in &mut self.operations {
            if let Some(Definition::Operation(definition)) =
                self.query.definitions.get(operation.index)
            {
                operation.labels = labels.met(parts(definition).selection, &fragments);
            }
        }
    }

    /// The fragments by name.
    pub(crate) fn fragments(&self) -> HashMap<&str, &Fragment> {
        fragments(&self.query)
    }

    /// The operation that the request means (GraphQL, "GetOperation").
    pub(crate) fn operation(&self, name: Option<&str>) -> Result<usize, GraphqlError> {
        let bad = |message: String| GraphqlError::new(code::BAD_USER_INPUT, message);
        match name {
            None if self.operations.len() == 1 => Ok(0),
            None => {
                Err(bad("the document has several operations; say which one in \"operationName\""
                    .to_owned()))
            }
            Some(name) => self
                .operations
                .iter()
                .position(|operation| operation.name.as_deref() == Some(name))
                .ok_or_else(|| bad(format!("the document has no operation named \"{name}\""))),
        }
    }
}

fn parse(text: &str, limits: &Limits) -> Result<Query, Vec<GraphqlError>> {
    let failed = |message: String, at: (usize, usize)| {
        let mut error = GraphqlError::new(code::PARSE_FAILED, message);
        error.locations.push(at);
        vec![error]
    };
    let text = super::escapes::mend(text);
    match ast::parse_query_with_token_limit::<String>(&text, limits.tokens) {
        Ok(query) => Ok(query.into_static()),
        Err(error) => {
            let told = error.to_string();
            if told.to_ascii_lowercase().contains("token limit") {
                return Err(vec![GraphqlError::new(
                    code::QUERY_TOO_COSTLY,
                    format!("the document has more than {} tokens; split it", limits.tokens),
                )]);
            }
            let at = (error.0.position.line, error.0.position.column);
            if let Some(integer) = large_integer(&text, at) {
                let (line, column) = at;
                let message = format!(
                    "the integer {integer} at {line}:{column} is larger than 64 bits; write it as a string"
                );
                return Err(failed(message, at));
            }
            let reasons = told
                .lines()
                .skip(1)
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join("; ");
            Err(failed(format!("the document is not GraphQL: {reasons}"), at))
        }
    }
}

/// The integer that stands at a place (line and column, from 1), where it has more than 64 bits. The
/// parser's crate takes no such, though the grammar does.
fn large_integer(text: &str, (line, column): (usize, usize)) -> Option<&str> {
    let line = text.lines().nth(line.checked_sub(1)?)?;
    let (start, _) = line.char_indices().nth(column.checked_sub(1)?)?;
    let rest = &line[start..];
    let is_part = |(index, one): (usize, char)| one.is_ascii_digit() || (index, one) == (0, '-');
    let end = rest.char_indices().find(|one| !is_part(*one)).map_or(rest.len(), |(index, _)| index);
    let integer = &rest[..end];
    let too_large = integer.parse::<i64>().is_err_and(|error| {
        matches!(error.kind(), IntErrorKind::PosOverflow | IntErrorKind::NegOverflow)
    });
    too_large.then_some(integer)
}

pub(crate) fn fragments(query: &Query) -> HashMap<&str, &Fragment> {
    query
        .definitions
        .iter()
        .filter_map(|definition| match definition {
            Definition::Fragment(fragment) => Some((fragment.name.as_str(), fragment)),
            Definition::Operation(_) => None,
        })
        .collect()
}

/// The parts of an operation that all forms of it have.
pub(crate) struct OperationParts<'a> {
    pub(crate) kind: OperationKind,
    pub(crate) name: Option<&'a str>,
    pub(crate) variables: &'a [ast::VariableDefinition<'static, String>],
    pub(crate) selection: &'a SelectionSet,
}

pub(crate) fn parts<'a>(
    operation: &'a ast::OperationDefinition<'static, String>,
) -> OperationParts<'a> {
    use ast::OperationDefinition as Op;
    let (kind, name, variables, selection) = match operation {
        Op::SelectionSet(set) => (OperationKind::Query, None, &[][..], set),
        Op::Query(op) => (
            OperationKind::Query,
            op.name.as_deref(),
            &op.variable_definitions[..],
            &op.selection_set,
        ),
        Op::Mutation(op) => (
            OperationKind::Mutation,
            op.name.as_deref(),
            &op.variable_definitions[..],
            &op.selection_set,
        ),
        Op::Subscription(op) => (
            OperationKind::Subscription,
            op.name.as_deref(),
            &op.variable_definitions[..],
            &op.selection_set,
        ),
    };
    OperationParts { kind, name, variables, selection }
}

/// How deep lists of fields, of interfaces, of possible types and of input fields may be nested in each
/// other in `__schema` and `__type`: each level multiplies the answer by their length.
const INTROSPECTION_DEPTH: usize = 3;

/// The size of a selection set with its fragments put in.
#[derive(Clone, Copy, Default)]
struct Size {
    depth: usize,
    /// Selection sets in each other, those of fragments too.
    levels: usize,
    fields: usize,
    aliases: usize,
    deferred: usize,
    /// How deep fields with the names of introspection's lists are nested in each other.
    lists: usize,
    /// The same of what stands in `__schema` and `__type`.
    introspection: usize,
}

impl Size {
    fn beside(self, other: Size) -> Size {
        Size {
            depth: self.depth.max(other.depth),
            levels: self.levels.max(other.levels),
            fields: self.fields.saturating_add(other.fields),
            aliases: self.aliases.saturating_add(other.aliases),
            deferred: self.deferred.saturating_add(other.deferred),
            lists: self.lists.max(other.lists),
            introspection: self.introspection.max(other.introspection),
        }
    }
}

impl Size {
    fn deferred_by(self, directives: &[ast::Directive<'static, String>]) -> Size {
        let defers = directives.iter().any(|directive| directive.name == "defer");
        Size { deferred: self.deferred.saturating_add(usize::from(defers)), ..self }
    }
}

/// Measures before validating, since the rules of validation cost what the document costs.
fn measure(query: &Query, limits: &Limits) -> Result<(), GraphqlError> {
    let mut meter =
        Meter { fragments: fragments(query), known: HashMap::new(), level: 0, most: limits.levels };
    for definition in &query.definitions {
        let size = match definition {
            Definition::Operation(operation) => meter.selection(parts(operation).selection)?,
            Definition::Fragment(fragment) => meter.fragment(&fragment.name)?,
        };
        let over = |what: &str, have: usize, limit: usize| {
            Err(too_costly(format!("{what} {have}, and at most {limit} is allowed")))
        };
        if size.depth > limits.depth {
            return over("a depth of", size.depth, limits.depth);
        }
        if size.fields > limits.fields {
            return over("a number of fields of", size.fields, limits.fields);
        }
        if size.aliases > limits.aliases {
            return over("a number of aliases of", size.aliases, limits.aliases);
        }
        let most = limits.deferred.min(DeferUsages::MOST);
        if size.deferred > most {
            return over("a number of deferred fragments of", size.deferred, most);
        }
        if size.introspection > INTROSPECTION_DEPTH {
            return over("an introspection depth of", size.introspection, INTROSPECTION_DEPTH);
        }
    }
    Ok(())
}

fn too_costly(what: String) -> GraphqlError {
    let message = format!("the operation has {what}; ask for less or split it");
    GraphqlError::new(code::QUERY_TOO_COSTLY, message)
}

struct Meter<'a> {
    fragments: HashMap<&'a str, &'a Fragment>,
    /// `None` while a fragment is being measured.
    known: HashMap<&'a str, Option<Size>>,
    /// In how many selection sets the one is that is being measured.
    level: usize,
    most: usize,
}

impl<'a> Meter<'a> {
    fn fragment(&mut self, name: &str) -> Result<Size, GraphqlError> {
        // What is unknown is for the validator to name.
        let Some(&fragment) = self.fragments.get(name) else {
            return Ok(Size::default());
        };
        match self.known.get(name) {
            Some(Some(size)) => {
                self.check(size.levels)?;
                Ok(*size)
            }
            Some(None) => Err(GraphqlError::new(
                code::VALIDATION_FAILED,
                format!("fragment \"{name}\" contains itself"),
            )),
            None => {
                self.known.insert(&fragment.name, None);
                let size = self.selection(&fragment.selection_set)?;
                self.known.insert(&fragment.name, Some(size));
                Ok(size)
            }
        }
    }

    /// Checks before going in: whatever comes later goes in as deep, on one thread's stack.
    fn check(&self, more: usize) -> Result<(), GraphqlError> {
        match self.level + more > self.most {
            true => Err(too_costly(format!(
                "more than {} levels of fields and fragments in each other",
                self.most
            ))),
            false => Ok(()),
        }
    }

    fn selection(&mut self, set: &'a SelectionSet) -> Result<Size, GraphqlError> {
        self.check(1)?;
        self.level += 1;
        let size = self.items(set)?;
        self.level -= 1;
        Ok(Size { levels: size.levels + 1, ..size })
    }

    fn items(&mut self, set: &'a SelectionSet) -> Result<Size, GraphqlError> {
        let mut total = Size::default();
        for item in &set.items {
            let size = match item {
                ast::Selection::Field(field) => {
                    let inner = self.selection(&field.selection_set)?;
                    let (nests, begins) = match field.name.as_str() {
                        "fields" | "interfaces" | "possibleTypes" | "inputFields" => (1, false),
                        "__schema" | "__type" => (0, true),
                        _ => (0, false),
                    };
                    Size {
                        levels: inner.levels,
                        depth: inner.depth.saturating_add(1),
                        fields: inner.fields.saturating_add(1),
                        aliases: inner.aliases.saturating_add(usize::from(field.alias.is_some())),
                        deferred: inner.deferred,
                        lists: inner.lists.saturating_add(nests),
                        introspection: match begins {
                            true => inner.introspection.max(inner.lists),
                            false => inner.introspection,
                        },
                    }
                }
                ast::Selection::FragmentSpread(spread) => {
                    self.fragment(&spread.fragment_name)?.deferred_by(&spread.directives)
                }
                ast::Selection::InlineFragment(fragment) => {
                    self.selection(&fragment.selection_set)?.deferred_by(&fragment.directives)
                }
            };
            total = total.beside(size);
        }
        Ok(total)
    }
}

/// The rules of the specification's chapter "Validation", against one schema.
pub(crate) struct Validator {
    schema: graphql_tools::parser::schema::Document<'static, String>,
    rules: ValidationPlan,
}

impl Validator {
    /// Validates against `schema`, which was built from the document.
    pub(crate) fn new(
        mut document: graphql_tools::parser::schema::Document<'static, String>,
        schema: &Schema,
    ) -> Validator {
        meta_fields::list(&mut document, schema);
        let mut rules = default_rules_validation_plan();
        // It compares each two fields; `merging` has the rule.
        let replaced = OverlappingFieldsCanBeMerged::new();
        rules.rules.retain(|rule| rule.error_code() != ValidationRule::error_code(&replaced));
        meta_fields::complete(&mut rules);
        Validator { schema: document, rules }
    }

    pub(crate) fn validate(&self, query: &Query) -> Result<(), Vec<GraphqlError>> {
        let problems = validate(&self.schema, query, &self.rules);
        if problems.is_empty() {
            return Ok(());
        }
        // A broken client may be wrong everywhere; the first problems tell enough.
        Err(problems
            .into_iter()
            .take(20)
            .map(|problem| {
                let mut error = GraphqlError::new(code::VALIDATION_FAILED, problem.message);
                error.locations = problem
                    .locations
                    .iter()
                    .map(|position| (position.line, position.column))
                    .collect();
                error
            })
            .collect())
    }
}

impl std::fmt::Debug for Validator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Validator").finish_non_exhaustive()
    }
}
