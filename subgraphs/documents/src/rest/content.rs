//! `GET /v1/documents/{id}/versions/{number}/content`: the bytes, exactly as they came. They are
//! someone's upload: a browser is told to save them, never to show or to sniff them.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use studio_kernel::{Actor, Code, Id, kind};
use studio_service::ApiError;
use studio_stores::blobs::ContentHash;
use tokio_util::io::ReaderStream;

use super::signed_in;
use crate::{commands::Documents, projections::documents};

/// Bytes read from the store at a time.
const CHUNK: usize = 64 * 1024;

pub(super) async fn content(
    State(documents): State<Arc<Documents>>,
    actor: Option<Extension<Actor>>,
    Path((id, number)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let actor = signed_in(actor)?;
    let tenant = documents.may_read(&actor)?.tenant();
    let id: Id<kind::Document> = id.parse()?;
    let number: u32 = number.parse().map_err(|_| {
        ApiError::new(Code::BadRequest, "The number of a version is a whole number from 1.")
    })?;
    let document = documents::one(&documents.store, tenant, id).await?;
    let document = document.ok_or_else(|| ApiError::not_found("document", id))?;
    let version = documents::version_by_number(&documents.store, tenant, id, number).await?;
    let version = version.ok_or_else(|| ApiError::not_found("version", number))?;

    let etag = format!("\"{}\"", version.sha256);
    let mut response = if is_known(&headers, &etag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let name: ContentHash = version.sha256.parse().map_err(ApiError::internal)?;
        let reader = documents.blobs.open(tenant, name).await?;
        let stream = ReaderStream::with_capacity(reader, CHUNK);
        let mut response = Body::from_stream(stream).into_response();
        set(&mut response, header::CONTENT_LENGTH, &version.size.to_string())?;
        set(&mut response, header::CONTENT_TYPE, &version.media_type)?;
        set(&mut response, header::CONTENT_DISPOSITION, &attachment(&document.name))?;
        set(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")?;
        response
    };
    set(&mut response, header::ETAG, &etag)?;
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff")?;
    // Whoever is signed out must not find it in a cache.
    set(&mut response, header::CACHE_CONTROL, "private, no-cache")?;
    Ok(response)
}

fn set(response: &mut Response, name: HeaderName, value: &str) -> Result<(), ApiError> {
    let value = HeaderValue::from_str(value).map_err(ApiError::internal)?;
    response.headers_mut().insert(name, value);
    Ok(())
}

/// Whether the client holds these bytes already (RFC 9110, section 13.1.2).
fn is_known(headers: &HeaderMap, etag: &str) -> bool {
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}

/// `Content-Disposition` for saving under a name (RFC 6266): as ASCII for old clients, and as
/// UTF-8 (RFC 8187).
fn attachment(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if (c.is_ascii_graphic() || c == ' ') && !"\"\\%".contains(c) { c } else { '_' })
        .collect();
    let mut encoded = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_survive_the_header() {
        assert_eq!(
            attachment("Über \"x\".md"),
            "attachment; filename=\"_ber _x_.md\"; filename*=UTF-8''%C3%9Cber%20%22x%22.md"
        );
    }

    #[test]
    fn any_of_the_tags_will_do() {
        let mut headers = HeaderMap::new();
        assert!(!is_known(&headers, "\"a\""));
        headers.insert(header::IF_NONE_MATCH, HeaderValue::from_static("\"b\", W/\"a\""));
        assert!(is_known(&headers, "\"a\""));
        assert!(!is_known(&headers, "\"c\""));
    }
}
