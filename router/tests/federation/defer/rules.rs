//! Documents that are refused (incremental delivery, section "Validation").

use crate::{
    subgraphs::Log,
    support::{caller, in_process},
};
use studio_router::GraphqlRequest;

async fn refusal(query: &str) -> Option<(String, String)> {
    let router = in_process(&Log::default());
    let answer = router.execute(GraphqlRequest::new(query), caller()).await;
    let message = answer.json()["errors"][0]["message"].as_str()?.to_owned();
    Some((answer.code.unwrap_or_default(), message))
}

#[tokio::test]
async fn a_document_that_defers_what_cannot_be_is_refused() {
    for (query, reason) in [
        (
            "{ me { ... @defer(label: \"a\") { id } ... @defer(label: \"a\") { name } } }",
            "the label \"a\" of @defer stands in the document twice",
        ),
        ("query($l: String) { me { ... @defer(label: $l) { id } } }", "must be a text"),
        ("mutation { ... @defer { count(by: 1) } }", "the root fields of a mutation"),
        (
            "mutation { ...R } fragment R on Mutation { ... { ...S @defer(if: false) } } fragment S on Mutation { count(by: 1) }",
            "the root fields of a mutation",
        ),
        ("subscription { ... @defer { forever { id } } }", "the root fields of a subscription"),
        ("subscription { forever { id ... @defer { body } } }", "a subscription cannot defer"),
        (
            "subscription { forever { ...R } } fragment R on Review { ...S @defer(if: true) } fragment S on Review { body }",
            "a subscription cannot defer",
        ),
        ("{ me { name @defer } }", "defer"),
        ("query @defer { me { name } }", "defer"),
        ("{ me { ... @defer(if: null) { name } } }", "found null"),
        ("{ me { ... @defer(later: true) { name } } }", "later"),
        ("{ me { ... @defer @defer { name } } }", "defer"),
    ] {
        let (code, message) =
            refusal(query).await.unwrap_or_else(|| panic!("not refused: {query}"));
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED", "{query}: {message}");
        assert!(message.contains(reason), "{query}: {message}");
    }
}

#[tokio::test]
async fn a_document_that_need_not_defer_is_taken() {
    for query in [
        "{ me { ... @defer(label: null) { id } ... @defer(label: null) { name } } }",
        "{ me { ... @defer(label: \"a\") { id } ... @defer(label: \"b\") { name } } }",
        "mutation { touchUser(id: \"u1\") { ... @defer { name } } }",
    ] {
        assert_eq!(refusal(query).await, None, "{query}");
    }
    // Events are whole answers, whatever the variable says.
    let query = "subscription($d: Boolean! = true) { reviewAdded(count: 1) { id ... @defer(if: false) { stars } \
                 ... @defer(if: $d) { author { name } } ... @skip(if: true) @defer { body } } }";
    let router = in_process(&Log::default());
    let events = router.subscribe(GraphqlRequest::new(query), caller()).await.unwrap();
    let events = crate::support::collect(events).await;
    let event = serde_json::json!({ "data": { "reviewAdded": { "id": "r1", "stars": 5, "author": { "name": "Ada" } } } });
    assert_eq!(events, [event]);
}

#[tokio::test]
async fn fragments_are_counted_where_they_are_put_in() {
    let of = |count: usize| {
        let spreads: Vec<String> =
            (0..count).map(|number| format!("u{number}: me {{ ...F }}")).collect();
        format!("{{ {} }} fragment F on User {{ ... @defer {{ name }} }}", spreads.join(" "))
    };
    assert_eq!(refusal(&of(50)).await, None);
    let (code, message) = refusal(&of(51)).await.unwrap();
    assert_eq!(code, "QUERY_TOO_COSTLY");
    assert!(message.contains("a number of deferred fragments of 51, and at most 50"), "{message}");
}
