//! Hands REST requests on to the subgraph that serves their path, with a signed statement of who
//! asks in the place of the client's token. Bodies stream through in both directions and are not
//! kept: the next replica is asked only where nothing of the request can have reached the one
//! before, or where it only reads and nothing of its body was taken.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

use axum::{
    body::{Body, BodyDataStream, Bytes},
    extract::{Request, State},
    http::{Extensions, HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use futures::Stream;
use studio_kernel::{Actor, Code};
use studio_router::transport::{Replicas, end_to_end};
use studio_service::{ApiError, reading::Heard};

/// Signs who asks, as the request's extensions say it, for a subgraph.
pub(super) type Sign =
    dyn Fn(&'static str, &Extensions) -> Result<HeaderValue, ApiError> + Send + Sync;

/// A subgraph that serves REST paths.
pub(super) struct Upstream {
    pub(super) subgraph: &'static str,
    pub(super) replicas: Arc<Replicas>,
    pub(super) client: reqwest::Client,
    pub(super) header: HeaderName,
    pub(super) sign: Arc<Sign>,
    /// What organizations have written, as answers say it.
    pub(super) heard: Arc<Heard>,
}

/// Routes these paths (in the notation of OpenAPI, which is axum's) to the subgraph, by the methods
/// that they take.
pub(super) fn routes(
    upstream: Upstream,
    paths: impl IntoIterator<Item = (String, MethodFilter)>,
) -> axum::Router {
    let upstream = Arc::new(upstream);
    paths
        .into_iter()
        .fold(axum::Router::new(), |router, (path, methods)| {
            router.route(&path, on(methods, forward))
        })
        .with_state(upstream)
}

async fn forward(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    upstream.forward(request).await.unwrap_or_else(IntoResponse::into_response)
}

impl Upstream {
    async fn forward(&self, request: Request) -> Result<Response, ApiError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = handed_on(&parts.headers);
        if crate::app::shows_secret(parts.uri.path())
            && let Some(shown) = parts.headers.get(header::AUTHORIZATION)
        {
            headers.insert(header::AUTHORIZATION, shown.clone());
        }
        let actor = parts.extensions.get::<Actor>();
        let signed = (self.sign)(self.subgraph, &parts.extensions)?;
        headers.insert(self.header.clone(), signed);
        let body = OnTheWay::new(body);
        for index in self.replicas.order() {
            let address = self.replicas.address(index).unwrap_or_default();
            let sent = self
                .client
                .request(parts.method.clone(), format!("{address}{path}"))
                .headers(headers.clone())
                .body(reqwest::Body::wrap_stream(body.clone()))
                .send()
                .await;
            let error = match sent {
                Ok(answer) => {
                    let tenant = actor.map(|actor| actor.tenant);
                    self.heard.hear(self.subgraph, tenant, answer.headers());
                    return Ok(handed_back(answer));
                }
                Err(error) => error,
            };
            tracing::warn!(subgraph = self.subgraph, %error, "a REST request has no answer");
            if error.is_connect() {
                self.replicas.mark(index, false);
            }
            if body.was_taken() || !(error.is_connect() || parts.method.is_safe()) {
                break;
            }
        }
        Err(unavailable(self.subgraph))
    }
}

fn handed_back(answer: reqwest::Response) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = answer.status();
    *response.headers_mut() = handed_on(answer.headers());
    *response.body_mut() = Body::from_stream(answer.bytes_stream());
    response
}

/// The body of a request, of which the next attempt may begin where none has taken anything.
#[derive(Clone)]
struct OnTheWay {
    body: Arc<Mutex<BodyDataStream>>,
    taken: Arc<AtomicBool>,
}

impl OnTheWay {
    fn new(body: Body) -> Self {
        Self { body: Arc::new(Mutex::new(body.into_data_stream())), taken: Arc::default() }
    }

    /// Whether an attempt took anything.
    fn was_taken(&self) -> bool {
        self.taken.load(Relaxed)
    }
}

impl Stream for OnTheWay {
    type Item = Result<Bytes, axum::Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.body.lock().unwrap_or_else(PoisonError::into_inner);
        let next = Pin::new(&mut *body).poll_next(context);
        if let Poll::Ready(Some(_)) = next {
            self.taken.store(true, Relaxed);
        }
        next
    }
}

fn unavailable(subgraph: &str) -> ApiError {
    let message =
        format!("The {subgraph} service cannot be reached at present: try again shortly.");
    ApiError::new(Code::SubgraphUnavailable, message)
}

/// The client's token stays here: a signed statement takes its place.
fn handed_on(from: &HeaderMap) -> HeaderMap {
    let kept = end_to_end(from).filter(|(name, _)| *name != header::AUTHORIZATION);
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use axum::routing::any;

    use super::*;

    /// An address where nobody listens.
    fn nobody() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    async fn echo() -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let app = axum::Router::new().route("/v1/echo", any(|body: Bytes| async { body }));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        address
    }

    fn upstream(addresses: [String; 2]) -> Upstream {
        Upstream {
            subgraph: "documents",
            replicas: Replicas::new(addresses).unwrap(),
            client: reqwest::Client::new(),
            header: HeaderName::from_static("x-studio-caller"),
            sign: Arc::new(|_, _| Ok(HeaderValue::from_static("signed"))),
            heard: Arc::default(),
        }
    }

    fn upload() -> Request {
        let body = Body::from_stream(futures::stream::iter(["in ", "parts"].map(Ok::<_, String>)));
        Request::post("/v1/echo").body(body).unwrap()
    }

    #[tokio::test]
    async fn what_was_not_sent_goes_to_the_next_replica_whole() {
        let upstream = upstream([nobody(), echo().await]);
        for _ in 0..2 {
            let answer = upstream.forward(upload()).await.unwrap();
            let body = axum::body::to_bytes(answer.into_body(), 100).await.unwrap();
            assert_eq!(body, "in parts");
        }
        let away = self::upstream([nobody(), nobody()]);
        let error = away.forward(upload()).await.unwrap_err();
        assert_eq!(error.code(), Code::SubgraphUnavailable);
    }

    /// It may have been carried out.
    #[tokio::test]
    async fn what_was_sent_is_not_sent_again() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let breaks = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut bytes = [0; 4096];
                let _read = tokio::io::AsyncReadExt::read(&mut stream, &mut bytes).await;
            }
        });
        let upstream = upstream([breaks, echo().await]);
        let error = upstream.forward(upload()).await.unwrap_err();
        assert_eq!(error.code(), Code::SubgraphUnavailable);
    }

    #[test]
    fn headers_of_the_connection_and_the_token_stay_here() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer secret"),
            ("connection", "X-Own"),
            ("x-own", "1"),
            ("host", "studio.example"),
            ("content-type", "application/json"),
            ("content-encoding", "gzip"),
        ] {
            from.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        let kept = handed_on(&from);
        let mut names: Vec<_> = kept.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-encoding", "content-type"]);
    }
}
