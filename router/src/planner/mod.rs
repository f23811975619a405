//! A planner of our own, **begun and not in use** (decision 9): the join model is read, and the search
//! finds which subgraph answers what, in which order. What is behind `@interfaceObject` is not looked for
//! in other subgraphs yet, and nothing turns the fetches into the router's plan.

#![expect(dead_code, reason = "nothing but its tests uses it yet")]

mod entity;
mod fetches;
mod model;
mod reach;
mod read;
mod search;
mod selection;
mod several;
mod tests;

/// A subgraph as the supergraph names it.
#[derive(Debug)]
struct Subgraph {
    name: String,
    url: String,
}
