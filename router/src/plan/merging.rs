//! Which fields may stand under one response key (GraphQL, "Field Selection Merging").
//!
//! The specification compares each two fields of one key, which takes time by the square of their number.
//! Whether fields have one shape, and whether they are one field with the same arguments, are
//! equivalences: here each is compared with the first of its key alone, and what they select is looked
//! at together. Only where object types meet fields of an interface is something looked at once for each
//! type; nested, that could go on for long, so that the comparisons are counted.

use super::document::{Fragment, Query, SelectionSet, fragments, parts};
use crate::{
    error::{GraphqlError, code},
    schema::{FieldDef, Schema, TypeDef},
};
use graphql_tools::parser::query::{self as ast, Definition};
use std::collections::{HashMap, HashSet};

type Field = ast::Field<'static, String>;

/// Checks a document that is valid otherwise, with at most so many comparisons.
pub(super) fn check(query: &Query, schema: &Schema, most: usize) -> Result<(), Vec<GraphqlError>> {
    let mut merging = Merging { schema, fragments: fragments(query), most, left: most };
    for definition in &query.definitions {
        let Definition::Operation(operation) = definition else { continue };
        let parts = parts(operation);
        let root = parts.kind.root(schema);
        let Some(root) = root.and_then(|root| schema.ty(root)) else { continue };
        let mut all = Vec::new();
        merging.collect(parts.selection, root, &mut HashSet::new(), &mut all);
        merging
            .shapes(&all, &mut Vec::new())
            .and_then(|()| merging.fields(&all, &mut Vec::new()))
            .map_err(|error| vec![error])?;
    }
    Ok(())
}

/// A field where it is selected.
#[derive(Clone, Copy)]
struct Selected<'a> {
    field: &'a Field,
    /// The type of which it is selected.
    parent: &'a TypeDef,
    /// `None` for `__typename`, which no type lists.
    definition: Option<&'a FieldDef>,
}

impl<'a> Selected<'a> {
    fn key(&self) -> &'a str {
        self.field.alias.as_deref().unwrap_or(&self.field.name)
    }
}

struct Merging<'a> {
    schema: &'a Schema,
    fragments: HashMap<&'a str, &'a Fragment>,
    most: usize,
    left: usize,
}

impl<'a> Merging<'a> {
    /// Adds the fields of a selection set, fragments put in.
    fn collect(
        &self,
        set: &'a SelectionSet,
        parent: &'a TypeDef,
        put_in: &mut HashSet<&'a str>,
        all: &mut Vec<Selected<'a>>,
    ) {
        for item in &set.items {
            match item {
                ast::Selection::Field(field) => {
                    let definition = parent
                        .field(&field.name)
                        .or_else(|| self.schema.meta_field(&parent.name, &field.name));
                    all.push(Selected { field, parent, definition });
                }
                ast::Selection::InlineFragment(inline) => {
                    let parent = self.narrowed(inline.type_condition.as_ref(), parent);
                    self.collect(&inline.selection_set, parent, put_in, all);
                }
                ast::Selection::FragmentSpread(spread) => {
                    let Some(fragment) = self.fragments.get(&*spread.fragment_name) else {
                        continue;
                    };
                    if put_in.insert(&fragment.name) {
                        let parent = self.narrowed(Some(&fragment.type_condition), parent);
                        self.collect(&fragment.selection_set, parent, put_in, all);
                    }
                }
            }
        }
    }

    fn narrowed(
        &self,
        condition: Option<&'a ast::TypeCondition<'static, String>>,
        parent: &'a TypeDef,
    ) -> &'a TypeDef {
        let condition = condition.map(|ast::TypeCondition::On(name)| name);
        condition.and_then(|name| self.schema.ty(name)).unwrap_or(parent)
    }

    /// What the fields of one response key select together.
    fn inner(&self, fields: &[Selected<'a>]) -> Vec<Selected<'a>> {
        let mut all = Vec::new();
        // A fragment that two of them put in is the same in both.
        let mut put_in: HashMap<&str, HashSet<&'a str>> = HashMap::new();
        for selected in fields {
            let ty =
                selected.definition.and_then(|definition| self.schema.ty(definition.ty.name()));
            if let Some(ty) = ty {
                let put_in = put_in.entry(&ty.name).or_default();
                self.collect(&selected.field.selection_set, ty, put_in, &mut all);
            }
        }
        all
    }

    fn count(&mut self, comparisons: usize) -> Result<(), GraphqlError> {
        self.left = self.left.checked_sub(comparisons).ok_or_else(|| {
            GraphqlError::new(
                code::QUERY_TOO_COSTLY,
                format!(
                    "it takes more than {} comparisons to tell whether the fields of the operation can be merged; select less under one response key, or split it",
                    self.most
                ),
            )
        })?;
        Ok(())
    }

    /// "SameResponseShape", of all fields of each response key.
    fn shapes(
        &mut self,
        fields: &[Selected<'a>],
        path: &mut Vec<&'a str>,
    ) -> Result<(), GraphqlError> {
        self.count(fields.len())?;
        for group in by_key(fields) {
            let [first, others @ ..] = &group[..] else { continue };
            path.push(first.key());
            for other in others {
                if self.shape(first) != self.shape(other) {
                    let types = [first, other].map(|selected| match selected.definition {
                        Some(definition) => definition.ty.to_string(),
                        None => "String!".to_owned(),
                    });
                    let reason =
                        format!("it is {} in one place and {} in another", types[0], types[1]);
                    return Err(conflict(path, &reason, first, other));
                }
            }
            if !others.is_empty() || !first.field.selection_set.items.is_empty() {
                let inner = self.inner(&group);
                self.shapes(&inner, path)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn shape(&self, selected: &Selected<'a>) -> String {
        match selected.definition {
            Some(FieldDef { ty, .. }) => {
                ty.shape(self.schema.ty(ty.name()).is_some_and(TypeDef::is_composite))
            }
            None => "String!".to_owned(),
        }
    }

    /// Whether fields of one response key that one object may have are one field with the same arguments.
    fn fields(
        &mut self,
        fields: &[Selected<'a>],
        path: &mut Vec<&'a str>,
    ) -> Result<(), GraphqlError> {
        self.count(fields.len())?;
        for group in by_key(fields) {
            let (any, of_objects): (Vec<_>, Vec<_>) =
                group.iter().copied().partition(|selected| selected.parent.is_abstract());
            let mut objects: Vec<(&str, Vec<Selected<'a>>)> = Vec::new();
            for selected in of_objects {
                match objects.iter_mut().find(|(name, _)| **name == *selected.parent.name) {
                    Some((_, own)) => own.push(selected),
                    None => objects.push((&selected.parent.name, vec![selected])),
                }
            }
            let sets = match objects.is_empty() {
                true => vec![any],
                false => objects
                    .into_iter()
                    .map(|(_, own)| any.iter().copied().chain(own).collect())
                    .collect(),
            };
            for set in sets {
                self.count(set.len())?;
                let [first, others @ ..] = &set[..] else { continue };
                path.push(first.key());
                for other in others {
                    if first.field.name != other.field.name {
                        let names = (&first.field.name, &other.field.name);
                        let reason = format!("\"{}\" and \"{}\" are two fields", names.0, names.1);
                        return Err(conflict(path, &reason, first, other));
                    }
                    if !same_arguments(first.field, other.field) {
                        let reason = "its arguments differ from place to place";
                        return Err(conflict(path, reason, first, other));
                    }
                }
                let inner = self.inner(&set);
                if !inner.is_empty() {
                    self.fields(&inner, path)?;
                }
                path.pop();
            }
        }
        Ok(())
    }
}

/// The fields of each response key, in the order in which the keys come.
fn by_key<'a>(fields: &[Selected<'a>]) -> Vec<Vec<Selected<'a>>> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<Selected<'a>>> = Vec::new();
    for selected in fields {
        let place = *places.entry(selected.key()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => group.push(*selected),
            None => groups.push(vec![*selected]),
        }
    }
    groups
}

fn same_arguments(one: &Field, other: &Field) -> bool {
    let (one, other) = (&one.arguments, &other.arguments);
    one.len() == other.len()
        && one
            .iter()
            .all(|(name, value)| other.iter().any(|(known, same)| known == name && same == value))
}

fn conflict(path: &[&str], reason: &str, one: &Selected<'_>, other: &Selected<'_>) -> GraphqlError {
    let message = format!(
        "\"{}\" cannot be one value: {reason}; give them different aliases to get both",
        path.join(".")
    );
    let mut error = GraphqlError::new(code::VALIDATION_FAILED, message);
    error.locations = [one, other]
        .map(|selected| (selected.field.position.line, selected.field.position.column))
        .into();
    error
}

#[cfg(test)]
mod tests;
