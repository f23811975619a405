//! Sections "Validation" and "Execution".

use super::Server;
use crate::support::Token;
use serde_json::json;
use std::sync::Arc;
use studio_router::Limits;

/// A document against each rule of GraphQL's chapter "Validation", by the rule's name. (The schema has
/// all types of operations and no input object with a required field, so that two rules have none.)
const INVALID: [(&str, &str); 39] = [
    ("Lone Anonymous Operation", "{ me { id } } query B { me { id } }"),
    ("Operation Name Uniqueness", "query A { me { id } } query A { me { name } }"),
    ("Single Root Field", "subscription { reviewAdded { id } userSeen { id } }"),
    ("Field Selections, of a mutation", "mutation { me { id } }"),
    ("Field Selections", "{ me { nothing } }"),
    ("Field Selections, of a union", "{ search { name } }"),
    ("Field Selection Merging, aliases", "{ me { a: id a: name } }"),
    ("Field Selection Merging, arguments", "{ user(id: 1) { id } user(id: 2) { id } }"),
    ("Field Selection Merging, nested", "{ me { id } me { id: name } }"),
    ("Leaf Field Selections, of an object", "{ me }"),
    ("Leaf Field Selections, of a scalar", "{ me { id { x } } }"),
    ("Argument Names", "{ user(id: 1, name: 2) { id } }"),
    ("Argument Names, of a directive", "{ me { id @skip(if: true, unless: true) } }"),
    ("Argument Uniqueness", "{ user(id: 1, id: 1) { id } }"),
    ("Required Arguments", "{ user { id } }"),
    ("Required Arguments, of a directive", "{ me { id @skip } }"),
    (
        "Fragment Name Uniqueness",
        "{ me { ...F } } fragment F on User { id } fragment F on User { name }",
    ),
    ("Fragment Spread Type Existence", "{ me { ...F } } fragment F on Nothing { id }"),
    ("Fragment Spread Type Existence, inline", "{ me { ... on Nothing { id } } }"),
    ("Fragments on Object, Interface or Union Types", "{ me { ... on Role { id } } }"),
    ("Fragments Must Be Used", "{ me { id } } fragment F on User { id }"),
    ("Fragment Spread Target Defined", "{ me { ...Unknown } }"),
    ("Fragment Spreads Must Not Form Cycles", "{ me { ...F } } fragment F on User { ...F }"),
    ("Fragment Spread Is Possible", "{ me { ... on Product { upc } } }"),
    ("Values of Correct Type", "{ topProducts(first: \"one\") { upc } }"),
    ("Values of Correct Type, enum", "{ describe(filter: { lang: \"DE\" }) }"),
    ("Values of Correct Type, null", "{ user(id: null) { id } }"),
    ("Input Object Field Names", "{ describe(filter: { unknown: 1 }) }"),
    ("Input Object Field Uniqueness", "{ describe(filter: { text: \"a\", text: \"b\" }) }"),
    ("Directives Are Defined", "{ me { id @nothing } }"),
    ("Directives Are in Valid Locations", "query @skip(if: true) { me { id } }"),
    ("Directives Are Unique per Location", "{ me { id @skip(if: true) @skip(if: true) } }"),
    ("Variable Uniqueness", "query($a: ID!, $a: ID!) { user(id: $a) { id } }"),
    ("Variables Are Input Types", "query($a: User) { me { id } user(id: $a) { id } }"),
    ("All Variable Uses Defined", "{ user(id: $a) { id } }"),
    ("All Variables Used", "query($a: ID) { me { id } }"),
    ("All Variable Usages Are Allowed", "query($a: ID) { user(id: $a) { id } }"),
    (
        "All Variable Usages Are Allowed, type",
        "query($a: String!) { topProducts(first: $a) { upc } }",
    ),
    ("Required Arguments, of a mutation", "mutation { count }"),
];

/// SHOULD apply every rule of GraphQL; a request that fails is not executed.
#[tokio::test]
async fn every_rule_of_graphql_is_applied() {
    let server = Server::start().await;
    let mut let_through = Vec::new();
    for (rule, query) in INVALID {
        let answer = server.query(query).await;
        if (answer.status, answer.code()) != (422, "GRAPHQL_VALIDATION_FAILED") {
            let_through.push(format!("{rule}: {query}: {answer:?}"));
        }
    }
    assert!(let_through.is_empty(), "{let_through:#?}");
}

/// The rule "Executable Definitions": what is none does not parse here, with the status of that.
#[tokio::test]
async fn a_definition_that_is_not_executable_does_not_parse() {
    let server = Server::start().await;
    for query in
        ["type A { b: Int } query { me { id } }", "{ me { id } } extend type User { x: Int }"]
    {
        let answer = server.query(query).await;
        assert_eq!((answer.status, answer.code()), (400, "GRAPHQL_PARSE_FAILED"), "{query}");
    }
}

/// MAY apply more rules: limits, and the introspection of the schema for those who may see it.
#[tokio::test]
async fn limits_are_rules_too() {
    let limits = Limits { tokens: 60, depth: 4, fields: 12, aliases: 3, ..Limits::default() };
    let server = Server::limited(limits).await;
    for query in [
        "{ me { reviews { author { reviews { id } } } } }",
        "{ a: me { id } b: me { id } c: me { id } d: me { id } }",
        "{ users { id name email role } topProducts { upc name title price weight label related { upc } } }",
        &format!("{{ {} }}", "me { id } ".repeat(40)),
    ] {
        let answer = server.query(query).await;
        assert_eq!((answer.status, answer.code()), (422, "QUERY_TOO_COSTLY"), "{query}");
    }
    assert_eq!(server.query("{ me { reviews { author { id } } } }").await.status, 294);
    let strangers = Server::with(|builder| builder.authenticate(Arc::new(Token))).await;
    assert_eq!(strangers.query("{ __schema { queryType { name } } }").await.status, 403);
    assert_eq!(strangers.query("{ __typename }").await.status, 200);
}

/// "Execution" follows ExecuteRequest(): the root fields of a mutation one after the other, errors
/// where they happened, and nulls up to where one is allowed.
#[tokio::test]
async fn execution_follows_execute_request() {
    let server = Server::start().await;
    let mutation = server.query("mutation { b: count(by: 2) a: count(by: 1) }").await;
    assert_eq!(mutation.body, json!({ "data": { "b": 1, "a": 2 } }));
    assert_eq!(server.done(), ["count 2", "count 1"]);
    let partial = server.query("{ me { name } user(id: \"u2\") { id secret } }").await;
    assert_eq!(partial.body["data"], json!({ "me": { "name": "Ada" }, "user": null }));
    assert_eq!(partial.body["errors"][0]["path"], json!(["user", "secret"]));
}
