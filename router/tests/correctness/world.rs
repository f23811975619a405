//! The one table from which all subgraphs of a case answer.
//!
//! It maps a type's name to its rows, and each row's label to its fields. `"#label"` stands for a row
//! where an object is expected. A row has its label as `id` unless it says otherwise; the root types have
//! one row without a label. A field of a row is written `name`, `name(argument: value)` for one set of
//! arguments, and `name@subgraph` for what one subgraph alone answers. Its value is what the field
//! answers; `{"$error": "text", "$code": "CODE"}` fails instead, and [`crate::template`] fills texts in.
//! An entity that a subgraph cannot get has `"$error@subgraph": "text"`, one that it does not know
//! `"$missing@subgraph": true`.

use crate::schema::{FieldSet, Schema};
use graphql_tools::parser::query::Selection;
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

pub const ROOTS: [&str; 2] = ["Query", "Mutation"];

pub struct World {
    /// Rows by type, in the order of their labels.
    rows: BTreeMap<String, Vec<Json>>,
    labels: BTreeMap<String, Json>,
    /// For each interface the objects that implement it in any subgraph.
    implementers: BTreeMap<String, BTreeSet<String>>,
}

impl World {
    pub fn new<'a>(data: &Json, schemas: impl Iterator<Item = &'a Schema>) -> World {
        let mut world =
            World { rows: BTreeMap::new(), labels: BTreeMap::new(), implementers: BTreeMap::new() };
        for schema in schemas {
            for (object, interface) in schema.implemented() {
                world
                    .implementers
                    .entry(interface.to_owned())
                    .or_default()
                    .insert(object.to_owned());
            }
        }
        for (ty, rows) in data.as_object().unwrap() {
            if ROOTS.contains(&ty.as_str()) {
                world.rows.insert(ty.clone(), vec![rows.clone()]);
                continue;
            }
            for (label, row) in rows.as_object().unwrap() {
                let mut row = row.clone();
                row["__typename"] = ty.as_str().into();
                if row.get("id").is_none() {
                    row["id"] = label.as_str().into();
                }
                let known = world.labels.insert(label.clone(), row.clone());
                assert!(known.is_none(), "two rows are labelled {label}");
                world.rows.entry(ty.clone()).or_default().push(row);
            }
        }
        world
    }

    pub fn root(&self, ty: &str) -> Json {
        let rows = self.rows.get(ty);
        rows.and_then(|rows| rows.first()).cloned().unwrap_or_else(|| Map::new().into())
    }

    /// The row that `"#label"` stands for; other values stand for themselves.
    pub fn follow(&self, value: &Json) -> Json {
        match value.as_str().and_then(|text| text.strip_prefix('#')) {
            Some(label) => {
                self.labels.get(label).cloned().unwrap_or_else(|| panic!("no row {label}"))
            }
            None => value.clone(),
        }
    }

    /// Whether an object of a type is one of another, by any subgraph.
    pub fn is(&self, object: &str, other: &str) -> bool {
        object == other
            || self.implementers.get(other).is_some_and(|objects| objects.contains(object))
    }

    /// The row of a type, or of one that implements it, with the key that a representation has.
    pub fn find(&self, ty: &str, key: &FieldSet, representation: &Json) -> Option<Json> {
        let rows = self.rows.iter().filter(|(own, _)| self.is(own, ty)).flat_map(|(_, rows)| rows);
        rows.into_iter().find(|row| self.agrees(key, representation, row)).cloned()
    }

    fn agrees(&self, set: &FieldSet, representation: &Json, row: &Json) -> bool {
        let row = self.follow(row);
        if let (Some(given), Some(own)) = (representation.as_array(), row.as_array()) {
            return given.len() == own.len()
                && given.iter().zip(own).all(|(given, own)| self.agrees(set, given, own));
        }
        if representation.is_null() || row.is_null() {
            return representation.is_null() && row.is_null();
        }
        set.iter().all(|item| match item {
            Selection::Field(field) if field.selection_set.items.is_empty() => {
                field.name == "__typename"
                    || row.get(&field.name) == representation.get(&field.name)
            }
            Selection::Field(field) => {
                match (representation.get(&field.name), row.get(&field.name)) {
                    (Some(given), Some(own)) => self.agrees(&field.selection_set.items, given, own),
                    _ => false,
                }
            }
            other => panic!("a key is made of fields: {other:?}"),
        })
    }
}

/// Whether a representation has every field of a key.
pub fn has(set: &FieldSet, representation: &Json) -> bool {
    match representation {
        Json::Array(items) => items.iter().all(|item| has(set, item)),
        Json::Object(object) => set.iter().all(|item| match item {
            Selection::Field(field) => object.get(&field.name).is_some_and(|value| {
                value.is_null()
                    || field.selection_set.items.is_empty()
                    || has(&field.selection_set.items, value)
            }),
            _ => false,
        }),
        _ => false,
    }
}
