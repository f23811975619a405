//! Where `@defer` may stand (incremental delivery, section "Validation"): a label is a text that stands in
//! a document once, root fields of mutations and subscriptions come at once, and a subscription can be
//! had without deferring.

use super::{
    document::{Fragment, Query, SelectionSet, fragments, parts},
    types::OperationKind,
};
use crate::error::{GraphqlError, code};
use graphql_tools::parser::query::{self as ast, Definition};
use std::collections::{HashMap, HashSet};

type Directive = ast::Directive<'static, String>;

/// Checks a document that is valid otherwise.
pub(super) fn check(query: &Query) -> Result<(), Vec<GraphqlError>> {
    let mut rules =
        Rules { fragments: fragments(query), labels: HashSet::new(), problems: Vec::new() };
    for definition in &query.definitions {
        match definition {
            Definition::Fragment(fragment) => rules.labels(&fragment.selection_set),
            Definition::Operation(operation) => {
                let parts = parts(operation);
                rules.labels(parts.selection);
                let kind = match parts.kind {
                    OperationKind::Query => continue,
                    OperationKind::Mutation => "mutation",
                    OperationKind::Subscription => "subscription",
                };
                rules.root(parts.selection, kind, &mut HashSet::new());
                if parts.kind == OperationKind::Subscription {
                    rules.subscription(parts.selection, &mut HashSet::new());
                }
            }
        }
    }
    match rules.problems.is_empty() {
        true => Ok(()),
        false => Err(rules.problems),
    }
}

struct Rules<'a> {
    fragments: HashMap<&'a str, &'a Fragment>,
    labels: HashSet<&'a str>,
    problems: Vec<GraphqlError>,
}

/// The parts of a selection: its directives, the selections in it, and the fragment that it names.
fn read<'a>(
    item: &'a ast::Selection<'static, String>,
) -> (&'a [Directive], Option<&'a SelectionSet>, Option<&'a str>) {
    match item {
        ast::Selection::Field(field) => (&field.directives, Some(&field.selection_set), None),
        ast::Selection::InlineFragment(inline) => {
            (&inline.directives, Some(&inline.selection_set), None)
        }
        ast::Selection::FragmentSpread(spread) => {
            (&spread.directives, None, Some(&spread.fragment_name))
        }
    }
}

fn defer(directives: &[Directive]) -> Option<&Directive> {
    directives.iter().find(|directive| directive.name == "defer")
}

fn argument<'a>(directive: &'a Directive, name: &str) -> Option<&'a ast::Value<'static, String>> {
    directive.arguments.iter().find_map(|(known, value)| (known == name).then_some(value))
}

impl<'a> Rules<'a> {
    fn problem(&mut self, directive: &Directive, message: String) {
        // A broken client may be wrong everywhere; the first problems tell enough.
        if self.problems.len() < 20 {
            let mut error = GraphqlError::new(code::VALIDATION_FAILED, message);
            error.locations.push((directive.position.line, directive.position.column));
            self.problems.push(error);
        }
    }

    /// "Defer And Stream Directive Labels Are Unique".
    fn labels(&mut self, set: &'a SelectionSet) {
        for item in &set.items {
            let (directives, inner, _) = read(item);
            if let Some(directive) = defer(directives) {
                match argument(directive, "label") {
                    None | Some(ast::Value::Null) => {}
                    Some(ast::Value::String(label)) if self.labels.insert(label) => {}
                    Some(ast::Value::String(label)) => self.problem(
                        directive,
                        format!("the label \"{label}\" of @defer stands in the document twice; labels must differ"),
                    ),
                    Some(_) => self.problem(
                        directive,
                        "the label of @defer must be a text in the document, not a variable"
                            .to_owned(),
                    ),
                }
            }
            if let Some(inner) = inner {
                self.labels(inner);
            }
        }
    }

    /// "Defer And Stream Directives Are Used On Valid Root Field".
    fn root(&mut self, set: &'a SelectionSet, kind: &str, seen: &mut HashSet<&'a str>) {
        for item in &set.items {
            if matches!(item, ast::Selection::Field(_)) {
                continue;
            }
            let (directives, inner, named) = read(item);
            if let Some(directive) = defer(directives) {
                self.problem(directive, format!("the root fields of a {kind} cannot be deferred"));
            }
            if let Some(inner) = inner.or_else(|| self.named(named, seen)) {
                self.root(inner, kind, seen);
            }
        }
    }

    /// "Defer And Stream Directives Are Used On Valid Operations".
    fn subscription(&mut self, set: &'a SelectionSet, seen: &mut HashSet<&'a str>) {
        for item in &set.items {
            let (directives, inner, named) = read(item);
            if never_included(directives) {
                continue;
            }
            if let Some(directive) = defer(directives)
                && !matches!(
                    argument(directive, "if"),
                    Some(ast::Value::Boolean(false) | ast::Value::Variable(_))
                )
            {
                self.problem(
                    directive,
                    "a subscription cannot defer: leave @defer out, or turn it off by \"if: false\""
                        .to_owned(),
                );
            }
            if let Some(inner) = inner.or_else(|| self.named(named, seen)) {
                self.subscription(inner, seen);
            }
        }
    }

    /// The selections of a fragment that was not looked at yet.
    fn named(
        &self,
        name: Option<&'a str>,
        seen: &mut HashSet<&'a str>,
    ) -> Option<&'a SelectionSet> {
        let fragment = *self.fragments.get(name?)?;
        seen.insert(&fragment.name).then_some(&fragment.selection_set)
    }
}

/// Whether a selection is left out whatever the variables are.
fn never_included(directives: &[Directive]) -> bool {
    directives.iter().any(|directive| {
        let never = match directive.name.as_str() {
            "skip" => true,
            "include" => false,
            _ => return false,
        };
        matches!(argument(directive, "if"), Some(ast::Value::Boolean(value)) if *value == never)
    })
}
