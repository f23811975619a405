//! What may be told of fields that the client did not ask for, because others require them.

use crate::{
    execute::{NULL, lookup},
    input::constant,
    model::{Model, named, nullable},
    schema::{FieldSet, Type},
    world::World,
};
use graphql_tools::parser::query::{Selection, TypeCondition};
use serde_json::{Map, Value as Json};
use std::collections::{BTreeMap, BTreeSet};

/// The sets of `@requires`, by type and field.
pub struct Requirements {
    sets: BTreeMap<String, BTreeMap<String, FieldSet>>,
    /// Fields of which something inside is required.
    composites: BTreeSet<String>,
}

/// An error of a field that another one requires.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Failure {
    /// The path of the object that has both.
    object: String,
    /// The required fields, and the places in lists, from there to what holds the field that failed.
    within: Vec<String>,
    message: String,
    code: String,
}

/// The errors of what the fields of one answer require.
#[derive(Default)]
pub struct Unasked {
    failures: BTreeSet<Failure>,
    /// Names of fields by their paths in the answer, where something inside may be required.
    selected: BTreeMap<String, String>,
}

impl Requirements {
    pub fn new(model: &Model) -> Requirements {
        let mut all = Requirements { sets: BTreeMap::new(), composites: BTreeSet::new() };
        for ty in model.api.types.keys().filter(|ty| model.api.is_object(ty)) {
            for field in model.fields(ty) {
                let set = model.requires(ty, &field.name);
                composites(&set, &mut all.composites);
                if !set.is_empty() {
                    all.sets.entry(ty.clone()).or_default().insert(field.name.clone(), set);
                }
            }
        }
        all
    }

    /// Notes what a field that the client selects of an object requires and cannot have.
    pub fn note(
        &self,
        (model, world): (&Model, &World),
        (path, name): (&str, &str),
        row: &Json,
        unasked: &mut Unasked,
    ) {
        if self.composites.contains(name) {
            unasked.selected.insert(path.to_owned(), name.to_owned());
        }
        let object = path.rsplit_once('.').map_or("", |(object, _)| object);
        let mut search =
            Search { requirements: self, model, world, object, within: Vec::new(), unasked };
        search.required_by(row, name);
    }
}

fn composites(set: &FieldSet, names: &mut BTreeSet<String>) {
    for item in set {
        match item {
            Selection::Field(field) if field.selection_set.items.is_empty() => {}
            Selection::Field(field) => {
                names.insert(field.name.clone());
                composites(&field.selection_set.items, names);
            }
            Selection::InlineFragment(fragment) => composites(&fragment.selection_set.items, names),
            Selection::FragmentSpread(spread) => panic!("no field set: {spread}"),
        }
    }
}

struct Search<'a> {
    requirements: &'a Requirements,
    model: &'a Model,
    world: &'a World,
    object: &'a str,
    within: Vec<String>,
    unasked: &'a mut Unasked,
}

impl Search<'_> {
    fn required_by(&mut self, row: &Json, name: &str) {
        let all: &BTreeMap<_, _> = &self.requirements.sets;
        let ty = row["__typename"].as_str().unwrap_or_default();
        if let Some(set) = all.get(ty).and_then(|fields| fields.get(name)) {
            self.set(set, row);
        }
    }

    fn set(&mut self, set: &FieldSet, row: &Json) {
        let ty = row["__typename"].as_str().unwrap_or_default();
        for item in set {
            match item {
                Selection::Field(field) => {
                    let arguments = field.arguments.iter();
                    let arguments: Map<_, _> =
                        arguments.map(|(name, value)| (name.clone(), constant(value))).collect();
                    let value = lookup(row, &field.name, &arguments, "").unwrap();
                    let definition = self.model.api.field(ty, &field.name).unwrap();
                    self.within.push(field.name.clone());
                    self.complete(value, &definition.field_type, &field.selection_set.items);
                    self.within.pop();
                    self.required_by(row, &field.name);
                }
                Selection::InlineFragment(fragment) => {
                    let fits = fragment
                        .type_condition
                        .as_ref()
                        .is_none_or(|TypeCondition::On(on)| self.model.api.is(ty, on));
                    if fits {
                        self.set(&fragment.selection_set.items, row);
                    }
                }
                Selection::FragmentSpread(spread) => panic!("no field set: {spread}"),
            }
        }
    }

    fn complete(&mut self, value: &Json, ty: &Type, inside: &FieldSet) {
        let (inner, nullable) = nullable(ty);
        if let Some(message) = value.get("$error") {
            return self.fail(message.as_str().unwrap(), value["$code"].as_str());
        }
        match (inner, value) {
            (_, Json::Null) if !nullable => self.fail(NULL, None),
            (_, Json::Null) => {}
            (Type::ListType(item), Json::Array(items)) => {
                for (index, value) in items.iter().enumerate() {
                    self.within.push(index.to_string());
                    self.complete(value, item, inside);
                    self.within.pop();
                }
            }
            (ty, value) if !self.model.possible(named(ty)).is_empty() => {
                let row = self.world.follow(value);
                self.set(inside, &row);
            }
            _ => {}
        }
    }

    fn fail(&mut self, message: &str, code: Option<&str>) {
        let holders = self.within.len() - 1;
        self.unasked.failures.insert(Failure {
            object: self.object.to_owned(),
            within: self.within[..holders].to_vec(),
            message: message.to_owned(),
            code: code.unwrap_or_default().to_owned(),
        });
    }
}

impl Unasked {
    /// Whether this is an error of something that is required, told at an object that is there for the
    /// client and has it: the one with both fields, or one further inside on the way to it.
    pub fn has(&self, path: &str, message: &str, code: &str) -> bool {
        let failures = self.failures.iter();
        let mut same = failures.filter(|own| own.message == message && own.code == code);
        same.any(|own| self.is_told_at(own, path))
    }

    fn is_told_at(&self, failure: &Failure, path: &str) -> bool {
        let Some(rest) = path.strip_prefix(&failure.object) else { return false };
        if rest.is_empty() {
            return true;
        }
        let Some(rest) = rest.strip_prefix('.') else { return false };
        let mut at = failure.object.clone();
        let mut within = failure.within.iter();
        rest.split('.').all(|step| {
            at = format!("{at}.{step}");
            let name = self.selected.get(&at).map_or(step, String::as_str);
            within.next().is_some_and(|own| own == name)
        })
    }
}
