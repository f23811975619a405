//! Reads server-sent events (WHATWG HTML, section 9.2) as graphql-sse's distinct connections mode
//! uses them: `next` with an answer, then `complete`.

use super::{SubgraphResponse, TransportError, http_subgraph::error_chain, http1::AnswerBody};
use bytes::{Buf, Bytes, BytesMut};
use futures::{Stream, stream};
use http_body_util::BodyExt;

/// One event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    name: String,
    data: Bytes,
}

/// Takes events out of a growing buffer.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    buffer: BytesMut,
    /// Up to here no line ends.
    searched: usize,
    name: String,
    data: BytesMut,
    has_data: bool,
}

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    fn size(&self) -> usize {
        self.buffer.len() + self.data.len()
    }

    fn line(&mut self) -> Option<Bytes> {
        let end = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.searched = self.buffer.len();
            return None;
        };
        let mut line = self.buffer.split_to(self.searched + end).freeze();
        self.buffer.advance(1);
        self.searched = 0;
        if line.last() == Some(&b'\r') {
            line.truncate(line.len() - 1);
        }
        Some(line)
    }

    pub(super) fn next(&mut self) -> Option<Event> {
        while let Some(line) = self.line() {
            if line.is_empty() {
                let name = std::mem::take(&mut self.name);
                let data = self.data.split().freeze();
                if std::mem::take(&mut self.has_data) || !name.is_empty() {
                    return Some(Event { name, data });
                }
                continue;
            }
            let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
            let value = line.get(colon + 1..).unwrap_or_default();
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &line[..colon] {
                b"event" => self.name = String::from_utf8_lossy(value).into_owned(),
                b"data" => {
                    if std::mem::replace(&mut self.has_data, true) {
                        self.data.extend_from_slice(b"\n");
                    }
                    self.data.extend_from_slice(value);
                }
                _ => {}
            }
        }
        None
    }
}

/// The answers in a body of events. Ends with `complete`; a body that ends without it is an error.
pub(super) fn events(
    body: AnswerBody,
    limit: usize,
) -> impl Stream<Item = Result<SubgraphResponse, TransportError>> + Send {
    struct State {
        body: AnswerBody,
        decoder: Decoder,
    }
    let state = Some(State { body, decoder: Decoder::default() });
    stream::unfold(state, move |state| async move {
        let mut state = state?;
        loop {
            while let Some(event) = state.decoder.next() {
                match event.name.as_str() {
                    "next" => return Some((Ok(SubgraphResponse::Json(event.data)), Some(state))),
                    "complete" => return None,
                    _ => {}
                }
            }
            if state.decoder.size() > limit {
                return Some((Err(TransportError::TooLarge(limit)), None));
            }
            match state.body.frame().await {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        state.decoder.push(data);
                    }
                }
                Some(Err(error)) => {
                    return Some((Err(TransportError::Connection(error_chain(&error))), None));
                }
                None => {
                    let message = "the stream of events ended without `complete`".to_owned();
                    return Some((Err(TransportError::Connection(message)), None));
                }
            }
        }
    })
}

/// The events of a stream that comes in so many chunks, for tests and fuzzing.
pub fn decoded(chunks: &[&[u8]]) -> Vec<(String, Bytes)> {
    let mut decoder = Decoder::default();
    let mut all = Vec::new();
    for chunk in chunks {
        decoder.push(chunk);
        while let Some(event) = decoder.next() {
            all.push((event.name, event.data));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &[u8] =
        b":hi\r\n\r\nevent: next\ndata: {\"a\":1,\ndata:  \"b\":2}\n\nid: 7\nevent: complete\ndata:\n\nevent: next\ndata: cut";

    #[test]
    fn events_are_read() {
        let expected = vec![
            ("next".to_owned(), Bytes::from("{\"a\":1,\n \"b\":2}")),
            ("complete".to_owned(), Bytes::new()),
        ];
        assert_eq!(decoded(&[STREAM]), expected);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_a_stream_is_cut(cut in 0..STREAM.len(), second in 0..STREAM.len()) {
            let (low, high) = (cut.min(second), cut.max(second));
            let cut = decoded(&[&STREAM[..low], &STREAM[low..high], &STREAM[high..]]);
            prop_assert_eq!(cut, decoded(&[STREAM]));
        }
    }
}
