//! A guest: the subgraph of a stranger, which may add to a graph and may change nothing of it.
//!
//! A guest may bring types, fields of the root types, and fields of the entities of others, which it
//! asks for by their keys. It may neither answer a field that the graph has without it, nor change what
//! clients see or routers do of what is there: not its types, arguments, directives or descriptions.
//! That is read off the composed graph and not off the guest's text, in which a directive may have any
//! name.

use super::{
    CompositionErrors, SubgraphSdl, Supergraph,
    limits::check_sdl,
    sdl::{Mark, Sdl, argument, type_name},
    supergraph,
};
use graphql_tools::parser::schema::{
    Definition, Field, InputValue, InterfaceType, TypeDefinition, Value,
};
use std::collections::{BTreeMap, BTreeSet};

type Type = TypeDefinition<'static, String>;
type Fields = Vec<Field<'static, String>>;

/// Composes `guest` with the graph of `hosts`, which is `graph` without it.
///
/// # Errors
/// Where the guest's schema is larger or deeper than it may be, where the subgraphs do not compose, where
/// the guest would change what is there, and where a field could not be reached: each by its place.
pub fn compose_guest(
    hosts: &[SubgraphSdl],
    graph: &Supergraph,
    guest: SubgraphSdl,
) -> Result<Supergraph, CompositionErrors> {
    check_sdl(&guest.sdl)
        .map_err(|error| CompositionErrors::one(format!("[{}] {error}", guest.name)))?;
    let name = guest.name.clone();
    let composed =
        super::compose(hosts.iter().cloned().chain([guest]).collect()).map_err(|mut errors| {
            // Composition gives advice to subgraphs that may do more.
            errors.0.push(format!(
                "[{name}] without it the graph composes: an extension may name what others answer as @external, and nothing more"
            ));
            errors
        })?;
    let unreadable = |reason: String| CompositionErrors::one(reason);
    let before = supergraph::parse(&graph.sdl).map_err(unreadable)?;
    let mut after = supergraph::parse(&composed.sdl).map_err(unreadable)?;
    describe(&before, &mut after);
    let mut problems = changed(&before, &after);
    problems.extend(taken(&before, &after, &name));
    if !problems.is_empty() {
        let by = |problem| format!("[{name}] {problem}");
        return Err(CompositionErrors(problems.into_iter().map(by).collect()));
    }
    let sdl = after.to_string();
    let (_, schema, _) = supergraph::read_supergraph(&sdl)?;
    super::check_plannable(&sdl)?;
    Ok(Supergraph { api_sdl: schema.sdl(), sdl })
}

fn types(document: &Sdl) -> impl Iterator<Item = &Type> {
    let types = document.definitions.iter().filter_map(|definition| match definition {
        Definition::TypeDefinition(definition) => Some(definition),
        _ => None,
    });
    types.filter(|ty| !supergraph::is_machinery(type_name(ty)))
}

/// Gives what is in `before` the words that it has there, whatever the guest says of it.
fn describe(before: &Sdl, after: &mut Sdl) {
    let known: BTreeMap<&String, &Type> = types(before).map(|ty| (type_name(ty), ty)).collect();
    for definition in &mut after.definitions {
        let Definition::TypeDefinition(after) = definition else { continue };
        let Some(before) = known.get(type_name(after)) else { continue };
        match (*before, after) {
            (TypeDefinition::Object(before), TypeDefinition::Object(after)) => {
                after.description.clone_from(&before.description);
                describe_fields(&before.fields, &mut after.fields);
            }
            (TypeDefinition::Interface(before), TypeDefinition::Interface(after)) => {
                after.description.clone_from(&before.description);
                describe_fields(&before.fields, &mut after.fields);
            }
            (TypeDefinition::InputObject(before), TypeDefinition::InputObject(after)) => {
                after.description.clone_from(&before.description);
                describe_inputs(&before.fields, &mut after.fields);
            }
            (TypeDefinition::Enum(before), TypeDefinition::Enum(after)) => {
                after.description.clone_from(&before.description);
                for value in &mut after.values {
                    let same = before.values.iter().find(|same| same.name == value.name);
                    value.description = same.and_then(|same| same.description.clone());
                }
            }
            (TypeDefinition::Union(before), TypeDefinition::Union(after)) => {
                after.description.clone_from(&before.description);
            }
            (TypeDefinition::Scalar(before), TypeDefinition::Scalar(after)) => {
                after.description.clone_from(&before.description);
            }
            _ => {}
        }
    }
}

fn describe_fields(before: &[Field<'static, String>], after: &mut [Field<'static, String>]) {
    for field in after {
        if let Some(same) = before.iter().find(|same| same.name == field.name) {
            field.description.clone_from(&same.description);
            describe_inputs(&same.arguments, &mut field.arguments);
        }
    }
}

fn describe_inputs(
    before: &[InputValue<'static, String>],
    after: &mut [InputValue<'static, String>],
) {
    for input in after {
        if let Some(same) = before.iter().find(|same| same.name == input.name) {
            input.description.clone_from(&same.description);
        }
    }
}

/// What is in `before` and not the same in `after`.
fn changed(before: &Sdl, after: &Sdl) -> Vec<String> {
    let mut problems = Vec::new();
    let now: BTreeMap<&String, &Type> = types(after).map(|ty| (type_name(ty), ty)).collect();
    for ty in types(before) {
        let Some(now) = now.get(type_name(ty)) else {
            problems.push(format!("{}: the type would be gone", type_name(ty)));
            continue;
        };
        let (head, parts) = plain(ty);
        let (head_now, parts_now) = plain(now);
        if head != head_now {
            problems
                .push(format!("{} would be changed: {head_now} instead of {head}", type_name(ty)));
        }
        for (part, text) in parts {
            match parts_now.get(&part) {
                Some(now) if *now == text => {}
                Some(now) => problems.push(format!(
                    "{}.{part} would be changed: {now} instead of {text}",
                    type_name(ty)
                )),
                None => problems.push(format!("{}.{part} would be gone", type_name(ty))),
            }
        }
    }
    let directives = |document: &Sdl| -> BTreeMap<String, String> {
        let found = document.definitions.iter().filter_map(|definition| match definition {
            Definition::DirectiveDefinition(directive) => Some(directive),
            _ => None,
        });
        let own = found.filter(|directive| !supergraph::is_machinery(&directive.name));
        own.map(|directive| (directive.name.clone(), directive.to_string())).collect()
    };
    let now = directives(after);
    for (name, text) in directives(before) {
        if now.get(&name) != Some(&text) {
            problems.push(format!("@{name} would be changed"));
        }
    }
    problems
}

/// A type without what says who answers it: its head, and its fields by name where a guest may add some.
fn plain(ty: &Type) -> (String, BTreeMap<String, String>) {
    let mut parts = BTreeMap::new();
    let head = match ty.clone() {
        TypeDefinition::Object(mut object) => {
            object.implements_interfaces.sort();
            unmark(&mut object.directives);
            for field in std::mem::take(&mut object.fields) {
                parts.insert(field.name.clone(), line(&unmarked(field)));
            }
            TypeDefinition::Object(object)
        }
        TypeDefinition::Interface(mut interface) => {
            interface.implements_interfaces.sort();
            unmark(&mut interface.directives);
            let mut fields: Fields = interface.fields.into_iter().map(unmarked).collect();
            fields.sort_by(|a, b| a.name.cmp(&b.name));
            TypeDefinition::Interface(InterfaceType { fields, ..interface })
        }
        TypeDefinition::InputObject(mut input) => {
            unmark(&mut input.directives);
            input.fields.iter_mut().for_each(|field| unmark(&mut field.directives));
            input.fields.sort_by(|a, b| a.name.cmp(&b.name));
            TypeDefinition::InputObject(input)
        }
        TypeDefinition::Enum(mut definition) => {
            unmark(&mut definition.directives);
            definition.values.iter_mut().for_each(|value| unmark(&mut value.directives));
            definition.values.sort_by(|a, b| a.name.cmp(&b.name));
            TypeDefinition::Enum(definition)
        }
        TypeDefinition::Union(mut union) => {
            unmark(&mut union.directives);
            union.types.sort();
            TypeDefinition::Union(union)
        }
        TypeDefinition::Scalar(mut scalar) => {
            unmark(&mut scalar.directives);
            TypeDefinition::Scalar(scalar)
        }
    };
    (line(&head), parts)
}

fn unmarked(mut field: Field<'static, String>) -> Field<'static, String> {
    unmark(&mut field.directives);
    for argument in &mut field.arguments {
        unmark(&mut argument.directives);
    }
    field.arguments.sort_by(|a, b| a.name.cmp(&b.name));
    field
}

fn unmark(directives: &mut Vec<Mark>) {
    directives.retain(|mark| !mark.name.starts_with("join__"));
    directives.sort_by_cached_key(ToString::to_string);
}

/// A definition in one line.
fn line(definition: &impl ToString) -> String {
    definition.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The fields of the graph that the guest would answer, or have answered in its place.
fn taken(before: &Sdl, after: &Sdl, guest: &str) -> Vec<String> {
    let Some(graph) = graph(after, guest) else {
        // It brings nothing.
        return Vec::new();
    };
    let known: BTreeMap<&String, &Type> = types(before).map(|ty| (type_name(ty), ty)).collect();
    let roots: Vec<&String> =
        [before.query_type_name(), before.mutation_type_name(), before.subscription_type_name()]
            .into_iter()
            .flatten()
            .collect();
    let mut problems = Vec::new();
    for ty in types(after) {
        let (marks, fields) = match ty {
            TypeDefinition::Object(object) => (&object.directives, &object.fields),
            TypeDefinition::Interface(interface) => (&interface.directives, &interface.fields),
            _ => continue,
        };
        let here = of(marks, "join__type", &graph).count() > 0;
        for field in fields {
            let place = format!("{}.{}", type_name(ty), field.name);
            let own: Vec<&Mark> = of(&field.directives, "join__field", &graph).collect();
            if own.iter().any(|mark| argument(mark, "override").is_some()) {
                problems
                    .push(format!("{place}: an extension may not @override what others answer"));
            }
            if own.iter().any(|mark| argument(mark, "provides").is_some()) {
                problems
                    .push(format!("{place}: an extension may not answer for others by @provides"));
            }
        }
        let Some(before) = known.get(type_name(ty)).filter(|_| here) else { continue };
        let keys = keys(before);
        let is_root = roots.contains(&type_name(ty));
        let keyed = of(marks, "join__type", &graph).any(|mark| argument(mark, "key").is_some());
        if keyed && keys.is_empty() {
            problems.push(format!(
                "{}: it has no key in the graph by which an extension could ask for it",
                type_name(ty)
            ));
            continue;
        }
        let known = fields_of(before);
        // A value is answered by whoever returns it, and by nobody else.
        let is_value = keys.is_empty() && !is_root;
        for field in fields.iter().filter(|field| known.contains(&field.name) && !is_value) {
            let everywhere = !field.directives.iter().any(|mark| mark.name == "join__field");
            let answers =
                of(&field.directives, "join__field", &graph).any(|mark| !is_true(mark, "external"));
            if (everywhere || answers) && (is_root || !keys.contains(&field.name)) {
                problems.push(format!(
                    "{}.{}: the graph answers this field; an extension may name it as @external only",
                    type_name(ty),
                    field.name
                ));
            }
        }
    }
    problems
}

/// The value of `join__Graph` that a subgraph has.
fn graph(document: &Sdl, subgraph: &str) -> Option<String> {
    document.definitions.iter().find_map(|definition| match definition {
        Definition::TypeDefinition(TypeDefinition::Enum(graphs))
            if graphs.name == "join__Graph" =>
        {
            let is_it = |mark: &Mark| argument(mark, "name") == Some(subgraph);
            let value = graphs.values.iter().find(|value| value.directives.iter().any(is_it))?;
            Some(value.name.clone())
        }
        _ => None,
    })
}

/// The marks of a name that are about one subgraph.
fn of<'a>(marks: &'a [Mark], name: &'a str, graph: &'a str) -> impl Iterator<Item = &'a Mark> {
    marks.iter().filter(move |mark| mark.name == name && argument(mark, "graph") == Some(graph))
}

fn fields_of(ty: &Type) -> BTreeSet<&String> {
    match ty {
        TypeDefinition::Object(object) => object.fields.iter().map(|field| &field.name).collect(),
        TypeDefinition::Interface(interface) => {
            interface.fields.iter().map(|field| &field.name).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// The fields of a type's keys; those of a key with selections within are left out.
fn keys(ty: &Type) -> BTreeSet<String> {
    let marks = match ty {
        TypeDefinition::Object(object) => &object.directives,
        TypeDefinition::Interface(interface) => &interface.directives,
        _ => return BTreeSet::new(),
    };
    let keys = marks.iter().filter_map(|mark| argument(mark, "key"));
    let flat = keys.filter(|key| !key.contains(['{', '(']));
    flat.flat_map(str::split_whitespace).map(str::to_owned).collect()
}

fn is_true(mark: &Mark, name: &str) -> bool {
    mark.arguments.iter().any(|(own, value)| own == name && *value == Value::Boolean(true))
}
