//! How each operation of the schema is called, as plainly as it can be.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use studio_sdk::{Client, Error};

use crate::support::query;

/// Ids of things, by their prefixes.
pub(super) type Ids = BTreeMap<&'static str, String>;

/// The types of the schema by name, from introspection.
pub(super) struct Schema {
    types: BTreeMap<String, Value>,
}

const INTROSPECTION: &str = "{ __schema { types {
    name kind
    fields { name type { ...T } args { name defaultValue type { ...T } } }
    inputFields { name defaultValue type { ...T } }
    enumValues { name }
} } }
fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

impl Schema {
    pub(super) async fn read(client: &Client) -> Self {
        let data = query(client, INTROSPECTION, json!({})).await;
        let types = data["__schema"]["types"].as_array().unwrap().iter();
        Self { types: types.map(|t| (t["name"].as_str().unwrap().to_owned(), t.clone())).collect() }
    }

    /// The fields of a root type, such as `Query`.
    pub(super) fn fields(&self, root: &str) -> Vec<Value> {
        self.types[root]["fields"].as_array().unwrap().clone()
    }

    /// A value of the type, as plain as it can be, written as GraphQL.
    fn literal(&self, name: &str, of_type: &Value, ids: &Ids) -> String {
        match of_type["kind"].as_str().unwrap() {
            "NON_NULL" => self.literal(name, &of_type["ofType"], ids),
            "LIST" => "[]".to_owned(),
            // Raised from what everything has at first: whoever lowers a class needs more.
            "ENUM" if of_type["name"] == "DataClass" => "CONFIDENTIAL".to_owned(),
            "ENUM" => {
                let values = &self.types[of_type["name"].as_str().unwrap()]["enumValues"];
                values[0]["name"].as_str().unwrap().to_owned()
            }
            "INPUT_OBJECT" => {
                let of_type = &self.types[of_type["name"].as_str().unwrap()];
                format!("{{ {} }}", self.arguments(&of_type["inputFields"], name, ids))
            }
            _ => match of_type["name"].as_str().unwrap() {
                "Int" => "1".to_owned(),
                "Float" => "1.0".to_owned(),
                "Boolean" => "true".to_owned(),
                "DateTime" => "\"2026-01-01T00:00:00Z\"".to_owned(),
                "ID" => {
                    let prefix = prefix(name);
                    let nothing = || format!("{prefix}_00000000000070008000000000000000");
                    format!("\"{}\"", ids.get(prefix).cloned().unwrap_or_else(nothing))
                }
                _ => "\"nothing of that name\"".to_owned(),
            },
        }
    }

    /// The arguments that must be given; `id_of` says whose id a plain `id` is.
    fn arguments(&self, arguments: &Value, id_of: &str, ids: &Ids) -> String {
        let required = arguments.as_array().unwrap().iter().filter(|argument| {
            argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null()
        });
        let written = required.map(|argument| {
            let name = argument["name"].as_str().unwrap();
            let about = if matches!(name, "id" | "input") { id_of } else { name };
            format!("{name}: {}", self.literal(about, &argument["type"], ids))
        });
        written.collect::<Vec<_>>().join(", ")
    }

    /// A call of a root field about these things.
    pub(super) fn call(&self, operation: &str, field: &Value, ids: &Ids) -> String {
        let name = field["name"].as_str().unwrap();
        let arguments = self.arguments(&field["args"], name, ids);
        let arguments = if arguments.is_empty() { arguments } else { format!("({arguments})") };
        let selection = self.selection(&field["type"], true);
        format!("{operation} {{ {name}{arguments}{selection} }}")
    }

    /// What says enough of an answer: what went wrong, or which things are in it.
    fn selection(&self, result: &Value, lists: bool) -> String {
        let mut result = result;
        while !result["ofType"].is_null() {
            result = &result["ofType"];
        }
        if !matches!(result["kind"].as_str().unwrap(), "OBJECT" | "INTERFACE" | "UNION") {
            return String::new();
        }
        let fields = self.types[result["name"].as_str().unwrap()]["fields"].as_array();
        let field = |name: &str| fields.and_then(|all| all.iter().find(|it| it["name"] == name));
        if field("userErrors").is_some() {
            return " { userErrors { code } }".to_owned();
        }
        if let Some(nodes) = field("nodes").filter(|_| lists) {
            return format!(" {{ nodes{} }}", self.selection(&nodes["type"], false));
        }
        if field("id").is_some() { " { id }" } else { " { __typename }" }.to_owned()
    }
}

/// The prefix of the ids that an argument takes, so that no refusal comes from a malformed id.
fn prefix(argument: &str) -> &'static str {
    let argument = argument.to_lowercase();
    let prefixes = [
        ("alert", "sal"),
        ("testresult", "tsr"),
        ("notapplicable", "nap"),
        ("nonconformity", "ncf"),
        ("correction", "ncf"),
        ("exception", "exc"),
        ("mapping", "map"),
        ("project", "prj"),
        ("framework", "frw"),
        ("requirement", "rqm"),
        ("control", "ctl"),
        ("dependson", "ctl"),
        ("test", "tst"),
        ("version", "dvr"),
        ("document", "doc"),
        ("evidence", "evd"),
        ("finding", "fnd"),
        ("asset", "ast"),
        ("run", "run"),
        ("answer", "ans"),
        ("review", "arv"),
        ("passkey", "psk"),
        ("session", "ses"),
        ("user", "usr"),
        ("apikey", "key"),
        ("invitation", "inv"),
        ("client", "cli"),
        ("directory", "dir"),
        ("team", "tea"),
    ];
    let found = prefixes.iter().find(|(part, _)| argument.contains(part));
    found.unwrap_or_else(|| panic!("say in this table what ids {argument} takes")).1
}

/// What the server answers to one operation.
#[derive(Debug, PartialEq)]
pub(super) enum Told {
    /// The value of the root field.
    Answer(Value),
    /// The stable code of a refusal.
    Refused(String),
}

impl Told {
    fn of(field: &str, answered: Result<Map<String, Value>, Error>) -> Self {
        match answered {
            Ok(data) => Self::Answer(data[field].clone()),
            Err(Error::GraphQl(errors)) => {
                let code = errors[0].code().unwrap_or_else(|| panic!("{field}: {}", errors[0]));
                Self::Refused(code.to_owned())
            }
            Err(error) => panic!("{field}: {error}"),
        }
    }

    pub(super) fn is(&self, code: &str) -> bool {
        matches!(self, Self::Refused(told) if told == code)
    }

    /// Whether it was let through to what was asked for.
    pub(super) fn worked(&self, operation: &str) -> bool {
        match self {
            Self::Answer(answer) => !answer.is_null(),
            // The plainest values are not always fit, and the same thing is not done twice.
            Self::Refused(code) => {
                operation == "mutation"
                    && matches!(code.as_str(), "BAD_REQUEST" | "CONFLICT" | "RATE_LIMITED")
            }
        }
    }

    /// Whether what was named is not there, for who asks.
    pub(super) fn found_nothing(&self) -> bool {
        match self {
            Self::Answer(answer) => {
                let errors = answer["userErrors"].as_array();
                answer.is_null() || errors.is_some_and(|errors| !errors.is_empty())
            }
            Self::Refused(code) => code == "NOT_FOUND",
        }
    }

    /// Every id in the answer.
    pub(super) fn ids(&self) -> Vec<&str> {
        fn collect<'a>(value: &'a Value, into: &mut Vec<&'a str>) {
            match value {
                // Codes are written in capitals.
                Value::String(text)
                    if text.as_bytes().get(3) == Some(&b'_')
                        && text.starts_with(|first: char| first.is_ascii_lowercase()) =>
                {
                    into.push(text);
                }
                Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
                Value::Object(map) => map.values().for_each(|item| collect(item, into)),
                _ => {}
            }
        }
        let mut ids = Vec::new();
        if let Self::Answer(answer) = self {
            collect(answer, &mut ids);
        }
        ids
    }
}

/// Calls a query or a mutation.
pub(super) async fn call(client: &Client, field: &str, text: &str) -> Told {
    Told::of(field, client.query_text(text, json!({})).await)
}

/// Begins a subscription and gives what it tells first.
pub(super) async fn subscribe(client: &Client, field: &str, text: &str) -> Told {
    let request = reqwest::Client::new()
        .post(format!("{}/graphql", client.url()))
        .header("accept", "text/event-stream")
        .json(&json!({ "query": text }));
    let request = match client.tokens() {
        Some(tokens) => request.bearer_auth(tokens.access),
        None => request,
    };
    let mut response = request.send().await.unwrap();
    let mut stream = String::new();
    while let Some(chunk) = response.chunk().await.unwrap() {
        stream.push_str(std::str::from_utf8(&chunk).unwrap());
        let data = stream.lines().find_map(|line| line.strip_prefix("data: "));
        let Some(answer) = data.and_then(|data| serde_json::from_str::<Value>(data).ok()) else {
            continue;
        };
        return match answer["errors"][0]["extensions"]["code"].as_str() {
            Some(code) => Told::Refused(code.to_owned()),
            None => Told::Answer(answer["data"][field].clone()),
        };
    }
    panic!("{text} told nothing: {stream}")
}
