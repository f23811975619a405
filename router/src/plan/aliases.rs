//! Internal response keys.
//!
//! A field without arguments keeps its own name, under which the planner also fetches keys: the
//! value is the same. A field with arguments gets a key of its own, shared by all places that give
//! the same arguments. In a scope of several types, a name that the schema gives conflicting shapes
//! gets one key per shape. An object that the operation has under several of the client's keys gets one
//! key for each of them ([`super::twins`]). The key is a function of these alone, so that the operation
//! handed to the planner and the projection agree without knowing of each other.

use super::{
    defer::Defers,
    document::{Fragment, SelectionSet},
    operation::Variables,
    twins::Twins,
};
use crate::schema::{FieldDef, Literal, Schema};
use async_graphql::Value;
use graphql_tools::parser::query as ast;
use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
};

pub(crate) struct Aliases<'a> {
    pub(crate) schema: &'a Schema,
    pub(crate) fragments: HashMap<&'a str, &'a Fragment>,
    variables: &'a Variables,
    declared: HashSet<&'a str>,
    numbers: HashMap<String, usize>,
    twins: Twins,
    /// Set for root fields of mutations, each of which is executed even when it equals another.
    pub(crate) salt: Option<usize>,
    pub(crate) defers: Defers<'a>,
}

/// Prefix of variables whose own names the planner might use for itself.
const VARIABLE_PREFIX: &str = "c_";

/// The name of a client's variable in documents for subgraphs.
pub(crate) fn wire_variable(name: &str) -> String {
    let reserved = ["representations", VARIABLE_PREFIX];
    match reserved.iter().any(|prefix| name.starts_with(prefix)) {
        true => format!("{VARIABLE_PREFIX}{name}"),
        false => name.to_owned(),
    }
}

/// The client's name of a variable in documents for subgraphs.
pub(crate) fn client_variable(wire: &str) -> &str {
    wire.strip_prefix(VARIABLE_PREFIX).unwrap_or(wire)
}

impl<'a> Aliases<'a> {
    pub(crate) fn new(
        schema: &'a Schema,
        fragments: HashMap<&'a str, &'a Fragment>,
        variables: &'a Variables,
        declared: impl Iterator<Item = &'a str>,
        root: &'a SelectionSet,
    ) -> Aliases<'a> {
        let mut aliases = Aliases {
            schema,
            fragments,
            variables,
            declared: declared.collect(),
            numbers: HashMap::new(),
            twins: Twins::default(),
            salt: None,
            defers: Defers::default(),
        };
        aliases.twins = Twins::find(&aliases, root);
        aliases
    }

    /// Whether `@skip` and `@include` leave a selection in.
    pub(crate) fn includes(&self, directives: &[ast::Directive<'static, String>]) -> bool {
        directives.iter().all(|directive| {
            let wanted = match directive.name.as_str() {
                "skip" => false,
                "include" => true,
                _ => return true,
            };
            let condition = directive.arguments.iter().find(|(name, _)| name == "if");
            match condition.map(|(_, value)| value) {
                Some(ast::Value::Boolean(value)) => *value == wanted,
                Some(ast::Value::Variable(name)) => {
                    matches!(self.variables.get(name), Some(Value::Boolean(true))) == wanted
                }
                _ => true,
            }
        })
    }

    /// The deferred fragment in which the selections of a fragment are: a new one where `@defer` says
    /// so, else the one around.
    pub(crate) fn defer(
        &mut self,
        directives: &'a [ast::Directive<'static, String>],
        around: Option<usize>,
    ) -> Option<usize> {
        let directive = match self.defers.on {
            true => directives.iter().find(|directive| directive.name == "defer"),
            false => None,
        };
        let Some(directive) = directive else { return around };
        let condition = directive.arguments.iter().find(|(name, _)| name == "if");
        let defers = match condition.map(|(_, value)| value) {
            None => true,
            Some(ast::Value::Boolean(value)) => *value,
            // Without a value the argument's default holds.
            Some(ast::Value::Variable(name)) if self.is_absent(name) => true,
            Some(ast::Value::Variable(name)) => {
                matches!(self.variables.get(name), Some(Value::Boolean(true)))
            }
            Some(_) => false,
        };
        if defers { self.defers.number(directive, around).or(around) } else { around }
    }

    /// A field's arguments, sorted, without those whose variable has no value.
    pub(crate) fn arguments(&self, field: &ast::Field<'static, String>) -> Vec<(String, Literal)> {
        let mut arguments: Vec<(String, Literal)> = field
            .arguments
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), self.given(value)?)))
            .collect();
        arguments.sort_by(|a, b| a.0.cmp(&b.0));
        arguments
    }

    fn is_absent(&self, variable: &str) -> bool {
        self.declared.contains(variable) && !self.variables.contains_key(variable)
    }

    fn given(&self, value: &Literal) -> Option<Literal> {
        Some(match value {
            ast::Value::Variable(name) if self.is_absent(name) => return None,
            ast::Value::Variable(name) => ast::Value::Variable(wire_variable(name)),
            ast::Value::List(items) => ast::Value::List(
                items.iter().map(|item| self.given(item).unwrap_or(ast::Value::Null)).collect(),
            ),
            ast::Value::Object(fields) => ast::Value::Object(
                fields
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.given(value)?)))
                    .collect(),
            ),
            other => other.clone(),
        })
    }

    /// The alias under which a field is fetched that the client has under `response_key`; `None` for
    /// its own name. `mixed` says that the scope holds several types.
    pub(crate) fn alias(
        &mut self,
        field: &FieldDef,
        response_key: &str,
        arguments: &[(String, Literal)],
        mixed: bool,
    ) -> Option<String> {
        let call = call(&field.name, arguments);
        let composite =
            self.schema.ty(field.ty.name()).is_some_and(crate::schema::TypeDef::is_composite);
        let shape = (mixed && self.schema.has_conflicting_shapes(&field.name))
            .then(|| field.ty.shape(composite));
        // Of a null where several types may stand, nobody knows by which of its keys the type has a
        // leaf that made null of it.
        let is_twin = (composite || mixed) && response_key != &*field.name && self.twins.has(&call);
        let twin = is_twin.then_some(response_key);
        if arguments.is_empty() && shape.is_none() && twin.is_none() && self.salt.is_none() {
            return None;
        }
        let twin = twin.unwrap_or_default();
        let mut identity = format!("{call}|{}|{twin}", shape.unwrap_or_default());
        if let Some(salt) = self.salt {
            let _ = write!(identity, "|{salt}");
        }
        let next = self.numbers.len();
        let number = *self.numbers.entry(identity).or_insert(next);
        Some(format!("{}{number}_{}", self.schema.alias_prefix(), field.name))
    }
}

/// A field with its arguments, which [`Aliases::arguments`] has sorted.
pub(super) fn call(name: &str, arguments: &[(String, Literal)]) -> String {
    let mut call = format!("{name}(");
    for (name, value) in arguments {
        let _ = write!(call, "{name}:{value},");
    }
    call
}
