//! Subscriptions over Server-Sent Events: the graphql-sse protocol in distinct connections mode,
//! read by the event-stream rules of the HTML Living Standard (section 9.2.6).

use std::collections::VecDeque;

use bytes::Bytes;
use futures::{Stream, StreamExt, stream, stream::BoxStream};
use reqwest::header::ACCEPT;
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    client::{Answer, Client},
    error::Error,
};

/// Most bytes of an event: a server that never ends one must not fill the memory.
const LONGEST: usize = 64 * 1024 * 1024;

pub(crate) async fn subscribe<D: DeserializeOwned + Send + 'static>(
    client: &Client,
    body: &impl Serialize,
) -> Result<BoxStream<'static, Result<D, Error>>, Error> {
    let response = client
        .http
        .post(format!("{}/graphql", client.url()))
        .headers(client.headers())
        .header(ACCEPT, "text/event-stream")
        .json(body)
        .send()
        .await
        .map_err(|source| client.unreachable(source))?;
    let is_stream = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    if !is_stream {
        let bytes = response.bytes().await.map_err(|source| client.unreachable(source))?;
        let refused = serde_json::from_slice::<Answer<serde_json::Value>>(&bytes)
            .map_err(|error| Error::Answer(error.to_string()))?;
        return Err(refused
            .into_result()
            .err()
            .unwrap_or_else(|| Error::Answer("an answer in place of a stream".to_owned())));
    }
    let chunks = response.bytes_stream().map(|chunk| chunk.map_err(|e| e.to_string())).boxed();
    let reader = Reader { chunks, parser: Parser::default(), ended: false };
    Ok(stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((event.and_then(|data| read(&data)), reader))
    })
    .boxed())
}

fn read<D: DeserializeOwned>(data: &str) -> Result<D, Error> {
    serde_json::from_str::<Answer<D>>(data)
        .map_err(|error| Error::Answer(error.to_string()))?
        .into_result()
}

struct Reader<S> {
    chunks: S,
    parser: Parser,
    ended: bool,
}

impl<S: Stream<Item = Result<Bytes, String>> + Unpin> Reader<S> {
    /// The data of the next `next` event; `None` after `complete`.
    async fn next(&mut self) -> Option<Result<String, Error>> {
        loop {
            while let Some((name, data)) = self.parser.events.pop_front() {
                match name.as_str() {
                    "next" => return Some(Ok(data)),
                    "complete" => {
                        self.ended = true;
                        return None;
                    }
                    // Other names are for other readers.
                    _ => {}
                }
            }
            if self.ended {
                return None;
            }
            let problem = match self.chunks.next().await {
                Some(Ok(chunk)) => match self.parser.take(&chunk) {
                    Ok(()) => continue,
                    Err(problem) => problem,
                },
                Some(Err(problem)) => problem,
                None => "the server closed the connection".to_owned(),
            };
            self.ended = true;
            return Some(Err(Error::Broken(problem)));
        }
    }
}

/// Splits bytes into events of a name and data.
#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    after_return: bool,
    name: String,
    data: String,
    events: VecDeque<(String, String)>,
}

impl Parser {
    fn take(&mut self, chunk: &[u8]) -> Result<(), String> {
        for &byte in chunk {
            let second_of_pair = byte == b'\n' && self.after_return;
            self.after_return = byte == b'\r';
            match byte {
                b'\n' if second_of_pair => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    self.end_line(&String::from_utf8_lossy(&line));
                }
                _ if self.line.len() + self.data.len() >= LONGEST => {
                    return Err(format!("an event of more than {LONGEST} bytes"));
                }
                _ => self.line.push(byte),
            }
        }
        Ok(())
    }

    fn end_line(&mut self, line: &str) {
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            let mut data = std::mem::take(&mut self.data);
            if data.ends_with('\n') {
                data.pop();
            }
            if !name.is_empty() {
                self.events.push_back((name, data));
            }
            return;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            // A comment (the server's heartbeat), `id` or `retry`: nothing to keep.
            _ => {}
        }
    }
}

/// The events of a stream that arrives in these pieces: open to the fuzz targets.
#[doc(hidden)]
pub fn events(chunks: &[&[u8]]) -> Result<Vec<(String, String)>, String> {
    let mut parser = Parser::default();
    chunks.iter().try_for_each(|chunk| parser.take(chunk))?;
    Ok(parser.events.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&str]) -> Vec<(String, String)> {
        let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
        super::events(&chunks).unwrap()
    }

    #[test]
    fn an_event_without_an_end_is_refused_and_not_kept() {
        let line = format!("data: {}\n", "x".repeat(1 << 20));
        let mut parser = Parser::default();
        let refused = (0..100).find_map(|_| parser.take(line.as_bytes()).err());
        assert!(refused.is_some_and(|reason| reason.contains("more than")));
        assert!(parser.data.len() <= LONGEST);
    }

    #[test]
    fn events_survive_any_cut_and_line_ending() {
        let text = ":\n\nevent: next\r\ndata: {\"a\":1}\r\n\r\nevent:complete\ndata:\n\n";
        let whole = events(&[text]);
        assert_eq!(whole[0], ("next".to_owned(), "{\"a\":1}".to_owned()));
        assert_eq!(whole[1], ("complete".to_owned(), String::new()));
        for cut in 1..text.len() {
            assert_eq!(events(&[&text[..cut], &text[cut..]]), whole, "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_an_error_and_a_completed_one_is_not() {
        let chunk = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
        for (text, broken) in [("event: next\ndata: 1\n\n", true), ("event: complete\n\n", false)] {
            let mut reader = Reader {
                chunks: stream::iter([chunk(text)]),
                parser: Parser::default(),
                ended: false,
            };
            let mut last = None;
            while let Some(event) = reader.next().await {
                last = Some(event);
            }
            assert_eq!(matches!(last, Some(Err(Error::Broken(_)))), broken);
        }
    }
}
