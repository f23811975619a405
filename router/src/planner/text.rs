//! Writes the documents for subgraphs.

use super::{
    fetches::{Fetches, NodeId},
    selection::Wanted,
};
use crate::{
    data::{Key, KeyTable, write_string},
    plan::{
        aliases::client_variable,
        types::{OperationKind, UsedVariable},
    },
    schema::Literal,
};
use graphql_tools::parser::query as ast;
use std::{collections::BTreeSet, fmt::Write as _};

/// One document while it is written.
pub(super) struct Writer<'a> {
    fetches: &'a Fetches,
    definitions: &'a [ast::VariableDefinition<'static, String>],
    keys: &'a mut KeyTable,
    used: BTreeSet<String>,
    out: String,
}

impl<'a> Writer<'a> {
    pub(super) fn new(
        fetches: &'a Fetches,
        definitions: &'a [ast::VariableDefinition<'static, String>],
        keys: &'a mut KeyTable,
    ) -> Writer<'a> {
        Writer { fetches, definitions, keys, used: BTreeSet::new(), out: String::new() }
    }

    pub(super) fn intern(&mut self, key: &str) -> Key {
        self.keys.intern(key)
    }

    pub(super) fn open(&mut self) {
        self.out.push('{');
    }

    pub(super) fn close(&mut self) {
        self.out.push('}');
    }

    /// What was written so far.
    pub(super) fn body(self) -> String {
        self.out
    }

    /// One `_entities` field.
    pub(super) fn entities(&mut self, key: &str, variable: &str, node: NodeId) {
        if self.out.len() > 1 {
            self.out.push(' ');
        }
        if key != "_entities" {
            let _ = write!(self.out, "{key}:");
        }
        let _ = write!(self.out, "_entities(representations:${variable})");
        self.selection(node);
    }

    /// A selection set, without what is empty in it.
    pub(super) fn selection(&mut self, node: NodeId) {
        let fetches = self.fetches;
        self.out.push('{');
        let mut first = true;
        let mut separate = |out: &mut String| {
            if !std::mem::take(&mut first) {
                out.push(' ');
            }
        };
        for (wanted, child) in &fetches.nodes[node].fields {
            if child.is_some_and(|child| fetches.is_empty(child)) {
                continue;
            }
            separate(&mut self.out);
            self.field(wanted);
            if let Some(child) = child {
                self.selection(*child);
            }
        }
        for (ty, inner) in &fetches.nodes[node].fragments {
            if fetches.is_empty(*inner) {
                continue;
            }
            separate(&mut self.out);
            let _ = write!(self.out, "...on {ty}");
            self.selection(*inner);
        }
        self.out.push('}');
    }

    /// The keys of the fields of a selection set that are written whatever the type is.
    pub(super) fn fields(&mut self, node: NodeId) -> Vec<Key> {
        let fetches = self.fetches;
        let fields = fetches.nodes[node].fields.iter();
        let written =
            fields.filter(|(_, child)| child.is_none_or(|child| !fetches.is_empty(child)));
        written.map(|(wanted, _)| self.keys.intern(&wanted.key)).collect()
    }

    fn field(&mut self, wanted: &Wanted) {
        self.keys.intern(&wanted.key);
        if wanted.key != wanted.name {
            let _ = write!(self.out, "{}:", wanted.key);
        }
        self.out.push_str(&wanted.name);
        for (number, (name, value)) in wanted.arguments.iter().enumerate() {
            let _ = write!(self.out, "{}{name}:", if number == 0 { "(" } else { "," });
            self.literal(value);
        }
        if !wanted.arguments.is_empty() {
            self.out.push(')');
        }
    }

    fn literal(&mut self, value: &Literal) {
        match value {
            ast::Value::Variable(name) => {
                self.used.insert(name.clone());
                let _ = write!(self.out, "${name}");
            }
            ast::Value::String(text) => string(text, &mut self.out),
            ast::Value::List(items) => {
                self.out.push('[');
                for (number, item) in items.iter().enumerate() {
                    if number > 0 {
                        self.out.push(',');
                    }
                    self.literal(item);
                }
                self.out.push(']');
            }
            ast::Value::Object(fields) => {
                self.out.push('{');
                for (number, (name, item)) in fields.iter().enumerate() {
                    let _ = write!(self.out, "{}{name}:", if number > 0 { "," } else { "" });
                    self.literal(item);
                }
                self.out.push('}');
            }
            ast::Value::Int(_)
            | ast::Value::Float(_)
            | ast::Value::Boolean(_)
            | ast::Value::Enum(_)
            | ast::Value::Null => {
                let _ = write!(self.out, "{value}");
            }
        }
    }

    /// The whole document, and the client's variables in it.
    pub(super) fn operation(
        self,
        kind: OperationKind,
        representations: &[String],
    ) -> (String, Vec<UsedVariable>) {
        let definitions = self.definitions;
        let known: Vec<_> =
            definitions.iter().filter(|definition| self.used.contains(&definition.name)).collect();
        let mut parts: Vec<String> =
            representations.iter().map(|name| format!("${name}:[_Any!]!")).collect();
        for definition in &known {
            let mut part = format!("${}:{}", definition.name, definition.var_type);
            if let Some(default) = &definition.default_value {
                let mut keys = KeyTable::new();
                let mut writer = Writer::new(self.fetches, &[], &mut keys);
                writer.literal(default);
                let _ = write!(part, "={}", writer.out);
            }
            parts.push(part);
        }
        let mut text = match kind {
            OperationKind::Query => "query",
            OperationKind::Mutation => "mutation",
            OperationKind::Subscription => "subscription",
        }
        .to_owned();
        if !parts.is_empty() {
            let _ = write!(text, "({})", parts.join(","));
        }
        text.push_str(&self.out);
        let variables = known
            .into_iter()
            .map(|definition| UsedVariable {
                wire: definition.name.clone(),
                client: client_variable(&definition.name).to_owned(),
            })
            .collect();
        (text, variables)
    }
}

/// A string literal. JSON's escapes are GraphQL's.
fn string(text: &str, out: &mut String) {
    let mut quoted = Vec::with_capacity(text.len() + 2);
    write_string(text, &mut quoted);
    out.push_str(&String::from_utf8_lossy(&quoted));
}
