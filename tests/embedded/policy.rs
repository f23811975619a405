//! Every operation of the composed schema, tried by somebody who is not signed in and by somebody
//! who may only read: an operation that no policy covers fails here on the day it is added.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use studio_sdk::{Client, Error};

use crate::support::{Installation, mutate, query};

/// What a stranger may call: how one gets in.
const OPEN: [&str; 5] = ["setUp", "setUpState", "logIn", "completeLogIn", "refresh"];
/// What everybody may do with the own account.
const OWN: [&str; 8] = [
    "logOut",
    "revokeSession",
    "endOtherSessions",
    "changePassword",
    "beginTotp",
    "confirmTotp",
    "renewRecoveryCodes",
    "removeTotp",
];

/// The types of the schema by name, from introspection.
struct Schema {
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
    async fn read(client: &Client) -> Self {
        let data = query(client, INTROSPECTION, json!({})).await;
        let types = data["__schema"]["types"].as_array().unwrap().iter();
        Self { types: types.map(|t| (t["name"].as_str().unwrap().to_owned(), t.clone())).collect() }
    }

    fn fields(&self, root: &str) -> Vec<Value> {
        self.types[root]["fields"].as_array().unwrap().clone()
    }

    /// A value of the type, as plain as it can be, written as GraphQL.
    fn literal(&self, name: &str, of_type: &Value) -> String {
        match of_type["kind"].as_str().unwrap() {
            "NON_NULL" => self.literal(name, &of_type["ofType"]),
            "LIST" => "[]".to_owned(),
            "ENUM" => {
                let values = &self.types[of_type["name"].as_str().unwrap()]["enumValues"];
                values[0]["name"].as_str().unwrap().to_owned()
            }
            "INPUT_OBJECT" => {
                let of_type = &self.types[of_type["name"].as_str().unwrap()];
                format!("{{ {} }}", self.arguments(&of_type["inputFields"], name))
            }
            _ => match of_type["name"].as_str().unwrap() {
                "Int" => "1".to_owned(),
                "Float" => "1.0".to_owned(),
                "Boolean" => "true".to_owned(),
                "DateTime" => "\"2026-01-01T00:00:00Z\"".to_owned(),
                "ID" => format!("\"{}_00000000000070008000000000000000\"", prefix(name)),
                _ => "\"nothing of that name\"".to_owned(),
            },
        }
    }

    /// The arguments that must be given; `id_of` says whose id a plain `id` is.
    fn arguments(&self, arguments: &Value, id_of: &str) -> String {
        let required = arguments.as_array().unwrap().iter().filter(|argument| {
            argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null()
        });
        let written = required.map(|argument| {
            let name = argument["name"].as_str().unwrap();
            let about = if matches!(name, "id" | "input") { id_of } else { name };
            format!("{name}: {}", self.literal(about, &argument["type"]))
        });
        written.collect::<Vec<_>>().join(", ")
    }

    /// A call of a root field.
    fn call(&self, operation: &str, field: &Value) -> String {
        let name = field["name"].as_str().unwrap();
        let arguments = self.arguments(&field["args"], name);
        let arguments = if arguments.is_empty() { arguments } else { format!("({arguments})") };
        let mut result = &field["type"];
        while !result["ofType"].is_null() {
            result = &result["ofType"];
        }
        let selection = match result["kind"].as_str().unwrap() {
            "OBJECT" | "INTERFACE" | "UNION" => " { __typename }",
            _ => "",
        };
        format!("{operation} {{ {name}{arguments}{selection} }}")
    }
}

/// The prefix of the ids that an argument takes, so that no refusal comes from a malformed id.
fn prefix(argument: &str) -> &'static str {
    let argument = argument.to_lowercase();
    let prefixes = [
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
        ("session", "ses"),
        ("user", "usr"),
    ];
    let found = prefixes.iter().find(|(part, _)| argument.contains(part));
    found.unwrap_or_else(|| panic!("say in this table what ids {argument} takes")).1
}

/// The stable code with which the server refuses, or `None` where it answers.
async fn code(client: &Client, text: &str) -> Option<String> {
    match client.query_text::<Map<String, Value>>(text, json!({})).await {
        Ok(_) => None,
        Err(Error::GraphQl(errors)) => {
            Some(errors[0].code().unwrap_or_else(|| panic!("{text}: {}", errors[0])).to_owned())
        }
        Err(error) => panic!("{text}: {error}"),
    }
}

#[tokio::test]
async fn a_stranger_gets_nothing_from_any_operation() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let schema = Schema::read(&owner).await;
    let stranger = Client::new(&server.url).unwrap();
    let (mut tried, mut open) = (0, 0);
    for (operation, root) in [("query", "Query"), ("mutation", "Mutation")] {
        for field in schema.fields(root) {
            let name = field["name"].as_str().unwrap();
            if OPEN.contains(&name) {
                open += 1;
                continue;
            }
            let text = schema.call(operation, &field);
            assert_eq!(code(&stranger, &text).await.as_deref(), Some("UNAUTHENTICATED"), "{text}");
            tried += 1;
        }
    }
    assert!(tried > 40, "{tried} operations");
    assert_eq!(open, OPEN.len(), "each of them is there");
    for field in schema.fields("Subscription") {
        let text = schema.call("subscription", &field);
        let body = json!({ "query": text }).to_string();
        let http = reqwest::Client::new();
        let request = http
            .post(format!("{}/graphql", server.url))
            .header("content-type", "application/json")
            .header("accept", "text/event-stream")
            .body(body);
        let answer = request.send().await.unwrap().text().await.unwrap();
        assert!(answer.contains("UNAUTHENTICATED"), "{text}: {answer}");
    }
}

/// What a stranger may call leads to the schema as little as all else does.
#[tokio::test]
async fn a_stranger_does_not_see_the_schema() {
    const ASKED: &str = "{ __schema { types { name } } }";
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    let schema = Schema::read(&owner).await;
    let stranger = Client::new(&server.url).unwrap();
    let fields = ["Query", "Mutation"].map(|root| (root, schema.fields(root)));
    let mut tried = 0;
    for (root, fields) in &fields {
        for field in fields.iter().filter(|field| OPEN.contains(&field["name"].as_str().unwrap())) {
            let operation = root.to_lowercase();
            let call = schema.call(&operation, field);
            let through = call.replace("{ __typename }", ASKED);
            if through == call {
                // It answers a value that has no fields.
                continue;
            }
            let told = code(&stranger, &through).await;
            assert_eq!(told.as_deref(), Some("GRAPHQL_VALIDATION_FAILED"), "{through}");
            tried += 1;
        }
    }
    assert!(tried > 2, "{tried} operations");
    let beside = format!("{{ setUpState ...S }} fragment S on Query {ASKED}");
    for asked in [ASKED, &beside, "{ __type(name: \"Query\") { fields { name } } }"] {
        assert_eq!(code(&stranger, asked).await.as_deref(), Some("FORBIDDEN"), "{asked}");
        assert_eq!(code(&owner, asked).await, None, "{asked}");
    }
}

#[tokio::test]
async fn who_may_only_read_changes_nothing() {
    let installation = Installation::empty();
    let (server, owner) = installation.set_up().await;
    mutate(
        &owner,
        "mutation($input: CreateUserInput!) { createUser(input: $input) { user { id } userErrors { code message path } } }",
        json!({
            "name": "Vera Reader",
            "email": "vera@example.org",
            "password": "a long enough password",
            "roles": ["VIEWER"],
        }),
    )
    .await;
    let viewer = Client::new(&server.url).unwrap();
    viewer.log_in("vera@example.org", "a long enough password").await.unwrap();
    let schema = Schema::read(&owner).await;
    let mut forbidden = 0;
    for field in schema.fields("Mutation") {
        let name = field["name"].as_str().unwrap();
        if OPEN.contains(&name) || OWN.contains(&name) {
            continue;
        }
        let text = schema.call("mutation", &field);
        match code(&viewer, &text).await.as_deref() {
            Some("FORBIDDEN") => forbidden += 1,
            // The thing that is named is looked for before it is asked who may change it.
            Some("BAD_REQUEST" | "NOT_FOUND") => {}
            // Asking is reading; the answer is recorded.
            None if name == "ask" => {}
            other => panic!("{text}: {other:?}"),
        }
    }
    assert!(forbidden > 3, "{forbidden} mutations were forbidden");
    let data =
        query(&viewer, "{ projects { nodes { id } } users { nodes { name } } }", json!({})).await;
    assert_eq!(data["users"]["nodes"].as_array().unwrap().len(), 2);
}
