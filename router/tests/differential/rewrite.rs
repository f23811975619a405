//! The operation as async-graphql has to get it, so that it does what the specification asks for.
//!
//! - An argument whose variable has no value is not given ("Coercing Field Arguments"); async-graphql
//!   makes null of it.
//! - The defaults of variables hold in `@skip` and `@include`, too; async-graphql looks at the request's
//!   variables alone.
//! - A fragment on a union applies to its members; async-graphql looks at the interfaces of an object.

use crate::{
    merge::for_each_set,
    model::Model,
    operations::{Doc, Item, Operation},
};
use graphql_tools::parser::query::{
    Definition, FragmentDefinition, InlineFragment, OperationDefinition, Selection, TypeCondition,
    Value, VariableDefinition,
};
use serde_json::Value as Json;

type Fragment = FragmentDefinition<'static, String>;
type Literal = Value<'static, String>;

pub fn for_async_graphql(model: &Model, operation: &Operation) -> Operation {
    let mut operation = operation.clone();
    let mut absent = Vec::new();
    for definition in &mut operation.document.definitions {
        let Definition::Operation(definition) = definition else { continue };
        let variables = variables(definition);
        for variable in &*variables {
            match (&variable.default_value, operation.variables.contains_key(&variable.name)) {
                (Some(Value::Boolean(value)), false) => {
                    operation.variables.insert(variable.name.clone(), Json::Bool(*value));
                }
                (None, false) => absent.push(variable.name.clone()),
                _ => {}
            }
        }
        variables.retain(|variable| !absent.contains(&variable.name));
    }
    let has_value =
        |value: &Literal| !matches!(value, Value::Variable(name) if absent.contains(name));
    let on_unions = take_those_on_unions(model, &mut operation.document);
    for_each_set(&mut operation.document, &mut |set| {
        let items = std::mem::take(&mut set.items);
        let items = items.into_iter().map(|item| in_place(&on_unions, item));
        set.items = items.flat_map(|item| of_members(model, item)).collect();
        for item in &mut set.items {
            if let Selection::Field(field) = item {
                field.arguments.retain(|(_, value)| has_value(value));
                field.arguments.iter_mut().for_each(|(_, value)| without(value, &has_value));
            }
        }
    });
    operation
}

pub fn variables<'a>(
    operation: &'a mut OperationDefinition<'static, String>,
) -> &'a mut Vec<VariableDefinition<'static, String>> {
    match operation {
        OperationDefinition::Query(query) => &mut query.variable_definitions,
        OperationDefinition::Mutation(mutation) => &mut mutation.variable_definitions,
        other => panic!("not generated: {other}"),
    }
}

/// Takes the fragments on unions out of a document.
fn take_those_on_unions(model: &Model, document: &mut Doc) -> Vec<Fragment> {
    let all = std::mem::take(&mut document.definitions);
    let (mut taken, mut rest) = (Vec::new(), Vec::new());
    for definition in all {
        match definition {
            Definition::Fragment(fragment) if is_union(model, &fragment.type_condition) => {
                taken.push(fragment);
            }
            other => rest.push(other),
        }
    }
    document.definitions = rest;
    taken
}

fn is_union(model: &Model, TypeCondition::On(on): &TypeCondition<'static, String>) -> bool {
    model.fields(on).is_empty()
}

/// A named fragment that was taken out, where it is named.
fn in_place(taken: &[Fragment], item: Item) -> Item {
    let Selection::FragmentSpread(spread) = &item else { return item };
    let Some(fragment) = taken.iter().find(|own| own.name == spread.fragment_name) else {
        return item;
    };
    Selection::InlineFragment(InlineFragment {
        position: spread.position,
        type_condition: Some(fragment.type_condition.clone()),
        directives: spread.directives.clone(),
        selection_set: fragment.selection_set.clone(),
    })
}

/// A fragment on a union as one fragment on each member.
fn of_members(model: &Model, item: Item) -> Vec<Item> {
    if let Selection::InlineFragment(fragment) = &item
        && let Some(condition) = &fragment.type_condition
        && is_union(model, condition)
    {
        let TypeCondition::On(on) = condition;
        let members = model.possible(on).iter().map(|member| {
            let mut fragment = fragment.clone();
            fragment.type_condition = Some(TypeCondition::On(member.clone()));
            Selection::InlineFragment(fragment)
        });
        return members.collect();
    }
    vec![item]
}

fn without(value: &mut Literal, has_value: &impl Fn(&Literal) -> bool) {
    match value {
        Value::List(items) => {
            for item in items {
                match has_value(item) {
                    true => without(item, has_value),
                    false => *item = Value::Null,
                }
            }
        }
        Value::Object(fields) => {
            fields.retain(|(_, value)| has_value(value));
            fields.iter_mut().for_each(|(_, value)| without(value, has_value));
        }
        _ => {}
    }
}
