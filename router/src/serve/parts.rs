//! The parts of one answer as `multipart/mixed` (RFC 2046, section 5.1; GraphQL over HTTP's proposal
//! "Incremental Delivery over HTTP").

use super::stream::{KEEP_ALIVE, within};
use crate::incremental::Format;
use axum::{body::Body, response::Response};
use bytes::{BufMut, Bytes, BytesMut};
use futures::{StreamExt, stream, stream::BoxStream};
use http::{HeaderValue, header};
use std::convert::Infallible;
use tracing::Span;

/// Before the first part; nobody has to wait for what follows a part to know that it is whole.
const BOUNDARY: &[u8] = b"\r\n--graphql";
const HEAD: &[u8] = b"\r\ncontent-type: application/json; charset=utf-8\r\n\r\n";
const END: &[u8] = b"--\r\n";

/// An answer in one part.
pub(super) fn one(answer: Bytes, format: Format) -> Response {
    many(stream::once(async move { answer }).boxed(), format)
}

/// The parts of an answer, as they come.
pub(super) fn many(parts: BoxStream<'static, Bytes>, format: Format) -> Response {
    let kind = match format {
        Format::Current => "multipart/mixed; boundary=\"graphql\"; incrementalSpec=v0.2",
        Format::Legacy => "multipart/mixed; boundary=\"graphql\"; deferSpec=20220824",
    };
    let state = Some((within(Span::current(), parts), true));
    let body = stream::unfold(state, |state| async move {
        let (mut parts, is_first) = state?;
        match tokio::time::timeout(KEEP_ALIVE, parts.next()).await {
            Ok(Some(part)) => Some((frame(&part, is_first), Some((parts, false)))),
            Ok(None) => Some((Bytes::from_static(END), None)),
            // Says nothing new, and keeps the connection.
            Err(_) => Some((frame(b"{\"hasNext\":true}", is_first), Some((parts, false)))),
        }
    });
    let mut response = Response::new(Body::from_stream(body.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// A part with the boundary that ends it: readers take a part as whole when they see what follows.
fn frame(part: &[u8], is_first: bool) -> Bytes {
    let mut out = BytesMut::with_capacity(part.len() + 2 * BOUNDARY.len() + HEAD.len());
    if is_first {
        out.put_slice(BOUNDARY);
    }
    out.put_slice(HEAD);
    out.put_slice(part);
    out.put_slice(BOUNDARY);
    out.freeze()
}
