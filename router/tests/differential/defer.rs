//! Random operations with `@defer` here and there: the parts of an answer, put together, are the answer
//! without it. Where there are errors, a null that stops at a fragment leaves more than one that goes on,
//! and fields that are asked for by themselves do not fall with what was asked for beside them.

use crate::{
    data::Data,
    merge::root,
    model::Model,
    operations::{Item, Operation, Set, set},
    parts::merged,
    random::Random,
    setting, shrink,
    subgraphs::Federation,
};
use graphql_tools::parser::{
    Pos,
    query::{Definition, Directive, InlineFragment, OperationDefinition, Selection},
};
use serde_json::{Map, Value as Json};
use std::sync::Arc;
use studio_router::GraphqlRequest;

/// So many operations are tried where nothing is said.
const OPERATIONS: u64 = 300;
/// So many operations are asked of the same data.
const OF_ONE_WORLD: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_parts_of_an_answer_are_the_answer() {
    let (first, count) =
        (setting("STUDIO_TEST_SEED", 0), setting("STUDIO_TEST_OPERATIONS", OPERATIONS));
    let at_most = setting("STUDIO_TEST_FAILURES", 1) as usize;
    let model = Arc::new(Model::new());
    let federation = Federation::new(&model, false).await;
    let (mut failures, mut in_parts) = (Vec::new(), 0);
    for seed in first..first + count {
        let data = Data::new(&model, seed / OF_ONE_WORLD);
        federation.put(&data);
        let plain = Operation::new(&model, seed);
        let mut deferred = plain.clone();
        sprinkle(&mut deferred, &mut Random::new(!seed));
        match ask(&federation, &plain, &deferred).await {
            Ok(parts) => in_parts += u64::from(parts > 1),
            Err(problem) => {
                let (smallest, problem) = smaller(&federation, deferred, problem).await;
                let variables = Json::Object(smallest.variables.clone());
                failures.push(format!(
                    "seed {seed}: {problem}\n\n{}\nvariables {variables}\naway: {:?}",
                    smallest.text(),
                    data.away
                ));
            }
        }
        if failures.len() >= at_most {
            break;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n==========\n\n"));
    assert!(in_parts > count / 10, "only {in_parts} answers of {count} came in parts");
}

/// The smallest operation that was found to show the same kind of problem.
async fn smaller(
    federation: &Federation,
    mut smallest: Operation,
    mut problem: String,
) -> (Operation, String) {
    let kind = |problem: &str| problem.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let mut number = 0;
    while let Some(next) = shrink::without(&smallest, number) {
        match ask(federation, &without_defer(&next), &next).await {
            Err(still) if kind(&still) == kind(&problem) => (smallest, problem) = (next, still),
            _ => number += 1,
        }
    }
    (smallest, problem)
}

/// How many parts there are; or what is wrong with them.
async fn ask(
    federation: &Federation,
    plain: &Operation,
    deferred: &Operation,
) -> Result<usize, String> {
    let request = |operation: &Operation| {
        let variables = Json::Object(operation.variables.clone());
        GraphqlRequest::new(operation.text()).variables(variables)
    };
    let whole = federation.answer(request(plain)).await;
    let (parts, mutations, complaints) = match federation.parts(request(deferred)).await {
        Err(refused) if refused.contains("a number of deferred fragments") => return Ok(1),
        answered => answered?,
    };
    let expected: Json = serde_json::from_str(&whole.body).map_err(|error| error.to_string())?;
    let told = || format!("\n  whole {expected}\n  parts {}", Json::from(parts.clone()));
    if let Some(complaint) = complaints.first() {
        return Err(format!("a complaint: {complaint}{}", told()));
    }
    // A null that stops at a fragment does not keep the mutations that follow from being done.
    let goes_on =
        whole.body.starts_with("{\"data\":null") && mutations.starts_with(&whole.mutations);
    if mutations != whole.mutations && !goes_on {
        return Err(format!("other mutations: {mutations}, not {}", whole.mutations));
    }
    let together = std::panic::catch_unwind(|| merged(&parts))
        .map_err(|_| format!("against the protocol{}", told()))?;
    let errors = expected["errors"].as_array().cloned().unwrap_or_default();
    if errors.is_empty() != together.errors.is_empty() {
        return Err(format!("other errors: {:?}{}", together.errors, told()));
    }
    let same = match errors.is_empty() {
        true => together.data == expected["data"],
        false => is_left_of(&expected["data"], &together.data),
    };
    match same {
        true => Ok(parts.len()),
        false => Err(format!("other data: {}{}", together.data, told())),
    }
}

/// Defers fragments of an operation, and puts fields into fragments that are deferred.
fn sprinkle(operation: &mut Operation, random: &mut Random) {
    for definition in &mut operation.document.definitions {
        match definition {
            Definition::Operation(OperationDefinition::Mutation(mutation)) => {
                below_root(&mut mutation.selection_set, random);
            }
            Definition::Operation(operation) => defer_in(root(operation), random),
            Definition::Fragment(fragment) => defer_in(&mut fragment.selection_set, random),
        }
    }
}

/// The root fields of a mutation cannot be deferred.
fn below_root(set: &mut Set, random: &mut Random) {
    for item in &mut set.items {
        match item {
            Selection::Field(field) => defer_in(&mut field.selection_set, random),
            Selection::InlineFragment(fragment) => below_root(&mut fragment.selection_set, random),
            Selection::FragmentSpread(spread) => panic!("not generated: {spread}"),
        }
    }
}

fn defer_in(items: &mut Set, random: &mut Random) {
    for item in &mut items.items {
        match item {
            Selection::Field(field) => defer_in(&mut field.selection_set, random),
            Selection::InlineFragment(fragment) => {
                defer_in(&mut fragment.selection_set, random);
                if random.percent(25) {
                    fragment.directives.push(defer(random));
                }
            }
            Selection::FragmentSpread(spread) => {
                if random.percent(25) {
                    spread.directives.push(defer(random));
                }
            }
        }
    }
    if !items.items.is_empty() && random.percent(30) {
        let (from, all) = (random.below(items.items.len()), items.items.len());
        let moved: Vec<Item> =
            items.items.drain(from..from + 1 + random.below(all - from)).collect();
        let fragment = InlineFragment {
            position: Pos::default(),
            type_condition: None,
            directives: vec![defer(random)],
            selection_set: set(moved),
        };
        items.items.insert(from, Selection::InlineFragment(fragment));
    }
}

fn defer(random: &mut Random) -> Directive<'static, String> {
    use graphql_tools::parser::query::Value;
    let condition =
        random.percent(15).then(|| ("if".to_owned(), Value::Boolean(random.percent(50))));
    let arguments = condition.into_iter().collect();
    Directive { position: Pos::default(), name: "defer".to_owned(), arguments }
}

/// The same operation with nothing deferred.
fn without_defer(operation: &Operation) -> Operation {
    let mut plain = operation.clone();
    crate::merge::for_each_set(&mut plain.document, &mut |set| {
        for item in &mut set.items {
            let directives = match item {
                Selection::Field(field) => &mut field.directives,
                Selection::InlineFragment(fragment) => &mut fragment.directives,
                Selection::FragmentSpread(spread) => &mut spread.directives,
            };
            directives.retain(|directive| directive.name != "defer");
        }
    });
    plain
}

/// Whether `data` is what is left of `more` where nulls took the place of what is around them.
fn is_left_of(data: &Json, more: &Json) -> bool {
    match (data, more) {
        (Json::Null, _) => true,
        (Json::Object(data), Json::Object(more)) => fields_are_left(data, more),
        (Json::Array(data), Json::Array(more)) => {
            data.len() == more.len()
                && data.iter().zip(more).all(|(data, more)| is_left_of(data, more))
        }
        (data, more) => data == more,
    }
}

fn fields_are_left(data: &Map<String, Json>, more: &Map<String, Json>) -> bool {
    // A fragment that failed has none of its fields in `more`.
    more.iter().all(|(key, value)| data.get(key).is_some_and(|data| is_left_of(data, value)))
}
