//! One operation on one path.

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{
    Does,
    path::{self, Target},
};
use crate::scim::{
    ScimError, ScimType,
    attributes::{Attribute, Kind, Resource},
    document::{Document, checked, one},
    filter::{Filter, Op},
};

/// Does one thing to a document.
pub(super) fn at(
    resource: Resource,
    document: &mut Document,
    does: Does,
    path: &str,
    value: &Value,
) -> Result<(), ScimError> {
    let Some(path) = path::read(path)? else { return Ok(()) };
    let Target::Kept { attribute, filter, sub } = path.target(resource)? else { return Ok(()) };
    if attribute.multi {
        several(document, does, attribute, (filter, sub), value)?;
    } else if let Some(sub) = sub {
        let within = document.entry(attribute.name).or_insert_with(|| Map::new().into());
        if let Some(within) = within.as_object_mut() {
            set(within, sub, does, value)?;
        }
    } else if let (Kind::Complex(_), false, true) =
        (attribute.kind, does == Does::Remove, value.is_object())
    {
        merge(document, attribute, value)?;
    } else {
        set(document, attribute, does, value)?;
    }
    let empty = |value: &Value| value.as_object().is_some_and(Map::is_empty);
    if document.get(attribute.name).is_some_and(empty) {
        document.remove(attribute.name);
    }
    Ok(())
}

/// Sets an attribute of a document, or of what is within one.
fn set(
    document: &mut Document,
    attribute: &'static Attribute,
    does: Does,
    value: &Value,
) -> Result<(), ScimError> {
    let value = match does {
        Does::Remove => None,
        Does::Add | Does::Replace => checked(attribute, value)?,
    };
    match value {
        Some(value) => drop(document.insert(attribute.name.to_owned(), value)),
        None if attribute.required => {
            let says = format!("{} must have a value.", attribute.name);
            return Err(ScimError::new(ScimType::Mutability, says));
        }
        None => drop(document.remove(attribute.name)),
    }
    Ok(())
}

/// Sets what is named within an attribute, and leaves the rest.
fn merge(
    document: &mut Document,
    attribute: &'static Attribute,
    value: &Value,
) -> Result<(), ScimError> {
    let Some(Value::Object(new)) = one(attribute, value)? else { return Ok(()) };
    let within = document.entry(attribute.name).or_insert_with(|| Map::new().into());
    if let Some(within) = within.as_object_mut() {
        within.extend(new);
    }
    Ok(())
}

fn several(
    document: &mut Document,
    does: Does,
    attribute: &'static Attribute,
    (filter, sub): (Option<&Filter>, Option<&'static Attribute>),
    value: &Value,
) -> Result<(), ScimError> {
    let mut values = match document.remove(attribute.name) {
        Some(Value::Array(values)) => values,
        _ => Vec::new(),
    };
    let before = values.clone();
    let chosen =
        |value: &Value| filter.is_none_or(|filter| filter.matches_within(attribute, value));
    match (does, filter, sub) {
        (Does::Remove, None, None) if !value.is_null() => {
            // Some directories name what to remove in the value.
            let gone = checked(attribute, value)?.unwrap_or_default();
            let gone: BTreeSet<&str> =
                gone.as_array().into_iter().flatten().filter_map(own_value).collect();
            values.retain(|it| !own_value(it).is_some_and(|own| gone.contains(own)));
        }
        (Does::Remove, _, None) => values.retain(|it| !chosen(it)),
        (Does::Add | Does::Replace, None, None) => {
            if does == Does::Replace {
                values.clear();
            }
            let mut places: HashMap<String, usize> = values
                .iter()
                .enumerate()
                .filter_map(|(at, it)| Some((own_value(it)?.to_owned(), at)))
                .collect();
            let Some(Value::Array(new)) = checked(attribute, value)? else {
                return put_back(document, attribute, values);
            };
            for value in new {
                let own = own_value(&value).unwrap_or_default().to_owned();
                match places.get(&own) {
                    Some(at) => values[*at] = value,
                    None => {
                        places.insert(own, values.len());
                        values.push(value);
                    }
                }
            }
        }
        (_, _, sub) => {
            let mut found = false;
            for own in values.iter_mut().filter(|own| chosen(own)) {
                found = true;
                change(attribute, own, does, sub, value)?;
            }
            if !found && does == Does::Add {
                let mut new = filter.map(said).unwrap_or_default();
                change(attribute, &mut new, does, sub, value)?;
                values.push(new);
            } else if !found && does == Does::Replace {
                let says = format!("No value of {} is such.", attribute.name);
                return Err(ScimError::new(ScimType::NoTarget, says));
            }
        }
    }
    one_primary(&before, &mut values);
    put_back(document, attribute, values)
}

/// What makes a value another one than those beside it.
fn own_value(value: &Value) -> Option<&str> {
    value.get("value")?.as_str()
}

/// As a whole, so that the limits hold and each has a value.
fn put_back(
    document: &mut Document,
    attribute: &'static Attribute,
    values: Vec<Value>,
) -> Result<(), ScimError> {
    if let Some(values) = checked(attribute, &Value::Array(values))? {
        document.insert(attribute.name.to_owned(), values);
    }
    Ok(())
}

/// Changes one value of an attribute that has several, or what is within it.
fn change(
    attribute: &'static Attribute,
    own: &mut Value,
    does: Does,
    sub: Option<&'static Attribute>,
    value: &Value,
) -> Result<(), ScimError> {
    if !own.is_object() {
        *own = Map::new().into();
    }
    let Some(within) = own.as_object_mut() else { return Ok(()) };
    match sub {
        Some(sub) => set(within, sub, does, value),
        None => {
            let Some(new) = value.as_object() else {
                let says = format!("{} takes an object.", attribute.name);
                return Err(ScimError::new(ScimType::InvalidValue, says));
            };
            for sub in attribute.within() {
                let given = new.iter().find(|(name, _)| name.eq_ignore_ascii_case(sub.name));
                if let Some((_, value)) = given {
                    set(within, sub, does, value)?;
                }
            }
            Ok(())
        }
    }
}

/// What a filter says that a value equals: `type eq "work"` makes one that is so.
fn said(filter: &Filter) -> Value {
    let mut value = Map::new();
    collect(filter, &mut value);
    value.into()
}

fn collect(filter: &Filter, into: &mut Map<String, Value>) {
    match filter {
        Filter::And(one, two) => {
            collect(one, into);
            collect(two, into);
        }
        Filter::Compare(name, Op::Eq, value) if name.sub.is_none() => {
            into.insert(name.attribute.clone(), value.clone());
        }
        _ => {}
    }
}

/// Where a second value became the primary one, the one before is it no more (RFC 7644, section 3.5.2).
fn one_primary(before: &[Value], values: &mut [Value]) {
    let is_primary = |value: &Value| value.get("primary") == Some(&Value::Bool(true));
    if values.iter().filter(|it| is_primary(it)).count() < 2 {
        return;
    }
    let was = |value: &Value| {
        before.iter().any(|it| is_primary(it) && it.get("value") == value.get("value"))
    };
    let newest = values.iter().rposition(|it| is_primary(it) && !was(it));
    let newest = newest.or_else(|| values.iter().rposition(is_primary));
    for (at, value) in values.iter_mut().enumerate() {
        if Some(at) != newest && is_primary(value) {
            value["primary"] = false.into();
        }
    }
}
