//! Response keys of what representations are made of.
//!
//! A key or a required field is fetched under its plain name, as the client's selections are, unless that
//! may stand for something else there: with arguments, among types that disagree on the field, and of an
//! object of which others select other fields that are never null. An error of one of those would make
//! null of the object for all ("Handling Execution Errors").

use super::{
    model::Model,
    search::Search,
    selection::{Sel, Wanted},
};
use std::collections::{BTreeMap, BTreeSet};

/// What inside of an object can make null of it, or of what is in it: the ways to fields that are never
/// null.
type Frail = BTreeSet<String>;

/// The objects that are fetched under their plain names.
#[derive(Debug, Default)]
pub(super) struct PlainKeys {
    /// `None` where selections of one name differ.
    frail: BTreeMap<String, Option<Frail>>,
}

impl PlainKeys {
    /// Takes the plain names that an operation itself uses.
    pub(super) fn read(&mut self, model: &Model, ty: &str, items: &[Sel]) {
        for item in items {
            match item {
                Sel::On(condition, inner) => self.read(model, condition, inner),
                Sel::Field(wanted) if wanted.children.is_empty() => {}
                Sel::Field(wanted) => {
                    let returns = returns(model, ty, &wanted.name);
                    if wanted.key == wanted.name {
                        let own = frail(model, returns, &wanted.children);
                        let known = self
                            .frail
                            .entry(wanted.name.clone())
                            .or_insert_with(|| Some(own.clone()));
                        if known.as_ref() != Some(&own) {
                            *known = None;
                        }
                    }
                    self.read(model, returns, &wanted.children);
                }
            }
        }
    }

    /// Whether an object may be fetched under its plain name, which is then taken.
    fn take(&mut self, name: &str, frail: &Frail) -> bool {
        match self.frail.get(name) {
            Some(known) => known.as_ref() == Some(frail),
            None => {
                self.frail.insert(name.to_owned(), Some(frail.clone()));
                true
            }
        }
    }
}

fn returns<'a>(model: &'a Model, ty: &str, field: &str) -> &'a str {
    let field = model.ty(ty).and_then(|ty| ty.fields.get(field));
    field.map_or("", |field| &field.returns)
}

fn frail(model: &Model, ty: &str, items: &[Sel]) -> Frail {
    fn add(model: &Model, ty: &str, items: &[Sel], way: &str, found: &mut Frail) {
        for item in items {
            match item {
                Sel::On(condition, inner) => {
                    add(model, condition, inner, &format!("{way}/{condition}"), found);
                }
                Sel::Field(wanted) => {
                    let field = model.ty(ty).and_then(|ty| ty.fields.get(&wanted.name));
                    let Some(field) = field else { continue };
                    let way = format!("{way}.{}", wanted.key);
                    add(model, &field.returns, &wanted.children, &way, found);
                    if !field.nullable {
                        found.insert(way);
                    }
                }
            }
        }
    }
    let mut found = Frail::new();
    add(model, ty, items, "", &mut found);
    found
}

impl Search<'_> {
    /// Parts of representations, under the response keys under which they are fetched.
    pub(super) fn with_keys(&mut self, ty: &str, items: &[Sel], mixed: bool) -> Vec<Sel> {
        let mut all = Vec::new();
        for item in items {
            match item {
                Sel::On(condition, inner) => {
                    all.push(Sel::On(condition.clone(), self.with_keys(condition, inner, true)));
                }
                Sel::Field(wanted) => {
                    let returns = returns(self.model, ty, &wanted.name);
                    let is_abstract = self.model.is_abstract(returns);
                    let children = self.with_keys(returns, &wanted.children, mixed || is_abstract);
                    let mut keyed = wanted.with(children);
                    keyed.key = self.key(ty, wanted, mixed);
                    if is_abstract {
                        keyed.children.insert(0, Sel::Field(Wanted::plain("__typename")));
                    }
                    all.push(Sel::Field(keyed));
                }
            }
        }
        all
    }

    fn key(&mut self, ty: &str, wanted: &Wanted, mixed: bool) -> String {
        let conflicting = mixed && self.schema.has_conflicting_shapes(&wanted.name);
        let own = frail(self.model, returns(self.model, ty, &wanted.name), &wanted.children);
        let is_plain = wanted.arguments.is_empty() && !conflicting;
        if wanted.name == "__typename"
            || (is_plain && wanted.children.is_empty())
            || (is_plain && self.plain.take(&wanted.name, &own))
        {
            return wanted.name.clone();
        }
        let mut identity = wanted.name.clone();
        for (name, value) in &wanted.arguments {
            identity.push_str(&format!("|{name}:{value}"));
        }
        if conflicting {
            identity.push_str(&format!("|{ty}"));
        }
        for way in own {
            identity.push_str(&way);
        }
        let next = self.keys.len();
        let number = *self.keys.entry(identity).or_insert(next);
        format!("{}{number}k_{}", self.schema.alias_prefix(), wanted.name)
    }
}
