//! Reads a case: a Markdown file whose fenced blocks say what they are.
//!
//! - `graphql subgraph NAME`: a subgraph's schema. The federation directives need no `@link`.
//! - `json data`: the table ([`crate::world`]).
//! - `graphql`: an operation, named by the heading above it. After it may come `json variables` and
//!   `json request` (more members of the request, such as `operationName`) and `json labels` (which labels of
//!   progressive overrides are on: the names in `on`, and shares above `draw`), and must come
//! - `json answer`: `data` and `errors` as the client must see them, in this order of keys. An error is
//!   given by its `path`, and its `message` and `code` where the case is about them. `asked`, if given,
//!   counts the requests that each subgraph may get.

use async_graphql::Value;
use serde_json::{Map, Value as Json};
use std::path::PathBuf;

pub struct Case {
    pub name: String,
    /// Schemas by the names of their subgraphs.
    pub subgraphs: Vec<(String, String)>,
    pub data: Json,
    pub operations: Vec<Operation>,
}

pub struct Operation {
    pub name: String,
    /// The members of the request.
    pub request: Map<String, Json>,
    pub labels: Labels,
    pub answer: Answer,
}

/// Which labels of progressive overrides are on.
#[derive(Clone, Debug, Default, serde::Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Labels {
    pub on: Vec<String>,
    /// From 0 to 100: shares above it are on.
    pub draw: f64,
}

/// What the specifications ask for.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// `None` where nothing may be executed; keys in order.
    #[serde(default, deserialize_with = "present")]
    pub data: Option<Value>,
    #[serde(default)]
    pub errors: Vec<ExpectedError>,
    pub asked: Option<Map<String, Json>>,
}

#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExpectedError {
    pub path: Option<Json>,
    pub message: Option<String>,
    pub code: Option<String>,
}

/// `null` is something else than nothing.
fn present<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Value>, D::Error> {
    serde::Deserialize::deserialize(from).map(Some)
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/correctness/cases")
}

/// The names of all cases.
pub fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path());
    files.map(|file| file.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// Reads a case, or ends with what is wrong with its file.
pub fn read(name: &str) -> Case {
    let text = std::fs::read_to_string(folder().join(name).with_extension("md")).unwrap();
    let mut case = Case {
        name: name.to_owned(),
        subgraphs: Vec::new(),
        data: Json::Null,
        operations: Vec::new(),
    };
    let mut heading = String::new();
    let mut request = Map::new();
    let mut labels = Labels::default();
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(text) = line.strip_prefix("## ") {
            text.clone_into(&mut heading);
        }
        let Some(kind) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> =
            lines.by_ref().map(|(_, line)| line).take_while(|line| *line != "```").collect();
        let block = block.join("\n");
        let at = format!("{name}.md, line {}", number + 1);
        let json = || -> Json {
            serde_json::from_str(&block).unwrap_or_else(|error| panic!("{at}: {error}"))
        };
        match kind.split(' ').collect::<Vec<_>>()[..] {
            ["graphql", "subgraph", name] => case.subgraphs.push((name.to_owned(), block)),
            ["json", "data"] => case.data = json(),
            ["graphql"] => {
                assert!(request.insert("query".to_owned(), block.into()).is_none(), "{at}");
            }
            ["json", "variables"] => {
                request.insert("variables".to_owned(), json());
            }
            ["json", "request"] => request.extend(json().as_object().unwrap().clone()),
            ["json", "labels"] => {
                labels =
                    serde_json::from_value(json()).unwrap_or_else(|error| panic!("{at}: {error}"));
            }
            ["json", "answer"] => case.operations.push(Operation {
                name: heading.clone(),
                request: std::mem::take(&mut request),
                labels: std::mem::take(&mut labels),
                answer: serde_json::from_str(&block)
                    .unwrap_or_else(|error| panic!("{at}: {error}")),
            }),
            _ => panic!("{at}: no such block: {kind}"),
        }
    }
    for (number, operation) in case.operations.iter().enumerate() {
        let twice = case.operations[..number].iter().any(|other| other.name == operation.name);
        assert!(!twice, "{name}.md has two operations named {:?}", operation.name);
    }
    assert!(request.is_empty(), "{name}.md: the last operation has no answer");
    assert!(!case.operations.is_empty(), "{name}.md asks for nothing");
    case
}
