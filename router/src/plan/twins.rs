//! Fields that an operation has under several response keys.
//!
//! An error inside of what one key selects may make null of its object, and leaves that of the other key
//! ("Handling Execution Errors"). Fetched once, both would share the null; so each is fetched by itself.

use super::{
    aliases::{Aliases, call},
    document::SelectionSet,
};
use graphql_tools::parser::query as ast;
use std::collections::{HashMap, HashSet};

/// Fields with their arguments that stand under several response keys anywhere in an operation.
#[derive(Default)]
pub(super) struct Twins {
    calls: HashSet<String>,
}

impl Twins {
    pub(super) fn find<'a>(aliases: &Aliases<'a>, root: &'a SelectionSet) -> Twins {
        let mut search = Search { aliases, keys: HashMap::new(), seen: HashSet::new() };
        let mut twins = Twins::default();
        search.set(root, &mut twins.calls);
        twins
    }

    /// Whether a field, as [`call`] writes it, is among them.
    pub(super) fn has(&self, call: &str) -> bool {
        self.calls.contains(call)
    }
}

struct Search<'a, 'b> {
    aliases: &'b Aliases<'a>,
    /// The first response key that was met of each field.
    keys: HashMap<String, &'a str>,
    /// Fragments that were gone through.
    seen: HashSet<&'a str>,
}

impl<'a> Search<'a, '_> {
    fn set(&mut self, set: &'a SelectionSet, twins: &mut HashSet<String>) {
        for item in &set.items {
            match item {
                ast::Selection::Field(field) if self.aliases.includes(&field.directives) => {
                    self.field(field, twins);
                }
                ast::Selection::InlineFragment(fragment)
                    if self.aliases.includes(&fragment.directives) =>
                {
                    self.set(&fragment.selection_set, twins);
                }
                ast::Selection::FragmentSpread(spread)
                    if self.aliases.includes(&spread.directives) =>
                {
                    if let Some(&fragment) =
                        self.aliases.fragments.get(spread.fragment_name.as_str())
                        && self.seen.insert(&fragment.name)
                    {
                        self.set(&fragment.selection_set, twins);
                    }
                }
                _ => {}
            }
        }
    }

    fn field(&mut self, field: &'a ast::Field<'static, String>, twins: &mut HashSet<String>) {
        let call = call(&field.name, &self.aliases.arguments(field));
        let response_key = field.alias.as_ref().unwrap_or(&field.name).as_str();
        if *self.keys.entry(call.clone()).or_insert(response_key) != response_key {
            twins.insert(call);
        }
        self.set(&field.selection_set, twins);
    }
}
