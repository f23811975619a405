//! What the router is known to do wrong, each with the fields that random operations leave out because
//! of it and a small operation that shows it. All of them are the planner's.

use crate::operations::Operation;
use graphql_tools::parser::query::parse_query;
use serde_json::Map;

pub struct Known {
    /// What is wrong.
    pub what: &'static str,
    /// Fields that operations leave out, each with the type that it is selected on.
    pub fields: &'static [(&'static str, &'static str)],
    /// Shows it over data without faults.
    pub operation: &'static str,
}

pub const KNOWN: [Known; 5] = [
    Known {
        what: "a field is not asked for whose requirement another subgraph has, where the object is met \
               first in the subgraph of the field",
        fields: &[("Product", "label"), ("Product", "shipping")],
        operation: "query { store { shelves { holds { shipping } } } }",
    },
    Known {
        what: "what a client selects stands for a requirement of the same field with other arguments",
        fields: &[("Product", "label")],
        operation: "query { product { maker { products { price label } } } }",
    },
    Known {
        what: "a field whose requirement is itself required, and reached by another key, is not asked for",
        fields: &[("Product", "duty")],
        operation: "query { products { duty } }",
    },
    Known {
        what: "fields of an interface object are asked for of one of its types alone where the interface \
               object comes first",
        fields: &[("Query", "top")],
        operation: "query { top { reviews { id } } }",
    },
    Known {
        what: "what a field of an interface object requires is asked for by fragments that cannot match",
        fields: &[("Media", "slogan"), ("Book", "slogan"), ("Film", "slogan")],
        operation: "mutation { touchMedia { ... on Book { slogan } } }",
    },
];

/// Whether random operations do not ask for a field.
pub fn is_left_out(ty: &str, field: &str) -> bool {
    KNOWN.iter().any(|known| known.fields.contains(&(ty, field)))
}

impl Known {
    pub fn operation(&self) -> Operation {
        let document = parse_query::<String>(self.operation).unwrap().into_static();
        Operation { document, variables: Map::new() }
    }
}
