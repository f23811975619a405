//! Hands REST requests on to the subgraph that serves their path, with a signed statement of who
//! asks in the place of the client's token. Bodies stream through in both directions; they are not
//! kept, so a request is sent once.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
    routing::any,
};
use studio_kernel::{Actor, Code};
use studio_router::transport::Replicas;
use studio_service::{ApiError, RequestId};

/// Headers of the connection itself (RFC 9110, section 7.6.1), and those that this hop makes anew.
const NOT_FORWARDED: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::HOST,
    header::AUTHORIZATION,
];

/// Signs who asks, for a subgraph.
pub(super) type Sign = dyn Fn(&'static str, Option<&Actor>, Option<&RequestId>) -> Result<HeaderValue, ApiError>
    + Send
    + Sync;

/// A subgraph that serves REST paths.
pub(super) struct Upstream {
    pub(super) subgraph: &'static str,
    pub(super) replicas: Arc<Replicas>,
    pub(super) client: reqwest::Client,
    pub(super) header: HeaderName,
    pub(super) sign: Arc<Sign>,
}

/// Routes these paths (in the notation of OpenAPI, which is axum's) to the subgraph.
pub(super) fn routes(upstream: Upstream, paths: impl IntoIterator<Item = String>) -> axum::Router {
    let upstream = Arc::new(upstream);
    paths
        .into_iter()
        .fold(axum::Router::new(), |router, path| router.route(&path, any(forward)))
        .with_state(upstream)
}

async fn forward(State(upstream): State<Arc<Upstream>>, request: Request) -> Response {
    upstream.forward(request).await.unwrap_or_else(IntoResponse::into_response)
}

impl Upstream {
    async fn forward(&self, request: Request) -> Result<Response, ApiError> {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = without_hop_headers(&parts.headers);
        let signed = (self.sign)(
            self.subgraph,
            parts.extensions.get::<Actor>(),
            parts.extensions.get::<RequestId>(),
        )?;
        headers.insert(self.header.clone(), signed);
        let index = self.replicas.order().into_iter().next().unwrap_or_default();
        let address = self.replicas.address(index).unwrap_or_default();
        let sent = self
            .client
            .request(parts.method, format!("{address}{path}"))
            .headers(headers)
            .body(reqwest::Body::wrap_stream(body.into_data_stream()))
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => {
                if error.is_connect() {
                    self.replicas.mark(index, false);
                }
                tracing::warn!(subgraph = self.subgraph, %error, "a REST request has no answer");
                return Err(unavailable(self.subgraph));
            }
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = answer.status();
        *response.headers_mut() = without_hop_headers(answer.headers());
        *response.body_mut() = Body::from_stream(answer.bytes_stream());
        Ok(response)
    }
}

fn unavailable(subgraph: &str) -> ApiError {
    let message =
        format!("The {subgraph} service cannot be reached at present: try again shortly.");
    ApiError::new(Code::SubgraphUnavailable, message)
}

fn without_hop_headers(from: &HeaderMap) -> HeaderMap {
    let listed: Vec<String> = from
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .collect();
    let mut kept = HeaderMap::with_capacity(from.len());
    for (name, value) in from {
        if !NOT_FORWARDED.contains(name) && !listed.iter().any(|hop| hop == name.as_str()) {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let kept = without_hop_headers(&from);
        let mut names: Vec<_> = kept.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-encoding", "content-type"]);
    }
}
