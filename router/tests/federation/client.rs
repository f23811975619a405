//! GraphQL over HTTP, as clients see it.

use crate::{
    subgraphs::Log,
    support::{in_process, serve, supergraph},
};
use reqwest::{Client, Method, Response, StatusCode};
use serde_json::{Value, json};
use std::{future::pending, sync::Arc};
use studio_router::{AuthError, Authenticate, Caller, Router, transport::InProcess};

async fn url() -> String {
    let router = in_process(&Log::default());
    format!("http://{}", serve(studio_router::serve::routes(router)).await)
}

fn kind(response: &Response) -> &str {
    response.headers()["content-type"].to_str().unwrap()
}

#[tokio::test]
async fn each_form_of_request_is_answered() {
    let url = format!("{}/graphql", url().await);
    let client = Client::new();
    let json = client.post(&url).json(&json!({ "query": "{ me { id } }" })).send().await.unwrap();
    assert_eq!((json.status(), kind(&json)), (StatusCode::OK, "application/json; charset=utf-8"));
    assert!(json.headers().contains_key("x-request-id"));
    let expected = json!({ "data": { "me": { "id": "u1" } } });
    assert_eq!(json.json::<Value>().await.unwrap(), expected);

    let raw = client.post(&url).header("content-type", "application/graphql").body("{ me { id } }");
    assert_eq!(raw.send().await.unwrap().json::<Value>().await.unwrap(), expected);

    let get = client.get(format!(
        "{url}?query=query(%24i:ID!)%7Bme:user(id:%24i)%7Bid%7D%7D&variables=%7B%22i%22:%22u1%22%7D"
    ));
    assert_eq!(get.send().await.unwrap().json::<Value>().await.unwrap(), expected);

    let own = client
        .post(&url)
        .header("x-request-id", "abc-1")
        .json(&json!({ "query": "{ me { id } }" }));
    assert_eq!(own.send().await.unwrap().headers()["x-request-id"], "abc-1");
    let unfit = client
        .post(&url)
        .header("x-request-id", "a b<c>")
        .json(&json!({ "query": "{ me { id } }" }));
    assert_ne!(unfit.send().await.unwrap().headers()["x-request-id"], "a b<c>");
}

#[tokio::test]
async fn a_method_that_is_not_taken_is_told_which_are() {
    let url = url().await;
    for (path, allowed) in [("graphql", "GET,HEAD,POST"), ("schema.graphql", "GET,HEAD")] {
        let answer = Client::new().delete(format!("{url}/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(answer.headers()["allow"], allowed);
        assert!(answer.headers().contains_key("x-request-id"));
        let error = answer.json::<Value>().await.unwrap()["errors"][0].clone();
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
        assert!(error["message"].as_str().unwrap().contains("Allow"), "{error}");
    }
}

#[tokio::test]
async fn the_status_depends_on_the_form_of_answer() {
    let url = format!("{}/graphql", url().await);
    let client = Client::new();
    let cases = [
        ("{ me { id } }", StatusCode::OK, StatusCode::OK),
        ("{ me { nothing } }", StatusCode::OK, StatusCode::BAD_REQUEST),
        ("{ me {", StatusCode::OK, StatusCode::BAD_REQUEST),
        ("{ users { secret } }", StatusCode::OK, StatusCode::OK),
        ("{ a: user { id } }", StatusCode::OK, StatusCode::BAD_REQUEST),
    ];
    for (query, plain, graphql) in cases {
        for (accept, status) in
            [("application/json", plain), ("application/graphql-response+json", graphql)]
        {
            let answer = client
                .post(&url)
                .header("accept", accept)
                .json(&json!({ "query": query }))
                .send()
                .await
                .unwrap();
            assert_eq!(answer.status(), status, "{accept} {query}");
            assert!(kind(&answer).starts_with(accept));
        }
    }
}

#[tokio::test]
async fn what_is_no_request_is_refused() {
    let url = format!("{}/graphql", url().await);
    let client = Client::new();
    let post = |kind: &'static str, body: &'static str| {
        let request = client.post(&url).header("content-type", kind).body(body);
        async move { request.send().await.unwrap().status() }
    };
    for body in [
        "",
        "{",
        "[]",
        "{}",
        "{\"query\":1}",
        "{\"query\":\"{me{id}}\",\"variables\":[]}",
        "{\"query\":\"{me{id}}\",\"operationName\":3}",
    ] {
        assert_eq!(post("application/json", body).await, StatusCode::BAD_REQUEST, "{body}");
    }
    // What a page of another origin can send without asking.
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
    {
        assert_eq!(
            post(kind, "{\"query\":\"{me{id}}\"}").await,
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "{kind}"
        );
    }
    let large =
        client
            .post(&url)
            .header("content-type", "application/json")
            .body(vec![b' '; (1 << 20) + 1]);
    let large = large.send().await.unwrap();
    assert_eq!(large.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let large = large.json::<Value>().await.unwrap();
    assert_eq!(large["errors"][0]["extensions"]["code"], "TOO_LARGE");
    let mutation =
        client.get(format!("{url}?query=mutation%7Bcount(by:1)%7D")).send().await.unwrap();
    assert_eq!(mutation.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(mutation.headers()["allow"], "POST");
    let missing = client.get(&url).send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::BAD_REQUEST);
    let form =
        client.post(&url).header("accept", "image/png").json(&json!({ "query": "{ me { id } }" }));
    assert_eq!(form.send().await.unwrap().status(), StatusCode::NOT_ACCEPTABLE);
    assert_eq!(
        client.request(Method::PUT, &url).send().await.unwrap().status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
}

struct Token;

#[async_trait::async_trait]
impl Authenticate for Token {
    async fn authenticate(
        &self,
        headers: &http::HeaderMap,
        _: Option<&Value>,
    ) -> Result<Caller, AuthError> {
        match headers.get("authorization").map(|value| value.to_str().unwrap_or_default()) {
            None => Ok(Caller::default()),
            Some("Bearer good") => Ok(Caller { may_introspect: true, ..Caller::default() }),
            Some(_) => Err(AuthError::Token("sign in again".to_owned())),
        }
    }
}

#[tokio::test]
async fn callers_are_told_apart() {
    let router = Router::builder()
        .supergraph(supergraph())
        .subgraph(
            "users",
            Arc::new(InProcess::new(crate::subgraphs::users::schema(Log::default()))),
        )
        .authenticate(Arc::new(Token))
        .console("<html>console</html>")
        .request_ids(|| "made".to_owned())
        .readiness(|| Err("the store is not open yet".to_owned()))
        .build()
        .unwrap();
    let url = format!("http://{}", serve(studio_router::serve::routes(router)).await);
    let client = Client::new();
    let ask = |token: Option<&'static str>, query: &'static str| {
        let mut request = client.post(format!("{url}/graphql")).json(&json!({ "query": query }));
        if let Some(token) = token {
            request = request.header("authorization", token);
        }
        async move { request.send().await.unwrap() }
    };
    let bad = ask(Some("Bearer bad"), "{ me { id } }").await;
    assert_eq!(bad.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(bad.headers()["x-request-id"], "made");
    assert_eq!(
        bad.json::<Value>().await.unwrap()["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
    let introspection = "{ __schema { queryType { name } } }";
    assert!(ask(None, introspection).await.text().await.unwrap().contains("FORBIDDEN"));
    assert!(
        ask(Some("Bearer good"), introspection).await.text().await.unwrap().contains("\"Query\"")
    );

    let schema = client.get(format!("{url}/schema.graphql")).send().await.unwrap();
    assert_eq!(schema.status(), StatusCode::FORBIDDEN);
    let schema = client
        .get(format!("{url}/schema.graphql"))
        .header("authorization", "Bearer good")
        .send()
        .await
        .unwrap();
    assert!(schema.text().await.unwrap().contains("type User"));
    let console =
        client.get(format!("{url}/graphql")).header("accept", "text/html").send().await.unwrap();
    assert_eq!(console.text().await.unwrap(), "<html>console</html>");
    assert_eq!(
        client.get(format!("{url}/health/live")).send().await.unwrap().status(),
        StatusCode::OK
    );
    let ready = client.get(format!("{url}/health/ready")).send().await.unwrap();
    assert_eq!(ready.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(ready.text().await.unwrap().contains("not open"));
}

#[tokio::test]
async fn a_supergraph_from_a_file_is_served() {
    use crate::subgraphs::{inventory, products, reviews, users};
    let log = Log::default();
    let mut sdls = crate::support::sdls();
    for sdl in &mut sdls {
        let address = match sdl.name.as_str() {
            "users" => crate::support::subgraph(users::schema(log.clone())).await,
            "products" => crate::support::subgraph(products::schema(log.clone())).await,
            "reviews" => crate::support::subgraph(reviews::schema(log.clone())).await,
            _ => crate::support::subgraph(inventory::schema()).await,
        };
        sdl.url = Some(format!("http://{address}/graphql"));
    }
    let supergraph = studio_router::compose(sdls).unwrap().sdl;
    let address = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let served = tokio::spawn(studio_router::standalone::run(supergraph, address, pending()));
    let client = Client::new();
    loop {
        assert!(!served.is_finished(), "it ended");
        let ready = client.get(format!("http://{address}/health/ready")).send().await;
        if ready.is_ok_and(|ready| ready.status() == StatusCode::OK) {
            break;
        }
        tokio::task::yield_now().await;
    }
    let query = json!({ "query": "{ topProducts(first: 1) { name shippingEstimate reviews(first: 1) { author { name } } } }" });
    let answer =
        client.post(format!("http://{address}/graphql")).json(&query).send().await.unwrap();
    let expected = json!({ "data": { "topProducts": [{ "name": "Table", "shippingEstimate": 14, "reviews": [{ "author": { "name": "Ada" } }] }] } });
    assert_eq!(answer.json::<Value>().await.unwrap(), expected);
}
