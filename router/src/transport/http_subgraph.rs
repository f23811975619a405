//! Subgraphs over HTTP: pooled connections, HTTP/1.1, HTTP/2 over TLS, and h2c when asked for.

use super::{
    Encoding, SubgraphRequest, SubgraphResponse, SubgraphStream, SubgraphTransport,
    SubgraphVariables, TransportError, end_to_end,
    http1::{AnswerBody, Connections, IDLE},
    sse, tls, websocket,
};
use crate::request::Caller;
use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Body as _;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{fmt, sync::Arc, time::Duration};

/// What a subgraph may answer in.
const ACCEPT: &str = "application/graphql-response+json, application/json;q=0.9";

/// How subscriptions reach a subgraph.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SubscriptionTransport {
    /// Server-sent events, as graphql-sse's distinct connections mode defines them.
    #[default]
    Sse,
    /// A WebSocket that speaks graphql-transport-ws, at this address.
    WebSocket(String),
}

/// Headers of a call that the embedder makes for each caller, such as a signed statement of who
/// asks.
pub trait CallHeaders: Send + Sync + 'static {
    /// Adds to the headers of a call to a subgraph; one of the same name is replaced.
    fn add(&self, caller: &Caller, headers: &mut HeaderMap);

    /// Reads the headers of the subgraph's answer to such a call. Of callers who share an answer
    /// ([`crate::ShareInFlight`]), it is the one whose call it was.
    fn answered(&self, _caller: &Caller, _headers: &HeaderMap) {}
}

/// How to talk to a subgraph over HTTP.
#[derive(Clone)]
pub struct HttpOptions {
    /// Time for one answer, from the request to its last byte.
    pub timeout: Duration,
    /// Bytes of one answer, or of one event of a subscription.
    pub response_bytes: usize,
    /// Whether to speak HTTP/2 without TLS and without asking.
    pub h2c: bool,
    /// How subscriptions reach it.
    pub subscriptions: SubscriptionTransport,
    /// Headers made for each call.
    pub headers: Option<Arc<dyn CallHeaders>>,
    /// Whose certificates are trusted, in the place of those of the system's authorities.
    pub ca: Option<tls::Authorities>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        HttpOptions {
            timeout: Duration::from_secs(30),
            response_bytes: 64 << 20,
            h2c: false,
            subscriptions: SubscriptionTransport::Sse,
            headers: None,
            ca: None,
        }
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpOptions")
            .field("timeout", &self.timeout)
            .field("response_bytes", &self.response_bytes)
            .field("h2c", &self.h2c)
            .field("subscriptions", &self.subscriptions)
            .field("ca", &self.ca)
            .finish_non_exhaustive()
    }
}

pub(super) type Connector = HttpsConnector<HttpConnector>;

/// The transport to a subgraph at an address.
#[derive(Clone, Debug)]
pub struct HttpSubgraph {
    uri: Uri,
    options: HttpOptions,
    client: HttpClient,
    /// For subscriptions, where they are not sent as events.
    websocket: Option<websocket::Endpoint>,
}

/// Who makes the requests to a subgraph.
#[derive(Clone, Debug)]
enum HttpClient {
    /// HTTP/1.1 without TLS.
    Http1(Arc<Connections>),
    /// TLS, or HTTP/2.
    Pooled(Box<Client<Connector, Full<Bytes>>>),
}

/// Why a subgraph's address cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{url}` is of no use as the address of a subgraph ({reason}); {advice}")]
pub struct AddressError {
    url: String,
    reason: String,
    advice: &'static str,
}

impl AddressError {
    pub(super) fn new(url: &str, reason: String) -> AddressError {
        let advice = "give one such as http://127.0.0.1:4001/graphql";
        AddressError { url: url.to_owned(), reason, advice }
    }

    pub(super) fn websocket(url: &str, reason: String) -> AddressError {
        let advice = "give one such as wss://stock.example.org/events";
        AddressError { url: url.to_owned(), reason, advice }
    }

    /// Where nobody is trusted who could have signed its certificate.
    pub(super) fn without_authorities(url: &str, reason: String) -> AddressError {
        let advice = "install the system's certificates of authorities, or name one by `ca`";
        AddressError { url: url.to_owned(), reason, advice }
    }
}

impl HttpSubgraph {
    /// A transport to the subgraph at `url`.
    pub fn new(url: &str, options: HttpOptions) -> Result<HttpSubgraph, AddressError> {
        let fail = |reason: String| AddressError::new(url, reason);
        let uri: Uri = url.parse().map_err(|error| fail(format!("{error}")))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.host().is_none() {
            return Err(fail("it must begin with http:// or https:// and name a host".to_owned()));
        }
        let websocket = match &options.subscriptions {
            SubscriptionTransport::Sse => None,
            SubscriptionTransport::WebSocket(url) => Some(websocket::Address::parse(url)?),
        };
        let secure = uri.scheme_str() == Some("https");
        let secure_socket = websocket.as_ref().is_some_and(websocket::Address::is_secure);
        let tls = tls::client_config(options.ca.as_ref(), secure || secure_socket)
            .map_err(|reason| AddressError::without_authorities(url, reason))?;
        let websocket = websocket
            .map(|address| websocket::Endpoint::new(address, tls.clone(), options.timeout));
        let client = match secure || options.h2c {
            true => HttpClient::Pooled(Box::new(client(tls, options.timeout, options.h2c))),
            false => {
                let connections = Connections::new(connector(options.timeout), &uri);
                HttpClient::Http1(connections.map_err(fail)?)
            }
        };
        Ok(HttpSubgraph { uri, options, client, websocket })
    }

    fn http_request(
        &self,
        body: Vec<u8>,
        accept: &'static str,
        caller: &Caller,
    ) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.uri.clone();
        let headers = request.headers_mut();
        self.forward(caller, headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        request
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<AnswerBody>, TransportError> {
        let client = match &self.client {
            HttpClient::Http1(connections) => return connections.request(request).await,
            HttpClient::Pooled(client) => client,
        };
        let answer = client.request(request).await.map_err(|error| match error.is_connect() {
            true => TransportError::Unreachable(tls::explained(&error)),
            false => TransportError::Connection(error_chain(&error)),
        })?;
        Ok(answer.map(AnswerBody::from))
    }

    fn forward(&self, caller: &Caller, to: &mut HeaderMap) {
        forward_headers(&caller.forward, to);
        if let Some(own) = &self.options.headers {
            own.add(caller, to);
        }
    }

    /// One attempt to get an answer.
    pub(super) async fn ask(
        &self,
        request: &SubgraphRequest,
    ) -> Result<SubgraphResponse, TransportError> {
        let http = self.http_request(body(request)?, ACCEPT, &request.caller);
        let answer = async {
            let response = self.send(http).await?;
            if let Some(own) = &self.options.headers {
                own.answered(&request.caller, response.headers());
            }
            collect(response, self.options.response_bytes).await
        };
        match tokio::time::timeout(self.options.timeout, answer).await {
            Ok(body) => body.map(SubgraphResponse::Json),
            Err(_) => Err(TransportError::Timeout(self.options.timeout)),
        }
    }

    /// Posts what nobody asked for but the router itself, and gives the JSON object that comes back.
    pub(crate) async fn post(
        &self,
        body: Vec<u8>,
        limit: usize,
        time: Duration,
    ) -> Result<Bytes, TransportError> {
        let http = self.http_request(body, ACCEPT, &Caller::default());
        let answer = async { collect(self.send(http).await?, limit).await };
        match tokio::time::timeout(time, answer).await {
            Ok(body) => body,
            Err(_) => Err(TransportError::Timeout(time)),
        }
    }

    /// One attempt to begin a subscription.
    pub(super) async fn listen(
        &self,
        request: &SubgraphRequest,
    ) -> Result<SubgraphStream, TransportError> {
        let body = body(request)?;
        let limit = self.options.response_bytes;
        let start = async {
            match &self.websocket {
                None => {
                    let http = self.http_request(body, "text/event-stream", &request.caller);
                    let response = self.send(http).await?;
                    let kind = response.headers().get(header::CONTENT_TYPE);
                    let events =
                        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
                    if events {
                        return Ok(sse::events(response.into_body(), limit).boxed());
                    }
                    // A refusal comes as one ordinary answer.
                    let body = collect(response, limit).await?;
                    let once = futures::stream::once(async { Ok(SubgraphResponse::Json(body)) });
                    Ok(once.boxed())
                }
                Some(endpoint) => {
                    let mut headers = HeaderMap::new();
                    self.forward(&request.caller, &mut headers);
                    endpoint.events(headers, body, limit).await
                }
            }
        };
        match tokio::time::timeout(self.options.timeout, start).await {
            Ok(stream) => stream,
            Err(_) => Err(TransportError::Timeout(self.options.timeout)),
        }
    }
}

/// A pool of connections.
pub(super) fn client<B>(
    tls: rustls::ClientConfig,
    timeout: Duration,
    h2c: bool,
) -> Client<Connector, B>
where
    B: hyper::body::Body + Send,
    B::Data: Send,
{
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_all_versions()
        .wrap_connector(connector(timeout));
    Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .http2_only(h2c)
        .build(connector)
}

/// How connections are made.
pub(super) fn connector(timeout: Duration) -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(timeout.min(Duration::from_secs(10))));
    // A peer that is gone without a word is found out within half a minute, also while a
    // subscription has nothing to say.
    connector.set_keepalive(Some(Duration::from_secs(15)));
    connector.set_keepalive_interval(Some(Duration::from_secs(5)));
    connector.set_keepalive_retries(Some(3));
    connector
}

/// The text of an error with its causes, which is where connection errors say what happened.
pub(super) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Copies what may be forwarded: nothing that belongs to the client's own connection or body, nothing
/// that this transport sets itself.
fn forward_headers(from: &HeaderMap, to: &mut HeaderMap) {
    const OWN: [HeaderName; 4] =
        [header::CONTENT_LENGTH, header::CONTENT_ENCODING, header::ACCEPT_ENCODING, header::EXPECT];
    for (name, value) in end_to_end(from).filter(|(name, _)| !OWN.contains(name)) {
        to.append(name.clone(), value.clone());
    }
}

fn body(request: &SubgraphRequest) -> Result<Vec<u8>, TransportError> {
    let SubgraphVariables::Json(variables) = &request.variables else {
        return Err(TransportError::Protocol("variables came as values".to_owned()));
    };
    let query = request.operation.quoted();
    let mut body = Vec::with_capacity(query.len() + variables.len() + 32);
    body.extend_from_slice(b"{\"query\":");
    body.extend_from_slice(query);
    if variables.len() > 2 {
        body.extend_from_slice(b",\"variables\":");
        body.extend_from_slice(variables);
    }
    body.push(b'}');
    Ok(body)
}

async fn collect(response: Response<AnswerBody>, limit: usize) -> Result<Bytes, TransportError> {
    let status = response.status();
    let mut incoming = response.into_body();
    let mut first: Option<Bytes> = None;
    let mut rest: Option<BytesMut> = None;
    let mut total = 0;
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|error| TransportError::Connection(error_chain(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        total += data.len();
        if total > limit {
            return Err(TransportError::TooLarge(limit));
        }
        match (&first, &mut rest) {
            (None, _) => first = Some(data),
            (Some(_), Some(rest)) => rest.extend_from_slice(&data),
            (Some(start), None) => {
                let announced = incoming.size_hint().lower().min(limit as u64) as usize;
                let mut all = BytesMut::with_capacity(total + announced);
                all.extend_from_slice(start);
                all.extend_from_slice(&data);
                rest = Some(all);
            }
        }
    }
    let body = rest.map(BytesMut::freeze).or(first).unwrap_or_default();
    // Well-formed GraphQL errors come with any status; everything else is no GraphQL answer.
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'{') => Ok(body),
        _ => Err(TransportError::Protocol(format!("HTTP status {status} and no JSON object"))),
    }
}

#[async_trait::async_trait]
impl SubgraphTransport for HttpSubgraph {
    fn encoding(&self) -> Encoding {
        Encoding::Json
    }

    async fn execute(&self, request: SubgraphRequest) -> Result<SubgraphResponse, TransportError> {
        self.ask(&request).await
    }

    async fn subscribe(&self, request: SubgraphRequest) -> Result<SubgraphStream, TransportError> {
        self.listen(&request).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_the_body_are_not_forwarded() {
        let mut from = HeaderMap::new();
        for (name, value) in [("content-length", "3"), ("te", "trailers"), ("x-request-id", "r")] {
            from.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let mut to = HeaderMap::new();
        forward_headers(&from, &mut to);
        assert_eq!(to.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-request-id"]);
    }

    #[test]
    fn an_address_must_be_one() {
        for url in ["", "products", "ftp://x/graphql", "http://"] {
            assert!(HttpSubgraph::new(url, HttpOptions::default()).is_err(), "{url}");
        }
    }
}
