//! Requests to subgraphs in the order in which they can be made.

use super::types::{EntityFetch, Fetch, Require, SubgraphOperation};
use crate::data::Key;
use std::collections::BTreeSet;

/// Requests, each after those that it waits for. Whatever does not wait for each other may run side by
/// side.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    pub(crate) requests: Vec<Scheduled>,
}

/// A request and its place among the others, which are named by their numbers.
#[derive(Debug)]
pub(crate) struct Scheduled {
    pub(crate) request: Request,
    /// How many it waits for.
    pub(crate) after: usize,
    /// Those that wait for it.
    pub(crate) before: Vec<usize>,
}

#[derive(Debug)]
pub(crate) enum Request {
    /// Fields of a root type.
    Root(Fetch),
    Entities(EntityFetch),
}

impl Request {
    pub(crate) fn operation(&self) -> &SubgraphOperation {
        match self {
            Request::Root(fetch) => &fetch.operation,
            Request::Entities(fetch) => &fetch.operation,
        }
    }
}

impl Schedule {
    pub(crate) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// Adds a request that waits for others, which are there already.
    pub(crate) fn add(&mut self, request: Request, after: &BTreeSet<usize>) {
        let number = self.requests.len();
        for earlier in after {
            self.requests[*earlier].before.push(number);
        }
        self.requests.push(Scheduled { request, after: after.len(), before: Vec::new() });
    }

    /// Adds requests that have nothing to do with those that are there.
    pub(crate) fn add_beside(&mut self, other: Schedule) {
        let first = self.requests.len();
        self.requests.extend(other.requests.into_iter().map(|mut scheduled| {
            scheduled.before.iter_mut().for_each(|number| *number += first);
            scheduled
        }));
    }

    /// Whether a representation is made with what is fetched under a key.
    pub(crate) fn requires(&self, key: Key) -> bool {
        fn reads(parts: &[Require], key: Key) -> bool {
            parts.iter().any(|part| match part {
                Require::Field { read, nested, .. } => *read == key || reads(nested, key),
                Require::On(_, inner) => reads(inner, key),
            })
        }
        self.requests.iter().any(|scheduled| match &scheduled.request {
            Request::Root(_) => false,
            Request::Entities(fetch) => {
                fetch.groups.iter().any(|group| reads(&group.requires, key))
            }
        })
    }
}
