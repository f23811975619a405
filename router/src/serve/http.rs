//! GraphQL over HTTP: reads the request, refuses what a browser could be tricked into sending, and
//! encodes the answer.

use super::{
    accept::{Form, negotiate},
    authenticate, failure, refused, request_id, stream, websocket, with_id,
};
use crate::{
    error::{GraphqlError, code},
    plan::OperationKind,
    request::{GraphqlRequest, GraphqlResponse, RequestId},
    router::Router,
};
use axum::{
    body::Body,
    extract::{FromRequestParts, Request, State, WebSocketUpgrade},
    response::Response,
};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::sync::Arc;

/// `GET /graphql`: a query in the address, the console for a browser, or a WebSocket.
pub(super) async fn get(State(router): State<Arc<Router>>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if parts.headers.contains_key(header::UPGRADE) {
        return match WebSocketUpgrade::from_request_parts(&mut parts, &router).await {
            Ok(upgrade) => {
                websocket::upgrade(State(router), parts.uri, parts.headers, upgrade).await
            }
            Err(rejection) => axum::response::IntoResponse::into_response(rejection),
        };
    }
    let id = request_id(&router, &parts.headers);
    let form = negotiate(&parts.headers, true);
    if form == Some(Form::Html)
        && let Some(console) = &router.console
    {
        let mut response = Response::new(Body::from(console.clone()));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        return with_id(response, &id);
    }
    match from_address(&parts.uri) {
        Ok(request) => answer(router, request, &parts.headers, id, true).await,
        Err(error) => failure(StatusCode::BAD_REQUEST, error, &id),
    }
}

/// `POST /graphql`: JSON, or a document as `application/graphql`.
pub(super) async fn post(State(router): State<Arc<Router>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let id = request_id(&router, &parts.headers);
    let kind = match content_type(&parts.headers) {
        Ok(kind) => kind,
        Err(error) => return failure(StatusCode::UNSUPPORTED_MEDIA_TYPE, error, &id),
    };
    let limit = router.limits().body_bytes;
    let body = match Limited::new(body, limit).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => {
            let message = format!("the body is larger than {limit} bytes; send less");
            let error = GraphqlError::new(code::TOO_LARGE, message);
            return failure(StatusCode::PAYLOAD_TOO_LARGE, error, &id);
        }
        Err(_) => {
            let error =
                GraphqlError::new(code::BAD_USER_INPUT, "the body could not be read to its end");
            return failure(StatusCode::BAD_REQUEST, error, &id);
        }
    };
    let request = match kind {
        Content::Json => GraphqlRequest::from_json(&body),
        Content::Document => from_document(&parts.uri, &body),
    };
    match request {
        Ok(request) => answer(router, request, &parts.headers, id, false).await,
        Err(error) => failure(StatusCode::BAD_REQUEST, error, &id),
    }
}

enum Content {
    Json,
    Document,
}

/// Form types and plain text are what a page of another origin can post without asking; they are
/// refused, so that no other page can act with a signed-in user's credentials.
fn content_type(headers: &HeaderMap) -> Result<Content, GraphqlError> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    let charset = parts.find_map(|part| part.strip_prefix("charset="));
    let utf8 = charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8");
    match kind {
        "application/json" | "application/graphql+json" if utf8 => Ok(Content::Json),
        "application/graphql" if utf8 => Ok(Content::Document),
        _ => Err(GraphqlError::new(
            code::BAD_USER_INPUT,
            "send Content-Type: application/json (or application/graphql) in UTF-8",
        )),
    }
}

/// The parameters of an address, decoded.
fn parameters(uri: &Uri) -> Result<Vec<(String, String)>, GraphqlError> {
    let bad =
        |_| GraphqlError::new(code::BAD_USER_INPUT, "the parameters of the address cannot be read");
    axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map(|query| query.0)
        .map_err(bad)
}

fn from_address(uri: &Uri) -> Result<GraphqlRequest, GraphqlError> {
    let mut fields = serde_json::Map::new();
    for (name, value) in parameters(uri)? {
        let value = match name.as_str() {
            "query" | "operationName" => value.into(),
            "variables" | "extensions" if value.is_empty() => continue,
            "variables" | "extensions" => serde_json::from_str(&value).map_err(|error| {
                GraphqlError::new(code::BAD_USER_INPUT, format!("\"{name}\" is not JSON ({error})"))
            })?,
            _ => continue,
        };
        fields.insert(name, value);
    }
    GraphqlRequest::from_value(fields.into())
}

fn from_document(uri: &Uri, body: &[u8]) -> Result<GraphqlRequest, GraphqlError> {
    let text = std::str::from_utf8(body)
        .map_err(|_| GraphqlError::new(code::BAD_USER_INPUT, "the document is not UTF-8"))?;
    let mut fields = serde_json::Map::new();
    for (name, value) in parameters(uri)? {
        let value = match name.as_str() {
            "operationName" => value.into(),
            "variables" => serde_json::from_str(&value).map_err(|error| {
                GraphqlError::new(
                    code::BAD_USER_INPUT,
                    format!("\"variables\" is not JSON ({error})"),
                )
            })?,
            _ => continue,
        };
        fields.insert(name, value);
    }
    fields.insert("query".to_owned(), text.into());
    GraphqlRequest::from_value(fields.into())
}

async fn answer(
    router: Arc<Router>,
    request: GraphqlRequest,
    headers: &HeaderMap,
    id: RequestId,
    safe: bool,
) -> Response {
    let Some(form) = negotiate(headers, false) else {
        let message = "accept application/graphql-response+json, application/json, text/event-stream or multipart/mixed";
        let error = GraphqlError::new(code::BAD_USER_INPUT, message);
        return failure(StatusCode::NOT_ACCEPTABLE, error, &id);
    };
    let caller = match authenticate(&router, headers, None, &id).await {
        Ok(caller) => caller,
        Err(error) => return refused(error, &id),
    };
    let prepared = match router.prepare(request, caller).await {
        Ok(prepared) => prepared,
        Err(errors) => {
            let refused = GraphqlResponse::request_errors(&errors);
            return match form {
                Form::Events | Form::Multipart => with_id(stream::one(refused.body, form), &id),
                _ => with_id(encode(refused, form), &id),
            };
        }
    };
    if safe && prepared.kind() == OperationKind::Mutation {
        let error = GraphqlError::new(code::BAD_USER_INPUT, "a mutation must be sent by POST");
        let mut response = failure(StatusCode::METHOD_NOT_ALLOWED, error, &id);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let response = match form {
        Form::Events | Form::Multipart => {
            let follows = prepared.kind() == OperationKind::Subscription;
            let stop = follows.then(|| router.stop.clone());
            match router.stream(prepared).await {
                Ok(answers) => stream::many(answers, form, stop),
                Err(refused) => stream::one(refused.body, form),
            }
        }
        _ if prepared.kind() == OperationKind::Subscription => {
            let message =
                "a subscription needs a stream: accept text/event-stream, or use a WebSocket";
            let error = GraphqlError::new(code::BAD_USER_INPUT, message);
            return failure(StatusCode::NOT_ACCEPTABLE, error, &id);
        }
        form => {
            let caller = prepared.caller.clone();
            let mut response = encode(router.run(prepared).await, form);
            router.authenticate.answer_headers(&caller, response.headers_mut());
            response
        }
    };
    with_id(response, &id)
}

fn encode(answer: GraphqlResponse, form: Form) -> Response {
    let (kind, status) = match form {
        Form::GraphqlResponse => {
            let status = match answer.code.as_deref() {
                _ if !answer.request_error => StatusCode::OK,
                Some(code::UNAUTHENTICATED) => StatusCode::UNAUTHORIZED,
                Some(code::FORBIDDEN) => StatusCode::FORBIDDEN,
                Some(code::INTERNAL) => StatusCode::INTERNAL_SERVER_ERROR,
                Some(code::TIMEOUT) => StatusCode::GATEWAY_TIMEOUT,
                _ => StatusCode::BAD_REQUEST,
            };
            ("application/graphql-response+json; charset=utf-8", status)
        }
        _ => ("application/json; charset=utf-8", StatusCode::OK),
    };
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}
