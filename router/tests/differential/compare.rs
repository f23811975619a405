//! What must be equal in two answers, and what the specifications leave open.
//!
//! Data must be the same text: values, nulls, the order of keys. Of errors, the place, the message and
//! the code must be the same; but
//!
//! - their order is open (GraphQL, "Errors": the list is in no order);
//! - of several errors inside of what a null replaces, some may be missing, though not all
//!   (GraphQL, "Handling Execution Errors": one error for each place, and siblings may be cancelled);
//! - a field that another field requires may fail without the client having asked for it. The
//!   specification of federation ("@requires") does not say where that is told; the router tells it at the
//!   object that holds both. The monolith asks for no requirements;
//! - the words for "null where no null may be" are anybody's (GraphQL, "Errors": a message is for
//!   developers);
//! - the lists of an introspected schema have no order (GraphQL, "Schema Introspection").

use crate::{
    data::{away_message, lost_message},
    execute::NULL,
    model::Model,
    monolith::{Expected, text},
    operations::INTROSPECTION,
};
use async_graphql::Value;
use serde_json::Value as Json;
use std::collections::BTreeSet;

pub struct Rules {
    required: BTreeSet<String>,
    required_of: BTreeSet<String>,
}

/// An error's path, message and code.
type Told = (String, String, String);

impl Rules {
    pub fn new(model: &Model) -> Rules {
        let (required, required_of) = model.required();
        Rules { required, required_of }
    }

    /// What is wrong with an answer of the router.
    pub fn compare(&self, body: &str, expected: &Expected) -> Result<(), String> {
        let answer: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
        let Value::Object(mut answer) = answer else { return Err("no object".to_owned()) };
        let data = answer.swap_remove("data").ok_or("no data")?;
        let errors = answer.swap_remove("errors").unwrap_or(Value::List(Vec::new()));
        let text_of = |data: &Value| serde_json::to_string(&in_order(data.clone())).unwrap();
        let (shown, wanted) = (text_of(&data), text_of(&expected.data));
        if shown != wanted {
            return Err(format!("other data\n  {shown}\n  expected\n  {wanted}"));
        }
        let errors = errors.into_json().unwrap();
        let told: BTreeSet<Told> = errors.as_array().unwrap().iter().map(told).collect();
        let wanted = expected.errors.iter().map(|error| {
            let code = error.extensions.as_ref().and_then(|all| all.get("code"));
            let code = code.and_then(|code| code.clone().into_json().ok());
            let code = code.and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default();
            (text(&error.path), error.message.clone(), code)
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
            let place = &error.0;
            let holds = is_object(data, place) || emptied.iter().any(|null| is_in(place, null));
            if !(holds && self.is_of_requirement(error)) {
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

    fn is_of_requirement(&self, (_, message, _): &Told) -> bool {
        let owners = || self.required_of.iter();
        let failed = message.strip_suffix(" failed").and_then(|what| what.rsplit_once('.'));
        failed.is_some_and(|(_, field)| self.required.contains(field))
            || *message == NULL
            || owners().any(|name| *message == away_message(name))
            || owners().any(|name| message.ends_with(&lost_message("", name)))
    }
}

/// An error of the router's answer.
fn told(error: &Json) -> Told {
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
    (path, message.to_owned(), code.to_owned())
}

/// Whether an object is there at a place.
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
