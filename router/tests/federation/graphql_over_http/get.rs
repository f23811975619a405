//! Section "GET".

use super::{GRAPHQL_RESPONSE, Server, send};
use reqwest::Client;
use serde_json::json;

/// "Request": MAY support GET. MUST be form-encoded in the query component, as `URLSearchParams`
/// writes it.
#[tokio::test]
async fn parameters_are_form_encoded_in_the_query_component() {
    let server = Server::start().await;
    let named = "query($id: ID!) { user(id: $id) { name } }";
    let expected = json!({ "data": { "user": { "name": "Ada" } } });
    let answer = server.get(&[("query", named), ("variables", "{\"id\":\"u1\"}")]).await;
    assert_eq!((answer.status, &answer.body), (200, &expected));
    // A space may be `+` or `%20`, and only what must be is escaped.
    for encoded in [
        "query=query(%24id:+ID!)+%7Buser(id:%24id)%7Bname%7D%7D&variables=%7B%22id%22:%22u1%22%7D",
        "query=query($id%3A%20ID!)%7Buser(id%3A$id)%7Bname%7D%7D&variables=%7B%22id%22%3A%22u1%22%7D",
    ] {
        let get = Client::new().get(format!("{}?{encoded}", server.url()));
        assert_eq!(send(get.header("accept", GRAPHQL_RESPONSE)).await.body, expected, "{encoded}");
    }
}

/// `operationName` is the name of the operation to be executed.
#[tokio::test]
async fn operation_name_chooses_the_operation() {
    let server = Server::start().await;
    let two = "query A { me { id } } query B { me { name } }";
    let answer = server.get(&[("query", two), ("operationName", "B")]).await;
    assert_eq!(answer.body, json!({ "data": { "me": { "name": "Ada" } } }));
}

/// The empty text is equivalent to an optional parameter that is not given.
#[tokio::test]
async fn an_empty_parameter_counts_as_not_given() {
    let server = Server::start().await;
    for name in ["operationName", "variables", "extensions"] {
        let answer = server.get(&[("query", "query A { me { id } }"), (name, "")]).await;
        assert_eq!((answer.status, answer.code()), (200, ""), "{name}");
    }
    let two = "query A { me { id } } query B { me { name } }";
    let answer = server.get(&[("query", two), ("operationName", "")]).await;
    assert_eq!((answer.status, answer.code()), (422, "BAD_USER_INPUT"));
}

/// Note: `null` is a name like any other.
#[tokio::test]
async fn operation_name_null_is_a_name() {
    let server = Server::start().await;
    let named = [("query", "query null { me { id } } query B { me { name } }")];
    let answer = server.get(&[named[0], ("operationName", "null")]).await;
    assert_eq!(answer.body, json!({ "data": { "me": { "id": "u1" } } }));
    let other = server.get(&[("query", "query A { me { id } }"), ("operationName", "null")]).await;
    assert_eq!((other.status, other.code()), (422, "BAD_USER_INPUT"));
}

/// `variables` and `extensions` MUST be JSON; of maps, as "GraphQL-over-HTTP Request" says.
#[tokio::test]
async fn variables_and_extensions_are_maps_in_json() {
    let server = Server::start().await;
    for name in ["variables", "extensions"] {
        for text in ["{}", "{\"a\":[1]}", "null"] {
            let answer = server.get(&[("query", "{ me { id } }"), (name, text)]).await;
            assert_eq!(answer.status, 200, "{name}={text}");
        }
        for text in ["nonsense", "{", "[]", "7", "\"{}\""] {
            let answer = server.get(&[("query", "{ me { id } }"), (name, text)]).await;
            assert_eq!((answer.status, answer.code()), (422, "BAD_USER_INPUT"), "{name}={text}");
        }
    }
}

/// Other parameters are for others; a parameter that stands there twice has no meaning.
#[tokio::test]
async fn other_parameters_are_ignored_and_the_same_twice_is_refused() {
    let server = Server::start().await;
    let answer = server.get(&[("query", "{ me { id } }"), ("utm_source", "x")]).await;
    assert_eq!(answer.status, 200);
    let twice = server.get(&[("query", "{ me { id } }"), ("query", "{ users { id } }")]).await;
    assert_eq!((twice.status, twice.code()), (422, "BAD_USER_INPUT"));
}

/// MUST be refused without execution; 405 is RECOMMENDED, and demands `Allow` (RFC 9110).
#[tokio::test]
async fn a_mutation_is_refused_and_not_executed() {
    let server = Server::start().await;
    let both = "query A { me { id } } mutation B { count(by: 1) }";
    for parameters in
        [&[("query", "mutation { count(by: 1) }")][..], &[("query", both), ("operationName", "B")]]
    {
        let answer = server.get(parameters).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "POST"));
        let head = Client::new().head(server.with_parameters(parameters)).send().await.unwrap();
        assert_eq!(
            (head.status().as_u16(), &head.headers()["allow"]),
            (405, &"POST".parse().unwrap())
        );
    }
    let query = server.get(&[("query", both), ("operationName", "A")]).await;
    assert_eq!(query.status, 200);
    assert!(server.done().is_empty(), "{:?}", server.done());
}
