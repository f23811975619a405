//! Streams of answers: graphql-sse's distinct connections mode, and multipart subscriptions.

use super::{accept::Form, parts};
use crate::router::Stop;
use axum::{body::Body, response::Response};
use bytes::{BufMut, Bytes, BytesMut};
use futures::{Stream, StreamExt, stream, stream::BoxStream};
use http::{HeaderValue, header};
use std::{convert::Infallible, time::Duration};
use tracing::Span;

/// Proxies close connections on which nothing moves.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// A stream of one answer.
pub(super) fn one(answer: Bytes, form: Form) -> Response {
    many(stream::once(async move { answer }).boxed(), form, None)
}

/// How answers stand in the body of a stream.
pub(super) struct Framing {
    /// Its `Content-Type`.
    pub(super) kind: &'static str,
    /// Before the first answer.
    pub(super) begin: &'static [u8],
    pub(super) frame: fn(&Bytes) -> Bytes,
    /// Says nothing new, and keeps the connection.
    pub(super) idle: Bytes,
    pub(super) end: &'static [u8],
}

/// A stream of answers, ended as the form demands: but not where `stop` has ended it, so that clients
/// take it as broken off, and subscribe again after what they have seen. Each answer is made within
/// the span that this is called in: the request's.
pub(super) fn many(answers: BoxStream<'static, Bytes>, form: Form, stop: Option<Stop>) -> Response {
    let Framing { kind, begin, frame, idle, end } = match form {
        Form::Multipart => Framing {
            kind: "multipart/mixed; boundary=\"graphql\"; subscriptionSpec=1.0",
            begin: DELIMITER,
            frame: payload,
            idle: part(HEAD, &[b"{}"]),
            end: END,
        },
        Form::Parts(format) => parts::framing(format),
        _ => Framing {
            kind: "text/event-stream; charset=utf-8",
            begin: b"",
            frame: event,
            idle: Bytes::from_static(b":\n\n"),
            end: b"event: complete\ndata:\n\n",
        },
    };
    let state = Some(within(Span::current(), answers));
    let body = stream::unfold(state, move |state| {
        let (idle, stop) = (idle.clone(), stop.clone());
        async move {
            let mut answers = state?;
            match tokio::time::timeout(KEEP_ALIVE, answers.next()).await {
                Ok(Some(answer)) => Some((frame(&answer), Some(answers))),
                Ok(None) if stop.is_some_and(|stop| stop.is_asked()) => None,
                Ok(None) => Some((Bytes::from_static(end), None)),
                Err(_) => Some((idle, Some(answers))),
            }
        }
    });
    let begin = (!begin.is_empty()).then_some(Bytes::from_static(begin));
    let body = stream::iter(begin).chain(body);
    let mut response = Response::new(Body::from_stream(body.map(Ok::<_, Infallible>)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// The same stream, polled within a span: what is logged on the way to an answer has the span's
/// request id, though the request's own future has ended when its answers are made.
pub(super) fn within<S: Stream + Unpin>(
    span: Span,
    mut stream: S,
) -> impl Stream<Item = S::Item> + Unpin {
    stream::poll_fn(move |context| {
        let _entered = span.enter();
        stream.poll_next_unpin(context)
    })
}

fn event(answer: &Bytes) -> Bytes {
    let mut out = BytesMut::with_capacity(answer.len() + 24);
    out.put_slice(b"event: next\ndata: ");
    out.put_slice(answer);
    out.put_slice(b"\n\n");
    out.freeze()
}

/// Between the parts (RFC 2046, section 5.1.1). It is sent right after each part and not with the
/// next one: until then a client does not know that the part has ended.
pub(super) const DELIMITER: &[u8] = b"\r\n--graphql";
/// After the last delimiter.
pub(super) const END: &[u8] = b"--\r\n";

const HEAD: &[u8] = b"\r\ncontent-type: application/json\r\n\r\n";

/// The part of an answer, in Apollo's multipart protocol for subscriptions. What has no data is no
/// answer to an event: the subscription has failed, which stands beside the payload.
fn payload(answer: &Bytes) -> Bytes {
    match answer.strip_prefix(b"{\"errors\":") {
        Some(errors) => part(HEAD, &[b"{\"payload\":null,\"errors\":", errors]),
        None => part(HEAD, &[b"{\"payload\":", answer, b"}"]),
    }
}

/// A part with the delimiter that ends it.
pub(super) fn part(head: &[u8], json: &[&[u8]]) -> Bytes {
    [&[head], json, &[DELIMITER]].concat().concat().into()
}
