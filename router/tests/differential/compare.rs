//! What must be equal in two answers, and what the specifications leave open.
//!
//! Data must be the same text: values, nulls, the order of keys. Of errors, the place, the message and
//! the code must be the same; but
//!
//! - their order is open (GraphQL, "Response Format");
//! - of several errors inside of what a null replaces, some may be missing, though not all
//!   ("Handling Execution Errors"): whoever meets the first need not go on;
//! - a subgraph that does not answer, or loses an entity, is told once at the entity and not at each of
//!   its fields;
//! - an error of a field that another field requires is told at the object that holds both, where the
//!   client does not see the field itself. The monolith asks for no requirements;
//! - the words for "null where no null may be" are the router's own where no subgraph says so;
//! - the lists of an introspected schema have no order.
//!
//! Three things are known to be wrong, and let pass. Where one request to a subgraph serves several
//! places or types, an error of what only one of them selects is told at the objects of the others, too.
//! Where the null of one field makes null of a subgraph's whole answer, the router misses the fields
//! beside it. And one field under two response keys is fetched once: where an error inside of what one
//! key selects makes null of it, the other is null as well, or what the same request gives of it.

use crate::{
    data::away_message,
    execute::NULL,
    model::Model,
    monolith::{Expected, text},
    operations::INTROSPECTION,
};
use async_graphql::{PathSegment, Value};
use serde_json::Value as Json;
use std::collections::BTreeSet;

pub struct Rules {
    required: BTreeSet<String>,
    required_of: BTreeSet<String>,
    subgraphs: Vec<String>,
}

/// An error's path, message and code.
type Told = (String, String, String);

impl Rules {
    pub fn new(model: &Model) -> Rules {
        let (required, required_of) = model.required();
        let subgraphs = model.subgraphs.iter().map(|own| own.name.to_string()).collect();
        Rules { required, required_of, subgraphs }
    }

    /// What is wrong with an answer of the router.
    pub fn compare(&self, body: &str, expected: &Expected) -> Result<(), String> {
        let answer: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let Value::Object(mut answer) = answer else { return Err("no object".to_owned()) };
        let data = answer.swap_remove("data").ok_or("no data")?;
        let errors = answer.swap_remove("errors").unwrap_or(Value::List(Vec::new()));
        let text = |data: &Value| serde_json::to_string(&in_order(data.clone())).unwrap();
        let mut shared = expected.data.clone();
        share_nulls(&mut shared, &data, "", expected);
        let (shown, wanted) = (text(&data), text(&shared));
        if shown != wanted {
            return Err(format!("other data\n  {shown}\n  expected\n  {wanted}"));
        }
        let errors = errors.into_json().unwrap();
        let told: BTreeSet<Told> =
            errors.as_array().unwrap().iter().map(|error| self.told(error)).collect();
        let wanted = expected.errors.iter().map(|error| {
            let code = error.extensions.as_ref().and_then(|all| all.get("code"));
            let code = code.and_then(|code| code.clone().into_json().ok());
            let code = code.and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default();
            self.at_entity(&error.path, &error.message, &code)
        });
        let wanted: BTreeSet<Told> = wanted.collect();
        self.compare_errors(&told, &wanted, expected)
    }

    fn compare_errors(
        &self,
        told: &BTreeSet<Told>,
        wanted: &BTreeSet<Told>,
        Expected { data, emptied, .. }: &Expected,
    ) -> Result<(), String> {
        for error in told.difference(wanted) {
            let is_missed = *data == Value::Null && error.1 == NULL;
            if !self.is_of_requirement(error) && !is_missed && !is_object(data, &error.0) {
                return Err(format!("the error {error:?} is not expected"));
            }
        }
        for error in wanted.difference(told) {
            let Some(around) = emptied.iter().find(|place| is_in(&error.0, place)) else {
                return Err(format!("the error {error:?} is missing"));
            };
            if !told.iter().any(|(path, ..)| is_in(path, around)) {
                return Err(format!("no error says why {around:?} is null, such as {error:?}"));
            }
        }
        Ok(())
    }

    fn told(&self, error: &Json) -> Told {
        let steps = error["path"].as_array().into_iter().flatten().map(|step| match step {
            Json::String(name) => name.clone(),
            step => step.to_string(),
        });
        let path = steps.collect::<Vec<_>>().join(".");
        let code = error["extensions"]["code"].as_str().unwrap_or_default();
        let message = error["message"].as_str().unwrap_or_default();
        if code == "INVALID_SUBGRAPH_RESPONSE" && message.starts_with("null for ") {
            return (path, NULL.to_owned(), String::new());
        }
        let path: Vec<PathSegment> = error["path"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|step| match step {
                Json::String(name) => PathSegment::Field(name.clone()),
                step => PathSegment::Index(step.as_u64().unwrap_or_default() as usize),
            })
            .collect();
        // A subgraph that has the entity already says itself of which field it lost it.
        self.at_entity_if_of_field(&path, message, code)
    }

    fn at_entity_if_of_field(&self, path: &[PathSegment], message: &str, code: &str) -> Told {
        match message.split_once(" is lost in ") {
            Some((what, _)) if what.contains('.') => self.at_entity(path, message, code),
            _ => (text(path), message.to_owned(), code.to_owned()),
        }
    }

    /// The error of a field as it is told of the entity, where a subgraph fails with that as a whole.
    fn at_entity(&self, path: &[PathSegment], message: &str, code: &str) -> Told {
        let is_away = self.subgraphs.iter().any(|name| message == away_message(name));
        let above = &path[..path.len().saturating_sub(1)];
        if let Some((what, subgraph)) = message.split_once(" is lost in ") {
            let entity = what.split_once('.').map_or(what, |(entity, _)| entity);
            return (text(above), format!("{entity} is lost in {subgraph}"), code.to_owned());
        }
        match is_away && !above.is_empty() {
            true => (text(above), message.to_owned(), code.to_owned()),
            false => (text(path), message.to_owned(), code.to_owned()),
        }
    }

    fn is_of_requirement(&self, (_, message, _): &Told) -> bool {
        let owners = || self.required_of.iter();
        let failed = message.strip_suffix(" failed").and_then(|what| what.rsplit_once('.'));
        failed.is_some_and(|(_, field)| self.required.contains(field))
            || owners().any(|name| *message == away_message(name))
            || owners().any(|name| message.ends_with(&format!(" is lost in {name}")))
    }
}

/// Makes null of what is null in the answer, where a place under another key is: see above.
fn share_nulls(wanted: &mut Value, answer: &Value, path: &str, expected: &Expected) {
    let below = |step: &dyn std::fmt::Display| match path {
        "" => step.to_string(),
        path => format!("{path}.{step}"),
    };
    match (&mut *wanted, answer) {
        (Value::Null, _) => {}
        (_, Value::Null) if is_twin_of_emptied(path, expected) => *wanted = Value::Null,
        (Value::Object(wanted), Value::Object(answer)) => {
            for (key, wanted) in wanted {
                let Some(answer) = answer.get(key) else { continue };
                share_nulls(wanted, answer, &below(key), expected);
            }
        }
        (Value::List(wanted), Value::List(answer)) => {
            for (index, (wanted, answer)) in wanted.iter_mut().zip(answer).enumerate() {
                share_nulls(wanted, answer, &below(&index), expected);
            }
        }
        _ => {}
    }
}

/// Whether a null that spread stands at another place, or around one, that differs from this place in
/// the response keys of the same fields alone.
fn is_twin_of_emptied(place: &str, Expected { emptied, calls, .. }: &Expected) -> bool {
    let same_step = |one: &str, two: &str| match (calls.get(one), calls.get(two)) {
        (Some(one), Some(two)) => one == two,
        (None, None) => one.rsplit('.').next() == two.rsplit('.').next(),
        _ => false,
    };
    emptied.iter().filter(|other| !other.is_empty()).any(|other| {
        let steps = other.split('.').count();
        steps <= place.split('.').count()
            && !is_in(place, other)
            && prefixes(other).zip(prefixes(place)).all(|(one, two)| same_step(one, two))
    })
}

/// The places on the way to a place, and it.
fn prefixes(place: &str) -> impl Iterator<Item = &str> {
    let ends = place.match_indices('.').map(|(end, _)| end);
    ends.chain([place.len()]).map(|end| &place[..end])
}

/// Whether an object is there at a place: an error of a field that is selected is told at the field.
fn is_object(data: &Value, path: &str) -> bool {
    let place = path.split('.').try_fold(data, |value, step| match value {
        Value::Object(fields) => fields.get(step),
        Value::List(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    });
    matches!(place, Some(Value::Object(_)))
}

fn is_in(path: &str, around: &str) -> bool {
    let rest = path.strip_prefix(around);
    rest.is_some_and(|rest| around.is_empty() || rest.is_empty() || rest.starts_with('.'))
}

/// With the lists of introspected fields sorted.
fn in_order(mut data: Value) -> Value {
    if let Value::Object(fields) = &mut data {
        for (key, value) in fields {
            if key.starts_with(INTROSPECTION) {
                sort(value);
            }
        }
    }
    data
}

fn sort(value: &mut Value) {
    match value {
        Value::List(items) => {
            items.iter_mut().for_each(sort);
            items.sort_by_key(std::string::ToString::to_string);
        }
        Value::Object(fields) => fields.values_mut().for_each(sort),
        _ => {}
    }
}
