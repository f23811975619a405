//! What `__schema`, `__type` and `__typename` are asked of, by whom, and what is refused.

use crate::{
    federation::fixture,
    subgraphs::Log,
    subscriptions::{open, receive, send},
    support::{Token, caller, data, in_process, run, serve, supergraph},
};
use serde_json::{Value, json};
use std::sync::Arc;
use studio_router::{Caller, GraphqlRequest, Router};

/// The schema, asked at every place where something can be selected.
const EVERYWHERE: [&str; 13] = [
    "{ __schema { types { name } } }",
    "{ __type(name: \"User\") { name } }",
    "{ ... { ... on Query { x: __schema { types { name } } } } }",
    "{ ...F } fragment F on Query { ...G } fragment G on Query { __type(name: \"User\") { name } }",
    "{ ...F @defer } fragment F on Query { __schema { types { name } } }",
    "query($no: Boolean = false) { me { id } __schema @include(if: $no) { types { name } } }",
    "mutation { __schema { types { name } } }",
    "mutation { touchUser(id: \"u1\") { __schema { types { name } } } }",
    "mutation { touchUser(id: \"u1\") { ...F } } fragment F on User { __type(name: \"User\") { name } }",
    "{ me { reviews { product { __schema { types { name } } } } } }",
    "{ search { __schema { types { name } } } }",
    "{ titled { ... on Product { __type(name: \"User\") { name } } } }",
    "subscription { userSeen { __schema { types { name } } } }",
];

#[tokio::test]
async fn a_stranger_gets_nothing_of_the_schema_wherever_it_is_asked() {
    let router = in_process(&Log::default());
    for query in EVERYWHERE {
        let answer = router.execute(GraphqlRequest::new(query), Caller::default()).await.json();
        assert_eq!(answer.get("data"), None, "{query}: {answer}");
        let code = answer["errors"][0]["extensions"]["code"].as_str().unwrap();
        assert!(["FORBIDDEN", "GRAPHQL_VALIDATION_FAILED"].contains(&code), "{query}: {answer}");
    }
}

#[tokio::test]
async fn nor_does_a_stranger_over_a_websocket() {
    let builder = Router::builder().supergraph(supergraph()).authenticate(Arc::new(Token));
    let address = serve(studio_router::serve::routes(builder.build().unwrap())).await;
    let mut socket = open(&format!("ws://{address}/graphql/ws"), None).await.unwrap();
    send(&mut socket, json!({ "type": "connection_init" })).await;
    assert_eq!(receive(&mut socket).await, json!({ "type": "connection_ack" }));
    for (number, query) in EVERYWHERE.iter().enumerate() {
        let id = number.to_string();
        let payload = json!({ "query": query });
        send(&mut socket, json!({ "type": "subscribe", "id": id, "payload": payload })).await;
        let answer = receive(&mut socket).await;
        assert_eq!((&answer["type"], &answer["id"]), (&json!("error"), &json!(id)), "{query}");
    }
}

#[tokio::test]
async fn only_the_operation_that_is_asked_for_counts() {
    let router = in_process(&Log::default());
    let query = "query A { __typename } query B { ...F } fragment F on Query { __schema { types { name } } }";
    for (name, code) in [("A", None), ("B", Some("FORBIDDEN"))] {
        let request = GraphqlRequest::new(query).operation(name);
        let answer = router.execute(request, Caller::default()).await;
        assert_eq!(answer.code.as_deref(), code, "{name}");
    }
}

/// The query type may be the type of a field; what it has without listing it, it has there, too.
#[tokio::test]
async fn the_query_type_behind_a_field_has_the_schema_for_those_who_may_see_it() {
    let sdl =
        "type Query { a: Int all: Query } type Mutation { do: Done } type Done { all: Query }";
    let answer = json!({ "data": { "a": 1, "all": { "__typename": "Query" } } });
    let fixture = fixture(&[(sdl, answer)]).await;
    let query = "{ a all { __type(name: \"Done\") { name } } }";
    let named = json!({ "a": 1, "all": { "__type": { "name": "Done" } } });
    assert_eq!(fixture.ask(query).await, json!({ "data": named }));
    for query in [query, "mutation { do { all { __schema { types { name } } } } }"] {
        let stranger = fixture.router.execute(GraphqlRequest::new(query), Caller::default()).await;
        assert_eq!(stranger.code.as_deref(), Some("FORBIDDEN"), "{query}");
    }
}

/// Each with what is said of it.
const INVALID: [(&str, &str); 29] = [
    ("{ __nope }", "Cannot query field \"__nope\" on type \"Query\"."),
    ("{ me { __nope id } }", "Cannot query field \"__nope\" on type \"User\"."),
    ("{ search { __nope } }", "Cannot query field \"__nope\" on type \"Found\"."),
    ("{ titled { __nope } }", "Cannot query field \"__nope\" on type \"Titled\"."),
    ("{ me { __schema { types { name } } } }", "Cannot query field \"__schema\" on type \"User\"."),
    (
        "mutation { __schema { types { name } } }",
        "Cannot query field \"__schema\" on type \"Mutation\".",
    ),
    (
        "{ search { __type(name: \"User\") { name } } }",
        "Cannot query field \"__type\" on type \"Found\".",
    ),
    ("{ __schema { nope } }", "Cannot query field \"nope\" on type \"__Schema\"."),
    ("{ __schema { types { nope } } }", "Cannot query field \"nope\" on type \"__Type\"."),
    (
        "{ __schema { types { ...F } } } fragment F on __Type { nope }",
        "Cannot query field \"nope\" on type \"__Type\".",
    ),
    (
        "{ __schema { __schema { types { name } } } }",
        "Cannot query field \"__schema\" on type \"__Schema\".",
    ),
    (
        "{ __schema }",
        "Field \"__schema\" of type \"__Schema!\" must have a selection of subfields. Did you mean \"__schema { ... }\"?",
    ),
    (
        "{ __schema { types } }",
        "Field \"types\" of type \"[__Type!]!\" must have a selection of subfields. Did you mean \"types { ... }\"?",
    ),
    (
        "{ __type { name } }",
        "Field \"__type\" argument \"name\" of type \"String!\" is required, but it was not provided.",
    ),
    ("{ __type(name: 5) { name } }", "Expected value of type \"String\", found 5."),
    (
        "query($n: String) { __type(name: $n) { name } }",
        "Variable \"$n\" of type \"String\" used in position expecting type \"String!\".",
    ),
    (
        "{ __type(name: \"User\", nme: \"Book\") { name } }",
        "Unknown argument \"nme\" on field \"Query.__type\".",
    ),
    (
        "{ __schema(x: 1) { types { name } } }",
        "Unknown argument \"x\" on field \"Query.__schema\".",
    ),
    (
        "{ __schema { types { fields(includeDeprecated: \"yes\") { name } } } }",
        "Expected value of type \"Boolean\", found \"yes\".",
    ),
    (
        "{ __schema { types { fields(deprecated: true) { name } } } }",
        "Unknown argument \"deprecated\" on field \"__Type.fields\".",
    ),
    (
        "{ __typename { a } }",
        "Field \"__typename\" must not have a selection since type \"String!\" has no subfields.",
    ),
    (
        "{ search { __typename { a } } }",
        "Field \"__typename\" must not have a selection since type \"String!\" has no subfields.",
    ),
    ("{ __typename(x: 1) }", "Unknown argument \"x\" on field \"Query.__typename\"."),
    (
        "{ user(id: 1) { __typename(id: 1) } }",
        "Unknown argument \"id\" on field \"User.__typename\".",
    ),
    ("{ search { __typename(x: 1) } }", "Unknown argument \"x\" on field \"Found.__typename\"."),
    (
        "{ me { name @skip(if: true, unless: true) } }",
        "Unknown argument \"unless\" on directive \"@skip\".",
    ),
    ("{ ... on __Nope { a } }", "Unknown type \"__Nope\"."),
    ("{ ...F } fragment F on __Nope { a }", "Unknown type \"__Nope\"."),
    ("query($v: __Nope) { topProducts(first: $v) { upc } }", "Unknown type \"__Nope\"."),
];

#[tokio::test]
async fn names_that_begin_with_two_underscores_are_validated_like_others() {
    let router = in_process(&Log::default());
    let mut wrong = Vec::new();
    for (query, message) in INVALID {
        let answer = run(&router, query, Value::Null).await;
        let told = answer["errors"].as_array().into_iter().flatten().any(|error| {
            error["message"] == message
                && error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
        });
        if !told || answer.get("data").is_some() {
            wrong.push(format!("{query}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What is told of an argument is told once, of the field that has it, and with its place.
#[tokio::test]
async fn an_unknown_argument_is_told_of_its_own_field() {
    let router = in_process(&Log::default());
    let answer = run(&router, "{ search {\n  __typename(x: 1) } }", Value::Null).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1, "{answer}");
    assert_eq!(answer["errors"][0]["locations"], json!([{ "line": 2, "column": 3 }]));
}

#[tokio::test]
async fn a_subscription_has_no_introspection_at_its_root() {
    let router = in_process(&Log::default());
    for query in ["subscription { __typename }", "subscription { __schema { types { name } } }"] {
        let answer = run(&router, query, Value::Null).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{query}: {answer}");
    }
}

/// The largest form of what graphql-js asks for a schema (`getIntrospectionQuery` with all options).
const WHOLE: &str = "query IntrospectionQuery {
    __schema {
        description
        queryType { name kind } mutationType { name kind } subscriptionType { name kind }
        types { ...FullType }
        directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
    }
}
fragment FullType on __Type {
    kind name description specifiedByURL isOneOf
    fields(includeDeprecated: true) {
        name description args(includeDeprecated: true) { ...InputValue }
        type { ...TypeRef } isDeprecated deprecationReason
    }
    inputFields(includeDeprecated: true) { ...InputValue }
    interfaces { ...TypeRef }
    enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
    possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue {
    name description type { ...TypeRef } defaultValue isDeprecated deprecationReason
}
fragment TypeRef on __Type {
    kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType {
        kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }
    } } } } }
}";

#[tokio::test]
async fn clients_get_the_schema_by_the_query_that_they_are_made_with() {
    let answer = data(WHOLE).await;
    let types = answer["__schema"]["types"].as_array().unwrap();
    let named = |name: &str| types.iter().find(|ty| ty["name"] == name).unwrap();
    let listed = |name: &str| -> Vec<&str> {
        let fields = named(name)["fields"].as_array().unwrap().iter();
        fields.map(|field| field["name"].as_str().unwrap()).collect()
    };
    assert!(listed("User").contains(&"reviews"));
    // What a type has without listing it is listed nowhere.
    for ty in ["Query", "User", "Titled", "__Type"] {
        assert!(listed(ty).iter().all(|field| !field.starts_with("__")), "{ty}");
    }
    let router = in_process(&Log::default());
    let sdl = String::from_utf8_lossy(&router.schema_sdl()).into_owned();
    assert!(!sdl.contains("__"), "{sdl}");
}

#[tokio::test]
async fn types_of_introspection_may_be_asked_by_fragments_and_variables() {
    let query = "query($name: String!, $all: Boolean) { __typename \
        __type(name: $name) { ... on __Type { __typename fields(includeDeprecated: $all) { ...F } } } } \
        fragment F on __Field { __typename }";
    let router = in_process(&Log::default());
    let answer = run(&router, query, json!({ "name": "Category" })).await;
    let field = json!({ "__typename": "__Field" });
    assert_eq!(
        answer["data"],
        json!({ "__typename": "Query", "__type": { "__typename": "__Type", "fields": [field, field, field] } })
    );
}

#[tokio::test]
async fn fields_that_are_called_like_those_of_types_are_not_counted_as_introspection() {
    let sdl = "type Query { form: Form } type Form { fields: [Form!] type: String of: Form }";
    let answer = json!({ "data": { "form": { "fields": [] } } });
    let fixture = fixture(&[(sdl, answer)]).await;
    let query = "{ form { fields { type fields { type fields { type fields { ...F } } } } } } \
        fragment F on Form { type fields { type fields { type } } }";
    assert_eq!(fixture.ask(query).await, json!({ "data": { "form": { "fields": [] } } }));
}

#[tokio::test]
async fn lists_of_introspection_nest_three_levels_and_no_more() {
    let router = in_process(&Log::default());
    for (query, passes) in [
        (
            "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
            true,
        ),
        (
            "{ __schema { types { fields { type { fields { type { fields { type { possibleTypes { name } } } } } } } } } }",
            false,
        ),
        (
            "{ a: __type(name: \"User\") { ...F } } fragment F on __Type { fields { type { ...G } } } \
             fragment G on __Type { interfaces { fields { type { inputFields { name } } } } }",
            false,
        ),
    ] {
        let answer = router.execute(GraphqlRequest::new(query), caller()).await.json();
        let refused = answer["errors"][0]["extensions"]["code"] == "QUERY_TOO_COSTLY";
        assert_eq!(refused, !passes, "{query}: {answer}");
    }
}
