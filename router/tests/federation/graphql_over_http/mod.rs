//! GraphQL over HTTP, first edition (September 2026): its rules over real sockets, a module for each
//! of its sections. A comment on a test names the section where it is not the module's own. Where the
//! router decides against what the specification recommends, the test holds what the router does, and
//! `docs/router.md` has the reason.

mod body;
mod client;
mod get;
mod media_types;
mod methods;
mod post;
mod refusals;
mod status_codes;
mod url;
mod validation;

use crate::{
    subgraphs::{Log, products, users},
    support::{in_process, serve, supergraph},
};
use reqwest::{Client, RequestBuilder, Url};
use serde_json::{Value, json};
use std::{collections::HashMap, net::SocketAddr, sync::Arc, time::Duration};
use studio_router::{Limits, Router, RouterBuilder, transport::InProcess};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub const GRAPHQL_RESPONSE: &str = "application/graphql-response+json";

/// Time for a server to answer and to close.
const PATIENCE: Duration = Duration::from_secs(20);

/// A router that is served.
pub struct Server {
    address: SocketAddr,
    /// What its mutations did.
    log: Log,
}

/// An answer whose body is JSON, or nothing.
#[derive(Debug)]
pub struct Answer {
    status: u16,
    phrase: String,
    headers: HashMap<String, String>,
    body: Value,
}

impl Answer {
    /// The media type without its parameters.
    pub fn media_type(&self) -> &str {
        self.header("content-type").split(';').next().unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The code of the first error.
    pub fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
    }

    /// What the section "Response" demands of every answer of the type for GraphQL responses.
    fn holds_to_the_specification(&self) {
        if self.media_type() != GRAPHQL_RESPONSE {
            return;
        }
        let result = self.body.as_object().unwrap_or_else(|| panic!("no map: {self:?}"));
        assert!(
            result.keys().all(|key| ["data", "errors", "extensions"].contains(&key.as_str())),
            "{self:?}"
        );
        if let Some(errors) = result.get("errors") {
            let errors = errors.as_array().unwrap();
            assert!(!errors.is_empty(), "{self:?}");
            assert!(errors.iter().all(|error| error["message"].is_string()), "{self:?}");
        }
        let fits = match (result.get("data"), result.get("errors")) {
            (Some(Value::Object(_)), None) => self.status == 200,
            (Some(Value::Object(_) | Value::Null), Some(_)) => self.status == 294,
            (None, Some(_)) => (400..600).contains(&self.status),
            _ => false,
        };
        assert!(fits, "{self:?}");
        assert_eq!(self.header("content-type"), format!("{GRAPHQL_RESPONSE}; charset=utf-8"));
    }
}

impl Server {
    /// A router that lets everybody in.
    pub async fn start() -> Server {
        let log = Log::default();
        Server::of(in_process(&log), log).await
    }

    /// A router as `change` makes it, over users and products in process.
    pub async fn with(change: impl FnOnce(RouterBuilder) -> RouterBuilder) -> Server {
        let log = Log::default();
        let builder = Router::builder()
            .supergraph(supergraph())
            .subgraph("users", Arc::new(InProcess::new(users::schema(log.clone()))))
            .subgraph("products", Arc::new(InProcess::new(products::schema(log.clone()))));
        Server::of(change(builder).build().unwrap(), log).await
    }

    pub async fn limited(limits: Limits) -> Server {
        Server::with(|builder| builder.limits(limits)).await
    }

    async fn of(router: Arc<Router>, log: Log) -> Server {
        Server { address: serve(studio_router::serve::routes(router)).await, log }
    }

    pub fn url(&self) -> String {
        format!("http://{}/graphql", self.address)
    }

    /// The address with parameters, as WHATWG's `URLSearchParams` writes them.
    pub fn with_parameters(&self, parameters: &[(&str, &str)]) -> Url {
        Url::parse_with_params(&self.url(), parameters).unwrap()
    }

    /// What mutations did so far.
    pub fn done(&self) -> Vec<String> {
        self.log.0.lock().unwrap().clone()
    }

    /// Posts a request as a client of the specification does.
    pub async fn post(&self, request: Value) -> Answer {
        let post = Client::new().post(self.url()).header("accept", GRAPHQL_RESPONSE);
        send(post.json(&request)).await
    }

    pub async fn query(&self, query: &str) -> Answer {
        self.post(json!({ "query": query })).await
    }

    /// Posts bytes of a content type.
    pub async fn post_bytes(&self, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
        let post = Client::new().post(self.url()).header("accept", GRAPHQL_RESPONSE);
        send(post.header("content-type", kind).body(body)).await
    }

    /// Asks by GET.
    pub async fn get(&self, parameters: &[(&str, &str)]) -> Answer {
        let get = Client::new().get(self.with_parameters(parameters));
        send(get.header("accept", GRAPHQL_RESPONSE)).await
    }

    /// Posts `query` with a header `Accept`.
    pub async fn accepting(&self, accept: &str, query: &str) -> Answer {
        let post = Client::new().post(self.url()).header("accept", accept);
        send(post.json(&json!({ "query": query }))).await
    }

    /// Sends bytes as they are and reads until the server closes the connection.
    pub async fn raw(&self, request: &str) -> Answer {
        let mut connection = TcpStream::connect(self.address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        // A server that has not read everything may reset the connection after its answer.
        let whole = tokio::time::timeout(PATIENCE, connection.read_to_end(&mut answer)).await;
        assert!(whole.is_ok(), "the server neither answers nor closes");
        read(&String::from_utf8(answer).unwrap())
    }
}

/// Sends a request, and holds the answer to what is demanded of all answers.
pub async fn send(request: RequestBuilder) -> Answer {
    let answer = request.send().await.unwrap();
    let phrase = answer.extensions().get::<hyper::ext::ReasonPhrase>();
    let phrase = phrase
        .map_or(answer.status().canonical_reason().unwrap_or_default().into(), |own| {
            String::from_utf8_lossy(own.as_bytes())
        });
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    let answer = Answer {
        status: answer.status().as_u16(),
        phrase: phrase.into_owned(),
        headers: answer
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), text(value)))
            .collect(),
        body: serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap_or_default(),
    };
    answer.holds_to_the_specification();
    answer
}

/// Reads an answer of HTTP/1.1 that was not sent in chunks.
fn read(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {text}"));
    let mut lines = head.lines();
    let mut first = lines.next().unwrap().splitn(3, ' ').skip(1);
    let headers = lines.filter_map(|line| line.split_once(": "));
    let answer = Answer {
        status: first.next().unwrap().parse().unwrap(),
        phrase: first.next().unwrap_or_default().to_owned(),
        headers: headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect(),
        body: serde_json::from_str(body).unwrap_or_default(),
    };
    answer.holds_to_the_specification();
    answer
}
