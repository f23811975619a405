//! GraphQL over HTTP (September 2026): answers a request in the form that its client accepts.

use super::{
    GRAPHQL_RESPONSE,
    accept::{ANSWERS, DEFERRED, Form, PAGES, STREAMS, negotiate},
    authenticate,
    envelope::{self, Refusal},
    failure, refused, request_id, status, stream, websocket, with_id,
};
use crate::{
    error::{GraphqlError, code},
    incremental::Format,
    plan::OperationKind,
    request::{GraphqlRequest, GraphqlResponse, RequestId},
    router::{Answer, Prepared, Router},
};
use axum::{
    body::Body,
    extract::{FromRequestParts, Request, State, WebSocketUpgrade},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use std::sync::Arc;

/// `GET /graphql`: a query in the address, the console for a browser, or a WebSocket.
pub(super) async fn get(State(router): State<Arc<Router>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if parts.headers.contains_key(header::UPGRADE) {
        let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &router).await;
        return websocket::upgrade(State(router), parts.uri, parts.headers, upgrade).await;
    }
    let id = request_id(&router, &parts.headers);
    let form = negotiate(&parts.headers, PAGES);
    let mut response = match &router.console {
        Some(console) if form == Some(Form::Html) => with_id(page(console.clone().into()), &id),
        _ => match envelope::from_address(&parts.uri) {
            Ok(request) => answer(router, request, &parts.headers, id, true).await,
            Err(Refusal(status, error)) => failure(status, error, &id),
        },
    };
    // One address has several answers, which a cache must not mistake for each other.
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept"));
    response
}

/// `POST /graphql`: JSON, or a document as `application/graphql`.
pub(super) async fn post(State(router): State<Arc<Router>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let id = request_id(&router, &parts.headers);
    match envelope::from_body(&parts, body, router.limits()).await {
        Ok(request) => answer(router, request, &parts.headers, id, false).await,
        Err(Refusal(status, error)) => {
            let mut response = failure(status, error, &id);
            if status == StatusCode::REQUEST_TIMEOUT {
                // The rest of the body is not waited for (RFC 9110, section 15.5.9).
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            response
        }
    }
}

fn page(console: Body) -> Response {
    let mut response = Response::new(console);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    response
}

async fn answer(
    router: Arc<Router>,
    request: GraphqlRequest,
    headers: &HeaderMap,
    id: RequestId,
    safe: bool,
) -> Response {
    let Some(form) = negotiate(headers, ANSWERS) else {
        let message = "accept application/graphql-response+json, application/json, text/event-stream, or multipart/mixed with incrementalSpec=v0.2, deferSpec=20220824 or subscriptionSpec=1.0";
        let error = GraphqlError::new(code::BAD_USER_INPUT, message);
        return failure(StatusCode::NOT_ACCEPTABLE, error, &id);
    };
    let caller = match authenticate(&router, headers, None, &id).await {
        Ok(caller) => caller,
        Err(error) => return refused(error, &id),
    };
    // How parts of an answer are sent, if the client would rather have them than all at once.
    let in_parts = || {
        negotiate(headers, DEFERRED).filter(|form| matches!(form, Form::Parts(_) | Form::Events))
    };
    let prepared = match router.prepare(request, caller, || in_parts().is_some()).await {
        Ok(prepared) => prepared,
        Err(errors) => {
            return with_id(whole(GraphqlResponse::request_errors(&errors), form), &id);
        }
    };
    if safe && prepared.kind() == OperationKind::Mutation {
        let error = GraphqlError::new(code::BAD_USER_INPUT, "a mutation must be sent by POST");
        let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, error, &id);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    if prepared.defers()
        && let Some(wanted) = in_parts()
    {
        return with_id(deferred(router, prepared, (wanted, form)).await, &id);
    }
    let follows = prepared.kind() == OperationKind::Subscription;
    let form = if follows { negotiate(headers, STREAMS) } else { Some(form) };
    let response = match form {
        Some(form) if form.is_stream() => {
            let stop = follows.then(|| router.stop.clone());
            match router.stream(prepared).await {
                Ok(answers) => stream::many(answers, form, stop),
                Err(refused) => stream::one(refused.body, form),
            }
        }
        Some(form) => {
            let caller = prepared.caller.clone();
            let mut response = encode(router.run(prepared).await, form);
            router.authenticate.answer_headers(&caller, response.headers_mut());
            response
        }
        None => {
            let message =
                "a subscription needs a stream: accept text/event-stream, or use a WebSocket";
            let error = GraphqlError::new(code::BAD_USER_INPUT, message);
            return failure(StatusCode::NOT_ACCEPTABLE, error, &id);
        }
    };
    with_id(response, &id)
}

/// The answer to an operation that defers, in the form that is wanted of it; where nothing came of what
/// is deferred, in the form of other answers.
async fn deferred(
    router: Arc<Router>,
    prepared: Prepared,
    (wanted, other): (Form, Form),
) -> Response {
    let caller = prepared.caller.clone();
    let format = match wanted {
        Form::Parts(format) => format,
        _ => Format::Current,
    };
    let mut response = match router.clone().answer_in_parts(prepared, format).await {
        Answer::Parts(all) => stream::many(all, wanted, None),
        Answer::Whole(answer) => whole(answer, other),
    };
    router.authenticate.answer_headers(&caller, response.headers_mut());
    response
}

/// An answer that has all at once.
fn whole(answer: GraphqlResponse, form: Form) -> Response {
    match form.is_stream() {
        true => stream::one(answer.body, form),
        false => encode(answer, form),
    }
}

fn encode(answer: GraphqlResponse, form: Form) -> Response {
    let status = status::of(&answer);
    // An answer that says of itself that it is GraphQL is the only one of failure that a client can
    // tell from what a proxy makes up.
    let kind = match form {
        Form::Json if status.is_success() => "application/json; charset=utf-8",
        _ => GRAPHQL_RESPONSE,
    };
    let mut response = Response::new(Body::from(answer.body));
    status::set(&mut response, status);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
