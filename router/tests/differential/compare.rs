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
//!   object that holds both, or at what the client selects inside of it on the way to the field that
//!   failed. So an error may be there that the monolith, which asks for no requirements, does not have: of
//!   a field that is in the `@requires` of a selected field of this very object, or is required in turn,
//!   with the message and the code with which the data have it fail;
//! - the words for "null where no null may be" are anybody's (GraphQL, "Errors": a message is for
//!   developers);
//! - the lists of an introspected schema have no order (GraphQL, "Schema Introspection").

use crate::{
    execute::NULL,
    monolith::{Expected, text},
    operations::INTROSPECTION,
};
use async_graphql::Value;
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// An error's path, message and code.
type Told = (String, String, String);

/// What is wrong with an answer of the router.
pub fn compare(body: &str, expected: &Expected) -> Result<(), String> {
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
    compare_errors(&told, &wanted, expected)
}

fn compare_errors(
    told: &BTreeSet<Told>,
    wanted: &BTreeSet<Told>,
    Expected { emptied, unasked, .. }: &Expected,
) -> Result<(), String> {
    for error in told.difference(wanted) {
        let (path, message, code) = error;
        if !unasked.has(path, message, code) {
            return Err(format!("the error {error:?} is not expected"));
        }
    }
    for error in wanted.difference(told) {
        let Some(around) = emptied.iter().find(|place| is_in(&error.0, place)) else {
            return Err(format!("the error {error:?} is missing"));
        };
        if !told.intersection(wanted).any(|(path, ..)| is_in(path, around)) {
            return Err(format!("no error says why {around:?} is null, such as {error:?}"));
        }
    }
    Ok(())
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
