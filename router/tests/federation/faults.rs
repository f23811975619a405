//! Known faults of planners and executors, each mended and held here.

use crate::{
    subgraphs::{Log, inventory, products, reviews, users},
    support::{both, caller, data, http, in_process, over_http, run, serve, subgraph, supergraph},
};
use serde_json::{Value, json};
use std::sync::Arc;
use studio_router::{GraphqlRequest, Limits, Router, transport::InProcess};

#[tokio::test]
async fn an_alias_that_equals_a_key_overwrites_nothing() {
    let answer = data("{ reviews { id author { id: name reviews { id: body } } } }").await;
    assert_eq!(
        answer["reviews"][0]["author"],
        json!({ "id": "Ada", "reviews": [{ "id": "good" }, { "id": "fine" }] })
    );
}

#[tokio::test]
async fn root_fields_of_a_mutation_run_in_order_and_each_once() {
    let query = "mutation { a: count(by: 1) u: touchUser(id: \"u1\") { reviews { product { name } } } \
        p: touchProduct(upc: \"p2\") { inStock } b: count(by: 1) v: touchUser(id: \"u1\") { id } }";
    for over in [false, true] {
        let log = Log::default();
        let router = if over { over_http(&log).await } else { in_process(&log) };
        let answer = run(&router, query, Value::Null).await;
        assert_eq!(answer["data"]["a"], 1);
        assert_eq!(answer["data"]["b"], 4);
        assert_eq!(answer["data"]["p"], json!({ "inStock": false }));
        assert_eq!(answer["data"]["u"]["reviews"][1]["product"]["name"], "Couch");
        assert_eq!(
            *log.0.lock().unwrap(),
            ["count 1", "users u1", "products p2", "count 1", "users u1"]
        );
    }
}

#[tokio::test]
async fn nulls_go_up_to_where_null_is_allowed() {
    // An error at a field that is never null takes the nearest nullable place with it, and is told once.
    let answer = both("{ user(id: \"u2\") { id secret } me { secret } }", Value::Null).await;
    assert_eq!(answer["data"], json!({ "user": null, "me": { "secret": "secret of Ada" } }));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    assert_eq!(answer["errors"][0]["path"], json!(["user", "secret"]));
    assert_eq!(answer["errors"][0]["extensions"]["code"], "FORBIDDEN");
    let answer = both("{ users { id secret } }", Value::Null).await;
    assert_eq!(answer["data"], Value::Null);
    // Through an entity of another subgraph.
    let answer =
        both("{ dangling { id x: author { s: secret } } me { reviews { id } } }", Value::Null)
            .await;
    assert_eq!(
        answer["data"]["dangling"],
        json!([{ "id": "r1", "x": { "s": "secret of Ada" } }, null])
    );
    assert_eq!(answer["errors"][0]["path"], json!(["dangling", 1, "x", "s"]));
    let answer =
        both("{ dangling { id author { id email } product { inStock price } } }", Value::Null)
            .await;
    assert_eq!(answer.get("errors"), None, "{answer}");
    assert_eq!(
        answer["data"]["dangling"][1],
        json!({ "id": "r9", "author": { "id": "u9", "email": null }, "product": { "inStock": null, "price": null } })
    );
    let answer = both("{ reviews { author { a: secret } id } }", Value::Null).await;
    assert_eq!(answer["data"], Value::Null);
    let paths = crate::support::error_paths(&answer);
    assert_eq!(paths.len(), 3, "{answer}");
    assert_eq!(paths[0], json!(["reviews", 1, "author", "a"]).to_string(), "{answer}");
    // An object of which every field fails is still an object, if all of them may be null.
    let answer = both("{ users { maybeSecret } }", Value::Null).await;
    assert_eq!(answer["data"]["users"][1], json!({ "maybeSecret": null }));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn conditions_have_the_values_of_the_request() {
    let query = "query($a: Boolean!, $b: Boolean!) { me { id reviews @include(if: $a) { id ... @skip(if: $b) { body } } \
        r: reviews @include(if: $b) { stars @skip(if: $a) } } }";
    for a in [false, true] {
        for b in [false, true] {
            let answer = both(query, json!({ "a": a, "b": b })).await;
            let mut me = json!({ "id": "u1" });
            if a {
                me["reviews"] = match b {
                    true => json!([{ "id": "r1" }, { "id": "r3" }]),
                    false => {
                        json!([{ "id": "r1", "body": "good" }, { "id": "r3", "body": "fine" }])
                    }
                };
            }
            if b {
                me["r"] = if a { json!([{}, {}]) } else { json!([{ "stars": 5 }, { "stars": 3 }]) };
            }
            assert_eq!(answer, json!({ "data": { "me": me } }));
        }
    }
}

#[tokio::test]
async fn variables_are_coerced_in_full() {
    let query = "query($f: Filter, $n: Int) { describe(filter: $f, number: $n) }";
    let accepted = [
        (json!({ "f": { "text": "x", "any": 5 } }), "any: Some([5])"),
        (json!({ "f": { "lang": "DE" }, "n": 3.0 }), "lang: Some(De)"),
        (json!({ "f": {} }), "Filter { text: Undefined, limit: 7"),
        (json!({ "f": { "text": null } }), "text: Null"),
        (json!({}), "None Undefined"),
        (json!({ "n": null }), "None Null"),
    ];
    for (variables, expected) in accepted {
        let answer = both(query, variables.clone()).await;
        let text = answer["data"]["describe"].as_str().unwrap_or_default().to_owned();
        assert!(text.contains(expected), "{variables}: {answer}");
    }
    let refused = [
        (json!({ "f": { "lang": "FR" } }), "f"),
        (json!({ "f": { "limit": null } }), "limit"),
        (json!({ "f": { "limit": 1.5 } }), "limit"),
        (json!({ "f": { "limit": 3_000_000_000_i64 } }), "limit"),
        (json!({ "f": { "unknown": 1 } }), "unknown"),
        (json!({ "f": [] }), "f"),
        (json!({ "n": "1" }), "n"),
        (json!({ "f": { "any": [1, "x"] } }), "any[1]"),
    ];
    for (variables, place) in refused {
        let answer = both(query, variables.clone()).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(message.contains(place), "{variables}: {answer}");
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(answer.get("data"), None);
    }
    let missing = both("query($id: ID!) { user(id: $id) { id } }", json!({})).await;
    assert_eq!(missing["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}

#[tokio::test]
async fn what_is_not_valid_is_refused_before_anything_runs() {
    let cases = [
        ("{ me { nothing } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { id { x } } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ user { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { ...F } } fragment F on User { ...F }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me { ...Unknown } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ a: me { id } a: user(id: 1) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query { user(id: $x) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { userSeen { id } reviewAdded { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ _service { sdl } }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ me {", "GRAPHQL_PARSE_FAILED"),
        ("", "GRAPHQL_PARSE_FAILED"),
        ("type X { a: Int }", "GRAPHQL_PARSE_FAILED"),
        ("query A { me { id } } query B { me { id } }", "BAD_USER_INPUT"),
    ];
    let log = Log::default();
    let router = in_process(&log);
    for (query, code) in cases {
        let answer = run(&router, query, Value::Null).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}: {answer}");
        assert_eq!(answer.get("data"), None, "{query}");
    }
}

#[tokio::test]
async fn what_costs_too_much_is_refused() {
    let log = Log::default();
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", Arc::new(InProcess::new(users::schema(log.clone()))))
        .limits(Limits { depth: 6, aliases: 3, fields: 40, tokens: 400, ..Limits::default() })
        .build()
        .unwrap();
    let bomb = "query { me { ...A } } fragment A on User { ...B ...B ...B ...B } fragment B on User { ...C ...C ...C ...C } \
        fragment C on User { id name email role }";
    let deep =
        format!("{{ me {} id {} }}", "{ reviews { author ".repeat(8) + "{", "} }".repeat(8) + "}");
    let wide = "{ a: me { id } b: me { id } c: me { id } d: me { id } }";
    let long = format!("{{ {} }}", "me { id } ".repeat(200));
    let nested = format!("{{ {} }}", "a { ".repeat(10_000));
    let introspection = "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }";
    for query in [bomb, &deep, wide, &long, introspection] {
        let answer = run(&router, query, Value::Null).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "QUERY_TOO_COSTLY",
            "{query}: {answer}"
        );
    }
    let answer = run(&router, &nested, Value::Null).await;
    assert!(answer["errors"][0]["extensions"]["code"].is_string(), "{answer}");
}

/// Each fragment in the one before it: whoever follows them needs a stack for all.
#[tokio::test]
async fn a_chain_of_fragments_is_only_so_long() {
    let chain = |links: usize| {
        let links =
            (1..=links).map(|link| format!("fragment F{link} on Query {{ ...F{} }}", link + 1));
        let links: String = links.collect();
        let last = links.matches("fragment").count() + 1;
        format!("{{ ...F1 }} {links} fragment F{last} on Query {{ me {{ id }} }}")
    };
    let router = in_process(&Log::default());
    let answer = run(&router, &chain(190), Value::Null).await;
    assert_eq!(answer, json!({ "data": { "me": { "id": "u1" } } }));
    let unused = chain(1_200).replacen("...F1", "me { id }", 1);
    for query in [chain(210), chain(1_200), unused] {
        let answer = run(&router, &query, Value::Null).await;
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "QUERY_TOO_COSTLY", "{answer}");
        assert_eq!(
            error["message"],
            "the operation has more than 200 levels of fields and fragments in each other; ask for less or split it"
        );
    }
}

#[tokio::test]
async fn a_subgraph_that_is_down_leaves_the_rest() {
    let log = Log::default();
    let users = subgraph(users::schema(log.clone())).await;
    let products = subgraph(products::schema(log.clone())).await;
    let reviews = subgraph(reviews::schema(log)).await;
    // Nobody listens here any more.
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", http(&users))
        .subgraph("products", http(&products))
        .subgraph("reviews", http(&reviews))
        .subgraph("inventory", http(&gone.to_string()))
        .build()
        .unwrap();
    let answer =
        run(&router, "{ me { name } product(upc: \"p1\") { name inStock } }", Value::Null).await;
    assert_eq!(
        answer["data"],
        json!({ "me": { "name": "Ada" }, "product": { "name": "Table", "inStock": null } })
    );
    assert_eq!(answer["errors"][0]["extensions"]["code"], "SUBGRAPH_UNAVAILABLE");
    assert_eq!(answer["errors"][0]["path"], json!(["product", "inStock"]));
}

#[tokio::test]
async fn a_subgraph_that_answers_nonsense_is_not_available() {
    for body in ["", "oops", "{", "[]", "{}", "{\"data\":nul}", "{\"data\":null}"] {
        let address = serve(
            axum::Router::new().route("/graphql", axum::routing::post(move || async move { body })),
        )
        .await;
        let log = Log::default();
        let router = Router::builder()
            .supergraph(supergraph())
            .subgraph("users", http(&address.to_string()))
            .subgraph("products", Arc::new(InProcess::new(products::schema(log.clone()))))
            .build()
            .unwrap();
        let answer =
            run(&router, "{ m: me { id } product(upc: \"p1\") { name } }", Value::Null).await;
        assert_eq!(
            answer["data"],
            json!({ "m": null, "product": { "name": "Table" } }),
            "{body}: {answer}"
        );
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "SUBGRAPH_UNAVAILABLE",
            "{body}: {answer}"
        );
        assert_eq!(answer["errors"][0]["path"], json!(["m"]), "{body}: {answer}");
    }
}

/// A subgraph whose answers say what the schema forbids.
async fn lying(body: &'static str) -> Value {
    let address = serve(
        axum::Router::new().route("/graphql", axum::routing::post(move || async move { body })),
    )
    .await;
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", http(&address.to_string()))
        .subgraph("products", http(&address.to_string()))
        .subgraph("inventory", Arc::new(InProcess::new(inventory::schema())))
        .build()
        .unwrap();
    run(&router, "{ me { role name } search { __typename ... on Product { upc } } }", Value::Null)
        .await
}

#[tokio::test]
async fn values_that_the_schema_does_not_know_become_null() {
    let answer =
        lying(r#"{"data":{"me":{"__typename":"User","role":"KING","name":"x"},"search":[]}}"#)
            .await;
    assert_eq!(answer["data"]["me"], Value::Null, "{answer}");
    assert_eq!(answer["errors"][0]["path"], json!(["me", "role"]));
    let answer = lying(r#"{"data":{"me":{"role":"ADMIN","name":null},"search":[]}}"#).await;
    assert_eq!(answer["data"]["me"], Value::Null);
    assert_eq!(answer["errors"][0]["path"], json!(["me", "name"]));
    let answer =
        lying(r#"{"data":{"me":null,"search":[{"__typename":"Hidden","upc":"p1"}]}}"#).await;
    assert!(!answer.to_string().contains("Hidden"), "{answer}");
    assert_eq!(answer["data"], Value::Null, "the list and its elements are never null");
    let answer = lying(r#"{"data":{"me":[],"search":{}}}"#).await;
    assert_eq!(answer["data"], Value::Null);
}

#[tokio::test]
async fn introspection_tells_the_whole_public_schema() {
    let query = "{ __schema { queryType { name } mutationType { name } subscriptionType { name } \
        directives { name isRepeatable locations args { name defaultValue type { kind ofType { name } } } } \
        types { kind name description isOneOf specifiedByURL enumValues(includeDeprecated: true) { name isDeprecated } \
        possibleTypes { name } interfaces { name } inputFields { name defaultValue } fields(includeDeprecated: true) { \
        name args { name defaultValue type { ...T } } type { ...T } isDeprecated deprecationReason } } } \
        p: __type(name: \"Product\") { name fields { name } } n: __type(name: \"Nothing\") { name } } \
        fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { name } } } }";
    let answer = data(query).await;
    let text = answer.to_string();
    for machinery in ["_Entity", "_Any", "join__", "link__", "_service"] {
        assert!(!text.contains(machinery), "{machinery}");
    }
    assert_eq!(answer["n"], Value::Null);
    assert_eq!(answer["p"]["fields"].as_array().unwrap().len(), 10);
    let types = answer["__schema"]["types"].as_array().unwrap();
    let named = |name: &str| types.iter().find(|ty| ty["name"] == name).unwrap();
    assert_eq!(
        named("Found")["possibleTypes"],
        json!([{ "name": "Category" }, { "name": "Product" }])
    );
    assert_eq!(named("Role")["enumValues"][0]["name"], "ADMIN");
    assert_eq!(named("Filter")["isOneOf"], false);
    assert_eq!(named("Filter")["inputFields"].as_array().unwrap().len(), 4);
    assert_eq!(named("__Type")["kind"], "OBJECT");

    let log = Log::default();
    let router = in_process(&log);
    let mut stranger = caller();
    stranger.may_introspect = false;
    let refused = router
        .execute(GraphqlRequest::new("{ __schema { types { name } } }"), stranger.clone())
        .await;
    assert_eq!(refused.code.as_deref(), Some("FORBIDDEN"));
    let allowed =
        router.execute(GraphqlRequest::new("{ __typename me { __typename } }"), stranger).await;
    assert!(!allowed.has_errors);
}

#[tokio::test]
async fn resolvers_see_what_the_caller_brings() {
    let log = Log::default();
    let answer = run(&in_process(&log), "{ whoami }", Value::Null).await;
    assert_eq!(answer, json!({ "data": { "whoami": "tester" } }));
}

#[tokio::test]
async fn equal_entities_are_asked_once() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let seen: Arc<AtomicUsize> = Arc::default();
    let counter = seen.clone();
    let log = Log::default();
    let inner = users::schema(log.clone());
    let address = serve(axum::Router::new().route(
        "/graphql",
        axum::routing::post(move |axum::Json(request): axum::Json<async_graphql::Request>| {
            let (inner, counter) = (inner.clone(), counter.clone());
            async move {
                if let Some(async_graphql::Value::List(representations)) =
                    request.variables.get("representations")
                {
                    counter.fetch_add(representations.len(), Ordering::Relaxed);
                }
                axum::Json(inner.execute(request).await)
            }
        }),
    ))
    .await;
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph("users", http(&address.to_string()))
        .subgraph("reviews", Arc::new(InProcess::new(reviews::schema(log))))
        .build()
        .unwrap();
    let answer = run(&router, "{ reviews { author { id email } } }", Value::Null).await;
    assert_eq!(answer["data"]["reviews"][2]["author"]["email"], "ada@x.example");
    assert_eq!(seen.load(Ordering::Relaxed), 4, "u1 and u4 stand in two places each");
}
