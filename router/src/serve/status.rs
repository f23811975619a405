//! The status of an answer (GraphQL over HTTP, September 2026, section "Status Codes").

use crate::{error::code, request::GraphqlResponse};
use axum::response::Response;
use http::StatusCode;
use hyper::ext::ReasonPhrase;

/// There are both `data` and `errors`. The number is of that specification and in no registry:
/// whoever does not know it takes it as 200 (RFC 9110, section 15).
const PARTIAL_SUCCESS: StatusCode = match StatusCode::from_u16(294) {
    Ok(status) => status,
    Err(_) => panic!("294 is a number of three digits"),
};

/// Sets a status with the phrase that HTTP/1.1 says beside its number.
pub(super) fn set(response: &mut Response, status: StatusCode) {
    *response.status_mut() = status;
    if status == PARTIAL_SUCCESS {
        response.extensions_mut().insert(ReasonPhrase::from_static(b"Partial Success"));
    }
}

/// The status of a complete answer. The code of its first error says why there is no `data`.
pub(super) fn of(answer: &GraphqlResponse) -> StatusCode {
    if !answer.request_error {
        return if answer.has_errors { PARTIAL_SUCCESS } else { StatusCode::OK };
    }
    match answer.code.as_deref() {
        Some(code::UNAUTHENTICATED) => StatusCode::UNAUTHORIZED,
        Some(code::FORBIDDEN) => StatusCode::FORBIDDEN,
        Some(code::PARSE_FAILED) => StatusCode::BAD_REQUEST,
        Some(code::INTERNAL) => StatusCode::INTERNAL_SERVER_ERROR,
        Some(code::TIMEOUT) => StatusCode::GATEWAY_TIMEOUT,
        // The document does not validate or is over a limit, the operation is not in it, or the
        // variables do not fit.
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::GraphqlError;
    use bytes::Bytes;

    #[test]
    fn what_was_executed_is_a_success() {
        let executed = |has_errors, code: Option<&str>| GraphqlResponse {
            body: Bytes::new(),
            has_errors,
            request_error: false,
            code: code.map(str::to_owned),
        };
        assert_eq!(of(&executed(false, None)), 200);
        for code in [None, Some(code::UNAUTHENTICATED), Some(code::INTERNAL), Some("OTHER")] {
            assert_eq!(of(&executed(true, code)), 294, "{code:?}");
        }
    }

    #[test]
    fn what_was_not_executed_says_whose_fault_it_is() {
        for (code, status) in [
            (code::UNAUTHENTICATED, 401),
            (code::FORBIDDEN, 403),
            (code::PARSE_FAILED, 400),
            (code::VALIDATION_FAILED, 422),
            (code::BAD_USER_INPUT, 422),
            (code::QUERY_TOO_COSTLY, 422),
            (code::INTERNAL, 500),
            (code::TIMEOUT, 504),
        ] {
            let refused = GraphqlResponse::request_errors(&[GraphqlError::new(code, "no")]);
            assert_eq!(of(&refused), status, "{code}");
        }
    }
}
