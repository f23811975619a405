//! The HTTP surface: GraphQL, REST, the pages, the headers that make all of them safe to show, and
//! what is answered where there is nothing.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::Value;
use studio_events::EventStore;
use studio_identity::TokenVerifier;
use studio_kernel::Code;
use studio_service::{ApiError, RequestId, client_address::ClientAddress};

use crate::{
    assemble::Running,
    gateway,
    metrics::{self, Metrics},
    pages,
};

/// Everything that one process with all subgraphs answers.
pub(crate) fn whole(
    router: Arc<studio_router::Router>,
    subgraphs: &[Running],
    verifier: TokenVerifier,
    proxies: Option<u8>,
) -> Router {
    let rest =
        subgraphs.iter().fold(Router::new(), |rest, subgraph| rest.merge(subgraph.routes.clone()));
    for_clients(router, rest, verifier, logs(subgraphs), proxies)
}

/// What clients reach, behind so many proxies of the operator's: GraphQL, REST (`rest`, which finds the actor
/// in its requests), the pages.
pub(crate) fn for_clients(
    router: Arc<studio_router::Router>,
    rest: Router,
    verifier: TokenVerifier,
    logs: Logs,
    proxies: Option<u8>,
) -> Router {
    let rest = rest.layer(middleware::from_fn_with_state(verifier, authenticate));
    let openapi = studio_service::rest::openapi(described().map(|(_, described)| described));
    let app = Router::new()
        .merge(studio_router::serve::routes(router))
        .merge(rest)
        .merge(pages::routes())
        .route("/v1/openapi.json", get(move || async move { axum::Json(openapi) }));
    counted(app, logs)
        .layer(middleware::from_fn(harden))
        .layer(middleware::from_fn_with_state(Proxies(proxies), address))
}

/// The REST of each subgraph that has some, as it describes it.
pub(crate) fn described() -> [(&'static str, Value); 3] {
    [
        ("controls", studio_controls::openapi()),
        ("evidence", studio_evidence::openapi()),
        ("documents", studio_documents::openapi()),
    ]
}

/// The logs whose positions are told.
pub(crate) type Logs = Vec<(&'static str, EventStore)>;

/// The logs of these subgraphs.
pub(crate) fn logs(subgraphs: &[Running]) -> Logs {
    subgraphs.iter().map(|subgraph| (subgraph.name, subgraph.store.clone())).collect()
}

/// With `GET /metrics`, which counts what `app` answers, and with an answer to everything else.
pub(crate) fn counted(app: Router, logs: Logs) -> Router {
    let metrics = Metrics::new(logs);
    app.route("/metrics", get(metrics::show).with_state(metrics.clone()))
        .fallback(|| async { ApiError::no_such_path() })
        .method_not_allowed_fallback(|| async { ApiError::wrong_method() })
        .layer(middleware::from_fn_with_state(metrics, metrics::count))
}

/// How many proxies of the operator's stand in front.
#[derive(Clone, Copy)]
struct Proxies(Option<u8>);

/// Writes down which address a request comes from, where that is known.
async fn address(
    State(Proxies(proxies)): State<Proxies>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    ClientAddress::find(request.headers_mut(), peer.ip(), proxies);
    next.run(request).await
}

/// Puts the actor and the id into the request. A missing token is no fault here (a route may be public);
/// a wrong one is.
async fn authenticate(
    State(verifier): State<TokenVerifier>,
    mut request: Request,
    next: Next,
) -> Response {
    let id =
        request.extensions().get().map(|studio_router::RequestId(id)| RequestId(id.to_string()));
    // Programs show their id and secret there (RFC 6749, section 2.3.1): that is no bearer token.
    let shows_secret = request.uri().path().starts_with(OAUTH);
    if let Some(value) = request.headers().get(header::AUTHORIZATION).filter(|_| !shows_secret) {
        match gateway::bearer(&verifier, value.to_str().unwrap_or("")).await {
            Ok(actor) => {
                let actor = actor.within(id.as_ref().and_then(RequestId::id));
                request.extensions_mut().insert(actor);
            }
            Err(message) => return ApiError::new(Code::Unauthenticated, message).into_response(),
        }
    }
    if let Some(id) = id {
        request.extensions_mut().insert(id);
    }
    next.run(request).await
}

/// What the paths begin with at which programs get tokens.
pub(crate) const OAUTH: &str = "/oauth2/";

/// Headers that stop a browser from doing what nobody meant (OWASP Secure Headers).
async fn harden(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

const HEADERS: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];
