//! Who asks: a directory, by its token (RFC 7644, section 2).

use axum::http::{HeaderMap, StatusCode, header};

use super::ScimError;
use crate::commands::{Core, Request, provision::Provisioner};

/// The directory whose token came with a request.
///
/// # Errors
/// 401, in the same words for every cause.
pub(super) async fn who(
    core: &Core,
    headers: &HeaderMap,
    request: Request,
) -> Result<Provisioner, ScimError> {
    let shown = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let token = shown.and_then(|value| value.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    if let Some((_, token)) = token
        && let Some(by) = core.provisioner(token.trim(), request).await?
    {
        return Ok(by);
    }
    studio_service::error::count_anonymous_refusal();
    Err(ScimError::status(
        StatusCode::UNAUTHORIZED,
        "Send the token of connectDirectory as \"Authorization: Bearer scm_…\": it was not copied whole, has \
         expired, or its directory was disconnected.",
    ))
}
