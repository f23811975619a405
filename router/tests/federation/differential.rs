//! The router's answers beside those of one schema with the same resolvers. Errors at fields that are
//! never null are not compared: async-graphql leaves such a field out instead of propagating the null.

use crate::{
    monolith,
    subgraphs::Log,
    support::{error_paths, in_process, over_http, run},
};
use proptest::{prelude::*, test_runner::TestRunner};
use serde_json::{Value, json};

const QUERIES: &[&str] = &[
    "{ me { id name email role } }",
    "{ users { id name role reviews { id stars product { upc name price inStock shippingEstimate } } } }",
    "{ topProducts { upc name weight reviews(first: 1) { body author { name email } } shippingEstimate inStock } }",
    "{ reviews { id author { id name email } product { upc name label label2: label(lang: DE) } } }",
    "{ a: user(id: \"u1\") { id: name name: id reviews { id: body body: id } } }",
    "{ topProducts { upc: name name: upc price: weight weight: price shippingEstimate inStock: shippingEstimate } }",
    "{ x: topProducts(first: 1) { upc } y: topProducts(first: 2) { upc name } topProducts(first: 0) { upc } }",
    "{ search { __typename ... on Product { upc name inStock } ... on Category { n: name products { upc shippingEstimate } } } }",
    "{ search { ... on Category { n: name } ... on Product { n2: name } __typename } }",
    "{ titled { title __typename ... on Product { upc reviews { stars } } ... on Category { name products { name } } } }",
    "{ titled { ... on Product { t: title title: upc } ... on Category { t: title } } }",
    "{ users { id maybeSecret } }",
    "{ reviews { id author { id maybeSecret a: email } } }",
    "{ reviews { author { m: maybeSecret reviews { author { x: maybeSecret id } } id } } }",
    "{ user(id: \"u2\") { a: maybeSecret b: maybeSecret id } }",
    "{ user(id: \"nobody\") { id reviews { id } } product(upc: \"p9\") { upc inStock } }",
    "{ topProducts(first: 4) { related(first: 1) { upc related { upc inStock shippingEstimate reviews { id } } } } }",
    "{ __typename me { __typename t: __typename id } }",
    "{ me { ...F } } fragment F on User { id ...G } fragment G on User { name reviews { ...R } } fragment R on Review { body product { name inStock } }",
    "{ me { reviews { product { reviews { author { reviews { product { inStock upc } } } } } } } }",
    "query($w: Boolean = true) { me { id name @include(if: $w) email @skip(if: $w) } }",
    "query($a: Boolean = true, $b: Boolean = false) { me { ... @include(if: $a) { name ... @include(if: $b) { email } } reviews @include(if: $a) { id @include(if: $b) body } } }",
    "query($a: Boolean = false) { topProducts { reviews(first: 1) @include(if: $a) { id } r: reviews(first: 2) @skip(if: $a) { id } } }",
    "query($a: Boolean = false) { me @include(if: $a) { id } }",
    "query($n: Int = 2) { topProducts(first: $n) { upc } }",
    "query($n: Int) { product(upc: \"p1\") { related(first: $n) { upc } reviews(first: $n) { id } } }",
    "query($representations: Int = 1, $c_x: Int = 1) { topProducts(first: 1) { reviews(first: $representations) { id } related(first: $c_x) { inStock } } }",
    "{ describe }",
    "{ describe(filter: { text: \"a\\\"b\\n\" }) }",
    "query($t: String) { describe(filter: { text: $t, limit: 3 }) }",
    "query($f: Filter = { text: null, lang: DE }) { describe(filter: $f) }",
    "query($n: Int) { describe(number: $n) }",
    "{ describe(number: null) }",
    "mutation { a: count(by: 1) b: count(by: 1) c: count(by: 2) }",
    "mutation { touchUser(id: \"u1\") { name reviews { product { name } } } touchProduct(upc: \"p1\") { inStock } z: touchUser(id: \"u2\") { id } __typename }",
];

/// Where async-graphql departs from the specification, the answer that the specification demands: it
/// makes null of a variable without value, and of an object without fields.
fn specified(query: &str) -> Option<Value> {
    match query {
        "query($a: Boolean = false) { me @include(if: $a) { id } }" => Some(json!({})),
        "query($n: Int) { describe(number: $n) }" => Some(json!({ "describe": "None Undefined" })),
        "query($t: String) { describe(filter: { text: $t, limit: 3 }) }" => Some(json!({
            "describe": "Some(Filter { text: Undefined, limit: 3, lang: None, any: None }) Undefined"
        })),
        _ => None,
    }
}

/// The request with its defaults as variables: async-graphql does not apply defaults to conditions.
fn asked(query: &str) -> async_graphql::Request {
    let mut variables = serde_json::Map::new();
    for name in ["a", "b", "w", "t", "f"] {
        for value in [true, false] {
            if query.contains(&format!("${name}: Boolean = {value}")) {
                variables.insert(name.to_owned(), value.into());
            }
        }
    }
    async_graphql::Request::new(query)
        .variables(async_graphql::Variables::from_json(variables.into()))
}

/// Whether the router's answer is the expected one, where async-graphql leaves failed fields out.
fn same(answer: &Value, expected: &Value) -> bool {
    match (answer, expected) {
        (Value::Object(answer), Value::Object(expected)) => {
            expected.keys().all(|key| answer.contains_key(key))
                && answer
                    .iter()
                    .all(|(key, value)| same(value, expected.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(answer), Value::Array(expected)) => {
            answer.len() == expected.len()
                && answer.iter().zip(expected).all(|(answer, expected)| same(answer, expected))
        }
        (answer, expected) => answer == expected,
    }
}

#[tokio::test]
async fn answers_equal_those_of_one_schema() {
    for query in QUERIES {
        let one = monolith::schema(Log::default());
        let expected = serde_json::to_value(one.execute(asked(query)).await).unwrap();
        let near = run(&in_process(&Log::default()), query, Value::Null).await;
        let far = run(&over_http(&Log::default()).await, query, Value::Null).await;
        let data = specified(query).unwrap_or_else(|| expected["data"].clone());
        assert!(same(&near["data"], &data), "in process: {query}\n{near}\n{expected}");
        assert_eq!(
            error_paths(&near),
            error_paths(&expected),
            "in process: {query}\n{near}\n{expected}"
        );
        assert_eq!(near, far, "over HTTP: {query}");
    }
}

/// The fields of a type: name, arguments, returned type.
type Fields = &'static [(&'static str, &'static [&'static str], &'static str)];

fn fields(ty: &str) -> Fields {
    match ty {
        "Query" => &[
            ("me", &[""], "User"),
            ("user", &["(id: \"u1\")", "(id: \"u2\")", "(id: \"u9\")"], "User"),
            ("users", &[""], "User"),
            ("topProducts", &["", "(first: 1)", "(first: 4)"], "Product"),
            ("product", &["(upc: \"p1\")", "(upc: \"p4\")", "(upc: \"p9\")"], "Product"),
            ("search", &[""], "Found"),
            ("titled", &[""], "Titled"),
        ],
        "User" => &[
            ("id", &[""], ""),
            ("name", &[""], ""),
            ("email", &[""], ""),
            ("role", &[""], ""),
            ("maybeSecret", &[""], ""),
            ("reviews", &[""], "Review"),
            ("__typename", &[""], ""),
        ],
        "Review" => &[
            ("id", &[""], ""),
            ("body", &[""], ""),
            ("stars", &[""], ""),
            ("author", &[""], "User"),
            ("product", &[""], "Product"),
        ],
        "Product" => &[
            ("upc", &[""], ""),
            ("name", &[""], ""),
            ("title", &[""], ""),
            ("price", &[""], ""),
            ("weight", &[""], ""),
            ("label", &["", "(lang: DE)", "(lang: EN)"], ""),
            ("related", &["", "(first: 1)"], "Product"),
            ("reviews", &["", "(first: 1)"], "Review"),
            ("inStock", &[""], ""),
            ("shippingEstimate", &[""], ""),
            ("__typename", &[""], ""),
        ],
        "Category" => &[("title", &[""], ""), ("name", &[""], ""), ("products", &[""], "Product")],
        "Titled" => &[("title", &[""], ""), ("__typename", &[""], "")],
        _ => &[("__typename", &[""], "")],
    }
}

/// A selection set by random choices; keys clash on purpose, and what makes a document invalid is
/// sorted out by the monolith's validation.
fn selection(ty: &str, depth: u32, random: &mut impl FnMut(u32) -> u32) -> String {
    let names = ["id", "name", "upc", "price", "x", "title"];
    // Never an object without fields, which async-graphql answers as null.
    let mut text = "{ __typename".to_owned();
    for _ in 0..1 + random(4) {
        let condition = match random(12) {
            0 => " @include(if: $t)",
            1 => " @skip(if: $t)",
            2 => " @skip(if: $f)",
            3 => " @include(if: $f)",
            _ => "",
        };
        let members: &[&str] = match ty {
            "Found" | "Titled" => &["Product", "Category"],
            "Product" => &["Product", "Titled"],
            ty if depth > 0 && ty != "Query" && random(4) == 0 => {
                return format!(
                    "{text} ... on {ty}{condition} {} }}",
                    selection(ty, depth - 1, random)
                );
            }
            _ => &[],
        };
        if depth > 0 && !members.is_empty() && random(3) == 0 {
            let member = members[random(members.len() as u32) as usize];
            text +=
                &format!(" ... on {member}{condition} {}", selection(member, depth - 1, random));
            continue;
        }
        let all = fields(ty);
        let (name, arguments, returned) = all[random(all.len() as u32) as usize];
        if !returned.is_empty() && depth == 0 {
            text += " __typename";
            continue;
        }
        let alias = match random(3) {
            0 => format!("{}: ", names[random(names.len() as u32) as usize]),
            _ => String::new(),
        };
        let arguments = arguments[random(arguments.len() as u32) as usize];
        text += &format!(" {alias}{name}{arguments}{condition}");
        if !returned.is_empty() {
            text += " ";
            text += &selection(returned, depth - 1, random);
        }
    }
    text + " }"
}

#[test]
fn random_queries_are_answered_as_by_one_schema() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let one = monolith::schema(Log::default());
    let router = in_process(&Log::default());
    let far = runtime.block_on(over_http(&Log::default()));
    let cases = std::env::var("ROUTER_DIFFERENTIAL_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300);
    let config = ProptestConfig {
        cases,
        max_global_rejects: cases * 50,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let choices = prop::collection::vec(any::<u32>(), 400);
    TestRunner::new(config)
        .run(&choices, |choices| {
            let mut at = 0;
            let mut random = |bound: u32| {
                at += 1;
                choices[at % choices.len()] % bound
            };
            let query = format!(
                "query($t: Boolean = true, $f: Boolean = false) {}",
                selection("Query", 4, &mut random)
            );
            let expected = runtime.block_on(async {
                serde_json::to_value(one.execute(asked(&query)).await).unwrap()
            });
            let invalid = expected["errors"]
                .as_array()
                .is_some_and(|errors| errors.iter().any(|error| error["path"].is_null()));
            prop_assume!(!invalid);
            let near = runtime.block_on(run(&router, &query, Value::Null));
            if near["errors"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED" {
                // Unused variables and conflicts of shape, which async-graphql does not refuse.
                return Err(TestCaseError::reject("not valid"));
            }
            prop_assert!(
                same(&near["data"], &expected["data"]),
                "{}\n{}\n{}",
                query,
                near,
                expected
            );
            prop_assert_eq!(
                error_paths(&near),
                error_paths(&expected),
                "{}\n{}\n{}",
                query,
                near,
                expected
            );
            let far = runtime.block_on(run(&far, &query, Value::Null));
            prop_assert_eq!(&near, &far, "{}", query);
            Ok(())
        })
        .unwrap();
}
