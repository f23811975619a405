//! Smaller operations of which the same is wrong.

use crate::{
    merge::{inner, root},
    operations::{INTROSPECTION, Item, Operation, Set},
    rewrite::variables,
};
use graphql_tools::parser::query::{Definition, Selection};

/// What may be left out of a document, numbered in the order in which [`Cut`] comes to it.
struct Cut {
    /// How many steps to go before one is done.
    left: usize,
    done: bool,
}

/// The operation without one thing: a selection, a condition, an argument, or a fragment around
/// selections. `None` when there are no so many.
pub fn without(operation: &Operation, number: usize) -> Option<Operation> {
    let mut smaller = operation.clone();
    let mut cut = Cut { left: number, done: false };
    for definition in &mut smaller.document.definitions {
        match definition {
            Definition::Operation(operation) => cut.set(root(operation)),
            Definition::Fragment(fragment) => cut.set(&mut fragment.selection_set),
        }
    }
    if !cut.done {
        return None;
    }
    clean(&mut smaller);
    Some(smaller)
}

impl Cut {
    fn here(&mut self) -> bool {
        if self.done {
            return false;
        }
        self.done = self.left == 0;
        self.left = self.left.saturating_sub(1);
        self.done
    }

    fn set(&mut self, set: &mut Set) {
        let mut index = 0;
        while index < set.items.len() && !self.done {
            if set.items.len() > 1 && self.here() {
                set.items.remove(index);
                return;
            }
            if let Selection::InlineFragment(fragment) = &mut set.items[index]
                && fragment.type_condition.is_none()
                && self.here()
            {
                let items = std::mem::take(&mut fragment.selection_set.items);
                set.items.splice(index..=index, items);
                return;
            }
            self.item(&mut set.items[index]);
            index += 1;
        }
    }

    fn item(&mut self, item: &mut Item) {
        let directives = match item {
            Selection::Field(field) => &mut field.directives,
            Selection::InlineFragment(fragment) => &mut fragment.directives,
            Selection::FragmentSpread(spread) => &mut spread.directives,
        };
        if !directives.is_empty() && self.here() {
            directives.remove(0);
            return;
        }
        if let Selection::Field(field) = item {
            // By this key the lists of an introspected schema are known, whose order is open.
            let is_needed = |key: &String| key.starts_with(INTROSPECTION);
            if field.alias.as_ref().is_some_and(|key| !is_needed(key)) && self.here() {
                field.alias = None;
                return;
            }
            for index in 0..field.arguments.len() {
                if self.here() {
                    field.arguments.remove(index);
                    return;
                }
            }
        }
        if let Some(inner) = inner(item) {
            self.set(inner);
        }
    }
}

/// Takes out fragments and variables that nothing uses any more.
fn clean(operation: &mut Operation) {
    loop {
        let text = operation.text();
        let words: Vec<&str> = text
            .split(|letter: char| !(letter.is_alphanumeric() || "_$.".contains(letter)))
            .collect();
        let used = |word: &str| words.iter().filter(|own| **own == word).count();
        let before = operation.document.definitions.len();
        let is_used =
            |name: &str| used(&format!("...{name}")) > 0 || text.contains(&format!("... {name} "));
        operation.document.definitions.retain(|definition| match definition {
            Definition::Fragment(fragment) => is_used(&fragment.name),
            Definition::Operation(_) => true,
        });
        for definition in &mut operation.document.definitions {
            if let Definition::Operation(definition) = definition {
                let known = variables(definition);
                known.retain(|variable| used(&format!("${}", variable.name)) > 1);
                operation.variables.retain(|name, _| known.iter().any(|own| own.name == *name));
            }
        }
        if operation.document.definitions.len() == before {
            return;
        }
    }
}
