//! Sections "Request" and "Response": the methods that there are, and RFC 9110.

use super::{Server, send};
use reqwest::{Client, Method};

/// "Status Codes": 405 SHOULD be used for a method that is not supported; RFC 9110, section 15.5.6:
/// `Allow` says which are.
#[tokio::test]
async fn other_methods_than_get_and_post_are_refused() {
    let server = Server::start().await;
    let query = Method::from_bytes(b"QUERY").unwrap();
    for method in [Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, query] {
        let request = Client::new().request(method.clone(), server.url());
        let request = request.header("content-type", "application/json");
        let answer = send(request.body("{\"query\":\"mutation { count(by: 1) }\"}")).await;
        assert_eq!((answer.status, answer.header("allow")), (405, "GET,HEAD,POST"), "{method}");
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{method}");
    }
    assert!(server.done().is_empty());
}

/// RFC 9110, section 9.1: GET and HEAD are both there, and say the same.
#[tokio::test]
async fn head_is_get_without_the_body() {
    let server = Server::start().await;
    for query in ["{ me { id } }", "{ users { secret } }", "{ nothing }", "{"] {
        let get = server.get(&[("query", query)]).await;
        let head = Client::new()
            .head(server.with_parameters(&[("query", query)]))
            .header("accept", super::GRAPHQL_RESPONSE);
        let head = head.send().await.unwrap();
        assert_eq!(head.status().as_u16(), get.status, "{query}");
        for name in ["content-type", "content-length", "vary"] {
            assert_eq!(head.headers()[name], get.header(name), "{query}: {name}");
        }
        assert!(head.bytes().await.unwrap().is_empty(), "{query}");
    }
}
