//! Runs operations by their seeds, and tells of the first that is answered otherwise.

use crate::{
    compare::compare, data::Data, model::Model, monolith::Oracle, operations::Operation,
    rewrite::for_async_graphql, shrink, subgraphs::Federation,
};
use async_graphql::Value;
use serde_json::Value as Json;
use std::sync::Arc;
use studio_router::GraphqlRequest;

/// So many operations are asked of the same data.
const OF_ONE_WORLD: u64 = 8;
/// One of so many operations is asked over HTTP, too.
const OVER_HTTP: u64 = 8;

pub struct Runner {
    model: Arc<Model>,
    oracle: Oracle,
    near: Federation,
    far: Federation,
    /// The data of the last operation, by their seed.
    last: Option<(u64, Arc<Data>)>,
}

/// The seed of the data that an operation is asked of.
pub fn world_of(seed: u64) -> u64 {
    seed / OF_ONE_WORLD
}

impl Runner {
    pub async fn new(model: &Arc<Model>) -> Runner {
        Runner {
            oracle: Oracle::new(model),
            near: Federation::new(model, false).await,
            far: Federation::new(model, true).await,
            model: model.clone(),
            last: None,
        }
    }

    /// The data of a seed; the subgraphs have them.
    fn data(&mut self, seed: u64) -> Arc<Data> {
        if let Some((last, data)) = &self.last
            && *last == seed
        {
            return data.clone();
        }
        let data = Arc::new(Data::new(&self.model, seed));
        self.near.put(&data);
        self.far.put(&data);
        self.last = Some((seed, data.clone()));
        data
    }

    /// Asks for the operation of a seed; tells what is wrong with the answer, of the smallest operation
    /// that was found to show it.
    pub async fn run(&mut self, seed: u64) -> Result<(), String> {
        let data = self.data(world_of(seed));
        let http = seed.is_multiple_of(OVER_HTTP);
        let operation = Operation::new(&self.model, seed);
        let Err(first) = self.ask(&data, &operation, http).await else { return Ok(()) };
        let (smallest, problem) = self.shrink(&data, operation.clone(), http, first.clone()).await;
        Err(format!(
            "seed {seed}: {problem}\n\n{}\nvariables {}\naway: {:?}\n\nas it was made: {first}\n\n{}\nvariables {}",
            smallest.text(),
            Json::Object(smallest.variables.clone()),
            data.away,
            operation.text(),
            Json::Object(operation.variables.clone()),
        ))
    }

    async fn shrink(
        &self,
        data: &Data,
        mut smallest: Operation,
        http: bool,
        mut problem: String,
    ) -> (Operation, String) {
        let mut number = 0;
        while let Some(smaller) = shrink::without(&smallest, number) {
            match self.ask(data, &smaller, http).await {
                Err(still) if kind(&still) == kind(&problem) => {
                    (smallest, problem) = (smaller, still);
                }
                _ => number += 1,
            }
        }
        (smallest, problem)
    }

    async fn ask(&self, data: &Data, operation: &Operation, http: bool) -> Result<(), String> {
        let rewritten = for_async_graphql(&self.model, operation);
        let expected =
            self.oracle.answer(&data.world, &rewritten.text(), &rewritten.variables).await?;
        let request = || {
            let variables = Json::Object(operation.variables.clone());
            GraphqlRequest::new(operation.text()).variables(variables)
        };
        let answer = self.near.answer(request()).await;
        let wrong = |what: String| Err(format!("{what}\nanswer {}", answer.body));
        if let Err(problem) = compare(&answer.body, &expected) {
            return wrong(format!("{problem}\n  of the oracle's errors {:?}", expected.errors));
        }
        let (done, wanted) = (&answer.mutations, expected.mutations.join(", "));
        let stopped = expected.emptied.contains("");
        if *done != wanted && !(stopped && wanted.starts_with(done)) {
            return wrong(format!("other mutations {done}, not {wanted}"));
        }
        if let Some(complaint) = answer.complaints.first() {
            return wrong(format!("a complaint: {complaint}"));
        }
        if http {
            let far = self.far.answer(request()).await;
            if in_any_order(&far.body) != in_any_order(&answer.body) {
                return wrong(format!("over HTTP another answer {}", far.body));
            }
            if let Some(complaint) = far.complaints.first() {
                return wrong(format!("over HTTP a complaint: {complaint}"));
            }
        }
        Ok(())
    }
}

/// An answer's data and its errors, which come in the order in which fetches end.
fn in_any_order(body: &str) -> (String, Vec<String>) {
    let mut answer: Value = serde_json::from_str(body).unwrap();
    let errors = match &mut answer {
        Value::Object(answer) => answer.swap_remove("errors"),
        _ => None,
    };
    let mut errors: Vec<String> = match errors {
        Some(Value::List(errors)) => errors.iter().map(ToString::to_string).collect(),
        _ => Vec::new(),
    };
    errors.sort();
    (answer.to_string(), errors)
}

/// The first words of a problem: a smaller operation has to show the same one.
fn kind(problem: &str) -> String {
    problem.split_whitespace().take(2).collect::<Vec<_>>().join(" ")
}
