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
use studio_kernel::{Code, Network};
use studio_service::{
    ApiError, Config, RequestId,
    origin::{client_address, origin, tell_address},
};

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
    config: &Config,
) -> Router {
    let rest =
        subgraphs.iter().fold(Router::new(), |rest, subgraph| rest.merge(subgraph.routes.clone()));
    for_clients(router, rest, verifier, logs(subgraphs), config)
}

/// What clients reach, behind so many proxies of the operator's: GraphQL, REST (`rest`, which finds the actor
/// in its requests), the pages.
pub(crate) fn for_clients(
    router: Arc<studio_router::Router>,
    rest: Router,
    verifier: TokenVerifier,
    logs: Logs,
    config: &Config,
) -> Router {
    let rest = rest.layer(middleware::from_fn_with_state(verifier, authenticate));
    let openapi = studio_service::rest::openapi(described().map(|(_, described)| described));
    let app = Router::new()
        .merge(studio_router::serve::routes(router))
        .merge(rest)
        .merge(pages::routes())
        .route("/v1/openapi.json", get(move || async move { axum::Json(openapi) }));
    let trusted: Arc<[Network]> = config.trusted_proxies.clone().into();
    counted(app, logs)
        .layer(middleware::from_fn(harden))
        .layer(middleware::from_fn_with_state(trusted, tell_origin))
}

/// The REST of each subgraph that has some, as it describes it.
pub(crate) fn described() -> [(&'static str, Value); 4] {
    [
        ("identity", studio_identity::openapi()),
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

/// Puts the actor and the id into the request. A missing token is no fault here (a route may be public);
/// a wrong one is.
async fn authenticate(
    State(verifier): State<TokenVerifier>,
    mut request: Request,
    next: Next,
) -> Response {
    let id =
        request.extensions().get().map(|studio_router::RequestId(id)| RequestId(id.to_string()));
    let origin = origin(request.headers());
    let shows_secret = shows_secret(request.uri().path());
    if let Some(value) = request.headers().get(header::AUTHORIZATION).filter(|_| !shows_secret) {
        match gateway::bearer(&verifier, value.to_str().unwrap_or("")).await {
            Ok(actor) => {
                let actor = actor.within(id.as_ref().and_then(RequestId::id));
                let actor = actor.acting_from(origin.clone());
                request.extensions_mut().insert(actor);
            }
            Err(message) => return ApiError::new(Code::Unauthenticated, message).into_response(),
        }
    }
    if let Some(id) = id {
        request.extensions_mut().insert(id);
    }
    if let Some(origin) = origin {
        request.extensions_mut().insert(origin);
    }
    next.run(request).await
}

/// Says in the headers from which address the request came, which is nobody else's to say.
async fn tell_origin(
    State(trusted): State<Arc<[Network]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|peer| peer.0.ip());
    let address = peer.map(|peer| client_address(peer, request.headers(), &trusted));
    tell_address(request.headers_mut(), address);
    next.run(request).await
}

/// Whether `Authorization` holds no token of ours at a path: programs show their id and secret where they get
/// tokens (RFC 6749, section 2.3.1), and a directory shows a token that only identity knows.
pub(crate) fn shows_secret(path: &str) -> bool {
    ["/oauth2/", "/scim/"].iter().any(|start| path.starts_with(start))
}

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
