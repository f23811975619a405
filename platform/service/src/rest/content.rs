//! Kept bytes as an answer: exactly those whose SHA-256 is on record, so that whoever fetches them
//! can check the hash. They are somebody's upload: a browser is told to save them, never to show or
//! to sniff them.

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::TryStreamExt;
use studio_kernel::Code;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;

use crate::error::ApiError;

/// Bytes read from the store at a time.
const CHUNK: usize = 64 * 1024;

/// What is said of kept bytes.
#[derive(Debug, Clone, Copy)]
pub struct Kept<'a> {
    /// Their SHA-256, 64 lower-case hexadecimal digits.
    pub sha256: &'a str,
    /// How many they are.
    pub size: i64,
    /// Their media type.
    pub media_type: &'a str,
    /// The name to save them under.
    pub name: &'a str,
}

/// The number of a version, as it stands in a path.
///
/// # Errors
/// `BAD_REQUEST` where it is none.
pub fn version_number(text: &str) -> Result<u32, ApiError> {
    let wrong = "The number of a version is a whole number from 1.";
    text.parse().map_err(|_| ApiError::new(Code::BadRequest, wrong))
}

/// The answer to a client that says by `If-None-Match` that it holds these bytes already.
///
/// # Errors
/// Where the hash is none.
pub fn unchanged(headers: &HeaderMap, sha256: &str) -> Result<Option<Response>, ApiError> {
    if !is_known(headers, &etag(sha256)) {
        return Ok(None);
    }
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    secure(&mut response, sha256)?;
    Ok(Some(response))
}

/// The bytes, as an attachment that streams.
///
/// # Errors
/// Where what is said of them cannot stand in a header.
pub fn attachment(
    kept: &Kept<'_>,
    reader: impl AsyncRead + Send + 'static,
) -> Result<Response, ApiError> {
    let sha256 = kept.sha256.to_owned();
    let stream = ReaderStream::with_capacity(reader, CHUNK).inspect_err(move |error| {
        // The client sees a body that breaks off: its head was sent long before.
        tracing::error!(sha256, %error, "kept bytes cannot be read to their end");
    });
    let mut response = Body::from_stream(stream).into_response();
    set(&mut response, header::CONTENT_LENGTH, &kept.size.to_string())?;
    set(&mut response, header::CONTENT_TYPE, kept.media_type)?;
    set(&mut response, header::CONTENT_DISPOSITION, &disposition(kept.name))?;
    set(&mut response, header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")?;
    secure(&mut response, kept.sha256)?;
    Ok(response)
}

fn secure(response: &mut Response, sha256: &str) -> Result<(), ApiError> {
    set(response, header::ETAG, &etag(sha256))?;
    set(response, header::X_CONTENT_TYPE_OPTIONS, "nosniff")?;
    // Whoever is signed out must not find it in a cache.
    set(response, header::CACHE_CONTROL, "private, no-cache")
}

fn set(response: &mut Response, name: HeaderName, value: &str) -> Result<(), ApiError> {
    let value = HeaderValue::from_str(value).map_err(ApiError::internal)?;
    response.headers_mut().insert(name, value);
    Ok(())
}

fn etag(sha256: &str) -> String {
    format!("\"{sha256}\"")
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
fn disposition(name: &str) -> String {
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
            disposition("Über \"x\".md"),
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
