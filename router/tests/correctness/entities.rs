//! `_entities`, and what a router has to send for `@requires` (Apollo Federation, "Subgraph
//! specification").

use crate::{
    execute::{Bubble, Execution, Object, lookup, runtime_type},
    input::constant,
    schema::{FieldSet, Type},
    subgraph::Subgraph,
    template::is_template,
    world::has,
};
use async_graphql::{PathSegment, Value, parser::types::Field};
use graphql_tools::parser::query::{Selection, TypeCondition};
use serde_json::{Map, Value as Json};

pub fn answer<'a>(
    execution: &mut Execution<'a>,
    representations: &Json,
    fields: &[&'a Field],
) -> Result<Value, Bubble> {
    let list = representations.as_array().unwrap();
    // One of several lists in one request may be empty.
    if list.is_empty() && fields[0].alias.is_none() {
        execution.subgraph.complain("no entity is asked for");
    }
    for (index, representation) in list.iter().enumerate() {
        if list[..index].contains(representation) {
            execution.subgraph.complain(format!("asked twice for {representation}"));
        }
    }
    let mut all = Vec::new();
    for (index, representation) in list.iter().enumerate() {
        execution.path.push(PathSegment::Index(index));
        all.push(entity(execution, representation, fields));
        execution.path.pop();
    }
    Ok(Value::List(all))
}

fn entity<'a>(execution: &mut Execution<'a>, representation: &Json, fields: &[&'a Field]) -> Value {
    let subgraph = execution.subgraph;
    let Some(ty) = representation["__typename"].as_str() else {
        subgraph.complain(format!("no __typename in {representation}"));
        return Value::Null;
    };
    for name in representation.as_object().unwrap().keys() {
        if name != "__typename" && subgraph.schema.field(ty, name).is_none() {
            subgraph.complain(format!("{ty} has no {name}, in {representation}"));
        }
    }
    let keys = subgraph.schema.keys(ty);
    let Some(key) = keys.iter().find(|key| has(key, representation)) else {
        subgraph.complain(format!("no key of {ty} in {representation}"));
        return Value::Null;
    };
    let Some(row) = subgraph.world.find(ty, key, representation) else {
        return Value::Null;
    };
    if row.get(format!("$missing@{}", subgraph.name)).is_some() {
        return Value::Null;
    }
    let fails = row.get("$error").or_else(|| row.get(format!("$error@{}", subgraph.name)));
    if let Some(message) = fails {
        execution.error(message.as_str().unwrap(), None);
        return Value::Null;
    }
    let object = Object {
        ty: runtime_type(subgraph, &row, ty),
        row,
        representation: Some(representation),
        provided: Vec::new(),
    };
    let sets: Vec<_> = fields.iter().map(|field| &field.selection_set.node).collect();
    execution.object(&object, &sets).unwrap_or(Value::Null)
}

/// Complains where a field is asked for without what it requires, or with something else than is true.
pub fn check_requirement(subgraph: &Subgraph, object: &Object<'_>, name: &str, set: &FieldSet) {
    let Some(representation) = object.representation else {
        subgraph.complain(format!("{}.{name} is asked for where nothing is required", object.ty));
        return;
    };
    if let Err(problem) = agrees(subgraph, set, representation, &object.row) {
        subgraph.complain(format!("{}.{name}: {problem}, in {representation}", object.ty));
    }
}

/// Whether something that is never null is missing among what is required of an object, so that nobody
/// can have the object.
fn bubbles(subgraph: &Subgraph, set: &FieldSet, object: &Json) -> bool {
    let ty = object["__typename"].as_str().unwrap_or_default();
    set.iter().any(|item| {
        let Selection::Field(field) = item else { return false };
        let definition = subgraph.schema.field(ty, &field.name);
        let never_null = definition
            .is_some_and(|definition| matches!(definition.field_type, Type::NonNullType(_)));
        let value = subgraph.world.follow(&object[&field.name]);
        let is_missing = value.is_null() || value.get("$error").is_some();
        never_null && (is_missing || bubbles(subgraph, &field.selection_set.items, &value))
    })
}

fn agrees(subgraph: &Subgraph, set: &FieldSet, given: &Json, truth: &Json) -> Result<(), String> {
    let truth = subgraph.world.follow(truth);
    if let Some(truth) = truth.as_array() {
        let given = given.as_array().filter(|given| given.len() == truth.len());
        let pairs = given.ok_or("a list of another length")?.iter().zip(truth);
        return pairs
            .into_iter()
            .try_for_each(|(given, truth)| agrees(subgraph, set, given, truth));
    }
    if truth.is_null() || truth.get("$error").is_some() || bubbles(subgraph, set, &truth) {
        return if given.is_null() { Ok(()) } else { Err(format!("{given} for null")) };
    }
    for item in set {
        match item {
            Selection::Field(field) => {
                let arguments: Map<_, _> = field
                    .arguments
                    .iter()
                    .map(|(name, value)| (name.clone(), constant(value)))
                    .collect();
                let value =
                    given.get(&field.name).ok_or_else(|| format!("{} is missing", field.name))?;
                let truth = lookup(&truth, &field.name, &arguments, "")
                    .ok_or_else(|| format!("the table has no {}", field.name))?;
                if field.selection_set.items.is_empty() {
                    let known = truth.get("$error").map_or(truth, |_| &Json::Null);
                    if !is_template(truth) && value != known {
                        return Err(format!("{} is {value}, not {known}", field.name));
                    }
                } else {
                    agrees(subgraph, &field.selection_set.items, value, truth)?;
                }
            }
            Selection::InlineFragment(fragment) => {
                let own = truth["__typename"].as_str().unwrap_or_default();
                let fits = match &fragment.type_condition {
                    Some(TypeCondition::On(ty)) => {
                        subgraph.schema.is(own, ty) || subgraph.world.is(own, ty)
                    }
                    None => true,
                };
                if fits {
                    agrees(subgraph, &fragment.selection_set.items, given, &truth)?;
                }
            }
            Selection::FragmentSpread(_) => return Err("a field set names no fragments".to_owned()),
        }
    }
    Ok(())
}
