//! Makes fields of one response key mergeable, by other keys (GraphQL, "Field Selection Merging").

use crate::{
    model::{Model, named},
    operations::{Doc, Item, Set},
    schema::Type,
};
use graphql_tools::parser::query::{
    Definition, Field, OperationDefinition, Selection, TypeCondition,
};
use std::collections::HashMap;

type Node = Field<'static, String>;

/// Gives the second of two fields that cannot be merged a key of its own, until all can be.
pub fn separate(model: &Model, document: &mut Doc) {
    while let Some(line) = conflict(model, document) {
        for_each_set(document, &mut |set| {
            for item in &mut set.items {
                if let Selection::Field(field) = item
                    && field.position.line == line
                {
                    field.alias = Some(format!("f{line}"));
                }
            }
        });
    }
}

/// Calls for every selection set of a document, from the outside inwards.
pub fn for_each_set(document: &mut Doc, call: &mut impl FnMut(&mut Set)) {
    for definition in &mut document.definitions {
        match definition {
            Definition::Operation(operation) => walk(root(operation), call),
            Definition::Fragment(fragment) => walk(&mut fragment.selection_set, call),
        }
    }
}

pub fn root<'a>(operation: &'a mut OperationDefinition<'static, String>) -> &'a mut Set {
    match operation {
        OperationDefinition::SelectionSet(set) => set,
        OperationDefinition::Query(query) => &mut query.selection_set,
        OperationDefinition::Mutation(mutation) => &mut mutation.selection_set,
        OperationDefinition::Subscription(subscription) => &mut subscription.selection_set,
    }
}

fn walk(set: &mut Set, call: &mut impl FnMut(&mut Set)) {
    call(set);
    for item in &mut set.items {
        if let Some(inner) = inner(item) {
            walk(inner, call);
        }
    }
}

/// The selection set of a selection.
pub fn inner(item: &mut Item) -> Option<&mut Set> {
    match item {
        Selection::Field(field) => Some(&mut field.selection_set),
        Selection::InlineFragment(fragment) => Some(&mut fragment.selection_set),
        Selection::FragmentSpread(_) => None,
    }
}

struct Check<'a> {
    model: &'a Model,
    fragments: HashMap<&'a str, (&'a str, &'a Set)>,
}

/// The number of a field that cannot be merged with one before it.
fn conflict(model: &Model, document: &Doc) -> Option<usize> {
    let mut check = Check { model, fragments: HashMap::new() };
    let mut start = None;
    for definition in &document.definitions {
        match definition {
            Definition::Fragment(fragment) => {
                let TypeCondition::On(on) = &fragment.type_condition;
                check.fragments.insert(&fragment.name, (on, &fragment.selection_set));
            }
            Definition::Operation(OperationDefinition::Query(query)) => {
                start = Some(("Query", &query.selection_set));
            }
            Definition::Operation(OperationDefinition::Mutation(mutation)) => {
                start = Some(("Mutation", &mutation.selection_set));
            }
            Definition::Operation(other) => panic!("not generated: {other}"),
        }
    }
    let (ty, set) = start?;
    let mut fields = Vec::new();
    check.collect(ty, set, &mut fields);
    check.first(&fields, false)
}

impl<'a> Check<'a> {
    fn collect(&self, ty: &'a str, set: &'a Set, fields: &mut Vec<(&'a str, &'a Node)>) {
        for item in &set.items {
            match item {
                Selection::Field(field) => fields.push((ty, field)),
                Selection::InlineFragment(fragment) => {
                    let on = fragment.type_condition.as_ref().map_or(ty, |on| on.as_ref().as_str());
                    self.collect(on, &fragment.selection_set, fields);
                }
                Selection::FragmentSpread(spread) => {
                    let (on, set) = self.fragments[spread.fragment_name.as_str()];
                    self.collect(on, set, fields);
                }
            }
        }
    }

    fn ty(&self, parent: &str, field: &Node) -> Option<&'a Type> {
        let model: &'a Model = self.model;
        Some(&model.api.field(parent, &field.name)?.field_type)
    }

    /// `shape` alone is compared of fields of two objects that are never the same.
    fn first(&self, fields: &[(&'a str, &'a Node)], shape: bool) -> Option<usize> {
        for (index, (parent, field)) in fields.iter().enumerate() {
            for (other_parent, other) in &fields[..index] {
                let same_key = key(field) == key(other);
                if !same_key || std::ptr::eq(*field, *other) && parent == other_parent {
                    continue;
                }
                let is_object = |name| self.model.api.is_object(name);
                let apart = parent != other_parent && is_object(parent) && is_object(other_parent);
                let alike = field.name == other.name && same_arguments(field, other);
                if !shape && !apart && !alike || !self.mergeable(parent, field, other_parent, other)
                {
                    return Some(field.position.line);
                }
                let mut inside = Vec::new();
                for (parent, field) in [(other_parent, other), (parent, field)] {
                    if let Some(ty) = self.ty(parent, field) {
                        self.collect(named(ty), &field.selection_set, &mut inside);
                    }
                }
                if let Some(line) = self.first(&inside, shape || apart) {
                    return Some(line);
                }
            }
        }
        for (parent, field) in fields {
            let Some(ty) = self.ty(parent, field) else { continue };
            let mut inside = Vec::new();
            self.collect(named(ty), &field.selection_set, &mut inside);
            if let Some(line) = self.first(&inside, shape) {
                return Some(line);
            }
        }
        None
    }

    /// Whether two fields have one shape, and async-graphql merges them: it runs each, which a mutation
    /// must not be, and it does not look into lists of lists.
    fn mergeable(&self, parent: &str, field: &Node, other_parent: &str, other: &Node) -> bool {
        let (one, two) = (self.ty(parent, field), self.ty(other_parent, other));
        if field.name == "__typename" || other.name == "__typename" {
            let is_string = |ty: Option<&Type>| ty.is_none_or(|ty| ty.to_string() == "String!");
            return is_string(one) && is_string(two);
        }
        let (Some(one), Some(two)) = (one, two) else { return one == two };
        let is_composite = |ty| !self.model.possible(named(ty)).is_empty();
        let wrapping = |ty: &Type| ty.to_string().replace(named(ty), "");
        let same_leaf = named(one) == named(two) || is_composite(one) && is_composite(two);
        let is_matrix = is_composite(one) && one.to_string().starts_with("[[");
        wrapping(one) == wrapping(two) && same_leaf && !is_matrix && parent != "Mutation"
    }
}

fn key(field: &Node) -> &str {
    field.alias.as_ref().unwrap_or(&field.name)
}

fn same_arguments(one: &Node, two: &Node) -> bool {
    one.arguments.len() == two.arguments.len()
        && one.arguments.iter().all(|argument| two.arguments.contains(argument))
}
